//! One connection from the network, before anything is known of it but where it came from.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

/// Who is at the other end, as far as the network knows. Each request has it among its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// It is on this machine, and the server listens to nothing but this machine.
    pub is_loopback: bool,
    /// What it says is encrypted.
    pub is_tls: bool,
}

/// A connection, encrypted or not. It counts among all connections until it is dropped, whatever is spoken on it, and a
/// peer that takes nothing of what is written to it is given up.
#[derive(Debug)]
pub struct Connection {
    stream: Plain,
    stall: Duration,
    /// Runs while the peer takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Plain {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// One that is not encrypted.
    pub fn tcp(stream: TcpStream, stall: Duration, place: OwnedSemaphorePermit) -> Self {
        Self { stream: Plain::Tcp(stream), stall, stalled: None, _place: place }
    }

    /// One that is.
    pub fn tls(stream: TlsStream<TcpStream>, stall: Duration, place: OwnedSemaphorePermit) -> Self {
        Self { stream: Plain::Tls(Box::new(stream)), stall, stalled: None, _place: place }
    }

    fn stream(&mut self) -> Pin<&mut (dyn Duplex + Send + Unpin)> {
        match &mut self.stream {
            Plain::Tcp(stream) => Pin::new(stream),
            Plain::Tls(stream) => Pin::new(&mut **stream),
        }
    }

    /// Gives up a peer that has taken nothing for too long.
    fn bear<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        if stalled.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        let text = format!("the peer took nothing of what was written to it for {} s", stall.as_secs());
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }
}

trait Duplex: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Duplex for T {}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        self.bear(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(context, slices);
        self.bear(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Plain::Tcp(stream) => stream.is_write_vectored(),
            Plain::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream().poll_flush(context);
        self.bear(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self.stream().poll_shutdown(context);
        self.bear(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use tokio::net::TcpListener;
    use tokio::sync::Semaphore;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_a_little_is_not_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let mut connection = Connection::tcp(stream, Duration::from_secs(7), place);
        for _ in 0..5 {
            let waits = poll_fn(|context| Poll::Ready(connection.bear::<()>(Poll::Pending, context))).await;
            assert!(waits.is_pending());
            advance(Duration::from_secs(6)).await;
            let took = poll_fn(|context| Poll::Ready(connection.bear(Poll::Ready(Ok(1)), context))).await;
            assert!(matches!(took, Poll::Ready(Ok(1))));
        }
        for is_given_up in [false, true] {
            let waits = poll_fn(|context| Poll::Ready(connection.bear::<()>(Poll::Pending, context))).await;
            assert_eq!(waits.is_ready(), is_given_up);
            advance(Duration::from_secs(7)).await;
        }
    }
}
