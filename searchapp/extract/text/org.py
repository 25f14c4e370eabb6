"""Org by lines: stars are headings; drawers, planning lines and settings are not seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from searchapp.extract.text.markup_lines import (
    MarkupHeader,
    MarkupLine,
    plain_line,
)
from searchapp.extract.text.plain import iso_date

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_STARS = re.compile(
    r"(\*+)[ \t]+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED|CANCELED|HOLD|STARTED)[ "
    r"\t]+)?(?:\[#[A-Z0-9]\][ \t]*)?"
    r"(.*?)[ \t]*(:[\w@#%:]+:)?[ \t]*$"
)
_ORG_SETTING = re.compile(r"[ \t]*#\+(\w+)(?:\[[^\]]*\])?:[ \t]*(.*)$")
_ORG_BEGIN = re.compile(r"[ \t]*#\+begin_(\w+)", re.IGNORECASE)
_ORG_CODE = frozenset({"src", "example", "export"})
_DRAWER = re.compile(r"[ \t]*:(PROPERTIES|LOGBOOK|CLOCK):[ \t]*$", re.IGNORECASE)
_PLANNING = re.compile(r"[ \t]*(?:SCHEDULED|DEADLINE|CLOSED|CLOCK):[ \t]")
_RULE = re.compile(r"[ \t]*\|[-+|:= \t]+$")
_ORG_ITEM = re.compile(r"[ \t]*(?:[-+]|\d+[.)]|[ \t]\*)[ \t]+\S")
_ORG_NAMES = {
    "author": "author",
    "date": "date",
    "language": "language",
    "keywords": "tags",
    "filetags": "tags",
    "description": "description",
}
_ORG_LINK = re.compile(r"\[\[[^\[\]]*\]\[([^\[\]]*)\]\]|\[\[([^\[\]]*)\]\]")


def org_lines(lines: Sequence[str], header: MarkupHeader) -> Iterator[MarkupLine]:
    """What each line is; sets title and metadata in `header`."""
    ending = ""  # what closes the block or drawer that is open
    is_code = False
    for line in lines:
        bare = line.strip().lower()
        if ending:
            is_end = bare == ending
            yield MarkupLine("unseen" if is_end or not is_code else "code")
            ending = "" if is_end else ending
        elif (match := _ORG_BEGIN.match(line)) and match[1].lower() in {*_ORG_CODE, "comment"}:
            ending, is_code = f"#+end_{match[1].lower()}", match[1].lower() in _ORG_CODE
            yield MarkupLine("unseen")
        elif _DRAWER.match(line):
            ending, is_code = ":end:", False
            yield MarkupLine("unseen")
        else:
            yield _org_line(line, header)


def _org_line(line: str, header: MarkupHeader) -> MarkupLine:
    if match := _STARS.match(line):
        return MarkupLine("heading", len(match[1]), _ORG_LINK.sub(r"\1\2", match[2]))
    if match := _ORG_SETTING.match(line):
        _set_org(match[1].lower(), match[2].strip(), header)
        return MarkupLine("prose" if match[1].lower() == "caption" else "unseen")
    if (
        line.lstrip().startswith(("#+", "# "))
        or line.strip() == "#"
        or _PLANNING.match(line)
        or _RULE.match(line)
    ):
        return MarkupLine("unseen")
    if line.lstrip().startswith("|"):
        return MarkupLine("table")
    if re.match(r"[ \t]*:(?:[ \t]|$)", line):
        return MarkupLine("code")
    return MarkupLine("list") if _ORG_ITEM.match(line) else plain_line(line)


def _set_org(name: str, value: str, header: MarkupHeader) -> None:
    if name == "title":
        header.title = f"{header.title} {value}".strip()
    elif name in _ORG_NAMES and value:
        value = (
            iso_date(value.strip("<>[]"))
            if name == "date"
            else "; ".join(filter(None, value.split(":")))
            if name == "filetags"
            else value
        )
        value = "; ".join(re.split(r"\s*,\s*", value)) if name in {"keywords", "author"} else value
        header.metadata.setdefault(_ORG_NAMES[name], value)
