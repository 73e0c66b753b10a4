"""Values of the contract: their JSON, their types, and those that both worlds share."""

import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin

from wit_world.imports.values import File, Image, Named, Part, Part_Extension, Part_File, Part_Image, Part_Text


def to_json(value: Any) -> str:
    """JSON without needless spaces and escapes; it has no NaN."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def as_list(given: Any, what: str) -> list:
    """A list; a text or a dict would come apart without a word."""
    if isinstance(given, (str, bytes, dict)) or not isinstance(given, Iterable):
        raise TypeError(f"{what} must be a list, such as [{given!r}], not {given!r}")
    return list(given)


def as_results(given: Any) -> list[str]:
    """Results as JSON."""
    return [to_json(each) for each in as_list(given, "results")]


def check(value: Any, wanted: Any, where: str = "This") -> None:
    """Raises where a value does not have the type that the contract wants; later, it would be a trap without a line."""
    if get_origin(wanted) is Union:
        wanted = next((case for case in get_args(wanted) if type(value) is case), get_args(wanted)[0])
    origin = get_origin(wanted) or wanted
    if not (isinstance(value, origin) or origin is float and isinstance(value, int)):
        raise TypeError(f"{where} must be of type {origin.__name__.split('_')[0]}, not {value!r}")
    if origin is list:
        for each in value:
            check(each, get_args(wanted)[0], f"What is in {where}")
    elif is_dataclass(origin):
        for field in fields(origin):
            check(getattr(value, field.name), field.type, f"{origin.__name__.split('_')[-1]}.{field.name}")
    elif origin is str:
        try:
            value.encode()
        except UnicodeEncodeError:  # JSON may hold halves of characters.
            raise ValueError(f"{where} has half a character, which cannot be handed over: {value!r}; mend what comes "
                             "from outside with `text.encode(errors=\"replace\").decode()`") from None
    elif origin is int and not (-(2**31) if where in ("Rect.x", "Rect.y") else 0) <= value < 2**32:
        raise OverflowError(f"{where} is out of range: {value}")


def image(blob: str, description: str = "") -> Part:
    """A picture, by its blob."""
    return Part_Image(Image(blob, description, ""))


def file(blob: str, name: str) -> Part:
    """Any other file, by its blob."""
    return Part_File(File(blob, name, ""))


def extension(kind: str, body: Any) -> Part:
    """A part that this version of the contract has no case for."""
    return Part_Extension(Named(kind, to_json(body)))


def as_parts(given: tuple[str | Part, ...]) -> list[Part]:
    """Plain text may stand for a part."""
    return [Part_Text(part) if isinstance(part, str) else part for part in given]
