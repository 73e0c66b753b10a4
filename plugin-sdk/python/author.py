"""The author's `plugin.py`: what it must have, what it says about itself, and where in it something went wrong."""

import inspect
import os
import traceback
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
    places = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(PLACE)]
    where = f" ({places[-1].filename.removeprefix(PLACE)}, line {places[-1].lineno})" if places else ""
    return (what + where).encode(errors="replace").decode()


def report(error: BaseException) -> None:
    """Writes the traceback to the log, from the author's code on."""
    trace = error.__traceback__
    while trace and not trace.tb_frame.f_code.co_filename.startswith(PLACE):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))
    host.log.error("%s", text.replace(PLACE, ""))
