//! The languages that plugins are written in, and how a project's folder shows which one it is.

use std::path::Path;

use clap::ValueEnum;

/// A language with templates, an SDK and a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// An `async fn`, built by cargo.
    Rust,
    /// A generator, built by componentize-py.
    Python,
    /// An `async function`, built by esbuild and componentize-qjs.
    #[value(name = "js")]
    JavaScript,
}

impl Language {
    /// The word of the command line, which is also the name of its folders.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "js",
        }
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        }
    }

    /// The file in which an author begins to read.
    pub fn main_file(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::Python => "plugin.py",
            Self::JavaScript => "plugin.js",
        }
    }

    /// The language of the project in a folder, if there is one.
    pub fn of(folder: &Path) -> Option<Self> {
        let has = |file| folder.join(file).is_file();
        if has("Cargo.toml") {
            Some(Self::Rust)
        } else if has("plugin.py") {
            Some(Self::Python)
        } else if has("plugin.js") || has("package.json") {
            Some(Self::JavaScript)
        } else {
            None
        }
    }
}
