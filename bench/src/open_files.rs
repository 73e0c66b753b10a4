//! How many sockets this process and those that it starts may have.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Allows so many open files, as far as the machine does; processes that are started later inherit it.
pub fn allow(wanted: u64) -> Result<()> {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    // Raising the maximum is for the administrator; with it as it is, there may be enough.
    let maximum = now.maximum.map(|maximum| maximum.max(wanted));
    let raised = [maximum, now.maximum].into_iter().any(|maximum| {
        let current = maximum.map_or(Some(wanted), |maximum| Some(wanted.min(maximum)));
        setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok()
    });
    let current = getrlimit(Resource::Nofile).current;
    ensure!(
        raised && current.is_none_or(|current| current >= wanted),
        "{wanted} open files are needed and {} are allowed: raise the limit with `ulimit -n {wanted}`",
        current.unwrap_or_default()
    );
    Ok(())
}
