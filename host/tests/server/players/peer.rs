//! One socket: exact frames out, strictly read frames in.

use std::net::SocketAddr;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::strict;
use crate::stage::{PATIENCE, within};

/// The largest message that clients read.
const LARGEST: usize = 100 << 20;

type Socket = WebSocketStream<TcpStream>;

/// What came on the socket.
#[derive(Debug)]
enum Heard {
    Frame(Value),
    Closed(Option<u16>),
}

/// One socket. It answers pings in the background as long as it is not frozen.
pub struct Peer {
    out: SplitSink<Socket, Message>,
    heard: mpsc::UnboundedReceiver<Heard>,
    pings: watch::Receiver<usize>,
    frozen: watch::Sender<bool>,
    reader: JoinHandle<()>,
}

impl Peer {
    /// Connects; `query` is what stands after `/ws`. An error is the HTTP status that the handshake was refused with.
    pub async fn connect(address: SocketAddr, query: &str) -> Result<Self, u16> {
        let request = format!("ws://{address}/ws{query}").into_client_request().unwrap();
        Self::connect_with(address, request).await
    }

    /// Connects with a request of one's own, such as one with a key in its header.
    pub async fn connect_with(address: SocketAddr, request: Request<()>) -> Result<Self, u16> {
        let stream = within("a connection", TcpStream::connect(address)).await.unwrap();
        Self::over(stream, request).await
    }

