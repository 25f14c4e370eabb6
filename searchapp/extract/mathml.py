"""Formulas of MathML, as web pages, e-books and OpenDocument hold them, as text on one line."""

from __future__ import annotations

from typing import Any

_SPACED = frozenset("=≠≈≡<>≤≥≪≫∈∉⊂⊆+−±∓→⇒⇔∧∨∪∩:")
_UNSEEN = frozenset({"annotation", "annotation-xml", "mphantom", "none", "mprescripts"})
_DEEPEST = 100  # formulas within formulas


def formula_text(math: Any) -> str:
    """A formula of MathML on one line: "volume = radius/height"; what its author typed where it
    shows nothing.
    """
    text = " ".join(_formula(math, 0).split())
    typed = math.find(".//{*}annotation")
    return text or ("" if typed is None else " ".join((typed.text or "").split()))


def _formula(element: Any, depth: int) -> str:
    name = _name(element)
    if name in _UNSEEN or depth > _DEEPEST:
        return ""
    if name in {"mi", "mn", "mtext", "ms", "mo"}:
        text = "".join(element.itertext()).strip()
        return f" {text} " if name == "mo" and text in _SPACED else text
    if name == "mspace":
        return " "
    parts = [_formula(child, depth + 1) for child in element.iterchildren("*")]
    if name == "mfrac" and len(parts) == 2:
        return f"{_bracketed(parts[0])}/{_bracketed(parts[1])}"
    if name in {"msup", "mover"} and len(parts) == 2:
        return f"{parts[0]}^{_bracketed(parts[1])}"
    if name in {"msub", "munder"} and len(parts) == 2:
        return f"{parts[0]}_{_bracketed(parts[1])}"
    if name in {"msubsup", "munderover"} and len(parts) == 3:
        return f"{parts[0]}_{_bracketed(parts[1])}^{_bracketed(parts[2])}"
    if name in {"msqrt", "mroot"}:
        return f"√({parts[0] if name == 'mroot' and parts else ''.join(parts)})"
    if name in {"mtable", "mtr", "mlabeledtr"}:
        return ("; " if name == "mtable" else " ").join(filter(str.strip, parts))
    return _row(parts)


def _bracketed(text: str) -> str:
    text = " ".join(text.split())
    return f"({text})" if " " in text else text


def _row(parts: list[str]) -> str:
    """Parts side by side; words keep apart, single letters stand close."""
    text = ""
    for part in parts:
        if text[-1:].isalnum() and part[:1].isalnum() and (len(part) > 1 or text[-2:].isalnum()):
            text += " "
        text += part
    return text


def _name(element: Any) -> str:
    """The element's name without its namespace, "" for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
