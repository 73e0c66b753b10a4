//! Which models there are.

use std::time::Duration;

use hangar_runtime::manifest::Section;

use super::setting::setting;
use super::{Environment, Field, Kind, Said, Secret, SecretSource, Setting};

/// The base URL of the API that others are compatible with.
pub const OPENAI: &str = "https://api.openai.com/v1";

/// The variable that names the one model of an environment.
pub const MODEL: &str = "HANGAR_MODEL";

/// The variable for the base URL of its API.
pub const BASE_URL: &str = "OPENAI_BASE_URL";

/// The variable for the key of that API.
pub const API_KEY: &str = "OPENAI_API_KEY";

/// The role that makes a model the one that is asked when none is named.
pub const DEFAULT: &str = "default";

/// Letters of a name.
const NAME: usize = 100;

/// One model that plugins may ask.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The name that plugins ask it by.
    pub name: String,
    /// The role that it has, such as `default`, `vision` or `cheap`; may be empty.
    pub role: String,
    /// The name that the endpoint knows it by.
    pub model: String,
    /// Where it is asked: the base URL of an OpenAI-compatible API.
    pub base_url: String,
    /// What it is asked with, if the endpoint wants a key.
    pub api_key: Option<Secret>,
    /// It understands pictures.
    pub vision: bool,
    /// It calls tools natively.
    pub tools: bool,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often a call is tried again that failed for reasons that may pass.
    pub retries: u32,
    /// Calls that may be under way at once; others wait.
    pub parallel: usize,
}

impl ModelConfig {
    /// The model of this name at that API, and for the rest what holds where nothing is said.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            role: String::new(),
            model: name.to_owned(),
            base_url: OPENAI.to_owned(),
            api_key: None,
            vision: false,
            tools: true,
            timeout: Duration::from_secs(120),
            retries: 3,
            parallel: 8,
        }
    }

    /// The model that the environment names with `HANGAR_MODEL`; none if it names none. The error says which variable is wrong, and what to do.
    pub fn of_environment(environment: &Environment) -> Option<Result<Self, String>> {
        let named = environment.get(MODEL)?;
        let about = |variable: &str, why: String| format!("`{variable}` in the environment {why}");
        let model = || {
            let name = name(&named).map_err(|why| about(MODEL, why))?;
            let url = environment.get(BASE_URL).map(|url| base_url(&url)).transpose();
            let base_url = url.map_err(|why| about(BASE_URL, why))?.unwrap_or_else(|| OPENAI.to_owned());
            let api_key = environment.get(API_KEY).map(Secret::new);
            Ok(Self { role: DEFAULT.to_owned(), base_url, api_key, ..Self::named(&name) })
        };
        Some(model())
    }
}

/// A model that is being configured: a section `[models.NAME]`.
#[derive(Debug, Clone)]
pub struct ModelDraft {
    /// What has its form already.
    pub config: ModelConfig,
    /// What it is asked with.
    pub api_key: Option<SecretSource>,
}

/// What can be said of a model.
pub const MODEL_SETTINGS: &[Setting<ModelDraft>] = &[
    setting!(
        "role",
        Kind::Text(role),
        config.role,
        "The role that it has, such as `default`, `vision` or `cheap`; plugins may ask for it by that, too"
    ),
    setting!(
        "model",
        Kind::Text(name),
        config.model,
        "The name that the endpoint knows it by; that of the section if nothing is said"
    ),
    setting!(
        "base-url",
        Kind::Text(base_url),
        config.base_url,
        "The base URL of the OpenAI-compatible API where it is asked"
    ),
    setting!(
        "api-key",
        Kind::Secret { environment: "api-key-env", file: "api-key-file" },
        api_key,
        "What it is asked with, if the endpoint wants a key"
    ),
    setting!("vision", Kind::Switch, config.vision, "Whether it understands pictures"),
    setting!("tools", Kind::Switch, config.tools, "Whether it calls tools natively"),
    setting!("timeout", Kind::Time(1), config.timeout, "How long one attempt may take; then it counts as failed"),
    setting!(
        "retries",
        Kind::Number(0, 20),
        config.retries,
        "How often a call is tried again that failed for reasons that may pass"
    ),
    setting!("parallel", Kind::Number(1, 10_000), config.parallel, "Calls that may be under way at once; others wait"),
];

/// What the section `[models]` says: each model with the line where it begins, in the order of the file.
pub fn read(section: &Section<'_>, folder: &std::path::Path) -> Vec<(usize, ModelDraft, Vec<Said<ModelDraft>>)> {
    let mut models = Vec::new();
    for (key, value) in section.all() {
        if let Err(why) = name(key) {
            value.complain(&why);
        }
        let Some(section) = value.section() else { continue };
        let line = section.line_number();
        let said = Said::read_all(section, MODEL_SETTINGS, folder);
        let mut model = ModelDraft { config: ModelConfig::named(key), api_key: None };
        said.iter().for_each(|said| (said.setting.set)(&mut model, &said.given));
        models.push((line, model, said));
    }
    models.sort_by_key(|(line, ..)| *line);
    models
}

fn name(text: &str) -> Result<String, String> {
    match !text.trim().is_empty() && text.chars().count() <= NAME && !text.contains(char::is_control) {
        true => Ok(text.to_owned()),
        false => Err(format!("is no name of a model; it has 1 to {NAME} letters and no control characters")),
    }
}

fn role(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { name(text) }
}

/// A key in it would be shown wherever the URL is.
fn base_url(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let wrong = || format!("is no URL such as `{OPENAI}`, which begins with `http://` or `https://`");
    let url = url.filter(|url| url.host_str().is_some_and(|host| !host.is_empty())).ok_or_else(wrong)?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("has more than scheme, host and path; a key belongs into `api-key`".to_owned());
    }
    Ok(text.trim().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_names_one_model() {
        let of = |variables: &[(&str, &str)]| {
            let model = ModelConfig::of_environment(&Environment::of(variables.iter().copied()));
            model.map(|model| model.map(|model| (model.name.clone(), model.role.clone(), model)))
        };
        assert!(of(&[(API_KEY, "sk-1"), (BASE_URL, "http://127.0.0.1:1/v1")]).is_none(), "it names no model");
        let (name, role, model) = of(&[(MODEL, "gpt-x"), (API_KEY, "sk-1")]).unwrap().unwrap();
        assert_eq!((name.as_str(), role.as_str(), model.model.as_str()), ("gpt-x", "default", "gpt-x"));
        assert_eq!((model.base_url.as_str(), model.api_key.unwrap().expose()), (OPENAI, "sk-1"));
        let (_, _, model) = of(&[(MODEL, "m"), (BASE_URL, "http://127.0.0.1:1/v1/")]).unwrap().unwrap();
        assert_eq!((model.base_url.as_str(), model.api_key), ("http://127.0.0.1:1/v1", None));
        let why = of(&[(MODEL, "m"), (BASE_URL, "https://user:sk-1@host/")]).unwrap().unwrap_err();
        let expected =
            "`OPENAI_BASE_URL` in the environment has more than scheme, host and path; a key belongs into `api-key`";
        assert_eq!(why, expected);
    }
}
