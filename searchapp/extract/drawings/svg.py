"""SVG: the words in a drawing, its title and its descriptions; outlines of letters are no text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.builder import Part, document_of, with_unread
from searchapp.types.documents import Document

_MAX_TEXTS = 100_000
_TEXTS = ("{*}text", "{*}desc", "{*}title", "{*}foreignObject")
_PLACE = re.compile(
    r"translate\(\s*[-\d.e]+[\s,]+([-\d.e]+)|matrix\((?:[^,\s()]+[,\s]+){5}([-\d.e]+)"
)
_SILENT = frozenset({"script", "style"})


def read(data: bytes, document_type: str) -> Document:
    """The texts of a drawing, a line each, those at one height together; raises FileSkipped where
    it has none, FileFailed where it is broken.
    """
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, recover=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FileFailed(f"not a readable drawing: {error}") from error
    if root is None:
        raise FileFailed("not a readable drawing: no XML")
    titles = (_flat(child) for child in root if _name(child) == "title")
    title = next((text for text in titles if text), "")
    unread = _broken(parser)
    document = document_of(_parts(root, title, unread), document_type, title=title)
    if not document.blocks:
        if unread:
            raise FileFailed(unread[0])
        raise FileSkipped("a drawing without text")
    return with_unread(document, unread)


def _broken(parser: Any) -> list[str]:
    """What the parser says of the drawing where it could not read all of it."""
    from lxml import etree

    fatal = (error for error in parser.error_log if error.level == etree.ErrorLevels.FATAL)
    first = next(fatal, None)
    return [f"it is broken at line {first.line}: {first.message}"] if first else []


def _parts(root: Any, title: str, unread: list[str]) -> Iterator[Part]:
    """The texts; that there are too many goes to `unread`."""
    yield Part("prose", title)
    line: list[str] = []
    height = ""
    for count, element in enumerate(root.iter(*_TEXTS)):
        if count >= _MAX_TEXTS:
            unread.append(f"only its first {_MAX_TEXTS:,} texts were read")
            break
        name = _name(element)
        if name == "text":
            for text, place in _lines(element):
                if line and (not place or place != height):
                    yield Part("prose", " ".join(line), is_tight=True)
                    line = []
                height = place
                line.append(text)
        elif (text := _flat(element)) != title:
            yield Part("prose", text)
    yield Part("prose", " ".join(line), is_tight=True)


def _lines(element: Any) -> Iterator[tuple[str, str]]:
    """The lines of a text, each with its height: spans that are set lower begin new ones."""
    moved = _PLACE.search(element.get("transform", ""))
    place = (moved[1] or moved[2]) if moved else element.get("y", "")
    pieces = [element.text or ""]
    for span in element:
        if not isinstance(span.tag, str):  # an entity, which is not resolved
            pieces.append(span.tail or "")
            continue
        height = _height(span) or place
        if height != place or span.get("dy", "0").strip("0.emptx ") not in {"", "-"}:
            yield from _line(pieces, place)
            pieces, place = [], _height(span) or f"{place} {span.get('dy', '')}"
        pieces += [_text(span), span.tail or ""]
    yield from _line(pieces, place)


def _height(span: Any) -> str:
    """Where a span is set, by itself or by the first of those in it that says; "" where none
    does.
    """
    return next((inner.get("y") for inner in span.iter("{*}tspan") if inner.get("y")), "")


def _line(pieces: list[str], place: str) -> Iterator[tuple[str, str]]:
    text = " ".join("".join(pieces).split())
    if text:
        yield text, place


def _text(element: Any) -> str:
    if _name(element) in _SILENT or not isinstance(element.tag, str):
        return ""
    return (element.text or "") + "".join(_text(child) + (child.tail or "") for child in element)


def _flat(element: Any) -> str:
    return " ".join(_text(element).split())


def _name(element: Any) -> str:
    """The element's name without its namespace, "" for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
