//! The device from the side of a session: commands of a behaviour become COMMANDs here, one at a time, and what the device
//! answers becomes results. A device may stay silent; this never does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hangar_aip::limits::FRAME_BYTES;
use hangar_aip::{
    Command, CommandResult, Commands, Id, Json, ResultStatus, ServerMessage, TaskStatus, ToolInfo, ToolType,
};
use hangar_runtime::Blobs;
use hangar_runtime::contract::actions::{Call, RunCommands, ToolSet};
use hangar_runtime::contract::events::CallResult;
use hangar_runtime::contract::values::{Failure, Tool};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::Shared;
use super::blob_references::fill_in;
use super::entry::{Entry, Held};
use super::inventory::{Inventory, Selection};
use super::judging;
use super::secrets::Applicable;
use super::taking_out::taken_out;

/// The tool that every device has: it lists the others.
const LIST_TOOLS: &str = "list_tools";

/// What is said of the calls after one that failed. Device agents use the same words.
const SKIPPED: &str = "Skipped due to previous failure (early_exit=True).";

/// The device that a session runs on.
pub(super) struct Executor {
    shared: Arc<Shared>,
    entry: Arc<Entry>,
    blobs: Arc<Blobs>,
    /// A device carries out one thing after another; so does this.
    turn: tokio::sync::Mutex<()>,
    /// COMMANDs in a row that had no answer.
    unanswered: AtomicU32,
}

/// What came of a command, and what that takes up.
type Answered = (CommandResult, Option<Held>);

/// A COMMAND had no answer.
struct NoAnswer {
    why: String,
}

impl Executor {
    pub fn new(shared: Arc<Shared>, entry: Arc<Entry>, blobs: Arc<Blobs>) -> Self {
        Self { shared, entry, blobs, turn: tokio::sync::Mutex::new(()), unanswered: AtomicU32::new(0) }
    }

    /// Whether so many COMMANDs in a row had no answer that there is no use in going on.
    pub fn is_silent(&self) -> bool {
        self.unanswered.load(Ordering::Relaxed) >= self.shared.limits.unanswered
    }

    /// The tools of a set, of one type or of all.
    pub async fn list(&self, set: &ToolSet, tool_type: &str) -> Result<Vec<Tool>, Failure> {
        let types = match ToolType::read(tool_type) {
            Some(tool_type) => vec![tool_type],
            None if tool_type.is_empty() => ToolType::ALL.to_vec(),
            None => {
                let text = format!("`{tool_type:.64}` is no type of tools: there are `action` and `data_collection`");
                return Err(failure("invalid", text));
            }
        };
        let _turn = self.turn.lock().await;
        let secrets = self.secrets(set);
        let (mut tools, mut is_known, mut unknown) = (Vec::<Tool>::new(), false, None);
        for tool_type in &types {
            match self.inventory(set, *tool_type).await {
                Ok(inventory) => {
                    is_known = true;
                    let known = |tool: &Tool| tools.iter().any(|other| other.name == tool.name);
                    let new: Vec<Tool> = inventory.shown(&secrets).into_iter().filter(|tool| !known(tool)).collect();
                    tools.extend(new);
                }
                // Not every agent has tools of both types; one that has none does not even say so.
                Err(why) => unknown = Some(why),
            }
        }
        match unknown {
            Some(why) if !is_known => Err(why),
            _ => Ok(tools),
        }
    }

    /// Has the calls carried out, in order; after one that fails the rest is skipped.
    pub async fn run(&self, run: RunCommands) -> Result<Vec<CallResult>, Failure> {
        let _turn = self.turn.lock().await;
        let RunCommands { tool_set, calls, .. } = run;
        let judged = judging::commands(&self.shared, &self.entry, &tool_set, calls).await?;
        let mut results = Vec::with_capacity(judged.len());
        let mut failed = false;
        for (call, denied) in judged {
            let result = match denied {
                _ if failed => missed(&call.call_id, "skipped", SKIPPED),
                Some(reason) => missed(&call.call_id, "failure", &reason),
                None => self.call(&tool_set, &call).await,
            };
            failed = failed || result.status != "success";
            results.push(result);
        }
        judging::results(&self.shared, &self.entry, results).await
    }

