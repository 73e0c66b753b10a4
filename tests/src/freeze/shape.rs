//! What a type or a function looks like to those who were compiled against it, free of the parser's ids.

use semver::Version;

/// A named type.
pub struct Definition {
    /// The version in its `@since`.
    pub since: Option<Version>,
    pub shape: Shape,
}

/// What a named type is made of. Types are written as in WIT, named ones with their owner (`list<values.part>`): each
/// named type is compared where it is defined, so comparing these texts elsewhere is enough.
#[derive(PartialEq, Eq)]
pub enum Shape {
    /// Named members in an order.
    Composite(Composite, Vec<Member>),
    /// Another name for this type: a `type` or a `use`.
    Alias(String),
    /// A resource; its functions are functions of the interface.
    Resource,
}

impl Shape {
    /// The word that WIT uses for it.
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Composite(composite, _) => composite.keyword(),
            Self::Alias(_) => "type",
            Self::Resource => "resource",
        }
    }
}

/// The types that have named members.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Composite {
    Record,
    Variant,
    Enum,
    Flags,
}

impl Composite {
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Variant => "variant",
            Self::Enum => "enum",
            Self::Flags => "flags",
        }
    }

    /// What its members are called.
    pub fn member(self) -> &'static str {
        match self {
            Self::Record => "field",
            Self::Variant | Self::Enum => "case",
            Self::Flags => "flag",
        }
    }

    /// The member through which the contract lets such a type grow, where it has one.
    pub fn open_member(self) -> Option<&'static str> {
        match self {
            Self::Record => Some("extra"),
            Self::Variant => Some("extension"),
            Self::Enum | Self::Flags => None,
        }
    }
}

/// A field, a case or a flag.
#[derive(PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// A field's type or a case's payload.
    pub carries: Option<String>,
}

/// A function.
pub struct Function {
    /// The version in its `@since`.
    pub since: Option<Version>,
    /// The resource that it belongs to.
    pub resource: Option<String>,
    /// Kind, parameters and result, as in WIT.
    pub signature: String,
}
