"""One session through the whole contract: every event, every action, a snapshot. The same tour as in Rust and
JavaScript beside it, and the same actions to the byte; here it is a generator.

The component is made from this module and takes `Meta` and `Run` from it. It must be called `runs`, as the interface
that has the resource `run`. Modules of Python itself are there only if they are imported here at the top."""

import time

import hangar
from contract import (
    any_target, ask_model, ask_user, call, call_tools, cancel_action, concat, crop, delegate, edit_image,
    environment_input, fail, file, final_answer, final_answer_delta, finish, history, image, list_tools, mark, message,
    named, plan_finish, plan_start, plan_step, plan_update, progress, question, rect, resize, run_commands, set_timer,
    status, store_get, store_put, system, thinking, to_json, tool_result, tool_set,
)
from hangar import Cx, Outcome, Refused, Steps
from wit_world import exports
from wit_world.imports import actions, blob, events, log, values

LINUX = tool_set("LinuxAgent")


class Run(hangar.Run):
    """The tour, from `start` to `finish`."""

    def begin(self, cx: Cx, start: events.Start) -> Steps[Outcome]:
        notes = yield from first_half(cx, start)
        yield cx.rest(cx.send(set_timer(5_000)), keep=notes)
        return second_half(cx, notes)

    def resume(self, cx: Cx, kept: list[str], answer: object) -> Outcome:
        return second_half(cx, kept)

    def cancelled(self, reason: str) -> Outcome:
        return fail("cancelled", f"The tour was cut short: {reason}")


def first_half(cx: Cx, start: events.Start) -> Steps[list[str]]:
    """All that comes before the rest; gives the notes taken."""
    notes = [f"{cx.info.run_id} on {cx.info.platform}, turn {start.turn}"]
    request = "".join(part.value for part in start.input if isinstance(part, values.Part_Text))
    notes.append(f"asked: {request}")
    notes.append(f"it is {time.time_ns() // 1_000_000} ms since 1970")

    tools = yield from look_around(cx, notes)
    picture = yield from take_a_picture(cx, start.input, notes)
    cx.tell(progress(1, "looked around", results=[notes]))

    yield from think(cx, request, picture, tools, notes)
    cx.emit(plan_update(steps(done=1)))
    cx.tell(progress(2, "thought about it", results=[notes]))

    yield from ask_around(cx, notes)
    yield from let_others_work(cx, request, notes)
    yield from give_up_and_be_refused(cx, notes)
    return notes


def look_around(cx: Cx, notes: list[str]) -> Steps[list[values.Tool]]:
    """Three questions at once, whose answers come in any order."""
    cx.emit(status("looking around"))
    cx.emit(thinking("First I see which tools there are."))
    cx.emit(plan_start(steps(done=0)))
    scopes = [actions.ToolScope_Device(LINUX), actions.ToolScope_Host(), actions.ToolScope_Delegates()]
    tools = []
    for token in [cx.send(list_tools(scope, "action")) for scope in scopes]:
        try:
            tools += yield cx.answer(token)
        except Refused as refused:
            notes.append(f"no tools: {refused.code} {refused.text}")
    notes.append(f"tools: {', '.join(tool.name for tool in tools)}")
    return tools


def take_a_picture(cx: Cx, input: list[values.Part], notes: list[str]) -> Steps[str]:
    """Acts on the device, looks at the picture that came back, and changes it; gives the changed one."""
    commands = [("c1", "uname -a"), ("c2", "screenshot")]
    results: list[events.CallResult] = yield cx.ask(run_commands(LINUX, [
        call(call_id, "execute_command", {"command": command}, timeout_ms=30_000) for call_id, command in commands
    ]))
    for result in results:
        notes.append(f"{result.call_id} {result.status} {result.payload}")
    shot = next((picture for result in results for picture in result.blobs), "")
    if known := blob.info(shot):
        head = list(blob.read(shot, 0, 4))
        notes.append(f"screenshot: {known.mime} of {known.length} bytes, begins {head}")

    beside = next((part.value.blob for part in input if isinstance(part, values.Part_Image)), "")
    frame = rect(10, 20, 320, 200)
    edits = [crop(frame), resize(160, 100), concat(beside, "below"), mark(frame, "1", "#ff0000")]
    edited: events.BlobReady = yield cx.ask(edit_image(shot, *edits))
    notes.append(f"edited: {edited.blob} {edited.width}x{edited.height}")
    desktop = image(edited.blob, "the desktop")
    cx.emit(environment_input(desktop, description="Where we are", kind="screenshot"))
    return edited.blob


