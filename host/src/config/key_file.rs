//! The file of named keys.

use std::collections::BTreeMap;
use std::path::Path;

use hangar_runtime::manifest::{Document, FileError, Section, TomlError, read_text};

use super::kind::{self, Kind};
use super::{Environment, FileInUse, Given, NamedKey, Scope, Secret};

/// The largest file of keys, in bytes.
const BYTES: u64 = 1 << 20;

/// Keys that a file may have.
const KEYS: usize = 10_000;

/// Characters of a key, at least: fewer can be guessed.
const LEAST: usize = 16;

/// Characters of a key, at most.
const MOST: usize = 1_024;

/// All that a key can open, in one word.
const EVERYTHING: &str = "*";

/// Where the key itself stands.
const KEY: Kind = Kind::Secret { environment: "key-env", file: "key-file" };

/// A file of keys that is read again when it changes. The keys before go on to hold while a newer file is wrong.
pub type KeyFile = FileInUse<Vec<NamedKey>, FileError>;

/// Reads a file of keys, or says everything that is wrong with it.
pub fn read_keys(path: &Path) -> Result<Vec<NamedKey>, FileError> {
    let text = read_text(path, BYTES)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(parse(&text, folder, &Environment::Process).map_err(|error| error.in_file(path))?)
}

/// What to tell the operator of a file with secrets that others can read; none if they cannot.
pub fn readable_by_others(path: &Path) -> Option<String> {
    let mode = mode(path)?;
    (mode & 0o077 != 0)
        .then(|| format!("{} can be read by others than its owner; take that from them: chmod 600 {0}", path.display()))
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|metadata| metadata.mode())
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

fn parse(text: &str, folder: &Path, environment: &Environment) -> Result<Vec<NamedKey>, TomlError> {
    Document::read(text, |mut top| {
        let mut read = Vec::new();
        if let Some(section) = top.section("keys") {
            for (name, value) in section.all() {
                if name.is_empty() || name.len() > 100 || name.contains(char::is_control) {
                    value.complain("is no name of a key; it has 1 to 100 letters and no control characters");
                }
                let Some(section) = value.section() else { continue };
                read.extend(key(name, section, folder, environment));
            }
            if read.len() > KEYS {
                section.complain(format!("[keys] has {} keys; {KEYS} are allowed", read.len()));
            }
        } else {
            top.complain("there is no key in it; write `[keys.NAME]` with `key` and `scopes`".to_owned());
        }
        top.end();
        read
    })
    .and_then(|keys| without_twins(text, keys))
}

/// One key; none if something is wrong with it.
fn key(name: &str, mut section: Section<'_>, folder: &Path, environment: &Environment) -> Option<NamedKey> {
    let heading = format!("[keys.{}]", kind::key(name));
    let source = KEY.read("key", &mut section, folder);
    let is_given = section.all().any(|(key, _)| ["key", "key-env", "key-file"].contains(&key));
    if !is_given {
        section.complain(format!(
            "`key` is missing in {heading}: the key, or `key-env` or `key-file` for where it is kept"
        ));
    }
    let secret = source.and_then(|(given, _)| match given {
        Given::Secret(source) => match source.fetch(environment).and_then(checked) {
            Ok(secret) => Some(secret),
            Err(why) => {
                section.complain(format!("the key in {heading} {why}"));
                None
            }
        },
        _ => None,
    });
    let scopes = match section.value("scopes") {
        Some(value) => value.texts().and_then(|texts| scopes(&texts).map_err(|why| value.complain(&why)).ok()),
        None => {
            section.complain(format!("`scopes` is missing in {heading}: what the key opens, such as [\"operator\"]"));
            None
        }
    };
    section.end();
    Some(NamedKey { name: name.to_owned(), key: secret?, scopes: scopes? })
}

/// A key that cannot be guessed, and that headers and URLs can carry.
fn checked(secret: Secret) -> Result<Secret, String> {
    let text = secret.expose();
    match text.len() {
        length if length < LEAST => Err(format!("has {length} characters; make it {LEAST} or more")),
        length if length > MOST => Err(format!("has {length} characters; make it {MOST} or fewer")),
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("has blanks or other characters than ASCII; use letters, digits and signs".to_owned())
        }
        _ => Ok(secret),
    }
}

fn scopes(words: &[&str]) -> Result<Vec<Scope>, String> {
    use hangar_runtime::manifest::{did_you_mean, one_of};
    let mut scopes = Vec::new();
    for word in words {
        if *word == EVERYTHING {
            scopes.extend(Scope::ALL);
            continue;
        }
        let Some(scope) = Scope::ALL.into_iter().find(|scope| scope.name() == *word) else {
            let names = || Scope::ALL.into_iter().map(Scope::name).chain([EVERYTHING]);
            let hint = match did_you_mean(word, names()) {
                hint if hint.is_empty() => format!("; it must be {}", one_of(names())),
                hint => hint,
            };
            return Err(format!("has `{}`, which is none{hint}", kind::cut(word)));
        };
        scopes.push(scope);
    }
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() { Err("is empty; a key that opens nothing is of no use".to_owned()) } else { Ok(scopes) }
}

