//! What is shown when the server has started: where it is, what it serves, and a key that was made up.

use std::fmt;
use std::net::SocketAddr;

use hangar_runtime::library::Catalog;

use crate::config::{Config, Secret};

/// What is shown at the start.
pub struct Banner {
    address: String,
    plugins: Vec<String>,
    directory: String,
    key: Key,
}

enum Key {
    /// Nobody is asked for one from this machine.
    NotNeeded,
    /// Nobody is asked for one at all.
    Off,
    /// The operator knows it.
    Given,
    /// It was made up, and is shown this once.
    Generated(Secret),
}

impl Banner {
    /// Of a server that listens here.
    pub fn of(config: &Config, address: SocketAddr, catalog: &Catalog, generated: Option<&Secret>) -> Self {
        let scheme = if config.server.tls.is_some() { "https" } else { "http" };
        let key = match generated {
            Some(key) => Key::Generated(key.clone()),
            None if config.keys.no_auth => Key::Off,
            None if address.ip().is_loopback() => Key::NotNeeded,
            None => Key::Given,
        };
        let version = |generation: &hangar_runtime::library::Generation| match &generation.version {
            Some(version) => format!("{} {version}", generation.id),
            None => generation.id.clone(),
        };
        Self {
            address: format!("{scheme}://{address}"),
            plugins: catalog.all().map(|generation| version(generation)).collect(),
            directory: config.plugins.directory.display().to_string(),
            key,
        }
    }
}

impl fmt::Display for Banner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let socket = self.address.replacen("http", "ws", 1);
        writeln!(formatter, "Hangar {} listens at {}", env!("CARGO_PKG_VERSION"), self.address)?;
        writeln!(formatter, "  devices   {socket}/ws")?;
        match self.plugins.as_slice() {
            [] => writeln!(formatter, "  plugins   none yet in {}; put some there", self.directory)?,
            plugins => writeln!(formatter, "  plugins   {} ({})", plugins.join(", "), self.directory)?,
        }
        match &self.key {
            Key::NotNeeded => writeln!(formatter, "  key       none needed on this machine"),
            Key::Off => writeln!(formatter, "  key       nobody is asked for one (--no-auth)"),
            Key::Given => writeln!(formatter, "  key       as configured"),
            Key::Generated(key) => {
                writeln!(formatter, "  key       {} (made up for this start; choose one with --api-key)", key.expose())
            }
        }
    }
}
