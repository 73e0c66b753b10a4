//! One socket: connecting, and the registration on it.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use super::{ClientError, Identity, Options};
use crate::limits::FRAME_BYTES;
use crate::message::ServerMessage;

/// A connection on which nothing but messages comes any more.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Where to connect to, and how.
pub struct Dial {
    request: Request<()>,
    host: String,
    connector: Connector,
    pub options: Options,
}

impl Dial {
    pub fn new(url: &str, options: Options) -> Result<Self, ClientError> {
        let bad = |why: String| ClientError::Url { why };
        let mut request = url.into_client_request().map_err(|error| bad(error.to_string()))?;
        let secure = match request.uri().scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(bad("it begins with neither ws:// nor wss://".into())),
        };
        if let Some(key) = &options.key {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
                .map_err(|_| bad("the key has characters that no header may have".into()))?;
            value.set_sensitive(true);
            request.headers_mut().insert("authorization", value);
        }
        let host = request.uri().authority().map_or_else(String::new, |host| match host.as_str().rsplit_once('@') {
            // Somebody's password.
            Some((_, host)) => host.to_owned(),
            None => host.to_string(),
        });
        let connector = if secure { Connector::Rustls(tls(&options, &host)?) } else { Connector::Plain };
        Ok(Self { request, host, connector, options })
    }

    /// Connects and registers.
    pub async fn register(&self, identity: &Identity) -> Result<Socket, ClientError> {
        let mut socket = self.connect().await?;
        let patience = self.options.registration;
        let registered = timeout(patience, self.introduce(&mut socket, identity)).await;
        match registered {
            Ok(Ok(())) => Ok(socket),
            Ok(Err(error)) => {
                // It may be closed already, or not care; we do not come back to it.
                let _ = timeout(self.options.close, socket.close(None)).await;
                Err(error)
            }
            Err(_) => Err(ClientError::Timeout { what: "the answer to the registration", after: patience }),
        }
    }

    async fn connect(&self) -> Result<Socket, ClientError> {
        let limit = Some(FRAME_BYTES);
        let config = WebSocketConfig::default().max_message_size(limit).max_frame_size(limit);
        let connecting =
            connect_async_tls_with_config(self.request.clone(), Some(config), true, Some(self.connector.clone()));
        let after = self.options.connect;
        let (host, failed) = (self.host.clone(), |host, why| ClientError::Connect { host, why });
        match timeout(after, connecting).await {
            Ok(Ok((socket, _))) => Ok(socket),
            Ok(Err(Error::Http(response))) => match response.status().as_u16() {
                status @ (401 | 403) => Err(ClientError::Denied { host, status }),
                status => Err(failed(host, format!("HTTP {status} instead of a WebSocket"))),
            },
            Ok(Err(error)) => Err(failed(host, error.to_string())),
            Err(_) => Err(failed(host, format!("no connection within {after:?}"))),
        }
    }

    /// Registers. The first frame is the answer, whatever it is.
    async fn introduce(&self, socket: &mut Socket, identity: &Identity) -> Result<(), ClientError> {
        let frame = identity.registration().write(Timestamp::now());
        socket.send(Message::from(frame)).await.map_err(|error| ClientError::lost(error.to_string()))?;
        loop {
            let frame = match socket.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) | None => {
                    return Err(ClientError::lost("the server closed it before it answered the registration"));
                }
                Some(Ok(frame)) => frame.into_data(),
                Some(Err(error)) => return Err(ClientError::lost(error.to_string())),
            };
            return match ServerMessage::read(&frame) {
                Ok(ServerMessage::Heartbeat(_)) => Ok(()),
                Ok(ServerMessage::Error(refusal)) => Err(ClientError::Refused { text: refusal.error }),
                Ok(other) => Err(ClientError::Refused { text: format!("it answered with {}", other.kind()) }),
                Err(error) => Err(ClientError::Refused { text: format!("its answer is not understood: {error}") }),
            };
        }
    }
}

fn tls(options: &Options, host: &str) -> Result<Arc<ClientConfig>, ClientError> {
    if let Some(config) = &options.tls {
        return Ok(Arc::clone(config));
    }
    let failed = |why: String| ClientError::Connect { host: host.to_owned(), why };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(failed("this system has no certificates to trust; give your own in the options".into()));
    }
    // The provider is named, because a process that links two has no default.
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
