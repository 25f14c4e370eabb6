"""What an OpenDocument file holds beside its text, brought into it before it is read: formulas in
their lines, and without what tracked changes have deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from searchapp.extract.office.odf_styles import attribute
from searchapp.extract.office.ooxml import name_of

_SPACED = frozenset("=≠≈≡<>≤≥≪≫∈∉⊂⊆+−±∓→⇒⇔∧∨∪∩:")
_UNSEEN = frozenset({"annotation", "annotation-xml", "mphantom", "none", "mprescripts"})
_DEEPEST = 100  # formulas within formulas
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def place_formulas(root: Any, loaded: Callable[[str], Any]) -> None:
    """Put the text of each formula where its frame stands; `loaded` gives the root of an object."""
    for element in list(root.iter("{*}object")):
        formula = element.find("{*}math")
        if formula is None and (reference := attribute(element, "xlink:href")):
            formula = loaded(reference)
        frame = element.getparent()
        if formula is None or name_of(formula) != "math" or name_of(frame) != "frame":
            continue
        holder = frame.getparent()
        is_inline = holder is not None and name_of(holder) in {"p", "h", "span", "a"}
        text = frame.makeelement(f"{_TEXT}{'span' if is_inline else 'p'}")
        text.text = formula_text(formula)
        if is_inline:
            text.tail = frame.tail
            holder.replace(frame, text)
        else:
            frame[:] = [text]


def formula_text(math: Any) -> str:
    """A formula of MathML on one line: "volume = radius/height"; what its author typed where it
    shows nothing.
    """
    text = " ".join(_formula(math, 0).split())
    typed = math.find(".//{*}annotation")
    return text or ("" if typed is None else " ".join((typed.text or "").split()))


def _formula(element: Any, depth: int) -> str:
    name = name_of(element)
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


def drop_deleted(root: Any) -> None:
    """Take out the text between the marks of tracked deletions, as flat files keep it."""
    from lxml import etree  # type: ignore[import-untyped]

    deleted = {
        value
        for region in root.iter("{*}changed-region")
        if region.find("{*}deletion") is not None
        for key, value in region.attrib.items()
        if etree.QName(key).localname == "id"
    }
    starts = root.iter(f"{_TEXT}change-start") if deleted else ()
    if not any(attribute(start, "text:change-id") in deleted for start in starts):
        return
    open_changes: set[str] = set()
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            name = name_of(element)
            change = attribute(element, "text:change-id")
            if name == "change-start" and change in deleted:
                open_changes.add(change)
            elif name == "change-end":
                open_changes.discard(change)
            elif open_changes:
                element.text = None
                if name in {"s", "tab", "line-break"}:
                    element.tag = f"{_TEXT}span"
        elif open_changes:
            element.tail = None
