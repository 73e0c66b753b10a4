//! What is spoken on one connection until it ends, or is a WebSocket: TLS, then HTTP/1.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::Service as _;
use tracing::debug;

use super::bodies::prompt;
use super::{Connection, Counters, Peer, Tls, detail};

/// How long the handshake of TLS may take.
const TLS_HANDSHAKE: Duration = Duration::from_secs(10);

/// How long the head of a request may take, from when it can begin on: so it also ends what is idle.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// Bytes of the head of a request.
const HEAD_BYTES: usize = 16 << 10;

/// What holds for all connections of a listener.
#[derive(Debug)]
pub struct Terms {
    pub router: Router,
    pub tls: Option<Arc<Tls>>,
    pub is_local: bool,
    pub stall: Duration,
    pub patience: Duration,
    pub counters: Arc<Counters>,
}

/// One connection.
#[derive(Debug)]
pub struct Conversation {
    pub terms: Arc<Terms>,
    pub peer: Peer,
    /// Dropped when it is over: that is how the listener knows.
    pub here: mpsc::Sender<()>,
    pub drain: watch::Receiver<bool>,
}

impl Conversation {
    /// Speaks until the connection ends, or is a WebSocket.
    pub async fn hold(self, stream: TcpStream, place: OwnedSemaphorePermit) {
        let Self { terms, peer, here, mut drain } = self;
        let shaken = tokio::select! {
            shaken = shake_hands(&terms, stream, place) => shaken,
            _ = drain.wait_for(|drain| *drain) => return,
        };
        let connection = match shaken {
            Ok(connection) => connection,
            Err(error) => {
                terms.counters.tls_has_failed();
                debug!(%error, peer = %peer.address, "no TLS came about");
                return;
            }
        };
        let patience = terms.patience;
        let service = service_fn(move |request| answer(Arc::clone(&terms), peer, request));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_header_size(HEAD_BYTES)
            .max_buf_size(2 * HEAD_BYTES);
        // On the heap, for it is large, and is to be gone when a WebSocket has come of it.
        let mut spoken = Box::pin(http.serve_connection(TokioIo::new(connection), service).with_upgrades());
        let ended = tokio::select! {
            ended = &mut spoken => Some(ended),
            _ = drain.wait_for(|drain| *drain) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                spoken.as_mut().graceful_shutdown();
                match timeout(patience, &mut spoken).await {
                    Ok(ended) => ended,
                    Err(_) => {
                        debug!(peer = %peer.address, "gave up a request that took too long to end");
                        Ok(())
                    }
                }
            }
        };
        if let Err(error) = ended {
            debug!(%error, peer = %peer.address, "the connection ended early");
        }
        drop(here);
    }
}

async fn shake_hands(terms: &Terms, stream: TcpStream, place: OwnedSemaphorePermit) -> io::Result<Connection> {
    let Some(tls) = &terms.tls else {
        return Ok(Connection::tcp(stream, terms.stall, place));
    };
    let shaken = timeout(TLS_HANDSHAKE, TlsAcceptor::from(tls.current()).accept(stream)).await;
    let stream = shaken.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long"))??;
    Ok(Connection::tls(stream, terms.stall, place))
}

async fn answer(terms: Arc<Terms>, peer: Peer, request: Request<Incoming>) -> Result<Response, Infallible> {
    if terms.is_local && !peer.address.ip().is_loopback() {
        let text = "This server serves only its own machine; start it without --local to serve others.";
        return Ok(detail(StatusCode::FORBIDDEN, text));
    }
    let mut request = request.map(prompt);
    request.extensions_mut().insert(peer);
    let mut router = terms.router.clone();
    drop(terms);
    router.call(request).await
}
