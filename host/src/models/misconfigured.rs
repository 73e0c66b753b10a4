//! Why a model cannot be had as it is configured.

/// What is wrong, for the operator. No text has a URL or a key in it, because either may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misconfigured {
    /// It has no name, or one that cannot be shown.
    #[error("a model needs a name of 1 to {longest} visible characters, by which plugins ask it")]
    Name {
        /// How long a name may be.
        longest: usize,
    },
    /// Two have one name.
    #[error("two models are called `{model}`; give one of them another name")]
    SameName {
        /// Their name.
        model: String,
    },
    /// It is not said what the endpoint calls it.
    #[error("the model `{model}` does not say what its endpoint calls it; set its `model`")]
    NoModel {
        /// Its name.
        model: String,
    },
    /// The base URL cannot be used.
    #[error("the base URL of the model `{model}` {what}")]
    BaseUrl {
        /// Its name.
        model: String,
        /// What is wrong with it and what to write instead.
        what: &'static str,
    },
    /// The key cannot be sent.
    #[error("the key of the model `{model}` is empty or has characters that no header can carry; copy it again")]
    Key {
        /// Its name.
        model: String,
    },
    /// It has no time to answer.
    #[error("the model `{model}` has no time to answer; its timeout must be more than nothing")]
    NoTime {
        /// Its name.
        model: String,
    },
    /// Nobody may ask it.
    #[error("the model `{model}` may be asked by nobody; set its `parallel` to 1 or more")]
    NoSeat {
        /// Its name.
        model: String,
    },
    /// There is no client for it.
    #[error(
        "the model `{model}` cannot be asked over TLS: {why}; install the certificates of your system's authorities"
    )]
    Tls {
        /// Its name.
        model: String,
        /// The innermost reason.
        why: String,
    },
}
