//! One HTTP connection that is kept open, without a pool and whatever else a client for all purposes has.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::time::timeout;

use crate::socket::{Options, connect};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection for one request after another; where the server has closed it meanwhile, a new one.
#[derive(Debug)]
pub struct Http {
    sender: SendRequest<Full<Bytes>>,
    server: SocketAddr,
}

impl Http {
    /// Connects.
    pub async fn open(server: SocketAddr) -> Result<Self> {
        Ok(Self { sender: sender(server).await?, server })
    }

    /// Asks for a path.
    pub async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes)> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// Asks for a path, and the answer must be good and JSON.
    pub async fn json(&mut self, path: &str) -> Result<Value> {
        let (status, body) = self.get(path).await?;
        ensure!(status == StatusCode::OK, "{path} answers {status}: {}", body.escape_ascii());
        serde_json::from_slice(&body).with_context(|| format!("{path} does not answer with JSON"))
    }

    /// Sends JSON to a path.
    pub async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Result<(StatusCode, Bytes)> {
        self.ask(Method::POST, path, body.into()).await
    }

    async fn ask(&mut self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let request = Request::builder().method(method).uri(path).header("host", self.server.to_string());
        let request = request.header("content-type", "application/json").body(Full::new(body))?;
        let answer = async {
            if self.sender.ready().await.is_err() {
                self.sender = sender(self.server).await?;
            }
            let answer = self.sender.send_request(request).await?;
            let status = answer.status();
            anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
        };
        timeout(PATIENCE, answer).await.with_context(|| format!("{path} does not answer"))?
    }
}

async fn sender(server: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = connect(server, Options::default()).await?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Whoever asks hears of its end.
    tokio::spawn(connection);
    Ok(sender)
}
