"""What documents of office programs share whatever their format: titles that are none, dates, and
the parts that stand apart.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from searchapp.extract.builder import NO_HEADING, Part, document_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from searchapp.types.documents import Document

_FILE_TITLE = re.compile(
    r"(microsoft \w+ - "
    r".*|untitled\b.*|.*\.(docx?|dotx?|rtf|odt|pptx?|potx?|xlsx?|pdf|txt|html?|wpd)|[\W\d_]*"
    r"|(slide|page|document|doc|title|presentation|powerpoint presentation|word "
    r"document|dokument|microsoft word.*) ?\d*)$",
    re.IGNORECASE,
)

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?)?)?)?")


def manuscript(
    parts: Sequence[Part],
    apart: Sequence[Part],
    document_type: str,
    *,
    titles: Sequence[str],
    metadata: Mapping[str, str],
) -> Document:
    """The document that the parts make, with `apart` (headers, footers, stray notes) after them and
    below no heading.

    Its title is the first of `titles` that is not empty, else the heading that begins it where no
    other is of its level.
    """
    title = next(filter(None, titles), "") or _only_heading(parts)
    return document_of([*parts, NO_HEADING, *apart], document_type, title=title, metadata=metadata)


def furniture(parts: Sequence[Part]) -> list[Part]:
    """Headers and footers, each once; those without a word, such as page numbers, are none."""
    once: dict[str, Part] = {}
    for part in parts:
        if any(map(str.isalpha, part.text)):
            once.setdefault(
                part.text.strip(),
                replace(part, kind="prose", level=0) if part.kind == "heading" else part,
            )
    return list(once.values())


def real_title(title: str) -> str:
    """The title on one line, "" where it only names a file or a template."""
    title = " ".join(title.split())
    return "" if _FILE_TITLE.match(title) else title


def iso_date(value: str) -> str:
    """A W3C date without fractions of a second, "" for anything else."""
    match = _DATE.match(value)
    if not match or value[:4] <= "1900":
        return ""
    return match[0] + ("Z" if match[3] and value.rstrip().endswith("Z") else "")


def _only_heading(parts: Sequence[Part]) -> str:
    tops = [part for part in parts if part.level == 1]
    return " ".join(tops[0].text.split()) if len(tops) == 1 and parts[0] is tops[0] else ""
