//! What the library remembers over a restart: former versions, marks, pins.
