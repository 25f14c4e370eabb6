"""Markdown: the source text itself, with the structure that a CommonMark parser finds in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from searchapp.extract.lines import line_spans, span_of
from searchapp.extract.text import decode
from searchapp.types import Block, BlockKind, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token

    from searchapp.types import Span

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
_METADATA = {
    "author": "author",
    "authors": "author",
    "date": "date",
    "lang": "language",
    "language": "language",
    "tags": "tags",
    "keywords": "tags",
}
_PAIR = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*))?$")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)$")
_COMMENT = re.compile(r"\s*(<!--.*?-->\s*)+", re.DOTALL)


def read(data: bytes, document_type: str) -> Document:
    """Markdown by headings, paragraphs, lists, tables and code; front matter is metadata and in no block."""
    text = decode(data)
    lines = line_spans(text)
    body = _front_matter_end(text, lines)
    front = _pairs([text[slice(*line)] for line in lines[1 : body - 1]]) if body else {}
    tokens = _tokens(text, lines, body)
    title = front.get("title", "") or _first_title(tokens)
    blocks = _blocks(text, lines, tokens, body, title)
    metadata = {_METADATA[key]: value for key, value in front.items() if key in _METADATA and value}
    return Document(text, document_type, title=title, blocks=blocks, metadata=metadata)


def _front_matter_end(text: str, lines: Sequence[Span]) -> int:
    """The index of the first line after YAML front matter, 0 where there is none."""
    if not lines or text[slice(*lines[0])].rstrip() != "---":
        return 0
    for index in range(1, len(lines)):
        line = text[slice(*lines[index])].rstrip()
        if line in {"---", "..."}:
            return index + 1
        if line and not (_PAIR.match(line) or line.startswith((" ", "\t", "-", "#"))):
            return 0
    return 0


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    """The plain `key: value` pairs and lists of front matter; YAML's further forms are passed over, nothing is executed."""
    pairs: dict[str, str] = {}
    key = ""
    for line in lines:
        pair, item = _PAIR.match(line), _ITEM.match(line)
        if pair:
            key = pair[1].lower()
            pairs[key] = _plain(pair[2] or "")
        elif item and key:
            pairs[key] = ", ".join(filter(None, (pairs[key], _plain(item[1]))))
    return pairs


def _plain(value: str) -> str:
    """A YAML scalar or flow list without its quotes, brackets and comment."""
    value = re.sub(r"(^|\s)#[^\"']*$", "", value).strip()
    if value.startswith("[") and value.endswith("]"):
        return ", ".join(filter(None, map(_plain, value[1:-1].split(","))))
    if len(value) >= 2 and value[0] in "\"'" and value[-1] == value[0]:
        return value[1:-1]
    return "" if value in {"|", ">", "|-", ">-", "~", "null"} else value


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
