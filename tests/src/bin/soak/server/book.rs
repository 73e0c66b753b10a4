//! Who asked for what, who must be told, and who was told: whatever does not add up is written down as wrong.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::time::{Duration, Instant};

use super::tally::{Excuse, Tally};

/// Within so long every requester is told how its session ended, whatever happens to the device.
pub const TOLD_WITHIN: Duration = Duration::from_secs(90);

/// Within so long after its device was lost, or it was cancelled.
const LOSS_WITHIN: Duration = Duration::from_secs(20);

/// Within so long the other side is told, once one side was.
const BOTH_WITHIN: Duration = Duration::from_secs(20);

/// What is over is remembered so long, so that a second end is noticed.
const REMEMBERED: Duration = Duration::from_secs(180);

/// More than so much that is wrong does not make it clearer.
const WRONGS: usize = 40;

/// One connection, of which a device may have many, one after another.
pub type Link = u64;

/// Who asked for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requester {
    /// Somebody on a socket, who is told there.
    Link(Link),
    /// Somebody over HTTP, who asks for the result.
    Http,
}

/// How a session ended, as somebody is told.
#[derive(Debug)]
pub struct End<'a> {
    /// The session.
    pub session: &'a str,
    /// Whether it was completed.
    pub completed: bool,
    /// Why not.
    pub error: &'a str,
    /// What came of it, as JSON.
    pub result: &'a str,
}

#[derive(Debug)]
struct Session {
    requester: Requester,
    device: usize,
    asked: Instant,
    /// The connection of the device that it runs on, once one has heard of it.
    executor: Option<Link>,
    /// When the requester was told, or was there no more to be told.
    requester_done: Option<Instant>,
    /// The same of the executor.
    executor_done: Option<Instant>,
    /// What the requester and the executor were told; a second time is one too many.
    told: bool,
    executor_told: bool,
    /// Why it may fail.
    excuse: Option<Excuse>,
    /// When it lost its device or was cancelled.
    hurt: Option<Instant>,
}

impl Session {
    fn owed(&self) -> bool {
        self.requester_done.is_none() || (self.executor.is_some() && self.executor_done.is_none())
    }
}

#[derive(Debug)]
struct Dispatch {
    device: usize,
    session: Option<String>,
    offered: bool,
    /// Since when nobody waits for it; the device may still come to read of it.
    over: Option<Instant>,
}

/// The whole book.
#[derive(Debug)]
pub struct Book {
    links: Link,
    /// The connection of each device, and since when it is registered.
    devices: Vec<Option<(Link, Instant)>>,
    frozen: HashSet<usize>,
    sessions: HashMap<String, Session>,
    dispatches: HashMap<String, Dispatch>,
    plugin_away: bool,
    wrongs: Vec<String>,
    /// What was counted.
    pub tally: Tally,
}

/// What the command of a session writes: nobody else's does.
pub fn output_of(session: &str) -> String {
    format!("output of {session}")
}

impl Book {
    /// Opens one for so many devices.
    pub fn open(devices: usize) -> Self {
        let devices = vec![None; devices];
        let (links, frozen, sessions, dispatches, plugin_away, wrongs, tally) = Default::default();
        Self { links, devices, frozen, sessions, dispatches, plugin_away, wrongs, tally }
    }

    /// Numbers a connection.
    pub fn link(&mut self) -> Link {
        self.links += 1;
        self.links
    }

    /// A device is registered.
    pub fn device_up(&mut self, device: usize, link: Link, now: Instant) {
        if let Some(slot) = self.devices.get_mut(device) {
            *slot = Some((link, now));
        }
    }

    /// A connection of a device is about to break off.
    pub fn device_down(&mut self, device: usize, link: Link, now: Instant) {
        if let Some(slot) = self.devices.get_mut(device) {
            slot.take_if(|(current, _)| *current == link);
        }
        for session in self.sessions.values_mut().filter(|session| session.device == device && session.owed()) {
            session.excuse.get_or_insert(Excuse::DeviceLost);
            if session.executor == Some(link) {
                session.executor_done.get_or_insert(now);
                session.hurt.get_or_insert(now);
            }
            if session.requester == Requester::Link(link) {
                session.requester_done.get_or_insert(now);
            }
        }
    }

