"""Attributes and styles of OpenDocument, as far as they bear on the text."""

from __future__ import annotations

import re
from typing import Any

from searchapp.extract.office.ooxml import name_of

_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
_NAMESPACES = {
    **{prefix: _NAMESPACE.format(prefix) for prefix in ("text", "style", "presentation")},
    "svg": _NAMESPACE.format("svg-compatible"),
    "draw": _NAMESPACE.format("drawing"),
    "xlink": "http://www.w3.org/1999/xlink",
}
_LIST_STYLE = f"{{{_NAMESPACES['style']}}}list-style-name"
_MAX_PARENTS = 20  # styles upon styles


class OdfStyles:
    """What the styles say that bears on the text: which paragraphs are titles or code, and which
    lists have no marks.
    """

    def __init__(self, *roots: Any) -> None:
        self._parents: dict[str, str] = {}
        self._lists: dict[str, str] = {}  # list styles by the style of their paragraphs
        self._unmarked: set[tuple[str, int]] = set()
        for root in roots:
            for style in root.iter("{*}style"):
                name = attribute(style, "style:name")
                self._parents[name] = attribute(style, "style:parent-style-name")
                if (list_style := style.get(_LIST_STYLE)) is not None:
                    self._lists[name] = list_style
            for style in root.iter("{*}list-style"):
                levels = (
                    number_of(attribute(level, "text:level"))
                    for level in style
                    if not _has_mark(level)
                )
                self._unmarked.update((attribute(style, "style:name"), level) for level in levels)

    def is_like(self, paragraph: Any, name: str) -> bool:
        """Whether the paragraph has the style of that name, or one that was made for it alone upon
        that.
        """
        style = attribute(paragraph, "text:style-name")
        return name in {style, self._parents.get(style)}

    def list_style(self, paragraph: Any) -> str | None:
        """The list style that a paragraph's style names, "" where it says that there is none, None
        where it says nothing.
        """
        style = attribute(paragraph, "text:style-name")
        for _ in range(_MAX_PARENTS):
            if style in self._lists:
                return self._lists[style]
            style = self._parents.get(style, "")
        return None

    def is_marked(self, style: str, level: int) -> bool:
        """Whether the items of such a list begin with a bullet or a number; `level`
        counts from 1.
        """
        return (style, level) not in self._unmarked


def _has_mark(level: Any) -> bool:
    if name_of(level) == "list-level-style-number":
        return bool(attribute(level, "style:num-format"))
    return name_of(level) == "list-level-style-image" or bool(
        attribute(level, "text:bullet-char").strip()
    )


def attribute(element: Any, name: str) -> str:
    """An attribute by its usual name, "" where there is none."""
    prefix, _, local = name.partition(":")
    return str(element.get(f"{{{_NAMESPACES[prefix]}}}{local}", ""))


def number_of(text: str) -> int:
    """A whole number from 0; 1 for anything else."""
    return int(text) if re.fullmatch(r"\d{1,9}", text) else 1
