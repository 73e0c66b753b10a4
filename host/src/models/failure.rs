//! How a call can fail: **every text that says so**, the contract's word for it, and whether it may pass.

use std::error::Error;
use std::time::Duration;

use hangar_runtime::contract::events::ModelError;
use reqwest::StatusCode;

use super::error;
use super::flaw::Flaw;
use super::quote::{bounded, quoted};

/// Why there is no answer. The texts go on where "the model `x`" ends; they quote only what was made fit for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It cannot be asked this.
    #[error("cannot be asked this: {0}")]
    Request(#[from] Flaw),
    /// As many as may are asking it already.
    #[error("is being asked by {parallel} others, and none of them was done within {}; ask again later", shown(.within))]
    Busy {
        /// How many may ask at once.
        parallel: usize,
        /// How long was waited.
        within: Duration,
    },
    /// More are waiting than may.
    #[error("is asked by too many at once; ask again later")]
    Crowded,
    /// Nobody takes up the connection.
    #[error("cannot be reached: {why}; is its endpoint running, and its base URL right?")]
    Unreachable {
        /// What the system says.
        why: String,
    },
    /// The connection ended before an answer began.
    #[error("did not answer, its endpoint closed the connection: {why}")]
    Lost {
        /// What the system says.
        why: String,
    },
    /// The connection ended within the answer.
    #[error("was cut off within its answer: {why}")]
    Cut {
        /// What the system says.
        why: String,
    },
    /// It took too long.
    #[error("did not answer within {}; ask for less, or have its timeout raised", shown(.within))]
    Late {
        /// How long it had.
        within: Duration,
    },
    /// Its endpoint answered with something else than success.
    #[error("{}", told_status(*.status, .said))]
    Status {
        /// With what.
        status: StatusCode,
        /// What it said to that.
        said: String,
        /// Whether it is a matter of money, which no waiting mends.
        out_of_credit: bool,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The answer is too large.
    #[error("answered with more than {} MiB, which are not read; ask for less", .limit >> 20)]
    TooLarge {
        /// How many bytes it may have.
        limit: usize,
    },
    /// The answer is none.
    #[error("gave an answer that is no chat completion ({0}); is its base URL right?")]
    Garbled(&'static str),
    /// It calls a tool with something that no tool can read.
    #[error("calls the tool `{}` with parameters that are no JSON object; ask it again", bounded(.tool))]
    UnreadableCall {
        /// Which tool.
        tool: String,
    },
    /// It does not want to.
    #[error("declines to answer: {0}")]
    Declined(String),
}

impl Failure {
    /// The contract's word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } | Self::Crowded => "rate-limited",
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Late { .. } => "unreachable",
            Self::Cut { .. } => "cut",
            Self::Declined(_) => "refused",
            Self::Status { out_of_credit: true, .. } => "refused",
            Self::Status { status, .. } => match *status {
                StatusCode::TOO_MANY_REQUESTS => "rate-limited",
                StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => "refused",
                StatusCode::REQUEST_TIMEOUT => "unreachable",
                status if status.is_server_error() => "unreachable",
                _ => "invalid",
            },
            Self::Request(_) | Self::TooLarge { .. } | Self::Garbled(_) | Self::UnreadableCall { .. } => "invalid",
        }
    }

    /// Whether the same call may succeed a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Cut { .. } => true,
            Self::Status { .. } => matches!(self.code(), "rate-limited" | "unreachable"),
            _ => false,
        }
    }

    /// How long the endpoint wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it would take the call if the bound on its answer had the newer name. Its own words say so, which holds
    /// for any model, while the names of models come and go.
    pub fn wants_newer_bound(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::BAD_REQUEST, said, .. } if said.contains("max_completion_tokens"))
    }

    /// What the plugin is told.
    pub fn told_of(&self, model: &str) -> ModelError {
        let milliseconds = |pause: Duration| u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
        let retry_after_ms = self.retry_after().map(milliseconds);
        ModelError { retry_after_ms, ..error(self.code(), format!("the model `{model}` {self}")) }
    }
}

fn told_status(status: StatusCode, said: &str) -> String {
    let advice = match status {
        // Not with the endpoint's words: some repeat the key, or most of it.
        StatusCode::UNAUTHORIZED => return format!("does not take the key that it is asked with ({status})"),
        StatusCode::NOT_FOUND => "; are its base URL and its name there right?",
        status if status.is_redirection() => "; its base URL must lead there without a detour",
        _ => "",
    };
    let colon = if said.is_empty() { "" } else { ": " };
    format!("answered with {status}{colon}{said}{advice}")
}

fn shown(time: &Duration) -> String {
    if time.subsec_millis() == 0 { format!("{} s", time.as_secs()) } else { format!("{} ms", time.as_millis()) }
}

/// The reason behind all that libraries wrap around it, which has URLs in it.
pub fn innermost(error: &dyn Error, secrets: &[String]) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    quoted(&innermost.to_string(), secrets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, out_of_credit: bool) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        Failure::Status { status, said: "no".to_owned(), out_of_credit, retry_after: None }
    }

    #[test]
    fn each_status_has_a_word_and_some_may_pass() {
        for (number, code, may_pass) in [
            (302, "invalid", false),
            (400, "invalid", false),
            (401, "refused", false),
            (402, "refused", false),
            (403, "refused", false),
            (404, "invalid", false),
            (408, "unreachable", true),
            (413, "invalid", false),
            (422, "invalid", false),
            (429, "rate-limited", true),
            (500, "unreachable", true),
            (503, "unreachable", true),
            (529, "unreachable", true),
        ] {
            assert_eq!((status(number, false).code(), status(number, false).may_pass()), (code, may_pass), "{number}");
        }
        assert_eq!((status(429, true).code(), status(429, true).may_pass()), ("refused", false));
    }

    #[test]
    fn a_refused_key_is_told_without_the_endpoints_words() {
        let text = status(401, false).told_of("small-1").text;
        assert_eq!(text, "the model `small-1` does not take the key that it is asked with (401 Unauthorized)");
        assert_eq!(status(503, false).told_of("m").text, "the model `m` answered with 503 Service Unavailable: no");
    }
}
