//! One session through the whole contract: every event, every action, a snapshot. The same tour as in Python and
//! JavaScript beside it, and the same actions to the byte; here it is an async function.

use std::time::{SystemTime, UNIX_EPOCH};

use hangar_plugin_sdk::agent_loop::{
    Agent, AgentLoop, AskModel, Call, Cx, Delegate, EditImage, Emit, Error, EventBody, Fail, FinalAnswer, Finish,
    HistoryRange, Message, ModelAnswer, ModelError, Notice, Outcome, Part, PlanStep, Progress, Question, Rect,
    ToolScope, Wait,
};
use hangar_plugin_sdk::behaviour::actions::{ActionBody, EnvironmentInput};
use hangar_plugin_sdk::behaviour::values::Named;
use hangar_plugin_sdk::{Value, blobs, export_behaviour, json, log};

/// Goes on the tour.
pub struct Tour;

export_behaviour!(AgentLoop<Tour>);

impl Agent for Tour {
    const EXTENSIONS: &'static [&'static str] = &["hangar.greeting"];
    const SNAPSHOT: Option<u32> = Some(1);

    async fn run(cx: Cx) -> Outcome {
        match tour(&cx).await {
            Err(Error::Cancelled { reason }) => {
                Err(Fail::new("cancelled", format!("The tour was cut short: {reason}")))
            }
            toured => Ok(toured?),
        }
    }

    async fn resume(cx: Cx, kept: Value, rest: Wait<EventBody>) -> Outcome {
        rest.await?;
        Ok(second_half(&cx, &serde_json::from_value::<Vec<String>>(kept)?)?)
    }
}

async fn tour(cx: &Cx) -> Result<Finish, Error> {
    let notes = first_half(cx).await?;
    cx.rest(cx.sleep(5_000), &notes).await?;
    second_half(cx, &notes)
}

async fn first_half(cx: &Cx) -> Result<Vec<String>, Error> {
    let (info, start, request) = (cx.info(), cx.start(), cx.request());
    let mut notes = vec![format!("{} on {}, turn {}", info.run_id, info.platform, start.turn)];
    notes.push(format!("asked: {request}"));
    notes.push(format!("it is {} ms since 1970", now_ms()));

    // Look around: three questions at once.
    cx.status("looking around");
    cx.thinking("First I see which tools there are.");
    cx.emit(Emit::PlanStart(plan(0)));
    let scopes = [ToolScope::Device("LinuxAgent".into()), ToolScope::Host, ToolScope::Delegates];
    let mut tools = Vec::new();
    for found in cx.all(scopes.map(|scope| cx.list_tools(scope, "action"))).await {
        match found {
            Ok(found) => tools.extend(found),
            Err(Error::Refused { code, text }) => notes.push(format!("no tools: {code} {text}")),
            Err(other) => return Err(other),
        }
    }
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    notes.push(format!("tools: {}", names.join(", ")));

    // Act on the device, look at the picture that came back.
    let commands = ["uname -a", "screenshot"]
        .map(|command| Call::new("execute_command", json!({ "command": command })).timeout_ms(30_000));
    let results = cx.commands("LinuxAgent", commands).await?;
    for result in &results {
        notes.push(format!("{} {} {}", result.call_id, result.status, result.payload));
    }
    let shot = results.iter().flat_map(|result| &result.blobs).next().cloned().unwrap_or_default();
    if let Some(known) = blobs::info(&shot) {
        let head = blobs::read(&shot, 0, 4).unwrap_or_default();
        notes.push(format!("screenshot: {} of {} bytes, begins {head:?}", known.mime, known.length));
    }
    let beside =
        start.input.iter().find_map(|part| if let Part::Image(image) = part { Some(image.blob.clone()) } else { None });
    let frame = Rect::new(10, 20, 320, 200);
    let edit = EditImage::of(shot)
        .crop(frame.clone())
        .resize(160, 100)
        .concat(beside.unwrap_or_default(), "below")
        .mark(frame, "1", "#ff0000");
    let edited = cx.edit_image(edit).await?;
    notes.push(format!("edited: {} {}x{}", edited.blob, edited.width, edited.height));
    cx.emit(Emit::EnvironmentInput(EnvironmentInput {
        parts: vec![Part::image(&edited.blob, "the desktop")],
        description: "Where we are".into(),
        kind: "screenshot".into(),
        extra: String::new(),
    }));
    cx.progress(Progress::new(1, "looked around").result(json!(notes)));

    // Think: a model, its tool calls, and a second try after a refusal.
    let answer = cx.model(request_to_model(&request, &edited.blob).tools(tools.clone())).await?;
    notes.push(format!(
        "model: {} ({} + {} tokens)",
        answer.content, answer.usage.input_tokens, answer.usage.output_tokens
    ));
    let called = cx.call_tools(answer.tool_calls.iter().map(Call::from)).await?;
    let mut again = request_to_model(&request, &edited.blob).schema(&json!({"type": "object"}));
    again = again.then(Message::answered(&answer));
    for (call, result) in answer.tool_calls.iter().zip(&called) {
        let told = Part::tool_result(call, &result.payload, !result.is_success());
        again = again.then(Message::new("tool", [told]));
    }
    let answer = patiently(cx, &again, &mut notes).await?;
    notes.push(format!("model: {}", answer.content));
    cx.plan(plan(1));
    cx.progress(Progress::new(2, "thought about it").result(json!(notes)));

    // Ask the user; remember the answer for other runs.
    let questions = [
        Question::confirm("go", "Shall we go on?").or("yes"),
        Question::choice("way", "Left or right?", ["left", "right"]),
        Question::text("name", "Who are you?"),
    ];
    let reply = cx.ask_within(120_000, questions).await?;
    for answer in &reply.answers {
        notes.push(format!("user {}: {} = {}", reply.outcome, answer.id, answer.value));
    }
    let stored = cx.store_get("visits").await?;
    let visits = stored.and_then(|value| value.parse::<u32>().ok()).unwrap_or(0) + 1;
    let stored = cx.store_put("visits", Some(visits.to_string())).await?;
    notes.push(format!("visits: {}", stored.unwrap_or_default()));

    // Let somebody else work; news come before the end.
    let (news, heard) = std::sync::mpsc::channel();
    let delegate = Delegate::to_any("linux", ["room=lab"], request.as_str()).timeout_ms(600_000);
    let tell = move |update: hangar_plugin_sdk::agent_loop::ChildUpdate| {
        let _ = news.send(format!("child {}: {}", update.state, update.summary));
    };
    let ended = cx.delegate_and_hear(delegate, tell).await?;
    notes.extend(heard);
    notes.push(format!("child {}: {} {}", ended.status, ended.text, ended.results.join(" ")));

    // Give something up, be refused, hear from the host.
    let long = cx.sleep(60_000);
    cx.sleep(250).await?;
    drop(long);
    let unknown = Named::new("example.teleport", &json!({"to": "moon"}));
    if let Err(Error::Refused { code, text }) = cx.send(ActionBody::Extension(unknown)).await {
        notes.push(format!("refused: {code} {text}"));
    }
    if let EventBody::Extension(greeting) = cx.news().await? {
        notes.push(format!("{} {}", greeting.kind, greeting.body));
    }
    Ok(notes)
}

