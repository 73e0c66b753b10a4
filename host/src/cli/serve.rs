//! `hangar serve`: the server.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use super::Verdict;
use super::ends::Ends;
use super::screen::Screen;
use crate::app::App;
use crate::config::{Environment, Loader};
use crate::telemetry::log;

/// How to serve.
#[derive(Args)]
pub struct Serve {
    /// temporary
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Serves until it is told to stop.
pub fn work(serve: &Serve, screen: &mut Screen) -> Result<Verdict> {
    let mut flags: Vec<(&'static str, String)> = Vec::new();
    let mut config = None;
    for pair in serve.rest.chunks(2) {
        if let [flag, value] = pair {
            if flag == "--config" { config = Some(std::path::PathBuf::from(value)); continue; }
            flags.push((Box::leak(flag.clone().into_boxed_str()), value.clone()));
        }
    }
    let loader = Loader::new(flags, config.as_deref(), Environment::Process);
    let loaded = loader.load()?;
    log::begin(&loaded.config.log).context("the log cannot be set up")?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    // What speaks TLS as a client asks for it by default.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    threads.context("no threads can be had")?.block_on(async {
        let mut ends = Ends::new()?;
        let app = App::start(loaded, loader).await?;
        write!(screen, "{}", app.banner())?;
        screen.flush()?;
        let enough = async {
            ends.any().await;
            tokio::spawn(async move {
                ends.any().await;
                std::process::exit(130);
            });
        };
        app.run(enough).await;
        Ok(Verdict::Ok)
    })
}
