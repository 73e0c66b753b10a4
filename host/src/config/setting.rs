//! One value that can be configured, and the way from where it is said to where it holds.

use std::path::Path;

use hangar_runtime::manifest::Section;

use super::{Given, Kind};

/// One value that can be configured, of something that has several.
pub struct Setting<T: 'static> {
    /// Its key in the file.
    pub key: &'static str,
    /// Its flag on the command line; empty if it has none.
    pub flag: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is, and what happens at the limit that it sets.
    pub doc: &'static str,
    /// What holds.
    pub get: fn(&T) -> Given,
    /// Takes what is given.
    pub set: fn(&mut T, &Given),
}

/// A field as a [`Setting`]: key, flag in brackets if it has one, kind, where the field is, what it is.
macro_rules! setting {
    ($key:literal, $kind:expr, $($field:ident).+, $doc:literal) => {
        setting!($key [""], $kind, $($field).+, $doc)
    };
    ($key:literal [$flag:literal], $kind:expr, $($field:ident).+, $doc:literal) => {
        Setting {
            key: $key,
            flag: $flag,
            kind: $kind,
            doc: $doc,
            get: |of| of.$($field).+.given(),
            set: |of, given| of.$($field).+.accept(given),
        }
    };
}

pub(super) use setting;

/// What a section of a file says about one setting.
pub struct Said<T: 'static> {
    /// About which.
    pub setting: &'static Setting<T>,
    /// What.
    pub given: Given,
    /// The line, from 1.
    pub line: usize,
}

impl<T> Said<T> {
    /// Reads what a section says about these settings.
    pub fn read(section: &mut Section<'_>, settings: &'static [Setting<T>], folder: &Path) -> Vec<Self> {
        let said = settings.iter().filter_map(|setting| {
            let (given, line) = setting.kind.read(setting.key, section, folder)?;
            Some(Self { setting, given, line })
        });
        said.collect()
    }

    /// The same, for a section in which there is nothing else.
    pub fn read_all(mut section: Section<'_>, settings: &'static [Setting<T>], folder: &Path) -> Vec<Self> {
        let said = Self::read(&mut section, settings, folder);
        section.end();
        said
    }
}
