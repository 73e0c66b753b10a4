//! From an HTTP request to a WebSocket: the handshake, after which nothing of HTTP lingers.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ALLOW, CONNECTION, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, Method, Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Body as _;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::Socket;
use super::large_frames::Room;
use crate::access::Admitted;
use crate::config::ConnectionLimits;
use crate::server::{Connection, Peer, detail};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const VERSION_13: HeaderValue = HeaderValue::from_static("13");

/// Makes WebSockets of requests; one for all of them, because they share the room for large messages.
#[derive(Debug, Clone)]
pub struct Upgrades {
    room: Arc<Room>,
}

/// Why a request is not made into a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UpgradeRefusal {
    /// Another method than GET.
    #[error("A WebSocket handshake is a GET request.")]
    Method,
    /// It does not ask for a WebSocket.
    #[error("Only WebSockets are served here: connect with ws:// or wss://, not with a plain HTTP request.")]
    NoUpgrade,
    /// It asks for another version of the protocol.
    #[error("Only version 13 of the WebSocket protocol is spoken here; send `Sec-WebSocket-Version: 13`.")]
    Version,
    /// No key, or one that is none.
    #[error("`Sec-WebSocket-Key` must be there once and be 16 bytes in base64.")]
    Key,
    /// A handshake has no body.
    #[error("A WebSocket handshake has no body; send messages once the connection stands.")]
    Body,
    /// Too old to be upgraded.
    #[error("A WebSocket handshake needs HTTP/1.1; a proxy in between must not speak HTTP/1.0 to this server.")]
    Http,
    /// Nobody has looked who it is.
    #[error("This path is not guarded, so nobody is let in; the server was put together wrongly.")]
    Unguarded,
}

impl Upgrades {
    /// For connections with these limits.
    pub fn new(limits: &ConnectionLimits) -> Self {
        Self { room: Arc::new(Room::new(limits)) }
    }

    /// The room for large messages, for whoever needs some of it.
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Bytes of the room for large messages that are taken at present.
    pub fn reserved(&self) -> usize {
        self.room.reserved()
    }

    /// Answers a handshake that a guard has let in. If it is one, `then` gets the socket, on a task of its own.
    pub fn answer<F, T>(&self, mut request: Request<Body>, then: F) -> Response
    where
        F: FnOnce(Socket, Peer, Admitted) -> T + Send + 'static,
        T: Future<Output = ()> + Send,
    {
        let shaken = shake_hands(&request);
        let extensions = request.extensions_mut();
        let (peer, admitted) = (extensions.remove::<Peer>(), extensions.remove::<Admitted>());
        let upgrade = extensions.remove::<OnUpgrade>();
        let accept = match shaken {
            Ok(accept) => accept,
            Err(refusal) => return refusal.into_response(),
        };
        let (Some(peer), Some(admitted)) = (peer, admitted) else {
            return UpgradeRefusal::Unguarded.into_response();
        };
        let Some(upgrade) = upgrade else {
            return UpgradeRefusal::Http.into_response();
        };
        let room = Arc::clone(&self.room);
        tokio::spawn(async move {
            // Without it the peer has gone in the middle of the handshake.
            if let Some(socket) = socket(upgrade, room).await {
                then(socket, peer, admitted).await;
            }
        });
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, WEBSOCKET);
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        response
    }
}

/// Takes what is below HTTP out of it, and lets go of the rest.
async fn socket(upgrade: OnUpgrade, room: Arc<Room>) -> Option<Socket> {
    let upgraded: Upgraded = upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<Connection>>().ok()?;
    Some(Socket::new(parts.io.into_inner(), room, &parts.read_buf))
}

/// Looks whether a request is a handshake, and finds the value that accepts it.
fn shake_hands(request: &Request<Body>) -> Result<HeaderValue, UpgradeRefusal> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(UpgradeRefusal::Method);
    }
    if request.version() != Version::HTTP_11 {
        return Err(UpgradeRefusal::Http);
    }
    if !(lists(headers, &CONNECTION, "upgrade") && lists(headers, &UPGRADE, "websocket")) {
        return Err(UpgradeRefusal::NoUpgrade);
    }
    if headers.get(SEC_WEBSOCKET_VERSION) != Some(&VERSION_13) {
        return Err(UpgradeRefusal::Version);
    }
    if !request.body().is_end_stream() {
        return Err(UpgradeRefusal::Body);
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(UpgradeRefusal::Key);
    };
    if !STANDARD.decode(key).is_ok_and(|key| key.len() == 16) {
        return Err(UpgradeRefusal::Key);
    }
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| UpgradeRefusal::Key)
}

/// Whether one of the words of a header that is a list is this one.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|each| each.trim().eq_ignore_ascii_case(word))
}

impl IntoResponse for UpgradeRefusal {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoUpgrade | Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::Key | Self::Body | Self::Http => StatusCode::BAD_REQUEST,
            Self::Unguarded => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = detail(status, &self.to_string());
        let headers = response.headers_mut();
        match self {
            Self::Method => drop(headers.insert(ALLOW, HeaderValue::from_static("GET"))),
            Self::NoUpgrade | Self::Version => {
                headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(UPGRADE, WEBSOCKET);
                headers.insert(SEC_WEBSOCKET_VERSION, VERSION_13);
            }
            _ => {}
        }
        response
    }
}
