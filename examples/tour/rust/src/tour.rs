//! The tour itself.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use hangar_plugin_sdk::behaviour::actions::{
    ActionBody, AnyTarget, AskModel, AskUser, Call, Concat, Delegate, EditImage, Emit, EnvironmentInput, Fail,
    FinalAnswer, Finish, HistoryRange, ImageEdit, ListTools, Mark, Message, ModelInput, Notice, PlanStep, Progress,
    Question, Rect, ResponseFormat, RunCommands, Size, StorePut, Target, ToolScope, ToolSet,
};
use hangar_plugin_sdk::behaviour::events::{EventBody, ModelAnswer, ModelOutcome, Start};
use hangar_plugin_sdk::behaviour::session::RunInfo;
use hangar_plugin_sdk::behaviour::values::{File, Image, Named, Part, Tool, ToolCall, ToolContent, ToolResult};
use hangar_plugin_sdk::behaviour::{blob, log};
use serde::{Deserialize, Serialize};

use crate::agent_loop::{Cx, Outcome};

/// Where the tour can be moved to another version: it waits for one timer and has nothing else outstanding.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rest {
    /// The timer that ends the rest.
    token: u32,
    /// The last token that was used before it.
    pub last_token: u32,
    notes: Vec<String>,
}

/// Set while the tour rests.
pub type Resting = Rc<RefCell<Option<Rest>>>;

/// The whole tour.
pub async fn from_the_start(cx: Cx, info: RunInfo, resting: Resting) -> Outcome {
    let EventBody::Start(start) = cx.news().await else {
        return failed("invalid", "The first event must be `start`");
    };
    match first_half(&cx, &info, start).await {
        Ok(notes) => {
            let token = cx.send(ActionBody::SetTimer(5_000));
            let last_token = cx.last_token();
            from_the_rest(cx, Rest { token, last_token, notes }, &resting).await
        }
        Err(Unexpected(event)) => failed("internal", &format!("The tour did not expect this: {event}")),
    }
}

/// What is left of the tour once it rests. From this call on it can be moved, even before it is first polled.
pub fn from_the_rest(cx: Cx, rest: Rest, resting: &Resting) -> impl Future<Output = Outcome> + use<> {
    *resting.borrow_mut() = Some(rest.clone());
    let resting = Rc::clone(resting);
    async move {
        cx.answer(rest.token).await;
        *resting.borrow_mut() = None;
        second_half(&cx, &rest.notes)
    }
}

/// An event that does not fit the action that it answers.
struct Unexpected(String);

/// Takes the answer apart, or says which event came instead.
macro_rules! expect {
    ($event:expr, $case:ident) => {
        match $event {
            EventBody::$case(answer) => answer,
            other => return Err(Unexpected(format!("{other:?}"))),
        }
    };
}

