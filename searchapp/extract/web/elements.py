"""Elements of a page to parts of a text: headings, paragraphs, lists, tables and code.

E-books, XML of texts and mails use it too. It takes a tree as it is; which of it is worth reading
is decided in `boilerplate`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from searchapp.extract.builder import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_HEADING = re.compile(r"h[1-6]$")
_LISTS = frozenset({"ul", "ol", "menu", "list"})
UNSEEN = frozenset(
    str.split("head script style noscript template svg math iframe object select graphic")
)
_INLINE = frozenset(
    str.split(
        "a abbr acronym b bdi bdo big cite code data del dfn em font hi i ins kbd label mark "
        "output q ref rp rt ruby s samp small span strike strong sub sup time tt u var wbr"
    )
)
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
_ANCHOR_TEXT = re.compile(r"[\s¶#§🔗\u200b\u2060\ufeff]")


def page_tree(source: str) -> Any:  # an lxml element; lxml carries no types
    """The page's elements, None where there are none."""
    from lxml import etree, html  # type: ignore[import-untyped]

    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        return html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None


def element_parts(root: Any) -> Iterator[Part]:
    """The parts of a tree of lxml elements with HTML's names, or trafilatura's own, in reading
    order.
    """
    inline: list[str] = []
    for kind, level, text in _pieces(root):
        if kind == "inline":
            inline.append(text)
            continue
        if paragraph := _joined(inline):
            yield Part("prose", paragraph)
        inline = []
        if kind != "break" and text:
            yield Part(kind, text, level)
    if paragraph := _joined(inline):
        yield Part("prose", paragraph)


def _pieces(element: Any) -> Iterator[tuple[Any, int, str]]:
    """Parts as they come, with pieces of running text ("inline") and the ends of paragraphs
    ("break") between them.
    """
    yield "inline", 0, spaced(element.text)
    for child in element:
        if _is_visible(child):
            yield from _element(child)
        yield "inline", 0, spaced(child.tail)


def _element(element: Any) -> Iterator[tuple[Any, int, str]]:
    tag = element.tag
    level = _heading_level(element)
    if level:
        yield "heading", level, heading_text(element)
    elif tag in _LISTS and not _is_layout(element):
        yield "list", 0, "\n".join(f"- {item}" for item in _items(element) if item)
    elif tag == "table" and not _is_layout(element):
        yield "table", 0, "\n".join(filter(None, map(_row, element.iter("tr", "row"))))
    elif tag == "pre" or (tag == "code" and "\n" in "".join(element.itertext()).strip()):
        yield "code", 0, "".join(element.itertext()).strip("\r\n")
    elif tag in {"br", "lb"}:
        yield "inline", 0, "\n"
    elif tag in _INLINE:
        yield from _pieces(element)
    else:
        yield "break", 0, ""
        yield from _pieces(element)
        yield "break", 0, ""


def heading_text(element: Any) -> str:
    """A heading's text, without the anchor to itself that documentation tools put at its end."""
    anchors = [link for link in element.iter("a") if not _ANCHOR_TEXT.sub("", flat_text(link))]
    return (
        _INVISIBLE.sub("", flat_text(element, without=anchors))
        .removesuffix("¶")
        .removesuffix(" #")
        .strip()
    )


def _heading_level(element: Any) -> int:
    name = element.get("rend", "") if element.tag == "head" else element.tag
    return int(name[1]) if _HEADING.match(name) else 0


def _is_visible(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.get("hidden") is not None:
        return False
    is_unseen = element.tag in UNSEEN and not _heading_level(element)
    return not is_unseen and "display:none" not in (element.get("style") or "").replace(" ", "")


def _is_layout(element: Any) -> bool:
    """True for a list or table that only arranges the page: it holds headings, code or tables."""
    inner = (each for each in element.iter() if each is not element and isinstance(each.tag, str))
    return any(each.tag in {"table", "pre"} or _heading_level(each) for each in inner)


def _items(element: Any) -> Iterator[str]:
    """The items of a list, those of lists within it after the item that holds them."""
    for item in element:
        if not isinstance(item.tag, str):
            continue
        if item.tag in _LISTS:
            yield from _items(item)
            continue
        nested = [
            each
            for each in item.iter(*_LISTS)
            if not any(above.tag in _LISTS for above in _between(each, item))
        ]
        yield flat_text(item, without=nested)
        for each in nested:
            yield from _items(each)


def _between(element: Any, top: Any) -> Iterator[Any]:
    """The elements above one, up to `top`, which is not among them."""
    above = element.getparent()
    while above is not None and above is not top:
        yield above
        above = above.getparent()


def _row(row: Any) -> str:
    cells = [flat_text(cell) for cell in row if isinstance(cell.tag, str)]
    return " | ".join(cells) if any(cells) else ""


def flat_text(element: Any, *, without: Sequence[Any] = ()) -> str:
    """An element's text on one line."""
    pieces: list[str] = []
    _gather(element, pieces, set(without))
    return re.sub(r"\s+", " ", "".join(pieces)).strip()


def _gather(element: Any, pieces: list[str], without: set[Any]) -> None:
    pieces.append(element.text or "")
    for child in element:
        if child not in without and _is_visible(child):
            is_inline = child.tag in _INLINE
            pieces.append("" if is_inline else " ")
            _gather(child, pieces, without)
            pieces.append("" if is_inline else " ")
        pieces.append(child.tail or "")


def spaced(text: str | None) -> str:
    """Text with every run of white space as one space."""
    return re.sub(r"\s+", " ", text or "")


def _joined(pieces: Sequence[str]) -> str:
    """Running text from its pieces: spaces collapsed, the page's own line breaks kept."""
    return re.sub(r" *\n *", "\n", re.sub(r" +", " ", "".join(pieces))).strip()
