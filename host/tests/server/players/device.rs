//! A device as the ones in the field behave, step by step as the test says.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};

use super::{Peer, client_frame, fresh_id};

/// What a device says of itself.
pub fn system_info(id: &str, platform: &str) -> Value {
    json!({
        "device_id": id, "platform": platform, "os_version": "#42 SMP", "cpu_count": 8, "memory_total_gb": 31.2,
        "hostname": format!("host-of-{id}"), "ip_address": "192.0.2.7",
        "supported_features": ["gui", "cli", "browser", "file_system", "office", "linux_apps"],
        "platform_type": "computer", "schema_version": "1.0", "custom_metadata": {},
    })
}

fn tool(name: &str, properties: &Value, required: &[&str]) -> Value {
    json!({
        "tool_key": format!("action::{name}"), "tool_name": name, "title": null, "namespace": "BashExecutor",
        "tool_type": "action", "description": format!("What {name} does."),
        "input_schema": {"type": "object", "properties": properties, "required": required},
        "output_schema": null, "meta": null, "annotations": null,
    })
}

/// The tools of a Linux device, as its `list_tools` returns them.
pub fn tools() -> Value {
    let command = json!({
        "command": {"type": "string"}, "timeout": {"type": "integer", "default": 30}, "cwd": {"type": "string"},
    });
    json!([tool("execute_command", &command, &["command"]), tool("get_system_info", &json!({}), &[])])
}

/// The same tools where they want a secret.
pub fn secret_tools() -> Value {
    let command = json!({
        "command": {"type": "string"}, "api_key": {"type": "string"},
        "timeout": {"type": "integer", "default": 30}, "cwd": {"type": "string"},
    });
    json!([
        tool("execute_command", &command, &["command", "api_key"]),
        tool("get_system_info", &json!({"api_key": {"type": "string"}}), &["api_key"]),
    ])
}

/// A COMMAND that a device was sent.
#[derive(Debug, Clone)]
pub struct Command {
    /// The whole frame.
    pub frame: Value,
}

impl Command {
    /// The session that it belongs to.
    pub fn session(&self) -> &str {
        self.frame["session_id"].as_str().unwrap()
    }

    /// The name of its only tool.
    pub fn tool(&self) -> &str {
        assert_eq!(self.frame["actions"].as_array().unwrap().len(), 1, "{}", self.frame);
        self.frame["actions"][0]["tool_name"].as_str().unwrap()
    }

    /// The parameters of its only tool.
    pub fn parameters(&self) -> &Value {
        &self.frame["actions"][0]["parameters"]
    }

    /// What a client answers that it carried out.
    pub fn results(&self, client_id: &str, results: &Value) -> Value {
        client_frame(json!({
            "type": "command_results", "status": self.frame["status"], "client_type": "device", "client_id": client_id,
            "session_id": self.frame["session_id"], "prev_response_id": self.frame["response_id"],
            "request_id": fresh_id(), "action_results": results,
        }))
    }

    /// The result of its only tool, as the device's tool server gives it.
    pub fn result(&self, payload: &Value) -> Value {
        json!([{
            "status": "success", "error": null, "namespace": "BashExecutor", "result": payload,
            "call_id": self.frame["actions"][0]["call_id"],
        }])
    }
}

/// A device that has registered.
pub struct Device {
    peer: Peer,
    id: String,
    platform: String,
    /// What it answers to `list_tools`.
    pub tools: Value,
}

impl Device {
    /// The frame that such a device registers with.
    pub fn registration(id: &str, platform: &str) -> Value {
        client_frame(json!({
            "type": "register", "client_type": "device", "client_id": id,
            "metadata": {
                "platform": platform, "registration_time": "2026-03-04T05:06:06.999990+00:00",
                "system_info": system_info(id, platform),
            },
        }))
    }

    /// Connects and registers.
    pub async fn join(address: SocketAddr, id: &str, platform: &str) -> Self {
        Self::join_on(Peer::connect(address, "").await.unwrap(), id, platform).await
    }