    async fn call(&self, set: &ToolSet, call: &Call) -> CallResult {
        let failed = |why: &str| missed(&call.call_id, "failure", why);
        let (tool_type, schema) = match self.tool(set, call).await {
            Ok(found) => found,
            Err(why) => return failed(&why),
        };
        let secrets = self.secrets(set);
        let parameters = match self.parameters(call, &schema, &secrets) {
            Ok(parameters) => parameters,
            Err(why) => return failed(&why),
        };
        let command = Command { tool_name: call.tool.clone(), tool_type, parameters, call_id: Some(Id::fresh()) };
        let longest = match tool_type {
            ToolType::Action => self.shared.limits.command,
            ToolType::DataCollection => self.shared.limits.inventory,
        };
        let asked = call.timeout_ms.map(|ms| Duration::from_millis(ms.into()));
        match self.send(set, command, asked.map_or(longest, |asked| asked.min(self.shared.limits.command))).await {
            Ok((result, held)) => {
                let told = self.told(&call.call_id, result).await;
                drop(held);
                told
            }
            Err(NoAnswer { why }) => failed(&why),
        }
    }

    /// The type of the tool and its schema, if the device has it.
    async fn tool(&self, set: &ToolSet, call: &Call) -> Result<(ToolType, String), String> {
        let schema = |tool: &ToolInfo| tool.input_schema.as_ref().map(|schema| schema.get().to_owned());
        if call.tool == LIST_TOOLS {
            return Ok((ToolType::read(&call.tool_type).unwrap_or(ToolType::Action), String::new()));
        }
        let tool_type = match ToolType::read(&call.tool_type) {
            Some(tool_type) => tool_type,
            None if call.tool_type.is_empty() => {
                // What was listed as something that only looks is found there; all else is an action.
                let looks = Selection::of(set, ToolType::DataCollection);
                let listed = self.shared.inventories.get(self.entry.executor().number, &looks);
                match listed.as_ref().and_then(|inventory| inventory.tool(&call.tool)) {
                    Some(tool) => return Ok((ToolType::DataCollection, schema(tool).unwrap_or_default())),
                    None => ToolType::Action,
                }
            }
            None => return Err(format!("`{:.64}` is no type of tools", call.tool_type)),
        };
        let inventory = self.inventory(set, tool_type).await.map_err(|why| why.text)?;
        match inventory.tool(&call.tool) {
            Some(tool) => Ok((tool_type, schema(tool).unwrap_or_default())),
            None => Err(format!(
                "the device has no {tool_type} tool `{:.64}` for {:.64}; it has: {}",
                call.tool,
                set.agent,
                inventory.names()
            )),
        }
    }

    fn parameters(&self, call: &Call, schema: &str, secrets: &Applicable) -> Result<Option<Json>, String> {
        let mut parameters: Map<String, Value> = match call.parameters.as_str() {
            "" => Map::new(),
            text => serde_json::from_str(text).map_err(|_| "the parameters must be a JSON object".to_owned())?,
        };
        if call.parameters.contains("$blob") {
            let mut left = FRAME_BYTES / 2;
            for value in parameters.values_mut() {
                fill_in(value, &self.blobs, left)?;
                left = left.saturating_sub(value.as_str().map_or(0, str::len));
            }
        }
        secrets.put_into(&mut parameters, schema);
        Json::of(&parameters).map(Some).map_err(|_| "the parameters have no JSON form".to_owned())
    }

    /// What tools there are, asked of the device where that is not known.
    async fn inventory(&self, set: &ToolSet, tool_type: ToolType) -> Result<Arc<Inventory>, Failure> {
        let connection = self.entry.executor().number;
        let selection = Selection::of(set, tool_type);
        if let Some(inventory) = self.shared.inventories.get(connection, &selection) {
            return Ok(inventory);
        }
        let parameters = Json::of(&serde_json::json!({ "tool_type": tool_type })).ok();
        let command = Command { tool_name: LIST_TOOLS.to_owned(), tool_type, parameters, call_id: Some(Id::fresh()) };
        let unreachable = |why: &str| {
            let text = format!("the device does not say which {tool_type} tools {:.64} has: {why}", set.agent);
            failure("unreachable", text)
        };
        let (result, _held) = self
            .send(set, command, self.shared.limits.inventory)
            .await
            .map_err(|NoAnswer { why }| unreachable(&why))?;
        if result.status != ResultStatus::Success {
            let why = result.error.unwrap_or_else(|| "it failed and does not say why".to_owned());
            return Err(unreachable(&self.all_secrets().take_out_of_text(why)));
        }
        // A device that has none may say nothing at all.
        let tools = match &result.result {
            Some(list) => ToolInfo::read_list(&self.all_secrets().take_out_of(list.clone()))
                .map_err(|why| unreachable(&why.to_string()))?,
            None => Vec::new(),
        };
        let inventory = Arc::new(Inventory::new(tools, tool_type));
        self.shared.inventories.keep(connection, selection, Arc::clone(&inventory));
        if !self.shared.clients.has(self.entry.executor()) {
            // It has left meanwhile, and nobody else would forget what it had.
            self.shared.inventories.forget(connection);
        }
        Ok(inventory)
    }

