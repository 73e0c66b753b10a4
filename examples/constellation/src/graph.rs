//! The graph of tasks, as a file has it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// Tasks and devices that a graph may have.
const TASKS: usize = 1_000;
const DEVICES: usize = 100;

/// What is to be done, and by whom.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// What the constellation is called: it registers as `<name>@<device>`.
    pub name: String,
    /// The devices that it works with.
    pub devices: Vec<String>,
    /// What is to be done.
    pub tasks: Vec<TaskSpec>,
}

/// One task.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// What it is called.
    pub name: String,
    /// What is to be done.
    pub request: String,
    /// The device that is to do it; another one of its platform does if it has left.
    pub device: Option<String>,
    /// The platform of the device that is to do it.
    pub platform: Option<String>,
    /// The tasks that must be done before.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Seconds that it may take.
    #[serde(default = "ten_minutes")]
    pub timeout: u64,
}

const fn ten_minutes() -> u64 {
    600
}

impl Graph {
    /// Reads a TOML file, or a JSON file if it is called so.
    pub fn read(file: &Path) -> Result<Self> {
        let shown = file.display();
        let text = std::fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
        let is_json = file.extension().is_some_and(|extension| extension == "json");
        Self::parse(&text, is_json).with_context(|| format!("{shown} is no task graph"))
    }

    fn parse(text: &str, is_json: bool) -> Result<Self> {
        let mut graph: Self = if is_json { serde_json::from_str(text)? } else { toml::from_str(text)? };
        for platform in graph.tasks.iter_mut().filter_map(|task| task.platform.as_mut()) {
            platform.make_ascii_lowercase();
        }
        graph.check()?;
        Ok(graph)
    }

    /// The place of a task in the list.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.tasks.iter().position(|task| task.name == name)
    }

    fn check(&self) -> Result<()> {
        ensure!((1..=TASKS).contains(&self.tasks.len()), "it must have between 1 and {TASKS} tasks");
        ensure!((1..=DEVICES).contains(&self.devices.len()), "it must name between 1 and {DEVICES} devices");
        let devices: BTreeSet<_> = self.devices.iter().collect();
        ensure!(devices.len() == self.devices.len(), "a device is named twice");
        let names: BTreeSet<_> = self.tasks.iter().map(|task| &task.name).collect();
        ensure!(names.len() == self.tasks.len(), "two tasks have the same name");
        for task in &self.tasks {
            let name = &task.name;
            ensure!(!name.trim().is_empty(), "a task has no name");
            ensure!(!task.request.trim().is_empty(), "task `{name}` has no request");
            ensure!((1..=86_400).contains(&task.timeout), "the timeout of task `{name}` must be 1 to 86400 seconds");
            if let Some(device) = task.device.as_ref().filter(|device| !devices.contains(device)) {
                bail!("task `{name}` is for device `{device}`, which is not among the devices");
            }
            if let Some(missing) = task.needs.iter().find(|need| !names.contains(need)) {
                bail!("task `{name}` needs `{missing}`, which is no task");
            }
        }
        self.check_order()
    }

    /// Whether there is an order to do them in.
    fn check_order(&self) -> Result<()> {
        let mut done: BTreeSet<&str> = BTreeSet::new();
        while done.len() < self.tasks.len() {
            let before = done.len();
            for task in &self.tasks {
                if task.needs.iter().all(|need| done.contains(need.as_str())) {
                    done.insert(&task.name);
                }
            }
            if done.len() == before {
                let stuck = self.tasks.iter().map(|task| task.name.as_str()).filter(|name| !done.contains(name));
                bail!("these tasks wait for each other: {}", stuck.collect::<Vec<_>>().join(", "));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_and_json_are_read() {
        let toml = "name='n'\ndevices=['a']\n[[tasks]]\nname='t'\nrequest='$ ls'\nplatform='Linux'";
        let graph = Graph::parse(toml, false).unwrap();
        assert_eq!((graph.tasks[0].timeout, graph.tasks[0].platform.as_deref()), (600, Some("linux")));
        let json = r#"{"name":"n","devices":["a"],"tasks":[{"name":"t","request":"r","needs":[]}]}"#;
        assert_eq!(Graph::parse(json, true).unwrap().find("t"), Some(0));
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("nightly.toml");
        assert_eq!(Graph::read(&shipped).unwrap().name, "nightly");
    }

    #[test]
    fn mistakes_are_told() {
        let whole = |tasks: &str| format!("name='n'\ndevices=['a','b']\n{tasks}");
        let task = |name: &str, more: &str| format!("[[tasks]]\nname='{name}'\nrequest='r'\n{more}\n");
        for (text, why) in [
            ("name='n'\ndevices=[]\ntasks=[]".to_owned(), "between 1 and 1000 tasks"),
            (whole(&(task("t", "") + &task("t", ""))), "two tasks have the same name"),
            (whole(&task("t", "device='c'")), "device `c`, which is not among"),
            (whole(&task("t", "needs=['u']")), "needs `u`, which is no task"),
            (whole(&(task("t", "needs=['u']") + &task("u", "needs=['t']"))), "wait for each other: t, u"),
            (whole(&task("t", "timeout=0")), "1 to 86400"),
            (whole(&task("t", "need=['u']")), "unknown field `need`"),
            (whole("[[tasks]]\nname='t'\nrequest=' '"), "has no request"),
        ] {
            let error = format!("{:#}", Graph::parse(&text, false).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }
}
