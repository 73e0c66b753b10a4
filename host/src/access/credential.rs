//! The keys that a request shows, and how a request is written down without them.

use axum::extract::Query;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};

/// The parameter of a URL that has a key.
const TOKEN: &str = "token";

/// The header that has one.
const API_KEY: &str = "x-api-key";

/// Every key that a request shows, in its URL or in its headers. One that is empty is none.
pub fn presented(uri: &Uri, headers: &HeaderMap) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    if uri.query().is_some_and(|query| !query.is_empty())
        && let Ok(Query(parameters)) = Query::<Vec<(String, String)>>::try_from_uri(uri)
    {
        keys.extend(parameters.into_iter().filter(|(name, _)| name == TOKEN).map(|(_, value)| value.into_bytes()));
    }
    keys.extend(headers.get_all(API_KEY).iter().map(|value| value.as_bytes().trim_ascii().to_vec()));
    keys.extend(headers.get_all(AUTHORIZATION).iter().filter_map(|value| bearer(value.as_bytes())));
    keys.retain(|key| !key.is_empty());
    keys
}

/// What stands behind `Bearer`. Another scheme is for a proxy in between.
fn bearer(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, key) = value.trim_ascii().split_at_checked(b"bearer".len())?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer") && key.first().is_none_or(u8::is_ascii_whitespace);
    is_bearer.then(|| key.trim_ascii().to_vec())
}

/// A URI as it may be logged: path and parameters, without the values of those that may be keys. Names in which anything is
/// encoded count among these, because every letter of `token` can be.
pub fn redacted_uri(uri: &Uri) -> String {
    let mut text = uri.path().to_owned();
    for (number, parameter) in uri.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        text.push(if number == 0 { '?' } else { '&' });
        match parameter.split_once('=') {
            Some((name, _)) if !is_harmless(name) => {
                text.push_str(name);
                text.push_str("=[secret]");
            }
            Some(_) => text.push_str(parameter),
            // A key without a name is still a key.
            None if parameter.is_empty() => {}
            None => text.push_str("[secret]"),
        }
    }
    text
}

fn is_harmless(name: &str) -> bool {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let name = name.to_ascii_lowercase();
    is_plain && !["token", "key", "secret", "password", "auth", "session"].iter().any(|word| name.contains(word))
}
