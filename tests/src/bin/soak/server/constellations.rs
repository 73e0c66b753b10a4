//! Constellations that hand out tasks to any device, and want to be told what becomes of each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hangar_bench::frames;
use hangar_bench::said::Said;
use hangar_bench::socket::Socket;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::book::{End, Link, Requester};
use super::scene::{Beats, Scene, device_id, one_in, some};

/// How often it thinks of something to do.
const TICK: Duration = Duration::from_millis(100);

/// In ticks: how often it has a heartbeat; in a storm, how often it goes away, and has a task to hand out.
const BEAT: u32 = 50;
const LEAVES: u32 = 150;
const TASK: u32 = 3;

/// Tasks that it has under way at once.
const AT_ONCE: usize = 3;

/// Lives for ever.
pub async fn live(scene: Arc<Scene>, number: usize) {
    loop {
        match Visit::begin(&scene, number).await {
            Ok(Some(mut visit)) => {
                let lost = visit.stay().await;
                scene.book().constellation_down(visit.link, Instant::now());
                match lost {
                    Ok(()) if fastrand::bool() => visit.socket.close().await,
                    Ok(()) => visit.socket.reset(),
                    Err(error) => scene.wrong(format!("{} is thrown out: {error:#}", visit.id)),
                }
                scene.did("constellations that went away");
            }
            // The device went away before it was there.
            Ok(None) => scene.did("constellations without their device"),
            Err(error) => {
                scene.wrong(format!("constellation {number} cannot come: {error:#}"));
                sleep(Duration::from_secs(1)).await;
            }
        }
        sleep(some(Duration::from_millis(500))).await;
    }
}

/// One connection of a constellation.
struct Visit<'a> {
    scene: &'a Scene,
    id: String,
    target: String,
    link: Link,
    socket: Socket,
    beats: Beats,
    info: Option<String>,
    ticks: u32,
    tasks: u32,
    under_way: usize,
}

impl<'a> Visit<'a> {
    async fn begin(scene: &'a Scene, number: usize) -> Result<Option<Self>> {
        let device = scene.some_device();
        let target = device_id(device);
        // Whoever went away may not yet be gone when it comes back for another device.
        let link = scene.book().link();
        let id = format!("c{number:02}-{link}@{target}");
        let mut socket = Socket::open(scene.server).await?;
        let answer = socket.ask(frames::constellation(&id, &target)).await?;
        let said = Said::read(&answer)?;
        if said.kind == "error" && said.error.as_deref() == Some(&format!("Target device '{target}' is not connected"))
        {
            // It may have been there a moment before; where nobody ever leaves, it must be.
            if !scene.storms() && scene.book().is_up(device) {
                bail!("{target} is said not to be there");
            }
            return Ok(None);
        }
        if said.kind != "heartbeat" || said.status != "ok" || said.session_id.is_some() {
            bail!("the registration is answered with {answer}");
        }
        let request_id = format!("device_info_{target}_{link}");
        socket.send(frames::device_info_request(&id, &target, &request_id)).await?;
        let mut beats = Beats::default();
        beats.send();
        socket.send(frames::heartbeat(&id)).await?;
        let info = Some(request_id);
        Ok(Some(Self { scene, id, target, link, socket, beats, info, ticks: 0, tasks: 0, under_way: 0 }))
    }

    async fn stay(&mut self) -> Result<()> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.once(&mut ticks).await? {}
        Ok(())
    }

    /// Whether it stays.
    async fn once(&mut self, ticks: &mut Interval) -> Result<bool> {
        tokio::select! {
            frame = self.socket.next() => {
                let frame = frame?.context("the server has closed the connection")?;
                self.hear(&frame)?;
                Ok(true)
            }
            _ = ticks.tick() => self.tick().await,
        }
    }

    async fn tick(&mut self) -> Result<bool> {
        self.ticks += 1;
        if self.beats.are_late() {
            bail!("heartbeats are not answered");
        }
        if self.ticks.is_multiple_of(BEAT) {
            self.beats.send();
            self.socket.send(frames::heartbeat(&self.id)).await?;
        }
        if !self.scene.storms() {
            return Ok(true);
        }
        if self.under_way < AT_ONCE && one_in(TASK) {
            self.tasks += 1;
            self.under_way += 1;
            let (device, session) = (self.scene.some_device(), format!("galaxy@{}-{}", self.link, self.tasks));
            self.scene.book().asked(&session, Requester::Link(self.link), device, Instant::now());
            self.socket.send(frames::task(&self.id, &device_id(device), &session, "$ true")).await?;
        }
        Ok(!one_in(LEAVES))
    }

    fn hear(&mut self, frame: &str) -> Result<()> {
        let said = Said::read(frame)?;
        let error = said.error.as_deref().unwrap_or_default();
        match (&*said.kind, said.session_id.as_deref()) {
            ("heartbeat", None) => match self.beats.answered() {
                Some(took) => self.scene.book().tally.heartbeats.add(took),
                None => self.scene.wrong(format!("{} gets a heartbeat that it did not ask for", self.id)),
            },
            ("heartbeat", Some(session)) => self.scene.book().acknowledged(self.link, session),
            ("device_info_response", _) => {
                let result = said.result.map_or("null", |result| result.get());
                let about = format!("\"device_id\":\"{}\"", self.target);
                let knows = result.contains(&about) || (result.contains("not found") && !result.contains("device_id"));
                if said.response_id != self.info.take() || !knows {
                    self.scene.wrong(format!("{} asked for {} and is told {frame}", self.id, self.target));
                }
            }
            ("error", Some(session)) => self.scene.book().refused(self.link, session, error, false, Instant::now()),
            ("task_end", Some(session)) => {
                self.under_way = self.under_way.saturating_sub(1);
                let result = said.result.map_or("null", |result| result.get());
                let end = End { session, completed: said.status == "completed", error, result };
                self.scene.book().ended(self.link, None, &end, Instant::now());
            }
            _ => self.scene.wrong(format!("{} is told {frame}", self.id)),
        }
        Ok(())
    }
}
