//! The flags of `hangar serve`, and of all that looks at what a server would do with them.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::problem::Problem;
use crate::config::{ConfigError, Environment, Loaded, Loader, LogLevel, Mistake, PLATFORMS, Secret, setting_of};

/// Where the values come from, for the help of commands that have these flags.
pub const SOURCES: &str = "\
Each value comes from the command line, or else from the environment (--port is HANGAR_PORT, --tls-cert HANGAR_TLS_CERT), or \
else from hangar.toml, or else it is the default. Timeouts, limits, models, grants and the like are in hangar.toml; \
docs/configuration.md has them all. `hangar config` prints what holds and where each value came from, `hangar doctor` what is \
wrong with it.";

/// The flags of `hangar serve`.
#[derive(Args, Debug, Default)]
pub struct ServeOptions {
    /// The configuration [default: hangar.toml in the working directory, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The plugin directory [default: plugins]
    #[arg(long, value_name = "DIR", value_parser = checked("--plugins"))]
    plugins: Option<String>,
    /// The port to listen on; 0 for any that is free [default: 5000]
    #[arg(long, value_name = "PORT", value_parser = checked("--port"))]
    port: Option<String>,
    /// The address to listen on; on any but a loopback one, clients need a key [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", value_parser = checked("--host"))]
    host: Option<String>,
    /// Refuse peers that are not on this machine
    #[arg(long)]
    local: bool,
    /// A key that opens everything; better given as HANGAR_API_KEY, which other users of this machine do not see [default:
    /// generated where a key is needed]
    #[arg(long, value_name = "KEY", value_parser = secret)]
    api_key: Option<Secret>,
    /// A file of named keys, read again when it changes
    #[arg(long, value_name = "FILE", value_parser = checked("--keys"))]
    keys: Option<String>,
    /// Ask nobody for a key; on any but a loopback address only with --no-auth=force
    #[arg(long, value_name = "force", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = checked("--no-auth"))]
    no_auth: Option<String>,
    /// The certificate chain, PEM; read again when it changes
    #[arg(long, value_name = "FILE", value_parser = checked("--tls-cert"))]
    tls_cert: Option<String>,
    /// The private key of the certificate, PEM
    #[arg(long, value_name = "FILE", value_parser = checked("--tls-key"))]
    tls_key: Option<String>,
    /// The platform of devices that name none [default: windows]
    #[arg(long, ignore_case = true, value_parser = PossibleValuesParser::new(PLATFORMS))]
    platform: Option<String>,
    /// Take that platform for all devices, whatever they say
    #[arg(long)]
    force_platform: bool,
    /// A YAML or JSON file with what is to be added to what devices say of themselves
    #[arg(long, value_name = "FILE", value_parser = checked("--device-metadata"))]
    device_metadata: Option<String>,
    /// Where to keep former versions of plugins, journals and the like [default: a folder of this user's]
    #[arg(long, value_name = "DIR", value_parser = checked("--state"))]
    state: Option<String>,
    /// Look every so many seconds for changed plugins instead of waiting for the file system to tell
    #[arg(long, value_name = "SECONDS", value_parser = checked("--poll"))]
    poll: Option<String>,
    /// From which level on is logged [default: WARNING]
    #[arg(long, value_name = "LEVEL", ignore_case = true, value_parser = PossibleValuesParser::new(LogLevel::NAMES))]
    log_level: Option<String>,
    /// Log a line of JSON for each event
    #[arg(long)]
    log_json: bool,
}

impl ServeOptions {
    /// Loads the configuration, once.
    pub fn load(&self) -> Result<Loaded> {
        self.loader().load().map_err(|error| config_problem(&error).into())
    }

    /// What loads the configuration, and again when its file changes.
    pub fn loader(&self) -> Loader {
        Loader::new(self.flags(), self.config.as_deref(), Environment::Process)
    }

    /// The flags that were given, with their values.
    fn flags(&self) -> Vec<(&'static str, String)> {
        let text = |text: &Option<String>| text.clone();
        let switch = |is_on: bool| is_on.then(|| "true".to_owned());
        let all = [
            ("--plugins", text(&self.plugins)),
            ("--port", text(&self.port)),
            ("--host", text(&self.host)),
            ("--local", switch(self.local)),
            ("--api-key", self.api_key.as_ref().map(|key| key.expose().to_owned())),
            ("--keys", text(&self.keys)),
            ("--no-auth", text(&self.no_auth)),
            ("--tls-cert", text(&self.tls_cert)),
            ("--tls-key", text(&self.tls_key)),
            ("--platform", text(&self.platform)),
            ("--force-platform", switch(self.force_platform)),
            ("--device-metadata", text(&self.device_metadata)),
            ("--state", text(&self.state)),
            ("--poll", text(&self.poll)),
            ("--log-level", text(&self.log_level)),
            ("--log-json", switch(self.log_json)),
        ];
        all.into_iter().filter_map(|(flag, value)| Some((flag, value?))).collect()
    }
}

/// Takes a text only if the setting of this flag does.
fn checked(flag: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync + 'static {
    move |text| match setting_of(flag) {
        // The value itself is shown already.
        Some((_, setting)) => match setting.kind.of_text(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(why) => Err(why.split_once("; ").map(|(_, wanted)| wanted.to_owned()).unwrap_or(why)),
        },
        None => Err("is no setting".to_owned()),
    }
}

/// A secret is not checked here, so that no message shows it.
#[expect(clippy::unnecessary_wraps, reason = "the command line asks for it")]
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

/// Why there is no configuration, and what to do.
pub fn config_problem(error: &ConfigError) -> Problem {
    match error {
        ConfigError::File(error) => super::plugin::config_problem(error),
        ConfigError::Mistakes(mistakes) => match mistakes.as_slice() {
            [Mistake { what, fix }] => Problem::new(what, fix),
            _ => {
                Problem::new(error.to_string(), "mend each of them; `hangar config --help` says where values come from")
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::GROUPS;

    #[test]
    fn every_flag_is_a_setting_and_the_other_way_round() {
        let text = || Some("x".to_owned());
        let options = ServeOptions {
            plugins: text(),
            port: text(),
            host: text(),
            local: true,
            api_key: Some(Secret::new("x")),
            keys: text(),
            no_auth: text(),
            tls_cert: text(),
            tls_key: text(),
            platform: text(),
            force_platform: true,
            device_metadata: text(),
            state: text(),
            poll: text(),
            log_level: text(),
            log_json: true,
            config: None,
        };
        let mut given: Vec<&str> = options.flags().into_iter().map(|(flag, _)| flag).collect();
        let settings = GROUPS.iter().flat_map(|group| group.settings);
        let mut known: Vec<&str> = settings.map(|setting| setting.flag).filter(|flag| !flag.is_empty()).collect();
        given.sort_unstable();
        known.sort_unstable();
        assert_eq!(given, known);
        assert!(!format!("{:?}", ServeOptions { api_key: Some(Secret::new("k3y")), ..options }).contains("k3y"));
    }
}
