"""What an OpenDocument file holds beside its text, brought into it before it is read: formulas in
their lines, and without what tracked changes have deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from searchapp.extract.mathml import formula_text
from searchapp.extract.office.odf_styles import attribute
from searchapp.extract.office.ooxml import name_of

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
