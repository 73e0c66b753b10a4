//! What the server tells of itself: its log, and figures for Prometheus.

pub mod log;
mod metrics;

pub use metrics::{Metrics, Standing, Traffic};
