//! Values as they are configured, before they become what they stand for.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hangar_aip::Platform;
use serde_json::Value as Json;

use super::{LogLevel, SecretSource};

/// A value as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Nothing is said.
    Nothing,
    /// A number, a number of bytes, or milliseconds.
    Number(u64),
    /// `true` or `false`.
    Switch(bool),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// Numbers by name.
    Numbers(BTreeMap<String, u64>),
    /// Lists by name.
    Lists(BTreeMap<String, Vec<String>>),
    /// A secret, or where it is kept.
    Secret(SecretSource),
    /// Whatever a plugin makes of it.
    Json(Json),
}

/// A field of the configuration that takes what is given for it, and shows what it has.
pub trait Field {
    /// What it has.
    fn given(&self) -> Given;
    /// Takes what was checked to be of the right kind; anything else leaves it as it is.
    fn accept(&mut self, given: &Given);
}

/// Fields that are numbers.
macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Field for $number {
            fn given(&self) -> Given {
                Given::Number(u64::try_from(*self).unwrap_or(u64::MAX))
            }

            fn accept(&mut self, given: &Given) {
                if let Given::Number(number) = given {
                    *self = Self::try_from(*number).unwrap_or(Self::MAX);
                }
            }
        }
    )*};
}

numbers!(u16, u32, u64, usize);

impl<T: Field + Default> Field for Option<T> {
    fn given(&self) -> Given {
        self.as_ref().map_or(Given::Nothing, Field::given)
    }

    fn accept(&mut self, given: &Given) {
        match given {
            Given::Nothing => *self = None,
            given => self.get_or_insert_default().accept(given),
        }
    }
}

impl Field for bool {
    fn given(&self) -> Given {
        Given::Switch(*self)
    }

    fn accept(&mut self, given: &Given) {
        if let Given::Switch(switch) = given {
            *self = *switch;
        }
    }
}

impl Field for Duration {
    fn given(&self) -> Given {
        Given::Number(u64::try_from(self.as_millis()).unwrap_or(u64::MAX))
    }

    fn accept(&mut self, given: &Given) {
        if let Given::Number(milliseconds) = given {
            *self = Self::from_millis(*milliseconds);
        }
    }
}

impl Field for String {
    fn given(&self) -> Given {
        Given::Text(self.clone())
    }

    fn accept(&mut self, given: &Given) {
        if let Given::Text(text) = given {
            self.clone_from(text);
        }
    }
}

impl Field for Vec<String> {
    fn given(&self) -> Given {
        Given::Texts(self.clone())
    }

    fn accept(&mut self, given: &Given) {
        if let Given::Texts(texts) = given {
            self.clone_from(texts);
        }
    }
}

/// Fields that are written as a text which was checked to be theirs.
macro_rules! texts {
    ($($field:ty: $show:expr, $read:expr;)*) => {$(
        impl Field for $field {
            fn given(&self) -> Given {
                let show: fn(&Self) -> String = $show;
                Given::Text(show(self))
            }

            fn accept(&mut self, given: &Given) {
                let read: fn(&str) -> Option<Self> = $read;
                if let Given::Text(text) = given && let Some(value) = read(text) {
                    *self = value;
                }
            }
        }
    )*};
}

texts! {
    PathBuf: |path| shown(path), |text| Some(Self::from(text));
    IpAddr: ToString::to_string, |text| text.parse().ok();
    Platform: ToString::to_string, Self::new;
    LogLevel: |level| level.name().to_owned(), Self::named;
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Field for BTreeMap<String, usize> {
    fn given(&self) -> Given {
        let number = |number: &usize| u64::try_from(*number).unwrap_or(u64::MAX);
        Given::Numbers(self.iter().map(|(name, value)| (name.clone(), number(value))).collect())
    }

    fn accept(&mut self, given: &Given) {
        if let Given::Numbers(numbers) = given {
            let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
            *self = numbers.iter().map(|(name, value)| (name.clone(), number(*value))).collect();
        }
    }
}

impl Field for BTreeMap<String, Vec<String>> {
    fn given(&self) -> Given {
        Given::Lists(self.clone())
    }

    fn accept(&mut self, given: &Given) {
        if let Given::Lists(lists) = given {
            self.clone_from(lists);
        }
    }
}

/// A secret has no value that it could have by itself.
impl Field for Option<SecretSource> {
    fn given(&self) -> Given {
        self.clone().map_or(Given::Nothing, Given::Secret)
    }

    fn accept(&mut self, given: &Given) {
        if let Given::Secret(source) = given {
            *self = Some(source.clone());
        }
    }
}
