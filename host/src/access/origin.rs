//! What keeps web pages of others out: a page can make a browser on this machine ask this server for anything, but it
//! cannot make it lie about the host that it asks and the site that it asks for.

use std::net::IpAddr;

use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri};

use super::AccessRefusal;
use super::door::Browsers;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Bytes of what a request says that come back in the text of its refusal.
const QUOTED_BYTES: usize = 64;

/// The hosts and origins that the operator has listed.
#[derive(Debug)]
pub struct Sites {
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Sites {
    /// Takes them as they stand in the configuration.
    pub fn new(hosts: &[String], origins: &[String]) -> Self {
        let plain = |text: &String| text.trim().trim_end_matches('/').to_ascii_lowercase();
        let host = |text: &String| {
            let text = plain(text);
            text.parse::<Authority>().map_or_else(|_| text.clone(), |parsed| plain_host(parsed.host()))
        };
        Self { hosts: hosts.iter().map(host).collect(), origins: origins.iter().map(plain).collect() }
    }

    /// Whether what a browser says of a request is right for a door.
    pub fn check(
        &self,
        browsers: Browsers,
        must_know_host: bool,
        is_on_loopback: bool,
        is_tls: bool,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<(), AccessRefusal> {
        if browsers == Browsers::Any {
            return Ok(());
        }
        let host = host(headers);
        if must_know_host {
            let named = host.as_ref().map_err(Clone::clone)?;
            let mut asked = [Some(named), uri.authority()].into_iter().flatten();
            if let Some(unknown) = asked.find(|host| !self.knows(host, is_on_loopback)) {
                return Err(AccessRefusal::UnknownHost { host: quoted(unknown.as_str()) });
            }
        }
        let is_listable = browsers == Browsers::AllowedOrigins;
        for origin in headers.get_all(ORIGIN) {
            let text = origin.to_str().unwrap_or_default().to_ascii_lowercase();
            let is_own = host.as_ref().is_ok_and(|host| is_own(&text, host, is_tls));
            if is_own {
                continue;
            }
            if is_listable && self.origins.contains(&text) {
                // That another site asks is what it is listed for.
                return Ok(());
            }
            return Err(AccessRefusal::ForeignOrigin { origin: quoted(&text), is_listable });
        }
        if headers.get_all(SEC_FETCH_SITE).iter().any(is_cross_site) {
            return Err(AccessRefusal::CrossSite);
        }
        Ok(())
    }

    /// Whether the server is known by this name. An address cannot be bent to point elsewhere, as a name can.
    fn knows(&self, host: &Authority, is_on_loopback: bool) -> bool {
        if host.as_str().contains('@') {
            return false;
        }
        let name = plain_host(host.host());
        let is_ours = match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => !is_on_loopback || address.to_canonical().is_loopback(),
            Err(_) => name == "localhost" || name.ends_with(".localhost"),
        };
        is_ours || self.hosts.contains(&name)
    }
}

fn host(headers: &HeaderMap) -> Result<Authority, AccessRefusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(AccessRefusal::NoHost);
    };
    let text = host.to_str().unwrap_or_default();
    text.parse().map_err(|_| AccessRefusal::UnknownHost { host: quoted(text) })
}

/// Whether an origin is the one that the request goes to. Before a server without TLS there may be a proxy that has it.
fn is_own(origin: &str, host: &Authority, is_tls: bool) -> bool {
    let authority = match origin.split_once("://") {
        Some(("https", authority)) => authority,
        Some(("http", authority)) if !is_tls => authority,
        _ => return false,
    };
    authority.eq_ignore_ascii_case(host.as_str())
}

fn is_cross_site(value: &HeaderValue) -> bool {
    value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"cross-site")
}

fn plain_host(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn quoted(text: &str) -> String {
    match text.char_indices().find(|(at, letter)| at + letter.len_utf8() > QUOTED_BYTES) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
