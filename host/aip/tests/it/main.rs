//! What is read and written, and how it goes over real sockets.

mod binary;
mod golden;
mod properties;
mod refusals;
mod spellings;
