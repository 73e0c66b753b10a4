//! Which task is to run where: decided from what has happened, without I/O.

use std::collections::BTreeMap;

use crate::graph::Graph;

/// How often a task is tried when its device leaves.
const ATTEMPTS: usize = 3;

/// How a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for what it needs, or for a device.
    Waiting,
    /// It runs.
    Running,
    /// It is done.
    Done,
    /// It could not be done.
    Failed(String),
    /// It was not tried, because of another one.
    Skipped(String),
}

/// How a task ended on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is done, with this result.
    Completed(String),
    /// It could not be done.
    Failed(String),
    /// The device has left, or the server.
    Left(String),
}

/// A device, as it is known.
#[derive(Debug, Clone, Default)]
struct Device {
    /// Known once it was there; it stays what it is when it leaves.
    platform: Option<String>,
    is_there: bool,
    /// Whether it was looked for in vain.
    is_missed: bool,
    is_busy: bool,
}

/// All tasks and all devices.
#[derive(Debug)]
pub struct Schedule {
    graph: Graph,
    states: Vec<State>,
    attempts: Vec<usize>,
    devices: BTreeMap<String, Device>,
}

impl Schedule {
    /// Nothing is done, and nobody is there.
    pub fn new(graph: Graph) -> Self {
        let devices = graph.devices.iter().map(|device| (device.clone(), Device::default())).collect();
        let count = graph.tasks.len();
        Self { graph, states: vec![State::Waiting; count], attempts: vec![0; count], devices }
    }

    /// How the tasks stand, in the order of the file.
    pub fn states(&self) -> impl Iterator<Item = (&str, &State)> {
        self.graph.tasks.iter().map(|task| task.name.as_str()).zip(&self.states)
    }

    /// Whether all is over.
    pub fn is_over(&self) -> bool {
        self.states.iter().all(|state| !matches!(state, State::Waiting | State::Running))
    }

    /// Whether something runs.
    pub fn is_running(&self) -> bool {
        self.states.contains(&State::Running)
    }

    /// A device is there.
    pub fn came(&mut self, device: &str, platform: Option<String>) {
        if let Some(device) = self.devices.get_mut(device) {
            device.platform = platform.or(device.platform.take());
            (device.is_there, device.is_missed, device.is_busy) = (true, false, false);
        }
    }

    /// A device is not there.
    pub fn left(&mut self, device: &str) {
        if let Some(device) = self.devices.get_mut(device) {
            (device.is_there, device.is_missed, device.is_busy) = (false, true, false);
        }
    }

    /// A task has ended on a device; whether it is tried again.
    pub fn ended(&mut self, task: usize, device: &str, end: &End) -> bool {
        let Some(state) = self.states.get_mut(task) else { return false };
        let attempts = self.attempts.get(task).copied().unwrap_or_default();
        *state = match end {
            End::Completed(_) => State::Done,
            End::Failed(why) => State::Failed(why.clone()),
            End::Left(_) if attempts < ATTEMPTS => State::Waiting,
            End::Left(why) => State::Failed(format!("given up after {ATTEMPTS} attempts: {why}")),
        };
        let is_tried_again = *state == State::Waiting;
        match end {
            End::Left(_) => self.left(device),
            _ => {
                if let Some(device) = self.devices.get_mut(device) {
                    device.is_busy = false;
                }
            }
        }
        self.skip();
        is_tried_again
    }

    /// What is to begin now, and where.
    pub fn begin(&mut self) -> Vec<(usize, String)> {
        let mut begun = Vec::new();
        for task in 0..self.states.len() {
            if !self.is_ready(task) {
                continue;
            }
            let Some(name) = self.place_for(task) else { continue };
            if let Some(device) = self.devices.get_mut(&name) {
                device.is_busy = true;
            }
            if let (Some(state), Some(attempts)) = (self.states.get_mut(task), self.attempts.get_mut(task)) {
                *state = State::Running;
                *attempts += 1;
            }
            begun.push((task, name));
        }
        begun
    }

    /// Nobody came who could do what waits: it has failed.
    pub fn give_up(&mut self, why: &str) {
        for task in 0..self.states.len() {
            if self.is_ready(task)
                && let Some(state) = self.states.get_mut(task)
            {
                *state = State::Failed(why.to_owned());
            }
        }
        self.skip();
    }

    fn is_ready(&self, task: usize) -> bool {
        let is_done =
            |need: &String| self.graph.find(need).and_then(|need| self.states.get(need)) == Some(&State::Done);
        self.states.get(task) == Some(&State::Waiting)
            && self.graph.tasks.get(task).is_some_and(|task| task.needs.iter().all(is_done))
    }

    /// A device that can take a task now.
    fn place_for(&self, task: usize) -> Option<String> {
        let task = self.graph.tasks.get(task)?;
        let mut platform = task.platform.as_deref();
        if let Some(wanted) = &task.device {
            let device = self.devices.get(wanted)?;
            if device.is_there {
                return (!device.is_busy).then(|| wanted.clone());
            }
            // It may still be on its way; and of one that never was there nobody knows what could take its place.
            if !device.is_missed || device.platform.is_none() && platform.is_none() {
                return None;
            }
            platform = device.platform.as_deref().or(platform);
        }
        let fits = |device: &Device| {
            device.is_there
                && !device.is_busy
                && platform.is_none_or(|wanted| device.platform.as_deref() == Some(wanted))
        };
        self.devices.iter().find(|(_, device)| fits(device)).map(|(name, _)| name.clone())
    }

