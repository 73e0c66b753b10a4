//! Lets the macros of the crate `log` write to the plugin's log.

use log::{LevelFilter, Log, Metadata, Record};

/// Writes to the host's log, or to standard output in a native test.
struct HostLog;

/// From here on `log::info!` and its siblings are heard. Nothing happens when the plugin has a logger of its own.
pub(crate) fn install() {
    if log::set_logger(&HostLog).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}

impl Log for HostLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        write(&record.level().as_str().to_ascii_lowercase(), &record.args().to_string());
    }

    fn flush(&self) {}
}

#[cfg(target_family = "wasm")]
fn write(level: &str, line: &str) {
    crate::imports::log::write(level, line);
}

#[cfg(not(target_family = "wasm"))]
fn write(level: &str, line: &str) {
    println!("{level}: {line}");
}