def think(cx: Cx, request: str, picture: str, tools: list[values.Tool], notes: list[str]) -> Steps[None]:
    """A model, its tool calls, and a second try after a refusal."""
    talk = [
        message("system", "You are on a tour."),
        history(max_images=1),
        message("user", request, image(picture, "the desktop"), file(picture, "desktop.png"),
                values.Part_Extension(named("example.smell", "coffee"))),
    ]
    reply: events.ModelOutcome = yield cx.ask(model_request(talk, tools, actions.ResponseFormat_Text()))
    if not isinstance(reply, events.ModelOutcome_Answer):
        raise ValueError(f"The tour did not expect this: {reply}")
    answer = reply.value
    usage = answer.usage
    notes.append(f"model: {answer.content} ({usage.input_tokens} + {usage.output_tokens} tokens)")

    wanted = answer.tool_calls
    results: list[events.CallResult] = yield cx.ask(call_tools([
        call(each.call_id, each.tool, each.parameters) for each in wanted
    ]))
    talk.append(message("assistant", answer.content, *map(values.Part_ToolCall, wanted)))
    for each, result in zip(wanted, results):
        failed = result.status != "success"
        talk.append(message("tool", tool_result(each.call_id, each.tool, [result.payload], failed)))

    while True:
        reply = yield cx.ask(model_request(talk, [], actions.ResponseFormat_Schema('{"type":"object"}')))
        match reply:
            case events.ModelOutcome_Answer(answer):
                notes.append(f"model: {answer.content}")
                return
            case events.ModelOutcome_Error(error):
                notes.append(f"model: {error.code} {error.text}")
                yield cx.ask(set_timer(1_000 if error.retry_after_ms is None else error.retry_after_ms))
            case unknown:
                raise ValueError(f"The tour did not expect this: {unknown}")


def ask_around(cx: Cx, notes: list[str]) -> Steps[None]:
    """Asks the user, and remembers something for other runs."""
    reply: events.UserReply = yield cx.ask(ask_user(
        question("go", "Shall we go on?", "confirm", default_value="yes"),
        question("way", "Left or right?", "choice", ["left", "right"]),
        question("name", "Who are you?"),
        timeout_ms=120_000,
    ))
    for answer in reply.answers:
        notes.append(f"user {reply.outcome}: {answer.id} = {answer.value}")
    stored: events.StoreValue = yield cx.ask(store_get("visits"))
    visits = int(stored.value or 0) + 1
    stored = yield cx.ask(store_put("visits", str(visits)))
    notes.append(f"visits: {stored.value}")


def let_others_work(cx: Cx, request: str, notes: list[str]) -> Steps[None]:
    """News of the other run come before its end."""
    child = cx.send(delegate(any_target("linux", ["room=lab"]), request, timeout_ms=600_000))
    news: events.ChildUpdate | events.ChildEnded = yield cx.answer(child)
    while isinstance(news, events.ChildUpdate):
        notes.append(f"child {news.state}: {news.summary}")
        news = yield cx.answer(child)
    notes.append(f"child {news.status}: {news.text} {' '.join(news.results)}")


def give_up_and_be_refused(cx: Cx, notes: list[str]) -> Steps[None]:
    """Gives a timer up, asks for something that the host does not know, hears from the host."""
    long = cx.send(set_timer(60_000))
    yield cx.ask(set_timer(250))
    cx.tell(cancel_action(long))
    try:
        yield cx.ask(actions.ActionBody_Extension(named("example.teleport", {"to": "moon"})))
    except Refused as refused:
        notes.append(f"refused: {refused.code} {refused.text}")
    greeting = yield cx.news()
    notes.append(f"{greeting.kind} {greeting.body}")


def second_half(cx: Cx, notes: list[str]) -> Outcome:
    """What is left of the tour after the rest."""
    log.write("info", f"{len(notes)} notes taken")
    kept = blob.create("text/plain", "\n".join(notes).encode())
    cx.emit(plan_finish("All done."))
    cx.emit(final_answer_delta("The tour ", title="Tour", format="text"))
    cx.emit(final_answer("The tour is over.", title="Tour", format="text"))
    cx.emit(system("Mind the step."))
    cx.emit(actions.Emit_Raw(named("example.confetti", {"pieces": 3})))
    cx.emit(actions.Emit_Extension(named("example.fireworks", {})))
    return finish("The tour is over.", results=[notes, {"$blob": kept}], state=b"seen")


def steps(done: int) -> list[actions.PlanStep]:
    """The plan, its first steps done."""
    return [plan_step(text, at < done) for at, text in enumerate(["look around", "think", "rest"])]


def model_request(talk: list[actions.ModelInput], tools: list[values.Tool],
                  format: actions.ResponseFormat) -> actions.ActionBody:
    """How the tour talks to models."""
    return ask_model(
        list(talk), tools, model="default", engine="native", response_format=format, temperature=0.5,
        stop=["THE END"], max_output_tokens=500, show="text+thinking",
    )


class Meta(exports.Meta):
    """What this plugin says about itself."""

    def describe(self) -> str:
        return to_json({
            "id": "tour-python",
            "version": "0.1.0",
            "summary": "One session through the whole contract",
            "platforms": ["linux"],
            "extensions": ["hangar.greeting"],
            "snapshot": 1,
        })

    def self_test(self) -> None:
        pass
