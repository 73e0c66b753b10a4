//! The doors of the server, and what each asks for. The one table of them.

/// A way into the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(dead_code, reason = "the table is whole, and some doors are yet to be built")]
pub enum Door {
    /// `/ws`, for devices and constellations.
    AipSocket,
    /// `/ws`, for agents, brokers and frontends.
    Messaging,
    /// `/api/...`
    AipHttp,
    /// `/api/v1/...` and `/socket.io/`.
    Sessions,
    /// `/` and `/assets`.
    Pages,
    /// `/healthz`, which says nothing of anybody.
    Healthz,
    /// `/metrics` and `/api/openapi.json`.
    Metrics,
}

/// What a door asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Whether a key is asked for.
    pub key: KeyNeed,
    /// Which web pages may come in.
    pub browsers: Browsers,
    /// Refusals happen in a WebSocket handshake, where clients know but one answer.
    pub is_socket: bool,
}

/// Whether a key is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyNeed {
    /// Of everybody who does not come from this machine to a server that listens to nothing else.
    Elsewhere,
    /// Of nobody.
    Open,
}

/// Which web pages may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browsers {
    /// Those that this server has served.
    OwnOrigin,
    /// Those, and those of the origins that the operator has listed.
    AllowedOrigins,
    /// All.
    Any,
}

impl Door {
    /// What this door asks for.
    pub const fn rule(self) -> Rule {
        use Browsers::{AllowedOrigins, Any, OwnOrigin};
        use KeyNeed::{Elsewhere, Open};
        let (key, browsers, is_socket) = match self {
            Self::AipSocket => (Elsewhere, OwnOrigin, true),
            Self::Messaging => (Elsewhere, AllowedOrigins, true),
            Self::AipHttp | Self::Pages | Self::Metrics => (Elsewhere, OwnOrigin, false),
            Self::Sessions => (Elsewhere, AllowedOrigins, false),
            Self::Healthz => (Open, Any, false),
        };
        Rule { key, browsers, is_socket }
    }
}
