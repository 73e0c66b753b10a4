"""What a run asks for, in words: calls, messages, questions, targets, changes of pictures."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from answers import ModelAnswer, Result
from contract import as_parts, as_results, check, to_json
from failures import Fail
from wit_world.imports.actions import (
    AnyTarget, Call, Concat, Finish, HistoryRange, ImageEdit, ImageEdit_Concat, ImageEdit_Crop, ImageEdit_Mark,
    ImageEdit_Resize, Mark, Message, ModelInput, ModelInput_History, ModelInput_Message, PlanStep, Question, Rect,
    ResponseFormat, ResponseFormat_Json, ResponseFormat_Schema, ResponseFormat_Text, Size, Target, Target_Agent,
    Target_Any, Target_Device, ToolScope, ToolScope_Delegates, ToolScope_Device, ToolScope_Host, ToolSet,
)
from wit_world.imports.values import (
    Part, Part_Text, Part_ToolCall, Part_ToolResult, ToolCall, ToolContent_Text, ToolResult,
)


def finish(text: str, results: list[Any] = [], state: bytes = b"") -> Finish:
    """What `run` returns: the answer in words, results for programs, and what the session's next run gets as
    `cx.start.state`."""
    made = Finish(text, as_results(results), state, "")
    check(made, Finish)
    return made


def fail(code: str, text: str, results: list[Any] = []) -> Fail:
    """What `run` returns or raises if it did not do what was asked; see `Fail`."""
    return Fail(code, text, results)


def call(tool: str, parameters: dict[str, Any] | str = "{}", *, id: str = "", timeout_ms: int | None = None,
         tool_type: str = "action") -> Call:
    """One call of a tool. Without an `id` it is called `c1`, `c2` and so on; `tool_type` is `action`, or
    `data_collection` for a tool that only looks."""
    parameters = parameters if isinstance(parameters, str) else to_json(parameters)
    return Call(id, tool, tool_type, parameters, timeout_ms, "")


def as_call(given: Call | ToolCall, new_id: Callable[[], str]) -> Call:
    """Adds the id where there is none. What a model wants called may stand for a call."""
    if isinstance(given, ToolCall):
        return call(given.tool, given.parameters, id=given.call_id)
    return given if given.call_id else replace(given, call_id=new_id())


def tool_set(agent: str, process: str = "", root: str = "") -> ToolSet:
    """The tools of an agent of the device, for one application: its process, or its root such as `WINWORD.EXE`."""
    return ToolSet(agent, process, root, "")


def as_tool_set(given: str | ToolSet) -> ToolSet:
    """The name of an agent may stand for all of its tools."""
    return tool_set(given) if isinstance(given, str) else given


HOST: ToolScope = ToolScope_Host()
"""For `cx.tools`: the tools of the host and its MCP servers."""

DELEGATES: ToolScope = ToolScope_Delegates()
"""For `cx.tools`: whom `cx.delegate` can reach, each described as a tool."""


def as_scope(given: str | ToolSet | ToolScope) -> ToolScope:
    """A tool set of the device may stand for its scope."""
    return ToolScope_Device(as_tool_set(given)) if isinstance(given, (str, ToolSet)) else given


class message:
    """What a model is told: `message.user("What is this?", image(blob))`."""

    @staticmethod
    def system(*parts: str | Part) -> ModelInput:
        """How it is to behave."""
        return ModelInput_Message(Message("system", as_parts(parts), ""))

    @staticmethod
    def user(*parts: str | Part) -> ModelInput:
        """What somebody says to it. Plain text alone means the same."""
        return ModelInput_Message(Message("user", as_parts(parts), ""))

    @staticmethod
    def assistant(*said: str | Part | ModelAnswer) -> ModelInput:
        """What it said itself: `message.assistant(answer)`."""
        parts: list[Part] = []
        for each in said:
            if isinstance(each, ModelAnswer):
                parts += [Part_Text(each.content), *map(Part_ToolCall, each.tool_calls)]
            else:
                parts += as_parts((each,))
        return ModelInput_Message(Message("assistant", parts, ""))

    @staticmethod
    def tool(call: ToolCall, result: Result | str, failed: bool = False) -> ModelInput:
        """What a call gave that it had asked for."""
        if isinstance(result, Result):
            result, failed = (result.payload if result.ok else result.error or result.payload), not result.ok
        content = [ToolContent_Text(result)]
        part = Part_ToolResult(ToolResult(call.call_id, call.tool, content, failed, ""))
        return ModelInput_Message(Message("tool", [part], ""))


def history(first_turn: int = 0, end_turn: int | None = None, max_images: int | None = None) -> ModelInput:
    """A stretch of the conversation so far, among the messages to a model. The host fills it in."""
    return ModelInput_History(HistoryRange(first_turn, end_turn, max_images, ""))


def as_input(given: str | ModelInput) -> ModelInput:
    """Plain text is what the user says."""
    return message.user(given) if isinstance(given, str) else given


def as_format(given: str | dict[str, Any] | ResponseFormat) -> ResponseFormat:
    """`text`, `json`, or a JSON Schema."""
    if isinstance(given, dict):
        return ResponseFormat_Schema(to_json(given))
    return {"text": ResponseFormat_Text(), "json": ResponseFormat_Json()}[given] if isinstance(given, str) else given


def question(id: str, text: str, default: str | None = None) -> Question:
    """A question that is answered with any text."""
    return Question(id, text, "text", [], default, "")


def confirm(id: str, text: str, default: str | None = None) -> Question:
    """A question that is answered with `yes` or `no`."""
    return Question(id, text, "confirm", [], default, "")


def choice(id: str, text: str, options: list[str], default: str | None = None) -> Question:
    """A question that is answered with one of the options."""
    return Question(id, text, "choice", options, default, "")


def device(id: str) -> Target:
    """Lets this device do it."""
    return Target_Device(id)


def agent(id: str) -> Target:
    """Lets this agent of the messaging door do it."""
    return Target_Agent(id)


def any_device(platform: str = "", labels: list[str] = []) -> Target:
    """Lets any device do it that is of this platform and has all these labels, each `key=value`."""
    return Target_Any(AnyTarget(platform, labels, ""))


def crop(x: int, y: int, width: int, height: int) -> ImageEdit:
    """Keeps only this part of a picture."""
    return ImageEdit_Crop(Rect(x, y, width, height, ""))


def resize(width: int, height: int) -> ImageEdit:
    """Scales a picture to this size."""
    return ImageEdit_Resize(Size(width, height, ""))


def concat(blob: str, side: str = "right") -> ImageEdit:
    """Puts another picture beside it: `right` or `below`."""
    return ImageEdit_Concat(Concat(blob, side, ""))


def mark(x: int, y: int, width: int, height: int, label: str = "", colour: str = "") -> ImageEdit:
    """Draws a frame with a label; `colour` is `#rrggbb`."""
    return ImageEdit_Mark(Mark(Rect(x, y, width, height, ""), label, colour, ""))


def plan_step(text: str, done: bool = False) -> PlanStep:
    """A step of a plan."""
    return PlanStep(text, done, "")
