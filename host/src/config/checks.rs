//! What is right value by value and does not go together.

use std::net::IpAddr;

use super::groups::{Draft, FORCE, NoAuth};

/// Something that is wrong with the configuration beyond the text of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong, and where.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl Mistake {
    /// This is wrong, and that is to be done.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

/// Everything that does not go together. `place` says where a value of this section and key was given.
pub fn mistakes(draft: &Draft, place: impl Fn(&str, &str) -> String) -> Vec<Mistake> {
    let server = &draft.config.server;
    let mut mistakes = Vec::new();
    match (&draft.tls_cert, &draft.tls_key) {
        (Some(_), None) => mistakes.push(Mistake::new(
            format!("{} names a certificate, and nothing names its private key", place("server", "tls-cert")),
            "give both, --tls-cert and --tls-key, or none",
        )),
        (None, Some(_)) => mistakes.push(Mistake::new(
            format!("{} names a private key, and nothing names its certificate", place("server", "tls-key")),
            "give both, --tls-cert and --tls-key, or none",
        )),
        _ => {}
    }
    if draft.no_auth == NoAuth::On && !server.host.is_loopback() {
        let what = format!(
            "{} lets everybody in without a key, and {} makes {} reachable from outside",
            place("keys", "no-auth"),
            place("server", "host"),
            server.host
        );
        let fix = format!(
            "leave it out and give clients a key, listen on 127.0.0.1, or insist: --no-auth={FORCE}, `no-auth = \"{FORCE}\"`"
        );
        mistakes.push(Mistake::new(what, fix));
    }
    if server.local && !is_reachable_locally(server.host) {
        let what = format!(
            "{} lets in only peers on this machine, and {} is an address that they do not come from",
            place("server", "local"),
            server.host
        );
        mistakes.push(Mistake::new(what, "leave out --local, or --host"));
    }
    let devices = &draft.config.devices;
    if devices.force_platform && devices.platform.is_none() {
        let what =
            format!("{} forces a platform on all devices, and none is named", place("devices", "force-platform"));
        mistakes.push(Mistake::new(what, "name it with --platform, or leave out --force-platform"));
    }
    let connections = &draft.config.connections;
    if connections.silence < connections.ping * 2 {
        let what = format!(
            "{} is less than twice {}, so that a peer would count as gone after one lost ping",
            place("connections", "silence"),
            place("connections", "ping")
        );
        mistakes.push(Mistake::new(what, "make `silence` at least twice `ping`"));
    }
    if connections.small_frame_bytes > connections.large_frames_bytes {
        let what = format!(
            "{} is more than {}, which all larger messages share",
            place("connections", "small-frame-bytes"),
            place("connections", "large-frames-bytes")
        );
        mistakes.push(Mistake::new(what, "make `small-frame-bytes` the smaller one"));
    }
    mistakes
}

/// Peers on this machine come from a loopback address only if they speak to one.
fn is_reachable_locally(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}
