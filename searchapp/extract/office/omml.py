"""Formulas of Word and PowerPoint as text on one line: "A=πr^2", "∑_i=1^n eels"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from searchapp.extract.office.ooxml import attribute, child_of, name_of

_LEFT_OUT = frozenset({"del", "moveFrom", "rPr", "ctrlPr"})
_DEEPEST = 100  # formulas within formulas
_INTEGRAL = "∫"  # the sign of an operator that names none


def omml_text(formula: Any, depth: int = 0) -> str:
    """The text of a formula, or of a part of one."""
    name = name_of(formula)
    if not name or name in _LEFT_OUT or name.endswith("Pr") or depth > _DEEPEST:
        return ""
    if name == "t":
        return formula.text or ""
    parts = [(name_of(child), omml_text(child, depth + 1)) for child in formula]
    if name == "d":
        return _delimited(formula, [text for kind, text in parts if kind == "e"])
    if name in _WRITTEN:
        return _WRITTEN[name](formula, dict(reversed(parts)))
    joint = "; " if name in {"m", "eqArr"} else " " if name == "mr" else ""
    return joint.join(text for _, text in parts if text)


def _with_scripts(_: Any, parts: Mapping[str, str]) -> str:
    below, above = _set("_", parts.get("sub", "")), _set("^", parts.get("sup", ""))
    return f"{parts.get('e', '')}{below}{above}"


def _with_operator(formula: Any, parts: Mapping[str, str]) -> str:
    sign = child_of(formula, "naryPr", "chr")
    shown = _INTEGRAL if sign is None else attribute(sign, "val")
    return f"{_with_scripts(formula, {**parts, 'e': shown})} {parts.get('e', '')}"


_WRITTEN: dict[str, Callable[[Any, Mapping[str, str]], str]] = {
    **dict.fromkeys(("sSup", "sSub", "sSubSup", "sPre"), _with_scripts),
    "limUpp": lambda _, parts: parts.get("e", "") + _set("^", parts.get("lim", "")),
    "limLow": lambda _, parts: parts.get("e", "") + _set("_", parts.get("lim", "")),
    "nary": _with_operator,
    "f": lambda _, parts: f"{parts.get('num', '')}/{parts.get('den', '')}",
    "rad": lambda _, parts: f"{parts.get('deg', '')}√({parts.get('e', '')})",
    "func": lambda _, parts: f"{parts.get('fName', '')} {parts.get('e', '')}",
}


def _set(sign: str, text: str) -> str:
    return f"{sign}{text}" if text.strip() else ""


def _delimited(formula: Any, parts: list[str]) -> str:
    """Parts between brackets, as the formula names them."""

    def sign(name: str, usual: str) -> str:
        element = child_of(formula, "dPr", name)
        return usual if element is None else attribute(element, "val")

    return sign("begChr", "(") + sign("sepChr", "|").join(parts) + sign("endChr", ")")
