//! A script that uses the HTTP API.

use std::net::SocketAddr;
use std::sync::Once;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::stage::{PATIENCE, within};

/// The HTTP API of one server.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    key: Option<String>,
}

impl Api {
    /// With or without a key.
    pub fn new(address: SocketAddr, key: Option<&str>) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let client = Client::builder().no_proxy().build().unwrap();
        Self { client, base: format!("http://{address}"), key: key.map(str::to_owned) }
    }

    /// A request that can still be changed.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.header("X-API-Key", key),
            None => request,
        }
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Response {
        within("an answer over HTTP", request.send()).await.unwrap()
    }

    /// Sends a request; the status, and the body as JSON.
    pub async fn answer(&self, request: RequestBuilder) -> (u16, Value) {
        let response = self.send(request).await;
        let status = response.status().as_u16();
        let text = within("the body of an answer", response.text()).await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} with no JSON, {error}: {text}")))
    }

    /// GET; it must go well.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.answer(self.request(Method::GET, path)).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// POST with a body.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.answer(self.request(Method::POST, path).json(body)).await
    }

    /// Sends a task to a device; it must go well. Returns the session.
    pub async fn dispatch(&self, device: &str, name: &str, request: &str) -> String {
        let body = json!({"client_id": device, "request": request, "task_name": name});
        let (status, answer) = self.post("/api/dispatch", &body).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["status"], "dispatched", "{answer}");
        assert_eq!((&answer["client_id"], &answer["task_name"]), (&body["client_id"], &body["task_name"]));
        answer["session_id"].as_str().unwrap().to_owned()
    }

    /// The outcome of a task, by its name or its session, once there is one.
    pub async fn outcome(&self, of: &str) -> Value {
        self.until(&format!("/api/task_result/{of}"), |answer| answer["status"] != "pending").await
    }

    /// Who is online.
    pub async fn online(&self) -> Vec<String> {
        let clients = self.get("/api/clients").await;
        serde_json::from_value(clients["online_clients"].clone()).unwrap()
    }

    /// Waits until this client is gone from the list.
    pub async fn gone(&self, id: &str) {
        let is_gone = |answer: &Value| !answer["online_clients"].as_array().unwrap().contains(&json!(id));
        self.until("/api/clients", is_gone).await;
    }

    /// Asks again and again until the answer is as it should be.
    pub async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path).await;
            if is_so(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "GET {path} goes on answering {answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
