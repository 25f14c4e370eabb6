"""Data that programs write: JSON, JSON lines and XML as "name: value" lines, one record together;
YAML, TOML and INI as they stand.

What has brackets, quotes, escapes and tags for its machine (JSON, XML) is converted, whether laid
out over lines or not, and keeps its line numbers as places; what is laid out for people keeps its
source. Nothing is evaluated, expanded or fetched.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from searchapp.extract.builder import Part, document_of, gathered
from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.extract.text import plain
from searchapp.extract.text.encoding import decode
from searchapp.extract.text.fields import MAX_NAMES, Field, FieldPath, record_parts
from searchapp.extract.text.xml import read_xml
from searchapp.types.documents import Block, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from searchapp.types.documents import Span


def read(data: bytes, document_type: str) -> Document:
    """Structured data by records, sections or keys; what is not well-formed is read as
    plain text.
    """
    if document_type in {"json", "jsonl"}:
        return _read_json(data, document_type)
    if document_type == "xml":
        return read_xml(data, document_type)
    return plain.read_source(data, document_type, _read_laid_out)


def _read_laid_out(text: str, document_type: str) -> Document:
    lines = line_spans(text)
    blocks = _keyed(text, lines) if document_type == "yaml" else _sectioned(text, lines)
    return Document(text, document_type, title=_declared_title(text, lines), blocks=tuple(blocks))


# ---- JSON ----------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r'\s*+(?:([\[{])|([\]}])|"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?|([^\s\[\]{}",:]++)|,|\Z)',
    re.DOTALL,
)
_BARE = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity")


@dataclass(frozen=True, slots=True)
class _Container:
    """An object or array that is open, with the names down to it."""

    closing: str
    path: FieldPath
    is_record: bool  # an element of an array, or within one
    is_boundary: bool  # its fields share no part with what stands around it


def _read_json(data: bytes, document_type: str) -> Document:
    text = decode(data)
    try:
        if document_type == "jsonl" and (rows := list(_rows(text))):
            return document_of(rows, document_type)
        cut: list[str] = []
        fields = gathered(_json_fields(text), cut)
    except ValueError:
        return plain.read(data, document_type)
    title = next(
        (field.value for field in fields if field.path == ("title",) and not field.is_in_record), ""
    )
    return document_of(
        record_parts(fields, numbered="\n" in text.strip()),
        document_type,
        title=" ".join(title.split()),
        metadata={"incomplete": "; ".join(cut)},
    )


def _rows(text: str) -> Iterator[Part]:
    """A part a line, with its row; none where the first line is no whole value. A later line that
    is none stays as it is.
    """
    is_first = True
    for row, span in enumerate(line_spans(text), 1):
        line = text[slice(*span)].strip()
        try:
            values = [" ".join(field.text.split()) for field in _json_fields(line)] if line else []
        except ValueError:
            if is_first:
                return
            values = [line]
        is_first = is_first and not line
        yield Part("table", " | ".join(values), place=(("row", row),), is_tight=True)


def _json_fields(text: str) -> Iterator[Field]:
    """The scalars of one or more JSON values, in order, without empty ones; raises ValueError where
    the text is not JSON.

    The elements of an array are records, those of arrays within them are not; nor is any depth too
    deep.
    """
    above: list[_Container] = []
    key = ""
    record, line, counted = 0, 1, 0
    for match in _tokens(text):
        opening, closing, string, colon, bare = match.groups()
        if opening:
            above.append(_opened(opening, key, above))
            record += above[-1].is_boundary
            key = ""
        elif closing:
            if not above or above[-1].closing != closing:
                raise ValueError("brackets do not match")
            record += above.pop().is_boundary
        elif colon:
            key = _unescaped(string)
        elif string or bare:
            line, counted = line + text.count("\n", counted, match.start()), match.start()
            inner = above[-1] if above else _Container("", (), is_record=False, is_boundary=False)
            value = _unescaped(string) if string else _bare(bare)
            if value.strip():
                at = line + match[0][: len(match[0]) - len(match[0].lstrip())].count("\n")
                yield Field(_down(inner.path, key), value, at, record, inner.is_record)
            key = ""
    if above:
        raise ValueError("brackets are left open")


def _tokens(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise ValueError("not JSON")
        yield match
        position = match.end()


def _opened(opening: str, key: str, above: Sequence[_Container]) -> _Container:
    outer = above[-1] if above else None
    is_element = outer is not None and outer.closing == "]"
    is_boundary = (is_element or len(above) <= 1) and not (outer and outer.is_record)
    path = _down(outer.path if outer else (), key)
    return _Container(
        "}" if opening == "{" else "]",
        path,
        is_element or bool(outer and outer.is_record),
        is_boundary,
    )


def _down(path: FieldPath, name: str) -> FieldPath:
    return (*path, name)[-MAX_NAMES:] if name else path


def _unescaped(string: str) -> str:
    return str(json.loads(f'"{string}"', strict=False)) if "\\" in string else string


def _bare(token: str) -> str:
    if not _BARE.fullmatch(token):
        raise ValueError("not JSON")
    return "" if token == "null" else token


# ---- YAML, TOML and INI --------------------------------------------------------------------------

_LONG = 30  # lines of a key's value that is cut at the keys within it
_MAX_KEYS = 3  # in a heading path
_KEY = re.compile(
    r"""([ ]*)(?:-[ ]+)?("[^"]*"|'[^']*'|[^\s#\-"'\[{&*!|>%@`:][^:#]*?|-(?=[ ]|$))"""
    r"[ ]*(?::(?=\s|$)|$)"
)
_ELEMENT = re.compile(r"([ ]*)-(?:[ ]|$)")
_SECTION = re.compile(r"[ \t]*\[{1,2}[ \t]*([^\[\]]+?)[ \t]*\]{1,2}[ \t]*(?:[#;].*)?$")
_TITLE = re.compile(r"""title[ \t]*[:=][ \t]*(["']?)(\S.*?)\1[ \t]*$""")