fn second_half(cx: &Cx, notes: &[String]) -> Result<Finish, Error> {
    log::info!("{} notes taken", notes.len());
    let kept = blobs::create("text/plain", notes.join("\n").as_bytes())?;
    cx.emit(Emit::PlanFinish("All done.".into()));
    cx.emit(Emit::FinalAnswerDelta(final_answer("The tour ")));
    cx.emit(Emit::FinalAnswer(final_answer("The tour is over.")));
    cx.emit(Emit::System(Notice::new("info", "Mind the step.")));
    cx.emit(Emit::Raw(Named::new("example.confetti", &json!({"pieces": 3}))));
    cx.emit(Emit::Extension(Named::new("example.fireworks", &json!({}))));
    Ok(Finish::new("The tour is over.").result(json!(notes)).result(json!({ "$blob": kept })).state(b"seen"))
}

/// Asks again when the model says that it is too busy.
async fn patiently(cx: &Cx, request: &AskModel, notes: &mut Vec<String>) -> Result<ModelAnswer, Error> {
    loop {
        match cx.model(request.clone()).await {
            Err(Error::Model(ModelError { code, text, retry_after_ms, .. })) => {
                notes.push(format!("model: {code} {text}"));
                cx.sleep(retry_after_ms.unwrap_or(1_000)).await?;
            }
            answer => return answer,
        }
    }
}

fn request_to_model(request: &str, picture: &str) -> AskModel {
    AskModel { tool_choice: "auto".into(), engine: "native".into(), stop: vec!["THE END".into()], ..AskModel::new() }
        .model("default")
        .temperature(0.5)
        .max_output_tokens(500)
        .show("text+thinking")
        .system("You are on a tour.")
        .then(HistoryRange { max_images: Some(1), ..HistoryRange::all() })
        .user_parts([
            request.into(),
            Part::image(picture, "the desktop"),
            Part::file(picture, "desktop.png"),
            Part::Extension(Named::new("example.smell", &json!("coffee"))),
        ])
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

fn final_answer(text: &str) -> FinalAnswer {
    FinalAnswer { title: "Tour".into(), format: "text".into(), ..FinalAnswer::new(text) }
}

fn plan(done: usize) -> Vec<PlanStep> {
    let steps = ["look around", "think", "rest"].into_iter().map(PlanStep::new).enumerate();
    steps.map(|(at, step)| if at < done { step.done() } else { step }).collect()
}
