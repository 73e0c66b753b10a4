//! What this machine allows, beside what the configuration counts on.

use hangar_runtime::{Allocation, Runtime, RuntimeConfig, instances_below_map_limit};

use super::findings::Findings;
use crate::config::Config;

/// Files that are open for anything but connections.
const OTHER_FILES: u64 = 512;

/// With fewer than these, a server cannot do anything of use.
const FEW_FILES: u64 = 256;

/// Looks at open files, memory maps and address space.
pub fn check(config: &Config, findings: &mut Findings) {
    open_files(config, findings);
    if let Some(most) = instances_below_map_limit() {
        let (most, live) = (u64::from(most), config.sessions.live as u64);
        let found = format!("vm.max_map_count bears {most} runs at once; `live` in [sessions] allows {live}");
        if most >= live {
            findings.ok("memory maps", found);
        } else {
            // The rule by which the runtime counts, the other way round.
            let wanted = live.saturating_mul(16).div_ceil(3) + 16;
            let fix = format!("`sysctl -w vm.max_map_count={wanted}`, or a smaller `live`; beyond it runs are refused");
            findings.warn("memory maps", found, fix);
        }
    }
    match Runtime::new(&RuntimeConfig::default()).map(|runtime| runtime.allocation().clone()) {
        Ok(Allocation::Pooling { instances }) => {
            findings.ok("plugin memory", format!("room for {instances} runs is reserved at the start"));
        }
        Ok(Allocation::OnDemand { why }) => findings.warn(
            "plugin memory",
            format!("no room can be reserved, so that runs begin more slowly: {why}"),
            "raise the limit on address space (`ulimit -v unlimited`)",
        ),
        Err(error) => findings.bad("plugin memory", error.to_string(), "see what the text says about this machine"),
    }
}

#[cfg(unix)]
fn open_files(config: &Config, findings: &mut Findings) {
    use rustix::process::{Resource, getrlimit};
    let wanted = config.connections.connections as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    // A process may raise its own limit up to this one.
    let (now, most) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    if now >= wanted {
        return findings.ok("open files", format!("{wanted} are needed at most, and allowed"));
    }
    let found = format!(
        "{now} are allowed, {wanted} are needed for the {} connections that [connections] allows",
        config.connections.connections
    );
    let how = if most >= wanted { "" } else { " as root" };
    let fix = format!(
        "`ulimit -n {wanted}`{how} in the shell that starts it, LimitNOFILE={wanted} in its systemd unit, or fewer `connections`"
    );
    if now < FEW_FILES { findings.bad("open files", found, fix) } else { findings.warn("open files", found, fix) }
}

#[cfg(not(unix))]
fn open_files(_: &Config, _: &mut Findings) {}
