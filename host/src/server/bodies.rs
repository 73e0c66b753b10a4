//! Bodies of requests arrive within a time, however slowly they drip.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// How long the whole body of a request may take.
pub const BODY_TIME: Duration = Duration::from_secs(30);

/// A body that is given up when it takes too long.
struct PromptBody {
    body: Incoming,
    until: Pin<Box<Sleep>>,
}

/// The body of a request as handlers see it.
pub fn prompt(body: Incoming) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::new(PromptBody { body, until: Box::pin(sleep(BODY_TIME)) })
}

impl HttpBody for PromptBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.until.as_mut().poll(context));
        let text = format!("the body of the request took longer than {} s", BODY_TIME.as_secs());
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, text).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
