//! One session through the whole contract: every event, every action, a snapshot. The same tour as in Python and
//! JavaScript beside it, and the same actions to the byte; here it is an async function.

mod agent_loop;
mod tour;

use std::cell::RefCell;

use hangar_plugin_sdk::behaviour;
use hangar_plugin_sdk::behaviour::actions::{Action, Fail};
use hangar_plugin_sdk::behaviour::events::Event;
use hangar_plugin_sdk::behaviour::session::RunInfo;
use hangar_plugin_sdk::behaviour::values::Failure;
use hangar_plugin_sdk::behaviour::{GuestRun, MetaGuest, Run, RunsGuest};

use agent_loop::{AgentLoop, Cx, Outcome};
use tour::{Rest, Resting};

struct Tour {
    agent: RefCell<AgentLoop>,
    resting: Resting,
}

impl Tour {
    fn begin(info: RunInfo) -> Self {
        let (cx, resting) = (Cx::default(), Resting::default());
        let run = tour::from_the_start(cx.clone(), info, resting.clone());
        Self { agent: RefCell::new(AgentLoop::new(cx, run, cancelled)), resting }
    }

    fn go_on(rest: Rest) -> Self {
        let (cx, resting) = (Cx::resume(rest.last_token), Resting::default());
        let run = tour::from_the_rest(cx.clone(), rest, &resting);
        Self { agent: RefCell::new(AgentLoop::new(cx, run, cancelled)), resting }
    }
}

fn cancelled(reason: &str) -> Outcome {
    Outcome::Failed(Fail {
        code: "cancelled".into(),
        text: format!("The tour was cut short: {reason}"),
        results: Vec::new(),
        extra: String::new(),
    })
}

fn failure(code: &str, text: &str) -> Failure {
    Failure { code: code.into(), text: text.into(), extra: String::new() }
}

impl GuestRun for Tour {
    fn new(info: RunInfo) -> Self {
        Self::begin(info)
    }

    fn step(&self, event: Event) -> Result<Vec<Action>, Failure> {
        Ok(self.agent.borrow_mut().step(event))
    }

    fn save(&self) -> Result<Vec<u8>, Failure> {
        match &*self.resting.borrow() {
            Some(rest) => serde_json::to_vec(rest).map_err(|error| failure("internal", &error.to_string())),
            None => Err(failure("unsupported", "The tour can only be moved while it rests")),
        }
    }

    fn restore(_info: RunInfo, snapshot: Vec<u8>) -> Result<Run, Failure> {
        let rest = serde_json::from_slice(&snapshot)
            .map_err(|error| failure("invalid", &format!("This is no snapshot of the tour: {error}")))?;
        Ok(Run::new(Self::go_on(rest)))
    }
}

struct Plugin;

impl MetaGuest for Plugin {
    fn describe() -> String {
        serde_json::json!({
            "id": "tour-rust",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "One session through the whole contract",
            "platforms": ["linux"],
            "extensions": ["hangar.greeting"],
            "snapshot": 1,
        })
        .to_string()
    }

    fn self_test() -> Result<(), String> {
        Ok(())
    }
}

impl RunsGuest for Plugin {
    type Run = Tour;
}

behaviour::export_behaviour!(Plugin with_types_in behaviour);
