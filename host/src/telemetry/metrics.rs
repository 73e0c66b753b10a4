//! Figures for Prometheus. Their names are documented and stay.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hangar_aip::Outcome;
use hangar_runtime::contract::events::ModelOutcome;
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The figures of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Only one scrape at a time writes the gauges.
    scrape: Mutex<()>,
    clients: Family<Kind, Gauge>,
    sessions: Gauge,
    instances: Gauge,
    connections: Gauge,
    large_bytes: Gauge,
    accepted: Counter,
    turned_away: Family<Why, Counter>,
    frames: Family<Direction, Counter>,
    frame_bytes: Family<Direction, Counter>,
    refused_connections: Family<Why, Counter>,
    refused_messages: Counter,
    refused_tasks: Counter,
    dropped_results: Counter,
    ended: Family<Status, Counter>,
    session_seconds: Histogram,
    commands: Family<CommandLabels, Counter>,
    command_seconds: Histogram,
    step_seconds: Family<Plugin, Histogram>,
    model_calls: Family<Status, Counter>,
    model_seconds: Histogram,
    model_tokens: Family<Direction, Counter>,
}

/// How things stand when the figures are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Standing {
    /// Devices that are registered.
    pub devices: usize,
    /// Constellations that are registered.
    pub constellations: usize,
    /// Sessions that live.
    pub sessions: usize,
    /// Instances of plugins that live.
    pub instances: u32,
    /// Bytes that are set aside for large messages.
    pub large_bytes: usize,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that were closed at once because there were too many.
    pub turned_away: u64,
    /// How often a connection could not be accepted.
    pub failed: u64,
    /// Connections that did not get through the handshake of TLS.
    pub tls_failed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabels {
    outcome: &'static str,
}

/// There are only as many as there are plugins in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Plugin {
    plugin: String,
}

const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 600.0];
const STEP_SECONDS: [f64; 10] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5];

