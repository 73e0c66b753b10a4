"""The exports of a handler. It is called as the interface that has the resource `handler`."""

import json
import os
import sys

import author
from author import Meta as Meta
from contract import check
from handler import Message
from wit_world.imports.messages import Envelope, Verdict

handle = author.need("handle", "def handle(message, settings):", world="handler", other="run")


class Handler:
    """Asks the author's `handle` about one message after the other."""

    def __init__(self, settings: str) -> None:
        self._settings = json.loads(settings or "{}")

    def handle(self, envelopes: list[Envelope]) -> list[Verdict]:
        return [self._verdict(Message(envelope)) for envelope in envelopes]

    def _verdict(self, message: Message) -> Verdict:
        try:
            verdict = handle(message, self._settings)
            if verdict is None:
                raise TypeError("`handle` returned nothing; it gives a verdict on each message: `PASS`, "
                                "`reject(code, text)` and so on")
            check(verdict, Verdict, "A verdict")
        except BaseException as error:
            author.report(error)
            # What becomes of the messages is for the host to say. It takes the last words for the reason.
            print(author.explain(error), file=sys.stderr)
            os.abort()
        return verdict
