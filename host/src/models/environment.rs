//! The one model that the environment describes, in the words that everybody uses.

use std::env;
use std::time::Duration;

use crate::config::{ModelConfig, Secret};

/// Where `OPENAI_BASE_URL` is not set.
const OPENAI: &str = "https://api.openai.com/v1";

/// The model that `HANGAR_MODEL` names, at `OPENAI_BASE_URL`, with `OPENAI_API_KEY`; none without `HANGAR_MODEL`. What the
/// environment does not say (timeouts and the like) is as in `base`.
pub fn from_environment(base: Option<&ModelConfig>) -> Option<ModelConfig> {
    described_by(|name| env::var(name).ok(), base)
}

fn described_by(variable: impl Fn(&str) -> Option<String>, base: Option<&ModelConfig>) -> Option<ModelConfig> {
    let said = |name| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let name = said("HANGAR_MODEL")?;
    Some(ModelConfig {
        role: "default".to_owned(),
        model: name.clone(),
        name,
        base_url: said("OPENAI_BASE_URL").unwrap_or_else(|| OPENAI.to_owned()),
        api_key: said("OPENAI_API_KEY").map(Secret::new),
        // Nobody can say here what it is good for. It may try; its endpoint refuses what it cannot.
        vision: base.is_none_or(|base| base.vision),
        tools: base.is_none_or(|base| base.tools),
        timeout: base.map_or(Duration::from_secs(120), |base| base.timeout),
        retries: base.map_or(3, |base| base.retries),
        parallel: base.map_or(16, |base| base.parallel),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(variables: &[(&str, &str)], base: Option<&ModelConfig>) -> Option<ModelConfig> {
        let find =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        described_by(find, base)
    }

    #[test]
    fn without_a_name_there_is_no_model() {
        assert!(described(&[("OPENAI_API_KEY", "sk-1"), ("OPENAI_BASE_URL", "http://localhost:1")], None).is_none());
        assert!(described(&[("HANGAR_MODEL", " ")], None).is_none());
    }

    #[test]
    fn a_name_and_a_key_are_enough() {
        let model = described(&[("HANGAR_MODEL", "small-1"), ("OPENAI_API_KEY", "sk-1\n")], None).unwrap();
        assert_eq!((model.name.as_str(), model.model.as_str(), model.role.as_str()), ("small-1", "small-1", "default"));
        assert_eq!(model.base_url, "https://api.openai.com/v1");
        assert_eq!(model.api_key, Some(Secret::new("sk-1")));
    }

    #[test]
    fn an_endpoint_of_ones_own_needs_no_key_and_the_rest_comes_from_the_base() {
        let variables = [("HANGAR_MODEL", "small-1"), ("OPENAI_BASE_URL", "http://localhost:11434/v1")];
        let mut base = described(&variables, None).unwrap();
        assert_eq!((base.base_url.as_str(), base.api_key.as_ref()), ("http://localhost:11434/v1", None));
        base.timeout = Duration::from_secs(7);
        base.vision = false;
        let model = described(&[("HANGAR_MODEL", "other")], Some(&base)).unwrap();
        assert_eq!((model.name.as_str(), model.timeout, model.vision), ("other", Duration::from_secs(7), false));
    }
}