    /// A connection of a constellation is about to break off.
    pub fn constellation_down(&mut self, link: Link, now: Instant) {
        let asked = |session: &&mut Session| session.requester == Requester::Link(link);
        for session in self.sessions.values_mut().filter(asked) {
            session.excuse.get_or_insert(Excuse::RequesterLost);
            session.requester_done.get_or_insert(now);
        }
    }

    /// Whether a device is registered.
    pub fn is_up(&self, device: usize) -> bool {
        self.devices.get(device).is_some_and(Option::is_some)
    }

    /// The connection of a device that is registered, and for which there is a plugin.
    pub fn is_ready(&self, device: usize) -> Option<Link> {
        self.devices.get(device).copied().flatten().filter(|_| !self.plugin_away).map(|(link, _)| link)
    }

    /// How many devices are registered.
    pub fn up(&self) -> usize {
        self.devices.iter().flatten().count()
    }

    /// Somebody asks for a session, under this id.
    pub fn asked(&mut self, session: &str, requester: Requester, device: usize, now: Instant) {
        let excuse = if !self.is_up(device) {
            Some(Excuse::DeviceLost)
        } else if self.frozen.contains(&device) {
            Some(Excuse::DeviceSilent)
        } else {
            self.plugin_away.then_some(Excuse::PluginAway)
        };
        let new = Session {
            requester,
            device,
            asked: now,
            executor: None,
            requester_done: None,
            executor_done: None,
            told: false,
            executor_told: false,
            excuse,
            hurt: None,
        };
        self.tally.asked += 1;
        self.sessions.insert(session.to_owned(), new);
    }

    /// Somebody is about to dispatch a task over HTTP.
    pub fn dispatching(&mut self, task_name: &str, device: usize) {
        self.dispatches.insert(task_name.to_owned(), Dispatch { device, session: None, offered: false, over: None });
    }

    /// The dispatch is answered, or its task comes to the device, whichever is heard of first.
    fn named(&mut self, task_name: &str, session: &str, now: Instant) -> bool {
        let Some(dispatch) = self.dispatches.get_mut(task_name) else { return false };
        let device = dispatch.device;
        match &dispatch.session {
            Some(known) => known == session,
            None => {
                dispatch.session = Some(session.to_owned());
                self.asked(session, Requester::Http, device, now);
                true
            }
        }
    }

    /// The dispatch is accepted as this session.
    pub fn dispatched(&mut self, task_name: &str, session: &str, now: Instant) {
        if !self.named(task_name, session, now) {
            self.wrong(format!("the dispatch {task_name} has become {session}, and is another session on the device"));
        }
    }

    /// The dispatch is refused: that must have a reason, and the device must not have heard of it.
    pub fn not_dispatched(&mut self, task_name: &str, why: impl Display) {
        let Some(dispatch) = self.dispatches.remove(task_name) else { return };
        if dispatch.offered {
            self.wrong(format!("the dispatch {task_name} was refused ({why}), and came to the device"));
        }
        self.tally.refused += 1;
    }

    /// Nobody will ask for it again.
    pub fn dispatch_over(&mut self, task_name: &str, now: Instant) {
        if let Some(dispatch) = self.dispatches.get_mut(task_name) {
            dispatch.over = Some(now);
        }
    }

    /// A device is sent a task. It is asked to take it up if that is right.
    pub fn offered(&mut self, device: usize, task_name: &str, session: &str, now: Instant) -> bool {
        match self.dispatches.get_mut(task_name) {
            Some(dispatch) if dispatch.device == device && !dispatch.offered => dispatch.offered = true,
            Some(_) => {
                self.wrong(format!("device {device} is sent the task {task_name}, which is another's or came before"));
            }
            None => self.wrong(format!("device {device} is sent the task {task_name}, which nobody has dispatched")),
        }
        let named = self.named(task_name, session, now);
        if !named {
            self.wrong(format!("device {device} is sent the task {task_name} as {session}, which is not its session"));
        }
        named
    }

