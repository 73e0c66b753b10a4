"""Lets a run be written as one generator: it goes on inside `step`, what it sends becomes the actions of the step, and
what the host tells it is what its `yield`s give.

    class Run(hangar.Run):
        def begin(self, cx, start):
            yield cx.ask(set_timer(1_000))
            return finish("Good morning")
"""

import json
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from componentize_py_types import Err

from contract import check, fail, to_json
from wit_world.imports.actions import Action, ActionBody, ActionBody_Emit, ActionBody_Fail, ActionBody_Finish, Emit
from wit_world.imports.events import Event, EventBody, EventBody_Cancel, EventBody_Refused, Start
from wit_world.imports.session import RunInfo
from wit_world.imports.values import Failure

T = TypeVar("T")


@dataclass(frozen=True)
class Wait:
    """What a run may yield: it goes on with the next event that answers one of these tokens."""

    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Rest(Wait):
    """A wait during which the run can be moved to another version of the plugin."""

    kept: Any


Outcome = ActionBody_Finish | ActionBody_Fail
Steps = Generator[Wait, Any, T]
"""What a function with `yield`s gives: call it as `result = yield from function(cx)`."""


class Refused(Exception):
    """Raised by a `yield` when the host did not carry out the action."""

    def __init__(self, why: Failure) -> None:
        super().__init__(why.text)
        self.code, self.text = why.code, why.text


class Cx:
    """What the author's function holds of its run."""

    def __init__(self, info: RunInfo, last_token: int = 0) -> None:
        self.info = info
        self._last_token = last_token
        self._sent: list[Action] = []
        self._arrived: list[Event] = []  # Those that nobody has waited for yet.

    def send(self, body: ActionBody) -> int:
        """Asks for something and gives the token that its answers will name."""
        check(body, ActionBody)
        self._last_token += 1
        self._sent.append(Action(self._last_token, body, ""))
        return self._last_token

    def tell(self, body: ActionBody) -> None:
        """Does something that has no answer."""
        check(body, ActionBody)
        self._sent.append(Action(0, body, ""))

    def emit(self, emit: Emit) -> None:
        """Shows something to those who watch."""
        self.tell(ActionBody_Emit(emit))

    def ask(self, body: ActionBody) -> Wait:
        """Asks for something; `yield` gives its answer."""
        return self.answer(self.send(body))

    def answer(self, *tokens: int) -> Wait:
        """`yield` gives the next event that answers one of these tokens."""
        return Wait(tokens)

    def news(self) -> Wait:
        """`yield` gives the next event that answers no action of ours."""
        return Wait((0,))

    def rest(self, token: int, keep: Any) -> Wait:
        """Like `answer`; meanwhile the run can be moved, and then goes on in `resume` with `keep`, which must be JSON.
        All else is forgotten then, answers to other tokens among it."""
        return Rest((token,), keep)

    def _take(self, wait: Wait) -> EventBody | None:
        for at, event in enumerate(self._arrived):
            if event.token in wait.tokens:
                return self._arrived.pop(at).body
        return None


class Run:
    """Drives the author's functions; the author's `Run` inherits it and says at least how to `begin`."""

    def begin(self, cx: Cx, start: Start) -> Steps[Outcome] | Outcome:
        """The whole run."""
        raise NotImplementedError

    def resume(self, cx: Cx, kept: Any, answer: Any) -> Steps[Outcome] | Outcome:
        """What is left of the run after a `rest`."""
        raise NotImplementedError

    def cancelled(self, reason: str) -> Outcome:
        """How to end when somebody wants the run to."""
        return fail("cancelled", f"The run was cancelled: {reason}")

    def __init__(self, info: RunInfo) -> None:
        self._follow(Cx(info), self._from_the_start())

    def step(self, event: Event) -> list[Action]:
        """Takes the event to the author's function, lets that go on as far as it can, and gives what it has sent."""
        if self._over:
            return []
        try:
            if isinstance(event.body, EventBody_Cancel):
                outcome = self.cancelled(event.body.value)
            else:
                self._cx._arrived.append(event)
                outcome = self._go_on()
            if outcome is not None:
                self._cx.tell(outcome)
        except BaseException as error:  # Whatever escaped from here would trap.
            outcome = _failed(error)
            self._cx.tell(outcome)
        self._over = outcome is not None
        sent, self._cx._sent = self._cx._sent, []
        return sent

    def save(self) -> bytes:
        """The token that the run rests upon, the last one that it has used, and what it wants to keep."""
        news = any(event.token == 0 for event in self._cx._arrived)
        if self._over or news or not isinstance(self._wait, Rest):
            raise Err(Failure("unsupported", "The run can only be moved while it rests", ""))
        try:
            saved = {"token": self._wait.tokens[0], "last_token": self._cx._last_token, "kept": self._wait.kept}
            return to_json(saved).encode()
        except Exception as error:
            raise Err(Failure("internal", f"What the run wants to keep is not JSON: {error}", "")) from error

    @classmethod
    def restore(cls, info: RunInfo, snapshot: bytes) -> "Run":
        """A run that rests as the saved one did."""
        try:
            saved = json.loads(snapshot)
            token, last_token, kept = saved["token"], saved["last_token"], saved["kept"]
            if type(token) is not int or type(last_token) is not int:
                raise TypeError("a token is not a number")
        except Exception as error:
            raise Err(Failure("invalid", f"This is no snapshot of the run: {error!r}", "")) from error
        run = cls(info)
        run._follow(Cx(info, last_token), run._from_the_rest(Rest((token,), kept)))
        return run

    def _follow(self, cx: Cx, steps: Steps[Outcome]) -> None:
        self._cx, self._steps, self._over = cx, steps, False
        self._wait = next(steps)

    def _from_the_start(self) -> Steps[Outcome]:
        start = yield self._cx.news()
        if not isinstance(start, Start):
            return fail("invalid", "The first event must be `start`")
        return (yield from _outcome(self.begin(self._cx, start)))

    def _from_the_rest(self, rest: Rest) -> Steps[Outcome]:
        answer = yield rest
        return (yield from _outcome(self.resume(self._cx, rest.kept, answer)))

    def _go_on(self) -> Outcome | None:
        while (body := self._cx._take(self._wait)) is not None:
            try:
                if isinstance(body, EventBody_Refused):
                    self._wait = self._steps.throw(Refused(body.value))
                else:
                    self._wait = self._steps.send(getattr(body, "value", None))  # `timer` has no value.
            except StopIteration as end:
                return end.value
            if not isinstance(self._wait, Wait):
                raise TypeError(f"A run yields what `cx.ask` and the like give, not {type(self._wait).__name__}; "
                                "functions with `yield` are called with `yield from`")
        return None


def _failed(error: BaseException) -> Outcome:
    traceback.print_exception(error)
    known = error.value if isinstance(error, Err) else error
    code, text = (known.code, known.text) if isinstance(known, (Failure, Refused)) else ("internal", str(known))
    return fail(code, str(text or type(known).__name__).encode(errors="replace").decode())


def _outcome(steps: Any) -> Steps[Outcome]:
    outcome = (yield from steps) if isinstance(steps, Generator) else steps
    if not isinstance(outcome, (ActionBody_Finish, ActionBody_Fail)):
        raise TypeError("A run returns `finish(...)` or `fail(...)`")
    return outcome
