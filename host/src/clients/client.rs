//! One registered client.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hangar_aip::{ClientType, Id, Json, Platform, ServerMessage, Stamp};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::outbox::{Outbox, TooSlow};

/// What is known of a client before it is taken in.
#[derive(Debug, Clone)]
pub struct Introduction {
    /// Who it is.
    pub id: Id,
    /// What it is.
    pub kind: ClientType,
    /// What it runs on; constellations run on nothing in particular.
    pub platform: Option<Platform>,
    /// The device that a constellation comes for.
    pub target: Option<Id>,
    /// What a device says of itself, and what the operator adds to it.
    pub info: Option<Json>,
    /// The name of the key that it came in with.
    pub key: Option<Arc<str>>,
    /// Where messages for it are put.
    pub outbox: Outbox,
}

#[cfg(test)]
impl Introduction {
    /// With nothing but what must be there.
    pub fn new(id: Id, kind: ClientType, outbox: Outbox) -> Self {
        Self { id, kind, platform: None, target: None, info: None, key: None, outbox }
    }
}

/// One registered client. Who it is was settled when it registered and never changes.
#[derive(Debug)]
pub struct Client {
    /// Who it is.
    pub id: Id,
    /// What it is.
    pub kind: ClientType,
    /// The number of its registration: no two clients of one process have the same.
    pub number: u64,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// The device that a constellation comes for.
    pub target: Option<Id>,
    /// The name of the key that it came in with.
    pub key: Option<Arc<str>>,
    /// When it registered.
    pub connected_at: Timestamp,
    /// How much it has to do.
    pub work: Work,
    info: Mutex<Option<Json>>,
    outbox: Outbox,
    /// Counts the frames that came from it.
    heard: AtomicU32,
    /// Whether somebody waits for it to be heard.
    asked: AtomicU32,
    answered: Notify,
    has_left: AtomicBool,
}

/// How many sessions a device has to do with.
#[derive(Debug, Default)]
pub struct Work {
    /// Those that run on it.
    pub running: AtomicUsize,
    /// Those that wait for it.
    pub waiting: AtomicUsize,
}

impl Client {
    pub(super) fn new(number: u64, introduction: Introduction) -> Self {
        let Introduction { id, kind, platform, target, info, key, outbox } = introduction;
        Self {
            id,
            kind,
            number,
            platform,
            target,
            key,
            connected_at: Timestamp::now(),
            work: Work::default(),
            info: Mutex::new(info),
            outbox,
            heard: AtomicU32::new(0),
            asked: AtomicU32::new(0),
            answered: Notify::new(),
            has_left: AtomicBool::new(false),
        }
    }

    /// What is known of the device.
    pub fn info(&self) -> Option<Json> {
        self.info.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The device says something new of itself.
    pub fn set_info(&self, info: Option<Json>) {
        *self.info.lock().unwrap_or_else(PoisonError::into_inner) = info;
    }

    /// Sends an answer, before all that is in bulk.
    pub fn answer(&self, message: &ServerMessage) -> Result<(), TooSlow> {
        self.outbox.answer(message.write(&Stamp::now()))
    }

    /// Sends what may wait for answers.
    pub fn send(&self, message: &ServerMessage) -> Result<(), TooSlow> {
        self.send_stamped(message, &Stamp::now())
    }

    /// The same, with a stamp that a copy to somebody else has, too.
    pub fn send_stamped(&self, message: &ServerMessage, stamp: &Stamp) -> Result<(), TooSlow> {
        self.outbox.bulk(message.write(stamp))
    }

    /// Where messages for it are put.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Something came from it, and be it a pong.
    pub fn was_heard(&self) {
        self.heard.fetch_add(1, Ordering::AcqRel);
        if self.asked.load(Ordering::Acquire) > 0 {
            self.answered.notify_waiters();
        }
    }

    /// Its connection is over. To be told after it was removed: whoever asks whether it is alive may want its id.
    pub fn left(&self) {
        self.has_left.store(true, Ordering::Release);
        self.answered.notify_waiters();
    }

    /// Pings it and says whether anything came from it within this time.
    pub async fn is_alive(&self, patience: Duration) -> bool {
        self.asked.fetch_add(1, Ordering::AcqRel);
        let before = self.heard.load(Ordering::Acquire);
        self.outbox.ping();
        let heard = async {
            loop {
                let answered = self.answered.notified();
                if self.has_left.load(Ordering::Acquire) {
                    return false;
                }
                if self.heard.load(Ordering::Acquire) != before {
                    return true;
                }
                answered.await;
            }
        };
        let alive = timeout(patience, heard).await.unwrap_or(false);
        self.asked.fetch_sub(1, Ordering::AcqRel);
        alive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        let (outbox, _) = Outbox::new(8, 1_024);
        Client::new(1, Introduction::new(Id::new("a").unwrap(), ClientType::Device, outbox))
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_heard_is_alive() {
        let client = client();
        client.was_heard();
        let (alive, ()) = tokio::join!(client.is_alive(Duration::from_secs(3)), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            client.was_heard();
        });
        assert!(alive);
        assert!(!client.is_alive(Duration::from_secs(3)).await, "what was heard before does not count");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_left_is_not_waited_for() {
        let (client, began) = (client(), tokio::time::Instant::now());
        let (alive, ()) = tokio::join!(client.is_alive(Duration::from_secs(3)), async { client.left() });
        assert!(!alive && !client.is_alive(Duration::from_secs(3)).await);
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
