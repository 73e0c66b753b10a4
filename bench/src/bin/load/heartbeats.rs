//! Heartbeats as fast as they come, beside an echo of the same frame.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hangar_bench::process::Process;
use hangar_bench::socket::Socket;
use hangar_bench::{crowd, frames};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::measured::{Measured, Samples, Stretch};
use crate::report::{Aim, Report};
use crate::stage::Stage;

/// How many devices there are at once.
const DEVICES: [usize; 3] = [1, 50, 500];

/// Turns of each side, and how long each is. The first one warms up.
const TURNS: usize = 6;
const TURN: Duration = Duration::from_secs(1);

/// What the server may take for a heartbeat, in times of what the echo takes.
const AIM: f64 = 1.25;

/// Measures all numbers of devices.
pub async fn all(stage: &Stage, report: &mut Report) -> Result<()> {
    let ((server, _plugin), echo) = (stage.hangar().await?, stage.echo().await?);
    let (server_process, echo_process) = (server.process()?, echo.process()?);
    for count in DEVICES {
        let devices = crowd::devices(server.address(), &format!("heart-{count}"), count).await?;
        let peer = |(id, socket): (String, Socket)| (socket, frames::heartbeat(&id));
        let mut ours: Vec<Peer> = devices.into_iter().map(peer).collect();
        let bare = crowd::sockets(echo.address(), count).await?;
        // The same frames go to both.
        let mut bare: Vec<Peer> = bare.into_iter().zip(ours.iter().map(|(_, frame)| frame.clone())).collect();
        let (mut our, mut its) = (Measured::default(), Measured::default());
        for turn in 0..TURNS {
            let (first, second);
            (first, ours) = one_turn(&server_process, ours).await?;
            (second, bare) = one_turn(&echo_process, bare).await?;
            if turn > 0 {
                our.join(first);
                its.join(second);
            }
        }
        let ratio = our.server() / its.server();
        let aim = Aim::most("CPU", AIM, "x the echo's", ratio);
        let many = if count == 1 { "device" } else { "devices" };
        report.operations(format!("heartbeats, {count} {many}"), &our, Some(aim));
        report.operations("    echo of the same frame", &its, None);
    }
    server.stop().await?;
    echo.kill().await
}

/// A socket, and what is sent on it.
type Peer = (Socket, Utf8Bytes);

/// Each peer sends, waits for the answer, sends again, until the turn is over.
async fn one_turn(process: &Process, peers: Vec<Peer>) -> Result<(Measured, Vec<Peer>)> {
    let stretch = Stretch::begin(process)?;
    let until = Instant::now() + TURN;
    let mut tasks = JoinSet::new();
    for (mut socket, frame) in peers {
        tasks.spawn(async move {
            let mut samples = Samples::default();
            let mut now = Instant::now();
            while now < until {
                let answer = socket.ask(frame.clone()).await?;
                let answered = Instant::now();
                ensure!(answer.contains("\"heartbeat\""), "a heartbeat is answered with {answer}");
                samples.add(answered - now);
                now = answered;
            }
            Ok(((socket, frame), samples))
        });
    }
    let (mut samples, mut peers) = (Samples::default(), Vec::new());
    for (peer, own) in crowd::all(tasks).await? {
        peers.push(peer);
        samples.join(own);
    }
    Ok((stretch.end(samples)?, peers))
}
