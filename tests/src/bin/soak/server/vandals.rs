//! Peers that send rubbish, and peers that do not read what they asked for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use hangar_bench::frames;
use hangar_bench::said::Said;
use hangar_bench::socket::{Options, Socket, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::scene::{Scene, one_in, some};
use crate::runtime::Frames;

/// How long one rests between two misdeeds, at most.
const REST: Duration = Duration::from_secs(1);

/// Frames of rubbish on one connection, at most.
const FRAMES: usize = 30;

/// Bytes of what a slow reader lets the server write before it must wait.
const NARROW: u32 = 4 << 10;

/// A reader that reads nothing is closed within so long.
const CLOSED_WITHIN: Duration = Duration::from_secs(120);

/// Sends rubbish for ever. Nothing is expected in return but that others never notice.
pub async fn rubbish(scene: Arc<Scene>, frames: Arc<Frames>, number: usize) {
    for visit in 0.. {
        scene.storm(REST).await;
        let id = format!("vandal-{number}-{visit}");
        // The server may close at any time, so whatever fails here is no matter. What must not happen is that it cannot be
        // reached, and that whoever came well behaved is not let in.
        match Socket::open(scene.server).await {
            Ok(socket) => {
                let _ = timeout(Duration::from_secs(30), throw(&scene, &frames, socket, &id)).await;
            }
            Err(error) => scene.wrong(format!("{id} cannot even connect: {error:#}")),
        }
        if one_in(4) {
            let _ = timeout(Duration::from_secs(30), raw(&scene)).await;
        }
    }
}

async fn throw(scene: &Scene, frames: &Frames, mut socket: Socket, id: &str) -> Result<()> {
    if fastrand::bool() {
        let answer = socket.ask(frames::device(id)).await?;
        if Said::read(&answer)?.status != "ok" {
            scene.wrong(format!("{id} was not let in: {answer}"));
        }
    }
    for _ in 0..fastrand::usize(1..FRAMES) {
        let frame = frames.damaged()?;
        let message = match String::from_utf8(frame) {
            Ok(text) if !one_in(8) => Message::Text(text.into()),
            Ok(text) => Message::Binary(text.into_bytes().into()),
            Err(frame) => Message::Binary(frame.into_bytes().into()),
        };
        scene.did("frames of rubbish");
        socket.send_message(message).await?;
        // What the server says to it, it may say.
        while let Ok(Ok(Some(_))) = timeout(Duration::from_millis(20), socket.next()).await {}
    }
    if fastrand::bool() {
        socket.close().await;
    } else {
        socket.reset();
    }
    Ok(())
}

/// What is no handshake, or only the beginning of one.
async fn raw(scene: &Scene) -> Result<()> {
    let handshake = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let mut stream = connect(scene.server, Options::default()).await?;
    let bytes = match fastrand::u8(..4) {
        0 => std::iter::repeat_with(|| fastrand::u8(..)).take(fastrand::usize(1..4_096)).collect(),
        1 => handshake.as_bytes().iter().take(fastrand::usize(..handshake.len())).copied().collect(),
        // A frame that announces more than ever comes, without the mask that clients must use, or of no known kind.
        2 => [handshake.as_bytes(), &[0x81, 0xff, 0, 0, 0, 0, 6, 0, 0, 0, 1, 2, 3, 4, b'{']].concat(),
        _ => [handshake.as_bytes(), &[fastrand::u8(..), fastrand::u8(..), b'x', b'x', b'x']].concat(),
    };
    scene.did("connections with raw rubbish");
    stream.write_all(&bytes).await?;
    let mut answer = vec![0; 4_096];
    let _ = timeout(some(Duration::from_secs(2)), stream.read(&mut answer)).await;
    Ok(())
}

/// Asks and asks and reads nothing, for ever: it must be closed each time.
pub async fn slow(scene: Arc<Scene>, number: usize) {
    for visit in 0.. {
        scene.storm(REST).await;
        let id = format!("slow-{number}-{visit}");
        match flood(&scene, &id).await {
            Ok(()) => scene.did("slow readers closed"),
            Err(error) => scene.wrong(format!("{id}: {error:#}")),
        }
    }
}

async fn flood(scene: &Scene, id: &str) -> Result<()> {
    let options = Options { receive_buffer: Some(NARROW) };
    let mut socket = Socket::open_with(scene.server, options).await?;
    let answer = socket.ask(frames::device(id)).await?;
    ensure!(Said::read(&answer)?.status == "ok", "it was not let in: {answer}");
    let (heartbeat, begin) = (frames::heartbeat(id), Instant::now());
    while begin.elapsed() < CLOSED_WITHIN {
        // As soon as the server does not read any more, this waits; once it has closed, it fails.
        if !matches!(timeout(CLOSED_WITHIN, socket.send(heartbeat.clone())).await, Ok(Ok(()))) {
            return if begin.elapsed() < CLOSED_WITHIN { Ok(()) } else { bail!("it is never closed") };
        }
        tokio::task::yield_now().await;
    }
    bail!("it is never closed")
}
