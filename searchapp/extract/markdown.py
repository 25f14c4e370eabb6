"""Markdown: the source text itself, with the structure that a CommonMark parser finds in it, and its front matter as metadata."""

from __future__ import annotations

import re
from datetime import date, time
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from searchapp.extract.lines import line_spans, span_of
from searchapp.extract.parts import Part
from searchapp.extract.text import decode, iso_date
from searchapp.types import Block, BlockKind, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

    from searchapp.types import Place, Span

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
_NAMES = {"authors": "author", "lang": "language", "keywords": "tags", "categories": "tags", "category": "tags", "tag": "tags"}
_CLOSINGS = {"---": ("---", "..."), "+++": ("+++",)}
_MAX_FRONT_MATTER = 2**16  # characters that are parsed as YAML or TOML
_MAX_BRACKETS = 30  # in each other; the parser's time grows with the square of the depth
_PAIR = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*))?$")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)$")
_COMMENT = re.compile(r"\s*(<!--.*?-->\s*)+", re.DOTALL)


def read(data: bytes, document_type: str) -> Document:
    """Markdown by headings, paragraphs, lists, tables and code; front matter is metadata and in no block."""
    text = decode(data)
    lines = line_spans(text)
    body, front = _front_matter(text, lines)
    tokens = _tokens(text, lines, body)
    title = front.pop("title", "") or _first_title(tokens)
    blocks = _blocks(text, lines, tokens, body, title)
    return Document(text, document_type, title=title, blocks=blocks, metadata=front)


def parts(text: str, place: Place) -> list[Part]:
    """The parts of a Markdown text within another format, a notebook's cell say; headings without their marks."""
    lines = line_spans(text)
    found = []
    tokens = _tokens(text, lines, 0)
    for index, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        start, end = span_of(text, lines, *token.map)
        if token.type == "heading_open":
            found.append(Part("heading", _heading_text(tokens[index + 1]), int(token.tag[1]), place))
        elif token.type in _KINDS and not _COMMENT.fullmatch(text[start:end]):
            found.append(Part(_KINDS[token.type], text[start:end], place=place))
    return found


# ---- front matter --------------------------------------------------------------------------------------------------


def _front_matter(text: str, lines: Sequence[Span]) -> tuple[int, dict[str, str]]:
    """The index of the first line after YAML (---) or TOML (+++) front matter and what it says; 0 where there is none."""
    fence = text[slice(*lines[0])].rstrip() if lines else ""
    closings = _CLOSINGS.get(fence, ())
    end = next((index for index in range(1, len(lines)) if text[slice(*lines[index])].rstrip() in closings), 0)
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
    """The mapping in front matter; None where it is none, is not well-formed or too long, or has aliases, which can multiply it."""
    import tomllib

    import yaml

    if len(source) > _MAX_FRONT_MATTER or _bracket_depth(source) > _MAX_BRACKETS:
        return None
    try:
        if fence == "+++":
            return tomllib.loads(source)
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(source, Loader=yaml.SafeLoader)):
            return None
        values = yaml.safe_load(source)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError, TypeError, AttributeError):
        return None
    return {} if values is None else values if isinstance(values, dict) else None


def _bracket_depth(source: str) -> int:
    """The most brackets that are open at once, those in strings counted too."""
    return max(accumulate(({"[": 1, "{": 1}.get(mark, -1) for mark in re.findall(r"[\[{\]}]", source)), initial=0))


def _metadata(values: dict[Any, Any]) -> dict[str, str]:
    """Front matter as metadata, under searchapp's own names; several values of one name are joined."""
    found: dict[str, list[str]] = {}
    for name, value in _scalars("", values, depth=0):
        key = _NAMES.get(name, name)
        text = iso_date(value) if key == "date" else " ".join(value.split())
        pieces = re.split(r"\s*[,;]\s*", text) if key == "tags" else [text]
        found.setdefault(key, []).extend(piece for piece in pieces if piece)
    return {key: "; ".join(dict.fromkeys(pieces)) for key, pieces in found.items() if key and pieces}


def _scalars(name: str, value: Any, *, depth: int) -> Iterator[tuple[str, str]]:
    """The values in nested front matter as text, their names joined by dots; a person is called by its name."""
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


# ---- structure -----------------------------------------------------------------------------------------------------


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


def _blocks(text: str, lines: Sequence[Span], tokens: Sequence[Token], body: int, title: str) -> tuple[Block, ...]:
    blocks: list[Block] = []
    path: list[tuple[str, str]] = []  # (h1..h6, text), outermost first
    for index, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        start, end = span_of(text, lines, body + token.map[0], body + token.map[1])
        if token.type == "heading_open":
            path = [each for each in path if each[0] < token.tag]
            blocks.append(Block(start, end, "heading", _names(path)))
            name = _heading_text(tokens[index + 1])
            is_title = name == title and not any(block.kind == "heading" for block in blocks[:-1])
            if name and not is_title:
                path.append((token.tag, name))
        elif token.type in _KINDS and not _COMMENT.fullmatch(text[start:end]):
            blocks.append(Block(start, end, _KINDS[token.type], _names(path)))
    return tuple(blocks)


def _names(path: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(name for _, name in path)


def _heading_text(inline: Token) -> str:
    """A heading as its reader sees it: without emphasis marks, link targets and code ticks."""
    parts = (" " if child.type in {"softbreak", "hardbreak"} else child.content for child in inline.children or ())
    return re.sub(r"\s+", " ", "".join(part for part in parts if not part.startswith("<"))).strip()
