"""Web pages: the text that their reader came for, without menus, with its headings, lists and
tables.

A small page without furniture (menus, banners, footers) gives all that is visible. In any other
trafilatura or resiliparse finds where the article begins and ends; all that stands there is kept,
but lists of links that are not the article's. Where they find less than half of the page, it gives
all but the furniture. Nothing is fetched, no script runs, no entity outside the page is read.
"""

from __future__ import annotations

import codecs
import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

from searchapp.extract.builder import Part, document_of
from searchapp.extract.text.plain import decode, iso_date

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from searchapp.types.documents import Document

_SMALL_PAGE = 5000  # characters: menus matter less than what would be lost
_CHARSET = re.compile(
    rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]+encoding\s*=\s*["']([\w.:-]+)""",
    re.IGNORECASE,
)
_HEADING = re.compile(r"h[1-6]$")
_LISTS = frozenset({"ul", "ol", "menu", "list"})
_UNSEEN = frozenset(
    {
        "head",
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
        "select",
        "graphic",
    }
)
_INLINE = frozenset(
    {
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "bdi",
            "bdo",
            "big",
            "cite",
            "code",
            "data",
            "del",
            "dfn",
            "em",
            "font",
            "hi",
            "i",
            "ins",
            "kbd",
        ),
        *(
            "label",
            "mark",
            "output",
            "q",
            "ref",
            "rp",
            "rt",
            "ruby",
            "s",
            "samp",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
        ),
        *("time", "tt", "u", "var", "wbr"),
    }
)
_BARE_PAGE = 200  # characters: a page that says less may be filled by a script
_MAX_DECLARED = 2**20  # characters of JSON
_MAX_DESCRIBED = 6  # levels
_DESCRIPTIONS = ("description", "articleBody", "reviewBody", "text")
_HELD = (
    "@graph",
    "mainEntity",
    "recipeIngredient",
    "recipeInstructions",
    "itemListElement",
    "step",
    "acceptedAnswer",
    "suggestedAnswer",
)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
_LEAST_KEPT = 0.5  # of the main text that is no links
_MOST_LINKED = 0.5  # of a part of a text
_NEVER_LINKED = frozenset({"code", "heading"})
_LONG_BUTTON = 20  # characters: longer ones are questions that open their answer
_FURNITURE_TAGS = frozenset({"nav", "footer", "dialog"})
_FURNITURE_ROLES = frozenset({"navigation", "contentinfo", "search", "dialog", "alertdialog"})
_MENU_NAME = re.compile(r"(?:^|[\s_-])(?:nav|navbar|navigation|menu)(?:$|[\s_-])", re.IGNORECASE)
_BESIDE_NAME = re.compile(
    r"(?:^|[\s_-])(?:related|side-?bar|promo|newsletter|share|social|ads?|advert\w*|teaser|more)(?:$|[\s_-])",
    re.IGNORECASE,
)
_LINK, _LINK_END = "\ufdd0", "\ufdd1"  # characters that are in no text
_LIST_SIGN = re.compile(f"^- |[\n{_LINK}{_LINK_END}]", re.MULTILINE)
_NO_LETTER = re.compile(r"[\W_]+")
_FURNITURE_NAME = re.compile(
    r"(?:^|[\s_-])(?:side-?bar|breadcrumbs?|footer|skip-?link|share|social|cookie[_-]?(?:banner|bar|consent|notice))(?:$|[\s_-])",
    re.IGNORECASE,
)
_UNWRITABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]"
)  # no tree takes these in a text that is changed
_NOFRAMES = re.compile(
    r"</?noframes[^>]*>", re.IGNORECASE
)  # parsers give what is within as raw tags
_INVISIBLE = re.compile("[\u200b\u2060\ufeff]")
_ANCHOR_TEXT = re.compile(r"[\s¶#§🔗\u200b\u2060\ufeff]")
_METADATA = {
    "author": ("author", "article:author", "dc.creator", "citation_author"),
    "date": (
        "article:published_time",
        "date",
        "dc.date",
        "dcterms.date",
        "citation_publication_date",
        "pubdate",
    ),
    "description": ("description", "og:description"),
    "tags": ("keywords", "news_keywords", "article:tag", "citation_keywords"),
}
_REPEATED = frozenset(
    {
        "author",
        "article:author",
        "dc.creator",
        "citation_author",
        "article:tag",
        "citation_keywords",
    }
)


