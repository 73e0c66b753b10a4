//! Where the server is, for commands that talk to one. One address does for the socket and for the HTTP API.

use std::env;

use reqwest::Url;

use super::problem::Problem;

/// The variable that has the address.
pub const VARIABLE: &str = "HANGAR_SERVER";
/// The variable that has the key.
pub const KEY_VARIABLE: &str = "HANGAR_API_KEY";

/// The path of the socket.
const SOCKET: &str = "/ws";

/// The address of a server. It may have a key in it, so it is not shown as it is.
pub struct ServerAddress(Url);

impl ServerAddress {
    /// What was typed, or else what the environment says, or else this machine.
    pub fn of(typed: Option<&str>) -> Result<Self, Problem> {
        let from_environment = || env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty());
        let text = typed.map(str::to_owned).or_else(from_environment);
        Self::parse(text.as_deref().unwrap_or("localhost:5000"))
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |why: &str| {
            let fix =
                "write it as http://HOST:5000 or as ws://HOST:5000/ws, with https or wss where the server speaks TLS";
            Problem::new(format!("the server's address cannot be used: {why}"), fix)
        };
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
        let mut url = Url::parse(&whole).map_err(|error| wrong(&error.to_string()))?;
        let scheme = match url.scheme() {
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            other => return Err(wrong(&format!("it begins with {other}://"))),
        };
        let is_page = url.scheme().starts_with("http");
        url.set_scheme(scheme).map_err(|()| wrong("its beginning cannot be used"))?;
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        if path.is_empty() || is_page && !path.ends_with(SOCKET) {
            url.set_path(&format!("{path}{SOCKET}"));
        }
        Ok(Self(url))
    }

    /// The URL of the socket.
    pub fn socket(&self) -> String {
        self.0.to_string()
    }

    /// The URL of something of the HTTP API, whose path is given in segments. It has no key in it.
    pub fn http(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Both are of the kind that may take each other's place.
        let _ = url.set_scheme(if self.0.scheme() == "wss" { "https" } else { "http" });
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(None);
        let base = url.path().strip_suffix(SOCKET).unwrap_or_default().to_owned();
        url.set_path(&base);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The key: what was typed, or else what the environment says, or else what stands in the address.
    pub fn key(&self, typed: Option<&str>) -> Option<String> {
        let in_url = || self.0.query_pairs().find(|(name, _)| name == "token").map(|(_, key)| key.into_owned());
        typed.map(str::to_owned).or_else(|| env::var(KEY_VARIABLE).ok()).filter(|key| !key.is_empty()).or_else(in_url)
    }

    /// Host and port.
    pub fn peer(&self) -> Option<(&str, u16)> {
        let host = self.0.host_str()?;
        Some((host.trim_start_matches('[').trim_end_matches(']'), self.0.port_or_known_default()?))
    }

    /// Whether it is on this machine, where no proxy leads to.
    pub fn is_this_machine(&self) -> bool {
        let Some((host, _)) = self.peer() else { return false };
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The address of the HTTP API for people.
    pub fn shown_page(&self) -> String {
        self.http(&[]).to_string()
    }

    /// The address of the socket for people, without what may be a key.
    pub fn shown(&self) -> String {
        let mut url = self.0.clone();
        let _ = (url.set_username(""), url.set_password(None));
        url.set_query(None);
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_for_both() {
        for (text, socket, task) in [
            ("localhost:5000", "ws://localhost:5000/ws", "http://localhost:5000/api/x%2Fy"),
            ("http://127.0.0.1:5000", "ws://127.0.0.1:5000/ws", "http://127.0.0.1:5000/api/x%2Fy"),
            ("ws://h:1/ws", "ws://h:1/ws", "http://h:1/api/x%2Fy"),
            ("https://h/hangar/", "wss://h/hangar/ws", "https://h/hangar/api/x%2Fy"),
            ("wss://h/hangar/ws", "wss://h/hangar/ws", "https://h/hangar/api/x%2Fy"),
            ("ws://h/other", "ws://h/other", "http://h/api/x%2Fy"),
            ("ws://h:1/ws?token=K", "ws://h:1/ws?token=K", "http://h:1/api/x%2Fy"),
        ] {
            let address = ServerAddress::parse(text).unwrap();
            assert_eq!((address.socket().as_str(), address.http(&["api", "x/y"]).as_str()), (socket, task), "{text}");
        }
    }

    #[test]
    fn keys_are_found_and_not_shown() {
        let address = ServerAddress::parse("ws://me:pass@[::1]:7/ws?token=SE%20CRET").unwrap();
        assert_eq!(address.key(Some("typed")).as_deref(), Some("typed"));
        assert_eq!(address.shown(), "ws://[::1]:7/ws");
        assert_eq!(address.http(&["api"]).as_str(), "http://[::1]:7/api");
        assert_eq!(address.peer(), Some(("::1", 7)));
        assert!(address.is_this_machine() && !ServerAddress::parse("http://192.0.2.1").unwrap().is_this_machine());
    }

    #[test]
    fn what_is_no_address_is_told() {
        for text in ["ftp://h", "ws://", "http://h:port", "::::"] {
            let problem = ServerAddress::parse(text).err().unwrap();
            assert!(problem.what.contains("cannot be used") && problem.fix.contains("http://HOST:5000"), "{text}");
        }
    }
}
