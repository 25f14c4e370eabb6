"""What a request says, checked by the table of options: from its address, or from its JSON.

Knows the table, and no route.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from searchapp.errors import UsageError
from searchapp.humanize import did_you_mean
from searchapp.search.query_options import MOST_INTEGER, NO_NUL, Option

if TYPE_CHECKING:
    from starlette.requests import Request

MOST_IN_ADDRESS = 10  # values of one option
INSTEAD = "like"
_FLAGS = {"true": True, "false": False}


async def said_in(
    request: Request, options: Mapping[str, Option], required: Iterable[str] = ()
) -> dict[str, Any]:
    """What a request says, by the names of the options: of a POST in JSON, else in its address.

    Raises UsageError for a name that is no option, a value that is none of its kind, and where one
    is missing that is required; INSTEAD of it, a POST may have examples.
    """
    said = (
        _of_json(await request.body(), options)
        if request.method == "POST"
        else _of_address(request.query_params.multi_items(), options)
    )
    missing = next((name for name in required if name not in said), None)
    if missing and not (request.method == "POST" and said.get(INSTEAD)):
        raise UsageError(f"{missing} is missing", hint=options[missing].help)
    return said


def _of_address(items: Iterable[tuple[str, str]], options: Mapping[str, Option]) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    for name, value in items:
        values.setdefault(name, []).append(value)
    if long := next((name for name in values if len(values[name]) > MOST_IN_ADDRESS), None):
        raise UsageError(
            f"{long} is given more than {MOST_IN_ADDRESS} times", hint="send JSON, by POST"
        )
    return {
        name: checked(
            option,
            [_read(option, value) for value in values[name]]
            if option.is_repeatable
            else _read(option, _only(name, values[name])),
        )
        for name, option in _known(values, options)
    }


def _of_json(body: bytes, options: Mapping[str, Option]) -> dict[str, Any]:
    try:
        values = json.loads(body or b"{}", parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise UsageError("the request is no JSON", hint="send an object of options") from error
    if not isinstance(values, dict):
        raise UsageError("the request is no JSON object", hint="send an object of options")
    return {name: checked(option, values[name]) for name, option in _known(values, options)}


def _known(
    values: Mapping[str, object], options: Mapping[str, Option]
) -> Iterable[tuple[str, Option]]:
    for name in values:
        if name not in options:
            meant = did_you_mean(name, options)
            raise UsageError(f"there is no option {name!r}{meant}", hint=_listed(options))
    return ((name, options[name]) for name in values)


def _listed(options: Mapping[str, Option]) -> str:
    return f"options: {', '.join(options)}" if options else "this takes no options"


def _only(name: str, values: list[str]) -> str:
    if len(values) > 1:
        raise UsageError(f"{name} is given twice", hint="give it once")
    return values[0]


def _read(option: Option, text: str) -> object:
    """A value in an address, of the option's kind where it is one; else as it is."""
    try:
        if option.kind == "integer":
            return int(text) if text.isascii() else text
        if option.kind == "number":
            return float(text)
    except ValueError:
        return text
    return _FLAGS.get(text.lower(), text) if option.kind == "flag" else text


def checked(option: Option, value: object) -> object:
    """The value, where it is one that the option takes; raises UsageError."""
    if option.is_repeatable:
        if not isinstance(value, list):
            raise UsageError(f"{option.name} is a list", hint="send a list, or repeat the option")
        return [_one(option, each) for each in value]
    return _one(option, value)


def _one(option: Option, value: object) -> object:
    if option.kind == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)  # as JSON Schema has it
    if not _is_of_kind(option, value):
        article = "an" if option.kind == "integer" else "a"
        raise UsageError(f"{option.name} is {article} {option.kind}", hint=option.help)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        _require_within(option, value)
    if isinstance(value, str) and not re.search(option.pattern or NO_NUL, value):
        raise UsageError(f"{option.name} cannot be {value!r:.80}", hint=option.help)
    if option.choices and value not in option.choices:
        meant = did_you_mean(str(value), option.choices)
        hint = f"one of: {', '.join(option.choices)}"
        raise UsageError(f"{option.name} cannot be {value!r}{meant}", hint=hint)
    return value


def _is_of_kind(option: Option, value: object) -> bool:
    if option.kind in ("text", "flag"):
        return isinstance(value, str if option.kind == "text" else bool)
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_INTEGER
    if option.kind == "integer":
        return is_whole
    return is_whole or (isinstance(value, float) and math.isfinite(value))


def _require_within(option: Option, value: float) -> None:
    least = -math.inf if option.least is None else option.least
    most = math.inf if option.most is None else option.most
    if not least <= value <= most:
        bounds = f"from {least}" + (f" to {most}" if option.most is not None else " on")
        raise UsageError(f"{option.name} cannot be {value}", hint=f"a value {bounds}")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
