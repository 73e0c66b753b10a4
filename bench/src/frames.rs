//! What devices and constellations send: frames as the known clients write them, with all keys and nulls included.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::said::{Action, Said};

/// The tool sets that the scripted devices have.
const NAMESPACE: &str = "BashExecutor";

/// Who sends a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One that carries out commands.
    Device,
    /// One that hands out tasks.
    Constellation,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Constellation => "constellation",
        }
    }
}

/// REGISTER of a Linux device, with everything that a real one tells of itself.
pub fn device(id: &str) -> Utf8Bytes {
    let system_info = json!({
        "device_id": id, "platform": "linux", "os_version": "#42 SMP PREEMPT_DYNAMIC", "cpu_count": 8,
        "memory_total_gb": 31.2, "hostname": id, "ip_address": "192.0.2.7",
        "supported_features": ["gui", "cli", "browser", "file_system", "office", "linux_apps"],
        "platform_type": "computer", "schema_version": "1.0", "custom_metadata": {},
    });
    let registered = "2026-03-04T05:06:06.999990+00:00";
    let metadata = json!({ "platform": "linux", "registration_time": registered, "system_info": system_info });
    frame("register", "ok", Role::Device, id, json!({ "metadata": metadata }))
}

/// REGISTER of a constellation that comes for one device.
pub fn constellation(id: &str, target: &str) -> Utf8Bytes {
    let (task_name, _) = id.split_once('@').unwrap_or((id, target));
    let metadata = json!({
        "type": "constellation_client", "task_name": task_name, "targeted_device_id": target,
        "capabilities": ["task_distribution", "session_management", "device_coordination"], "version": "2.0",
    });
    frame("register", "ok", Role::Constellation, id, json!({ "target_id": target, "metadata": metadata }))
}

/// HEARTBEAT. Constellations say that they are devices, as the known ones do.
pub fn heartbeat(id: &str) -> Utf8Bytes {
    frame("heartbeat", "ok", Role::Device, id, json!({}))
}

/// TASK of a device that takes up what it was sent, or that wants something itself.
pub fn own_task(id: &str, session_id: Option<&str>, task_name: &str, request: &str) -> Utf8Bytes {
    let more = json!({
        "session_id": session_id, "task_name": task_name, "request": request,
        "request_id": "5b0a7d52-6d7a-4f6b-8a53-0a0f5ad7a4fd", "metadata": { "platform": "linux" },
    });
    frame("task", "continue", Role::Device, id, more)
}

/// TASK of a constellation for one device.
pub fn task(id: &str, target: &str, session_id: &str, request: &str) -> Utf8Bytes {
    let (galaxy, task) = session_id.split_once('@').unwrap_or(("galaxy", session_id));
    let task_name = format!("galaxy/{galaxy}/{task}");
    let more = json!({ "target_id": target, "session_id": session_id, "task_name": task_name, "request": request });
    frame("task", "continue", Role::Constellation, id, more)
}

/// DEVICE_INFO_REQUEST.
pub fn device_info_request(id: &str, target: &str, request_id: &str) -> Utf8Bytes {
    let more = json!({ "target_id": target, "request_id": request_id });
    frame("device_info_request", "ok", Role::Constellation, id, more)
}

/// COMMAND_RESULTS of a device on which everything succeeds. `output` is what commands write.
pub fn results(id: &str, command: &Said<'_>, output: &str) -> Utf8Bytes {
    let actions = command.actions.as_deref().unwrap_or_default();
    let results: Vec<Value> = actions.iter().map(|action| result(action, output)).collect();
    let more = json!({
        "session_id": command.session_id, "prev_response_id": command.response_id, "action_results": results,
        "request_id": "0b7e1d0c-93b5-4c5b-8d5e-1c8fa6f2c6a1",
    });
    frame("command_results", &command.status, Role::Device, id, more)
}

fn result(action: &Action<'_>, output: &str) -> Value {
    let result = match action.tool_name.as_ref() {
        "list_tools" => tools(),
        _ => json!({ "success": true, "exit_code": 0, "stdout": output, "stderr": "" }),
    };
    json!({ "status": "success", "result": result, "error": null, "namespace": NAMESPACE, "call_id": action.call_id })
}

/// The inventory of the scripted devices.
fn tools() -> Value {
    let schema = json!({
        "type": "object", "required": ["command"],
        "properties": {
            "command": { "type": "string", "description": "The command" },
            "timeout": { "type": "integer", "default": 30, "minimum": 1, "maximum": 120 },
            "cwd": { "type": ["string", "null"], "default": null },
        },
    });
    let tool = |name: &str, title: &str, schema: Value| {
        json!({
            "tool_key": format!("action::{name}"), "tool_name": name, "title": title, "namespace": NAMESPACE,
            "tool_type": "action", "description": title, "input_schema": schema, "output_schema": null,
            "meta": null, "annotations": null,
        })
    };
    json!([
        tool("execute_command", "Runs a command", schema),
        tool("get_system_info", "Tells of the system", json!({ "type": "object", "properties": {} })),
    ])
}

/// A frame with all 14 keys, of which `more` sets some.
fn frame(kind: &str, status: &str, role: Role, id: &str, more: Value) -> Utf8Bytes {
    let mut frame = json!({
        "type": kind, "status": status, "client_type": role.name(), "client_id": id, "target_id": null,
        "session_id": null, "task_name": null, "request": null, "action_results": null, "request_id": null,
        "prev_response_id": null, "error": null, "timestamp": "2026-03-04T05:06:07.000001+00:00", "metadata": null,
    });
    if let (Some(frame), Value::Object(more)) = (frame.as_object_mut(), more) {
        frame.extend(more);
    }
    frame.to_string().into()
}