def read(data: bytes, document_type: str) -> Document:
    """A web page's main text by headings, paragraphs, lists, tables and code."""
    source = _cleaned(decode_page(data))
    page = _tree(source)
    title = _title(page) if page is not None else ""
    metadata = _metadata(page) if page is not None else {}
    parts = _main_parts(source, page)
    if page is not None and _length(parts) < _BARE_PAGE:
        parts = max(parts, list(_declared_parts(page)), key=_length)
    return document_of(parts, document_type, title=title, metadata=metadata)


def page_parts(data: bytes | str) -> list[Part]:
    """All visible text of a page with its headings, lists and tables, for mails and the chapters of
    e-books.
    """
    source = _cleaned(data if isinstance(data, str) else decode_page(data))
    page = _tree(source)
    return _visible_parts(source, page)[0]


def _cleaned(source: str) -> str:
    return _UNWRITABLE.sub(" ", _NOFRAMES.sub("", source))


def decode_page(data: bytes) -> str:
    """A page's source, or an XML file's, by its mark, as UTF-8, or by the encoding that it
    declares.
    """
    declared = _CHARSET.search(data[:4096])
    if declared and not data.startswith(
        (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    ):
        name = (declared[1] or declared[2]).decode("ascii").lower()
        name = (
            "cp1252" if name in {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"} else name
        )
        for encoding in ("utf-8", name) if not name.startswith("iso-2022") else (name,):
            try:
                return data.decode(encoding)
            except (UnicodeError, LookupError):
                continue
    return decode(data)


def _tree(source: str) -> Any:  # an lxml element; lxml carries no types
    """The page's elements, None where there are none."""
    from lxml import etree, html  # type: ignore[import-untyped]

    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        return html.document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None


def _main_parts(source: str, page: Any) -> list[Part]:
    """The parts of the page's main text: what its article has, and what stands among it and is no
    list of links.
    """
    visible, is_whole = _visible_parts(source, page)
    if not is_whole:
        return visible
    _drop_furniture(page)
    main = list(element_parts(page)) or visible
    is_small = _length(visible) <= _SMALL_PAGE
    if is_small and len(main) == len(visible):
        return main
    cleaned = _source(page)
    linked = _linked(page, main)
    own = sum(len(part.text) for part, is_linked in zip(main, linked, strict=True) if not is_linked)
    for find in (_article, _main_content):
        kept = _around(find(cleaned), main, linked)
        if kept and _length(kept) >= own * _LEAST_KEPT:
            return kept
    return main


def _visible_parts(source: str, page: Any) -> tuple[list[Part], bool]:
    """All visible parts, and whether the tree holds them; else it lost what is nested too deep for
    it, and this is plain text.
    """
    visible = list(element_parts(page)) if page is not None else []
    everything = _all_text(source)
    is_whole = page is not None and _length(visible) >= _length(everything) / 2
    return (visible, True) if is_whole else (everything, False)


def _linked(page: Any, main: Sequence[Part]) -> list[bool]:
    """Which of the page's parts are links for the most part."""
    for link in page.iter("a"):
        if len(link) == 0 and link.text and link.get("href"):
            link.text = f"{_LINK}{link.text}{_LINK_END}"
    marked = list(element_parts(page))
    if len(marked) != len(main):
        return [False] * len(main)
    return [
        part.kind not in _NEVER_LINKED and _link_share(part.text) > _MOST_LINKED for part in marked
    ]


def _link_share(marked: str) -> float:
    """How much of a text is within marked links."""
    inner = sum(len(found) for found in re.findall(f"{_LINK}(.*?){_LINK_END}", marked, re.DOTALL))
    return inner / max(1, len(_LIST_SIGN.sub("", marked)))


def _around(article: Sequence[Part], main: Sequence[Part], linked: Sequence[bool]) -> list[Part]:
    """The parts of the main text from the article's first, or the main heading before it, to where
    a heading or links follow its last.

    Lists of links that the article does not have are left out. None where they have nothing in
    common.
    """
    kept = {line for part in article for line in _plain_lines(part.text)}
    shared = [_is_shared(part, kept) for part in main]
    if not any(shared):
        return []
    first, last = shared.index(True), len(shared) - shared[::-1].index(True)
    while last < len(main) and main[last].kind != "heading" and not linked[last]:
        last += 1
    titles = [
        index for index in range(first) if main[index].kind == "heading" and main[index].level == 1
    ]
    first = titles[-1] if titles else first
    while first and main[first - 1].kind == "heading":
        first -= 1
    return _without_empty_sections(
        [
            (main[index], shared[index] or not linked[index], shared[index])
            for index in range(first, last)
        ]
    )


def _is_shared(part: Part, kept: set[str]) -> bool:
    lines = _plain_lines(part.text)
    return sum(len(line) for line in lines if line in kept) * 2 > sum(map(len, lines))


def _plain_lines(text: str) -> list[str]:
    return [plain for line in text.split("\n") if (plain := _NO_LETTER.sub("", line))]


def _without_empty_sections(parts: Sequence[tuple[Part, bool, bool]]) -> list[Part]:
    """The parts that are to be kept, without the headings over lost parts alone, unless the article
    has them.

    Each part comes with whether it is to be kept, and whether the article has it.
    """
    found: list[Part] = []
    over_kept, over_lost = (
        [False] * 7,
        [False] * 7,
    )  # by a heading's level: what it would stand over, were it the next one upwards
    for part, is_kept, is_shared in reversed(parts):
        if part.kind == "heading":
            is_empty = over_lost[part.level] and not over_kept[part.level] and not is_shared
            over_kept[part.level :] = over_lost[part.level :] = [False] * (7 - part.level)
        else:
            is_empty = False
            over_kept, over_lost = ([True] * 7, over_lost) if is_kept else (over_kept, [True] * 7)
        if is_kept and not is_empty:
            found.append(part)
    return found[::-1]


def _article(source: str) -> list[Part]:
    """The parts that trafilatura takes for the article."""
    import trafilatura

    found = trafilatura.bare_extraction(source, fast=True, include_comments=True)
    body = getattr(found, "body", None)
    return [] if body is None else list(element_parts(body))


def _main_content(source: str) -> list[Part]:
    """The parts that resiliparse takes for the main content."""
    from resiliparse.extract.html2text import extract_plain_text

    found = extract_plain_text(
        source, preserve_formatting="minimal_html", main_content=True, alt_texts=False
    )
    page = _tree(f"<html><body><div>{found}</div></body></html>") if found.strip() else None
    return list(element_parts(page)) if page is not None else []


def _all_text(source: str) -> list[Part]:
    """All visible text, for a page that no tree can hold: nested thousands deep, say."""
    from resiliparse.extract.html2text import extract_plain_text

    text = extract_plain_text(source, alt_texts=False)
    return [Part("prose", part.strip()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _drop_furniture(page: Any) -> None:
    """Takes menus, banners and footers out of a page."""
    elements = list(page.iter())
    menus = _mostly_links(elements)
    for element in elements:
        if element.getparent() is not None and _is_furniture(element, menus):
            element.drop_tree()


def _mostly_links(elements: Sequence[Any]) -> set[Any]:
    """Those of a page's elements, given in document order, of whose text half or more
    is in links.
    """
    texts: dict[Any, int] = dict.fromkeys(elements, 0)  # characters that are no white space
    links: dict[Any, int] = dict.fromkeys(elements, 0)
    for element in reversed(elements):
        is_seen = isinstance(element.tag, str) and element.tag not in _UNSEEN
        texts[element] = texts[element] + _size(element.text) if is_seen else 0
        links[element] = texts[element] if element.tag == "a" else links[element] if is_seen else 0
        above = element.getparent()
        if above is not None:
            texts[above] += texts[element] + _size(element.tail)
            links[above] += links[element]
    return {element for element in elements if links[element] * 2 >= texts[element]}


def _size(text: str | None) -> int:
    return len(_NO_LETTER.sub("", text)) if text else 0


def _is_furniture(element: Any, menus: set[Any]) -> bool:
    """True for what its tag or role calls furniture, and for what only its names do where it holds
    no main heading.
    """
    if not isinstance(element.tag, str) or element.tag in {"html", "body", "main", "article"}:
        return False
    if element.tag == "aside" or element.get("role") == "complementary":
        return not _is_within(element, "article", "main") or _is_beside(element, menus)
    if element.tag in _FURNITURE_TAGS or element.get("role") in _FURNITURE_ROLES:
        return not (element.tag == "footer" and _is_within(element, "blockquote"))
    if element.tag == "button":
        return len(_flat(element)) < _LONG_BUTTON and not _is_within(
            element, "h1", "h2", "h3", "h4", "h5", "h6"
        )
    is_header = (
        element.tag == "header" and not _is_within(element, "article", "main")
    ) or element.get("role") == "banner"
    is_named = _has_furniture_name(element, "class", menus) or (
        _has_furniture_name(element, "id", menus) and not _is_named_by_heading(element)
    )
    return (is_named or is_header) and next(
        element.iter("h1", "h2", "main", "article"), None
    ) is None


def _has_furniture_name(element: Any, attribute: str, menus: set[Any]) -> bool:
    name = element.get(attribute, "")
    return _FURNITURE_NAME.search(name) is not None or (
        element in menus and _MENU_NAME.search(name) is not None
    )


def _is_within(element: Any, *tags: str) -> bool:
    return next(element.iterancestors(*tags), None) is not None


def _is_beside(aside: Any, menus: set[Any]) -> bool:
    """True for an aside within an article that leads elsewhere, and is no note on the text."""
    return (
        _BESIDE_NAME.search(f"{aside.get('class', '')} {aside.get('id', '')}") is not None
        or aside in menus
    )


def _is_named_by_heading(element: Any) -> bool:
    """True where an element's id is made from the heading in it, as documentation tools do:
    "file-menu".
    """
    heading = next((each for each in element.iter("h2", "h3", "h4", "h5", "h6")), None)
    name = _NO_LETTER.sub("", element.get("id", "").lower())
    return (
        heading is not None
        and bool(name)
        and _NO_LETTER.sub("", _flat(heading).lower()).startswith(name)
    )


def _source(page: Any) -> str:
    from lxml import html

    return str(html.tostring(page, encoding="unicode"))


def _length(parts: Sequence[Part]) -> int:
    return sum(len(part.text) for part in parts)


# ---- elements to parts ---------------------------------------------------------------------------


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
    yield "inline", 0, _spaced(element.text)
    for child in element:
        if _is_visible(child):
            yield from _element(child)
        yield "inline", 0, _spaced(child.tail)


def _element(element: Any) -> Iterator[tuple[Any, int, str]]:
    tag = element.tag
    level = _heading_level(element)
    if level:
        yield "heading", level, _heading(element)
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


def _heading(element: Any) -> str:
    """A heading's text, without the anchor to itself that documentation tools put at its end."""
    anchors = [link for link in element.iter("a") if not _ANCHOR_TEXT.sub("", _flat(link))]
    return (
        _INVISIBLE.sub("", _flat(element, without=anchors))
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
    is_unseen = element.tag in _UNSEEN and not _heading_level(element)
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
        yield _flat(item, without=nested)
        for each in nested:
            yield from _items(each)


def _between(element: Any, top: Any) -> Iterator[Any]:
    """The elements above one, up to `top`, which is not among them."""
    above = element.getparent()
    while above is not None and above is not top:
        yield above
        above = above.getparent()


def _row(row: Any) -> str:
    cells = [_flat(cell) for cell in row if isinstance(cell.tag, str)]
    return " | ".join(cells) if any(cells) else ""


def _flat(element: Any, *, without: Sequence[Any] = ()) -> str:
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


def _spaced(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


def _joined(pieces: Sequence[str]) -> str:
    """Running text from its pieces: spaces collapsed, the page's own line breaks kept."""
    return re.sub(r" *\n *", "\n", re.sub(r" +", " ", "".join(pieces))).strip()


# ---- what a page that a script fills declares of itself ------------------------------------------


def _declared_parts(page: Any) -> Iterator[Part]:
    """The text of the things that a page describes for search engines (JSON-LD of schema.org):
    articles, recipes, questions.
    """
    for script in page.iter("script"):
        if (script.get("type") or "").strip().lower() == "application/ld+json" and len(
            script.text or ""
        ) <= _MAX_DECLARED:
            try:
                described = json.loads(script.text or "", strict=False)
            except (ValueError, RecursionError):
                continue
            yield from _described(described, 1)


def _described(value: Any, level: int) -> Iterator[Part]:  # JSON that anybody wrote
    """The parts of a description; what it holds is one level deeper."""
    if level > _MAX_DESCRIBED:
        return
    if isinstance(value, list):
        for inner in value:
            yield from _described(inner, level)
    elif isinstance(value, dict):
        texts = [(name, value[name]) for name in _DESCRIPTIONS if isinstance(value.get(name), str)]
        heading = next(
            (
                _unmarked(value[name])
                for name in ("headline", "name")
                if isinstance(value.get(name), str)
            ),
            "",
        )
        if heading and (texts or any(name in value for name in _HELD)):
            yield Part("heading", heading, min(level, 6))
        for _, text in texts:
            yield from (Part("prose", piece) for piece in re.split(r"\n\s*\n", _unmarked(text)))
        for name in _HELD:
            held = value.get(name)
            if isinstance(held, list) and held and all(isinstance(each, str) for each in held):
                yield Part("list", "\n".join(f"- {_unmarked(each)}" for each in held))
            elif isinstance(held, str):
                yield Part("prose", _unmarked(held))
            else:
                yield from _described(held, level + (name != "@graph"))


def _unmarked(text: str) -> str:
    """Text without the markup that some pages leave in it."""
    return (
        "\n\n".join(part.text for part in page_parts(text))
        if _TAG.search(text)
        else unescape(text).strip()
    )


# ---- title and metadata --------------------------------------------------------------------------


def _title(page: Any) -> str:
    """The one main heading where the page's title repeats it (titles add the site's name), else the
    title.
    """
    declared = _heading(found) if (found := page.find(".//title")) is not None else ""
    declared = declared or _meta(page).get("og:title", "")
    headings = [text for text in map(_heading, page.iter("h1")) if text]
    if len(headings) == 1 and (not declared or headings[0] in declared):
        return headings[0]
    return declared or (headings[0] if headings else "")


def _metadata(page: Any) -> dict[str, str]:
    declared = _meta(page)
    found = {
        key: next((declared[name] for name in names if declared.get(name)), "")
        for key, names in _METADATA.items()
    }
    found["language"] = (
        page.get("lang") or page.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    ).strip()
    found["date"] = iso_date(found["date"])
    found["tags"] = "; ".join(filter(None, re.split(r"\s*[,;]\s*", found["tags"])))
    return {key: value for key, value in found.items() if value and not value.startswith("http")}


def _meta(page: Any) -> dict[str, str]:
    """The page's meta elements: the first of each name, all of those that name one of several
    authors or tags.
    """
    found: dict[str, str] = {}
    for element in page.iter("meta"):
        name = (element.get("property") or element.get("name") or "").lower()
        content = _spaced(element.get("content")).strip()
        is_further = (
            name in _REPEATED and found.get(name) and content not in found[name].split("; ")
        )
        found[name] = (
            f"{found[name]}; {content}" if is_further and content else found.get(name) or content
        )
    return found