    /// Registers on a connection.
    pub async fn join_on(mut peer: Peer, id: &str, platform: &str) -> Self {
        peer.send(&Self::registration(id, platform)).await;
        let answer = peer.next().await;
        assert_eq!((&answer["type"], &answer["status"]), (&json!("heartbeat"), &json!("ok")), "{answer}");
        Self { peer, id: id.into(), platform: platform.into(), tools: tools() }
    }

    /// Its socket, for leaving.
    pub fn into_peer(self) -> Peer {
        self.peer
    }

    /// The frame that it asks for a task of its own with.
    pub fn task(&self, request: &str) -> Value {
        client_frame(json!({
            "type": "task", "status": "continue", "client_type": "device", "client_id": self.id, "request": request,
            "task_name": fresh_id(), "request_id": fresh_id(), "metadata": {"platform": self.platform},
        }))
    }

    /// Asks for a task of its own; the session that it is acknowledged with.
    pub async fn request(&mut self, request: &str) -> String {
        let task = self.task(request);
        self.send(&task).await;
        self.acknowledged().await
    }

    /// The session of the acknowledgement that comes next.
    pub async fn acknowledged(&mut self) -> String {
        let answer = self.expect("heartbeat").await;
        answer["session_id"].as_str().unwrap_or_else(|| panic!("no acknowledgement of a task: {answer}")).to_owned()
    }

    /// Takes up a TASK as devices do: sends it back without its session. Returns the TASK.
    pub async fn take_up(&mut self) -> Value {
        let task = self.expect("task").await;
        self.echo(&task).await;
        assert_eq!(self.acknowledged().await, task["session_id"].as_str().unwrap());
        task
    }

    /// Sends a TASK back without its session.
    pub async fn echo(&mut self, task: &Value) {
        let echo = client_frame(json!({
            "type": "task", "status": "continue", "client_type": "device", "client_id": self.id,
            "request": task["user_request"], "task_name": task["task_name"], "request_id": fresh_id(),
            "metadata": {"platform": self.platform},
        }));
        self.send(&echo).await;
    }

    /// The next COMMAND.
    pub async fn any_command(&mut self) -> Command {
        Command { frame: self.expect("command").await }
    }

    /// The next COMMAND that is no question for the tools; these are answered.
    pub async fn command(&mut self) -> Command {
        loop {
            let command = self.any_command().await;
            if command.tool() != "list_tools" {
                return command;
            }
            self.list(&command).await;
        }
    }

    /// Answers `list_tools`.
    pub async fn list(&mut self, command: &Command) {
        let tools = self.tools.clone();
        self.answer(command, &tools).await;
    }

    /// Answers a COMMAND with this payload of its only tool.
    pub async fn answer(&mut self, command: &Command, payload: &Value) {
        let results = command.result(payload);
        self.answer_with(command, &results).await;
    }

    /// Answers a COMMAND with these results.
    pub async fn answer_with(&mut self, command: &Command, results: &Value) {
        let results = command.results(&self.id, results);
        self.send(&results).await;
    }

    /// Answers a shell command as if it had been run: `false` fails, all others print what they are.
    pub async fn run(&mut self, command: &Command) {
        assert_eq!(command.tool(), "execute_command");
        let line = command.parameters()["command"].as_str().unwrap();
        let payload = if line == "false" {
            json!({"success": false, "exit_code": 1, "stdout": "", "stderr": "it went wrong\n"})
        } else {
            json!({"success": true, "exit_code": 0, "stdout": format!("ran {line}\n"), "stderr": ""})
        };
        self.answer(command, &payload).await;
    }

    /// Works until a session ends: takes up tasks, lists its tools, runs what it is told. Returns the TASK_END.
    pub async fn work(&mut self) -> Value {
        loop {
            let frame = self.next().await;
            match frame["type"].as_str().unwrap() {
                "task_end" => return frame,
                "task" => self.echo(&frame).await,
                "heartbeat" => {}
                "command" => {
                    let command = Command { frame };
                    match command.tool() {
                        "list_tools" => self.list(&command).await,
                        _ => self.run(&command).await,
                    }
                }
                _ => panic!("a device at work does not expect {frame}"),
            }
        }
    }
}

impl Deref for Device {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

impl DerefMut for Device {
    fn deref_mut(&mut self) -> &mut Peer {
        &mut self.peer
    }
}
