//! What an operator adds to what devices say of themselves: the file of device metadata.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hangar_aip::{Id, Json};
use hangar_runtime::manifest::{FileError, did_you_mean, one_of, read_text};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::injections::parameter;
use super::{Environment, Injection, SecretSource, kind};

/// The largest file of metadata, in bytes.
const BYTES: u64 = 1 << 20;

/// Devices that a file may speak of.
const DEVICES: usize = 10_000;

/// The one key of the file.
const TOP: &str = "devices";

/// What is added to `supported_features`.
const FEATURES: &str = "additional_features";

/// What is added to the top level as well.
const TAGS: &str = "tags";

/// Secrets for the tools of this device, which are never part of what is known of it.
const INJECT: &str = "inject";

/// Where such a secret is kept: here, in a variable, or in a file.
const SOURCES: [&str; 3] = ["value", "env", "file"];

/// Why a file of metadata cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is neither YAML nor JSON.
    #[error("{}:{line}: this is neither YAML nor JSON: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What its reader says.
        why: String,
    },
    /// Something in it is wrong.
    #[error("{}: {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do about it.
        what: String,
    },
}

/// What an operator adds, by device.
#[derive(Debug, Clone, Default)]
pub struct DeviceMetadata {
    devices: BTreeMap<String, Map<String, Value>>,
    injections: Vec<Injection>,
}

