//! When a plugin is taken out of service, and how it comes back.
