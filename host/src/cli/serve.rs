//! `hangar serve`: the server.

use std::io::Write;

use anyhow::{Context, Result};
use clap::Args;

use super::Verdict;
use super::ends::Ends;
use super::screen::Screen;
use super::serve_options::ServeOptions;
use crate::app::App;
use crate::telemetry::log;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar serve                                     on this machine, with the plugins of the folder `plugins`
  hangar serve --plugins /srv/plugins --port 5001  with other ones, at another port
  hangar serve --host 0.0.0.0                      for others: they need a key, which is made up and printed
  hangar serve --host 0.0.0.0 --keys keys.toml --tls-cert cert.pem --tls-key key.pem
  OPENAI_API_KEY=... HANGAR_MODEL=gpt-5-mini hangar serve

Devices connect with `hangar device`, or with any device agent that speaks AIP; `hangar dispatch` gives them something to do. \
Ctrl-C ends it in order: sessions may come to their end, and who waits for one is told. A second Ctrl-C ends it at once.";

/// How to serve.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    options: ServeOptions,
}

/// Serves until it is told to stop.
pub fn work(serve: &Serve, screen: &mut Screen) -> Result<Verdict> {
    let loader = serve.options.loader();
    let loaded = serve.options.load()?;
    log::begin(&loaded.config.log).context("the log cannot be set up")?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    raise_open_files();
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

/// Each connection is an open file; what this process may have without asking anybody is not to bound them.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is; `hangar doctor` says what it allows");
    }
}

#[cfg(not(unix))]
fn raise_open_files() {}
