//! The one table of the server's own limits; those of plugins and of the protocol are with them.

use std::collections::BTreeMap;
use std::time::Duration;

/// What connections may take.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// Connections at once; beyond it new ones are refused.
    pub connections: usize,
    /// How long a peer may take to say who it is; then it is told so and closed.
    pub registration: Duration,
    /// How often a peer is pinged.
    pub ping: Duration,
    /// How long nothing may come from a peer, not even a pong, until it counts as gone.
    pub silence: Duration,
    /// How long the holder of an id has to answer when another connection wants it.
    pub probe: Duration,
    /// Messages a second that are read of one connection; beyond it reading pauses. 0 for no bound.
    pub messages_per_second: u32,
    /// Frames that may wait to be written to one connection; beyond it the reader is too slow and is closed.
    pub outbox_frames: usize,
    /// Bytes that may wait to be written to one connection, beside one frame of any size; the same.
    pub outbox_bytes: usize,
    /// How long a peer may take no byte of what is written to it until it counts as gone.
    pub write_stall: Duration,
    /// Bytes of one message that are read without asking for room.
    pub small_frame_bytes: usize,
    /// Bytes of all larger messages together that are being read or worked on; beyond it they wait for room.
    pub large_frames_bytes: usize,
    /// How long a larger message may take to arrive.
    pub large_frame: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 65_536,
            registration: Duration::from_secs(15),
            ping: Duration::from_secs(20),
            silence: Duration::from_secs(60),
            probe: Duration::from_secs(3),
            messages_per_second: 1_000,
            outbox_frames: 256,
            outbox_bytes: 64 << 20,
            write_stall: Duration::from_secs(30),
            small_frame_bytes: 64 << 10,
            large_frames_bytes: 512 << 20,
            large_frame: Duration::from_secs(120),
        }
    }
}

/// What sessions may take.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// Sessions that live at once, waiting ones included; beyond it tasks are refused.
    pub live: usize,
    /// Of these, those of one requester; the same.
    pub live_per_client: usize,
    /// Sessions that may wait for one device; the same.
    pub waiting_per_device: usize,
    /// Sessions that run on one device at once, by platform; 1 where nothing is said.
    pub parallel: BTreeMap<String, usize>,
    /// How long a device may take to take up a task that it was sent.
    pub take_up: Duration,
    /// How long is waited for an inventory of tools, a screenshot and the like.
    pub inventory: Duration,
    /// How long is waited for a command.
    pub command: Duration,
    /// Commands in a row that may stay without an answer until the session fails.
    pub unanswered: u32,
    /// How long a cancelled run has to end itself.
    pub grace: Duration,
    /// Agent steps of one run.
    pub agent_steps: u32,
    /// Steps of one run, each of which answers an event.
    pub machine_steps: u32,
    /// Commands of one run.
    pub commands: u32,
    /// Model calls of one run.
    pub model_calls: u32,
    /// Tokens of one run, in and out; none for no bound.
    pub tokens: Option<u32>,
    /// How long one run may take, from its start on.
    pub time: Duration,
    /// Strings in results above so many bytes become blobs.
    pub long_string_bytes: usize,
    /// How long outcomes are kept, at least.
    pub results_age: Duration,
    /// How many of the newest outcomes are kept whatever their age.
    pub results: usize,
    /// Bytes of all outcomes that are kept; beyond it the oldest go, whatever their age.
    pub results_bytes: usize,
    /// Journals that are kept; beyond it the oldest go.
    pub journals: usize,
    /// Bytes of all journals that are kept; the same.
    pub journal_bytes: u64,
    /// Report what a behaviour gave up as completed, as the reference server does.
    pub fail_as_completed: bool,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            live: 10_000,
            live_per_client: 256,
            waiting_per_device: 256,
            parallel: BTreeMap::new(),
            take_up: Duration::from_secs(30),
            inventory: Duration::from_secs(60),
            command: Duration::from_secs(600),
            unanswered: 3,
            grace: Duration::from_secs(2),
            agent_steps: 50,
            machine_steps: 10_000,
            commands: 1_000,
            model_calls: 500,
            tokens: None,
            time: Duration::from_secs(3_600),
            long_string_bytes: 64 << 10,
            results_age: Duration::from_secs(3_600),
            results: 1_000,
            results_bytes: 256 << 20,
            journals: 1_000,
            journal_bytes: 1 << 30,
            fail_as_completed: false,
        }
    }
}
