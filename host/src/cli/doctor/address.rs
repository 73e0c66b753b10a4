//! Whether the server could listen where it is to.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use hangar_runtime::library::status_in;

use super::findings::Findings;
use crate::config::Config;

const CHECK: &str = "address";

/// Tries the address, and leaves it at once.
pub fn check(config: &Config, findings: &mut Findings) {
    let address = SocketAddr::new(config.server.host, config.server.port);
    let error = match TcpListener::bind(address) {
        Ok(_) if config.server.port == 0 => {
            return findings.ok(CHECK, format!("any port of {} that is free", address.ip()));
        }
        Ok(_) => return findings.ok(CHECK, format!("{address} is free")),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::AddrInUse => {
            // It may well be the server that somebody wants to know of.
            let status = status_in(&config.plugins.state).ok().flatten().filter(|status| status.running);
            match status {
                Some(status) => findings.warn(
                    CHECK,
                    format!(
                        "{address} is taken, most likely by process {}, which has this plugin directory",
                        status.process
                    ),
                    "nothing, if that is the server that you mean; else stop it, or choose another --port",
                ),
                None => findings.bad(
                    CHECK,
                    format!("{address} is taken by another program"),
                    format!(
                        "stop that one (`ss -ltnp 'sport = :{}'` shows it), or choose another --port",
                        address.port()
                    ),
                ),
            }
        }
        ErrorKind::AddrNotAvailable => findings.bad(
            CHECK,
            format!("{} is no address of this machine", address.ip()),
            "name one that is, 127.0.0.1 for this machine alone, or 0.0.0.0 for all of them",
        ),
        ErrorKind::PermissionDenied => findings.bad(
            CHECK,
            format!("this user may not listen on port {}", address.port()),
            "choose a --port above 1023, or let a proxy have that one",
        ),
        _ => {
            findings.bad(CHECK, format!("{address} cannot be listened on: {error}"), "choose another --host or --port");
        }
    }
}
