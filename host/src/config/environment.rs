//! The environment of the process, or one that is made up for a test.

#[cfg(test)]
use std::collections::BTreeMap;
use std::env;

/// Where variables are looked up. One that is empty counts as not set.
#[derive(Clone)]
pub enum Environment {
    /// That of this process.
    Process,
    /// These variables, and no others.
    #[cfg(test)]
    Of(BTreeMap<String, String>),
}

impl Environment {
    /// These variables, and no others.
    #[cfg(test)]
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::Of(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value of a variable; what is no text in UTF-8 is none.
    pub fn get(&self, name: &str) -> Option<String> {
        let value = match self {
            Self::Process => env::var(name).ok(),
            #[cfg(test)]
            Self::Of(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The names of all variables that begin like this.
    pub fn names_with(&self, prefix: &str) -> Vec<String> {
        let names: Vec<String> = match self {
            Self::Process => env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect(),
            #[cfg(test)]
            Self::Of(variables) => variables.keys().cloned().collect(),
        };
        let mut names: Vec<String> = names.into_iter().filter(|name| name.starts_with(prefix)).collect();
        names.sort_unstable();
        names
    }
}
