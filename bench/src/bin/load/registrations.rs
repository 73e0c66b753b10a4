//! Coming and going: connecting, registering, leaving.

use std::time::{Duration, Instant};

use anyhow::Result;
use hangar_bench::socket::Socket;
use hangar_bench::{crowd, frames};
use tokio::task::JoinSet;

use crate::measured::{Samples, Stretch};
use crate::report::Report;
use crate::stage::Stage;

/// Devices that are on their way in at once, and for how long they come.
const AT_ONCE: usize = 32;
const LENGTH: Duration = Duration::from_secs(5);

/// Measures it.
pub async fn all(stage: &Stage, report: &mut Report) -> Result<()> {
    let (server, _plugin) = stage.hangar().await?;
    let address = server.address();
    let stretch = Stretch::begin(&server.process()?)?;
    let until = Instant::now() + LENGTH;
    let mut tasks = JoinSet::new();
    for task in 0..AT_ONCE {
        tasks.spawn(async move {
            let mut samples = Samples::default();
            for number in 0.. {
                let begin = Instant::now();
                if begin >= until {
                    break;
                }
                let mut socket = Socket::open(address).await?;
                let answer = socket.ask(frames::device(&format!("coming-{task}-{number}"))).await?;
                samples.add(begin.elapsed());
                crowd::accepted(&answer)?;
                socket.close().await;
            }
            Ok(samples)
        });
    }
    let mut samples = Samples::default();
    for own in crowd::all(tasks).await? {
        samples.join(own);
    }
    let measured = stretch.end(samples)?;
    report.operations("registrations, from connecting to leaving", &measured, None);
    server.stop().await
}
