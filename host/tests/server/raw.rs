//! A socket for what no WebSocket library would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::{PATIENCE, within};

/// A connection after the handshake, byte by byte.
pub struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// The head of a frame of a client that announces this length; its mask changes nothing.
pub fn head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..=125 => head.push(0x80 | length as u8),
        126..=0xffff => {
            head.push(0x80 | 126);
            head.extend((length as u16).to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend(length.to_be_bytes());
        }
    }
    head.extend([0; 4]);
    head
}

/// A whole text frame.
pub fn text_frame(text: &str) -> Vec<u8> {
    [head(0x81, text.len() as u64), text.as_bytes().to_vec()].concat()
}

impl Raw {
    /// Connects and shakes hands.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut stream = within("a connection", TcpStream::connect(address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(within("the handshake", stream.read_u8()).await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        Self { stream, unread: Vec::new() }
    }

    /// Sends bytes; whether the server took them.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        matches!(timeout(PATIENCE, self.stream.write_all(bytes)).await, Ok(Ok(())))
    }

    /// The next text frame that is no ping.
    pub async fn text(&mut self) -> String {
        loop {
            match self.frame().await {
                Some((0x1, payload)) => return String::from_utf8(payload).unwrap(),
                Some((0x9, _)) => {}
                other => panic!("a text was expected: {other:?}"),
            }
        }
    }

    /// Waits until the server has closed the connection; the code that it gave, if any, and the texts before it.
    pub async fn closed(&mut self) -> (Option<u16>, Vec<String>) {
        let mut texts = Vec::new();
        loop {
            match self.frame().await {
                Some((0x1, payload)) => texts.push(String::from_utf8(payload).unwrap()),
                Some((0x8, payload)) => {
                    let code = payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                    return (code, texts);
                }
                Some(_) => {}
                None => return (None, texts),
            }
        }
    }

    /// The next frame of any kind: its opcode and payload.
    pub async fn any(&mut self) -> (u8, Vec<u8>) {
        self.frame().await.unwrap()
    }

    /// The next frame of the server; none if the connection is over.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = self.take(2).await?;
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.take(2).await?.try_into().unwrap())),
            127 => u64::from_be_bytes(self.take(8).await?.try_into().unwrap()),
            short => u64::from(short),
        };
        let payload = self.take(length as usize).await?;
        Some((head[0] & 0xf, payload))
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.unread.len() < length {
            let read = within("bytes, or the end", self.stream.read_buf(&mut self.unread)).await;
            if matches!(read, Ok(0) | Err(_)) {
                return None;
            }
        }
        let rest = self.unread.split_off(length);
        Some(std::mem::replace(&mut self.unread, rest))
    }
}