    /// A device has been told that it has this session.
    pub fn taken_up(&mut self, device: usize, link: Link, session: &str) {
        self.on_executor("is told that it has", device, link, session);
    }

    /// A device is sent a command. It is carried out if that is right.
    pub fn commanded(&mut self, device: usize, link: Link, session: &str) -> bool {
        let right = self.on_executor("is sent a command of", device, link, session);
        let over = self.sessions.get(session).is_some_and(|session| session.executor_told);
        if over {
            self.wrong(format!("device {device} is sent a command of {session} after its end"));
        }
        right && !over
    }

    fn on_executor(&mut self, what: &str, device: usize, link: Link, id: &str) -> bool {
        let right = match self.sessions.get_mut(id) {
            Some(session) if session.device == device => *session.executor.get_or_insert(link) == link,
            _ => false,
        };
        if !right {
            self.wrong(format!("device {device} {what} {id}, which does not run there"));
        }
        right
    }

    /// A constellation has been told that it has this session.
    pub fn acknowledged(&mut self, link: Link, session: &str) {
        if self.sessions.get(session).is_none_or(|session| session.requester != Requester::Link(link)) {
            self.wrong(format!("link {link} is told that it has {session}, which it did not ask for"));
        }
    }

    /// Somebody is refused a session without being told an end of it, or before.
    pub fn refused(&mut self, link: Link, id: &str, why: &str, final_word: bool, now: Instant) {
        self.tally.refused += 1;
        match self.sessions.get_mut(id) {
            Some(session) if session.requester == Requester::Link(link) || session.requester == Requester::Http => {
                if final_word && session.requester != Requester::Http {
                    session.requester_done.get_or_insert(now);
                }
                if session.excuse.is_none() {
                    self.wrong(format!("{id} is refused without a reason: {why}"));
                }
            }
            _ => self.wrong(format!("link {link} is refused {id}, which it did not ask for: {why}")),
        }
    }

    /// Somebody on a socket is told that a session is over. `device` is who it is, if it is one.
    pub fn ended(&mut self, link: Link, device: Option<usize>, end: &End<'_>, now: Instant) {
        let id = end.session;
        let Some(session) = self.sessions.get_mut(id) else {
            return self.wrong(format!("link {link} is told the end of {id}, which nobody knows"));
        };
        let executes = device == Some(session.device);
        let is_first = if session.requester == Requester::Link(link) {
            let first = !std::mem::replace(&mut session.told, true);
            if first {
                if executes {
                    (session.executor_told, session.executor_done) = (true, Some(now));
                }
                self.judge(end, now);
            }
            first
        } else if executes && session.executor.is_none_or(|executor| executor == link) {
            session.executor_done.get_or_insert(now);
            !std::mem::replace(&mut session.executor_told, true)
        } else {
            return self.wrong(format!("link {link} is told the end of {id}, which is none of its business"));
        };
        if !is_first {
            self.wrong(format!("link {link} is told the end of {id} twice"));
        }
    }

    /// Somebody has found out over HTTP that a session is over.
    pub fn reported(&mut self, end: &End<'_>, now: Instant) {
        match self.sessions.get_mut(end.session) {
            Some(session) if session.requester == Requester::Http && !session.told => {
                session.told = true;
                self.judge(end, now);
            }
            _ => self.wrong(format!("{} is reported over HTTP, where it was not asked for", end.session)),
        }
    }