    /// Sends one command and waits for what comes of it.
    async fn send(&self, set: &ToolSet, command: Command, patience: Duration) -> Result<Answered, NoAnswer> {
        let response_id = Id::fresh();
        let tool = command.tool_name.clone();
        let commands = ServerMessage::Commands(Commands {
            response_id: response_id.clone(),
            session_id: self.entry.id.clone(),
            status: TaskStatus::Continue,
            agent_name: set.agent.clone(),
            process_name: Some(set.process.clone()),
            root_name: Some(set.root.clone()),
            task_name: Some(self.entry.order.task_name.clone()),
            actions: vec![command],
        });
        let answer = self.entry.await_answer(response_id);
        let began = Instant::now();
        self.entry.shown().commands += 1;
        let answered = match self.entry.executor().send(&commands) {
            Ok(()) => timeout(patience, answer).await.map(Result::ok),
            Err(_) => Ok(None),
        };
        self.entry.await_nothing();
        let (outcome, result) = match answered {
            Ok(Some((results, held))) => {
                self.unanswered.store(0, Ordering::Relaxed);
                let error = results.error.map(|error| self.all_secrets().take_out_of_text(error));
                ("answered", first_result(results.results, error).map(|result| (result, held)))
            }
            Ok(None) => ("gone", Err(no_answer("the device is gone"))),
            Err(_) => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
                let why = format!("the device did not answer `{tool:.64}` within {} s", patience.as_secs_f32());
                ("unanswered", Err(no_answer(&why)))
            }
        };
        self.shared.metrics.command(outcome, began.elapsed());
        result
    }

    /// What the device says, as a plugin is told it.
    async fn told(&self, call_id: &str, result: CommandResult) -> CallResult {
        let secrets = self.all_secrets();
        let error = secrets.take_out_of_text(result.error.unwrap_or_default());
        let files = self.entry.take_files();
        let mut told = CallResult {
            call_id: call_id.to_owned(),
            status: result.status.as_str().to_owned(),
            error,
            ..CallResult::default()
        };
        if let Some(payload) = result.result {
            match taken_out(&self.blobs, secrets, payload, self.shared.limits.long_string_bytes).await {
                Ok(taken) => (told.payload, told.blobs) = (taken.json, taken.blobs),
                Err(why) => {
                    told.status = ResultStatus::Failure.as_str().to_owned();
                    told.error = format!("the device's answer cannot be kept: {why}");
                }
            }
        }
        if !files.is_empty() {
            told.blobs.extend(files.iter().map(|file| file.blob.clone()));
            told.extra = serde_json::json!({ "files": files }).to_string();
        }
        told
    }

    /// All that the device may send back, whichever tool it was put into.
    fn all_secrets(&self) -> Applicable {
        self.shared.secrets.of_device(&self.entry.executor().id)
    }

    /// Those that are put into the tools of this set.
    fn secrets(&self, set: &ToolSet) -> Applicable {
        self.shared.secrets.of(&self.entry.executor().id, &set.agent)
    }
}

/// The one result of the one command that was sent.
fn first_result(results: Vec<CommandResult>, error: Option<String>) -> Result<CommandResult, NoAnswer> {
    match (results.into_iter().next(), error) {
        (Some(result), _) => Ok(result),
        (None, Some(error)) => Err(no_answer(&error)),
        (None, None) => Err(no_answer("the device answered without a result")),
    }
}

fn no_answer(why: &str) -> NoAnswer {
    NoAnswer { why: why.to_owned() }
}

fn missed(call_id: &str, status: &str, why: &str) -> CallResult {
    let (call_id, status, error) = (call_id.to_owned(), status.to_owned(), why.to_owned());
    CallResult { call_id, status, error, ..CallResult::default() }
}

pub(super) fn failure(code: &str, text: impl Into<String>) -> Failure {
    Failure { code: code.to_owned(), text: text.into(), extra: String::new() }
}
