//! Why somebody is not let in, and how that is told.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::response::Response;
use thiserror::Error;

use super::Door;
use crate::config::Scope;
use crate::server::detail;

/// What callers are told of a key, whether it is wrong or missing; clients look for these words.
const INVALID: &str = "Invalid API key";

/// Why a request is not let in. What these texts show of a request is short, and is never a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccessRefusal {
    /// The request is for a host that the server does not know itself by.
    #[error(
        "This server does not know itself by the host name `{host}`; if it should, add it to `allowed-hosts` in hangar.toml."
    )]
    UnknownHost {
        /// As the request has it.
        host: String,
    },
    /// The request names no host, or more than one.
    #[error("The request must name one host; send one `Host` header.")]
    NoHost,
    /// A page of another origin asks.
    #[error("Pages of `{origin}` may not use this door.{}", if *is_listable {
        " If they should, add it to `allowed-origins` in hangar.toml."
    } else {
        ""
    })]
    ForeignOrigin {
        /// As the request has it.
        origin: String,
        /// It could be allowed.
        is_listable: bool,
    },
    /// The browser says that another site has made the page ask.
    #[error("The browser says that another site asks (`Sec-Fetch-Site: cross-site`), which is not allowed here.")]
    CrossSite,
    /// A key is needed.
    #[error("a key is needed, and there is none")]
    MissingKey,
    /// The key is not one of ours.
    #[error("the key is none of this server's")]
    WrongKey,
    /// The key opens other things.
    #[error("The key{} lacks the scope {}.", named(key_name.as_deref()), listed(needs))]
    ScopeLacking {
        /// Which key.
        key_name: Option<Arc<str>>,
        /// What would do.
        needs: &'static [Scope],
    },
}

impl AccessRefusal {
    /// The answer at this door.
    pub fn answer(&self, door: Door) -> Response {
        match self {
            Self::MissingKey | Self::WrongKey if door.rule().is_socket => detail(StatusCode::FORBIDDEN, INVALID),
            Self::MissingKey | Self::WrongKey => {
                let mut response = detail(StatusCode::UNAUTHORIZED, INVALID);
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
            other => detail(StatusCode::FORBIDDEN, &other.to_string()),
        }
    }
}

fn named(key: Option<&str>) -> String {
    key.map_or_else(String::new, |name| format!(" `{name}`"))
}

fn listed(scopes: &[Scope]) -> String {
    let words: Vec<String> = scopes.iter().map(|scope| format!("`{}`", word(*scope))).collect();
    words.join(" or ")
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Device => "device",
        Scope::Constellation => "constellation",
        Scope::Operator => "operator",
        Scope::ReadOnly => "read-only",
        Scope::Agent => "agent",
        Scope::Broker => "broker",
        Scope::Frontend => "frontend",
    }
}
