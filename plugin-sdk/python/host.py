"""What the host lends to every plugin: its log, its blobs, and no time to sleep."""

import logging
import time
from typing import Any, NoReturn

from componentize_py_types import Err

from contract import check
from failures import Refused
from wit_world.imports import blob as blobs
from wit_world.imports import log as lines

log = logging.getLogger("plugin")
"""The plugin's log: `log.info("%d files", count)`. Whatever else uses `logging` writes there, too."""


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        levels = [(logging.ERROR, "error"), (logging.WARNING, "warn"), (logging.INFO, "info"), (logging.DEBUG, "debug")]
        level = next((name for least, name in levels if record.levelno >= least), "trace")
        for line in self.format(record).splitlines():
            lines.write(level, line.encode(errors="replace").decode())


def connect_log() -> None:
    """From here on `logging` writes to the plugin's log, which is not there yet while the component is built."""
    logging.basicConfig(handlers=[_Lines()], level=logging.NOTSET, format="%(message)s", force=True)


class blob:
    """Pictures, files and long strings, which the host keeps. A blob is named by its id."""

    @staticmethod
    def info(id: str) -> blobs.BlobInfo | None:
        """What is known of it: `mime`, `length` in bytes, and `width` and `height` of a picture. None if it is not
        there."""
        check(id, str, "id")
        return blobs.info(id)

    @staticmethod
    def read(id: str, offset: int = 0, length: int = 2**32 - 1) -> bytes:
        """Its bytes, or some of them. Read large ones in pieces."""
        for given, wanted, name in ((id, str, "id"), (offset, int, "offset"), (length, int, "length")):
            check(given, wanted, name)
        return _granted(blobs.read, id, offset, length)

    @staticmethod
    def create(mime: str, content: bytes | str) -> str:
        """Keeps new bytes and gives their id."""
        check(mime, str, "mime")
        if isinstance(content, str):
            check(content, str, "content")
            content = content.encode()
        check(content, bytes, "content")
        return _granted(blobs.create, mime, content)


def _granted(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Err as error:
        raise Refused(error.value.code, error.value.text) from None


def _no_sleep(_seconds: float) -> NoReturn:
    raise RuntimeError("`time.sleep` cannot work in a plugin, which never waits: a behaviour lets time pass with "
                       "`yield cx.sleep(ms)`")


time.sleep = _no_sleep
