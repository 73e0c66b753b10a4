//! Devices that do what they are told, and to which everything happens that happens to machines.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hangar_bench::frames;
use hangar_bench::said::Said;
use hangar_bench::socket::Socket;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::book::{End, Link, Requester, output_of};
use super::scene::{Beats, Scene, device_id, one_in, some};
use super::tally::Excuse;

/// How often a device thinks of something to do.
const TICK: Duration = Duration::from_millis(200);

/// In ticks: how often it has a heartbeat; in a storm, how often it goes away, freezes, wants something itself.
const BEAT: u32 = 25;
const LEAVES: u32 = 100;
const FREEZES: u32 = 400;
const WANTS: u32 = 120;

/// The longest that a command takes, and that a device is frozen.
const WORK: Duration = Duration::from_millis(150);
const FROZEN: Duration = Duration::from_secs(12);

/// How long a connection hangs that a device has lost and the server has not.
const HANGS: Duration = Duration::from_secs(20);

/// What was under way when a device left may still speak for its old connection when the server asks who lives: then it is
/// refused, and comes again. More often in a row there is no such excuse.
const REFUSALS: u32 = 5;

/// How a device goes away.
#[derive(Debug)]
enum Leaving {
    /// It says goodbye.
    Close,
    /// It breaks off, perhaps in the middle of a command.
    Reset,
    /// Its network is gone: the server hears nothing of it, not even the end.
    Hang,
    /// The server has closed the connection, which it should not.
    Lost(anyhow::Error),
}

/// Whether its connection goes on.
type Goes = Result<Option<Leaving>>;

/// Lives for ever: comes, works, goes away, comes back.
pub async fn live(scene: Arc<Scene>, number: usize) {
    let (mut hangs, mut refusals) = (None, 0);
    loop {
        let begin = Instant::now();
        match Visit::begin(&scene, number).await {
            Ok(None) if refusals < REFUSALS => {
                refusals += 1;
                scene.did("devices taken for their own duplicates");
                sleep(Duration::from_secs(1)).await;
            }
            Ok(None) => {
                scene.wrong(format!("device {number} is taken for its own duplicate again and again"));
                sleep(Duration::from_secs(10)).await;
            }
            Ok(Some(mut visit)) => {
                refusals = 0;
                if hangs.take().is_some() {
                    scene.book().tally.evictions.add(begin.elapsed());
                }
                let leaving = visit.stay().await;
                scene.book().device_down(number, visit.link, Instant::now());
                match leaving {
                    Leaving::Close => visit.socket.close().await,
                    Leaving::Reset => visit.socket.reset(),
                    Leaving::Hang => {
                        hangs = Some(());
                        tokio::spawn(async move {
                            sleep(HANGS).await;
                            visit.socket.reset();
                        });
                    }
                    Leaving::Lost(error) => scene.wrong(format!("device {number} is thrown out: {error:#}")),
                }
            }
            Err(error) => {
                scene.wrong(format!("device {number} cannot come: {error:#}"));
                sleep(Duration::from_secs(1)).await;
            }
        }
        if scene.storms() {
            sleep(some(Duration::from_secs(1))).await;
        }
    }
}

/// One connection of a device.
struct Visit<'a> {
    scene: &'a Scene,
    number: usize,
    id: String,
    link: Link,
    socket: Socket,
    beats: Beats,
    /// Sessions that it has asked for and not heard of: its own, and those that it was sent.
    asked: VecDeque<Asked>,
    /// What it is going to say, and when.
    work: VecDeque<(Instant, Utf8Bytes)>,
    ticks: u32,
    wants: u32,
}

#[derive(Debug)]
struct Asked {
    session: String,
    was_sent: bool,
}

impl<'a> Visit<'a> {
    /// None if it is said to be there already.
    async fn begin(scene: &'a Scene, number: usize) -> Result<Option<Self>> {
        let (id, link) = (device_id(number), scene.book().link());
        let mut socket = Socket::open(scene.server).await?;
        let answer = socket.ask(frames::device(&id)).await?;
        let said = Said::read(&answer)?;
        if said.kind == "error" && said.error.as_deref().is_some_and(|why| why.contains("is already registered")) {
            return Ok(None);
        }
        if said.kind != "heartbeat" || said.status != "ok" || said.session_id.is_some() {
            bail!("the registration is answered with {answer}");
        }
        scene.book().device_up(number, link, Instant::now());
        scene.did("devices registered");
        let (beats, asked, work, wants) = Default::default();
        // Not all at once.
        let ticks = fastrand::u32(..BEAT);
        Ok(Some(Self { scene, number, id, link, socket, beats, asked, work, ticks, wants }))
    }

