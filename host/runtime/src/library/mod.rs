//! The library: a directory of plugins that is live. Files come, change, break and go; what is published is always a
//! version that was proven, and nothing that runs is disturbed.

mod archive;
mod breaker;
mod catalog;
mod clock;
mod described;
mod examine;
mod fingerprint;
mod generation;
mod ledger;
mod links;
mod look;
mod package;
mod placed_run;
mod record;
mod shadow;
mod store;
mod watcher;
