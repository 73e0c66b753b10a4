use std::collections::BTreeSet;
use std::time::Duration;

use hangar_aip::{Commands as Order, Id, ResultStatus, TaskStatus};
use tempfile::TempDir;

use super::*;
use crate::device::batch::carry_out;
use crate::device::commands::{Allowed, Policy};

fn toolbox() -> (TempDir, Toolbox) {
    let folder = TempDir::new().unwrap();
    let commands = Commands {
        policy: Policy::Programs(Allowed::default()),
        longest: Duration::from_secs(60),
        keep: 1 << 16,
        hidden: Vec::new(),
    };
    let files = Files::below(folder.path(), true).unwrap();
    (folder, Toolbox { commands, files, screen: None })
}

fn action(tool_name: &str, parameters: Value) -> Command {
    let call_id = Some(Id::fresh());
    let (tool_name, tool_type) = (tool_name.into(), ToolType::Action);
    Command { tool_name, tool_type, parameters: Some(Json::of(&parameters).unwrap()), call_id }
}

fn order(agent_name: &str, actions: Vec<Command>) -> Order {
    Order {
        response_id: Id::fresh(),
        session_id: Id::fresh(),
        status: TaskStatus::Continue,
        agent_name: agent_name.into(),
        process_name: None,
        root_name: None,
        task_name: None,
        actions,
    }
}

#[tokio::test]
async fn the_list_has_a_whole_schema_for_each_tool_and_the_tools_keep_to_it() {
    let (_folder, toolbox) = toolbox();
    let (_, listed) = toolbox.call("LinuxAgent", &action(LIST, json!({"remove_meta": false}))).await;
    let listed = listed.unwrap();
    let tools = ToolInfo::read_list(&Json::of(&listed).unwrap()).unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.tool_name.as_str()).collect();
    let expected = ["execute_command", "get_system_info", "list_files", "read_file", "write_file", "list_tools"];
    assert_eq!(names, expected);
    for tool in &tools {
        assert_eq!(tool.tool_key, format!("action::{}", tool.tool_name));
        assert!(tool.description.as_ref().unwrap().ends_with('.') && !tool.namespace.is_empty());
        let schema: Value = tool.input_schema.as_ref().unwrap().read().unwrap();
        let properties = schema["properties"].as_object().unwrap();
        for (name, about) in properties {
            assert!(about["type"].is_string() && about["description"].is_string(), "{name}: {about}");
        }
        // What is not in the schema is refused, with the names of all that is.
        let (_, refused) = toolbox.call("LinuxAgent", &action(&tool.tool_name, json!({"no_such": 1}))).await;
        let refused = refused.unwrap_err();
        assert!(refused.contains("unknown field `no_such`"), "{refused}");
        let told: BTreeSet<_> = refused.split('`').skip(3).step_by(2).collect();
        assert_eq!(told, properties.keys().map(String::as_str).collect(), "{refused}");
        // What the schema requires is required.
        for name in schema["required"].as_array().unwrap() {
            let mut given = serde_json::Map::new();
            for other in schema["required"].as_array().unwrap().iter().filter(|other| *other != name) {
                given.insert(other.as_str().unwrap().into(), "x".into());
            }
            let (_, refused) = toolbox.call("LinuxAgent", &action(&tool.tool_name, given.into())).await;
            assert!(refused.unwrap_err().contains(&format!("missing field `{}`", name.as_str().unwrap())));
        }
    }
}

#[tokio::test]
async fn the_list_is_filtered() {
    let (_folder, mut toolbox) = toolbox();
    let names = |listed: Answer| -> Vec<String> {
        let listed = listed.unwrap();
        listed.as_array().unwrap().iter().map(|tool| tool["tool_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(toolbox.list(&json!({"namespace": "files"}))), ["list_files", "read_file", "write_file"]);
    assert_eq!(names(toolbox.list(&json!({"tool_type": "data_collection"}))), [""; 0]);
    assert_eq!(names(toolbox.list(&Value::Null)).len(), 5);
    assert!(toolbox.list(&json!({"tool_type": "odd"})).unwrap_err().contains("not `odd`"));
    let nowhere = TempDir::new().unwrap();
    toolbox.files = Files::below(nowhere.path(), false).unwrap();
    assert_eq!(names(toolbox.list(&json!({"namespace": "files"}))), ["list_files", "read_file"]);
}

#[tokio::test]
async fn what_there_is_not_is_answered_with_what_there_is() {
    let (_folder, toolbox) = toolbox();
    let (_, answer) = toolbox.call("HostAgent", &action("execute_command", json!({}))).await;
    assert_eq!(answer.unwrap_err(), "This device has no tools for agent `HostAgent`; it has tools for LinuxAgent");
    let (_, answer) = toolbox.call("LinuxAgent", &action("click", json!({}))).await;
    let names = "execute_command, get_system_info, list_files, read_file, write_file";
    assert_eq!(answer.unwrap_err(), format!("This device has no tool `click`; it has {names}"));
    let wrong = Command { tool_type: ToolType::DataCollection, ..action("read_file", json!({})) };
    let (_, answer) = toolbox.call("LinuxAgent", &wrong).await;
    assert_eq!(answer.unwrap_err(), "`read_file` is of type action, not data_collection");
}

#[tokio::test]
async fn after_a_failure_the_rest_is_skipped() {
    let (_folder, toolbox) = toolbox();
    let actions = vec![
        action("", json!({})),
        action("execute_command", json!({"command": "false"})),
        action("execute_command", json!({"command": "echo on"})),
        action("read_file", json!({"path": "none"})),
        action("write_file", json!({"path": "made", "content": "x"})),
    ];
    let order = order("LinuxAgent", actions);
    let results = carry_out(&toolbox, &order).await;
    use ResultStatus::{Failure, Skipped, Success};
    let statuses: Vec<_> = results.iter().map(|result| result.status).collect();
    // A command that ends badly was run all the same.
    assert_eq!(statuses, [Success, Success, Success, Failure, Skipped]);
    assert_eq!(results[0].result.as_ref().unwrap().get(), "\"No action taken.\"");
    assert!(results[3].error.as_ref().unwrap().contains("There is no `none`"));
    assert_eq!(results[4].error.as_deref(), Some("Skipped due to previous failure (early_exit=True)."));
    assert_eq!(results[2].namespace.as_deref(), Some("commands"));
    assert!(!toolbox.files.root().join("made").exists());
    let ids = |ids: Vec<&Option<Id>>| ids.into_iter().flatten().cloned().collect::<Vec<_>>();
    assert_eq!(
        ids(results.iter().map(|result| &result.call_id).collect()),
        ids(order.actions.iter().map(|action| &action.call_id).collect())
    );
}
