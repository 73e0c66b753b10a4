//! The keys that open the server, and finding the one that was shown without telling anybody how near it was.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::config::{NamedKey, Scope, Secret};

/// What logs call the key of the simple case.
const SIMPLE: &str = "api-key";

/// All keys. They are kept as hashes: these are all of one length, and no dump of memory shows the key.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<Key>,
}

#[derive(Debug)]
struct Key {
    name: Arc<str>,
    hash: [u8; 32],
    scopes: Scopes,
}

/// Who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Which key it showed; none if it needed none.
    pub key_name: Option<Arc<str>>,
    /// What it may do.
    pub scopes: Scopes,
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

impl KeyRing {
    /// The key of the simple case, which opens everything, and those that have names.
    pub fn new(simple: Option<&Secret>, named: &[NamedKey]) -> Self {
        let simple =
            simple.map(|key| Key { name: SIMPLE.into(), hash: hash(key.expose().as_bytes()), scopes: Scopes::ALL });
        let named = named.iter().map(|named| Key {
            name: named.name.as_str().into(),
            hash: hash(named.key.expose().as_bytes()),
            scopes: named.scopes.iter().copied().collect(),
        });
        Self { keys: simple.into_iter().chain(named).collect() }
    }

    /// There is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key that all of these are. How long it takes says nothing of the keys but how many there are.
    pub fn find(&self, presented: &[Vec<u8>]) -> Option<Admitted> {
        let mut found = presented.iter().map(|key| self.place_of(key));
        let first = found.next()?;
        // All are looked for, whatever came of the first.
        let is_same = found.fold(true, |is_same, place| is_same & (place == first));
        let key = self.keys.get(usize::try_from(first).ok()?).filter(|_| is_same)?;
        Some(Admitted { key_name: Some(Arc::clone(&key.name)), scopes: key.scopes })
    }

    fn place_of(&self, presented: &[u8]) -> u64 {
        let presented = hash(presented);
        let mut place = u64::MAX;
        let mut is_found = Choice::from(0);
        for (number, key) in (0_u64..).zip(&self.keys) {
            let is_this = key.hash.ct_eq(&presented) & !is_found;
            place.conditional_assign(&number, is_this);
            is_found |= is_this;
        }
        place
    }
}

impl Admitted {
    /// Somebody who showed no key.
    pub(super) fn nobody(scopes: Scopes) -> Self {
        Self { key_name: None, scopes }
    }

    /// Whether it may do this. Who may change things may look at them.
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(scope) || (scope == Scope::ReadOnly && self.scopes.contains(Scope::Operator))
    }
}

impl Scopes {
    /// Everything.
    pub const ALL: Self = Self(u8::MAX);

    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Whether this is one of them.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | bit(scope)))
    }
}

fn bit(scope: Scope) -> u8 {
    match scope {
        Scope::Device => 1,
        Scope::Constellation => 1 << 1,
        Scope::Operator => 1 << 2,
        Scope::ReadOnly => 1 << 3,
        Scope::Agent => 1 << 4,
        Scope::Broker => 1 << 5,
        Scope::Frontend => 1 << 6,
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// A key that nobody guesses: 32 random bytes. None if the system has none to give.
pub fn generate() -> Option<Secret> {
    let mut bytes = [0; 32];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}