impl DeviceMetadata {
    /// Reads it from its file, YAML or JSON.
    pub fn read(path: &Path) -> Result<Self, MetadataError> {
        let text = read_text(path, BYTES)?;
        let value = value_of(&text).map_err(|(line, why)| {
            let path = path.to_owned();
            MetadataError::Syntax { path, line, why }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let wrong = |what| MetadataError::Wrong { path: path.to_owned(), what };
        Self::of(value, folder, &Environment::Process).map_err(wrong)
    }

    fn of(value: Value, folder: &Path, environment: &Environment) -> Result<Self, String> {
        let wanted = "write `devices:` and below it the ids of devices, each with what is to be added";
        let Value::Object(mut top) = value else { return Err(format!("it is no table; {wanted}")) };
        let devices = top.remove(TOP);
        if let Some(key) = top.keys().next() {
            let hint = did_you_mean(key, [TOP]);
            let hint = if hint.is_empty() { format!("; only `{TOP}` is known") } else { hint };
            return Err(format!("unknown key `{}`{hint}", kind::cut(key)));
        }
        let devices = match devices {
            Some(Value::Object(devices)) => devices,
            Some(Value::Null) => Map::new(),
            Some(_) => return Err(format!("`{TOP}` is no table; {wanted}")),
            None => return Err(format!("`{TOP}` is missing; {wanted}")),
        };
        if devices.len() > DEVICES {
            return Err(format!("it has {} devices; {DEVICES} are allowed", devices.len()));
        }
        let mut metadata = Self::default();
        for (id, value) in devices {
            Id::new(&id).map_err(|why| format!("the id `{}` in `{TOP}` {why}", kind::cut(&id)))?;
            let at = format!("`{TOP}.{}`", kind::cut(&id));
            let mut device = match value {
                Value::Object(device) => device,
                Value::Null => Map::new(),
                _ => return Err(format!("{at} is no table; write below it what is to be added")),
            };
            for key in [FEATURES, TAGS] {
                if device.get(key).is_some_and(|value| texts(value).is_none()) {
                    return Err(format!("`{key}` of {at} is no list of texts; write it as `[a, b]`"));
                }
            }
            if let Some(inject) = device.remove(INJECT) {
                metadata.injections.extend(injections(&id, &at, inject, folder, environment)?);
            }
            metadata.devices.insert(id, device);
        }
        Ok(metadata)
    }

    /// What is added to this device; none if the file does not name it.
    pub fn get(&self, client_id: &str) -> Option<&Map<String, Value>> {
        self.devices.get(client_id)
    }

    /// How many devices the file names.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// The secrets for the tools of the devices that are named.
    pub fn injections(&self) -> &[Injection] {
        &self.injections
    }

    /// What a device says of itself with what is added to it: every key in `custom_metadata`, the features in
    /// `supported_features`, tags also at the top. All else stays as it came; so does everything where nothing is added.
    pub fn merge(&self, info: Option<&Json>, client_id: &str) -> Option<Json> {
        let Some(added) = self.get(client_id) else { return info.cloned() };
        let mut merged: BTreeMap<String, Box<RawValue>> = info.and_then(|info| info.read().ok()).unwrap_or_default();
        let custom = merged.remove("custom_metadata");
        let mut custom: BTreeMap<String, Box<RawValue>> =
            custom.and_then(|custom| serde_json::from_str(custom.get()).ok()).unwrap_or_default();
        for (key, value) in added {
            custom.insert(key.clone(), raw(value)?);
        }
        merged.insert("custom_metadata".to_owned(), raw(&custom)?);
        if let Some(features) = added.get(FEATURES).and_then(texts) {
            let own = merged.remove("supported_features");
            let mut all: Vec<String> = own.and_then(|own| serde_json::from_str(own.get()).ok()).unwrap_or_default();
            for feature in features {
                if !all.iter().any(|known| known == feature) {
                    all.push(feature.to_owned());
                }
            }
            merged.insert("supported_features".to_owned(), raw(&all)?);
        }
        if let Some(tags) = added.get(TAGS) {
            merged.insert(TAGS.to_owned(), raw(tags)?);
        }
        Json::of(&merged).ok()
    }
}

fn raw(value: &impl serde::Serialize) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// The text as a value. JSON has escapes that YAML has not, so it is tried first.
fn value_of(text: &str) -> Result<Value, (usize, String)> {
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    match yaml_serde::from_str::<yaml_serde::Value>(text) {
        Ok(value) => of_yaml(value).map_err(|why| (1, why)),
        Err(error) => {
            let line = error.location().map_or(1, |location| location.line());
            Err((line, kind::cut(&error.to_string())))
        }
    }
}

fn of_yaml(value: yaml_serde::Value) -> Result<Value, String> {
    Ok(match value {
        yaml_serde::Value::Null => Value::Null,
        yaml_serde::Value::Bool(bool) => Value::Bool(bool),
        yaml_serde::Value::Number(number) => {
            let number = serde_json::to_value(number).unwrap_or_default();
            if number.is_null() {
                return Err("it has a number that is not finite, which JSON has not".to_owned());
            }
            number
        }
        yaml_serde::Value::String(text) => Value::String(text),
        yaml_serde::Value::Sequence(items) => Value::Array(items.into_iter().map(of_yaml).collect::<Result<_, _>>()?),
        yaml_serde::Value::Mapping(fields) => {
            let field = |(key, value): (yaml_serde::Value, yaml_serde::Value)| match of_yaml(key)? {
                Value::String(key) => Ok((key, of_yaml(value)?)),
                // An id may look like a number.
                key @ (Value::Number(_) | Value::Bool(_)) => Ok((key.to_string(), of_yaml(value)?)),
                _ => Err("it has a key that is no text".to_owned()),
            };
            Value::Object(fields.into_iter().map(field).collect::<Result<_, String>>()?)
        }
        yaml_serde::Value::Tagged(_) => return Err("it has a tag such as `!x`, which means nothing here".to_owned()),
    })
}

/// What `inject` of a device says. Nothing of its values may be shown: they may be secrets in the wrong place.
fn injections(
    id: &str,
    at: &str,
    inject: Value,
    folder: &Path,
    environment: &Environment,
) -> Result<Vec<Injection>, String> {
    let wanted = format!("give {} for each parameter, such as `api_key: {{env: NAME}}`", one_of(SOURCES));
    let Value::Object(parameters) = inject else { return Err(format!("`{INJECT}` of {at} is no table; {wanted}")) };
    if id.contains('*') && !parameters.is_empty() {
        return Err(format!("{at} has a `*` in its id, so nothing can be injected for it alone; give it another id"));
    }
    let injection = |(name, source): (String, Value)| {
        let shown = kind::cut(&name);
        let parameter = parameter(&name).map_err(|why| format!("`{shown}` in `{INJECT}` of {at} {why}"))?;
        let Some(source) = source_of(&source, folder) else {
            return Err(format!("`{shown}` in `{INJECT}` of {at} does not say where its secret is kept; {wanted}"));
        };
        let value = source.fetch(environment).map_err(|why| format!("`{shown}` in `{INJECT}` of {at} {why}"))?;
        Ok(Injection { parameter, value, devices: vec![id.to_owned()], agents: Vec::new() })
    };
    parameters.into_iter().map(injection).collect()
}

fn source_of(value: &Value, folder: &Path) -> Option<SecretSource> {
    let table = value.as_object().filter(|table| table.len() == 1)?;
    let (key, text) = table.iter().next()?;
    let text = text.as_str().filter(|text| !text.is_empty())?;
    match key.as_str() {
        "value" => Some(SecretSource::Value(super::Secret::new(text))),
        "env" => Some(SecretSource::Environment(text.to_owned())),
        "file" => Some(SecretSource::File(folder.join(text))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> Result<DeviceMetadata, String> {
        let environment = Environment::of([("LAB_KEY", "s3cret")]);
        let value = value_of(text).map_err(|(line, why)| format!("{line}: {why}"))?;
        DeviceMetadata::of(value, Path::new("lab"), &environment)
    }

    const LAB: &str = "devices:\n  lab-1:\n    location: shelf 3\n    tags: [gpu, lab]\n    additional_features: [cuda, cli]\n    \
        inject:\n      api_key: {env: LAB_KEY}\n      token: {value: other}\n  7: {rack: 2}\n  bare:\n";

    #[test]
    fn what_is_configured_is_added() {
        let metadata = of(LAB).unwrap();
        let info = Json::parse(
            r#"{"platform":"linux","memory_total_gb":31.20,"supported_features":["cli"],"custom_metadata":{"own":1}}"#
                .into(),
        );
        let merged: Value = metadata.merge(Some(&info.unwrap()), "lab-1").unwrap().read().unwrap();
        let custom =
            json!({"own": 1, "location": "shelf 3", "tags": ["gpu", "lab"], "additional_features": ["cuda", "cli"]});
        assert_eq!(
            merged,
            json!({"platform": "linux", "memory_total_gb": 31.2, "supported_features": ["cli", "cuda"],
                "tags": ["gpu", "lab"], "custom_metadata": custom})
        );
        let alone: Value = metadata.merge(None, "7").unwrap().read().unwrap();
        assert_eq!(alone, json!({"custom_metadata": {"rack": 2}}));
        let odd = Json::parse(r#"{"custom_metadata":[1],"supported_features":"x"}"#.into()).unwrap();
        let merged: Value = metadata.merge(Some(&odd), "lab-1").unwrap().read().unwrap();
        assert_eq!(
            (&merged["custom_metadata"], &merged["supported_features"]),
            (&custom_without_own(), &json!(["cuda", "cli"]))
        );
    }

    fn custom_without_own() -> Value {
        json!({"location": "shelf 3", "tags": ["gpu", "lab"], "additional_features": ["cuda", "cli"]})
    }

    #[test]
    fn what_is_not_configured_stays_as_it_came() {
        let metadata = of(LAB).unwrap();
        let info = Json::parse(r#"{ "a" : 1.0 }"#.into()).unwrap();
        assert_eq!(metadata.merge(Some(&info), "other"), Some(info));
        assert_eq!(metadata.merge(None, "other"), None);
        assert!(metadata.get("other").is_none() && metadata.get("bare").is_some_and(Map::is_empty));
    }

    #[test]
    fn secrets_are_injected_and_shown_nowhere() {
        let metadata = of(LAB).unwrap();
        let found: Vec<_> =
            metadata.injections().iter().map(|one| (&*one.parameter, one.value.expose(), &*one.devices)).collect();
        let lab = ["lab-1".to_owned()];
        assert_eq!(found, [("api_key", "s3cret", &lab[..]), ("token", "other", &lab[..])]);
        assert!(!metadata.get("lab-1").unwrap().contains_key("inject"));
        let all = format!("{metadata:?} {:?}", metadata.merge(None, "lab-1"));
        assert!(!all.contains("s3cret") && !all.contains("other"), "{all}");
    }

    #[test]
    fn json_is_read_with_all_its_escapes() {
        let metadata = of(r#"{"devices": {"lab": {"face": "\ud83d\ude00", "path": "a\/b"}}}"#).unwrap();
        assert_eq!(metadata.get("lab").unwrap()["face"], json!("😀"));
    }

    #[test]
    fn mistakes_are_told_without_secrets() {
        let wanted = "give `value`, `env` or `file` for each parameter, such as `api_key: {env: NAME}`";
        for (text, expected) in [
            ("[]", "it is no table; write `devices:` and below it the ids of devices, each with what is to be added".to_owned()),
            ("{}", "`devices` is missing; write `devices:` and below it the ids of devices, each with what is to be added".into()),
            ("device: {}", "unknown key `device`; did you mean `devices`?".into()),
            ("devices: 1", "`devices` is no table; write `devices:` and below it the ids of devices, each with what is to be added".into()),
            ("devices: {\"\": {}}", "the id `` in `devices` must not be empty".into()),
            ("devices: {a: [1]}", "`devices.a` is no table; write below it what is to be added".into()),
            ("devices: {a: {tags: x}}", "`tags` of `devices.a` is no list of texts; write it as `[a, b]`".into()),
            ("devices: {a: {inject: sk-1}}", format!("`inject` of `devices.a` is no table; {wanted}")),
            (
                "devices: {a: {inject: {api_key: sk-1}}}",
                format!("`api_key` in `inject` of `devices.a` does not say where its secret is kept; {wanted}"),
            ),
            (
                "devices: {a: {inject: {api_key: {env: NONE}}}}",
                "`api_key` in `inject` of `devices.a` names the variable NONE, which is not set; set it, or name another one".into(),
            ),
            ("devices: {a: {x: .inf}}", "1: it has a number that is not finite, which JSON has not".into()),
            ("devices: {a: {x: !y z}}", "1: it has a tag such as `!x`, which means nothing here".into()),
        ] {
            assert_eq!(of(text).unwrap_err(), expected, "{text}");
        }
        let broken = of("devices:\n  a: {\n  b: [\n").unwrap_err();
        assert!(broken.split(':').next().unwrap().parse::<usize>().is_ok_and(|line| line > 1), "{broken}");
    }

    #[test]
    fn a_file_that_swells_is_refused() {
        let mut text = "devices:\n  a:\n    x0: &x0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for level in 1..9 {
            let former = format!("*x{}", level - 1);
            text += &format!("    x{level}: &x{level} [{}]\n", [former.as_str(); 10].join(","));
        }
        let why = of(&text).unwrap_err();
        assert!(why.contains("repetition limit"), "{why}");
    }
}
