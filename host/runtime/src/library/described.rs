//! What a component says of itself, and whether its manifest says the same.
