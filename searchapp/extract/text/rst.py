"""reStructuredText: the source text itself; docutils finds the sections, their lines and levels.

docutils runs without includes, raw output and messages: a document is read, never executed, and a
broken one is read as far as it makes sense.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.extract.text.plain import iso_date, read_source
from searchapp.types.documents import Block, BlockKind, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from searchapp.types.documents import Span

_SETTINGS = {
    "report_level": 5,
    "halt_level": 5,
    "warning_stream": False,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "syntax_highlight": "none",
    "line_length_limit": 1_000_000_000,
}
_METADATA = {
    "author": "author",
    "authors": "author",
    "date": "date",
    "language": "language",
    "keywords": "tags",
}
_FIELD = re.compile(r":([A-Za-z][\w -]*):[ \t]*(.*)$")
_LIST_MARK = re.compile(r"\s*[-*+•][ \t]+")
_BULLET = re.compile(r"(?:[-*+•]|(?:\d+|[A-Za-z#])[.)]|\(\w+\))[ \t]+\S")
_TABLE = re.compile(r"\+-[-+]*\+$|=+( +=+)+$")
_CODE = re.compile(
    r"\.\. (?:code|code-block|sourcecode|highlight|literalinclude|parsed-literal|math|doctest"
    r"|testcode|prompt)::"
)
_UNSEEN = re.compile(
    r"\.\.(?:[ \t]+_[^:]*:|(?![ \t]*[\[|])(?![ \t]*[\w:+.-]+::)(?:[ \t]|$))"
)  # targets, comments
_OTHER_BREAKS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class _RstSection:
    """A section's title: its text, its depth from 0, its line, and the lines that its adornment
    takes, last exclusive.
    """

    name: str
    depth: int
    line: int
    first: int
    last: int


def read(data: bytes, document_type: str) -> Document:
    """reStructuredText by sections and paragraphs; comments and link targets are in no block."""
    return read_source(data, document_type, _read)


def _read(text: str, document_type: str) -> Document:
    lines = line_spans(text)
    sections = _sections(text, lines)
    title = _document_title(text, lines, sections)
    blocks: list[Block] = []
    path: list[str] = []
    body = 0
    for section in [*sections, None]:
        end = section.first if section else len(lines)
        blocks.extend(_body(text, lines, body, end, tuple(path)))
        if section is None:
            break
        is_title = bool(title) and section is sections[0]
        path = path[: section.depth - bool(title)] if section.depth else []
        blocks.append(
            Block(*span_of(text, lines, section.line, section.line + 1), "heading", tuple(path))
        )
        path = path if is_title else [*path, section.name]
        body = section.last
    return Document(
        text,
        document_type,
        title=title,
        blocks=tuple(blocks),
        metadata=_fields(text, lines, sections[0].last if title else 0),
    )


def _sections(text: str, lines: Sequence[Span]) -> list[_RstSection]:
    """The section titles in order; none where docutils cannot read the text at all."""
    from docutils import nodes

    source = "\n".join(_OTHER_BREAKS.sub(" ", text[slice(*line)]) for line in lines)
    try:
        tree = _parsed(source)
    except Exception:  # noqa: BLE001 - docutils meets broken markup with errors of any class; the paragraphs remain
        return []
    sections = []
    for section in tree.findall(nodes.section):
        depth, above = 0, section.parent
        while isinstance(above, nodes.section):
            depth, above = depth + 1, above.parent
        title = section.next_node(nodes.title)
        if (
            isinstance(above, nodes.document)
            and title is not None
            and title.line
            and 2 <= title.line <= len(lines)
        ):
            sections.append(_located(text, lines, title, depth))
    return sections


def _parsed(source: str) -> Any:  # a docutils document; docutils carries no types
    from docutils.frontend import get_default_settings
    from docutils.parsers.rst import Parser
    from docutils.utils import new_document

    settings = get_default_settings(Parser)
    for name, value in _SETTINGS.items():
        setattr(settings, name, value)
    tree = new_document("", settings)
    Parser().parse(source, tree)
    return tree


def _located(text: str, lines: Sequence[Span], title: Any, depth: int) -> _RstSection:
    """A title with its lines: docutils gives the underline's line, from 1."""
    line = title.line - 2
    over = text[slice(*lines[line - 1])].strip() if line else ""
    under = text[slice(*lines[line + 1])].strip()
    has_overline = bool(over) and over == under
    return _RstSection(
        title.astext().replace("\n", " "), depth, line, line - has_overline, line + 2
    )


