//! What the machine is told, and what it wants to be done.

use std::collections::BTreeMap;

use super::Offer;
use crate::library::change::{BreakerWord, Change, Phases};
use crate::library::examine::Rejection;
use crate::library::service::Standing;
use crate::manifest::{HostConfig, PluginConfig};

/// What the machine moves about without looking inside.
pub(crate) trait World {
    /// What a place looks like from outside; equal if nothing has changed.
    type Fingerprint: Clone + PartialEq;
    /// The files of one version.
    type Package: Clone;
    /// A version that was examined and can serve.
    type Version: Clone;
}

/// What the machine is told.
pub(crate) enum Input<W: World> {
    /// Something may have changed in the directory.
    Stirred,
    /// A look is over.
    Looked(Result<BTreeMap<String, W::Fingerprint>, String>),
    /// The files of a place were read.
    Read {
        /// The place.
        place: String,
        /// The number of the effect that asked for it.
        number: u64,
        /// What came of it.
        reading: Reading<W>,
    },
    /// A version was examined.
    Examined {
        /// The number of the effect that asked for it.
        number: u64,
        /// What came of it.
        outcome: Result<Proven<W>, Rejection>,
    },
    /// How a version fares that is or was live.
    Surveyed {
        /// Its number.
        number: u64,
        /// How it fares.
        health: Health,
    },
    /// The host's configuration is another one.
    Configured(Box<HostConfig>),
}

/// What came of reading a place.
pub(crate) enum Reading<W: World> {
    /// It changed meanwhile.
    Unsteady,
    /// It stood still.
    Steady {
        /// What it looked like; none if a later change might not show in it.
        fingerprint: Option<W::Fingerprint>,
        /// What is in it, or what is wrong with it.
        content: Result<(Offer, W::Package), String>,
    },
}

/// A version that may be published.
pub(crate) struct Proven<W: World> {
    /// The version.
    pub(crate) version: W::Version,
    /// What it wants to serve.
    pub(crate) claims: Claims,
    /// What an operator should know.
    pub(crate) notes: Vec<String>,
    /// The hash of its component alone, by which journals name it.
    pub(crate) component: String,
    /// How long it took.
    pub(crate) took: Phases,
}

/// What a plugin wants to have for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The platforms whose runs it drives.
    pub(crate) platforms: Vec<String>,
    /// The kinds of messages that nobody else answers.
    pub(crate) kinds: Vec<String>,
}

/// How a version fares.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    /// Runs that are on it now.
    pub(crate) runs: usize,
    /// Runs that ever began on it.
    pub(crate) began: u64,
    /// What its breaker does.
    pub(crate) breaker: BreakerWord,
    /// Why it should not be the one in service.
    pub(crate) alarm: Option<String>,
}

/// What is to be done.
pub(crate) enum Effect<W: World> {
    /// Look at the directory; answered by [`Input::Looked`].
    Look,
    /// Read the files of this place; answered by [`Input::Read`].
    Read {
        /// The place.
        place: String,
        /// To be given back.
        number: u64,
    },
    /// Find out whether this version can serve; answered by [`Input::Examined`].
    Examine(Examine<W>),
    /// Nobody waits for this examination any more.
    Abandon(u64),
    /// What is live has changed: see the plugins of the machine, and who serves what.
    Publish,
    /// Tell this version how it stands.
    Stand(W::Version, Standing),
    /// Of the former versions of this plugin only these are needed.
    Forget {
        /// The plugin.
        id: String,
        /// Their hashes.
        keep: Vec<String>,
    },
    /// Write down what must outlast the process: see the ledger of the machine.
    Remember,
    /// Something happened.
    Tell(Change),
}

/// An examination that is asked for.
pub(crate) struct Examine<W: World> {
    /// The number of the generation that it will be.
    pub(crate) number: u64,
    /// The plugin.
    pub(crate) id: String,
    /// The hash of the version.
    pub(crate) hash: String,
    /// Its files; none if they are to be taken from the archive.
    pub(crate) package: Option<W::Package>,
    /// What the host's configuration says of it.
    pub(crate) config: PluginConfig,
    /// The version that it is to follow.
    pub(crate) former: Option<W::Version>,
}
