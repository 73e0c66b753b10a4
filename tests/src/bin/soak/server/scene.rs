//! What all who take part share.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::book::Book;

/// Devices that do something, and constellations.
pub const DEVICES: usize = 500;
pub const CONSTELLATIONS: usize = 50;

/// Whether things happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Tasks are asked for, and everything breaks.
    Storm,
    /// What was begun is brought to an end, and all are well behaved.
    Calm,
}

/// What all who take part share.
#[derive(Debug)]
pub struct Scene {
    /// Where the server listens.
    pub server: SocketAddr,
    book: Mutex<Book>,
    weather: watch::Sender<Weather>,
}

impl Scene {
    /// Sets it.
    pub fn set(server: SocketAddr) -> Self {
        Self { server, book: Mutex::new(Book::open(DEVICES)), weather: watch::Sender::new(Weather::Calm) }
    }

    /// The book.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the weather.
    pub fn turn(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Whether there is a storm.
    pub fn storms(&self) -> bool {
        *self.weather.borrow() == Weather::Storm
    }

    /// Waits for a storm, and then for some time of at most so long.
    pub async fn storm(&self, at_most: Duration) {
        // The sender is here, so it is not gone.
        let _ = self.weather.subscribe().wait_for(|weather| *weather == Weather::Storm).await;
        tokio::time::sleep(some(at_most)).await;
    }

    /// Writes down that something is wrong.
    pub fn wrong(&self, what: impl Into<String>) {
        self.book().wrong(what);
    }

    /// Counts something that was done.
    pub fn did(&self, what: &'static str) {
        self.book().tally.did(what);
    }

    /// Any device; mostly one that is there.
    pub fn some_device(&self) -> usize {
        let book = self.book();
        let any = || fastrand::usize(..DEVICES);
        (0..10).map(|_| any()).find(|device| book.is_up(*device)).filter(|_| !one_in(30)).unwrap_or_else(any)
    }
}

/// The name of a device.
pub fn device_id(number: usize) -> String {
    format!("device-{number:03}")
}

/// Whether something happens that happens once in so many times.
pub fn one_in(times: u32) -> bool {
    fastrand::u32(..times) == 0
}

/// Some time of at most so long.
pub fn some(at_most: Duration) -> Duration {
    at_most.mul_f64(fastrand::f64())
}

/// Heartbeats that are under way.
#[derive(Debug, Default)]
pub struct Beats {
    sent: std::collections::VecDeque<Instant>,
}

impl Beats {
    /// One is sent.
    pub fn send(&mut self) {
        self.sent.push_back(Instant::now());
    }

    /// One is answered. How long it took; none if nobody waits for an answer.
    pub fn answered(&mut self) -> Option<Duration> {
        self.sent.pop_front().map(|sent| sent.elapsed())
    }

    /// Whether one waits for too long.
    pub fn are_late(&self) -> bool {
        self.sent.front().is_some_and(|sent| sent.elapsed() > Duration::from_secs(30))
    }

    /// What happened while one was not listening does not count.
    pub fn forgive(&mut self) {
        let now = Instant::now();
        self.sent.iter_mut().for_each(|sent| *sent = now);
    }
}
