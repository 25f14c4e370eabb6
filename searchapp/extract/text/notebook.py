"""Jupyter notebooks: their cells in order, Markdown as Markdown, code as code, each with the text
that it printed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, document_of, gathered, with_unread
from searchapp.extract.text import markdown
from searchapp.extract.text.encoding import decode
from searchapp.extract.web.html import page_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document, Place

_MAX_OUTPUT = 2000  # characters of one output that are kept
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_OBJECT = re.compile(r"<[^<>\n]{1,200}>")  # only names what a page shows
_OUTPUT_TYPES = ("text/markdown", "text/plain")


def read(data: bytes, document_type: str) -> Document:
    """A notebook by its cells, which count from 1; pictures are left out, and of a long output all
    but its beginning.
    """
    try:
        notebook = json.loads(decode(data))
    except (ValueError, RecursionError) as error:
        raise FileFailed(f"not a readable notebook: {_reason(error)}") from error
    cells = _cells(notebook)
    if cells is None:
        raise FileFailed("not a readable notebook: it has no cells")
    cut: list[str] = []
    cell_parts = (
        part
        for number, cell in enumerate(cells, 1)
        for part in _cell_parts(cell, (("cell", number),))
    )
    parts = gathered(cell_parts, cut)
    if cut and not parts:
        raise FileFailed(cut[0])
    title = next((part.text for part in parts if part.kind == "heading" and part.level == 1), "")
    title = title or _text(_at(notebook, "metadata", "title"))
    metadata = _metadata(notebook)
    return with_unread(document_of(parts, document_type, title=title, metadata=metadata), cut)


def _reason(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else f"no JSON ({error})"


def _at(value: Any, *names: str) -> Any:  # JSON that anybody wrote
    """What is at a path of names, None where there is nothing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Text as notebooks keep it: a string, or a list of lines with their ends."""
    return (
        value
        if isinstance(value, str)
        else "".join(piece for piece in _list(value) if isinstance(piece, str))
    )


def _cells(notebook: Any) -> list[Any] | None:
    """All cells, those of the worksheets of older notebooks included; None where there is no place
    for cells.
    """
    worksheets = _at(notebook, "worksheets")
    if isinstance(worksheets, list):
        return [cell for sheet in worksheets for cell in _list(_at(sheet, "cells"))]
    cells = _at(notebook, "cells")
    return cells if isinstance(cells, list) else None


def _metadata(notebook: Any) -> dict[str, str]:
    names = [
        _at(notebook, "metadata", *path)
        for path in (("kernelspec", "language"), ("language_info", "name"), ("language",))
    ]
    authors = [
        _text(_at(author, "name")) or _text(author)
        for author in _list(_at(notebook, "metadata", "authors"))
    ]
    return {
        "language": next((_text(name) for name in names if name), ""),
        "author": "; ".join(filter(None, authors)),
    }


def _cell_parts(cell: Any, place: Place) -> Iterator[Part]:
    kind, source = _at(cell, "cell_type"), _text(_at(cell, "source"))
    if kind == "heading":  # of older notebooks
        level = _at(cell, "level")
        yield Part(
            "heading",
            " ".join(source.split()),
            level if isinstance(level, int) and level > 0 else 1,
            place,
        )
    elif kind in {"markdown", "html"}:
        yield from markdown.parts(source, place)
    elif kind == "code":
        yield Part("code", source or _text(_at(cell, "input")), place=place)
        for output in _list(_at(cell, "outputs")):
            yield Part("code", _shortened(_output(output)), place=place)
    else:
        yield Part("prose", source, place=place)


def _output(output: Any) -> str:
    """The text of an output, as its reader sees it."""
    if _at(output, "output_type") in {"error", "pyerr"}:
        # the traceback repeats the code
        return _plain(f"{_text(_at(output, 'ename'))}: {_text(_at(output, 'evalue'))}")
    forms = (_at(output, "data", kind) for kind in _OUTPUT_TYPES)
    text = next((_text(text) for text in forms if text), "") or _text(_at(output, "text"))
    page = _text(_at(output, "data", "text/html"))
    if page and (not text or _OBJECT.fullmatch(text.strip())):
        text = "\n".join(part.text for part in page_parts(page)) or text
    return _plain(text)


def _plain(text: str) -> str:
    """Terminal text without colours, and of each line only what was written over it last."""
    return "\n".join(
        line.rstrip("\r").rpartition("\r")[2].rstrip() for line in _ANSI.sub("", text).split("\n")
    )


def _shortened(text: str) -> str:
    text = text.strip("\n")
    return (
        text
        if len(text) <= _MAX_OUTPUT
        else f"{text[:_MAX_OUTPUT].rstrip()}\n... ({len(text) - _MAX_OUTPUT:,} more characters of "
        "output)"
    )
