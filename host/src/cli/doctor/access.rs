//! Who could come in, and who could listen.

use super::findings::Findings;
use crate::config::Config;

const CHECK: &str = "access";

/// Characters of a key, at least: fewer can be guessed.
const LEAST: usize = 16;

/// Looks at keys and address together.
pub fn check(config: &Config, findings: &mut Findings) {
    let (keys, server) = (&config.keys, &config.server);
    if keys.api_key.as_ref().is_some_and(|key| key.expose().len() < LEAST) {
        let fix = format!("take one of {LEAST} or more, such as `openssl rand -hex 16` makes");
        findings.warn(CHECK, format!("the key has fewer than {LEAST} characters and can be guessed"), fix);
    }
    if server.host.is_loopback() {
        return findings.ok(CHECK, "only this machine can reach the server; nobody needs a key");
    }
    if keys.no_auth {
        let fix = "leave out --no-auth and give clients keys, unless a proxy in front of it asks for them";
        findings.warn(CHECK, format!("whoever reaches {} may do everything", server.host), fix);
    } else if keys.api_key.is_none() && keys.file.is_none() {
        let fix = "set HANGAR_API_KEY, or name a file of keys with --keys";
        findings.warn(CHECK, "there is no key, so one is made up at each start and clients have to be told", fix);
    } else {
        findings.ok(CHECK, "clients need a key");
    }
    if server.tls.is_none() && !server.local {
        let fix = "give --tls-cert and --tls-key, unless a proxy in front of it speaks TLS";
        findings.warn(CHECK, "keys and screenshots go over the network for all to read", fix);
    }
}
