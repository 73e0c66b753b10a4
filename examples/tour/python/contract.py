"""The records of the contract under their own names, with defaults, each in the case that it belongs to. What they mean
is told where the records are."""

import json
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin

from wit_world.imports.actions import (
    ActionBody, ActionBody_AskModel, ActionBody_AskUser, ActionBody_CallTools, ActionBody_CancelAction,
    ActionBody_Delegate, ActionBody_EditImage, ActionBody_Fail, ActionBody_Finish, ActionBody_ListTools,
    ActionBody_Progress, ActionBody_RunCommands, ActionBody_SetTimer, ActionBody_StoreGet, ActionBody_StorePut,
    AnyTarget, AskModel, AskUser, Call, Concat, Delegate, EditImage, Emit, Emit_EnvironmentInput, Emit_FinalAnswer,
    Emit_FinalAnswerDelta, Emit_PlanFinish, Emit_PlanStart, Emit_PlanUpdate, Emit_Status, Emit_System, Emit_Thinking,
    EnvironmentInput, Fail, FinalAnswer, Finish, HistoryRange, ImageEdit, ImageEdit_Concat, ImageEdit_Crop,
    ImageEdit_Mark, ImageEdit_Resize, ListTools, Mark, Message, ModelInput, ModelInput_History, ModelInput_Message,
    Notice, PlanStep, Progress, Question, Rect, ResponseFormat, ResponseFormat_Text, RunCommands, Size, StorePut,
    Target, Target_Any, ToolScope, ToolSet,
)
from wit_world.imports.values import (
    File, Image, Named, Part, Part_File, Part_Image, Part_Text, Part_ToolResult, Tool, ToolContent, ToolContent_Text,
    ToolResult,
)


