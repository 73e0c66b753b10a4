//! The guard before a route: a layer that lets in whom [`Access`] admits, and answers everybody else.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use futures_util::future::Either;
use tower::{Layer, Service};
use tracing::debug;

use super::{Access, AccessRefusal, Door, redacted_uri};
use crate::config::Scope;
use crate::server::Peer;

/// A layer for routes behind a door. Of `needs` one scope is enough; with none, any key will do.
///
/// A request that comes through has an [`Admitted`](super::Admitted) among its extensions.
pub fn guard(access: &Arc<Access>, door: Door, needs: &'static [Scope]) -> Guard {
    Guard { access: Arc::clone(access), door, needs }
}

/// See [`guard`].
#[derive(Debug, Clone)]
pub struct Guard {
    access: Arc<Access>,
    door: Door,
    needs: &'static [Scope],
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.clone(), inner }
    }
}

/// A service with a guard before it.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Guard { access, door, needs } = &self.guard;
        // Without a peer nobody knows where the request comes from: it is not from here.
        let admitted = match request.extensions().get::<Peer>() {
            Some(peer) => access.admit(*door, needs, *peer, request.uri(), request.headers()),
            None => Err(AccessRefusal::MissingKey),
        };
        match admitted {
            Ok(admitted) => {
                request.extensions_mut().insert(admitted);
                Either::Right(self.inner.call(request))
            }
            Err(refusal) => {
                debug!(%refusal, uri = redacted_uri(request.uri()), "a request was refused");
                Either::Left(ready(Ok(refusal.answer(*door))))
            }
        }
    }
}
