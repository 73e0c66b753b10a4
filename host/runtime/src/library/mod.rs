//! The library: a directory of plugins that is live. Files come, change, break and go; what is published is always a
//! version that was proven, and nothing that runs is disturbed.

mod breaker;
mod catalog;
mod clock;
mod examine;
mod generation;
mod look;
mod package;
mod placed_run;
mod record;
mod shadow;
mod store;
mod watcher;
