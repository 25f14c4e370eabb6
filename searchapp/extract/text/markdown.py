"""Markdown: the source text itself, with the structure that a CommonMark parser finds in it, and
its front matter as metadata.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, time
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from searchapp.extract.builder import Part
from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.extract.text.plain import iso_date, read_source
from searchapp.types.documents import Block, BlockKind, Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from markdown_it.token import Token

    from searchapp.types.documents import Place, Span

_KINDS: dict[str, BlockKind] = {
    "paragraph_open": "prose",
    "blockquote_open": "prose",
    "html_block": "prose",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
}
_NAMES = {
    "authors": "author",
    "lang": "language",
    "keywords": "tags",
    "categories": "tags",
    "category": "tags",
    "tag": "tags",
}
_CLOSINGS = {"---": ("---", "..."), "+++": ("+++",)}
_MAX_FRONT_MATTER = 2**16  # characters that are parsed as YAML or TOML
_MAX_BRACKETS = 30  # in each other; the parser's time grows with the square of the depth
_PAIR = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*))?$")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)$")
_COMMENT = re.compile(r"\s*(<!--.*?-->\s*)+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Unit:
    """A heading, paragraph, list, table or piece of code: `text[start:end]`; `level` and `name` are
    a heading's.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    name: str = ""


def read(data: bytes, document_type: str) -> Document:
    """Markdown by headings, paragraphs, lists, tables and code; front matter is metadata and in no
    block.
    """
    return read_source(data, document_type, _read)


def _read(text: str, document_type: str) -> Document:
    lines = line_spans(text)
    body, front = _front_matter(text, lines)
    tokens = _tokens(text, lines, body)
    title = front.pop("title", "") or _first_title(tokens)
    blocks = tuple(_blocks(_units(text, lines, tokens, body), title))
    return Document(text, document_type, title=title, blocks=blocks, metadata=front)


def parts(text: str, place: Place) -> list[Part]:
    """The parts of a Markdown text within another format, a notebook's cell say; headings without
    their marks.
    """
    lines = line_spans(text)
    inner_parts = []
    for unit in _units(text, lines, _tokens(text, lines, 0), 0):
        if unit.kind == "heading":
            inner_parts.append(Part("heading", unit.name, unit.level, place))
        else:
            inner_parts.append(Part(unit.kind, text[unit.start : unit.end], place=place))
    return inner_parts


# ---- front matter --------------------------------------------------------------------------------


def _front_matter(text: str, lines: Sequence[Span]) -> tuple[int, dict[str, str]]:
    """The index of the first line after YAML (---) or TOML (+++) front matter and what it says; 0
    where there is none.
    """
    fence = text[slice(*lines[0])].rstrip() if lines else ""
    closings = _CLOSINGS.get(fence, ())
    end = next(
        (
            index
            for index in range(1, len(lines))
            if text[slice(*lines[index])].rstrip() in closings
        ),
        0,
    )
    if not end:
        return 0, {}
    inner = [text[slice(*line)] for line in lines[1:end]]
    values = _parsed("\n".join(inner), fence)
    if values is None and fence == "---" and all(map(_may_be_front_matter, inner)):
        values = _pairs(inner)
    return (0, {}) if values is None else (end + 1, _metadata(values))


def _may_be_front_matter(line: str) -> bool:
    return not line.strip() or bool(_PAIR.match(line)) or line.startswith((" ", "\t", "-", "#"))


def _parsed(source: str, fence: str) -> dict[Any, Any] | None:  # YAML and TOML that anybody wrote
    """The mapping in front matter; None where it is none, is not well-formed or too long, or has
    aliases, which can multiply it.
    """
    import tomllib

    import yaml

    if len(source) > _MAX_FRONT_MATTER or _bracket_depth(source) > _MAX_BRACKETS:
        return None
    try:
        if fence == "+++":
            return tomllib.loads(source)
        if any(
            isinstance(token, yaml.AliasToken)
            for token in yaml.scan(source, Loader=yaml.SafeLoader)
        ):
            return None
        values = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError, AttributeError):
        return None
    return {} if values is None else values if isinstance(values, dict) else None


def _bracket_depth(source: str) -> int:
    """The most brackets that are open at once, those in strings counted too."""
    return max(
        accumulate(
            ({"[": 1, "{": 1}.get(mark, -1) for mark in re.findall(r"[\[{\]}]", source)), initial=0
        )
    )


