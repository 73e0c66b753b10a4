//! A run on a generation: it reports strikes, moves along, and hears when it has to end.
