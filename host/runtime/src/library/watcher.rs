//! Who wakes the library: the file system, or time.
