//! What is published: one snapshot, replaced as a whole.
