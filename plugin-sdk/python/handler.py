"""What a handler is given, and what it may say about it."""

import json
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from contract import as_list, check, to_json
from wit_world.imports import directory as clients
from wit_world.imports.directory import Entry, Filter
from wit_world.imports.messages import (
    Denial, Envelope, Hold, Party, Rejection, StartSession, Verdict, Verdict_Broadcast, Verdict_Deny, Verdict_Hold,
    Verdict_Pass, Verdict_Reject, Verdict_Replace, Verdict_Reply, Verdict_Route, Verdict_StartSession,
)


class Message:
    """A message on its way."""

    def __init__(self, envelope: Envelope) -> None:
        self.id: str = envelope.id
        self.kind: str = envelope.kind
        """`task`, `command`, `results`, `task-end`, `chat`, `client-registered`, `client-gone`, or one of the
        `EXTENSIONS` in plugin.py."""
        self.time_ms: int = envelope.time_ms
        self.sender: Party = envelope.sender
        """Who sent it: `id` and `kind`, as registered."""
        self.receivers: list[Party] = envelope.receivers
        self.session_id: str = envelope.session_id
        self.door: str = envelope.door
        """Where it came in: `aip`, `http`, `sessions`, `messaging` or `run`."""
        self.blobs: list[str] = envelope.blobs
        self.json: str = envelope.body
        """The message, as it came."""

    @cached_property
    def body(self) -> Any:
        """The message, parsed."""
        return json.loads(self.json)


PASS: Verdict = Verdict_Pass()
"""Let it go on as it is."""

BROADCAST: Verdict = Verdict_Broadcast()
"""Send it to everyone that may receive it."""


def replace(body: Any) -> Verdict:
    """Let this go on in its place."""
    return Verdict_Replace(to_json(body))


def reply(body: Any) -> Verdict:
    """Send this to the sender, and stop the message."""
    return Verdict_Reply(to_json(body))


def reject(code: str, text: str) -> Verdict:
    """Stop it and tell the sender why; `code` is `denied`, `invalid`, `limit` and so on."""
    return Verdict_Reject(Rejection(code, text, ""))


def route(ids: Iterable[str]) -> Verdict:
    """Send it to these clients of the directory."""
    return Verdict_Route(as_list(ids, "ids"))


def hold(receiver: str = "", timeout_ms: int | None = None) -> Verdict:
    """Keep it until the receiver is there, or any that fits, or the time is up."""
    return Verdict_Hold(Hold(receiver, timeout_ms, ""))


def start_session(behaviour: str, executor: str = "") -> Verdict:
    """Let a behaviour answer it, on this device if one is named."""
    return Verdict_StartSession(StartSession(behaviour, executor, ""))


def deny(reasons: dict[str, str]) -> Verdict:
    """Take calls out of a `command`: why, by the id of the call. The rest goes on."""
    return Verdict_Deny([Denial(call_id, reason, "") for call_id, reason in reasons.items()])


class directory:
    """Who is there, as far as the messages of this call may reach. What is left out of a search does not restrict."""

    @staticmethod
    def version() -> int:
        """Changes whenever the directory does."""
        return clients.version()

    @staticmethod
    def get(id: str) -> Entry | None:
        """One client."""
        return clients.get(id)

    @staticmethod
    def find(kind: str = "", platform: str = "", capabilities: list[str] = [], labels: list[str] = []
             ) -> Iterator[Entry]:
        """The clients of this kind and platform with all these capabilities and labels, each `key=value`."""
        wanted, cursor = _filter(kind, platform, capabilities, labels), None
        while True:
            page = clients.page(wanted, cursor, 100)
            yield from page.entries
            if (cursor := page.next) is None:
                return

    @staticmethod
    def pick(policy: str = "random", kind: str = "", platform: str = "", capabilities: list[str] = [],
             labels: list[str] = [], exclude: list[str] = []) -> Entry | None:
        """One client that is online and fits, by `random`, `round_robin`, `least_outstanding` or `sticky:<key>`."""
        check(policy, str, "policy")
        return clients.pick(policy, _filter(kind, platform, capabilities, labels), as_list(exclude, "exclude"))


def _filter(kind: str, platform: str, capabilities: list[str], labels: list[str]) -> Filter:
    made = Filter(kind, platform, capabilities, labels, "")
    check(made, Filter)
    return made
