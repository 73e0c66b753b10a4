//! What a stretch of work cost.

use std::time::{Duration, Instant};

use anyhow::Result;
use hangar_bench::process::Process;

/// How long single operations took.
#[derive(Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In milliseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e3)
    }
}

/// What all of them cost, on both sides.
#[derive(Debug, Default)]
pub struct Measured {
    pub samples: Samples,
    elapsed: Duration,
    server: Duration,
    client: Duration,
}

impl Measured {
    pub fn join(&mut self, other: Self) {
        self.samples.join(other.samples);
        self.elapsed += other.elapsed;
        self.server += other.server;
        self.client += other.client;
    }

    /// Operations in a second.
    pub fn rate(&self) -> f64 {
        self.samples.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// Processor time of the server for one operation, in microseconds.
    pub fn server(&self) -> f64 {
        self.server.as_secs_f64() * 1e6 / self.samples.len() as f64
    }

    /// Of one core, what the client used, in percent.
    pub fn client_share(&self) -> f64 {
        self.client.as_secs_f64() * 100.0 / self.elapsed.as_secs_f64()
    }

    /// Of one core, what the server used, in percent.
    pub fn server_share(&self) -> f64 {
        self.server.as_secs_f64() * 100.0 / self.elapsed.as_secs_f64()
    }
}

/// A stretch of work that has begun.
#[derive(Debug)]
pub struct Stretch {
    begin: Instant,
    process: Process,
    server: Duration,
    client: Duration,
}

impl Stretch {
    pub fn begin(server: &Process) -> Result<Self> {
        let (process, client) = (server.clone(), Process::this().cpu()?);
        Ok(Self { server: process.cpu()?, process, client, begin: Instant::now() })
    }

    pub fn end(self, samples: Samples) -> Result<Measured> {
        let elapsed = self.begin.elapsed();
        let server = self.process.cpu()?.saturating_sub(self.server);
        let client = Process::this().cpu()?.saturating_sub(self.client);
        Ok(Measured { samples, elapsed, server, client })
    }
}