def _declared_title(text: str, lines: Sequence[Span]) -> str:
    """The value of a key `title` at the top level, before any section."""
    for start, end in lines:
        line = text[start:end]
        if _SECTION.match(line):
            return ""
        if match := _TITLE.match(line):
            return "" if match[2] in {"|", ">", "|-", ">-"} else match[2]
    return ""


def _keyed(text: str, lines: Sequence[Span]) -> Iterator[Block]:
    """YAML by its top-level keys or elements; the long ones by the keys within them."""
    first = 0
    for index in range(len(lines) + 1):
        if index == len(lines) or re.match(r"(?:---|\.\.\.)(?:\s|$)", text[slice(*lines[index])]):
            yield from _keys(text, lines, first, index, ())
            first = index + 1


def _keys(
    text: str, lines: Sequence[Span], first: int, last: int, path: FieldPath
) -> Iterator[Block]:
    starts = _key_lines(text, lines, first, last)
    for start, end in zip(
        [first, *starts[1:]] if starts else [first], [*starts[1:], last], strict=True
    ):
        key = _key_name(text, lines, start, end)
        run = next(paragraphs(text, lines, start, end), None)
        if run is None:
            continue
        if key is None or end - start <= _LONG or len(path) >= _MAX_KEYS or key[0] + 1 >= end:
            yield Block(*span_of(text, lines, run[0], end), "code", path)
            continue
        line, name = key
        if run[0] < line:
            yield Block(*span_of(text, lines, run[0], line), "code", path)
        yield Block(*span_of(text, lines, line, line + 1), "heading", path)
        yield from _keys(text, lines, line + 1, end, (*path, name))


def _key_lines(text: str, lines: Sequence[Span], first: int, last: int) -> list[int]:
    """The lines where the keys begin that are indented least, each with the comments right above
    it; of elements where there is no key.
    """
    numbered_lines = [(index, text[slice(*lines[index])]) for index in range(first, last)]
    numbered_lines = [
        (index, line)
        for index, line in numbered_lines
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not numbered_lines:
        return []
    least = min(len(line) - len(line.lstrip(" ")) for _, line in numbered_lines)
    keys = [
        index
        for index, line in numbered_lines
        if len(line) - len(line.lstrip(" ")) == least
        and not _ELEMENT.match(line)
        and _KEY.match(line)
    ]
    keys = keys or [
        index
        for index, line in numbered_lines
        if (match := _ELEMENT.match(line)) and len(match[1]) == least
    ]
    return [_with_comments(text, lines, index, first) for index in keys]


def _with_comments(text: str, lines: Sequence[Span], index: int, first: int) -> int:
    while index > first and text[slice(*lines[index - 1])].lstrip().startswith("#"):
        index -= 1
    return index


def _key_name(text: str, lines: Sequence[Span], first: int, last: int) -> tuple[int, str] | None:
    """The line and name of the key that a chunk begins with, where its value is on the
    lines below.
    """
    for index in range(first, last):
        line = text[slice(*lines[index])]
        if line.strip() and not line.lstrip().startswith("#"):
            match = re.match(r"""[ ]*("[^"]*"|'[^']*'|[^\s\-"'#][^:#]*?):[ ]*(?:#.*)?$""", line)
            return (index, match[1].strip("\"'")) if match else None
    return None


def _sectioned(text: str, lines: Sequence[Span]) -> Iterator[Block]:
    """TOML, INI and their like by [section], its name the heading path, and by paragraphs within
    it.
    """
    path: FieldPath = ()
    first = 0
    for index in range(len(lines) + 1):
        match = _SECTION.match(text[slice(*lines[index])]) if index < len(lines) else None
        if index < len(lines) and not match:
            continue
        for start, end in paragraphs(text, lines, first, index):
            yield Block(*span_of(text, lines, start, end), "code", path)
        if match:
            yield Block(*span_of(text, lines, index, index + 1), "heading")
            path = (match[1],)
            first = index + 1
