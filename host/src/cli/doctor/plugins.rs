//! Whether what lies in the plugin directory would serve. Nothing is compiled or started.

use std::collections::BTreeMap;

use hangar_runtime::library::places_in;
use hangar_runtime::manifest::{PluginFiles, Terms};
use hangar_runtime::{Outline, World};

use super::findings::Findings;
use crate::cli::plugin::{NotGranted, file_problem, load_problem, world_problem};
use crate::cli::problem::Problem;
use crate::config::{Config, PluginsConfig};

const CHECK: &str = "plugins";

/// A plugin that was found.
struct Found {
    place: String,
    title: String,
    world: World,
    enabled: bool,
    not_granted: NotGranted,
}

/// Looks at the directory, at each plugin, and at what the configuration says of plugins.
pub fn check(config: &Config, findings: &mut Findings) {
    let directory = &config.plugins.directory;
    let shown = directory.display();
    if !directory.is_dir() {
        return findings.bad(
            CHECK,
            format!("{shown} is no directory"),
            "make it, or name the one that plugins lie in with --plugins",
        );
    }
    let (places, left_out) = match places_in(directory) {
        Ok(places) => places,
        Err(error) => {
            return findings.bad(
                CHECK,
                format!("{shown} cannot be read: {error}"),
                "let this user read it, or name another one",
            );
        }
    };
    if left_out > 0 {
        findings.warn(
            CHECK,
            format!("{left_out} entries of {shown} are not looked at"),
            "leave there only what belongs to plugins",
        );
    }
    let mut plugins: BTreeMap<String, Found> = BTreeMap::new();
    for place in &places {
        let (id, found) = match plugin(&config.plugins, place) {
            Ok(found) => found,
            Err(problem) => {
                findings.problem(CHECK, problem.at(place));
                continue;
            }
        };
        if let Some(other) = plugins.get(&id) {
            let what = format!("{place} and {} are both the plugin `{id}`", other.place);
            findings.bad(CHECK, what, "remove one of them, or give it another id");
            continue;
        }
        plugins.insert(id, found);
    }
    if places.is_empty() {
        let fix = "put plugins there, each in a folder of its own; `make plugins` builds those that ship to target/dist/plugins";
        findings.warn(CHECK, format!("there is no plugin in {shown}, so no device can be driven"), fix);
    }
    for (id, found) in &plugins {
        tell(id, found, findings);
    }
    names(config, &plugins, findings);
}

/// What lies in a place, and under which id.
fn plugin(plugins: &PluginsConfig, place: &str) -> Result<(String, Found), Problem> {
    let files = PluginFiles::find(&plugins.directory.join(place)).map_err(|error| file_problem(&error))?;
    let (id, manifest) = (files.id(), files.manifest.as_ref());
    let bytes = files.read_component().map_err(|error| file_problem(&error))?;
    let outline = Outline::of(&bytes).map_err(|error| load_problem(&error))?;
    if let Some(problem) = manifest.and_then(|manifest| world_problem(manifest, outline.world)) {
        return Err(problem);
    }
    let config = plugins.host.plugin(&id);
    let terms = Terms::of(&id, manifest, &config);
    let missing = terms.missing_settings();
    if config.enabled && !missing.is_empty() {
        let fix = format!("write into hangar.toml, under [plugins.{id}.settings]:\n{missing}");
        return Err(Problem::new(format!("the plugin `{id}` lacks settings that must be given"), fix));
    }
    if config.enabled
        && let Err(error) = terms.settings(&serde_json::Map::new())
    {
        let fix = format!("mend it under [plugins.{id}.settings] in hangar.toml");
        return Err(Problem::new(error.problems.join("\n"), fix));
    }
    let limits = manifest.map(|manifest| &manifest.limits);
    let not_granted = limits.map(|limits| NotGranted::under(&terms, limits, &id, outline.world)).unwrap_or_default();
    let (version, platforms) = match manifest {
        Some(manifest) => (manifest.version.to_string(), manifest.platforms.join(", ")),
        None => (String::new(), String::new()),
    };
    let what = match platforms.is_empty() {
        true => outline.world.name().to_owned(),
        false => format!("{} for {platforms}", outline.world.name()),
    };
    let title = format!("{id} {version} is a {what}").replace("  ", " ");
    let place = place.to_owned();
    Ok((id, Found { place, title, world: outline.world, enabled: config.enabled, not_granted }))
}

fn tell(id: &str, found: &Found, findings: &mut Findings) {
    let Found { title, enabled, not_granted, .. } = found;
    if !enabled {
        findings.ok(CHECK, format!("{title}, and switched off by `enabled = false` in [plugins.{id}]"));
    } else if not_granted.is_empty() {
        findings.ok(CHECK, title.clone());
    } else {
        let what = format!("{title}; it asks for more than it is granted: {}", not_granted.in_words());
        findings.warn(CHECK, what, format!("if you agree, write into hangar.toml:\n{}", not_granted.toml.trim_end()));
    }
}

/// Whether all plugins that the configuration names are there.
fn names(config: &Config, plugins: &BTreeMap<String, Found>, findings: &mut Findings) {
    let serves = |id: &str, world: World| plugins.get(id).is_some_and(|found| found.enabled && found.world == world);
    for (platform, id) in &config.plugins.host.platforms {
        if !serves(id, World::Behaviour) {
            let what = format!("[platforms] gives `{platform}` to `{id}`, which is no behaviour that serves");
            findings.bad(CHECK, what, "put it there, switch it on, or name another one");
        }
    }
    for (kind, ids) in &config.handlers.required {
        for id in ids.iter().filter(|id| !serves(id, World::Handler)) {
            let what =
                format!("[handlers] requires `{id}` for `{kind}`, and no such handler serves: none of them will pass");
            findings.bad(CHECK, what, "put it there, switch it on, or do not require it");
        }
    }
    for id in config.handlers.order.iter().filter(|id| !serves(id, World::Handler)) {
        findings.warn(
            CHECK,
            format!("`order` in [handlers] names `{id}`, which is no handler that serves"),
            "put it there, or leave it out",
        );
    }
    for id in config.plugins.host.plugins.keys().filter(|id| !plugins.contains_key(*id)) {
        let what = format!("hangar.toml has [plugins.{id}], and no such plugin is there");
        findings.warn(CHECK, what, "put it there, or take that section out");
    }
}
