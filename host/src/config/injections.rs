//! Secrets that are put into commands: the sections `[[inject]]`.

use std::path::Path;

use hangar_runtime::manifest::{Names, Section};

use super::setting::setting;
use super::{Environment, Field, Injection, Kind, Said, SecretSource, Setting};

/// An injection that is being configured.
#[derive(Debug, Clone, Default)]
pub struct InjectionDraft {
    /// The parameter of the tool.
    pub parameter: String,
    /// What is put in.
    pub value: Option<SecretSource>,
    /// Of which devices.
    pub devices: Vec<String>,
    /// Of which agents.
    pub agents: Vec<String>,
}

/// What can be said of an injection.
pub const INJECTION_SETTINGS: &[Setting<InjectionDraft>] = &[
    setting!(
        "parameter",
        Kind::Text(parameter),
        parameter,
        "The parameter: every tool whose schema has it gets the value"
    ),
    setting!(
        "value",
        Kind::Secret { environment: "value-env", file: "value-file" },
        value,
        "The secret that is put in; it is shown to no model, plugin, log or journal"
    ),
    setting!(
        "devices",
        Kind::Names,
        devices,
        "Ids of the devices that get it, all if nothing is said; a final `*` stands for any ending"
    ),
    setting!(
        "agents",
        Kind::Names,
        agents,
        "Names of the agents whose tools get it, all if nothing is said; a final `*` stands for any ending"
    ),
];

/// Reads one section `[[inject]]`.
pub fn read(mut section: Section<'_>, folder: &Path) -> (InjectionDraft, Vec<Said<InjectionDraft>>) {
    let said = Said::read(&mut section, INJECTION_SETTINGS, folder);
    for (keys, what) in REQUIRED {
        if !section.all().any(|(key, _)| keys.contains(&key)) {
            section.complain(format!("`{}` is missing in [[inject]]: {what}", keys.first().unwrap_or(&"")));
        }
    }
    section.end();
    let mut draft = InjectionDraft::default();
    said.iter().for_each(|said| (said.setting.set)(&mut draft, &said.given));
    (draft, said)
}

/// What has to be said, under one of these keys.
const REQUIRED: [(&[&str], &str); 2] = [
    (&["parameter"], "the parameter of tools that gets the secret"),
    (&["value", "value-env", "value-file"], "the secret, or `value-env` or `value-file` for where it is kept"),
];

impl InjectionDraft {
    /// Fetches its secret.
    pub fn finish(&self, environment: &Environment) -> Result<Injection, String> {
        let source = self.value.as_ref().ok_or("is missing; write there what is put in")?;
        Ok(Injection {
            parameter: self.parameter.clone(),
            value: source.fetch(environment)?,
            devices: self.devices.clone(),
            agents: self.agents.clone(),
        })
    }
}

impl Injection {
    /// Whether the tools of this agent on this device get it.
    pub fn is_for(&self, device: &str, agent: &str) -> bool {
        let fits =
            |names: &[String], name: &str| names.is_empty() || Names::of(names.iter().map(String::as_str)).allows(name);
        fits(&self.devices, device) && fits(&self.agents, agent)
    }
}

/// A name that a schema can have.
pub fn parameter(text: &str) -> Result<String, String> {
    match !text.trim().is_empty() && text.len() <= 200 && !text.contains(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err("is no name of a parameter such as `api_key`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn it_is_for_those_that_it_names() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let injection = |devices: &[&str], agents: &[&str]| Injection {
            parameter: "api_key".into(),
            value: Secret::new("s"),
            devices: names(devices),
            agents: names(agents),
        };
        assert!(injection(&[], &[]).is_for("any", "Any"));
        let some = injection(&["lab-*", "one"], &["LinuxAgent"]);
        assert!(some.is_for("lab-1", "LinuxAgent") && some.is_for("one", "LinuxAgent"));
        assert!(
            !some.is_for("one-2", "LinuxAgent") && !some.is_for("lab-1", "AppAgent") && !some.is_for("", "LinuxAgent")
        );
    }
}
