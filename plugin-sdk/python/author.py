"""The author's `plugin.py`: what it must have, what it says about itself, and where in it something went wrong."""

import inspect
import os
import traceback
from collections.abc import Callable
from typing import Any

from componentize_py_types import Err

import host  # Before `plugin`, which might take `time.sleep` as it is.
import plugin
from contract import to_json
from hangar_identity import IDENTITY

host.connect_log()

PLACE = os.path.dirname(plugin.__file__) + "/"


def need(name: str, form: str, world: str, other: str) -> Any:
    """The author's function of this name; ends the build if there is none."""
    function = getattr(plugin, name, None)
    if not callable(function):
        or_else = f"; or is it of the other world, since it has `{other}`? Then change `world` in plugin.toml"
        raise SystemExit(f"plugin.py has no function `{name}`, which every {world} needs\nfix: write `{form}`"
                         + or_else * hasattr(plugin, other))
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        line = function.__code__.co_firstlineno
        raise SystemExit(f"plugin.py, line {line}: `{name}` is an `async def`, which nothing can run here\n"
                         f"fix: write `{form}`, and `yield` instead of `await`")
    return function


def _must_be(name: str, what: str, fits: Callable[[Any], bool], form: str) -> None:
    """Ends the build where what plugin.py has under this name is something else."""
    given = getattr(plugin, name, None)
    if hasattr(plugin, name) and not fits(given):
        raise SystemExit(f"`{name}` in plugin.py must be {what}, not {given!r}\nfix: write `{form}`")


_must_be("EXTENSIONS", "a list of strings", lambda given: isinstance(given, (list, tuple)) and
         all(isinstance(each, str) for each in given), 'EXTENSIONS = ["example.greeting"]')
_must_be("SNAPSHOT", "a whole number", lambda given: type(given) is int and given >= 0, "SNAPSHOT = 1")


INSTEAD = {
    "asyncio/": "a plugin has no event loop: wait with `yield`, for several things at once with `yield cx.all(...)`",
    "socket.py": "a plugin has no network: ask the host, with `yield cx.call_tools(...)` or `yield cx.command(...)`",
    "threading.py": "a plugin has no threads: several waits can be under way at once, see `cx.all(...)`",
}
"""What to do instead of what fails in these modules of Python; the first one counts, since asyncio has sockets."""


class Meta:
    """What the plugin says about itself: what plugin.toml says, and what the code knows."""

    def describe(self) -> str:
        known = {"extensions": getattr(plugin, "EXTENSIONS", [])}
        if hasattr(plugin, "SNAPSHOT"):
            known["snapshot"] = plugin.SNAPSHOT
        return to_json({**IDENTITY, **known})

    def self_test(self) -> None:
        try:
            getattr(plugin, "self_test", lambda: None)()
        except BaseException as error:
            report(error)
            raise Err(explain(error)) from None


def explain(error: BaseException) -> str:
    """What went wrong, with the place in the author's code."""
    if isinstance(error, ModuleNotFoundError):
        what = (f"`import {error.name}` cannot work while a plugin runs, for there are no files: put it at the top of "
                "plugin.py, outside of all functions")
    else:
        what = f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    what += next((f"; {hint}" for module, hint in INSTEAD.items()
                  if any(f"/python/{module}" in frame.filename for frame in frames)), "")
    places = [frame for frame in frames if frame.filename.startswith(PLACE)]
    where = f" ({places[-1].filename.removeprefix(PLACE)}, line {places[-1].lineno})" if places else ""
    return (what + where).encode(errors="replace").decode()


def report(error: BaseException) -> None:
    """Writes the traceback to the log, from the author's code on."""
    trace = error.__traceback__
    while trace and not trace.tb_frame.f_code.co_filename.startswith(PLACE):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))
    host.log.error("%s", text.replace(PLACE, ""))
