"""What can go wrong in a plugin, as exceptions. One that nobody catches ends the run with its code and text."""

from collections.abc import Iterable
from typing import Any

from contract import as_list


class Fail(Exception):
    """The run did not do what was asked: `raise Fail("not-found", "There is no such file")`."""

    def __init__(self, code: str, text: str, results: Iterable[Any] = ()) -> None:
        """`code` is `invalid`, `unsupported`, `denied`, `limit`, `not-found`, `unreachable`, `timed-out`, `cancelled`
        or `internal`; `text` is for a person; `results` is what there is nevertheless, for programs."""
        super().__init__(text)
        self.code, self.text, self.results = code, text, as_list(results, "results")


class Refused(Fail):
    """The host did not do what it was asked for; `code` and `text` say why."""


class ModelFailed(Fail):
    """The model gave no full answer. `code` is `unreachable`, `rate-limited`, `refused`, `budget`, `cancelled`, `cut`
    or `invalid`."""

    def __init__(self, code: str, text: str, partial: str = "", retry_after_ms: int | None = None) -> None:
        super().__init__(code, text)
        self.partial = partial
        """What had come before it was cut."""
        self.retry_after_ms = retry_after_ms
        """When it makes sense to ask again, if the provider said so."""

    def as_fail(self) -> Fail:
        """How a run ends that does not catch it."""
        codes = {"cancelled": "cancelled", "budget": "limit", "rate-limited": "limit"}
        return Fail(codes.get(self.code, "unreachable"), f"The model gave no answer ({self.code}): {self.text}")


class TimedOut(Fail):
    """What `cx.timeout` waited for did not come in time."""

    def __init__(self, ms: int) -> None:
        super().__init__("timed-out", f"There was no answer within {ms} ms")


class Cancelled(BaseException):
    """The run is to end; `reason` says why, such as `user_requested`. Catch it to tidy up and to return what there is.

    Every wait raises it from then on. It is no `Exception`, so that `except Exception` does not swallow it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
