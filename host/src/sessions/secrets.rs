//! Secrets in commands: put into parameters right before these are written to a device, kept out of what a plugin is told
//! of tools, and taken out of what a device answers.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hangar_aip::Json;
use serde_json::{Map, Value};

use crate::config::Injection;

/// What stands in the place of a secret that a device has sent back.
const HIDDEN: &str = "[secret]";

/// Texts shorter than this are not looked for in answers: they stand in every other word.
const SHORTEST: usize = 6;

/// The secrets of this host; they can be exchanged while it works.
#[derive(Debug, Default)]
pub struct Secrets {
    all: ArcSwap<Vec<Arc<Injection>>>,
}

impl Secrets {
    /// These.
    pub fn new(injections: &[Injection]) -> Self {
        let secrets = Self::default();
        secrets.replace(injections);
        secrets
    }

    /// From now on these.
    pub fn replace(&self, injections: &[Injection]) {
        self.all.store(Arc::new(injections.iter().cloned().map(Arc::new).collect()));
    }

    /// Those for the tools of this agent on this device.
    pub fn of(&self, device: &str, agent: &str) -> Applicable {
        let fits = |known: &&Arc<Injection>| known.is_for(device, agent);
        Applicable { known: self.all.load().iter().filter(fits).cloned().collect() }
    }
}

/// The secrets for some tools.
#[derive(Debug)]
pub struct Applicable {
    known: Vec<Arc<Injection>>,
}

impl Applicable {
    /// The schema of a tool as plugins and models are shown it: without what is put in.
    pub fn hide(&self, schema: &str) -> String {
        if !self.known.iter().any(|known| schema.contains(&known.parameter)) {
            return schema.to_owned();
        }
        let Ok(mut shown) = serde_json::from_str::<Map<String, Value>>(schema) else { return schema.to_owned() };
        for known in &self.known {
            if let Some(Value::Object(properties)) = shown.get_mut("properties") {
                // Removing it would change the order of the others.
                properties.retain(|name, _| *name != known.parameter);
            }
            if let Some(Value::Array(required)) = shown.get_mut("required") {
                required.retain(|name| name != &known.parameter);
            }
        }
        Value::Object(shown).to_string()
    }

    /// Puts in what the schema of the tool has a place for. What a plugin itself has put there goes.
    pub fn put_into(&self, parameters: &mut Map<String, Value>, schema: &str) {
        for known in self.wanted_by(schema) {
            parameters.insert(known.parameter.clone(), Value::String(known.value.expose().to_owned()));
        }
    }

    fn wanted_by(&self, schema: &str) -> impl Iterator<Item = &Arc<Injection>> {
        let schema: Map<String, Value> = match self.known.is_empty() {
            true => Map::new(),
            false => serde_json::from_str(schema).unwrap_or_default(),
        };
        self.known.iter().filter(move |known| {
            schema.get("properties").and_then(|properties| properties.get(&known.parameter)).is_some()
        })
    }

    /// What a device has answered, JSON, without the secrets that it may repeat.
    pub fn take_out_of(&self, answer: Json) -> Json {
        let mut clean: Option<String> = None;
        for known in &self.known {
            let secret = known.value.expose();
            if secret.len() < SHORTEST {
                continue;
            }
            // In JSON it may be written with escapes.
            let quoted = Value::String(secret.to_owned()).to_string();
            let escaped = quoted.trim_matches('"');
            for text in [escaped, secret] {
                let now = clean.as_deref().unwrap_or(answer.get());
                if now.contains(text) {
                    clean = Some(now.replace(text, HIDDEN));
                }
            }
        }
        match clean.map(Json::parse) {
            None => answer,
            Some(Ok(clean)) => clean,
            // A secret that is a piece of JSON by itself has left a hole.
            Some(Err(_)) => Json::text(HIDDEN),
        }
    }

    /// The same for an error text.
    pub fn take_out_of_text(&self, mut text: String) -> String {
        for known in &self.known {
            let secret = known.value.expose();
            if secret.len() >= SHORTEST && text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Secret;

    fn secrets() -> Secrets {
        let injection = |parameter: &str, value: &str, devices: &[&str], agents: &[&str]| Injection {
            parameter: parameter.into(),
            value: Secret::new(value),
            devices: devices.iter().map(|each| (*each).to_owned()).collect(),
            agents: agents.iter().map(|each| (*each).to_owned()).collect(),
        };
        Secrets::new(&[
            injection("api_key", "s3cr\"et-key", &[], &["LinuxAgent"]),
            injection("token", "token-of-the-lab", &["lab-*"], &[]),
        ])
    }

    const SCHEMA: &str = r#"{"type":"object","properties":{"command":{"type":"string"},"api_key":{"type":"string"}},"required":["command","api_key"]}"#;

    #[test]
    fn what_is_put_in_is_not_shown() {
        let secrets = secrets();
        let shown: Value = serde_json::from_str(&secrets.of("d", "LinuxAgent").hide(SCHEMA)).unwrap();
        assert_eq!(
            shown,
            json!({"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]})
        );
        assert_eq!(secrets.of("d", "AppAgent").hide(SCHEMA), SCHEMA, "it is not for this agent");
    }

    #[test]
    fn it_is_put_where_the_schema_has_a_place_for_it() {
        let secrets = secrets();
        let mut parameters = json!({"command": "ls", "api_key": "guessed"}).as_object().unwrap().clone();
        secrets.of("lab-1", "LinuxAgent").put_into(&mut parameters, SCHEMA);
        assert_eq!(Value::Object(parameters), json!({"command": "ls", "api_key": "s3cr\"et-key"}));
        let mut parameters = Map::new();
        secrets.of("lab-1", "LinuxAgent").put_into(&mut parameters, r#"{"properties":{"command":{}}}"#);
        assert!(parameters.is_empty());
    }

    #[test]
    fn a_device_that_repeats_it_is_not_heard() {
        let secrets = secrets();
        let applicable = secrets.of("lab-1", "LinuxAgent");
        let said = json!({"stdout": "key=s3cr\"et-key token-of-the-lab"}).to_string();
        let clean = applicable.take_out_of(Json::parse(said).unwrap());
        assert_eq!(clean.get(), r#"{"stdout":"key=[secret] [secret]"}"#);
        assert_eq!(applicable.take_out_of_text("bad s3cr\"et-key".into()), "bad [secret]");
        let innocent = Json::parse(r#"{"a" : 1}"#.into()).unwrap();
        assert_eq!(applicable.take_out_of(innocent.clone()), innocent);
    }
}