    /// What needs something that will never be done is not tried.
    fn skip(&mut self) {
        loop {
            let bad = |need: &&String| {
                let state = self.graph.find(need).and_then(|need| self.states.get(need));
                matches!(state, Some(State::Failed(_) | State::Skipped(_)))
            };
            let waiting = self.graph.tasks.iter().enumerate();
            let hopeless = waiting
                .filter(|(task, _)| self.states.get(*task) == Some(&State::Waiting))
                .find_map(|(task, spec)| Some((task, spec.needs.iter().find(bad)?.clone())));
            let Some((task, need)) = hopeless else { break };
            if let Some(state) = self.states.get_mut(task) {
                *state = State::Skipped(format!("it needs `{need}`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::type_complexity, reason = "it is a table")]
    fn schedule(tasks: &[(&str, Option<&str>, Option<&str>, &[&str])]) -> Schedule {
        let tasks: Vec<_> = tasks
            .iter()
            .map(|(name, device, platform, needs)| {
                serde_json::json!({
                    "name": name, "request": "r", "device": device, "platform": platform, "needs": needs,
                })
            })
            .collect();
        let graph = serde_json::json!({"name": "n", "devices": ["a", "b", "w"], "tasks": tasks});
        Schedule::new(serde_json::from_value(graph).unwrap())
    }

    fn all_came(schedule: &mut Schedule) {
        for (device, platform) in [("a", "linux"), ("b", "linux"), ("w", "windows")] {
            schedule.came(device, Some(platform.into()));
        }
    }

    fn at(place: &str) -> String {
        place.into()
    }

    #[test]
    fn what_can_go_on_at_once_does_and_the_rest_waits_for_what_it_needs() {
        let mut schedule = schedule(&[
            ("one", Some("a"), None, &[]),
            ("two", None, Some("linux"), &[]),
            ("three", None, Some("linux"), &[]),
            ("last", None, None, &["one", "two"]),
        ]);
        assert_eq!(schedule.begin(), []);
        all_came(&mut schedule);
        assert_eq!(schedule.begin(), [(0, at("a")), (1, at("b"))]);
        assert_eq!(schedule.begin(), []);
        assert!(!schedule.ended(0, "a", &End::Completed(String::new())));
        assert_eq!(schedule.begin(), [(2, at("a"))]);
        schedule.ended(1, "b", &End::Completed(String::new()));
        assert_eq!(schedule.begin(), [(3, at("b"))]);
        schedule.ended(2, "a", &End::Completed(String::new()));
        schedule.ended(3, "b", &End::Completed(String::new()));
        assert!(schedule.is_over() && schedule.states().all(|(_, state)| *state == State::Done));
    }

    #[test]
    fn when_a_device_leaves_another_of_its_platform_takes_over() {
        let mut schedule = schedule(&[("one", Some("a"), None, &[]), ("win", None, Some("windows"), &[])]);
        all_came(&mut schedule);
        assert_eq!(schedule.begin(), [(0, at("a")), (1, at("w"))]);
        assert!(schedule.ended(0, "a", &End::Left("gone".into())));
        assert_eq!(schedule.begin(), [(0, at("b"))]);
        // There is no other one with Windows: it waits, and is given up when nobody comes.
        assert!(schedule.ended(1, "w", &End::Left("gone".into())));
        assert_eq!(schedule.begin(), []);
        schedule.came("w", None);
        assert_eq!(schedule.begin(), [(1, at("w"))]);
        assert!(schedule.ended(1, "w", &End::Left("gone".into())));
        schedule.give_up("nobody came");
        assert_eq!(schedule.states[1], State::Failed("nobody came".into()));
        assert!(schedule.ended(0, "b", &End::Left("gone".into())));
        schedule.came("a", None);
        assert_eq!(schedule.begin(), [(0, at("a"))]);
        assert!(!schedule.ended(0, "a", &End::Left("gone".into())));
        assert_eq!(schedule.states[0], State::Failed("given up after 3 attempts: gone".into()));
    }

    #[test]
    fn what_needs_a_failed_task_is_not_tried_and_the_rest_goes_on() {
        let mut schedule = schedule(&[
            ("bad", None, None, &[]),
            ("x", None, None, &["bad"]),
            ("y", None, None, &["x"]),
            ("z", None, None, &[]),
        ]);
        all_came(&mut schedule);
        assert_eq!(schedule.begin(), [(0, at("a")), (3, at("b"))]);
        schedule.ended(0, "a", &End::Failed("no".into()));
        assert_eq!(schedule.states[1], State::Skipped("it needs `bad`".into()));
        assert_eq!(schedule.states[2], State::Skipped("it needs `x`".into()));
        assert!(!schedule.is_over() && schedule.is_running());
        schedule.ended(3, "b", &End::Completed(String::new()));
        assert!(schedule.is_over());
    }

    #[test]
    fn a_device_that_was_never_there_is_replaced_only_where_the_platform_is_known() {
        let mut schedule = schedule(&[("one", Some("a"), None, &[]), ("two", Some("a"), Some("windows"), &[])]);
        schedule.came("w", Some("windows".into()));
        assert_eq!(schedule.begin(), [], "it may be on its way");
        schedule.left("a");
        assert_eq!(schedule.begin(), [(1, at("w"))]);
    }
}
