//! What the server tells of itself: figures for Prometheus. The log is set up by the command line.

mod metrics;

pub use metrics::{Metrics, Standing, Traffic};