def to_json(value: Any) -> str:
    """JSON without needless spaces and escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def check(value: Any, wanted: Any, where: str = "An action") -> None:
    """Raises where a value does not have the type that the contract wants; later, it would be a trap without a line."""
    if get_origin(wanted) is Union:
        wanted = next((case for case in get_args(wanted) if type(value) is case), get_args(wanted)[0])
    origin = get_origin(wanted) or wanted
    if not (isinstance(value, origin) or origin is float and isinstance(value, int)):
        raise TypeError(f"{where} must be of type {origin.__name__.split('_')[0]}, not {value!r}")
    if origin is list:
        for each in value:
            check(each, get_args(wanted)[0], f"What is in {where}")
    elif is_dataclass(origin):
        for field in fields(origin):
            check(getattr(value, field.name), field.type, f"{origin.__name__}.{field.name}")
    elif origin is str:
        value.encode()  # Not every string can be: JSON may hold halves of characters.
    elif origin is int and not (-(2**31) if where in ("Rect.x", "Rect.y") else 0) <= value < 2**32:
        raise OverflowError(f"{where} is out of range: {value}")


def named(kind: str, body: Any) -> Named:
    return Named(kind, to_json(body))

def image(blob: str, description: str = "") -> Part:
    return Part_Image(Image(blob, description, ""))

def file(blob: str, name: str) -> Part:
    return Part_File(File(blob, name, ""))

def tool_result(call_id: str, tool: str, content: list[str | ToolContent], failed: bool = False) -> Part:
    content = [ToolContent_Text(piece) if isinstance(piece, str) else piece for piece in content]
    return Part_ToolResult(ToolResult(call_id, tool, content, failed, ""))

def tool_set(agent: str, process: str = "", root: str = "") -> ToolSet:
    return ToolSet(agent, process, root, "")

def list_tools(scope: ToolScope, tool_type: str = "") -> ActionBody:
    return ActionBody_ListTools(ListTools(scope, tool_type, ""))

def call(call_id: str, tool: str, parameters: dict | str, timeout_ms: int | None = None,
         tool_type: str = "action") -> Call:
    """`parameters` may be JSON already."""
    parameters = parameters if isinstance(parameters, str) else to_json(parameters)
    return Call(call_id, tool, tool_type, parameters, timeout_ms, "")

def run_commands(tool_set: ToolSet, calls: list[Call]) -> ActionBody:
    return ActionBody_RunCommands(RunCommands(tool_set, calls, ""))

def call_tools(calls: list[Call]) -> ActionBody:
    return ActionBody_CallTools(calls)

def message(role: str, *parts: str | Part) -> ModelInput:
    return ModelInput_Message(Message(role, _parts(parts), ""))

def history(first_turn: int = 0, end_turn: int | None = None, max_images: int | None = None) -> ModelInput:
    return ModelInput_History(HistoryRange(first_turn, end_turn, max_images, ""))

def ask_model(messages: list[ModelInput], tools: list[Tool] = [], *, model: str = "", tool_choice: str = "auto",
              engine: str = "", response_format: ResponseFormat = ResponseFormat_Text(),
              temperature: float | None = None, top_p: float | None = None, stop: list[str] = [],
              max_output_tokens: int | None = None, show: str = "text") -> ActionBody:
    return ActionBody_AskModel(AskModel(model, messages, tools, tool_choice, engine, response_format, temperature,
                                        top_p, stop, max_output_tokens, show, ""))

def question(id: str, text: str, kind: str = "text", options: list[str] = [],
             default_value: str | None = None) -> Question:
    return Question(id, text, kind, options, default_value, "")

def ask_user(*questions: Question, timeout_ms: int | None = None) -> ActionBody:
    return ActionBody_AskUser(AskUser(list(questions), timeout_ms, ""))

def any_target(platform: str = "", labels: list[str] = []) -> Target:
    return Target_Any(AnyTarget(platform, labels, ""))

def delegate(target: Target, *request: str | Part, behaviour: str = "", timeout_ms: int | None = None) -> ActionBody:
    return ActionBody_Delegate(Delegate(target, _parts(request), behaviour, timeout_ms, ""))

def set_timer(ms: int) -> ActionBody:
    return ActionBody_SetTimer(ms)

def edit_image(source: str, *edits: ImageEdit) -> ActionBody:
    return ActionBody_EditImage(EditImage(source, list(edits), ""))

def rect(x: int, y: int, width: int, height: int) -> Rect:
    return Rect(x, y, width, height, "")

def crop(rect: Rect) -> ImageEdit:
    return ImageEdit_Crop(rect)

def resize(width: int, height: int) -> ImageEdit:
    return ImageEdit_Resize(Size(width, height, ""))

def concat(blob: str, side: str = "right") -> ImageEdit:
    return ImageEdit_Concat(Concat(blob, side, ""))

def mark(rect: Rect, label: str = "", colour: str = "") -> ImageEdit:
    return ImageEdit_Mark(Mark(rect, label, colour, ""))

def store_get(key: str) -> ActionBody:
    return ActionBody_StoreGet(key)

def store_put(key: str, value: str | None) -> ActionBody:
    return ActionBody_StorePut(StorePut(key, value, ""))

def cancel_action(token: int) -> ActionBody:
    return ActionBody_CancelAction(token)

def progress(agent_step: int, summary: str, results: list[Any] = []) -> ActionBody:
    return ActionBody_Progress(Progress(agent_step, summary, [to_json(result) for result in results], ""))

def finish(text: str, results: list[Any] = [], state: bytes = b"") -> ActionBody:
    return ActionBody_Finish(Finish(text, [to_json(result) for result in results], state, ""))

def fail(code: str, text: str, results: list[Any] = []) -> ActionBody:
    return ActionBody_Fail(Fail(code, text, [to_json(result) for result in results], ""))

def status(text: str) -> Emit:
    return Emit_Status(text)

def thinking(text: str) -> Emit:
    return Emit_Thinking(text)

def plan_step(text: str, done: bool = False) -> PlanStep:
    return PlanStep(text, done, "")

def plan_start(steps: list[PlanStep]) -> Emit:
    return Emit_PlanStart(steps)

def plan_update(steps: list[PlanStep]) -> Emit:
    return Emit_PlanUpdate(steps)

def plan_finish(text: str) -> Emit:
    return Emit_PlanFinish(text)

def final_answer(text: str, title: str = "", format: str = "", message_id: str = "") -> Emit:
    return Emit_FinalAnswer(FinalAnswer(text, title, format, message_id, ""))

def final_answer_delta(text: str, title: str = "", format: str = "", message_id: str = "") -> Emit:
    return Emit_FinalAnswerDelta(FinalAnswer(text, title, format, message_id, ""))

def environment_input(*parts: str | Part, description: str = "", kind: str = "text") -> Emit:
    return Emit_EnvironmentInput(EnvironmentInput(_parts(parts), description, kind, ""))

def system(text: str, level: str = "info") -> Emit:
    return Emit_System(Notice(level, text, ""))

def _parts(given: tuple[str | Part, ...]) -> list[Part]:
    return [Part_Text(part) if isinstance(part, str) else part for part in given]
