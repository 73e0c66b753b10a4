//! One attempt: a request goes out, and the whole answer comes in or not, within time and size.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::failure::{Failure, innermost};
use super::pauses::retry_after;
use super::quote::quoted;

/// Bytes of an answer; beyond it the answer is not read.
const ANSWER: usize = 16 << 20;
/// Bytes that are read of what comes with an error; nobody quotes what is further in.
const COMPLAINT: usize = 64 << 10;

impl Endpoint {
    /// Posts the request and gives the body of the answer, if it is a success.
    pub async fn post(&self, request: Bytes, within: Duration) -> Result<Bytes, Failure> {
        timeout(within, self.exchange(request)).await.unwrap_or(Err(Failure::Late { within }))
    }

    async fn exchange(&self, request: Bytes) -> Result<Bytes, Failure> {
        let post = self.client.post(self.url.clone()).headers(self.headers.clone()).body(request);
        let answer = post.send().await.map_err(|error| {
            let why = innermost(&error, &self.secrets);
            if error.is_connect() { Failure::Unreachable { why } } else { Failure::Lost { why } }
        })?;
        if answer.status().is_success() { self.whole(answer).await } else { Err(self.complaint(answer).await) }
    }

    async fn whole(&self, mut answer: Response) -> Result<Bytes, Failure> {
        let too_large = || Failure::TooLarge { limit: ANSWER };
        if answer.content_length().is_some_and(|length| length > ANSWER as u64) {
            return Err(too_large());
        }
        let cut = |error: reqwest::Error| Failure::Cut { why: innermost(&error, &self.secrets) };
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(cut)? {
            if body.len() + chunk.len() > ANSWER {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// What an answer that is none says, as far as it comes.
    async fn complaint(&self, mut answer: Response) -> Failure {
        let status = answer.status();
        let asked = retry_after(answer.headers(), Timestamp::now());
        let mut body = BytesMut::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > COMPLAINT {
                break;
            }
        }
        self.complained(status, asked, &Complaint::read(&body))
    }

    /// The failure that a complaint is, wherever it stood.
    pub fn complained(&self, status: StatusCode, retry_after: Option<Duration>, complaint: &Complaint) -> Failure {
        let said = quoted(&complaint.text, &self.secrets);
        Failure::Status { status, said, out_of_credit: complaint.out_of_credit, retry_after }
    }
}

/// What an endpoint says of an error, in one of the shapes that there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// Its words; empty if it has none that anybody would want to read.
    pub text: String,
    /// Whether the account is empty, which some tell with the status of too many requests.
    pub out_of_credit: bool,
}

impl Complaint {
    fn read(body: &[u8]) -> Self {
        if let Ok(value) = serde_json::from_slice::<Value>(body) {
            return Self::of(value.get("error").unwrap_or(&value), &value);
        }
        let text = String::from_utf8_lossy(body);
        // A page is for browsers; its status has said it all.
        if text.trim_start().starts_with('<') {
            Self::default()
        } else {
            Self { text: text.into_owned(), ..Self::default() }
        }
    }

    /// That of the value of `error`, within `whole`.
    pub fn of(error: &Value, whole: &Value) -> Self {
        let texts = [error.get("message"), Some(error), whole.get("message"), whole.get("detail"), error.get("detail")];
        let text = texts.into_iter().flatten().find_map(Value::as_str).unwrap_or_default().to_owned();
        let words = [error.get("code"), error.get("type")];
        let out_of_credit = words.into_iter().flatten().any(|word| word == "insufficient_quota");
        Self { text, out_of_credit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_come_in_many_shapes() {
        for (body, text) in [
            (r#"{"error":{"message":"too long","type":"x","code":null}}"#, "too long"),
            (r#"{"error":"no such model"}"#, "no such model"),
            (r#"{"message":"slow down"}"#, "slow down"),
            (r#"{"object":"error","message":"bad","code":400}"#, "bad"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"detail":[{"loc":[]}]}"#, ""),
            ("upstream is away", "upstream is away"),
            ("\n<html>502</html>", ""),
            ("", ""),
        ] {
            assert_eq!(
                Complaint::read(body.as_bytes()),
                Complaint { text: text.to_owned(), out_of_credit: false },
                "{body}"
            );
        }
        let empty = Complaint::read(br#"{"error":{"message":"pay","code":"insufficient_quota"}}"#);
        assert_eq!(empty, Complaint { text: "pay".to_owned(), out_of_credit: true });
    }
}