    /// The requester knows the end: it must be a good one, or have a reason.
    fn judge(&mut self, end: &End<'_>, now: Instant) {
        let Some(session) = self.sessions.get_mut(end.session) else { return };
        session.requester_done.get_or_insert(now);
        self.tally.told.add(now - session.asked);
        if let Some(hurt) = session.hurt {
            self.tally.told_of_loss.add(now.saturating_duration_since(hurt));
        }
        match (end.completed, session.excuse) {
            (true, _) => {
                self.tally.completed += 1;
                if !end.result.contains(&output_of(end.session)) {
                    self.wrong(format!("{} gave what it did not write: {}", end.session, end.result));
                }
            }
            (false, Some(excuse)) => *self.tally.failed.entry(excuse).or_default() += 1,
            (false, None) => self.wrong(format!("{} fails without a reason: {}", end.session, end.error)),
        }
    }

    /// A session may fail from now on.
    pub fn excuse(&mut self, session: &str, excuse: Excuse, now: Instant) {
        if let Some(session) = self.sessions.get_mut(session).filter(|session| session.owed()) {
            session.excuse.get_or_insert(excuse);
            if excuse == Excuse::Cancelled {
                session.hurt.get_or_insert(now);
            }
        }
    }

    /// A device does not listen, or listens again: all that it has, and all that it is given until then, may fail.
    pub fn frozen(&mut self, device: usize, frozen: bool) {
        if frozen {
            self.frozen.insert(device);
        } else {
            self.frozen.remove(&device);
        }
        for session in self.sessions.values_mut().filter(|session| session.device == device) {
            session.excuse.get_or_insert(Excuse::DeviceSilent);
        }
    }

    /// Whether a session may have failed.
    pub fn is_excused(&self, session: &str) -> bool {
        self.sessions.get(session).is_none_or(|session| session.excuse.is_some())
    }

    /// There is no plugin for the devices, or there is one again.
    pub fn plugin_away(&mut self, away: bool) {
        self.plugin_away = away;
        for session in self.sessions.values_mut() {
            session.excuse.get_or_insert(Excuse::PluginAway);
        }
    }

    /// Any session that goes on.
    pub fn some_session(&self) -> Option<String> {
        self.some(Session::owed)
    }

    /// Any session that goes on, and not on this device.
    pub fn some_session_but(&self, device: usize) -> Option<String> {
        self.some(|session| session.owed() && session.device != device)
    }

    fn some(&self, which: impl Fn(&Session) -> bool) -> Option<String> {
        let ids: Vec<_> = self.sessions.iter().filter(|(_, session)| which(session)).map(|(id, _)| id).collect();
        fastrand::choice(ids).cloned()
    }

    /// How many sessions go on.
    pub fn going_on(&self) -> usize {
        self.sessions.values().filter(|session| session.owed()).count()
    }

    /// Looks for whoever waits for too long, and forgets what is long over.
    pub fn look_over(&mut self, now: Instant) {
        let mut late = Vec::new();
        for (id, session) in &mut self.sessions {
            if session.requester_done.is_none() && now > session.asked + TOLD_WITHIN {
                late.push(format!("the requester of {id} is not told how it ended: {session:?}"));
                session.requester_done = Some(now);
            }
            if session.requester_done.is_none() && session.hurt.is_some_and(|hurt| now > hurt + LOSS_WITHIN) {
                late.push(format!("the requester of {id} is not told that it was lost: {session:?}"));
                session.requester_done = Some(now);
            }
            if session.executor.is_some()
                && session.executor_done.is_none()
                && session.requester_done.is_some_and(|done| now > done + BOTH_WITHIN)
            {
                late.push(format!("the device of {id} is not told how it ended: {session:?}"));
                session.executor_done = Some(now);
            }
        }
        late.into_iter().for_each(|wrong| self.wrong(wrong));
        self.sessions.retain(|_, session| session.owed() || now < session.asked + REMEMBERED);
        self.dispatches.retain(|_, dispatch| dispatch.over.is_none_or(|over| now < over + REMEMBERED));
    }

    /// Writes down that something is wrong.
    pub fn wrong(&mut self, what: impl Into<String>) {
        self.tally.wrong += 1;
        if self.wrongs.len() < WRONGS {
            self.wrongs.push(what.into());
        }
    }

    /// What is wrong.
    pub fn wrongs(&self) -> &[String] {
        &self.wrongs
    }
}

#[cfg(test)]
mod tests;
