"""BibTeX: each entry with its fields, letters and names as their reader sees them.

What the parser cannot take apart stays as it is written.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from searchapp.extract.builder import Part, document_of
from searchapp.extract.text import plain
from searchapp.extract.text.latex import tex_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bibtexparser.model import Block, Entry

    from searchapp.types.documents import Document

_FIRST = ("author", "editor", "title", "booktitle", "journal", "journaltitle", "year", "date")
_NAMES = frozenset({"author", "editor", "translator"})
_SYNTAX = re.compile(r'\\.|["{}#]', re.DOTALL)
_AND = re.compile(r"(?<!\s)\s++and\s+")


def read(data: bytes, document_type: str) -> Document:
    """A list of works, a part an entry, with the line at which it begins; plain text where no entry
    is in it.
    """
    return plain.read_source(data, document_type, _read)


def _read(text: str, document_type: str) -> Document:
    from bibtexparser.entrypoint import parse_string

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # it warns of all it cannot parse
    library = parse_string(text.replace("\r\n", "\n").replace("\r", "\n"), parse_stack=[])
    if not library.entries:
        return plain.paragraphs_of(text, document_type)
    named: dict[str, str] = {}
    for string in library.strings:
        named[string.key.lower()] = _joined(str(string.value), named)
    return document_of(
        (part for block in library.blocks for part in _parts(block, named)), document_type
    )


def _parts(block: Block, named: Mapping[str, str]) -> Iterator[Part]:
    from bibtexparser.model import Entry, ExplicitComment, ImplicitComment, ParsingFailedBlock

    place = (("line", (block.start_line or 0) + 1),)
    if isinstance(block, Entry):
        yield Part("table", _described(block, named), place=place)
    elif isinstance(block, ExplicitComment | ImplicitComment):
        yield Part("prose", block.comment, place=place)
    elif isinstance(block, ParsingFailedBlock):
        yield Part("prose", block.raw or "", place=place)


def _joined(value: str, named: Mapping[str, str]) -> str:
    """A value without its quotes or braces, or several that `#` joins: `"Journal of " # reeds`;
    `named` are the strings that words stand for.
    """
    pieces: list[str] = []
    depth, start, is_quoted = 0, 0, False
    value = value.strip()
    for match in _SYNTAX.finditer(value):
        sign = match[0]
        if sign == '"' and depth == 0:
            is_quoted = not is_quoted
        elif sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
        elif sign == "#" and depth == 0 and not is_quoted:
            pieces.append(value[start : match.start()].strip())
            start = match.end()
    pieces.append(value[start:].strip())
    return "".join(
        piece[1:-1]
        if len(piece) > 1 and piece[0] + piece[-1] in {'""', "{}"}
        else named.get(piece.lower(), piece)
        for piece in pieces
    )


def _described(entry: Entry, named: Mapping[str, str]) -> str:
    """The key and kind of an entry, and its fields, a line each, who and what first."""
    fields = {field.key.lower(): _joined(str(field.value), named) for field in entry.fields}
    names = [name for name in _FIRST if name in fields]
    names += [name for name in fields if name not in names]
    lines = [f"{name}: {_value(name, fields[name])}" for name in names if fields[name].strip()]
    return "\n".join((f"{entry.key} ({entry.entry_type})", *lines))


def _value(name: str, value: str) -> str:
    if name in _NAMES:
        return "; ".join(map(tex_plain, _AND.split(value)))
    is_address = name in {"url", "doi", "file", "eprint", "howpublished"} and "\\" not in value
    return " ".join(value.split()) if is_address else tex_plain(value)