async fn first_half(cx: &Cx, info: &RunInfo, start: Start) -> Result<Vec<String>, Unexpected> {
    let mut notes = vec![format!("{} on {}, turn {}", info.run_id, info.platform, start.turn)];
    let request = text_of(&start.input);
    notes.push(format!("asked: {request}"));
    notes.push(format!("it is {} ms since 1970", now_ms()));

    // Look around: three questions at once.
    cx.emit(Emit::Status("looking around".into()));
    cx.emit(Emit::Thinking("First I see which tools there are.".into()));
    cx.emit(Emit::PlanStart(plan(0)));
    let device = cx.send(list_tools(ToolScope::Device(linux())));
    let host = cx.send(list_tools(ToolScope::Host));
    let delegates = cx.send(list_tools(ToolScope::Delegates));
    let mut tools = Vec::new();
    for token in [device, host, delegates] {
        match cx.answer(token).await {
            EventBody::Tools(found) => tools.extend(found),
            EventBody::Refused(why) => notes.push(format!("no tools: {} {}", why.code, why.text)),
            other => return Err(Unexpected(format!("{other:?}"))),
        }
    }
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    notes.push(format!("tools: {}", names.join(", ")));

    // Act on the device, look at the picture that came back.
    let results = expect!(cx.ask(run_commands(&[("c1", "uname -a"), ("c2", "screenshot")])).await, Results);
    for result in &results {
        notes.push(format!("{} {} {}", result.call_id, result.status, result.payload));
    }
    let shot = results.iter().flat_map(|result| &result.blobs).next().cloned().unwrap_or_default();
    if let Some(known) = blob::info(&shot) {
        let head = blob::read(&shot, 0, 4).unwrap_or_default();
        notes.push(format!("screenshot: {} of {} bytes, begins {head:?}", known.mime, known.length));
    }
    let edited = expect!(cx.ask(edit_image(&shot, &start.input)).await, BlobReady);
    notes.push(format!("edited: {} {}x{}", edited.blob, edited.width, edited.height));
    cx.emit(Emit::EnvironmentInput(EnvironmentInput {
        parts: vec![image(&edited.blob, "the desktop")],
        description: "Where we are".into(),
        kind: "screenshot".into(),
        extra: none(),
    }));
    cx.tell(progress(1, "looked around", &notes));

    // Think: a model, its tool calls, and a second try after a refusal.
    let first = model_request(ResponseFormat::Text, tools.clone(), opening(&request, &edited.blob));
    let answer = expect_answer(cx.ask(first).await)?;
    notes.push(format!(
        "model: {} ({} + {} tokens)",
        answer.content, answer.usage.input_tokens, answer.usage.output_tokens
    ));
    let called = expect!(cx.ask(call_tools(&answer.tool_calls)).await, Results);
    let mut talk = opening(&request, &edited.blob);
    talk.push(said_by_assistant(&answer));
    talk.extend(
        called
            .iter()
            .zip(&answer.tool_calls)
            .map(|(result, call)| tool_result(call, &result.payload, result.status != "success")),
    );
    let second = || model_request(ResponseFormat::Schema(r#"{"type":"object"}"#.into()), Vec::new(), talk.clone());
    let answer = loop {
        match expect!(cx.ask(second()).await, ModelReply) {
            ModelOutcome::Answer(answer) => break answer,
            ModelOutcome::Error(error) => {
                notes.push(format!("model: {} {}", error.code, error.text));
                wait(cx, error.retry_after_ms.unwrap_or(1_000)).await?;
            }
            ModelOutcome::Extension(named) => return Err(Unexpected(named.kind)),
        }
    };
    notes.push(format!("model: {}", answer.content));
    cx.emit(Emit::PlanUpdate(plan(1)));
    cx.tell(progress(2, "thought about it", &notes));

    // Ask the user; remember the answer for other runs.
    let reply = expect!(cx.ask(ask_user()).await, UserReply);
    for answer in &reply.answers {
        notes.push(format!("user {}: {} = {}", reply.outcome, answer.id, answer.value));
    }
    let stored = expect!(cx.ask(ActionBody::StoreGet("visits".into())).await, StoreValue);
    let visits = stored.value.and_then(|value| value.parse::<u32>().ok()).unwrap_or(0) + 1;
    let put = StorePut { key: "visits".into(), value: Some(visits.to_string()), extra: none() };
    let stored = expect!(cx.ask(ActionBody::StorePut(put)).await, StoreValue);
    notes.push(format!("visits: {}", stored.value.unwrap_or_default()));

    // Let somebody else work; news come before the end.
    let child = cx.send(delegate(&request));
    let ended = loop {
        match cx.answer(child).await {
            EventBody::ChildUpdate(update) => notes.push(format!("child {}: {}", update.state, update.summary)),
            EventBody::ChildEnded(ended) => break ended,
            other => return Err(Unexpected(format!("{other:?}"))),
        }
    };
    notes.push(format!("child {}: {} {}", ended.status, ended.text, ended.results.join(" ")));

    // Give something up, be refused, hear from the host.
    let long = cx.send(ActionBody::SetTimer(60_000));
    wait(cx, 250).await?;
    cx.tell(ActionBody::CancelAction(long));
    let unknown = Named { kind: "example.teleport".into(), body: r#"{"to":"moon"}"#.into() };
    let refused = expect!(cx.ask(ActionBody::Extension(unknown)).await, Refused);
    notes.push(format!("refused: {} {}", refused.code, refused.text));
    let greeting = expect!(cx.news().await, Extension);
    notes.push(format!("{} {}", greeting.kind, greeting.body));
    Ok(notes)
}

fn second_half(cx: &Cx, notes: &[String]) -> Outcome {
    log::write("info", &format!("{} notes taken", notes.len()));
    let kept = match blob::create("text/plain", notes.join("\n").as_bytes()) {
        Ok(id) => id,
        Err(error) => return failed(&error.code, &error.text),
    };
    cx.emit(Emit::PlanFinish("All done.".into()));
    cx.emit(Emit::FinalAnswerDelta(final_answer("The tour ")));
    cx.emit(Emit::FinalAnswer(final_answer("The tour is over.")));
    cx.emit(Emit::System(Notice { level: "info".into(), text: "Mind the step.".into(), extra: none() }));
    cx.emit(Emit::Raw(Named { kind: "example.confetti".into(), body: r#"{"pieces":3}"#.into() }));
    cx.emit(Emit::Extension(Named { kind: "example.fireworks".into(), body: "{}".into() }));
    Outcome::Finished(Finish {
        text: "The tour is over.".into(),
        results: vec![json_list(notes), format!(r#"{{"$blob":"{kept}"}}"#)],
        state: b"seen".to_vec(),
        extra: none(),
    })
}

async fn wait(cx: &Cx, ms: u32) -> Result<(), Unexpected> {
    match cx.ask(ActionBody::SetTimer(ms)).await {
        EventBody::Timer => Ok(()),
        other => Err(Unexpected(format!("{other:?}"))),
    }
}

/// What `extra` is where we have nothing to add.
fn none() -> String {
    String::new()
}

fn failed(code: &str, why: &str) -> Outcome {
    Outcome::Failed(Fail { code: code.into(), text: why.into(), results: Vec::new(), extra: none() })
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

fn text_of(parts: &[Part]) -> String {
    parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None }).collect()
}

fn final_answer(text: &str) -> FinalAnswer {
    FinalAnswer { text: text.into(), title: "Tour".into(), format: "text".into(), message_id: none(), extra: none() }
}

fn image(blob: &str, description: &str) -> Part {
    Part::Image(Image { blob: blob.into(), description: description.into(), extra: none() })
}

fn json_list(lines: &[String]) -> String {
    serde_json::Value::from(lines.to_vec()).to_string()
}

fn plan(done: usize) -> Vec<PlanStep> {
    let steps = ["look around", "think", "rest"].iter().enumerate();
    steps.map(|(at, step)| PlanStep { text: (*step).into(), done: at < done, extra: none() }).collect()
}

fn linux() -> ToolSet {
    ToolSet { agent: "LinuxAgent".into(), process: none(), root: none(), extra: none() }
}

fn list_tools(scope: ToolScope) -> ActionBody {
    ActionBody::ListTools(ListTools { scope, tool_type: "action".into(), extra: none() })
}

fn run_commands(commands: &[(&str, &str)]) -> ActionBody {
    let calls = commands.iter().map(|(call_id, command)| Call {
        call_id: (*call_id).into(),
        tool: "execute_command".into(),
        tool_type: "action".into(),
        parameters: format!(r#"{{"command":"{command}"}}"#),
        timeout_ms: Some(30_000),
        extra: none(),
    });
    ActionBody::RunCommands(RunCommands { tool_set: linux(), calls: calls.collect(), extra: none() })
}

fn call_tools(wanted: &[ToolCall]) -> ActionBody {
    let calls = wanted.iter().map(|call| Call {
        call_id: call.call_id.clone(),
        tool: call.tool.clone(),
        tool_type: "action".into(),
        parameters: call.parameters.clone(),
        timeout_ms: None,
        extra: none(),
    });
    ActionBody::CallTools(calls.collect())
}

fn edit_image(source: &str, input: &[Part]) -> ActionBody {
    let beside =
        input.iter().find_map(|part| if let Part::Image(image) = part { Some(image.blob.clone()) } else { None });
    let rect = Rect { x: 10, y: 20, width: 320, height: 200, extra: none() };
    ActionBody::EditImage(EditImage {
        source: source.into(),
        edits: vec![
            ImageEdit::Crop(rect.clone()),
            ImageEdit::Resize(Size { width: 160, height: 100, extra: none() }),
            ImageEdit::Concat(Concat { blob: beside.unwrap_or_default(), side: "below".into(), extra: none() }),
            ImageEdit::Mark(Mark { rect, label: "1".into(), colour: "#ff0000".into(), extra: none() }),
        ],
        extra: none(),
    })
}

fn opening(request: &str, picture: &str) -> Vec<ModelInput> {
    vec![
        message("system", vec![Part::Text("You are on a tour.".into())]),
        ModelInput::History(HistoryRange { first_turn: 0, end_turn: None, max_images: Some(1), extra: none() }),
        message(
            "user",
            vec![
                Part::Text(request.into()),
                image(picture, "the desktop"),
                Part::File(File { blob: picture.into(), name: "desktop.png".into(), extra: none() }),
                Part::Extension(Named { kind: "example.smell".into(), body: r#""coffee""#.into() }),
            ],
        ),
    ]
}

fn message(role: &str, parts: Vec<Part>) -> ModelInput {
    ModelInput::Message(Message { role: role.into(), parts, extra: none() })
}

fn said_by_assistant(answer: &ModelAnswer) -> ModelInput {
    let mut parts = vec![Part::Text(answer.content.clone())];
    parts.extend(answer.tool_calls.iter().cloned().map(Part::ToolCall));
    message("assistant", parts)
}

fn tool_result(call: &ToolCall, payload: &str, failed: bool) -> ModelInput {
    message(
        "tool",
        vec![Part::ToolResult(ToolResult {
            call_id: call.call_id.clone(),
            tool: call.tool.clone(),
            content: vec![ToolContent::Text(payload.into())],
            failed,
            extra: none(),
        })],
    )
}

fn model_request(response_format: ResponseFormat, tools: Vec<Tool>, messages: Vec<ModelInput>) -> ActionBody {
    ActionBody::AskModel(AskModel {
        model: "default".into(),
        messages,
        tools,
        tool_choice: "auto".into(),
        engine: "native".into(),
        response_format,
        temperature: Some(0.5),
        top_p: None,
        stop: vec!["THE END".into()],
        max_output_tokens: Some(500),
        show: "text+thinking".into(),
        extra: none(),
    })
}

fn expect_answer(event: EventBody) -> Result<ModelAnswer, Unexpected> {
    match expect!(event, ModelReply) {
        ModelOutcome::Answer(answer) => Ok(answer),
        other => Err(Unexpected(format!("{other:?}"))),
    }
}

fn ask_user() -> ActionBody {
    let question = |id: &str, text: &str, kind: &str, options: &[&str], default: Option<&str>| Question {
        id: id.into(),
        text: text.into(),
        kind: kind.into(),
        options: options.iter().map(|option| (*option).into()).collect(),
        default_value: default.map(Into::into),
        extra: none(),
    };
    ActionBody::AskUser(AskUser {
        questions: vec![
            question("go", "Shall we go on?", "confirm", &[], Some("yes")),
            question("way", "Left or right?", "choice", &["left", "right"], None),
            question("name", "Who are you?", "text", &[], None),
        ],
        timeout_ms: Some(120_000),
        extra: none(),
    })
}

fn delegate(request: &str) -> ActionBody {
    let labels = vec!["room=lab".into()];
    ActionBody::Delegate(Delegate {
        target: Target::Any(AnyTarget { platform: "linux".into(), labels, extra: none() }),
        request: vec![Part::Text(request.into())],
        behaviour: none(),
        timeout_ms: Some(600_000),
        extra: none(),
    })
}

fn progress(agent_step: u32, summary: &str, notes: &[String]) -> ActionBody {
    ActionBody::Progress(Progress {
        agent_step,
        summary: summary.into(),
        results: vec![json_list(notes)],
        extra: none(),
    })
}
