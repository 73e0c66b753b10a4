//! What speaks against a generation: strikes, by client and in all.
