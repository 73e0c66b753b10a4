//! What a file claims to be, read from its own names before anything is compiled: is it a component, for which world,
//! for which version of the contract?

use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

use crate::contract::{PACKAGE, VERSION};
use crate::limits::COMPONENT_BYTES;
use crate::load_error::LoadError;

/// The two worlds of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// Drives runs.
    Behaviour,
    /// Gives verdicts on messages.
    Handler,
}

impl World {
    /// The word of the contract.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Behaviour => "behaviour",
            Self::Handler => "handler",
        }
    }

    /// The interface that makes a plugin one of this world.
    #[must_use]
    pub fn interface(self) -> &'static str {
        match self {
            Self::Behaviour => "runs",
            Self::Handler => "handlers",
        }
    }
}

/// The outside of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its world.
    pub world: World,
    /// The version of the contract that it was built with.
    pub contract: String,
    /// What it imports, by full name.
    pub imports: Vec<String>,
    /// What it exports, by full name.
    pub exports: Vec<String>,
}

impl Outline {
    /// Reads the outline of a plugin, or says why this is none.
    pub fn of(bytes: &[u8]) -> Result<Self, LoadError> {
        if bytes.is_empty() {
            return Err(LoadError::Empty);
        }
        if bytes.len() > COMPONENT_BYTES {
            return Err(LoadError::TooLarge { bytes: bytes.len(), limit: COMPONENT_BYTES });
        }
        if is_precompiled(bytes) {
            return Err(LoadError::Precompiled);
        }
        if !bytes.starts_with(b"\0asm") {
            return Err(LoadError::NotWebAssembly);
        }
        let (imports, exports) = names(bytes)?;
        let (world, contract) = world_of(&exports)?;
        for import in &imports {
            allowed(import, world)?;
        }
        if interface(&exports, "meta").is_none() {
            return Err(LoadError::MissingExport { interface: "meta", world });
        }
        Ok(Self { world, contract, imports, exports })
    }
}

/// Compiled code is an ELF file.
fn is_precompiled(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF")
}

/// The names of the outermost component's imports and exported instances.
fn names(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), LoadError> {
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(LoadError::CoreModule),
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Instance {
                        exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

fn world_of(exports: &[String]) -> Result<(World, String), LoadError> {
    let behaviour = interface(exports, World::Behaviour.interface());
    let handler = interface(exports, World::Handler.interface());
    let (world, version) = match (behaviour, handler) {
        (Some(version), None) => (World::Behaviour, version),
        (None, Some(version)) => (World::Handler, version),
        (Some(_), Some(_)) => return Err(LoadError::TwoWorlds),
        (None, None) => return Err(LoadError::NoWorld),
    };
    if major(version) != major(VERSION) {
        return Err(LoadError::WrongMajor { found: version.to_owned() });
    }
    Ok((world, version.to_owned()))
}

/// The version of an interface of the contract, if it is there.
fn interface<'a>(names: &'a [String], interface: &str) -> Option<&'a str> {
    names.iter().find_map(|name| {
        let (path, version) = name.split_once('@')?;
        let (package, found) = path.split_once('/')?;
        (package == PACKAGE && found == interface).then_some(version)
    })
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

fn allowed(import: &str, world: World) -> Result<(), LoadError> {
    let package = import.split(['/', '@']).next().unwrap_or(import);
    let of_wasi = ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];
    let of_handlers_only = import.starts_with("hangar:plugin/directory@");
    if of_handlers_only && world != World::Handler {
        return Err(LoadError::Import { name: import.to_owned(), why: "only handlers may import it" });
    }
    if package == PACKAGE || of_wasi.contains(&package) {
        return Ok(());
    }
    let why = match package {
        "wasi:http" => "plugins have no network; ask the host with an action such as `call-tools`",
        _ => "the host does not have it; a plugin may import interfaces of hangar:plugin and of WASI 0.2",
    };
    Err(LoadError::Import { name: import.to_owned(), why })
}
