//! The listener: accepts connections, no more than there is room for, until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::sleep;
use tracing::{debug, warn};

use super::conversation::{Conversation, Terms};
use super::seldom::Seldom;
use super::{Peer, Tls};
use crate::config::{ConnectionLimits, ServerConfig};

/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: u32 = 4096;

/// How long nothing is accepted after it failed for want of something: 5 ms, twice as long each time, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where the server listens.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    is_local: bool,
    places: Arc<Semaphore>,
    limit: usize,
    stall: Duration,
    tls: Option<Arc<Tls>>,
    counters: Arc<Counters>,
}

/// Why it cannot listen.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {}", advice(error))]
pub struct BindError {
    address: SocketAddr,
    #[source]
    error: io::Error,
}

/// What has happened at the door, for whoever watches the server.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    turned_away: AtomicU64,
    failed: AtomicU64,
    tls_failed: AtomicU64,
}

impl Counters {
    /// Connections that were accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Connections that were closed at once because there were too many.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// How often a connection could not be accepted.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Connections that did not get through the handshake of TLS.
    pub fn tls_failed(&self) -> u64 {
        self.tls_failed.load(Ordering::Relaxed)
    }

    pub(super) fn tls_has_failed(&self) {
        self.tls_failed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Listener {
    /// Takes the address and port. Connections wait there until [`Self::serve`] is called.
    pub fn bind(server: &ServerConfig, limits: &ConnectionLimits, tls: Option<Arc<Tls>>) -> Result<Self, BindError> {
        let wanted = SocketAddr::new(server.host, server.port);
        let (socket, address) = listen(wanted).map_err(|error| BindError { address: wanted, error })?;
        let limit = limits.connections.min(Semaphore::MAX_PERMITS);
        Ok(Self {
            socket,
            address,
            is_local: server.local,
            places: Arc::new(Semaphore::new(limit)),
            limit,
            stall: limits.write_stall,
            tls,
            counters: Arc::default(),
        })
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happens at it.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Serves until `drain` says `true` or its sender is gone. Then the port is free at once, requests that have begun are
    /// answered within `patience`, and it comes back. WebSockets are not waited for; their tasks hear of it themselves.
    pub async fn serve(self, router: Router, mut drain: watch::Receiver<bool>, patience: Duration) {
        let Self { socket, address, is_local, places, limit, stall, tls, counters } = self;
        let (here, mut all_gone) = mpsc::channel::<()>(1);
        let terms = Arc::new(Terms { router, tls, is_local, stall, patience, counters: Arc::clone(&counters) });
        let draining = drain.clone();
        let (mut full, mut failing, mut pause) = (Seldom::default(), Seldom::default(), None);
        loop {
            let accepted = tokio::select! {
                biased;
                _ = drain.wait_for(|drain| *drain) => break,
                accepted = accept(&socket, pause) => accepted,
            };
            let (stream, from) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    counters.failed.fetch_add(1, Ordering::Relaxed);
                    if is_of_the_peer(&error) {
                        continue;
                    }
                    if let Some(times) = failing.again() {
                        warn!(%error, times, "cannot accept connections; is the limit of open files (ulimit -n) too low?");
                    }
                    pause =
                        Some(pause.map_or(Duration::from_millis(5), |pause: Duration| pause * 2).min(LONGEST_PAUSE));
                    continue;
                }
            };
            pause = None;
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                counters.turned_away.fetch_add(1, Ordering::Relaxed);
                if let Some(times) = full.again() {
                    warn!(limit, times, "closed new connections at once, because there are as many as there may be");
                }
                continue;
            };
            counters.accepted.fetch_add(1, Ordering::Relaxed);
            let peer = peer(&stream, from, address, terms.tls.is_some());
            if let Err(error) = stream.set_nodelay(true) {
                debug!(%error, peer = %peer.address, "the connection was gone at once");
                continue;
            }
            let conversation =
                Conversation { terms: Arc::clone(&terms), peer, here: here.clone(), drain: draining.clone() };
            tokio::spawn(conversation.hold(stream, place));
        }
        drop((socket, here));
        // Each conversation keeps to the patience by itself.
        all_gone.recv().await;
    }
}

fn listen(wanted: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if wanted.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a server that is started again gets its port back. On Windows it would mean something else.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(wanted)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn accept(socket: &TcpListener, pause: Option<Duration>) -> io::Result<(TcpStream, SocketAddr)> {
    if let Some(pause) = pause {
        sleep(pause).await;
    }
    socket.accept().await
}

/// Some connections are gone before they are accepted. That is no reason to pause.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn peer(stream: &TcpStream, from: SocketAddr, listening: SocketAddr, is_tls: bool) -> Peer {
    // An IPv4 address may come in the clothes of IPv6.
    let address = SocketAddr::new(from.ip().to_canonical(), from.port());
    let is_here = |address: SocketAddr| address.ip().to_canonical().is_loopback();
    let is_loopback = is_here(from) && is_here(listening) && stream.local_addr().is_ok_and(is_here);
    Peer { address, is_loopback, is_tls }
}

fn advice(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use; stop what listens there, or choose another with --port".into(),
        io::ErrorKind::PermissionDenied => {
            format!("{error}; ports below 1024 are not for everybody, choose another with --port")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{error}; the address is not one of this machine, choose another with --host")
        }
        _ => error.to_string(),
    }
}