/// Two names for one key would leave it open which of them came in.
fn without_twins(text: &str, keys: Vec<NamedKey>) -> Result<Vec<NamedKey>, TomlError> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut twins = Vec::new();
    for NamedKey { name, key, .. } in &keys {
        if let Some(other) = names.insert(key.expose(), name) {
            twins.push((
                name.clone(),
                format!(
                    "[keys.{}] has the same key as [keys.{}]; give each its own",
                    kind::key(name),
                    kind::key(other)
                ),
            ));
        }
    }
    if twins.is_empty() {
        return Ok(keys);
    }
    // Once more, for the lines where these keys stand.
    Document::read(text, |top| {
        let section = top.all().find(|(name, _)| *name == "keys").and_then(|(_, value)| value.table());
        for (name, value) in section.iter().flat_map(Section::all) {
            for (_, why) in twins.iter().filter(|(twin, _)| twin == name) {
                if let Some(section) = value.table() {
                    section.complain(why.clone());
                }
            }
        }
        keys.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[keys.ci]\nkey = \"0123456789abcdef\"\nscopes = [\"operator\", \"device\", \"operator\"]\n\
        [keys.\"the lab\"]\nkey-env = \"LAB\"\nscopes = [\"*\"]\n";

    fn of(text: &str) -> Result<Vec<NamedKey>, String> {
        let environment = Environment::of([("LAB", "fedcba9876543210"), ("TWIN", "0123456789abcdef")]);
        parse(text, Path::new(""), &environment).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_have_names_and_scopes() {
        let keys = of(GOOD).unwrap();
        let shown: Vec<_> = keys.iter().map(|key| (&*key.name, key.key.expose(), &*key.scopes)).collect();
        assert_eq!(
            shown,
            [
                ("ci", "0123456789abcdef", &[Scope::Device, Scope::Operator][..]),
                ("the lab", "fedcba9876543210", &Scope::ALL[..])
            ]
        );
        assert!(!format!("{keys:?}").contains("0123"));
    }

    #[test]
    fn mistakes_are_told_without_the_key() {
        let key = "[keys.a]\nscopes = [\"device\"]\n";
        for (text, expected) in [
            ("", "line 1: there is no key in it; write `[keys.NAME]` with `key` and `scopes`"),
            (
                "[key.a]",
                "line 1: there is no key in it; write `[keys.NAME]` with `key` and `scopes`\nline 1: unknown key `key`; did you mean `keys`?",
            ),
            (key, "line 1: `key` is missing in [keys.a]: the key, or `key-env` or `key-file` for where it is kept"),
            (&format!("{key}key = \"s3cret\""), "line 1: the key in [keys.a] has 6 characters; make it 16 or more"),
            (
                &format!("{key}key = \"s3cret s3cret s3cret\""),
                "line 1: the key in [keys.a] has blanks or other characters than ASCII; use letters, digits and signs",
            ),
            (
                &format!("{key}key-env = \"NONE\""),
                "line 1: the key in [keys.a] names the variable NONE, which is not set; set it, or name another one",
            ),
            (&format!("{key}key = 1"), "line 3: `key` in [keys.a] is an integer; it must be a text"),
            (
                &format!("{key}scope = 1\nkey-env = \"LAB\""),
                "line 3: unknown key `scope` in [keys.a]; did you mean `scopes`?",
            ),
            (
                "[keys.a]\nkey-env = \"LAB\"",
                "line 1: `scopes` is missing in [keys.a]: what the key opens, such as [\"operator\"]",
            ),
            (
                "[keys.a]\nkey-env = \"LAB\"\nscopes = []",
                "line 3: `scopes` in [keys.a] is empty; a key that opens nothing is of no use",
            ),
            (
                "[keys.a]\nkey-env = \"LAB\"\nscopes = [\"readonly\"]",
                "line 3: `scopes` in [keys.a] has `readonly`, which is none; did you mean `read-only`?",
            ),
            (
                "[keys.a]\nkey-env = \"LAB\"\nscopes = [\"all\"]",
                "line 3: `scopes` in [keys.a] has `all`, which is none; it must be `device`, `constellation`, `operator`, `read-only`, `agent`, `broker`, `frontend` or `*`",
            ),
            (
                &format!("{GOOD}[keys.twin]\nkey-env = \"TWIN\"\nscopes = [\"device\"]"),
                "line 7: [keys.twin] has the same key as [keys.ci]; give each its own",
            ),
            ("[keys.a]\n[keys.a]", "line 2: this is no TOML: duplicate key"),
        ] {
            let told = of(text).unwrap_err();
            assert_eq!(told, expected, "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_noted() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let told = readable_by_others(&path).unwrap();
        assert_eq!(
            told,
            format!("{0} can be read by others than its owner; take that from them: chmod 600 {0}", path.display())
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(readable_by_others(&path), None);
    }

    #[test]
    fn a_broken_newer_file_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let text = |key: &str| format!("[keys.a]\nkey = \"{key}\"\nscopes = [\"*\"]\n");
        std::fs::write(&path, text("0123456789abcdef")).unwrap();
        let (mut file, keys) = KeyFile::open(&path, read_keys).unwrap();
        assert_eq!(keys.len(), 1);
        std::fs::write(&path, "[keys.a]").unwrap();
        assert!(file.read_again().is_none(), "it may be half a file");
        assert!(file.read_again().unwrap().is_err());
        assert!(file.read_again().is_none(), "what is wrong is told once");
        std::fs::write(&path, text("fedcba9876543210")).unwrap();
        assert!(file.read_again().is_none());
        assert_eq!(file.read_again().unwrap().unwrap()[0].key.expose(), "fedcba9876543210");
    }
}
