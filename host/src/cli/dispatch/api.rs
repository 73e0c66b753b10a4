//! The calls of the HTTP API that `hangar dispatch` makes, and what their refusals mean for whoever typed it.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::problem::Problem;
use crate::cli::server_address::ServerAddress;

/// How long connecting and one call may take.
const CONNECT: Duration = Duration::from_secs(10);
const CALL: Duration = Duration::from_secs(60);

/// Bytes of an answer; a result may have screenshots in it.
const ANSWER: usize = 128 << 20;

/// The HTTP API of a server.
pub struct Api<'a> {
    client: Client,
    address: &'a ServerAddress,
    key: Option<String>,
}

/// A client that is online.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Online {
    pub client_id: String,
    #[serde(default)]
    pub r#type: Option<String>,
    #[serde(default)]
    pub platform: Option<String>,
}

/// A task that was dispatched.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Dispatched {
    pub task_name: String,
    #[serde(default)]
    pub session_id: Option<String>,
}

/// How a task stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is not over.
    Pending,
    /// It is, with all that the server says of it.
    Done(Value),
}

/// Why a call came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// The server was not reached, or not understood: it may be another time.
    Passing(Problem),
    /// The server refuses.
    Refused(Problem),
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(problem) | Failure::Refused(problem) => problem,
        }
    }
}

impl<'a> Api<'a> {
    pub fn new(address: &'a ServerAddress, key: Option<String>) -> Result<Self, Problem> {
        // There may be one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().connect_timeout(CONNECT).timeout(CALL);
        if address.is_this_machine() {
            builder = builder.no_proxy();
        }
        let cannot = |error: reqwest::Error| Problem::new(format!("no HTTP client can be had: {error}"), "");
        Ok(Self { client: builder.build().map_err(cannot)?, address, key })
    }

    /// Devices that are online. Servers that say nothing of kinds say nothing of constellations, either.
    pub async fn devices(&self) -> Result<Vec<Online>, Failure> {
        #[derive(Deserialize)]
        struct Clients {
            online_clients: Vec<String>,
            clients: Option<Vec<Online>>,
        }

        let answer = self.call(self.client.get(self.address.http(&["api", "clients"]))).await?;
        let Clients { online_clients, clients } = understood(answer)?;
        let unknown = |client_id| Online { client_id, r#type: None, platform: None };
        let clients = clients.unwrap_or_else(|| online_clients.into_iter().map(unknown).collect());
        Ok(clients.into_iter().filter(|client| client.r#type.as_deref().is_none_or(|kind| kind == "device")).collect())
    }

    pub async fn dispatch(&self, device: &str, request: &str, name: &str) -> Result<Dispatched, Failure> {
        let body = json!({ "client_id": device, "request": request, "task_name": name });
        let answer = self.call(self.client.post(self.address.http(&["api", "dispatch"])).json(&body)).await?;
        understood(answer)
    }

    /// How a task stands. Of another one that once had the same name, nothing is told.
    pub async fn standing(&self, task: &Dispatched) -> Result<Standing, Failure> {
        let url = self.address.http(&["api", "task_result", &task.task_name]);
        let answer = self.call(self.client.get(url)).await?;
        let said = |name: &str| answer.get(name).and_then(Value::as_str);
        let is_another = said("session_id").zip(task.session_id.as_deref()).is_some_and(|(one, other)| one != other);
        match said("status") {
            Some("pending") => Ok(Standing::Pending),
            Some("done") if is_another => Ok(Standing::Pending),
            Some("done") => Ok(Standing::Done(answer)),
            _ => Err(not_understood("it does not say whether the task is pending or done")),
        }
    }

    pub async fn cancel(&self, name: &str) -> Result<(), Failure> {
        self.call(self.client.post(self.address.http(&["api", "cancel", name]))).await.map(drop)
    }

    async fn call(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let request = match &self.key {
            Some(key) => request.header("x-api-key", sensitive(key)?),
            None => request,
        };
        let mut answer = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(bytes) = answer.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + bytes.len() > ANSWER {
                return Err(Failure::Refused(Problem::new(
                    format!("the server's answer has more than {ANSWER} bytes"),
                    "look at the session with the server's API",
                )));
            }
            body.extend_from_slice(&bytes);
        }
        let body: Result<Value, _> = serde_json::from_slice(&body);
        if status.is_success() {
            return body.map_err(|error| not_understood(&format!("it is no JSON: {error}")));
        }
        let detail = body.ok().and_then(|body| Some(body.get("detail")?.as_str()?.to_owned()));
        Err(refusal(status, detail.unwrap_or_else(|| status.to_string())))
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let error = error.without_url();
        let mut why = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            // The last cause says it in the fewest words.
            why = cause.to_string();
            source = cause.source();
        }
        let what = format!("the server at {} cannot be reached: {why}", self.address.shown_page());
        Failure::Passing(Problem::new(what, "start one with `hangar serve`, or say where it is with --server"))
    }
}

fn sensitive(key: &str) -> Result<reqwest::header::HeaderValue, Failure> {
    let mut value = reqwest::header::HeaderValue::from_str(key).map_err(|_| {
        Failure::Refused(Problem::new(
            "the key has characters that no header may have",
            "look at HANGAR_API_KEY or --key",
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn understood<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    T::deserialize(answer).map_err(|error| not_understood(&error.to_string()))
}

fn not_understood(why: &str) -> Failure {
    let fix = "is --server the address of an agent server?";
    Failure::Passing(Problem::new(format!("the server's answer is not understood: {why}"), fix))
}

fn refusal(status: StatusCode, detail: String) -> Failure {
    let what = format!("the server refuses: {detail}");
    let fix = match status {
        StatusCode::UNAUTHORIZED => {
            "give the server's key in HANGAR_API_KEY or with --key; it prints it when it starts"
        }
        StatusCode::FORBIDDEN => "use a key whose scopes have `operator`",
        StatusCode::NOT_FOUND if detail == "Client not online" => {
            "`hangar dispatch` without --device says which devices are online; `hangar device` connects one"
        }
        StatusCode::NOT_FOUND => "is --server the address of an agent server?",
        _ => "see `hangar dispatch --help`",
    };
    let problem = Problem::new(what, fix);
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Failure::Passing(problem);
    }
    Failure::Refused(problem)
}
