//! What reading and writing a frame costs, beside a plain scan of the same frame that keeps nothing.
//!
//!     cargo bench -p hangar-aip
//!
//! The sides take turns sample by sample, so that whatever else the machine does meets all of them; medians count.
#![allow(clippy::expect_used, reason = "a benchmark may fail")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use hangar_aip::{ClientMessage, ClientType, Stamp};
use serde::de::IgnoredAny;

/// Samples of each side.
const SAMPLES: usize = 101;

/// How long one sample takes, about.
const SAMPLE: Duration = Duration::from_millis(5);

fn main() {
    let registration = include_bytes!("../../../tests/fixtures/aip/client-register-device.json").to_vec();
    let heartbeat = include_bytes!("../../../tests/fixtures/aip/client-heartbeat-device.json").to_vec();
    let results = include_str!("../../../tests/fixtures/aip/client-command-results-mixed.json");
    let screenshot = results.replace("iVBORw0KGgo=", &"iVBORw0KGgo=".repeat((1 << 20) / 12)).into_bytes();
    println!("{:<34}{:>10}{:>12}{:>12}{:>12}{:>10}", "frame", "bytes", "scan", "read", "write", "read/scan");
    for (name, frame) in
        [("HEARTBEAT", heartbeat), ("REGISTER", registration), ("COMMAND_RESULTS, 1 MiB picture", screenshot)]
    {
        measure(name, &frame);
    }
}

fn measure(name: &str, frame: &[u8]) {
    let message = ClientMessage::read(frame).expect("the frame is good");
    let stamp = Stamp::now();
    let scan = || drop(black_box(serde_json::from_slice::<IgnoredAny>(black_box(frame))));
    let read = || drop(black_box(ClientMessage::read_from(ClientType::Device, black_box(frame))));
    let write = || drop(black_box(black_box(&message).write(stamp.timestamp)));
    let sides: [&dyn Fn(); 3] = [&scan, &read, &write];
    let rounds = sides.map(rounds);
    let mut times = [(); 3].map(|()| Vec::with_capacity(SAMPLES));
    for _ in 0..SAMPLES {
        for ((side, rounds), times) in sides.iter().zip(rounds).zip(&mut times) {
            times.push(time(*side, rounds) / rounds);
        }
    }
    let [scan, read, write] = times.map(|mut times| {
        times.sort_unstable();
        times.get(SAMPLES / 2).copied().unwrap_or_default()
    });
    let ratio = read.as_secs_f64() / scan.as_secs_f64();
    println!("{name:<34}{:>10}{scan:>12.2?}{read:>12.2?}{write:>12.2?}{ratio:>10.2}", frame.len());
}

/// How often a side goes in one sample.
fn rounds(side: &dyn Fn()) -> u32 {
    let mut rounds = 1;
    while time(side, rounds) < SAMPLE {
        rounds *= 2;
    }
    rounds
}

fn time(side: &dyn Fn(), rounds: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        side();
    }
    start.elapsed()
}
