//! The library: a directory of plugins that is live. Files come, change, break and go; what is published is always a
//! version that was proven, and nothing that runs is disturbed.

mod account;
mod archive;
mod breaker;
mod catalog;
mod change;
mod clock;
mod described;
mod examine;
mod generation;
mod ledger;
mod lifecycle;
mod links;
mod look;
mod package;
mod placed_run;
mod record;
mod service;
mod shadow;
#[cfg(test)]
mod stage;
mod store;
mod timing;
mod watcher;

pub use breaker::{BreakerPhase, BreakerRules};
pub use catalog::Catalog;
pub use described::{Description, Difference};
pub use generation::{Generation, HandleError, StartError, Survey};
pub use placed_run::{Moved, PlacedRun};
pub use record::{RecordSurvey, Refusal};
pub use service::Standing;
