//! The rules of the freeze.

use std::collections::BTreeSet;

use semver::Version;
use wit_parser::PackageName;

use super::Break;
use super::package::{Interface, Package, World};
use super::shape::{Composite, Definition, Member, Shape};

const REMOVED: &str = "what is published stays until the next major version: put it back";
const REDEFINED: &str = "a published type is immutable: keep it, and add another one under a new name";
const NEW_EXPORT: &str = "plugins of the release do not have it: put a new duty into a new exported interface that is in \
                          no published world and that the host looks up by name";

pub fn packages(frozen: &Package, current: &Package) -> Vec<Break> {
    let mut comparison = Comparison { frozen, current, breaks: Vec::new() };
    comparison.versions();
    comparison.interfaces();
    comparison.worlds();
    comparison.breaks
}

struct Comparison<'a> {
    frozen: &'a Package,
    current: &'a Package,
    breaks: Vec<Break>,
}

impl<'a> Comparison<'a> {
    fn versions(&mut self) {
        let (frozen, current) = (self.frozen, self.current);
        let item = format!("package {}", frozen.name);
        if frozen.name != current.name {
            self.report(
                &item,
                format!("was renamed to {}", current.name),
                "every compiled plugin names the package: keep its name",
            );
        }
        let (before, now) = (&frozen.version, &current.version);
        // What the component model itself takes for the same import: equal majors, below 1.0 equal minors.
        if PackageName::version_compat_track(before) != PackageName::version_compat_track(now) {
            self.report(
                &item,
                format!("version changed from {before} to {now}"),
                "plugins of the release cannot link to it: put a new major version into a directory of its own",
            );
        } else if now < before {
            self.report(
                &item,
                format!("version went back from {before} to {now}"),
                "a version is published once: it stays or rises",
            );
        }
    }

    fn interfaces(&mut self) {
        let (frozen, current) = (self.frozen, self.current);
        for (name, before) in &frozen.interfaces {
            match current.interfaces.get(name) {
                Some(now) => self.interface(name, before, now),
                None => self.report(&format!("interface {name}"), "was removed", REMOVED),
            }
        }
        for (name, interface) in &current.interfaces {
            if !frozen.interfaces.contains_key(name) {
                self.needs_since(&format!("interface {name}"), interface.since.as_ref());
            }
        }
    }

    fn interface(&mut self, interface: &str, before: &Interface, now: &Interface) {
        for (name, before) in &before.types {
            let item = format!("{} {interface}.{name}", before.shape.keyword());
            match now.types.get(name) {
                Some(now) => self.shape(&item, &before.shape, &now.shape),
                None => self.report(&item, "was removed", REMOVED),
            }
        }
        for (name, before) in &before.functions {
            let item = format!("function {interface}.{name}");
            match now.functions.get(name) {
                Some(now) if now.signature == before.signature => {}
                Some(now) => self.report(
                    &item,
                    format!("changed from `{}` to `{}`", before.signature, now.signature),
                    "a published function is immutable: keep it, and offer the new one in a new interface",
                ),
                None => self.report(&item, "was removed", REMOVED),
            }
        }

        let is_new_type = |name: &String| !before.types.contains_key(name);
        for (name, definition) in now.types.iter().filter(|(name, _)| is_new_type(name)) {
            let Definition { since, shape } = definition;
            let item = format!("{} {interface}.{name}", shape.keyword());
            self.growth(interface, &item, since.as_ref());
        }
        for (name, function) in &now.functions {
            // The `@since` of a new resource speaks for its functions.
            let comes_with_its_resource = function.resource.as_ref().is_some_and(is_new_type);
            if !before.functions.contains_key(name) && !comes_with_its_resource {
                let item = format!("function {interface}.{name}");
                self.growth(interface, &item, function.since.as_ref());
            }
        }
    }

    /// Something new in a published interface.
    fn growth(&mut self, interface: &str, item: &str, since: Option<&Version>) {
        if self.is_only_imported(interface) {
            self.needs_since(item, since);
        } else {
            self.report(item, "was added to an exported interface", NEW_EXPORT);
        }
    }

    /// Whether the host alone had to provide this published interface, and still has to. One that was in no world was
    /// an optional export.
    fn is_only_imported(&self, interface: &str) -> bool {
        let (frozen, current) = (&self.frozen.worlds, &self.current.worlds);
        let mut worlds = frozen.values().chain(current.values());
        frozen.values().any(|world| world.imports.contains_key(interface))
            && !worlds.any(|world| world.exports.contains(interface))
    }

