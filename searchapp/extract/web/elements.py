"""Elements of a page to parts of a text: headings, paragraphs, lists, tables and code.

E-books, XML of texts and mails use it too. It takes a tree as it is; which of it is worth reading
is decided in `boilerplate`.
"""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from searchapp.extract.builder import Part, in_time
from searchapp.extract.mathml import formula_text
from searchapp.extract.web.list_marks import item_marks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    _Piece = tuple[Any, int, str, Any]  # its kind, the level of a heading, its text, its element

_HEADING = re.compile(r"h[1-6]$")
_LISTS = frozenset({"ul", "ol", "menu", "list"})
UNSEEN = frozenset(
    str.split("head script style noscript template svg math iframe object select graphic")
)
_SHADOW_ROOT = ("shadowrootmode", "shadowroot")  # of a template that is shown where it stands
_MAX_FRAMES = 100  # with their page in the attribute srcdoc
_SHOWN = (None, "until-found")  # what "hidden" says of what people find
_LEAST_DESCRIBED = 8  # letters of a picture's description
_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|svg|avif|bmp)", re.IGNORECASE)
INLINE = frozenset(
    str.split(
        "a abbr acronym b bdi bdo big cite code data del dfn em font hi i ins kbd label mark "
        "output q ref rb rp rt rtc ruby s samp small span strike strong sub sup time tt u var wbr"
    )
)
_READINGS = frozenset({"rt", "rtc", "rp"})
_INLINE_ALWAYS = INLINE - _READINGS - {"code"}
_SPACES, _BREAKS = re.compile(" {2,}"), re.compile(" *\n *")
_SOFT_HYPHEN = "\xad"  # shown only where a line ends
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


def opened_frames(page: Any) -> None:
    """Put what a saved page keeps of its frames and shadow roots where they are shown; what several
    pictures are said to show, or the title says, is said once.
    """
    for template in list(page.iter("template")):
        if any(template.get(name) is not None for name in _SHADOW_ROOT):
            template.tag = "div"
    said = {heading_text(heading) for heading in page.iter("title", "h1")}
    for image in page.iter("img"):
        if (text := spaced(image.get("alt")).strip()) in said:
            image.set("alt", "")
        said.add(text)
    for drawn in page.xpath("//*[contains(@class, 'katex-mathml')]/following-sibling::*"):
        if "katex-html" in drawn.get("class", ""):  # the same formula, drawn by letters
            drawn.drop_tree()
    for frame in list(page.iter("iframe"))[:_MAX_FRAMES]:
        source = frame.get("srcdoc") or ""
        inner = page_tree(source) if source.strip() else None
        if inner is not None:
            frame.tag = "div"
            frame.text = None
            frame[:] = [inner.find("body")] if inner.find("body") is not None else []
            for body in frame:
                body.tag = "div"


def element_parts(root: Any, cut: list[str] | None = None) -> Iterator[Part]:
    """The parts of a tree of lxml elements with HTML's names, or trafilatura's own, in reading
    order; with `cut` those that are found `in_time`.
    """
    return (part for part, _ in placed_parts(root, cut))


def placed_parts(root: Any, cut: list[str] | None = None) -> Iterator[tuple[Part, Any]]:
    """The parts of a tree, each with the element that it begins in."""
    inline: list[str] = []
    asides: list[str] = []  # how a paragraph's signs are read
    start: Any = None
    for kind, level, text, element in _pieces(root, cut):
        if kind == "inline":
            start = element if start is None and text.strip() else start
            inline.append(text)
            continue
        if kind == "aside":
            asides.append(text)
            continue
        if paragraph := _joined([*inline, *_read(asides)]):
            yield Part("prose", paragraph), root if start is None else start
        inline, asides, start = [], [], None
        if kind != "break" and text:
            yield Part(kind, text, level), element
    if paragraph := _joined([*inline, *_read(asides)]):
        yield Part("prose", paragraph), root if start is None else start


def _read(asides: Sequence[str]) -> list[str]:
    return [f" ({' '.join(asides)})"] if asides else []


def _pieces(root: Any, cut: list[str] | None) -> list[_Piece]:
    """Parts in order, with pieces of running text ("inline"), the readings of its signs ("aside")
    and the ends of paragraphs ("break") between them; each with its element.

    A list, since a generator within generators takes a step on each level for every piece.
    """
    pieces: list[_Piece] = []
    with nullcontext() if cut is None else in_time(cut):
        _add_content(root, pieces)
    return pieces


def _add_content(element: Any, pieces: list[_Piece]) -> None:
    if text := element.text:
        pieces.append(("inline", 0, spaced(text), element))
    for child in element:
        if _is_visible(child):
            _add_element(child, pieces)
        elif child.tag == "svg" and (drawn := _drawn(child)):
            pieces.append(("break", 0, "", child))
            pieces.append(("prose", 0, drawn, child))
        elif child.tag == "math":
            pieces.append(("inline", 0, f" {_formula(child)} ", element))
        if text := child.tail:
            pieces.append(("inline", 0, spaced(text), element))


def _add_element(element: Any, pieces: list[_Piece]) -> None:
    tag = element.tag
    if tag == "rp":
        return
    if tag in _INLINE_ALWAYS:
        _add_content(element, pieces)
    elif piece := _part_of(element) or _inline_of(element):
        pieces.append((*piece, element))
    elif tag in INLINE:
        _add_content(element, pieces)
    else:
        pieces.append(("break", 0, "", element))
        _add_content(element, pieces)
        pieces.append(("break", 0, "", element))


