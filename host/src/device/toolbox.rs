//! All tools of a device, and the one that lists them.

use hangar_aip::{Command, Json, ToolInfo, ToolType};
use serde::Deserialize;
use serde_json::{Value, json};

use super::commands::Commands;
use super::files::Files;
use super::screen::Screen;
use super::system;
use super::tool::{self, Answer, Description};

/// The agents whose tools this device has: those that work by a command line.
pub const AGENTS: [&str; 1] = ["LinuxAgent"];

/// The tool that lists the others.
const LIST: &str = "list_tools";

/// The tools.
#[derive(Debug, Clone)]
pub struct Toolbox {
    /// Runs commands.
    pub commands: Commands,
    /// The files that it may touch.
    pub files: Files,
    /// Takes pictures of the desktop, where there is one.
    pub screen: Option<Screen>,
}

impl Toolbox {
    /// Calls a tool of an agent. The answer comes with the group that the tool belongs to.
    pub async fn call(&self, agent: &str, command: &Command) -> (Option<&'static str>, Answer) {
        if !AGENTS.contains(&agent) {
            let agents = AGENTS.join(", ");
            return (None, Err(format!("This device has no tools for agent `{agent}`; it has tools for {agents}")));
        }
        let parameters = match command.parameters.as_ref().map_or(Ok(Value::Null), Json::read::<Value>) {
            Ok(parameters) => parameters,
            Err(error) => return (None, Err(format!("The parameters cannot be read: {error}"))),
        };
        if command.tool_name == LIST {
            return (Some("meta"), self.list(&parameters));
        }
        let tools = self.describe();
        let Some(tool) = tools.iter().find(|tool| tool.name == command.tool_name) else {
            let names: Vec<_> = tools.iter().map(|tool| tool.name).collect();
            let why = format!("This device has no tool `{}`; it has {}", command.tool_name, names.join(", "));
            return (None, Err(why));
        };
        if tool.tool_type != command.tool_type {
            let why = format!("`{}` is of type {}, not {}", tool.name, tool.tool_type, command.tool_type);
            return (Some(tool.namespace), Err(why));
        }
        let answer = match (tool.name, &self.screen) {
            ("execute_command", _) => self.commands.execute(&parameters, &self.files).await,
            ("get_system_info", _) => system::tell(&parameters).await,
            ("list_files", _) => self.files.list(&parameters).await,
            ("read_file", _) => self.files.read(&parameters).await,
            ("write_file", _) => self.files.write(&parameters).await,
            ("take_screenshot", Some(screen)) => screen.take(&parameters).await,
            (name, _) => Err(format!("The device made a mistake: nobody knows how to {name}")),
        };
        (Some(tool.namespace), answer)
    }

    /// What there is but the list itself.
    pub fn describe(&self) -> Vec<Description> {
        let mut tools = vec![self.commands.describe(), system::describe()];
        tools.extend(self.files.describe());
        tools.extend(self.screen.as_ref().map(|_| Screen::describe()));
        tools
    }

    fn list(&self, parameters: &Value) -> Answer {
        let List { tool_type, namespace, remove_meta } = tool::read(parameters)?;
        let tool_type = match tool_type.as_deref() {
            None | Some("") => None,
            Some(word) => Some(
                ToolType::read(word)
                    .ok_or_else(|| format!("`tool_type` must be action or data_collection, not `{word}`"))?,
            ),
        };
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        let mut tools = self.describe();
        tools.extend((remove_meta == Some(false)).then(describe_list));
        tools.retain(|tool| tool_type.is_none_or(|wanted| tool.tool_type == wanted));
        tools.retain(|tool| namespace.as_deref().is_none_or(|wanted| tool.namespace == wanted));
        let infos: Result<Vec<ToolInfo>, _> = tools.iter().map(Description::info).collect();
        let infos = infos.and_then(|infos| serde_json::to_value(infos));
        infos.map_err(|error| format!("The device made a mistake: {error}"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    tool_type: Option<String>,
    namespace: Option<String>,
    remove_meta: Option<bool>,
}

fn describe_list() -> Description {
    Description {
        name: LIST,
        title: "List tools",
        namespace: "meta",
        text: "Lists the tools of this device".into(),
        parameters: json!({
            "tool_type": {"type": "string", "description": "Only those of this type: action or data_collection"},
            "namespace": {"type": "string", "description": "Only those of this group"},
            "remove_meta": {"type": "boolean", "default": true, "description": "Leave this tool out"},
        }),
        output: json!({"type": "array", "items": {"type": "object"}}),
        only_looks: true,
        ..Description::default()
    }
}

#[cfg(all(test, unix))]
mod tests;
