//! Who is let in, and by which door: keys and what they open, and the checks that keep web pages of others out.

mod credential;
mod door;
mod guard;
mod keys;
mod origin;
mod refusal;

pub use credential::redacted_uri;
pub use door::Door;
pub use guard::guard;
pub use keys::{Admitted, Scopes};
pub use refusal::AccessRefusal;

use std::net::SocketAddr;

use arc_swap::ArcSwap;
use axum::http::{HeaderMap, Uri};

use crate::config::{KeysConfig, NamedKey, Scope, Secret, ServerConfig};
use crate::server::Peer;
use door::KeyNeed;
use keys::KeyRing;
use origin::Sites;

/// What decides who is let in. One for the whole server.
#[derive(Debug)]
pub struct Access {
    ring: ArcSwap<KeyRing>,
    /// The one key of the simple case, given or generated. It stays when the named keys are replaced.
    simple: Option<Secret>,
    was_generated: bool,
    is_off: bool,
    is_on_loopback: bool,
    sites: Sites,
}

/// There was nothing random to make a key of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes to make a key of; give one with --api-key")]
pub struct NoRandomness;

impl Access {
    /// For a server that listens at `address`, with the key of the simple case and those of the file. Where a key is needed
    /// and there is none, one is made; see [`Self::generated_key`].
    pub fn new(
        keys: &KeysConfig,
        named: &[NamedKey],
        server: &ServerConfig,
        address: SocketAddr,
    ) -> Result<Self, NoRandomness> {
        let is_on_loopback = address.ip().to_canonical().is_loopback();
        let is_without = keys.api_key.is_none() && keys.file.is_none() && named.is_empty();
        let was_generated = is_without && !is_on_loopback && !keys.no_auth;
        let simple = if was_generated { Some(keys::generate().ok_or(NoRandomness)?) } else { keys.api_key.clone() };
        Ok(Self {
            ring: ArcSwap::from_pointee(KeyRing::new(simple.as_ref(), named)),
            simple,
            was_generated,
            is_off: keys.no_auth,
            is_on_loopback,
            sites: Sites::new(&server.allowed_hosts, &server.allowed_origins),
        })
    }

    /// The key that was made because one is needed and none was given. It is shown once, to the one who starts the server.
    pub fn generated_key(&self) -> Option<&Secret> {
        self.simple.as_ref().filter(|_| self.was_generated)
    }

    /// From now on these are the named keys. The key of the simple case stays.
    pub fn replace_keys(&self, named: &[NamedKey]) {
        self.ring.store(KeyRing::new(self.simple.as_ref(), named).into());
    }

    /// Decides on one request at one door. `needs` are scopes of which one is enough; none where any key will do.
    pub fn admit(
        &self,
        door: Door,
        needs: &'static [Scope],
        peer: Peer,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Admitted, AccessRefusal> {
        let rule = door.rule();
        if rule.key == KeyNeed::Open {
            return Ok(Admitted::nobody(Scopes::NONE));
        }
        // A key proves that no strange page speaks, and on an address that others reach the server has names that it does
        // not know. On loopback there may be no key, and the names are known.
        let must_know_host = self.is_on_loopback || self.is_off;
        self.sites.check(rule.browsers, must_know_host, self.is_on_loopback, peer.is_tls, uri, headers)?;
        let admitted = self.identify(peer, uri, headers)?;
        if needs.is_empty() || needs.iter().any(|need| admitted.allows(*need)) {
            Ok(admitted)
        } else {
            Err(AccessRefusal::ScopeLacking { key_name: admitted.key_name, needs })
        }
    }

    fn identify(&self, peer: Peer, uri: &Uri, headers: &HeaderMap) -> Result<Admitted, AccessRefusal> {
        let ring = self.ring.load();
        let is_needed = !self.is_off && !self.is_at_home(peer, headers);
        let presented = credential::presented(uri, headers);
        if presented.is_empty() || (self.is_off && ring.is_empty()) {
            return if is_needed { Err(AccessRefusal::MissingKey) } else { Ok(Admitted::nobody(Scopes::ALL)) };
        }
        ring.find(&presented).ok_or(AccessRefusal::WrongKey)
    }

    /// The peer is on this machine. What a proxy says of others is never believed; but that there is a proxy is, because then
    /// the peer may be anybody.
    fn is_at_home(&self, peer: Peer, headers: &HeaderMap) -> bool {
        let is_forwarded = ["forwarded", "x-forwarded-for", "x-real-ip"].iter().any(|name| headers.contains_key(*name));
        self.is_on_loopback && peer.is_loopback && !is_forwarded
    }
}

#[cfg(test)]
mod tests;
