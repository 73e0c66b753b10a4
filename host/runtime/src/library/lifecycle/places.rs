//! The places of the directory: what lies in each, and which plugin each belongs to.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::{Claims, Effect, Lifecycle, Plugin, Reading, World};
use crate::library::change::{Change, Stage};
use crate::library::clock::Moment;

/// What a place has to offer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offer {
    /// The plugin.
    pub(crate) id: String,
    /// Its version, if there is a manifest.
    pub(crate) version: Option<Version>,
    /// The hash of the files.
    pub(crate) hash: String,
    /// What its manifest wants to serve; a component alone says so only when it is asked.
    pub(crate) claims: Claims,
}

/// One entry of the directory.
pub(crate) struct Place<W: World> {
    /// What it looked like when it was read; none if it has to be read again in any case.
    seen: Option<W::Fingerprint>,
    /// The number of the effect that asked for it to be read.
    reading: Option<u64>,
    /// It changed while it was read: only the next looks can say when to try again.
    restless: bool,
    content: Content<W>,
    /// Why what it has to offer is not even looked at.
    misplaced: Option<String>,
    /// Whether that was told.
    told: bool,
}

enum Content<W: World> {
    Unread,
    /// The package is there from reading until it is examined, and not kept beyond.
    Holds(Offer, Option<W::Package>),
    Broken(String),
}

impl<W: World> Place<W> {
    fn new() -> Self {
        Self { seen: None, reading: None, restless: false, content: Content::Unread, misplaced: None, told: true }
    }

    /// The plugin whose files are in it.
    fn held(&self) -> Option<&str> {
        match &self.content {
            Content::Holds(offer, _) => Some(&offer.id),
            Content::Unread | Content::Broken(_) => None,
        }
    }

    /// What it has to offer to the plugin that it belongs to.
    pub(crate) fn offer(&self) -> Option<&Offer> {
        match &self.content {
            Content::Holds(offer, _) if self.misplaced.is_none() => Some(offer),
            Content::Holds(..) | Content::Unread | Content::Broken(_) => None,
        }
    }

    /// Why it has nothing to offer.
    pub(crate) fn trouble(&self) -> Option<&str> {
        match &self.content {
            Content::Broken(why) => Some(why),
            Content::Unread | Content::Holds(..) => self.misplaced.as_deref(),
        }
    }
}

impl<W: World> Lifecycle<W> {
    /// Two looks that agree say what is there; about the rest nothing is known yet.
    pub(super) fn compare(
        &mut self,
        now: Moment,
        first: &BTreeMap<String, W::Fingerprint>,
        second: &BTreeMap<String, W::Fingerprint>,
    ) {
        let names: BTreeSet<&String> = first.keys().chain(second.keys()).chain(self.places.keys()).collect();
        let (mut gone, mut changed, mut restless) = (Vec::new(), Vec::new(), false);
        for name in names {
            match (first.get(name), second.get(name)) {
                (None, None) => gone.push(name.clone()),
                (Some(before), Some(after)) if before == after => {
                    let place = self.places.get(name);
                    if place.is_none_or(|place| place.reading.is_none() && place.seen.as_ref() != Some(after)) {
                        changed.push(name.clone());
                    }
                }
                _ => restless = true,
            }
        }
        for name in gone {
            self.places.remove(&name);
        }
        for name in changed {
            self.ask_to_read(name);
        }
        if restless {
            self.debounce.stir(now, &self.timing);
        } else {
            self.has_looked = true;
        }
        self.settle_all(now);
    }

    /// Forgets what is known of a place, so that it is read again.
    pub(super) fn ask_to_read(&mut self, name: String) {
        self.last_read += 1;
        let number = self.last_read;
        let place = self.places.entry(name.clone()).or_insert_with(Place::new);
        place.reading = Some(number);
        place.restless = false;
        self.effects.push(Effect::Read { place: name, number });
    }

    /// Whether it is not known yet what some place holds.
    pub(super) fn is_reading(&self) -> bool {
        self.places.values().any(|place| place.reading.is_some())
    }

    /// Whether this place will be read without being asked for.
    pub(super) fn will_be_read(&self, place: &str) -> bool {
        self.places.get(place).is_some_and(|place| place.reading.is_some() || place.restless)
    }

    /// Whether what lies in the plugin's place is being read for the first time.
    pub(super) fn is_about_to_be_known(&self, plugin: &Plugin<W>) -> bool {
        let place = plugin.place.as_ref().and_then(|place| self.places.get(place));
        place.is_some_and(|place| place.reading.is_some() && matches!(place.content, Content::Unread))
    }

    /// Takes a package to be examined, if it is at hand.
    pub(super) fn package(&self, place: &str) -> Option<W::Package> {
        match &self.places.get(place)?.content {
            Content::Holds(_, package) => package.clone(),
            Content::Unread | Content::Broken(_) => None,
        }
    }

    pub(super) fn read(&mut self, now: Moment, name: &str, number: u64, reading: Reading<W>) {
        let Some(place) = self.places.get_mut(name).filter(|place| place.reading == Some(number)) else { return };
        place.reading = None;
        match reading {
            Reading::Unsteady => {
                place.seen = None;
                place.restless = true;
                self.debounce.stir(now, &self.timing);
            }
            Reading::Steady { fingerprint, content } => {
                place.seen = fingerprint;
                let known = std::mem::replace(&mut place.content, Content::Unread);
                match content {
                    Ok((offer, package)) => place.content = Content::Holds(offer, Some(package)),
                    Err(why) => {
                        let told = matches!(&known, Content::Broken(known) if *known == why);
                        place.content = Content::Broken(why.clone());
                        if !told {
                            self.complain(name, why);
                        }
                    }
                }
            }
        }
        self.settle_all(now);
        if let Some(Place { content: Content::Holds(_, package), .. }) = self.places.get_mut(name) {
            *package = None;
        }
    }