    fn shape(&mut self, item: &str, before: &Shape, now: &Shape) {
        match (before, now) {
            (before, now) if before == now => {}
            (Shape::Composite(kind, before), Shape::Composite(now_kind, now)) if kind == now_kind => {
                self.members(item, *kind, before, now);
            }
            (Shape::Alias(before), Shape::Alias(now)) => {
                self.report(item, format!("changed from {before} to {now}"), REDEFINED);
            }
            (before, now) => {
                let (before, now) = (before.keyword(), now.keyword());
                self.report(item, format!("changed from {before} to {now}"), REDEFINED);
            }
        }
    }

    fn members(&mut self, item: &str, kind: Composite, before: &[Member], now: &[Member]) {
        let (member, remedy) = (kind.member(), growing_instead(kind, before));
        let mut changes = Vec::new();
        let mut renamed_to = BTreeSet::new();
        for (position, old) in before.iter().enumerate() {
            let name = &old.name;
            if let Some(new) = find(now, name) {
                if new.carries != old.carries {
                    let (from, to) = (payload(old), payload(new));
                    changes.push(format!("{member} `{name}` changed from {from} to {to}"));
                }
                continue;
            }
            // A new name in the same place, with the same content and as many members: the member was renamed.
            match now.get(position) {
                Some(new)
                    if before.len() == now.len() && new.carries == old.carries && find(before, &new.name).is_none() =>
                {
                    renamed_to.insert(&new.name);
                    changes.push(format!("{member} `{name}` was renamed to `{}`", new.name));
                }
                _ => changes.push(format!("{member} `{name}` was removed")),
            }
        }
        for new in now {
            if find(before, &new.name).is_none() && !renamed_to.contains(&new.name) {
                changes.push(format!("{member} `{}` was added", new.name));
            }
        }
        let (old_order, new_order) = (shared(before, now), shared(now, before));
        if old_order != new_order {
            let (old_order, new_order) = (old_order.join(", "), new_order.join(", "));
            changes.push(format!("the order changed from {old_order} to {new_order}"));
        }
        for change in changes {
            self.report(item, change, &remedy);
        }
    }

    fn worlds(&mut self) {
        let (frozen, current) = (self.frozen, self.current);
        for (name, before) in &frozen.worlds {
            let item = format!("world {name}");
            match current.worlds.get(name) {
                Some(now) => self.world(&item, before, now),
                None => self.report(&item, "was removed", REMOVED),
            }
        }
        for (name, world) in &current.worlds {
            if !frozen.worlds.contains_key(name) {
                self.needs_since(&format!("world {name}"), world.since.as_ref());
            }
        }
    }

    fn world(&mut self, item: &str, before: &World, now: &World) {
        for interface in before.imports.keys() {
            if !now.imports.contains_key(interface) {
                self.report(item, format!("no longer imports {interface}"), REMOVED);
            }
        }
        for interface in before.exports.difference(&now.exports) {
            self.report(item, format!("no longer exports {interface}"), REMOVED);
        }
        for (interface, since) in &now.imports {
            if !before.imports.contains_key(interface) {
                let item = format!("{item}, import {interface}");
                self.needs_since(&item, since.as_ref());
            }
        }
        for interface in now.exports.difference(&before.exports) {
            self.report(item, format!("now exports {interface}"), NEW_EXPORT);
        }
    }

    /// What is new says so, with a version that the release did not reach.
    fn needs_since(&mut self, item: &str, since: Option<&Version>) {
        let release = &self.frozen.version;
        let change = match since {
            Some(since) if since > release => return,
            Some(since) => format!("is new but says `@since(version = {since})`"),
            None => "is new but has no `@since`".to_owned(),
        };
        let remedy = format!("put `@since(version = ...)` above it, with a version later than {release}");
        self.report(item, change, &remedy);
    }

    fn report(&mut self, item: &str, change: impl Into<String>, remedy: &str) {
        self.breaks.push(Break { item: item.to_owned(), change: change.into(), remedy: remedy.to_owned() });
    }
}

/// How to say more than a published type can carry.
fn growing_instead(kind: Composite, members: &[Member]) -> String {
    let keyword = kind.keyword();
    let open_member = kind.open_member().filter(|name| find(members, name).is_some());
    match open_member {
        Some(open) => format!("a published {keyword} is immutable: put new data into `{open}` or add a new interface"),
        None => format!("a published {keyword} is immutable: add a new interface"),
    }
}

fn find<'a>(members: &'a [Member], name: &str) -> Option<&'a Member> {
    members.iter().find(|member| member.name == name)
}

/// The names that both lists have, in the order of the first.
fn shared<'a>(members: &'a [Member], others: &[Member]) -> Vec<&'a str> {
    let names = members.iter().map(|member| member.name.as_str());
    names.filter(|name| find(others, name).is_some()).collect()
}

fn payload(member: &Member) -> &str {
    member.carries.as_deref().unwrap_or("no payload")
}
