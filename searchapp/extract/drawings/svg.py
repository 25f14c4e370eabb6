"""SVG: the words in a drawing, its title and its descriptions; outlines of letters are no text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.builder import Part, document_of, with_unread
from searchapp.extract.web.elements import INLINE
from searchapp.types.documents import Document

_MAX_TEXTS = 100_000
_MAX_WAYS = 100  # in which a switch shows something
_TEXTS = frozenset({"text", "desc", "title", "foreignObject"})
_UNDRAWN = frozenset({"defs", "symbol"})  # what is in them is drawn where it is used
_RUNNING = INLINE | {"tspan", "textPath", "tref", "altGlyph"}
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
    for count, element in enumerate(_shown(root)):
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
            yield Part("prose", " ".join(line), is_tight=True)
            yield Part("prose", text)
            line = []
    yield Part("prose", " ".join(line), is_tight=True)


def _shown(root: Any) -> Iterator[Any]:
    """The elements with texts, in order, but for those that are not drawn."""
    from lxml import etree

    used = {
        value[1:]
        for use in root.iter("{*}use")
        for key, value in use.attrib.items()
        if key.endswith("href") and value.startswith("#")
    }
    walk = etree.iterwalk(root, events=("start",))
    for _, element in walk:
        if _is_hidden(element):
            walk.skip_subtree()
        elif _name(element) in _UNDRAWN:
            walk.skip_subtree()
            yield from _texts_in(element, used)
        elif _name(element) in _TEXTS:
            yield element


def _texts_in(store: Any, used: set[str]) -> Iterator[Any]:
    """The elements with texts among what is kept to be used, as far as it is."""
    seen: set[Any] = set()
    for element in store.iter("*"):
        if element.get("id") in used and element not in seen:
            seen.update(element.iter("*"))
            yield from (inner for inner in element.iter("*") if _name(inner) in _TEXTS)


def _is_hidden(element: Any) -> bool:
    """Whether an element says that it is not shown, or is another way to show what a switch shows
    already.
    """
    style = (element.get("style") or "").replace(" ", "")
    if element.get("display") == "none" or "display:none" in style:
        return True
    if "hidden" in {element.get("visibility"), style.partition("visibility:")[2].partition(";")[0]}:
        return _name(element) == "text"  # in a group some may be shown all the same
    above = element.getparent()
    return (
        above is not None
        and _name(above) == "switch"
        and any(
            other.get("systemLanguage") is None
            for other in islice(element.itersiblings(preceding=True), _MAX_WAYS)
        )
    )


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
    pieces = [element.text or ""]
    for child in element:
        gap = "" if _name(child) in _RUNNING else " "  # between the paragraphs of a page within
        pieces += [gap, _text(child), gap, child.tail or ""]
    return "".join(pieces)


def _flat(element: Any) -> str:
    return " ".join(_text(element).split())


def _name(element: Any) -> str:
    """The element's name without its namespace, "" for comments."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