    /// Says that a place has nothing to offer, and what serves nevertheless.
    fn complain(&mut self, name: &str, why: String) {
        let owner = self.plugins.iter().find(|(_, plugin)| plugin.place.as_deref() == Some(name));
        let serving = owner.and_then(|(_, plugin)| plugin.live.as_ref()).map(|live| live.name.clone());
        let id = owner.map(|(id, _)| id.clone());
        self.tell(Change::Rejected { place: name.to_owned(), id, stage: Stage::Files, why, serving });
    }

    /// Says which place belongs to which plugin. A plugin that serves keeps its place, whatever comes to lie in it.
    pub(super) fn assign(&mut self) {
        for plugin in self.plugins.values_mut() {
            if plugin.place.as_ref().is_some_and(|place| !self.places.contains_key(place)) {
                plugin.place = None;
            }
        }
        self.follow_the_files();
        // Which place is free may depend on one that comes later; each round settles one at least.
        for _ in 0..=self.places.len() {
            if !self.assign_once() {
                break;
            }
        }
        // What is read next may put it right.
        if !self.is_reading() {
            self.complain_of_misplaced();
        }
    }

    fn complain_of_misplaced(&mut self) {
        let mut complaints = Vec::new();
        for (name, place) in &mut self.places {
            let was_told = std::mem::replace(&mut place.told, true);
            complaints.extend(place.misplaced.clone().filter(|_| !was_told).map(|why| (name.clone(), why)));
        }
        for (name, why) in complaints {
            self.complain(&name, why);
        }
    }

    /// Plugins whose places have come to hold others go to where their own files are now. One that serves and has no files
    /// elsewhere is not driven out: it holds its place against files that may be there by mistake.
    fn follow_the_files(&mut self) {
        let held = |name: &String| self.places.get(name).and_then(Place::held);
        let strays = self.plugins.iter().filter(|(id, plugin)| {
            let there = plugin.place.as_ref().and_then(held);
            there.is_some_and(|there| there != id.as_str())
        });
        let homes = |id: &String| {
            let holds_it = self.places.iter().filter(|(_, place)| place.held() == Some(id));
            holds_it.map(|(name, _)| name.clone()).collect()
        };
        let mut moves: BTreeMap<String, Vec<String>> = strays.map(|(id, _)| (id.clone(), homes(id))).collect();
        loop {
            moves.retain(|_, homes| !homes.is_empty());
            let stays = self.plugins.iter().filter(|(id, plugin)| plugin.live.is_some() && !moves.contains_key(*id));
            let taken: BTreeSet<&String> = stays.filter_map(|(_, plugin)| plugin.place.as_ref()).collect();
            if !moves.values().flatten().any(|home| taken.contains(home)) {
                break;
            }
            moves.values_mut().for_each(|homes| homes.retain(|home| !taken.contains(home)));
        }
        let moves: BTreeMap<String, String> =
            moves.into_iter().filter_map(|(id, homes)| Some((id, homes.into_iter().next()?))).collect();
        for (id, plugin) in &mut self.plugins {
            match moves.get(id) {
                Some(home) => plugin.place = Some(home.clone()),
                None if plugin.place.as_ref().is_some_and(|place| moves.values().any(|home| home == place)) => {
                    plugin.place = None;
                }
                None => {}
            }
        }
    }

    fn assign_once(&mut self) -> bool {
        let mut changed = false;
        for (name, place) in &mut self.places {
            let Content::Holds(offer, _) = &place.content else {
                place.misplaced = None;
                continue;
            };
            let owner = self.plugins.iter().find(|(_, plugin)| plugin.place.as_ref() == Some(name));
            let owner = owner.map(|(id, plugin)| (id.clone(), plugin.live.is_some()));
            let misplaced = match owner {
                Some((id, _)) if id == offer.id => None,
                Some((id, true)) => Some(changed_identity(&id, &offer.id)),
                owner => {
                    if let Some(plugin) = owner.and_then(|(id, _)| self.plugins.get_mut(&id)) {
                        plugin.place = None;
                        changed = true;
                    }
                    let plugin = self.plugins.entry(offer.id.clone()).or_default();
                    match &plugin.place {
                        Some(other) => Some(twice(&offer.id, other)),
                        None => {
                            plugin.place = Some(name.clone());
                            changed = true;
                            None
                        }
                    }
                }
            };
            if place.misplaced != misplaced {
                place.told = false;
                place.misplaced = misplaced;
            }
        }
        changed
    }
}

fn changed_identity(owner: &str, offered: &str) -> String {
    format!(
        "it holds the plugin `{owner}`, and now its files say that they are `{offered}`. Put `{offered}` in a folder of its \
         own; if `{owner}` is to go, remove this one first"
    )
}

fn twice(id: &str, place: &str) -> String {
    format!("the plugin `{id}` is in `{place}` already. Remove one of the two, or give this one another id")
}
