"""What a behaviour holds of its run: `cx`."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import builders
import host
from answers import Ended, ModelAnswer, Reply, Result
from contract import as_list, as_parts, as_results, check, to_json
from failures import Fail
from waits import All, Asked, News, Rest, Timeout, Wait
from wit_world.imports import actions
from wit_world.imports.actions import (
    Action, ActionBody, Call, Emit, Finish, ImageEdit, ModelInput, PlanStep, Question, Target,
)
from wit_world.imports.events import BlobReady, ChildUpdate, EventBody, Start
from wit_world.imports.session import RunInfo
from wit_world.imports.values import Named, Part, Part_Text, Tool, ToolCall

T = TypeVar("T")

NEWS = 64
"""So many news are kept that nobody has waited for, the newest ones."""

GIVEN_UP_WITHIN = 32
"""What is given up beyond so many actions of a step waits for a later one: the host allows few more in all."""


class Cx:
    """A run: what it is asked for, what it can wait for, and what it can show.

    A `Wait` is waited for with `yield`: `answer = yield cx.model("What is 6 times 7?")`; what the `yield` gives stands
    in its brackets. If the host does not do it, the `yield` raises `Refused`; once the run is to end, `Cancelled`."""

    def __init__(self, info: RunInfo) -> None:
        self.info = info
        """The run's surroundings: `run_id`, `executor`, `platform`, `models`, `budgets` and more."""
        self.settings: dict[str, Any] = json.loads(info.settings or "{}")
        """The plugin's settings, checked against plugin.toml, defaults filled in."""
        self.start: Start | None = None
        """What the run began with: `turn`, `input`, `environment`, `history`, `state`. None in `resume`."""
        self.now_ms = 0
        """The time, in milliseconds since 1970. It stands still between two `yield`s."""
        self.log = host.log
        """The plugin's log: `cx.log.info("...")`."""
        self.cancelled: str | None = None
        """Why the run is to end, once it is."""
        self.counts = {"token": 0, "call": 0, "progress": 0}
        """The last numbers given to actions, calls and agent steps."""
        self._sent: list[Action] = []
        self._waiting: dict[int, Asked] = {}
        self._news: list[EventBody] = []
        self._given_up: list[int] = []

    @property
    def request(self) -> str:
        """The text of what is asked for."""
        parts = self.start.input if self.start else []
        return "".join(part.value for part in parts if isinstance(part, Part_Text))

    # What can be waited for.

    def command(self, agent: str | actions.ToolSet, call: Call | ToolCall) -> Wait[Result]:
        """Runs one command on the device: `yield cx.command("LinuxAgent", call("execute_command", {...}))`."""
        return self._ask("result", self._commands(agent, [call]))

    def commands(self, agent: str | actions.ToolSet, *calls: Call | ToolCall) -> Wait[list[Result]]:
        """Runs commands on the device, in order. After a failure the rest is skipped."""
        return self._ask("results", self._commands(agent, calls))

    def tools(self, scope: str | actions.ToolSet | actions.ToolScope, tool_type: str = "") -> Wait[list[Tool]]:
        """Which tools an agent of the device has, the `HOST`, or whom `delegate` can reach (`DELEGATES`)."""
        return self._ask("tools", actions.ActionBody_ListTools(
            actions.ListTools(builders.as_scope(scope), tool_type, "")))

    def call_tools(self, *calls: Call | ToolCall) -> Wait[list[Result]]:
        """Calls tools of the host and its MCP servers, possibly at the same time."""
        return self._ask("results", actions.ActionBody_CallTools(self._calls(calls)))

    def model(self, *messages: str | ModelInput, tools: list[Tool] = [], model: str = "", tool_choice: str = "",
              engine: str = "", response_format: str | dict[str, Any] = "text", temperature: float | None = None,
              top_p: float | None = None, stop: list[str] = [], max_output_tokens: int | None = None,
              show: str = "text") -> Wait[ModelAnswer]:
        """Asks a model. Raises `ModelFailed` if it gives no full answer.

        A message is plain text or `message.system(...)` and so on. `response_format` is `text`, `json` or a JSON
        Schema; `show` is what watchers see while it speaks: `hidden`, `text` or `text+thinking`."""
        return self._ask("model", actions.ActionBody_AskModel(actions.AskModel(
            model, list(map(builders.as_input, messages)), as_list(tools, "tools"), tool_choice, engine,
            builders.as_format(response_format), temperature, top_p, as_list(stop, "stop"), max_output_tokens, show,
            "")))

    def ask(self, *questions: Question, timeout_ms: int | None = None) -> Wait[Reply]:
        """Asks the user; the questions are `question(...)`, `confirm(...)` and `choice(...)`."""
        return self._ask("reply", actions.ActionBody_AskUser(actions.AskUser(list(questions), timeout_ms, "")))

    def confirm(self, text: str, default: str | None = None, timeout_ms: int | None = None) -> Wait[bool]:
        """Asks the user for a yes. Who does not answer has not said it, unless `default` is `yes`."""
        asked = actions.AskUser([builders.confirm("confirm", text, default)], timeout_ms, "")
        return self._ask("confirmed", actions.ActionBody_AskUser(asked))

    def sleep(self, ms: int) -> Wait[None]:
        """Lets time pass."""
        return self._ask("timer", actions.ActionBody_SetTimer(ms))

    def delegate(self, target: Target, *request: str | Part, behaviour: str = "", timeout_ms: int | None = None,
                 on_update: Callable[[ChildUpdate], Any] | None = None) -> Wait[Ended]:
        """Lets a `device(...)`, an `agent(...)` or `any_device(...)` do something. `on_update` hears of its progress
        as it comes; it is an ordinary function."""
        body = actions.Delegate(target, as_parts(request), behaviour, timeout_ms, "")
        return self._ask("ended", actions.ActionBody_Delegate(body), on_update)

    def edit_image(self, source: str, *edits: ImageEdit) -> Wait[BlobReady]:
        """Changes a picture with `crop(...)`, `resize(...)`, `concat(...)` and `mark(...)`."""
        return self._ask("image", actions.ActionBody_EditImage(actions.EditImage(source, list(edits), "")))

    def store_get(self, key: str) -> Wait[str | None]:
        """Reads from the plugin's own store."""
        return self._ask("stored", actions.ActionBody_StoreGet(key))

    def store_put(self, key: str, value: str | None) -> Wait[str | None]:
        """Writes to the plugin's own store, which all its runs share, and gives what is there now. None removes the
        key."""
        return self._ask("stored", actions.ActionBody_StorePut(actions.StorePut(key, value, "")))

    def extension(self, kind: str, body: Any) -> Wait[Named]:
        """Asks for something that this version of the contract has no action for."""
        return self._ask("extension", actions.ActionBody_Extension(Named(kind, to_json(body))))

    def news(self) -> Wait[Named]:
        """Waits for something that the host says by itself. It says only what `EXTENSIONS` in plugin.py lists."""
        return News(self._news)

    def all(self, *waits: Wait) -> Wait[list]:
        """Waits for all of them; what they give comes in their order. If some fail, the first of these errors is
        raised when all are over. To see to each error by itself, `yield` them one after the other."""
        return All([_wait(each) for each in waits])

    def timeout(self, ms: int, wait: Wait[T]) -> Wait[T]:
        """Waits so long at most, then gives the other wait up and raises `TimedOut`."""
        return Timeout(ms, self.sleep(ms), _wait(wait))

    def rest(self, wait: Wait[T], keep: Any = None) -> Wait[T]:
        """Waits for this one thing, and meanwhile lets the run be moved to a new version of the plugin. It goes on
        there with `def resume(cx, kept, rest)` in plugin.py, where `yield rest` gives the answer; plugin.py also has
        to say `SNAPSHOT = 1`. `keep` must be what JSON can hold; all else is forgotten by the move."""
        if not isinstance(wait, (Asked, News)):
            raise TypeError("`cx.rest` takes a single wait, such as `cx.sleep(ms)`, not several at once")
        return Rest(wait, keep)

    # What can be shown; it has no answer.

    def status(self, text: str) -> None:
        """What the run is doing, in a few words."""
        self.emit(actions.Emit_Status(text))

    def thinking(self, text: str) -> None:
        """A thought."""
        self.emit(actions.Emit_Thinking(text))

    def plan_start(self, steps: list[str | PlanStep]) -> None:
        """A plan begins: all its steps, each a text or a `plan_step(text, done)`."""
        self.emit(actions.Emit_PlanStart(_plan(steps)))

    def plan_update(self, steps: list[str | PlanStep]) -> None:
        """The plan changed, or a step of it is done: all its steps."""
        self.emit(actions.Emit_PlanUpdate(_plan(steps)))

    def plan_finish(self, text: str) -> None:
        """The plan is done: a summary."""
        self.emit(actions.Emit_PlanFinish(text))

    def answer(self, text: str, title: str = "", format: str = "", message_id: str = "") -> None:
        """The answer, whole. Without one, the text of `finish` is shown as the answer. `format` is `markdown`, `text`
        or `html`."""
        self.emit(actions.Emit_FinalAnswer(actions.FinalAnswer(text, title, format, message_id, "")))

    def answer_delta(self, text: str, title: str = "", format: str = "", message_id: str = "") -> None:
        """The next piece of an answer. The whole has to follow."""
        self.emit(actions.Emit_FinalAnswerDelta(actions.FinalAnswer(text, title, format, message_id, "")))

    def environment_input(self, *parts: str | Part, description: str = "", kind: str = "text") -> None:
        """What the run saw; `kind` is `screenshot`, `text` or `codebase`."""
        self.emit(actions.Emit_EnvironmentInput(actions.EnvironmentInput(as_parts(parts), description, kind, "")))

    def notice(self, text: str, level: str = "info") -> None:
        """A notice; `level` is `info`, `warning` or `error`."""
        self.emit(actions.Emit_System(actions.Notice(level, text, "")))

    def raw(self, kind: str, body: Any) -> None:
        """An event of the plugin's own, for its own watchers."""
        self.emit(actions.Emit_Raw(Named(kind, to_json(body))))

    def progress(self, summary: str, results: list[Any] = []) -> None:
        """One more agent step is done. The results so far are kept if the run does not get further."""
        body = actions.Progress(self._next("progress"), summary, as_results(results), "")
        self.tell(actions.ActionBody_Progress(body))

    def emit(self, emit: Emit) -> None:
        """Shows something in the contract's own form."""
        self.tell(actions.ActionBody_Emit(emit))

    # For what is built upon this.

    def tell(self, body: ActionBody) -> None:
        """Does something that has no answer."""
        check(body, ActionBody)
        self._sent.append(Action(0, body, ""))

    def deliver(self, token: int, body: EventBody) -> None:
        """Takes an event to whoever waits for it. Nobody does when it was given up."""
        if token == 0:
            self._news.append(body)
            del self._news[:-NEWS]
        elif token in self._waiting:
            wait = self._waiting[token]
            wait.take(body)
            if wait.over:
                del self._waiting[token]

    def give_up(self, token: int) -> None:
        """Waits for the answer to an action no longer."""
        self._given_up.append(token)
        self.send_given_up()
        del self._waiting[token]

    def send_given_up(self) -> None:
        """Lets the host give up what nobody waits for, as far as there is room."""
        while self._given_up and len(self._sent) < GIVEN_UP_WITHIN:
            self.tell(actions.ActionBody_CancelAction(self._given_up.pop(0)))

    def end(self, outcome: Finish | Fail) -> None:
        """Ends the run. What was given up last ends with it anyway."""
        while self._sent and isinstance(self._sent[-1].body, actions.ActionBody_CancelAction):
            self._sent.pop()
        if isinstance(outcome, Finish):
            self.tell(actions.ActionBody_Finish(outcome))
        else:
            results = as_results(outcome.results)
            self.tell(actions.ActionBody_Fail(actions.Fail(outcome.code, outcome.text, results, "")))

    def take_sent(self) -> list[Action]:
        """The actions of this step."""
        sent, self._sent = self._sent, []
        return sent

    def has_news(self) -> bool:
        """Whether there is something that nobody has waited for yet."""
        return bool(self._news)

    def again(self, kind: str, token: int, kept: Any) -> Rest:
        """The wait of a run that was moved while it rested."""
        if kind == News.kind:
            return Rest(News(self._news), kept)
        self._waiting[token] = Asked(self, kind, token)
        return Rest(self._waiting[token], kept)

    def _ask(self, kind: str, body: ActionBody, on_update: Callable[[ChildUpdate], Any] | None = None) -> Wait[Any]:
        check(body, ActionBody)
        wait = Asked(self, kind, self._next("token"), on_update)
        if self.cancelled is None:  # From then on it would only be refused.
            self._sent.append(Action(wait.token, body, ""))
            self._waiting[wait.token] = wait
        return wait

    def _commands(self, agent: str | actions.ToolSet, calls: Any) -> ActionBody:
        return actions.ActionBody_RunCommands(actions.RunCommands(builders.as_tool_set(agent), self._calls(calls), ""))

    def _calls(self, calls: Any) -> list[Call]:
        return [builders.as_call(each, lambda: f"c{self._next('call')}") for each in calls]

    def _next(self, what: str) -> int:
        self.counts[what] += 1
        return self.counts[what]


def _wait(given: Any) -> Wait:
    if not isinstance(given, Wait):
        raise TypeError(f"This waits for what `cx.command(...)` and the like give, not for a {type(given).__name__}")
    return given


def _plan(steps: list[str | PlanStep]) -> list[PlanStep]:
    return [builders.plan_step(step) if isinstance(step, str) else step for step in as_list(steps, "steps")]
