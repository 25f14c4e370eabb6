"""AsciiDoc by lines: equals signs are headings; attributes, macros and delimiters are not seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from searchapp.extract.text.markup_lines import (
    LineKind,
    MarkupHeader,
    MarkupLine,
    plain_line,
)
from searchapp.extract.text.plain import iso_date
from searchapp.types.dates import ISO_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_EQUALS = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?[ \t]*$")
_ATTRIBUTE = re.compile(r":!?([\w-]+)!?:(?:[ \t]+(.*))?$")
_DELIMITER = re.compile(r"(-{4,}|\.{4,}|/{4,}|\+{4,}|```)[ \t]*\w*[ \t]*$")
_ADOC_TABLE = re.compile(r"[|,:!]={3,}[ \t]*$")
_OTHER_DELIMITER = re.compile(r"(?:={4,}|\*{4,}|_{4,}|--|'{3,}|<{3,}|\+)[ \t]*$")
_ADOC_ASIDE = re.compile(
    r"//(?!/)|\[[^\]]*\][ \t]*$|(?:include|toc|ifdef|ifndef|ifeval|endif)::\S*\[[^\]]*\][ "
    r"\t]*$|(?:toc|endif)::"
    r"|image::\S*\[(?:\w+=[^\]]*)?\][ \t]*$"  # an image without a text in its place
)
_ADOC_ITEM = re.compile(r"[ \t]*(?:[*.-]+|\d+\.)[ \t]+\S")
_AUTHOR_LINE = re.compile(r"[^\W\d][^<>;:]*(?:<[^<>]+>)?(?:;[ \t]*[^\W\d][^<>;:]*(?:<[^<>]+>)?)*$")
_REVISION_LINE = re.compile(rf"(?:v?[\d.]+,[ \t]*)?({ISO_DAY})\b")
_ADOC_NAMES = {
    "author": "author",
    "authors": "author",
    "revdate": "date",
    "lang": "language",
    "keywords": "tags",
    "description": "description",
}


def asciidoc_lines(lines: Sequence[str], header: MarkupHeader) -> Iterator[MarkupLine]:
    """What each line is; sets title and metadata in `header`."""
    ending = ""
    kind: LineKind = "code"
    header_end = _adoc_header(lines, header)
    for index, line in enumerate(lines):
        bare = line.rstrip()
        if ending:
            is_end = bare == ending
            yield MarkupLine(
                "unseen" if is_end else "blank" if kind == "table" and not bare else kind
            )
            ending = "" if is_end else ending
        elif index < header_end:
            match = _EQUALS.match(line)
            yield (
                MarkupLine("heading", 1, header.title)
                if match and header.title == _adoc_plain(match[2])
                else MarkupLine("unseen")
            )
        elif match := _DELIMITER.match(line):
            ending, kind = match[1], "unseen" if line.startswith("////") else "code"
            yield MarkupLine("unseen")
        elif _ADOC_TABLE.match(line):
            ending, kind = bare, "table"
            yield MarkupLine("unseen")
        else:
            yield _adoc_line(line)


def _adoc_line(line: str) -> MarkupLine:
    if match := _EQUALS.match(line):
        return MarkupLine("heading", len(match[1]), _adoc_plain(match[2]))
    if _ATTRIBUTE.match(line) or _ADOC_ASIDE.match(line) or _OTHER_DELIMITER.match(line):
        return MarkupLine("unseen")
    return MarkupLine("list") if _ADOC_ITEM.match(line) else plain_line(line)


def _adoc_header(lines: Sequence[str], header: MarkupHeader) -> int:
    """Where the body begins: after the title, the lines of author and revision, and the attributes,
    up to a blank line.
    """
    titled = -1
    for index, line in enumerate(lines):
        match = _EQUALS.match(line)
        if match and len(match[1]) == 1 and titled < 0:
            titled, header.title = index, _adoc_plain(match[2])
        elif attribute := _ATTRIBUTE.match(line):
            name, value = attribute[1].lower(), (attribute[2] or "").strip()
            _set_adoc(name, value, header)
        elif not line.strip():
            if titled >= 0:
                return index
        elif titled >= 0 and index - titled <= 2 and not line.startswith("//"):
            _set_byline(line, header, first=index == titled + 1)
        elif not line.startswith("//"):
            return index if titled < 0 else titled + 1
    return len(lines)


def _set_adoc(name: str, value: str, header: MarkupHeader) -> None:
    if name == "title" or (name == "doctitle" and not header.title):
        header.title = header.title or value
    elif name in _ADOC_NAMES and value:
        value = (
            iso_date(value)
            if name == "revdate"
            else "; ".join(re.split(r"\s*[,;]\s*", value))
            if name == "keywords"
            else value
        )
        header.metadata[_ADOC_NAMES[name]] = value


def _set_byline(line: str, header: MarkupHeader, *, first: bool) -> None:
    """Takes the authors from the line below the title, the date from the one below that."""
    if first and _AUTHOR_LINE.match(line):
        names = (re.sub(r"<[^<>]*>", "", author).strip() for author in line.split(";"))
        header.metadata.setdefault("author", "; ".join(filter(None, names)))
    elif match := _REVISION_LINE.match(line):
        header.metadata.setdefault("date", match[1])


def _adoc_plain(text: str) -> str:
    """A heading without its marks and the address of a link in it."""
    text = re.sub(
        r"(?:https?://|link:|xref:)[^\s\[\]]*\[([^\[\]]*)\]|\[\[[^\[\]]*\]\]|\{[\w-]+\}",
        r"\1",
        text,
    )
    return " ".join(re.sub(r"(?<!\w)[*_`+]+|[*_`+]+(?!\w)", "", text).split())
