//! Reads a WIT directory into shapes that can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use semver::Version;
use wit_parser::{Resolve, Stability, UnresolvedPackage, UnresolvedPackageGroup, WorldItem, WorldKey};

use super::Error;
use super::shape::{Definition, Function};

/// A WIT package. Everything is found by its name.
pub struct Package {
    /// Namespace and name.
    pub name: String,
    pub version: Version,
    pub interfaces: BTreeMap<String, Interface>,
    pub worlds: BTreeMap<String, World>,
}

pub struct Interface {
    pub since: Option<Version>,
    pub types: BTreeMap<String, Definition>,
    /// A function of a resource is named `resource.function`.
    pub functions: BTreeMap<String, Function>,
}

/// A world names interfaces, nothing else.
pub struct World {
    pub since: Option<Version>,
    /// The imported interfaces, also those that only a `use` brings in, and since when they are imported.
    pub imports: BTreeMap<String, Option<Version>>,
    pub exports: BTreeSet<String>,
}

impl Package {
    pub fn read(path: &Path) -> Result<Self, Error> {
        let invalid = |reason| Error::Invalid { path: path.to_owned(), reason };
        std::fs::read_dir(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        let group = UnresolvedPackageGroup::parse_dir(path).map_err(|error| invalid(error.to_string()))?;
        if !group.nested.is_empty() || !group.main.foreign_deps.is_empty() {
            return Err(Error::NotCovered {
                path: path.to_owned(),
                what: format!("{} needs or contains another package", group.main.name),
                remedy: "define its types in this package",
            });
        }

        let name = group.main.name.clone();
        let version = name.version.clone().ok_or_else(|| invalid(format!("package {name} has no version")))?;
        let written = WrittenImports::of(&group.main);
        let mut resolve = Resolve::default();
        if let Err(error) = resolve.push_group(group) {
            return Err(invalid(error.render(&resolve.source_map)));
        }
        let reader = Reader { path, resolve };
        Ok(Self {
            name: format!("{}:{}", name.namespace, name.name),
            version,
            interfaces: reader.interfaces()?,
            worlds: reader.worlds(&written)?,
        })
    }
}

/// The imports that stand in the text, by world and interface, and since when. Resolving adds those that a `use` implies,
/// and then the two cannot be told apart.
struct WrittenImports(BTreeMap<(String, String), Option<Version>>);

impl WrittenImports {
    fn of(package: &UnresolvedPackage) -> Self {
        let worlds = package.worlds.iter();
        let imports = worlds.flat_map(|(_, world)| {
            world.imports.values().filter_map(|item| match item {
                WorldItem::Interface { id, stability, .. } => {
                    let interface = package.interfaces.get(*id)?.name.clone()?;
                    Some(((world.name.clone(), interface), since(stability)))
                }
                WorldItem::Function(_) | WorldItem::Type { .. } => None,
            })
        });
        Self(imports.collect())
    }

    fn get(&self, world: &str, interface: &str) -> Option<&Option<Version>> {
        self.0.get(&(world.to_owned(), interface.to_owned()))
    }
}

/// Reads one resolved package; its types and functions in `types`.
pub struct Reader<'a> {
    pub path: &'a Path,
    pub resolve: Resolve,
}

impl Reader<'_> {
    fn interfaces(&self) -> Result<BTreeMap<String, Interface>, Error> {
        let mut interfaces = BTreeMap::new();
        for (_, interface) in self.resolve.interfaces.iter() {
            // One without a name stands inside a world, where `interface_named_by` refuses it.
            let Some(name) = &interface.name else {
                continue;
            };
            let mut types = BTreeMap::new();
            for (name, id) in &interface.types {
                types.insert(name.clone(), self.definition(*id)?);
            }
            let mut functions = BTreeMap::new();
            for function in interface.functions.values() {
                let (name, function) = self.function(function)?;
                functions.insert(name, function);
            }
            let since = since(&interface.stability);
            interfaces.insert(name.clone(), Interface { since, types, functions });
        }
        Ok(interfaces)
    }

    fn worlds(&self, written: &WrittenImports) -> Result<BTreeMap<String, World>, Error> {
        let mut worlds = BTreeMap::new();
        for (_, world) in self.resolve.worlds.iter() {
            let mut imports = BTreeMap::new();
            for key in world.imports.keys() {
                let (name, interface_since) = self.interface_named_by(&world.name, key)?;
                // An import that a `use` implies has no statement that could carry an `@since`: it is as old as the
                // interface.
                let imported_since = written.get(&world.name, &name).cloned();
                let imported_since = imported_since.unwrap_or(interface_since);
                imports.insert(name, imported_since);
            }
            let mut exports = BTreeSet::new();
            for key in world.exports.keys() {
                exports.insert(self.interface_named_by(&world.name, key)?.0);
            }
            worlds.insert(world.name.clone(), World { since: since(&world.stability), imports, exports });
        }
        Ok(worlds)
    }

    /// The interface that a world imports or exports, and since when there is such an interface.
    fn interface_named_by(&self, world: &str, key: &WorldKey) -> Result<(String, Option<Version>), Error> {
        let interface = match key {
            WorldKey::Interface(id) => self.resolve.interfaces.get(*id),
            WorldKey::Name(_) => None,
        };
        match interface.and_then(|interface| Some((interface, interface.name.clone()?))) {
            Some((interface, name)) => Ok((name, since(&interface.stability))),
            None => Err(self.not_covered(
                format!("world {world} has an item of its own"),
                "put it into an interface and name that in the world",
            )),
        }
    }

    pub fn not_covered(&self, what: String, remedy: &'static str) -> Error {
        Error::NotCovered { path: self.path.to_owned(), what, remedy }
    }
}

/// The version in an `@since`.
pub fn since(stability: &Stability) -> Option<Version> {
    match stability {
        Stability::Stable { since, .. } => Some(since.clone()),
        Stability::Unknown | Stability::Unstable { .. } => None,
    }
}