impl Default for Metrics {
    fn default() -> Self {
        let step_histogram: fn() -> Histogram = || Histogram::new(STEP_SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("hangar"),
            scrape: Mutex::default(),
            clients: Family::default(),
            sessions: Gauge::default(),
            instances: Gauge::default(),
            connections: Gauge::default(),
            large_bytes: Gauge::default(),
            accepted: Counter::default(),
            turned_away: Family::default(),
            frames: Family::default(),
            frame_bytes: Family::default(),
            refused_connections: Family::default(),
            refused_messages: Counter::default(),
            refused_tasks: Counter::default(),
            dropped_results: Counter::default(),
            ended: Family::default(),
            session_seconds: Histogram::new(SECONDS),
            commands: Family::default(),
            command_seconds: Histogram::new(SECONDS),
            step_seconds: Family::new_with_constructor(step_histogram),
            model_calls: Family::default(),
            model_seconds: Histogram::new(SECONDS),
            model_tokens: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("clients", "Clients that are registered", self.clients.clone());
        registry.register("sessions", "Sessions that live", self.sessions.clone());
        registry.register("plugin_instances", "Instances of plugins that live", self.instances.clone());
        registry.register("connections", "WebSocket connections that are open", self.connections.clone());
        registry.register(
            "large_message_bytes",
            "Bytes that are set aside for large messages",
            self.large_bytes.clone(),
        );
        registry.register("connections_accepted", "Connections that were accepted", self.accepted.clone());
        registry.register(
            "connections_turned_away",
            "Connections that came no further than the door",
            self.turned_away.clone(),
        );
        registry.register("frames", "Frames received and sent", self.frames.clone());
        registry.register("frame_bytes", "Bytes of frames received and sent", self.frame_bytes.clone());
        registry.register(
            "connections_refused",
            "Connections that were closed before they registered",
            self.refused_connections.clone(),
        );
        registry.register("messages_refused", "Messages that were answered with ERROR", self.refused_messages.clone());
        registry.register("tasks_refused", "Tasks that were not taken", self.refused_tasks.clone());
        registry.register("results_dropped", "Results that nobody waited for", self.dropped_results.clone());
        registry.register("sessions_ended", "Sessions that are over, by status", self.ended.clone());
        registry.register(
            "session_seconds",
            "Time from the task to the end of its session",
            self.session_seconds.clone(),
        );
        registry.register("commands", "Commands sent to devices, by what came of them", self.commands.clone());
        registry.register("command_seconds", "Time from a command to its answer", self.command_seconds.clone());
        registry.register("step_seconds", "Time of one step of a plugin", self.step_seconds.clone());
        registry.register("model_calls", "Calls of models, by what came of them", self.model_calls.clone());
        registry.register("model_seconds", "Time of one call of a model", self.model_seconds.clone());
        registry.register("model_tokens", "Tokens read and written by models", self.model_tokens.clone());
    }

    /// All figures, in the text form that Prometheus reads.
    pub fn text(&self, standing: Standing) -> String {
        let _one = self.scrape.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.clients.get_or_create(&Kind { kind: "device" }).set(number(standing.devices));
        self.clients.get_or_create(&Kind { kind: "constellation" }).set(number(standing.constellations));
        self.sessions.set(number(standing.sessions));
        self.instances.set(standing.instances.into());
        self.large_bytes.set(number(standing.large_bytes));
        // The listener counts for itself.
        self.accepted.inner().store(standing.accepted, Ordering::Relaxed);
        let turned_away =
            |why, count| self.turned_away.get_or_create(&Why { why }).inner().store(count, Ordering::Relaxed);
        turned_away("full", standing.turned_away);
        turned_away("accept", standing.failed);
        turned_away("tls", standing.tls_failed);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A connection is open.
    pub fn connected(&self) {
        self.connections.inc();
    }

    /// It is not any more.
    pub fn disconnected(&self) {
        self.connections.dec();
    }

    /// A connection is closed before it has registered.
    pub fn refused_connection(&self, why: &'static str) {
        self.refused_connections.get_or_create(&Why { why }).inc();
    }

    /// A message is answered with ERROR.
    pub fn refused_message(&self) {
        self.refused_messages.inc();
    }

    /// A task is not taken.
    pub fn refused(&self) {
        self.refused_tasks.inc();
    }

    /// Results came that nobody waits for.
    pub fn dropped_results(&self) {
        self.dropped_results.inc();
    }

    /// What a connection counts its frames with.
    pub fn traffic(&self) -> Traffic {
        let counter =
            |family: &Family<Direction, Counter>, direction| family.get_or_create(&Direction { direction }).clone();
        Traffic {
            received: counter(&self.frames, "received"),
            sent: counter(&self.frames, "sent"),
            received_bytes: counter(&self.frame_bytes, "received"),
            sent_bytes: counter(&self.frame_bytes, "sent"),
        }
    }

    /// A session is over.
    pub fn ended(&self, outcome: &Outcome, since: Timestamp) {
        self.ended.get_or_create(&Status { status: outcome.status().as_str() }).inc();
        let time = Duration::try_from(Timestamp::now().duration_since(since)).unwrap_or_default();
        self.session_seconds.observe(time.as_secs_f64());
    }

    /// Something came, or did not come, of a command.
    pub fn command(&self, outcome: &'static str, time: Duration) {
        self.commands.get_or_create(&CommandLabels { outcome }).inc();
        self.command_seconds.observe(time.as_secs_f64());
    }

    /// A plugin has done a step.
    pub fn step(&self, plugin: &str, time: Duration) {
        self.step_seconds.get_or_create(&Plugin { plugin: plugin.to_owned() }).observe(time.as_secs_f64());
    }

    /// A model was called.
    pub fn model_call(&self, outcome: &ModelOutcome, time: Duration) {
        let status = match outcome {
            ModelOutcome::Answer(answer) => {
                let tokens = |direction, count: u32| {
                    self.model_tokens.get_or_create(&Direction { direction }).inc_by(count.into());
                };
                tokens("received", answer.usage.output_tokens);
                tokens("sent", answer.usage.input_tokens);
                "answered"
            }
            ModelOutcome::Error(error) => known(&error.code),
            ModelOutcome::Extension(_) => "other",
        };
        self.model_calls.get_or_create(&Status { status }).inc();
        self.model_seconds.observe(time.as_secs_f64());
    }
}

/// The words that there are; anything else would be a label without bound.
fn known(code: &str) -> &'static str {
    const CODES: [&str; 7] = ["unreachable", "rate-limited", "refused", "budget", "cancelled", "cut", "invalid"];
    CODES.into_iter().find(|known| *known == code).unwrap_or("other")
}

/// The frames of a connection.
#[derive(Debug, Clone)]
pub struct Traffic {
    received: Counter,
    sent: Counter,
    received_bytes: Counter,
    sent_bytes: Counter,
}

impl Traffic {
    /// A frame came.
    pub fn received(&self, bytes: usize) {
        self.received.inc();
        self.received_bytes.inc_by(bytes as u64);
    }

    /// A frame was written.
    pub fn sent(&self, bytes: usize) {
        self.sent.inc();
        self.sent_bytes.inc_by(bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_go_by_their_documented_names() {
        let metrics = Metrics::default();
        metrics.traffic().received(10);
        metrics.ended(&Outcome::failed("no", None), Timestamp::now());
        metrics.step("linux", Duration::from_micros(80));
        metrics.command("answered", Duration::from_millis(3));
        let text = metrics.text(Standing { devices: 2, sessions: 1, ..Standing::default() });
        for line in [
            "hangar_clients{kind=\"device\"} 2",
            "hangar_sessions 1",
            "hangar_frames_total{direction=\"received\"} 1",
            "hangar_frame_bytes_total{direction=\"received\"} 10",
            "hangar_sessions_ended_total{status=\"failed\"} 1",
            "hangar_step_seconds_count{plugin=\"linux\"} 1",
            "hangar_commands_total{outcome=\"answered\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|each| each == line), "{line} is not in\n{text}");
        }
    }
}
