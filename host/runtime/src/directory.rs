//! Who is there, as the host shows it to handlers.

use crate::contract::directory::{Entry, Filter, PageResult};

/// What handlers may know of the clients. Called while a handler runs, so it must answer at once.
pub trait Directory: Send + Sync {
    /// Changes whenever the directory does.
    fn version(&self) -> u64;

    /// One client.
    fn get(&self, id: &str) -> Option<Entry>;

    /// The clients that fit, from `cursor` on.
    fn page(&self, filter: &Filter, cursor: Option<&str>, limit: u32) -> PageResult;

    /// One client that is online, not paused and fits.
    fn pick(&self, policy: &str, filter: &Filter, exclude: &[String]) -> Option<Entry>;
}