    async fn stay(&mut self) -> Leaving {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match self.once(&mut ticks).await {
                Ok(None) => {}
                Ok(Some(leaving)) => return leaving,
                Err(error) => return Leaving::Lost(error),
            }
        }
    }

    async fn once(&mut self, ticks: &mut Interval) -> Goes {
        let next = self.work.front().map(|(at, _)| *at);
        let due = async {
            match next {
                Some(at) => sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            frame = self.socket.next() => {
                let frame = frame?.context("the server has closed the connection")?;
                self.hear(&frame).await
            }
            () = due => {
                if let Some((_, frame)) = self.work.pop_front() {
                    self.socket.send(frame).await?;
                }
                Ok(None)
            }
            _ = ticks.tick() => self.tick().await,
        }
    }

    async fn tick(&mut self) -> Goes {
        self.ticks += 1;
        if self.beats.are_late() {
            bail!("heartbeats are not answered");
        }
        if self.ticks.is_multiple_of(BEAT) {
            self.beats.send();
            self.socket.send(frames::heartbeat(&self.id)).await?;
        }
        if !self.scene.storms() {
            return Ok(None);
        }
        if one_in(LEAVES) {
            return Ok(Some(self.leaving()));
        }
        if one_in(FREEZES) {
            self.freeze().await;
        }
        if one_in(WANTS) {
            self.want().await?;
        }
        Ok(None)
    }

    fn leaving(&self) -> Leaving {
        let (what, leaving) = match fastrand::u8(..10) {
            0..4 => ("devices that said goodbye", Leaving::Close),
            4..8 => ("devices that broke off", Leaving::Reset),
            _ => ("devices whose network went away", Leaving::Hang),
        };
        self.scene.did(what);
        leaving
    }

    /// Does not listen, not even to pings.
    async fn freeze(&mut self) {
        self.scene.book().frozen(self.number, true);
        sleep(some(FROZEN)).await;
        let mut book = self.scene.book();
        book.frozen(self.number, false);
        book.tally.did("devices that froze");
        self.beats.forgive();
    }

    /// Asks for something itself.
    async fn want(&mut self) -> Result<()> {
        self.wants += 1;
        let session = format!("own@{}-{}", self.link, self.wants);
        self.scene.book().asked(&session, Requester::Link(self.link), self.number, Instant::now());
        let frame = frames::own_task(&self.id, Some(&session), &session.replace('@', "-"), "$ true");
        self.asked.push_back(Asked { session, was_sent: false });
        self.socket.send(frame).await
    }

    async fn hear(&mut self, frame: &str) -> Goes {
        let said = Said::read(frame)?;
        let session = said.session_id.as_deref();
        match (&*said.kind, session) {
            ("heartbeat", None) => match self.beats.answered() {
                Some(took) => self.scene.book().tally.heartbeats.add(took),
                None => self.scene.wrong(format!("{} gets a heartbeat that it did not ask for", self.id)),
            },
            ("heartbeat", Some(session)) => self.acknowledged(session),
            ("task", Some(session)) => {
                let name = said.task_name.as_deref().unwrap_or_default();
                if self.scene.book().offered(self.number, name, session, Instant::now()) {
                    self.asked.push_back(Asked { session: session.to_owned(), was_sent: true });
                }
                let request = said.user_request.as_deref().unwrap_or_default();
                self.socket.send(frames::own_task(&self.id, None, name, request)).await?;
            }
            ("command", Some(session)) => {
                if self.scene.book().commanded(self.number, self.link, session) {
                    return self.command(&said).await;
                }
            }
            ("task_end", Some(session)) => {
                let end = End {
                    session,
                    completed: said.status == "completed",
                    error: said.error.as_deref().unwrap_or_default(),
                    result: said.result.map_or("null", |result| result.get()),
                };
                self.scene.book().ended(self.link, Some(self.number), &end, Instant::now());
            }
            ("error", session) => self.refused(session, said.error.as_deref().unwrap_or_default()),
            _ => self.scene.wrong(format!("{} is told {frame}", self.id)),
        }
        Ok(None)
    }

    fn acknowledged(&mut self, session: &str) {
        let mut book = self.scene.book();
        if let Some(at) = self.asked.iter().position(|asked| asked.session == session) {
            self.asked.remove(at);
            book.taken_up(self.number, self.link, session);
            return;
        }
        // A task that was cancelled before it was taken up, or was taken up too late, becomes a session of its own.
        match self.asked.iter().position(|asked| asked.was_sent && book.is_excused(&asked.session)) {
            Some(at) => {
                self.asked.remove(at);
                book.asked(session, Requester::Link(self.link), self.number, Instant::now());
                book.taken_up(self.number, self.link, session);
                book.tally.did("tasks taken up too late");
            }
            None => book.wrong(format!("{} is told that it has {session}, which is not its", self.id)),
        }
    }

    fn refused(&mut self, session: Option<&str>, why: &str) {
        let about = session.and_then(|session| self.asked.iter().position(|asked| asked.session == session));
        let Some(asked) = self.asked.remove(about.unwrap_or_default()) else {
            return self.scene.wrong(format!("{} is refused what it did not ask for: {why}", self.id));
        };
        self.scene.book().refused(self.link, &asked.session, why, true, Instant::now());
    }

    async fn command(&mut self, said: &Said<'_>) -> Goes {
        let session = said.session_id.clone().unwrap_or_default();
        let answer = frames::results(&self.id, said, &output_of(&session));
        let lucky = if self.scene.storms() { fastrand::u8(..100) } else { 100 };
        match lucky {
            0..2 => {
                self.scene.did("devices that broke off in a command");
                return Ok(Some(Leaving::Reset));
            }
            2 => {
                let mut book = self.scene.book();
                book.excuse(&session, Excuse::DeviceSilent, Instant::now());
                book.tally.did("commands without an answer");
                return Ok(None);
            }
            3 => {
                self.scene.did("commands with two answers");
                self.work.push_back((Instant::now(), answer.clone()));
            }
            4 => self.forge(said).await?,
            _ => {}
        }
        self.work.push_back((Instant::now() + some(WORK), answer));
        Ok(None)
    }

    /// Answers for another: nobody must be told that.
    async fn forge(&mut self, said: &Said<'_>) -> Result<()> {
        let other = self.scene.book().some_session_but(self.number);
        let Some(other) = other else { return Ok(()) };
        let forged = Said {
            kind: said.kind.clone(),
            status: said.status.clone(),
            session_id: Some(other),
            response_id: said.response_id.clone(),
            task_name: None,
            user_request: None,
            error: None,
            actions: None,
            result: None,
        };
        self.scene.did("answers for sessions of others");
        self.socket.send(frames::results(&self.id, &forged, "forged")).await
    }
}
