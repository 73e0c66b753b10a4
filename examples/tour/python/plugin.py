"""One session through the whole contract: every event, every action, a snapshot. The same tour as in Rust and
JavaScript beside it, and the same actions to the byte; here it is a generator."""

import json
import time

from hangar import (
    DELEGATES, HOST, Cancelled, Cx, ModelFailed, Refused, TimedOut, any_device, blob, call, choice, concat, confirm,
    crop, extension, fail, file, finish, history, image, mark, message, plan_step, question, resize,
)
from wit_world.imports.actions import Emit_Extension
from wit_world.imports.values import Named, Part_Image

EXTENSIONS = ["hangar.greeting"]
SNAPSHOT = 1


def run(cx: Cx):
    """The whole tour. While it rests it can be moved to another version, which goes on in `resume`."""
    try:
        notes = yield from first_half(cx)
        yield cx.rest(cx.sleep(5_000), keep=notes)
    except Cancelled as cancelled:
        return fail("cancelled", f"The tour was cut short: {cancelled.reason}")
    return second_half(cx, notes)


def resume(cx: Cx, kept, rest):
    yield rest
    return second_half(cx, kept)


def first_half(cx: Cx):
    """All that comes before the rest; gives the notes taken."""
    notes = [f"{cx.info.run_id} on {cx.info.platform}, turn {cx.start.turn}"]
    notes.append(f"asked: {cx.request}")
    notes.append(f"it is {time.time_ns() // 1_000_000} ms since 1970")

    tools = yield from look_around(cx, notes)
    picture = yield from take_a_picture(cx, notes)
    cx.progress("looked around", results=[notes])

    yield from think(cx, picture, tools, notes)
    cx.plan_update(plan(done=1))
    cx.progress("thought about it", results=[notes])

    yield from ask_around(cx, notes)
    yield from let_others_work(cx, notes)
    yield from give_up_and_be_refused(cx, notes)
    return notes


def look_around(cx: Cx, notes: list[str]):
    """Three questions at once, whose answers come in any order."""
    cx.status("looking around")
    cx.thinking("First I see which tools there are.")
    cx.plan_start(plan(done=0))
    tools = []
    for asked in [cx.tools(scope, "action") for scope in ("LinuxAgent", HOST, DELEGATES)]:
        try:
            tools += yield asked
        except Refused as refused:
            notes.append(f"no tools: {refused.code} {refused.text}")
    notes.append(f"tools: {', '.join(tool.name for tool in tools)}")
    return tools


def take_a_picture(cx: Cx, notes: list[str]):
    """Acts on the device, looks at the picture that came back, and changes it; gives the changed one."""
    results = yield cx.commands("LinuxAgent", *[
        call("execute_command", {"command": command}, timeout_ms=30_000)
        for command in ("uname -a", "screenshot")
    ])
    for result in results:
        notes.append(f"{result.call_id} {result.status} {result.payload}")
    shot = next((picture for result in results for picture in result.blobs), "")
    if known := blob.info(shot):
        head = list(blob.read(shot, 0, 4))
        notes.append(f"screenshot: {known.mime} of {known.length} bytes, begins {head}")

    beside = next((part.value.blob for part in cx.start.input if isinstance(part, Part_Image)), "")
    edits = [
        crop(10, 20, 320, 200), resize(160, 100), concat(beside, "below"), mark(10, 20, 320, 200, "1", "#ff0000"),
    ]
    edited = yield cx.edit_image(shot, *edits)
    notes.append(f"edited: {edited.blob} {edited.width}x{edited.height}")
    cx.environment_input(image(edited.blob, "the desktop"), description="Where we are", kind="screenshot")
    return edited.blob


def think(cx: Cx, picture: str, tools: list, notes: list[str]):
    """A model, its tool calls, and a second try after a refusal."""
    talk = [
        message.system("You are on a tour."),
        history(max_images=1),
        message.user(cx.request, image(picture, "the desktop"), file(picture, "desktop.png"),
                     extension("example.smell", "coffee")),
    ]
    manner = {"model": "default", "tool_choice": "auto", "engine": "native", "temperature": 0.5,
              "stop": ["THE END"], "max_output_tokens": 500, "show": "text+thinking"}
    answer = yield cx.model(*talk, tools=tools, **manner)
    usage = answer.usage
    notes.append(f"model: {answer.content} ({usage.input_tokens} + {usage.output_tokens} tokens)")

    wanted = answer.tool_calls
    results = yield cx.call_tools(*wanted)
    talk.append(message.assistant(answer))
    talk += [message.tool(each, result.payload, failed=not result.ok) for each, result in zip(wanted, results)]

    while True:
        try:
            answer = yield cx.model(*talk, response_format={"type": "object"}, **manner)
        except ModelFailed as failed:
            notes.append(f"model: {failed.code} {failed.text}")
            yield cx.sleep(1_000 if failed.retry_after_ms is None else failed.retry_after_ms)
        else:
            notes.append(f"model: {answer.content}")
            return


def ask_around(cx: Cx, notes: list[str]):
    """Asks the user, and remembers something for other runs."""
    reply = yield cx.ask(
        confirm("go", "Shall we go on?", default="yes"),
        choice("way", "Left or right?", ["left", "right"]),
        question("name", "Who are you?"),
        timeout_ms=120_000,
    )
    for id, value in reply.answers.items():
        notes.append(f"user {reply.outcome}: {id} = {value}")
    visits = int((yield cx.store_get("visits")) or 0) + 1
    visits = yield cx.store_put("visits", str(visits))
    notes.append(f"visits: {visits}")


def let_others_work(cx: Cx, notes: list[str]):
    """News of the other run come before its end."""
    ended = yield cx.delegate(
        any_device("linux", ["room=lab"]), cx.request, timeout_ms=600_000,
        on_update=lambda update: notes.append(f"child {update.state}: {update.summary}"),
    )
    found = " ".join(json.dumps(result, separators=(",", ":")) for result in ended.results)
    notes.append(f"child {ended.status}: {ended.text} {found}")


def give_up_and_be_refused(cx: Cx, notes: list[str]):
    """Gives up what takes too long, asks for something that the host does not know, hears from the host."""
    try:
        yield cx.timeout(250, cx.sleep(60_000))
    except TimedOut:
        pass
    try:
        yield cx.extension("example.teleport", {"to": "moon"})
    except Refused as refused:
        notes.append(f"refused: {refused.code} {refused.text}")
    greeting = yield cx.news()
    notes.append(f"{greeting.kind} {greeting.body}")


def second_half(cx: Cx, notes: list[str]):
    """What is left of the tour after the rest."""
    cx.log.info("%d notes taken", len(notes))
    kept = blob.create("text/plain", "\n".join(notes))
    cx.plan_finish("All done.")
    cx.answer_delta("The tour ", title="Tour", format="text")
    cx.answer("The tour is over.", title="Tour", format="text")
    cx.notice("Mind the step.")
    cx.raw("example.confetti", {"pieces": 3})
    cx.emit(Emit_Extension(Named("example.fireworks", "{}")))
    return finish("The tour is over.", results=[notes, {"$blob": kept}], state=b"seen")


def plan(done: int) -> list:
    """The plan, its first steps done."""
    return [plan_step(text, at < done) for at, text in enumerate(["look around", "think", "rest"])]