def _document_title(text: str, lines: Sequence[Span], sections: Sequence[_RstSection]) -> str:
    """The first section's name where it holds the whole document, as docutils has it; else ""."""
    if not sections or sum(section.depth == 0 for section in sections) > 1:
        return ""
    before = (
        text[slice(*lines[first])] for first, _ in paragraphs(text, lines, 0, sections[0].first)
    )
    return (
        ""
        if any(not line.startswith("..") and not line[0].isspace() for line in before)
        else sections[0].name
    )


def _body(
    text: str, lines: Sequence[Span], first: int, last: int, headings: tuple[str, ...]
) -> Iterator[Block]:
    """The blocks between two section titles; what is indented belongs to what stands above it."""
    kind: BlockKind | None = "prose"
    code: list[int] = []  # the line indices of a literal block that may go on after a blank line
    opens_code = False
    for start, end in _runs(text, lines, first, last):
        line = text[slice(*lines[start])]
        if (
            line.rstrip() == ".." and end == start + 1
        ):  # it comments on nothing, and what is indented below it is a quotation
            kind, opens_code = "prose", False
            continue
        is_indented = line[0].isspace()
        kind = ("code" if opens_code else kind) if is_indented else _kind(line)
        if code and kind == "code" and is_indented:
            code[1] = end
        else:
            if code:
                yield Block(*span_of(text, lines, *code), "code", headings)
            code = [start, end] if kind == "code" else []
            if kind is not None and kind != "code":
                yield Block(*span_of(text, lines, start, end), kind, headings)
        opens_code = kind is not None and (
            kind == "code" or text[slice(*lines[end - 1])].rstrip().endswith("::")
        )
    if code:
        yield Block(*span_of(text, lines, *code), "code", headings)


def _runs(text: str, lines: Sequence[Span], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Paragraphs as line indices; comments, targets and directives end where their indentation
    ends, blank line or not.
    """
    for start, end in paragraphs(text, lines, first, last):
        for index in range(start + 1, end):
            if (
                text[slice(*lines[start])].startswith("..")
                and not text[slice(*lines[index])][0].isspace()
            ):
                yield start, index
                start = index
        yield start, end


def _kind(line: str) -> BlockKind | None:
    """What a paragraph is by its first line; None for what a reader of the page never sees."""
    if line.startswith(".."):
        return "code" if _CODE.match(line) else None if _UNSEEN.match(line) else "prose"
    if _TABLE.match(line.rstrip()):
        return "table"
    if re.fullmatch(r"([^\w\s])\1{3,}", line.rstrip()) or line.startswith("__ "):
        return None
    if line.startswith(">>>"):
        return "code"
    return "list" if _BULLET.match(line) else "prose"


def _fields(text: str, lines: Sequence[Span], first: int) -> dict[str, str]:
    """The bibliographic fields at the document's start, under their common names; several values of
    one are joined by "; ".
    """
    run = next(paragraphs(text, lines, first, len(lines)), (0, 0))
    values: dict[str, list[str]] = {}
    name = ""
    for line in (text[slice(*lines[index])] for index in range(*run)):
        if match := _FIELD.match(line):
            name = match[1].lower()
        value = match[2] if match else line if line[0].isspace() else ""
        if key := _METADATA.get(name):
            separators = "\0" if name == "author" else ";" if ";" in value else ","
            pieces = (
                [iso_date(value)]
                if key == "date"
                else re.split(separators, _LIST_MARK.sub("", value))
            )
            values.setdefault(key, []).extend(filter(None, map(str.strip, pieces)))
    return {key: "; ".join(dict.fromkeys(texts)) for key, texts in values.items() if texts}
