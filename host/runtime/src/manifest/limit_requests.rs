//! Limits as people write them: `memory = "96 MiB"`. A manifest may ask for less than it would get, an operator may
//! grant more.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::section::Section;
use super::unit::Unit;
use crate::limits::Limits;

/// Limits that were written down, by key. In a manifest they are what the plugin asks for, in the host's configuration
/// what the operator grants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitRequests(BTreeMap<&'static str, u64>);

/// A limit that a plugin asks for and does not get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The limit, as in `[limits]`.
    pub key: &'static str,
    /// What it asks for, as in TOML.
    pub wanted: String,
    /// What it gets.
    pub granted: String,
}

impl fmt::Display for Shortfall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, wanted, granted } = self;
        write!(formatter, "it asks for `{key} = {wanted}` and gets {granted}")
    }
}

/// One field of [`Limits`] as the files have it.
struct Limit {
    key: &'static str,
    unit: Unit,
    get: fn(&Limits) -> u64,
    set: fn(&mut Limits, u64),
}

/// Every field of [`Limits`].
const LIMITS: [Limit; 10] = [
    Limit {
        key: "cpu-per-step",
        unit: Unit::Milliseconds,
        get: |limits| milliseconds(limits.cpu_per_step),
        set: |limits, value| limits.cpu_per_step = Duration::from_millis(value),
    },
    Limit {
        key: "wall-per-step",
        unit: Unit::Milliseconds,
        get: |limits| milliseconds(limits.wall_per_step),
        set: |limits, value| limits.wall_per_step = Duration::from_millis(value),
    },
    Limit {
        key: "memory",
        unit: Unit::Bytes,
        get: |limits| limits.memory_bytes as u64,
        set: |limits, value| limits.memory_bytes = size(value),
    },
    Limit {
        key: "hostcall",
        unit: Unit::Bytes,
        get: |limits| limits.hostcall_bytes as u64,
        set: |limits, value| limits.hostcall_bytes = size(value),
    },
    Limit {
        key: "actions-per-step",
        unit: Unit::Number,
        get: |limits| limits.actions_per_step as u64,
        set: |limits, value| limits.actions_per_step = size(value),
    },
    Limit {
        key: "outstanding-actions",
        unit: Unit::Number,
        get: |limits| limits.outstanding_actions as u64,
        set: |limits, value| limits.outstanding_actions = size(value),
    },
    Limit {
        key: "log-lines-per-step",
        unit: Unit::Number,
        get: |limits| limits.log_lines_per_step.into(),
        set: |limits, value| limits.log_lines_per_step = count(value),
    },
    Limit {
        key: "log-lines",
        unit: Unit::Number,
        get: |limits| limits.log_lines.into(),
        set: |limits, value| limits.log_lines = count(value),
    },
    Limit {
        key: "log-line",
        unit: Unit::Bytes,
        get: |limits| limits.log_line_bytes as u64,
        set: |limits, value| limits.log_line_bytes = size(value),
    },
    Limit {
        key: "snapshot",
        unit: Unit::Bytes,
        get: |limits| limits.snapshot_bytes as u64,
        set: |limits, value| limits.snapshot_bytes = size(value),
    },
];

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn count(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

impl LimitRequests {
    /// What holds: what is configured or else the default, and less where the manifest asks for less.
    #[must_use]
    pub fn effective(requested: &Self, configured: &Self) -> Limits {
        let mut limits = Limits::default();
        for limit in &LIMITS {
            let granted = configured.get(limit).unwrap_or_else(|| (limit.get)(&limits));
            (limit.set)(&mut limits, requested.get(limit).map_or(granted, |asked| asked.min(granted)));
        }
        limits
    }

    /// These limits, as if all of them had been written down.
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self(LIMITS.iter().map(|limit| (limit.key, (limit.get)(limits))).collect())
    }

    /// What is written down, as key and value of TOML.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        LIMITS.iter().filter_map(|limit| Some((limit.key, limit.unit.toml(self.get(limit)?)))).collect()
    }

    /// Where this asks for more than these limits have.
    #[must_use]
    pub fn beyond(&self, limits: &Limits) -> Vec<Shortfall> {
        let beyond = |limit: &Limit| {
            let (wanted, granted) = (self.get(limit)?, (limit.get)(limits));
            let (wanted_text, granted_text) = (limit.unit.toml(wanted), limit.unit.toml(granted));
            (wanted > granted).then_some(Shortfall { key: limit.key, wanted: wanted_text, granted: granted_text })
        };
        LIMITS.iter().filter_map(beyond).collect()
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let mut requests = BTreeMap::new();
        for limit in &LIMITS {
            if let Some(value) = section.value(limit.key).and_then(|value| limit.unit.read(&value)) {
                requests.insert(limit.key, value);
            }
        }
        section.end();
        Self(requests)
    }

    fn get(&self, limit: &Limit) -> Option<u64> {
        self.0.get(limit.key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(pairs: &[(&'static str, u64)]) -> LimitRequests {
        LimitRequests(pairs.iter().copied().collect())
    }

    #[test]
    fn every_limit_is_set_and_read_where_it_stands() {
        for (at, limit) in LIMITS.iter().enumerate() {
            let mut limits = Limits::default();
            let value = 1_000_000 + at as u64;
            (limit.set)(&mut limits, value);
            assert_eq!((limit.get)(&limits), value, "{}", limit.key);
            let others = LIMITS.iter().filter(|other| other.key != limit.key);
            assert!(others.into_iter().all(|other| (other.get)(&limits) == (other.get)(&Limits::default())));
        }
    }

    #[test]
    fn a_manifest_gets_less_if_it_asks_for_less_and_never_more() {
        let asked = requests(&[("memory", 10 << 20), ("hostcall", 64 << 20), ("log-lines", 5)]);
        let granted = requests(&[("memory", 128 << 20), ("hostcall", 16 << 20), ("cpu-per-step", 900)]);
        let expected = Limits {
            memory_bytes: 10 << 20,
            hostcall_bytes: 16 << 20,
            log_lines: 5,
            cpu_per_step: Duration::from_millis(900),
            ..Limits::default()
        };
        assert_eq!(LimitRequests::effective(&asked, &granted), expected);
        assert_eq!(LimitRequests::effective(&asked, &LimitRequests::default()).hostcall_bytes, 8 << 20);
        let beyond = asked.beyond(&expected);
        assert_eq!(beyond.len(), 1);
        assert_eq!(beyond[0].to_string(), r#"it asks for `hostcall = "64 MiB"` and gets "16 MiB""#);
    }
}
