//! Where a model is asked: the URL, the client and the headers, checked once.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::config::ModelConfig;

use super::failure::innermost;
use super::misconfigured::Misconfigured;

/// How long connecting may take, within the time of an attempt: whoever does not take up a connection is soon tried again.
const CONNECT: Duration = Duration::from_secs(10);
/// What is asked below the base URL.
const PATH: &str = "chat/completions";

/// The endpoint of one model.
pub struct Endpoint {
    pub(super) client: Client,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// What must not be quoted: the key, and the query of the URL, in which some services want theirs.
    pub(super) secrets: Arc<[String]>,
}

impl Endpoint {
    /// The endpoint that is configured. It is not asked anything.
    pub fn new(config: &ModelConfig) -> Result<Self, Misconfigured> {
        let url =
            url_below(&config.base_url).map_err(|what| Misconfigured::BaseUrl { model: config.name.clone(), what })?;
        let client = client_for(&url, config.timeout)
            .map_err(|error| Misconfigured::Tls { model: config.name.clone(), why: innermost(&error, &[]) })?;
        let secrets = secrets_of(config, &url).into();
        Ok(Self { client, headers: headers_of(config)?, secrets, url })
    }

    /// Whom to look for when it does not answer: host and port, without anything that may be secret.
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// Where chat completions are, whatever has been given: with or without a slash at the end, the path, a query.
fn url_below(base: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(base.trim()).map_err(|_| "is no URL; write one like https://api.openai.com/v1")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("must begin with https:// or http:// and name a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user or a password in it; set the key beside it instead");
    }
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with(&format!("/{PATH}")) {
        url.set_path(&format!("{path}/{PATH}"));
    }
    Ok(url)
}

fn client_for(url: &Url, timeout: Duration) -> reqwest::Result<Client> {
    // Only the first one of a process counts, and it is the same everywhere.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = Client::builder()
        .user_agent(concat!("hangar/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT.min(timeout))
        // A call is a POST with a key: it goes where the operator said, and nowhere else.
        .redirect(Policy::none())
        .referer(false);
    if url.scheme() == "http" {
        // No TLS, no authorities: a small container without any can ask a model beside it.
        client = client.tls_certs_only([]);
    }
    if is_loopback(url) {
        client = client.no_proxy();
    }
    client.build()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn headers_of(config: &ModelConfig) -> Result<HeaderMap, Misconfigured> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(key) = &config.api_key {
        let key = key.expose();
        let unfit = || Misconfigured::Key { model: config.name.clone() };
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unfit());
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| unfit())?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

fn secrets_of(config: &ModelConfig, url: &Url) -> Vec<String> {
    let key = config.api_key.iter().map(|key| key.expose().to_owned());
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    let mut secrets: Vec<_> = key.chain(url.query().map(str::to_owned)).chain(values).collect();
    // The longest first: a value is part of the query, and hiding it first would leave the rest.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_base_url_leads_to_the_completions() {
        for (base, url) in [
            ("https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"),
            ("https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"),
            ("http://localhost:11434", "http://localhost:11434/chat/completions"),
            ("http://[::1]:1/v1/chat/completions/", "http://[::1]:1/v1/chat/completions/"),
            (
                "https://a.example/deployments/x?api-version=1#y",
                "https://a.example/deployments/x/chat/completions?api-version=1",
            ),
        ] {
            assert_eq!(url_below(base).unwrap().as_str(), url);
        }
        for base in
            ["", "localhost:11434", "ftp://a.example", "https://key@a.example/v1", "https://:pw@a.example", "/v1"]
        {
            assert!(url_below(base).is_err(), "{base}");
        }
    }

    #[test]
    fn loopback_is_known_by_any_name() {
        for (base, loopback) in [
            ("http://localhost:1", true),
            ("http://127.9.0.1", true),
            ("http://[::1]:1", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(base).unwrap()), loopback, "{base}");
        }
    }
}
