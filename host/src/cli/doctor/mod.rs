//! `hangar doctor`: whether a server would do well here, and what to do where it would not.

mod access;
mod address;
mod findings;
mod folders;
mod machine;
mod models;
mod plugins;
mod stated_files;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::Verdict;
use super::screen::Screen;
use super::serve_options::{ServeOptions, config_problem};
use crate::config::Loaded;
use findings::Findings;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar doctor                              a server that is started here
  hangar doctor --config /etc/hangar.toml    with this file
  hangar doctor --host 0.0.0.0 --keys k.toml with these flags of `hangar serve`
  hangar doctor --json | jq '.checks[] | select(.outcome != \"ok\")'

It looks at the configuration, the address, keys and TLS, the plugin directory and each plugin in it, the folders for state \
and cache, the limits of the machine, and asks each configured model's endpoint what models it has. It starts no plugin and \
changes nothing; what it says of plugins is looked into by `hangar plugin check`.

--json prints {\"ok\":..,\"checks\":[{\"check\":..,\"outcome\":\"ok|warn|bad\",\"found\":..,\"fix\":..}]}.
Exit code 1: something is bad. What is merely doubtful does not count.";

/// What to look at.
#[derive(Args)]
pub struct Doctor {
    #[command(flatten)]
    options: ServeOptions,
    /// Print a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Looks at everything and says what was found.
pub fn work(doctor: &Doctor, screen: &mut Screen) -> Result<Verdict> {
    let findings = examine(&doctor.options)?;
    let ok = findings.are_ok();
    if doctor.json {
        screen.json(&json!({ "ok": ok, "checks": findings.all() }))?;
    } else {
        findings.print(screen)?;
    }
    Ok(if ok { Verdict::Ok } else { Verdict::NotOk })
}

fn examine(options: &ServeOptions) -> Result<Findings> {
    let mut findings = Findings::default();
    let Loaded { config, file, warnings, .. } = match options.loader().load() {
        Ok(loaded) => loaded,
        Err(error) => {
            findings.problem("configuration", config_problem(&error));
            return Ok(findings);
        }
    };
    let found = match file {
        Some(file) => format!("{} says nothing wrong", file.display()),
        None => "there is no hangar.toml, so what is usual holds".to_owned(),
    };
    findings.ok("configuration", found);
    for warning in warnings {
        let (what, fix) = warning.split_once("; ").unwrap_or((&warning, "mend it, or leave it out"));
        findings.warn("configuration", what, fix);
    }
    address::check(&config, &mut findings);
    access::check(&config, &mut findings);
    stated_files::check(&config, &mut findings);
    plugins::check(&config, &mut findings);
    folders::check(&config.plugins, &mut findings);
    machine::check(&config, &mut findings);
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no thread can be had")?;
    threads.block_on(models::check(&config.models, &mut findings));
    Ok(findings)
}
