//! The gateway's sockets, over real connections where it matters and in memory where time does.

mod following;
mod large;
mod upgrading;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

/// Nothing here takes so long; whoever waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What comes within a time that is long enough for a machine that is busy.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it never came")
}

/// One frame as a client sends it.
fn frame(opcode: u8, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(opcode, is_final, payload.len() as u64);
    bytes.extend(payload.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The header of one, with the mask 1, 2, 3, 4.
fn header(opcode: u8, is_final: bool, length: u64) -> Vec<u8> {
    let mut bytes = vec![opcode | if is_final { 0x80 } else { 0 }];
    match length {
        0..126 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend([1, 2, 3, 4]);
    bytes
}

/// The request that asks for a WebSocket.
fn handshake(address: SocketAddr) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}
