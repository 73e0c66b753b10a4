//! One proven version of one plugin, with the runs that are on it.