    /// Connects through a window so small that little fits into it unread.
    pub async fn connect_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = within("a connection", socket.connect(address)).await.unwrap();
        let request = format!("ws://{address}/ws").into_client_request().unwrap();
        Self::over(stream, request).await.unwrap()
    }

    async fn over(stream: TcpStream, request: Request<()>) -> Result<Self, u16> {
        let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        let handshake = within("the handshake", client_async_with_config(request, stream, Some(config))).await;
        let socket = match handshake {
            Ok((socket, _)) => socket,
            Err(Error::Http(response)) => return Err(response.status().as_u16()),
            Err(error) => panic!("the handshake fails: {error}"),
        };
        let (out, incoming) = socket.split();
        let (tell, heard) = mpsc::unbounded_channel();
        let (counted, pings) = watch::channel(0);
        let (frozen, is_frozen) = watch::channel(false);
        let reader = tokio::spawn(read(incoming, tell, counted, is_frozen));
        Ok(Self { out, heard, pings, frozen, reader })
    }

    /// Sends a frame; the server must be there to take it.
    pub async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends a text frame of any content.
    pub async fn send_text(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    /// Sends a binary frame.
    pub async fn send_binary(&mut self, bytes: &[u8]) {
        self.send_message(Message::binary(Bytes::copy_from_slice(bytes))).await;
    }

    async fn send_message(&mut self, message: Message) {
        within("room to send", self.out.send(message)).await.unwrap();
    }

    /// Sends a frame if the server still takes any.
    pub async fn try_send_text(&mut self, text: &str) -> bool {
        matches!(timeout(PATIENCE, self.out.send(Message::text(text))).await, Ok(Ok(())))
    }

    /// Sends a binary frame if the server still takes any.
    pub async fn try_send_binary(&mut self, bytes: &[u8]) -> bool {
        let message = Message::binary(Bytes::copy_from_slice(bytes));
        matches!(timeout(PATIENCE, self.out.send(message)).await, Ok(Ok(())))
    }

    /// The next frame; the connection must live.
    pub async fn next(&mut self) -> Value {
        match within("a frame", self.heard.recv()).await {
            Some(Heard::Frame(frame)) => frame,
            other => panic!("a frame was expected, but the connection is gone: {other:?}"),
        }
    }

    /// The next frame if one has come.
    pub fn try_next(&mut self) -> Option<Value> {
        match self.heard.try_recv() {
            Ok(Heard::Frame(frame)) => Some(frame),
            Ok(Heard::Closed(code)) => panic!("the connection was closed: {code:?}"),
            Err(_) => None,
        }
    }

    /// The next frame, which must be of this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// The text of the next frame, which must be an ERROR.
    pub async fn error(&mut self) -> String {
        self.expect("error").await["error"].as_str().unwrap().to_owned()
    }

    /// The next frame, or the code that the connection is closed with instead.
    pub async fn next_or_end(&mut self) -> Result<Value, Option<u16>> {
        match within("a frame or the end", self.heard.recv()).await {
            Some(Heard::Frame(frame)) => Ok(frame),
            Some(Heard::Closed(code)) => Err(code),
            None => panic!("the end was heard before"),
        }
    }

    /// Waits for the connection's end, with no frame before it; the code that it is closed with, if any.
    pub async fn closed(&mut self) -> Option<u16> {
        match within("the end of the connection", self.heard.recv()).await {
            Some(Heard::Closed(code)) => code,
            other => panic!("the end of the connection was expected: {other:?}"),
        }
    }

    /// The frames that still come until the connection ends, and the code that it is closed with.
    pub async fn drained(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut frames = Vec::new();
        loop {
            match within("the end of the connection", self.heard.recv()).await {
                Some(Heard::Frame(frame)) => frames.push(frame),
                Some(Heard::Closed(code)) => return (frames, code),
                None => panic!("the end was heard before"),
            }
        }
    }

    /// Proves that the connection lives and that nothing was sent on it which was not taken: the answer to a heartbeat is
    /// the next to come.
    pub async fn quiet(&mut self) {
        self.send(&json!({"type": "heartbeat", "status": "ok"})).await;
        let answer = self.expect("heartbeat").await;
        assert!(answer["session_id"].is_null(), "{answer}");
    }

    /// Sends a frame that must be refused, with an ERROR that it returns the text of, and with nothing else.
    pub async fn refused(&mut self, frame: &Value) -> String {
        self.send(frame).await;
        let text = self.error().await;
        self.quiet().await;
        text
    }

    /// Waits until it has been pinged so often in all.
    pub async fn pinged(&mut self, times: usize) {
        while *self.pings.borrow_and_update() < times {
            within("a ping", self.pings.changed()).await.unwrap();
        }
    }

    /// From now on reads nothing and answers no ping, but keeps the connection open.
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// Reads again.
    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// Says good-bye and leaves.
    pub async fn close(mut self) {
        let _ = self.out.send(Message::Close(None)).await;
    }

    /// Leaves without a word, as a process does that is killed.
    pub async fn vanish(mut self) {
        self.reader.abort();
        let _ = (&mut self.reader).await;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(
    mut incoming: SplitStream<Socket>,
    tell: mpsc::UnboundedSender<Heard>,
    counted: watch::Sender<usize>,
    mut is_frozen: watch::Receiver<bool>,
) {
    loop {
        let message = tokio::select! {
            biased;
            _ = is_frozen.wait_for(|frozen| *frozen) => None,
            message = incoming.next() => Some(message),
        };
        let Some(message) = message else {
            let _ = is_frozen.wait_for(|frozen| !*frozen).await;
            continue;
        };
        let heard = match message {
            Some(Ok(Message::Text(text))) => {
                let frame = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                strict::check(&frame);
                Heard::Frame(frame)
            }
            Some(Ok(Message::Ping(_))) => {
                counted.send_modify(|count| *count += 1);
                continue;
            }
            Some(Ok(Message::Close(frame))) => Heard::Closed(frame.map(|frame: CloseFrame| frame.code.into())),
            Some(Ok(Message::Binary(bytes))) => panic!("a server sends no binary frames: {} bytes", bytes.len()),
            Some(Ok(_)) => continue,
            Some(Err(_)) | None => Heard::Closed(None),
        };
        let is_over = matches!(heard, Heard::Closed(_));
        if tell.send(heard).is_err() || is_over {
            return;
        }
    }
}
