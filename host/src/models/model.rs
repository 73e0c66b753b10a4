//! One model: who may ask it now, and how often it is tried.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hangar_runtime::Blobs;
use hangar_runtime::contract::actions::AskModel;
use hangar_runtime::contract::events::ModelAnswer;
use hangar_runtime::contract::session::ModelInfo;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};

use crate::config::ModelConfig;

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::misconfigured::Misconfigured;
use super::pauses::Pauses;
use super::request::{Abilities, Request};
use super::tool_names::ToolNames;

/// Bytes of a model's name, which stands in every text about it.
const NAME: usize = 128;
/// Calls that may wait until others are done; beyond it they are refused at once.
const WAITING: usize = 1_024;
/// More may not be under way at once, whatever is configured.
const PARALLEL: usize = 65_536;

/// One model.
pub struct Model {
    name: String,
    role: String,
    /// What its endpoint calls it.
    model: String,
    can: Abilities,
    pub(super) endpoint: Endpoint,
    timeout: Duration,
    retries: u32,
    pub(super) pauses: Pauses,
    parallel: usize,
    seats: Semaphore,
    queue: Semaphore,
    /// Whether it was found to insist on the newer name of the bound on answers.
    bounds_newly: AtomicBool,
}

impl Model {
    /// The model that is configured.
    pub fn new(config: &ModelConfig) -> Result<Self, Misconfigured> {
        let name = config.name.clone();
        if !(1..=NAME).contains(&name.len()) || name.chars().any(|letter| letter.is_control() || letter.is_whitespace())
        {
            return Err(Misconfigured::Name { longest: NAME });
        }
        if config.model.is_empty() {
            return Err(Misconfigured::NoModel { model: name });
        }
        if config.timeout.is_zero() {
            return Err(Misconfigured::NoTime { model: name });
        }
        if config.parallel == 0 {
            return Err(Misconfigured::NoSeat { model: name });
        }
        let parallel = config.parallel.min(PARALLEL);
        Ok(Self {
            endpoint: Endpoint::new(config)?,
            name,
            role: config.role.clone(),
            model: config.model.clone(),
            can: Abilities { vision: config.vision, tools: config.tools },
            timeout: config.timeout,
            retries: config.retries,
            pauses: Pauses::default(),
            parallel,
            seats: Semaphore::new(parallel),
            queue: Semaphore::new(WAITING),
            bounds_newly: AtomicBool::new(false),
        })
    }

    /// The name that plugins ask it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The role that the operator gave it.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// What a run is told of it.
    pub fn info(&self) -> ModelInfo {
        ModelInfo {
            name: self.name.clone(),
            role: self.role.clone(),
            vision: self.can.vision,
            tools: self.can.tools,
            extra: String::new(),
        }
    }

    /// Asks it, and tries again what may pass.
    pub async fn ask(&self, ask: &AskModel, blobs: &Blobs) -> Result<ModelAnswer, Failure> {
        let names = ToolNames::of(&ask.tools)?;
        let mut request = Request::of(ask, &self.model, self.can, &names, blobs)?;
        // Kept through the pauses as well: an endpoint that has too much to do is not helped by the next one in line.
        let _seat = self.seat().await?;
        let mut newly = self.bounds_newly.load(Ordering::Relaxed);
        if newly {
            request.bound_newly();
        }
        let mut body = request.encode()?;
        let mut retry = 0;
        loop {
            let began = Instant::now();
            let answered = self.endpoint.post(body.clone(), self.timeout).await;
            let failure = match answered.and_then(|answer| self.endpoint.read(&answer, &names, &self.model)) {
                Ok(answer) => return Ok(ModelAnswer { total_ms: milliseconds(began.elapsed()), ..answer }),
                Err(failure) => failure,
            };
            if failure.wants_newer_bound() && request.is_bounded() && !newly {
                newly = true;
                self.bounds_newly.store(true, Ordering::Relaxed);
                request.bound_newly();
                body = request.encode()?;
                continue;
            }
            let may_pass = retry < self.retries && failure.may_pass();
            let pause = if may_pass { self.pauses.before(retry, failure.retry_after(), fastrand::f64()) } else { None };
            let endpoint = self.endpoint.authority();
            let Some(pause) = pause else {
                tracing::warn!(model = self.name, endpoint, code = failure.code(), %failure, "a model gave no answer");
                return Err(failure);
            };
            tracing::info!(model = self.name, endpoint, %failure, ?pause, "a model is asked again");
            sleep(pause).await;
            retry += 1;
        }
    }

    /// A seat, as soon as one is free.
    async fn seat(&self) -> Result<SemaphorePermit<'_>, Failure> {
        if let Ok(seat) = self.seats.try_acquire() {
            return Ok(seat);
        }
        let _place = self.queue.try_acquire().map_err(|_| Failure::Crowded)?;
        let waited = timeout(self.timeout, self.seats.acquire()).await;
        let busy = || Failure::Busy { parallel: self.parallel, within: self.timeout };
        waited.map_err(|_| busy())?.map_err(|_| busy())
    }
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}
