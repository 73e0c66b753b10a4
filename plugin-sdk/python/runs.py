"""The exports of a behaviour. It is called as the interface that has the resource `run`."""

import json
from collections.abc import Callable, Generator
from typing import Any

from componentize_py_types import Err

import author
import plugin
from author import Meta as Meta
from behaviour import Cx
from builders import Finish, finish
from contract import to_json
from failures import Cancelled, Fail, ModelFailed
from waits import Rest, Wait
from wit_world.imports.actions import Action
from wit_world.imports.events import Event, EventBody_Cancel, EventBody_Start
from wit_world.imports.session import RunInfo
from wit_world.imports.values import Failure

CANCELLED_WAITS = 100
"""So often a cancelled run may wait again before it is ended."""

FORM = "hangar.py 1"
"""Tells snapshots from those of other languages."""

run = author.need("run", "def run(cx):", world="behaviour", other="handle")
if hasattr(plugin, "resume"):
    author.need("resume", "def resume(cx, kept, rest):", world="run that can be moved", other="handle")
    if not hasattr(plugin, "SNAPSHOT"):
        raise SystemExit("plugin.py has a `resume`, but no `SNAPSHOT`, without which no run is moved\n"
                         "fix: write `SNAPSHOT = 1`, the number of the form of what it keeps")

Steps = Generator[Wait, Any, Any]


class Run:
    """Drives the author's `run`: it goes on inside `step` until it waits for something that has not come."""

    def __init__(self, info: RunInfo) -> None:
        self._cx = Cx(info)
        self._steps: Steps | None = None
        self._wait: Wait | None = None  # None before the first one.
        self._moved_by: bytes | None = None  # The snapshot it came from, until it is told something.
        self._cancelled_waits = 0
        self._over = False

    def step(self, event: Event) -> list[Action]:
        if self._over:
            return []
        self._moved_by = None
        try:
            outcome = self._take(event)
            if outcome is not None:
                self._cx.end(outcome)
        except BaseException as error:  # Whatever escaped from here would trap.
            author.report(error)
            outcome = Fail("internal", author.explain(error))
            self._cx.end(outcome)
        self._over = outcome is not None
        return self._cx.take_sent()

    def save(self) -> bytes:
        """What the run wants to keep, and which answer it waits for."""
        if self._moved_by is not None:
            return self._moved_by
        if self._over or self._cx.has_news() or not isinstance(self._wait, Rest):
            raise Err(Failure("unsupported", "The run can only be moved while it rests: see `cx.rest`", ""))
        try:
            wait = self._wait.wait
            saved = {"kind": wait.kind, "token": wait.token, "counts": self._cx.counts, "kept": self._wait.kept}
            return to_json({"form": FORM, **saved}).encode()
        except Exception as error:
            raise Err(Failure("internal", f"What `cx.rest` is to keep is not JSON: {error}", "")) from None

    @classmethod
    def restore(cls, info: RunInfo, snapshot: bytes) -> "Run":
        """A run that rests as the saved one did."""
        if not hasattr(plugin, "resume"):
            raise Err(Failure("unsupported", "plugin.py has no `def resume(cx, kept, rest):`", ""))
        moved = cls(info)
        try:
            saved = json.loads(snapshot)
            if saved["form"] != FORM:
                raise ValueError(f"its form is {saved['form']!r}")
            moved._cx.counts |= {name: int(saved["counts"][name]) for name in moved._cx.counts}
            rest = moved._cx.again(saved["kind"], int(saved["token"]), saved["kept"])
        except Exception as error:
            raise Err(Failure("invalid", f"This is no snapshot of a run in Python: {error!r}", "")) from None
        moved._steps = _steps(plugin.resume, moved._cx, rest.kept, rest)
        moved._moved_by = snapshot
        return moved

    def _take(self, event: Event) -> Finish | Fail | None:
        self._cx.now_ms = event.time_ms
        self._cx.send_given_up()
        try:
            match event.body:
                case EventBody_Start(start):
                    self._cx.start = start
                    self._steps = _steps(run, self._cx)
                case EventBody_Cancel(reason):
                    self._cx.cancelled = reason
                case body:
                    self._cx.deliver(event.token, body)
            while self._may_go_on():
                self._wait = self._go_on()
            return None
        except StopIteration as end:
            given = end.value
        except Cancelled as cancelled:
            return Fail("cancelled", f"The run was cancelled: {cancelled.reason}")
        except Fail as failure:
            if type(failure) is not Fail:  # Nobody meant this to be the end.
                author.report(failure)
            return failure.as_fail() if isinstance(failure, ModelFailed) else failure
        return _outcome(given)

    def _may_go_on(self) -> bool:
        return self._wait is None or self._cx.cancelled is not None or self._wait.settle()

    def _go_on(self) -> Wait:
        """Lets the author's function go on to its next `yield`."""
        error, value = (None, None) if self._wait is None else (self._wait.error, self._wait.value)
        if self._cx.cancelled is not None and self._wait is not None:
            error = Cancelled(self._cx.cancelled)
            self._cancelled_waits += 1
            if self._cancelled_waits > CANCELLED_WAITS:
                raise error
        wait = self._steps.throw(error) if error else self._steps.send(value)
        while not isinstance(wait, Wait):
            wait = self._steps.throw(TypeError(
                f"A run yields what `cx.command(...)` and the like give, not a {type(wait).__name__}; functions of "
                "your own that have a `yield` are called with `yield from`"))
        return wait


def _steps(function: Callable[..., Any], *arguments: Any) -> Steps:
    """The author's function as a generator, even if it has nothing to wait for."""
    given = function(*arguments)
    return (yield from given) if isinstance(given, Generator) else given


def _outcome(given: Any) -> Finish | Fail:
    if isinstance(given, str):
        return finish(given)
    if not isinstance(given, (Finish, Fail)):
        what = "something that it has not waited for" if isinstance(given, Wait) else repr(given)
        raise TypeError(f"`run` returned {what}; it ends with `return \"text\"`, `return finish(...)` or "
                        "`return fail(...)`, and what `cx.command(...)` and the like give is waited for with `yield`")
    return given
