//! Checks that concern the product as a whole rather than one of its crates.

pub mod freeze;