def _metadata(values: dict[Any, Any]) -> dict[str, str]:
    """Front matter as metadata, under searchapp's own names; several values of one name
    are joined.
    """
    metadata: dict[str, list[str]] = {}
    for name, value in _scalars("", values, depth=0):
        key = _NAMES.get(name, name)
        text = iso_date(value) if key == "date" else " ".join(value.split())
        pieces = re.split(r"\s*[,;]\s*", text) if key == "tags" else [text]
        metadata.setdefault(key, []).extend(piece for piece in pieces if piece)
    return {
        key: "; ".join(dict.fromkeys(pieces)) for key, pieces in metadata.items() if key and pieces
    }


def _scalars(name: str, value: Any, *, depth: int) -> Iterator[tuple[str, str]]:
    """The values in nested front matter as text, their names joined by dots; a person is called by
    its name.
    """
    if isinstance(value, dict) and depth < 4:
        is_named = bool(name) and isinstance(value.get("name"), str)
        for key, inner in (("", value["name"]),) if is_named else value.items():
            down = ".".join(filter(None, (name, str(key).lower())))
            yield from _scalars(down, inner, depth=depth + 1)
    elif isinstance(value, list) and depth < 4:
        for inner in value:
            yield from _scalars(name, inner, depth=depth + 1)
    elif isinstance(value, bool):
        yield name, str(value).lower()
    elif isinstance(value, (date, time)):
        yield name, value.isoformat()
    elif isinstance(value, (str, int, float)):
        yield name, str(value)


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    """The plain `key: value` pairs and lists of front matter that is no proper YAML."""
    pairs: dict[str, str] = {}
    key = ""
    for line in lines:
        pair, item = _PAIR.match(line), _ITEM.match(line)
        if pair:
            key = pair[1].lower()
            pairs[key] = _plain(pair[2] or "")
        elif item and key:
            pairs[key] = "; ".join(filter(None, (pairs[key], _plain(item[1]))))
    return pairs


def _plain(value: str) -> str:
    """A YAML scalar or flow list without its quotes, brackets and comment."""
    value = re.sub(r"(^|\s)#[^\"']*$", "", value).strip()
    if value.startswith("[") and value.endswith("]"):
        return "; ".join(filter(None, map(_plain, value[1:-1].split(","))))
    if len(value) >= 2 and value[0] in "\"'" and value[-1] == value[0]:
        return value[1:-1]
    return "" if value in {"|", ">", "|-", ">-", "~", "null"} else value


# ---- structure -----------------------------------------------------------------------------------


def _tokens(text: str, lines: Sequence[Span], body: int) -> list[Token]:
    from markdown_it import MarkdownIt

    start = lines[body][0] if body < len(lines) else len(text)
    return MarkdownIt("commonmark").enable("table").parse(text[start:])


def _first_title(tokens: Sequence[Token]) -> str:
    """The first heading where it is of level 1, else ""."""
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0:
            return _heading_text(tokens[index + 1]) if token.tag == "h1" else ""
    return ""


def _units(text: str, lines: Sequence[Span], tokens: Sequence[Token], body: int) -> Iterator[_Unit]:
    """The units of a text in order; what the parser only takes note of (definitions of links and
    footnotes) is prose.
    """
    done = body
    for index, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        first, last = body + token.map[0], body + token.map[1]
        yield from _definitions(text, lines, done, first)
        start, end = span_of(text, lines, first, last)
        if token.type == "heading_open":
            yield _Unit("heading", start, end, int(token.tag[1]), _heading_text(tokens[index + 1]))
        elif token.type in _KINDS and not _COMMENT.fullmatch(text[start:end]):
            yield _Unit(_KINDS[token.type], start, end)
        done = last
    yield from _definitions(text, lines, done, len(lines))


def _definitions(text: str, lines: Sequence[Span], first: int, last: int) -> Iterator[_Unit]:
    return (
        _Unit("prose", *span_of(text, lines, *run)) for run in paragraphs(text, lines, first, last)
    )


def _blocks(units: Iterable[_Unit], title: str) -> Iterator[Block]:
    path: list[tuple[int, str]] = []  # level, text; outermost first
    has_heading = False
    for unit in units:
        if unit.kind == "heading":
            path = [heading for heading in path if heading[0] < unit.level]
        yield Block(unit.start, unit.end, unit.kind, tuple(name for _, name in path))
        if unit.kind == "heading":
            if unit.name and (has_heading or unit.name != title):
                path.append((unit.level, unit.name))
            has_heading = True


def _heading_text(inline: Token) -> str:
    """A heading as its reader sees it: without emphasis marks, link targets and code ticks."""
    children = (child for child in inline.children or () if child.type != "html_inline")
    text = "".join(
        " " if child.type in {"softbreak", "hardbreak"} else child.content for child in children
    )
    return re.sub(r"\s+", " ", text).strip()
