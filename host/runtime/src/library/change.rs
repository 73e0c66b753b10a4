//! What happens in the library, as it is told to operators, logs and programs.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::breaker::BreakerPhase;

/// Something that happened. Its text is for people, of several lines where there is more to say; its JSON for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
#[non_exhaustive]
pub enum Change {
    /// A version serves from now on.
    Published {
        /// Which.
        #[serde(flatten)]
        version: VersionName,
        /// The version that served until now.
        former: Option<VersionName>,
        /// Why it came to that.
        why: Why,
        /// What an operator should know about it.
        notes: Vec<String>,
        /// How long it took.
        took: Phases,
    },
    /// A version was looked at and is not taken. What served until now goes on serving.
    Rejected {
        /// The entry of the plugin directory, or the version from the archive.
        place: String,
        /// The plugin, if that much is known.
        id: Option<String>,
        /// Where on its way it failed.
        stage: Stage,
        /// What is wrong, and what to do.
        why: String,
        /// What goes on serving.
        serving: Option<VersionName>,
    },
    /// A plugin serves no more. Its runs may end in peace.
    Withdrawn {
        /// The version that served.
        #[serde(flatten)]
        version: VersionName,
        /// Why.
        why: String,
    },
    /// A version turned out bad and is set aside; its successor or predecessor is published next.
    SetAside {
        /// Which.
        #[serde(flatten)]
        version: VersionName,
        /// Why.
        why: String,
    },
    /// A new version has lasted; its predecessor is let go.
    Proven {
        /// Which.
        #[serde(flatten)]
        version: VersionName,
    },
    /// The last run of a version that no longer serves has ended.
    Drained {
        /// Which.
        #[serde(flatten)]
        version: VersionName,
    },
    /// Runs of a version that no longer serves have taken too long and are told to end.
    Overdue {
        /// Which.
        #[serde(flatten)]
        version: VersionName,
        /// How many.
        runs: usize,
    },
    /// The breaker of a version has opened, is trying, or has closed.
    Breaker {
        /// Which.
        #[serde(flatten)]
        version: VersionName,
        /// What it is now.
        state: BreakerWord,
        /// Why.
        why: String,
    },
    /// The plugin directory cannot be read; all stays as it is.
    Unreadable {
        /// Why.
        why: String,
    },
    /// The plugin directory can be read again.
    Readable,
}

/// How a change names a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionName {
    /// The plugin.
    pub id: String,
    /// What it says its version is; empty for a component without a manifest.
    pub version: String,
    /// The hash of its files; see [`VersionName::short_hash`].
    pub hash: String,
    /// Which generation of this process it is.
    pub generation: u64,
}

/// Why a version is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Its files are what lies in the directory.
    Files,
    /// The one after it turned out bad.
    RolledBack,
    /// Somebody pinned it.
    Pinned,
    /// The host's configuration has changed.
    Configured,
    /// The files in the directory cannot be used, and it is the last that could.
    LastGood,
}

/// The stages on the way from files to a published version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Finding and reading the files, the manifest among them.
    Files,
    /// Comparing the manifest with the component's world.
    Manifest,
    /// Bringing the settings together.
    Settings,
    /// Checking, compiling and linking.
    Load,
    /// Comparing what the component says of itself with its manifest and its predecessor.
    Describe,
    /// Its own self-test.
    SelfTest,
    /// Playing it against recorded journals.
    Shadow,
    /// Whether another plugin serves already what it wants to serve.
    Conflict,
}

/// What a breaker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerWord {
    /// It lets all runs begin.
    Closed,
    /// It lets none begin.
    Open,
    /// It lets one begin, to see how that goes.
    HalfOpen,
}

/// How long each part of the way took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Phases {
    /// Reading the files.
    #[serde(rename = "read_us", serialize_with = "micros")]
    pub read: Duration,
    /// Checking and compiling, or finding it compiled; starting it once.
    #[serde(rename = "load_us", serialize_with = "micros")]
    pub load: Duration,
    /// The self-test, and what else it was asked.
    #[serde(rename = "probe_us", serialize_with = "micros")]
    pub probe: Duration,
    /// Playing it against journals.
    #[serde(rename = "shadow_us", serialize_with = "micros")]
    pub shadow: Duration,
}

fn micros<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

impl VersionName {
    /// As much of the hash as people need to tell versions apart.
    #[must_use]
    pub fn short_hash(&self) -> &str {
        self.hash.get(..12).unwrap_or(&self.hash)
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.version.is_empty() { "" } else { " " };
        let Self { id, version, generation, .. } = self;
        write!(formatter, "{id}{space}{version} ({}, generation {generation})", self.short_hash())
    }
}

impl Stage {
    /// The word for people and programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Manifest => "manifest",
            Self::Settings => "settings",
            Self::Load => "load",
            Self::Describe => "describe",
            Self::SelfTest => "self-test",
            Self::Shadow => "shadow",
            Self::Conflict => "conflict",
        }
    }
}

impl Why {
    fn reason(self) -> &'static str {
        match self {
            Self::Files => "",
            Self::RolledBack => ", because the one after it was set aside",
            Self::Pinned => ", because it is pinned",
            Self::Configured => ", because the host's configuration has changed",
            Self::LastGood => ", because the files in the directory cannot be used",
        }
    }
}

impl From<BreakerPhase> for BreakerWord {
    fn from(phase: BreakerPhase) -> Self {
        match phase {
            BreakerPhase::Closed => Self::Closed,
            BreakerPhase::Open { .. } => Self::Open,
            BreakerPhase::HalfOpen => Self::HalfOpen,
        }
    }
}

impl fmt::Display for BreakerWord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Closed => "in service again",
            Self::Open => "out of service",
            Self::HalfOpen => "on trial",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published { version, former, why, notes, took } => {
                write!(formatter, "{version} serves")?;
                if let Some(former) = former {
                    write!(formatter, " instead of {former}")?;
                }
                let ms = (took.read + took.load + took.probe + took.shadow).as_secs_f64() * 1e3;
                write!(formatter, "{}; it took {ms:.1} ms", why.reason())?;
                notes.iter().try_for_each(|note| write!(formatter, "\nnote: {note}"))
            }
            Self::Rejected { place, stage, why, serving, .. } => {
                write!(formatter, "{place} is not taken ({}): {why}", stage.name())?;
                match serving {
                    Some(version) => write!(formatter, "\n{version} goes on serving"),
                    None => Ok(()),
                }
            }
            Self::Withdrawn { version, why } => write!(formatter, "{version} serves no more: {why}"),
            Self::SetAside { version, why } => write!(formatter, "{version} is set aside: {why}"),
            Self::Proven { version } => write!(formatter, "{version} has passed its probation"),
            Self::Drained { version } => write!(formatter, "{version} is gone: its last run has ended"),
            Self::Overdue { version, runs } => {
                write!(formatter, "{version} has served no more for long enough: its {runs} runs are told to end")
            }
            Self::Breaker { version, state, why } => {
                write!(formatter, "{version} is {state}")?;
                if why.is_empty() { Ok(()) } else { write!(formatter, ": {why}") }
            }
            Self::Unreadable { why } => {
                write!(formatter, "the plugin directory cannot be read, so all stays as it is: {why}")
            }
            Self::Readable => formatter.write_str("the plugin directory can be read again"),
        }
    }
}
