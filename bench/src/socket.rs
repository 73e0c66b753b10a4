//! A WebSocket that costs little on this side: small buffers, and frames that were made before.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Bytes of the buffer for reading.
const BUFFER: usize = 4 << 10;

/// How long the server may take to answer the handshake.
const PATIENCE: Duration = Duration::from_secs(30);

/// One address has about 28,000 ports to come from, and gets each back a minute after it was last used.
const ADDRESSES: u32 = 16;

/// A connection to `/ws`.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
}

/// What a connection is asked to be beside what it is by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Bytes that the kernel takes for it before the peer must wait.
    pub receive_buffer: Option<u32>,
}

impl Socket {
    /// Connects.
    pub async fn open(server: SocketAddr) -> Result<Self> {
        Self::open_with(server, Options::default()).await
    }

    /// Connects otherwise than by default.
    pub async fn open_with(server: SocketAddr, options: Options) -> Result<Self> {
        let handshake = async {
            let stream = connect(server, options).await?;
            let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
            let url = format!("ws://{server}/ws");
            anyhow::Ok(client_async_with_config(url, stream, Some(config)).await?.0)
        };
        let stream = timeout(PATIENCE, handshake).await.context("the server does not answer the handshake")??;
        Ok(Self { stream })
    }

    /// Sends a text frame.
    pub async fn send(&mut self, frame: Utf8Bytes) -> Result<()> {
        Ok(self.stream.send(Message::Text(frame)).await?)
    }

    /// Sends whatever is given, and closes nothing if the peer does not like it.
    pub async fn send_message(&mut self, message: Message) -> Result<()> {
        Ok(self.stream.send(message).await?)
    }

    /// The next text frame; none once the peer has closed. Pings are answered on the way. May be dropped and asked again.
    pub async fn next(&mut self) -> Result<Option<Utf8Bytes>> {
        loop {
            match self.stream.next().await.transpose()? {
                Some(Message::Text(text)) => return Ok(Some(text)),
                Some(Message::Binary(_)) => bail!("the server sends a binary frame"),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// The answer to what was sent.
    pub async fn answer(&mut self) -> Result<Utf8Bytes> {
        self.next().await?.context("the server has closed the connection")
    }

    /// Sends a frame and waits for the answer to it.
    pub async fn ask(&mut self, frame: Utf8Bytes) -> Result<Utf8Bytes> {
        self.send(frame).await?;
        self.answer().await
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // A peer that is gone hears no goodbye.
        let _ = timeout(Duration::from_secs(1), self.stream.close(None)).await;
    }

    /// Breaks off, as a machine does that loses its power.
    pub fn reset(self) {
        // Without it the end is an ordinary one, which is no less of an end.
        let _ = self.stream.get_ref().set_zero_linger();
    }
}

/// Connects from one loopback address after another.
pub async fn connect(server: SocketAddr, options: Options) -> Result<TcpStream> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = options.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    if server.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed) % ADDRESSES;
        let source = Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST) + number);
        socket.bind((source, 0).into())?;
    }
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
