//! A candidate played against journals of former runs.
