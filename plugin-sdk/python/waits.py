"""What a run waits for."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from answers import MORE, READ
from failures import Fail, Refused, TimedOut
from wit_world.imports.events import EventBody, EventBody_ChildUpdate, EventBody_Refused

if TYPE_CHECKING:
    from behaviour import Cx

T = TypeVar("T")


class Wait(Generic[T]):
    """What `cx.command(...)` and the like give: `x = yield cx.command(...)` goes on when the answer has come.

    The host is asked at once, so several things can be under way: call first, and `yield` one after the other later."""

    value: Any = None
    """What `yield` gives once the wait is over."""
    error: Fail | None = None
    """What `yield` raises instead."""

    def settle(self) -> bool:
        """Does what follows from the answers so far, and says whether the wait is over."""
        raise NotImplementedError

    def give_up(self, why: Fail) -> None:
        """Ends the wait with this error, unless it is over."""
        raise NotImplementedError

    def _forgotten(self, *_: Any) -> NoReturn:
        raise TypeError("This has not been waited for: write `yield` (and not `yield from`) before it, as in "
                        "`x = yield cx.command(...)`")

    # Who uses it as if it were the answer has forgotten the `yield`.
    __getattr__ = __getitem__ = __iter__ = __len__ = __bool__ = __str__ = __contains__ = _forgotten


class Asked(Wait[Any]):
    """Waits for the answer to one action."""

    def __init__(self, cx: "Cx", kind: str, token: int, on_update: Callable[[Any], Any] | None = None) -> None:
        self.kind, self.token, self.over = kind, token, False
        self._cx, self._on_update = cx, on_update

    def settle(self) -> bool:
        return self.over

    def give_up(self, why: Fail) -> None:
        if not self.over:
            self._cx.give_up(self.token)
            self.over, self.error = True, why

    def take(self, body: EventBody) -> None:
        """Takes an event that answers the action."""
        if isinstance(body, EventBody_ChildUpdate) and self._on_update:
            self._on_update(body.value)
        try:
            if isinstance(body, EventBody_Refused):
                raise Refused(body.value.code, body.value.text)
            self.value = READ[self.kind](getattr(body, "value", None))  # `timer` has no value.
        except Fail as error:
            self.error = error
        self.over = self.value is not MORE


class News(Wait[Any]):
    """Waits for an event that answers no action."""

    kind, token = "news", 0

    def __init__(self, arrived: list[EventBody]) -> None:
        self._arrived, self._over = arrived, False

    def settle(self) -> bool:
        if not self._over and self._arrived:
            self.value, self._over = self._arrived.pop(0).value, True
        return self._over

    def give_up(self, why: Fail) -> None:
        if not self._over:
            self.error, self._over = why, True


class All(Wait[Any]):
    """Waits for several; gives a list in their order. Raises the first error among them when all are over."""

    def __init__(self, waits: Sequence[Wait]) -> None:
        self._waits = waits

    def settle(self) -> bool:
        over = [wait.settle() for wait in self._waits]
        self.value = [wait.value for wait in self._waits]
        self.error = next((wait.error for wait in self._waits if wait.error), None)
        return all(over)

    def give_up(self, why: Fail) -> None:
        for wait in self._waits:
            wait.give_up(why)


class Timeout(Wait[Any]):
    """Waits for another until the time is up, and gives up whichever comes second."""

    def __init__(self, ms: int, timer: Wait, wait: Wait) -> None:
        self._late, self._timer, self._wait = TimedOut(ms), timer, wait

    def settle(self) -> bool:
        if self._wait.settle():
            self._timer.give_up(self._late)
        elif self._timer.settle():
            self.give_up(self._late)
        else:
            return False
        self.value, self.error = self._wait.value, self.error or self._wait.error
        return True

    def give_up(self, why: Fail) -> None:
        self.error = why
        self._timer.give_up(why)
        self._wait.give_up(why)


class Rest(Wait[Any]):
    """Waits for another; meanwhile the run can be moved to another version of the plugin."""

    def __init__(self, wait: Asked | News, kept: Any) -> None:
        self.wait, self.kept = wait, kept

    def settle(self) -> bool:
        over = self.wait.settle()
        self.value, self.error = self.wait.value, self.wait.error
        return over

    def give_up(self, why: Fail) -> None:
        self.wait.give_up(why)
