//! The way from files to a proven version: load, compare, probe, shadow.
