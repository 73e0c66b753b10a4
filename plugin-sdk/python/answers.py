"""What the host answers, in the form that a run gets it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from failures import ModelFailed
from wit_world.imports import events
from wit_world.imports.values import ToolCall

MORE = object()
"""Stands for an answer of which this is not the last event."""


@dataclass(frozen=True)
class Result:
    """What one call gave."""

    call_id: str
    status: str
    """`success`, `failure`, `skipped` (a call before it failed) or `none`."""
    payload: str
    """What the tool returned: JSON text. Pictures and long strings in it are `{"$blob": "<id>"}`."""
    error: str
    """Why it failed."""
    blobs: list[str]
    """The blobs that `payload` names."""

    @property
    def ok(self) -> bool:
        """Whether it did what it was called for."""
        return self.status == "success"

    @property
    def data(self) -> Any:
        """What the tool returned, parsed; None if it returned nothing."""
        return json.loads(self.payload or "null")


@dataclass(frozen=True)
class ModelAnswer:
    """What a model said."""

    content: str
    """What it said, without reasoning and tool calls."""
    tool_calls: list[ToolCall]
    """What it wants called: `cx.call_tools(*answer.tool_calls)`, or `cx.commands(...)` likewise."""
    raw: str
    """What it said, to the letter."""
    reasoning: str
    blobs: list[str]
    finish_reason: str
    """`stop`, `tool_calls`, `length` or `content_filter`."""
    model: str
    usage: events.Usage
    message_id: str

    @property
    def data(self) -> Any:
        """What it said, parsed as JSON."""
        return json.loads(self.content)


@dataclass(frozen=True)
class Reply:
    """What the user said."""

    outcome: str
    """`answered`, `timed-out`, `declined`, `nobody` or `cancelled`."""
    answers: dict[str, str]
    """By the id of the question; where the user gave none, the question's default if it has one."""


@dataclass(frozen=True)
class Ended:
    """How a delegated run ended."""

    status: str
    """`completed`, `failed` or `cancelled`."""
    text: str
    """Its answer in words."""
    results: list[Any]
    """Its results for programs."""
    error: str
    """Why it did not complete."""
    child: str
    """The id of the run."""

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked."""
        return self.status == "completed"


def _results(given: list[events.CallResult]) -> list[Result]:
    return [Result(each.call_id, each.status, each.payload, each.error, each.blobs) for each in given]


def _model(outcome: events.ModelOutcome) -> ModelAnswer:
    match outcome:
        case events.ModelOutcome_Answer(said):
            return ModelAnswer(said.content, said.tool_calls, said.raw, said.reasoning, said.blobs,
                               said.finish_reason, said.model, said.usage, said.message_id)
        case events.ModelOutcome_Error(error):
            raise ModelFailed(error.code, error.text, error.partial, error.retry_after_ms)
        case unknown:
            raise ModelFailed("unreachable", f"The model ended in a way that is not known here: {unknown.value.kind}")


def _reply(given: events.UserReply) -> Reply:
    return Reply(given.outcome, {answer.id: answer.value for answer in given.answers})


def _ended(news: events.ChildUpdate | events.ChildEnded) -> Ended | object:
    if isinstance(news, events.ChildUpdate):
        return MORE
    error = news.error.text if news.error else ""
    return Ended(news.status, news.text, [json.loads(result) for result in news.results], error, news.child)


def _stored(given: events.StoreValue) -> str | None:
    return given.value


def _itself(given: Any) -> Any:
    return given


READ: dict[str, Callable[[Any], Any]] = {
    "tools": _itself,
    "results": _results,
    "result": lambda given: _results(given)[0],
    "model": _model,
    "reply": _reply,
    "confirmed": lambda given: any(answer.value == "yes" for answer in given.answers),
    "ended": _ended,
    "timer": _itself,
    "image": _itself,
    "stored": _stored,
    "extension": _itself,
}
"""How what an event brings becomes what the run gets, by the kind of wait."""
