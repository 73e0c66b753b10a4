//! A look at the plugin directory: which places there are, and whether they change.
