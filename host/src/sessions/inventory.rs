//! What tools devices have, as they last said it: by connection and by what selects the tools.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hangar_aip::{ToolInfo, ToolType};
use hangar_runtime::contract::actions::ToolSet;
use hangar_runtime::contract::values::Tool;

use super::secrets::Applicable;

/// Inventories that are kept of one connection; beyond it all of them are asked for anew.
const KEPT: usize = 64;

/// What selects the tools of a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Selection {
    pub agent: String,
    pub process: String,
    pub root: String,
    pub tool_type: ToolType,
}

impl Selection {
    /// The tools of this type in this set.
    pub fn of(set: &ToolSet, tool_type: ToolType) -> Self {
        Self { agent: set.agent.clone(), process: set.process.clone(), root: set.root.clone(), tool_type }
    }
}

/// The tools of one set and type.
#[derive(Debug)]
pub(super) struct Inventory {
    tools: Vec<ToolInfo>,
}

impl Inventory {
    /// Of these the tools of this type: under another one the device would not find them.
    pub fn new(mut tools: Vec<ToolInfo>, tool_type: ToolType) -> Self {
        tools.retain(|tool| tool.tool_type == tool_type);
        Self { tools }
    }

    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&ToolInfo> {
        self.tools.iter().find(|tool| tool.tool_name == name)
    }

    /// The names of its tools, some of them if there are many.
    pub fn names(&self) -> String {
        const SHOWN: usize = 20;
        let names: Vec<&str> = self.tools.iter().take(SHOWN).map(|tool| tool.tool_name.as_str()).collect();
        let more = self.tools.len().saturating_sub(SHOWN);
        if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
    }

    /// As plugins are shown it: each name once, without what the host fills in.
    pub fn shown(&self, secrets: &Applicable) -> Vec<Tool> {
        let mut seen = std::collections::HashSet::new();
        let tools = self.tools.iter().filter(|tool| seen.insert(tool.tool_name.as_str()));
        tools
            .map(|tool| Tool {
                name: tool.tool_name.clone(),
                namespace: tool.namespace.clone(),
                tool_type: tool.tool_type.as_str().to_owned(),
                description: tool.description.clone().unwrap_or_default(),
                schema: tool.input_schema.as_ref().map(|schema| secrets.hide(schema.get())).unwrap_or_default(),
                extra: String::new(),
            })
            .collect()
    }
}

/// The inventories of all connections.
#[derive(Debug, Default)]
pub(super) struct Inventories {
    kept: Mutex<HashMap<u64, HashMap<Selection, Arc<Inventory>>>>,
}

impl Inventories {
    /// What this connection last said of it.
    pub fn get(&self, connection: u64, selection: &Selection) -> Option<Arc<Inventory>> {
        self.kept().get(&connection)?.get(selection).cloned()
    }

    /// What this connection says of it now.
    pub fn keep(&self, connection: u64, selection: Selection, inventory: Arc<Inventory>) {
        let mut kept = self.kept();
        let of_connection = kept.entry(connection).or_default();
        if of_connection.len() >= KEPT {
            of_connection.clear();
        }
        of_connection.insert(selection, inventory);
    }

    /// What this connection said holds no more: it is about to connect its tools anew, or it is gone.
    pub fn forget(&self, connection: u64) {
        self.kept().remove(&connection);
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<u64, HashMap<Selection, Arc<Inventory>>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
