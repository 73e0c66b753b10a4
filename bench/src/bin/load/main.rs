//! Measures the server from outside: starts a release of it as a process of its own, strains it with the sockets of many
//! devices, and reads its processor time and memory from the kernel. Where there is a comparison, a bare WebSocket echo
//! gets the same frames from the same client in the same run, in turns.
//!
//!     make bench BENCH_SERVER="heartbeats idle"        # of the server only these parts; see [`PARTS`]
//!     cargo run --release -p hangar-bench              # all parts, and nothing but the server
//!     cargo run --release -p hangar-bench -- --server /usr/bin/hangar sessions
//!
//! The client is one thread, so that on two cores the server has one to itself. Its own processor time is shown beside
//! each figure: where it comes near one core, the rate is the client's, and only the server's time per operation counts.

mod heartbeats;
mod idle;
mod measured;
mod registrations;
mod reload;
mod report;
mod sessions;
mod stage;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hangar_bench::open_files;

use crate::report::Report;
use crate::stage::Stage;

/// What there is to measure, in this order.
const PARTS: [&str; 5] = ["heartbeats", "registrations", "idle", "sessions", "reload"];

/// Sockets of the largest part, and some.
const OPEN_FILES: u64 = 11_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (server, wanted) = arguments()?;
    open_files::allow(OPEN_FILES)?;
    let stage = Stage::set(server)?;
    let mut report = Report::begin();
    for part in PARTS.into_iter().filter(|part| wanted.is_empty() || wanted.iter().any(|name| name == part)) {
        let measured = match part {
            "heartbeats" => heartbeats::all(&stage, &mut report).await,
            "registrations" => registrations::all(&stage, &mut report).await,
            "idle" => idle::all(&stage, &mut report).await,
            "sessions" => sessions::all(&stage, &mut report).await,
            _ => reload::all(&stage, &mut report).await,
        };
        measured.with_context(|| format!("the part {part} of the benchmark"))?;
    }
    report.verdict();
    Ok(())
}

/// The server that is named, if one is, and the parts that are wanted; none for all.
fn arguments() -> Result<(Option<PathBuf>, Vec<String>)> {
    let (mut server, mut wanted) = (None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--server" {
            server = Some(arguments.next().context("`--server` needs the path of the program")?.into());
        } else {
            let known = PARTS.contains(&argument.as_str());
            ensure!(known, "there is no part `{argument}`; there are: {}", PARTS.join(", "));
            wanted.push(argument);
        }
    }
    Ok((server, wanted))
}