def _part_of(element: Any) -> tuple[Any, int, str] | None:
    """The heading, list, table or code that an element is; None for all others."""
    tag = element.tag
    if level := _heading_level(element):
        return "heading", level, heading_text(element)
    if tag in _LISTS and not _is_layout(element):
        return "list", 0, "\n".join(_items(element))
    if tag == "table" and not _is_layout(element):
        caption = [flat_text(child) for child in element.iterchildren("caption")]
        rows = map(_row, element.iter("tr", "row"))
        return "table", 0, "\n".join(filter(None, (*caption, *rows)))
    if tag == "pre" or (tag == "code" and "\n" in "".join(element.itertext()).strip()):
        return "code", 0, "".join(element.itertext()).strip("\r\n")
    return None


def _inline_of(element: Any) -> tuple[Any, int, str] | None:
    """What an element adds to the running text by itself, None where that is its content."""
    tag = element.tag
    if tag in {"br", "lb"}:
        return "inline", 0, "\n"
    if tag in {"img", "area"}:
        return "inline", 0, f" {described} " if (described := _description(element)) else ""
    if tag in {"rt", "rtc"}:
        return "aside", 0, flat_text(element)
    return None


def _description(image: Any) -> str:
    """What a picture is said to show: several words, no name of a file, nothing that stands below
    the picture too. One that is a link and no figure stands for the page that it leads to.
    """
    text = spaced(image.get("alt") or image.get("aria-label")).strip()
    if len(text) < _LEAST_DESCRIBED or _FILE_NAME.fullmatch(text):
        return ""
    if " " not in text and text.isascii():
        return ""
    figure = next(image.iterancestors("figure"), None)
    if figure is None:
        return "" if next(image.iterancestors("a", "button"), None) is not None else text
    return "" if text in spaced("".join(figure.itertext())) else text


def _drawn(drawing: Any) -> str:
    """The words in a drawing with its title, or what it is said to show; "" for one without words,
    a sign on a button say.
    """
    label = _description(drawing) if drawing.get("role") == "img" else ""
    texts = [flat_text(text) for text in drawing.iter("text")]
    titles = [flat_text(title) for title in drawing.iterchildren("title", "desc")]
    said = dict.fromkeys((label, *titles, *texts)) if any(texts) else (label,)
    return "\n".join(filter(None, said))


def _formula(math: Any) -> str:
    """A formula as its author describes it, else as it is written."""
    return spaced(math.get("alttext")).strip() or formula_text(math)


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
    if not isinstance(element.tag, str) or element.get("hidden") not in _SHOWN:
        return False
    is_unseen = element.tag in UNSEEN and not _heading_level(element)
    return not is_unseen and "display:none" not in (element.get("style") or "").replace(" ", "")


def _is_layout(element: Any) -> bool:
    """True for a list or table that only arranges the page: it holds headings, code or tables."""
    inner = (
        descendant
        for descendant in element.iter()
        if descendant is not element and isinstance(descendant.tag, str)
    )
    return any(
        descendant.tag in {"table", "pre"} or _heading_level(descendant) for descendant in inner
    )


def _items(element: Any) -> Iterator[str]:
    """The items of a list with their marks, those of lists within it after the item that holds
    them.
    """
    items = [item for item in element if isinstance(item.tag, str)]
    numbered = [item for item in items if item.tag not in _LISTS]
    marks = iter(item_marks(element, numbered))
    for item in items:
        if item.tag in _LISTS:
            yield from _items(item)
            continue
        mark = next(marks)
        nested = [
            descendant
            for descendant in item.iter(*_LISTS)
            if not any(above.tag in _LISTS for above in _between(descendant, item))
        ]
        if text := flat_text(item, without=nested):
            yield f"{mark} {text}"
        for inner_list in nested:
            yield from _items(inner_list)


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
    asides: list[str] = []
    _gather(element, pieces, asides, set(without))
    text = " ".join("".join([*pieces, *_read(asides)]).split())
    text = text.replace(_SOFT_HYPHEN, "")
    return text or " ".join(filter(None, map(_description, element.iter("img"))))


def _gather(element: Any, pieces: list[str], asides: list[str], without: set[Any]) -> None:
    pieces.append(element.text or "")
    for child in element:
        if child.tag in _READINGS:
            asides += [reading] if child.tag != "rp" and (reading := flat_text(child)) else []
        elif child not in without and _is_visible(child):
            is_inline = child.tag in INLINE
            pieces.append("" if is_inline else " ")
            _gather(child, pieces, asides, without)
            pieces.append("" if is_inline else " ")
        elif child.tag == "math" and child not in without:
            pieces.append(f" {_formula(child)} ")
        pieces.append(child.tail or "")


def spaced(text: str | None) -> str:
    """Text with every run of white space as one space."""
    if not text:
        return ""
    words = " ".join(text.split())
    if not words:
        return " "
    before, after = text[0].isspace(), text[-1].isspace()
    return f"{' ' * before}{words}{' ' * after}" if before or after else words


def _joined(pieces: Sequence[str]) -> str:
    """Running text from its pieces: spaces collapsed, the page's own line breaks kept."""
    text = "".join(pieces).replace(_SOFT_HYPHEN, "")
    return _BREAKS.sub("\n", _SPACES.sub(" ", text)).strip()
