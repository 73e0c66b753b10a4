//! Where secrets are kept: in the configuration itself, in the environment, or in a file of their own.

use std::path::{Path, PathBuf};

use hangar_runtime::manifest::read_text;

use super::{Environment, Secret};

/// The largest file with a secret, in bytes.
const BYTES: u64 = 64 << 10;

/// Where a secret is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Here it is.
    Value(Secret),
    /// In the variable of this name.
    Environment(String),
    /// In this file, whose last line end does not belong to it.
    File(PathBuf),
}

impl SecretSource {
    /// Fetches it; the error says what is wrong and what to do, and goes on after what the secret is for.
    pub fn fetch(&self, environment: &Environment) -> Result<Secret, String> {
        match self {
            Self::Value(secret) if secret.expose().is_empty() => Err("is empty; write the secret there".to_owned()),
            Self::Value(secret) => Ok(secret.clone()),
            Self::Environment(name) => match environment.get(name) {
                Some(secret) => Ok(Secret::new(secret)),
                None => Err(format!("names the variable {name}, which is not set; set it, or name another one")),
            },
            Self::File(path) => from_file(path),
        }
    }
}

fn from_file(path: &Path) -> Result<Secret, String> {
    let text = read_text(path, BYTES).map_err(|error| format!("names a file that cannot be read: {error}"))?;
    let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    match secret {
        "" => Err(format!("names the file {}, which is empty; write the secret into it", path.display())),
        secret => Ok(Secret::new(secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_where_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::of([("TOKEN", "from outside"), ("BLANK", "")]);
        let file = folder.path().join("token");
        std::fs::write(&file, "from a file\r\n").unwrap();
        for (source, secret) in [
            (SecretSource::Value(Secret::new("itself")), "itself"),
            (SecretSource::Environment("TOKEN".into()), "from outside"),
            (SecretSource::File(file.clone()), "from a file"),
        ] {
            assert_eq!(source.fetch(&environment).unwrap().expose(), secret);
        }
        std::fs::write(&file, "\n").unwrap();
        let missing = "names the variable NONE, which is not set; set it, or name another one";
        for (source, why) in [
            (SecretSource::Value(Secret::new("")), "is empty; write the secret there".to_owned()),
            (SecretSource::Environment("NONE".into()), missing.to_owned()),
            (SecretSource::Environment("BLANK".into()), missing.replace("NONE", "BLANK")),
            (
                SecretSource::File(file.clone()),
                format!("names the file {}, which is empty; write the secret into it", file.display()),
            ),
        ] {
            assert_eq!(source.fetch(&environment).unwrap_err(), why);
        }
        let gone = SecretSource::File(folder.path().join("gone")).fetch(&environment).unwrap_err();
        assert!(gone.starts_with("names a file that cannot be read: ") && gone.contains("gone"), "{gone}");
    }
}
