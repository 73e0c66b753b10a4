//! What a plugin may ask of the host: requested in its manifest, granted in the host's configuration.

use serde::Serialize;

use super::names::Names;
use super::problems::{all_of, did_you_mean};
use super::section::{Section, Value};
use crate::outline::World;

/// The kinds of targets that `delegate` speaks of.
const TARGETS: [&str; 3] = ["device", "agent", "extension"];

/// The verdicts besides `pass`, which needs no capability.
const VERDICTS: [&str; 9] =
    ["replace", "reply", "reject", "route", "broadcast", "hold", "start-session", "deny", "extension"];

const OF_BEHAVIOURS: [&str; 7] =
    ["device-tools", "host-tools", "models", "ask-user", "delegate", "store", "edit-image"];
const OF_HANDLERS: [&str; 2] = ["verdicts", "directory"];

/// What a plugin may ask of the host. Whatever is not listed here is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Capabilities {
    /// The tool sets of the run's own executor, by agent: to list them and to run their commands.
    pub device_tools: Names,
    /// The tools of the host and its MCP servers, by name: to list them and to call them.
    pub host_tools: Names,
    /// The models to ask, by name or role. The default model is `default`.
    pub models: Names,
    /// To ask the user.
    pub ask_user: bool,
    /// To let others work, by the kind of target; any device that fits counts as `device`.
    pub delegate: Names,
    /// To read and write the plugin's own store.
    pub store: bool,
    /// To change pictures.
    pub edit_image: bool,
    /// The verdicts that a handler may give besides `pass`.
    pub verdicts: Names,
    /// For a handler, to see who is there.
    pub directory: bool,
}

impl Capabilities {
    /// What a plugin requests that says nothing, and what an operator grants who says nothing: enough for a run to drive
    /// its own device and for a handler to stop what must not pass, and nothing that reaches others.
    #[must_use]
    pub fn safe() -> Self {
        Self {
            device_tools: Names::all(),
            models: Names::of(["default"]),
            ask_user: true,
            store: true,
            edit_image: true,
            verdicts: Names::of(["reject", "deny"]),
            ..Self::none()
        }
    }

    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self {
            device_tools: Names::none(),
            host_tools: Names::none(),
            models: Names::none(),
            ask_user: false,
            delegate: Names::none(),
            store: false,
            edit_image: false,
            verdicts: Names::none(),
            directory: false,
        }
    }

    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            device_tools: Names::all(),
            host_tools: Names::all(),
            models: Names::all(),
            ask_user: true,
            delegate: Names::all(),
            store: true,
            edit_image: true,
            verdicts: Names::all(),
            directory: true,
        }
    }

    /// What both allow.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            device_tools: self.device_tools.intersection(&other.device_tools),
            host_tools: self.host_tools.intersection(&other.host_tools),
            models: self.models.intersection(&other.models),
            ask_user: self.ask_user && other.ask_user,
            delegate: self.delegate.intersection(&other.delegate),
            store: self.store && other.store,
            edit_image: self.edit_image && other.edit_image,
            verdicts: self.verdicts.intersection(&other.verdicts),
            directory: self.directory && other.directory,
        }
    }

    /// What of it means something in this world, as key and value of TOML; what is not allowed is left out.
    #[must_use]
    pub fn entries(&self, world: World) -> Vec<(&'static str, String)> {
        let names = |names: &Names| (!names.is_empty()).then(|| names.to_string());
        let switch = |on: bool| on.then(|| "true".to_owned());
        let all = [
            ("device-tools", names(&self.device_tools)),
            ("host-tools", names(&self.host_tools)),
            ("models", names(&self.models)),
            ("ask-user", switch(self.ask_user)),
            ("delegate", names(&self.delegate)),
            ("store", switch(self.store)),
            ("edit-image", switch(self.edit_image)),
            ("verdicts", names(&self.verdicts)),
            ("directory", switch(self.directory)),
        ];
        let of_world = |key: &str| !foreign_to(world).contains(&key);
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).filter(|(key, _)| of_world(key)).collect()
    }

    /// Reads a table of them. A key that is absent is as in `otherwise`.
    pub(super) fn read(mut section: Section<'_>, otherwise: Self) -> Self {
        let mut names = |key, otherwise, words: &[&str]| match section.value(key) {
            Some(value) => value.names().inspect(|names| check_words(&value, names, words)).unwrap_or(otherwise),
            None => otherwise,
        };
        let device_tools = names("device-tools", otherwise.device_tools, &[]);
        let host_tools = names("host-tools", otherwise.host_tools, &[]);
        let models = names("models", otherwise.models, &[]);
        let delegate = names("delegate", otherwise.delegate, &TARGETS);
        let verdicts = names("verdicts", otherwise.verdicts, &VERDICTS);
        let mut switch = |key, otherwise| section.value(key).and_then(|value| value.boolean()).unwrap_or(otherwise);
        let ask_user = switch("ask-user", otherwise.ask_user);
        let store = switch("store", otherwise.store);
        let edit_image = switch("edit-image", otherwise.edit_image);
        let directory = switch("directory", otherwise.directory);
        section.end();
        Self { device_tools, host_tools, models, ask_user, delegate, store, edit_image, verdicts, directory }
    }

    /// Reads the requests of a plugin of this world: what is absent is not requested.
    pub(super) fn read_requests(mut section: Section<'_>, world: World) -> Self {
        for key in foreign_to(world) {
            if let Some(value) = section.value(key) {
                value.complain(&format!("means nothing for a {}", world.name()));
            }
        }
        Self::read(section, Self::none())
    }
}

/// The keys that mean nothing in this world.
fn foreign_to(world: World) -> &'static [&'static str] {
    match world {
        World::Behaviour => &OF_HANDLERS,
        World::Handler => &OF_BEHAVIOURS,
    }
}

/// Where all names are known, a name that is none of them is a mistake.
fn check_words(value: &Value<'_>, names: &Names, words: &[&str]) {
    if words.is_empty() {
        return;
    }
    for entry in names.entries() {
        let one = Names::of([entry.as_str()]);
        if !words.iter().any(|word| one.allows(word)) {
            let hint = match did_you_mean(&entry, words.iter().copied()) {
                hint if hint.is_empty() => format!("; there are {}", all_of(words.iter().copied())),
                hint => hint,
            };
            value.complain(&format!("has `{}`, which is none{hint}", crate::log::clean(&entry, 80)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intersection_is_what_both_allow() {
        let (safe, all) = (Capabilities::safe(), Capabilities::everything());
        assert_eq!(safe.intersection(&all), safe);
        assert_eq!(all.intersection(&safe), safe);
        assert_eq!(safe.intersection(&Capabilities::none()), Capabilities::none());
        let one = Capabilities { host_tools: Names::of(["search.*"]), ask_user: false, ..Capabilities::everything() };
        let both = one.intersection(&Capabilities { store: false, ..Capabilities::everything() });
        assert_eq!(both, Capabilities { store: false, ..one });
    }

    #[test]
    fn the_entries_are_those_of_the_world() {
        let entries = Capabilities::safe().entries(World::Behaviour);
        let keys: Vec<&str> = entries.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["device-tools", "models", "ask-user", "store", "edit-image"]);
        let entries = Capabilities::safe().entries(World::Handler);
        assert_eq!(entries, [("verdicts", r#"["deny", "reject"]"#.to_owned())]);
    }
}
