//! What this machine allows: how many live instances fit below its limit on memory maps.

/// Maps that one live instance takes with sync calls; `make bench` shows the figure.
const MAPS_PER_INSTANCE: u64 = 4;

/// How many instances may live at once, or none if the machine sets no such bound.
///
/// Beyond `vm.max_map_count` an allocation anywhere in the process fails, so a quarter of it is left to everything else.
#[must_use]
pub fn instances_below_map_limit() -> Option<u32> {
    let maps = std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?;
    let maps: u64 = maps.trim().parse().ok()?;
    u32::try_from(maps / 4 * 3 / MAPS_PER_INSTANCE).ok()
}
