//! The log: text or a line of JSON for each event, on standard error.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{LogConfig, LogLevel};

/// What is ours: the rest is heard only when something goes wrong there.
const OURS: [&str; 4] = ["hangar", "hangar_aip", "hangar_runtime", "plugin"];

/// From now on events are logged. Can be done once in a process.
pub fn begin(config: &LogConfig) -> Result<(), TryInitError> {
    let (ours, others) = match config.level {
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::WARN),
        LogLevel::Warning => (LevelFilter::WARN, LevelFilter::WARN),
        LogLevel::Error | LogLevel::Critical => (LevelFilter::ERROR, LevelFilter::ERROR),
        LogLevel::Off => (LevelFilter::OFF, LevelFilter::OFF),
    };
    let filter = Targets::new().with_default(others).with_targets(OURS.map(|target| (target, ours)));
    let registry = tracing_subscriber::registry().with(filter);
    if config.json {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr)).try_init()
    } else {
        let colours = io::IsTerminal::is_terminal(&io::stderr());
        registry.with(fmt::layer().with_ansi(colours).with_writer(io::stderr)).try_init()
    }
}
