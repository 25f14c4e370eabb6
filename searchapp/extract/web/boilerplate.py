"""The main text of a page, without its boilerplate: menus, banners, footers and lists of links.

trafilatura or resiliparse find where the article begins; all that stands from there on is kept, but
links that lead elsewhere and scraps outside of what holds the article's paragraphs. Boxes beside it
follow it where they say something and are no menus, whatever their names are. Where the two find
less than half of the page, it gives all but the boilerplate.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from searchapp.extract.builder import Part, in_time
from searchapp.extract.web.elements import (
    INLINE,
    UNSEEN,
    element_parts,
    flat_text,
    page_tree,
    placed_parts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


_SMALL_PAGE = 5000  # characters: menus matter less than what would be lost
_LEAST_KEPT = 0.5  # of the main text that is no links
_MOST_LINKED = 0.5  # of a part of a text
_LEAST_AFTER = 1000  # characters of a text after the article, not among its paragraphs
_LEAST_INSIDE = 30  # the same within the main element
_MOST_BESIDE = 1500  # characters of a box whose headings may be those of the page's boxes
_LEAST_SAID = 20  # letters of a box beside the text
_TERMS = frozenset({"dt", "dd"})
_LEAST_TOLD = 12
_MOST_TOLD = 300  # letters of a section after the article that tells hours, prices, an address
_DIGIT = re.compile(r"\d")
_LEAST_PARAGRAPH = 40  # characters
_LEAST_SIDE_BY_SIDE = 3  # paragraphs of the article
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
_BOX_NAME = re.compile(
    r"(?:^|[\s_-])(?<!with[_-])(?<!has[_-])(?<!no[_-])side-?bar(?:$|[\s_-])", re.IGNORECASE
)
_FURNITURE_NAME = re.compile(
    r"(?:^|[\s_-])(?:(?<!with[_-])(?<!has[_-])(?<!no[_-])side-?bar|breadcrumbs?|footer|skip-?link|share|social|cookie[_-]?(?:banner|bar|consent|notice))(?:$|[\s_-])",
    re.IGNORECASE,
)


def main_parts(source: str, page: Any, cut: list[str]) -> tuple[list[Part], int]:
    """The parts of the page's main text: what its article has, and what stands among it and is no
    list of links; and how many characters are left out. Where the time runs out, all parts that are
    found by then; what is to be said goes to `cut`.
    """
    visible, is_whole = visible_parts(source, page, cut)
    found = visible
    if is_whole and not cut:
        with in_time(cut, "read with its menus and links"):
            found = _chosen(page, visible)
    return found, max(0, text_length(visible) - text_length(found))


def _chosen(page: Any, visible: list[Part]) -> list[Part]:
    beside = _drop_furniture(page)
    placed = list(placed_parts(page))
    main = [part for part, _ in placed] or visible
    is_small = text_length(visible) <= _SMALL_PAGE
    if is_small and len(main) + len(beside) == len(visible):
        return visible
    cleaned = _source(page)
    linked = _linked(page, main)
    own = sum(len(part.text) for part, is_linked in zip(main, linked, strict=True) if not is_linked)
    for find in (_article, _main_content) if placed else ():
        kept = _around(find(cleaned), placed, linked)
        if kept and text_length(kept) >= own * _LEAST_KEPT:
            return kept + beside
    return main + beside


def visible_parts(
    source: str, page: Any, cut: list[str] | None = None
) -> tuple[list[Part], bool]:
    """All visible parts, with `cut` those that are found `in_time`, and whether the tree holds
    them; else it lost what is nested too deep for it, and this is plain text.
    """
    visible = list(element_parts(page, cut)) if page is not None else []
    if cut:
        return visible, True
    everything = _all_text(source)
    is_whole = page is not None and text_length(visible) >= text_length(everything) / 2
    return (visible, True) if is_whole else (everything, False)


def _unlinked(element: Any) -> list[Part]:
    """The parts of a box that are no links, with the headings over them."""
    parts = list(element_parts(element))
    return _without_empty_sections(
        [
            _PagePart(part, not is_linked, is_shared=False, is_after=True)
            for part, is_linked in zip(parts, _linked(element, parts), strict=True)
        ]
    )


def _linked(page: Any, main: Sequence[Part]) -> list[bool]:
    """Which of the page's parts are links for the most part."""
    for link in page.iter("a"):
        if len(link) == 0 and link.text and _leads_elsewhere(link):
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


def _leads_elsewhere(link: Any) -> bool:
    """True for a link to another page; an address of a person, or of a place on this one, is
    text.
    """
    target = (link.get("href") or "").strip().lower()
    return bool(target) and not target.startswith(("mailto:", "tel:", "#"))


def _around(
    article: Sequence[Part], placed: Sequence[tuple[Part, Any]], linked: Sequence[bool]
) -> list[Part]:
    """The parts of the main text from the article's first on, or from the main heading before it.

    Links that lead elsewhere are left out where they stand neither in the article nor among its
    paragraphs, and so are short texts that stand after it and elsewhere. None where the article and
    the main text have nothing in common.
    """
    main = [part for part, _ in placed]
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
    flow, around = _flow(placed, shared)
    told = _sections(main, linked, last)
    return _without_empty_sections(
        [
            _PagePart(
                main[index],
                is_kept=shared[index]
                or _is_in(placed[index][1], flow, around, linked=linked[index])
                or (not linked[index] and (index < last or len(main[index].text) >= _LEAST_AFTER))
                or index in told,
                is_shared=shared[index],
                is_after=index >= last,
            )
            for index in range(first, len(main))
        ]
    )


def _sections(main: Sequence[Part], linked: Sequence[bool], first: int) -> set[int]:
    """Of the parts from `first` on those below a heading with figures and without links: opening
    hours, prices, an address.
    """
    found: set[int] = set()
    section: list[int] | None = None
    for index in range(first, len(main) + 1):
        if index < len(main) and main[index].kind != "heading":
            if section is not None:
                section.append(index)
            continue
        if section and not any(linked[each] for each in section):
            said = "".join(_NO_LETTER.sub("", main[each].text) for each in section)
            if _LEAST_TOLD <= len(said) <= _MOST_TOLD and _DIGIT.search(said):
                found.update(section)
        section = []
    return found


def _flow(placed: Sequence[tuple[Part, Any]], shared: Sequence[bool]) -> tuple[set[Any], set[Any]]:
    """The elements in which the article's paragraphs stand side by side, and the main elements
    around these.
    """
    counts: dict[Any, int] = {}
    for (part, element), is_shared in zip(placed, shared, strict=True):
        if is_shared and part.kind == "prose" and len(part.text) >= _LEAST_PARAGRAPH:
            above = _block(element).getparent()
            if above is not None:
                counts[above] = counts.get(above, 0) + 1
    flow = {element for element, count in counts.items() if count >= _LEAST_SIDE_BY_SIDE}
    return flow, {main for element in flow for main in element.iterancestors("main")}


def _block(element: Any) -> Any:
    """The paragraph that an element is in, or itself."""
    while element.tag in INLINE and element.getparent() is not None:
        element = element.getparent()
    return element


def _is_in(element: Any, flow: set[Any], around: set[Any], *, linked: bool) -> bool:
    """True for what stands among the article's paragraphs; for links only as their neighbour, for
    captions and all else at any depth; and for terms with their meanings, wherever they stand.
    """
    block = _block(element)
    if block.tag in _TERMS and not linked:
        return True
    if linked and block.tag != "figcaption":
        return block.getparent() in flow
    holders = flow | around if len(flat_text(block)) >= _LEAST_INSIDE else flow
    return any(above in holders for above in block.iterancestors())


@dataclass(frozen=True, slots=True)
class _PagePart:
    """A part, whether it is to be kept, whether the article has it, and whether it stands after
    that.
    """

    part: Part
    is_kept: bool
    is_shared: bool
    is_after: bool


def _is_shared(part: Part, kept: set[str]) -> bool:
    lines = _plain_lines(part.text)
    return sum(len(line) for line in lines if line in kept) * 2 > sum(map(len, lines))


def _plain_lines(text: str) -> list[str]:
    return [plain for line in text.split("\n") if (plain := _NO_LETTER.sub("", line))]


def _without_empty_sections(parts: Sequence[_PagePart]) -> list[Part]:
    """The parts that are to be kept, without the headings over lost parts alone, unless the article
    has them; after it, without those over nothing that is kept.
    """
    found: list[Part] = []
    # by a heading's level: what it would stand over, were it the next one upwards
    over_kept, over_lost = ([False] * 7, [False] * 7)
    for each in reversed(parts):
        level = each.part.level
        if each.part.kind == "heading":
            is_lost = over_lost[level] or each.is_after
            is_empty = is_lost and not over_kept[level] and not each.is_shared
            over_kept[level:] = over_lost[level:] = [False] * (7 - level)
        else:
            is_empty = False
            over_kept, over_lost = (
                ([True] * 7, over_lost) if each.is_kept else (over_kept, [True] * 7)
            )
        if (each.is_kept or each.part.kind == "heading") and not is_empty:
            found.append(each.part)
    return found[::-1]


def _article(source: str) -> list[Part]:
    """The parts that trafilatura takes for the article and for what readers say of it."""
    import trafilatura

    found = trafilatura.bare_extraction(source, fast=True, include_comments=True)
    bodies = (getattr(found, name, None) for name in ("body", "commentsbody"))
    return [part for body in bodies if body is not None for part in element_parts(body)]


def _main_content(source: str) -> list[Part]:
    """The parts that resiliparse takes for the main content."""
    from resiliparse.extract.html2text import extract_plain_text

    found = extract_plain_text(
        source, preserve_formatting="minimal_html", main_content=True, alt_texts=False
    )
    page = page_tree(f"<html><body><div>{found}</div></body></html>") if found.strip() else None
    return list(element_parts(page)) if page is not None else []


def _all_text(source: str) -> list[Part]:
    """All visible text, for a page that no tree can hold: nested thousands deep, say."""
    from resiliparse.extract.html2text import extract_plain_text

    text = extract_plain_text(source, alt_texts=False)
    return [Part("prose", part.strip()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _drop_furniture(page: Any) -> list[Part]:
    """Take menus, banners and footers out of a page, and boxes beside its text, of which those
    parts are given that say something.
    """
    elements = list(page.iter())
    menus = _mostly_links(elements)
    beside: list[Part] = []
    for element in elements:
        if element.getparent() is None or not _is_furniture(element, menus):
            continue
        if _may_say_something(element, menus) and _is_still_in(element, page):
            said = _unlinked(element)
            letters = (len(_NO_LETTER.sub("", part.text)) * (not part.level) for part in said)
            beside += said if sum(letters) >= _LEAST_SAID else []
        element.drop_tree()
    return beside


def _may_say_something(element: Any, menus: set[Any]) -> bool:
    """True for a box beside the text that is no menu, no form and no advertisement: it may tell
    opening hours, an address, a note.
    """
    name = _names(element)
    is_box = element.tag == "aside" or _BOX_NAME.search(name) is not None
    if not is_box or element in menus or _BESIDE_NAME.search(_BOX_NAME.sub(" ", name)):
        return False
    return next(element.iter("form", "input", "nav"), None) is None


def _is_still_in(element: Any, page: Any) -> bool:
    """False for what was in a box that has been taken out."""
    return any(above is page for above in element.iterancestors())


def _mostly_links(elements: Sequence[Any]) -> set[Any]:
    """Those of a page's elements, given in document order, of whose text half or more
    is in links.
    """
    texts: dict[Any, int] = dict.fromkeys(elements, 0)  # characters that are no white space
    links: dict[Any, int] = dict.fromkeys(elements, 0)
    for element in reversed(elements):
        is_seen = isinstance(element.tag, str) and element.tag not in UNSEEN
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
        return len(flat_text(element)) < _LONG_BUTTON and not _is_within(
            element, "h1", "h2", "h3", "h4", "h5", "h6"
        )
    is_header = (
        element.tag == "header" and not _is_within(element, "article", "main")
    ) or element.get("role") == "banner"
    is_named = _has_furniture_name(element, "class", menus) or (
        _has_furniture_name(element, "id", menus) and not _is_named_by_heading(element)
    )
    is_box = (
        is_named
        and _BOX_NAME.search(_names(element)) is not None
        and len(flat_text(element)) < _MOST_BESIDE
    )
    headings = ("h1",) if is_box else ("h1", "h2")
    return (is_named or is_header) and next(
        element.iter(*headings, "main", "article"), None
    ) is None


def _has_furniture_name(element: Any, attribute: str, menus: set[Any]) -> bool:
    name = element.get(attribute, "")
    return _FURNITURE_NAME.search(name) is not None or (
        element in menus and _MENU_NAME.search(name) is not None
    )


def _names(element: Any) -> str:
    return f"{element.get('class', '')} {element.get('id', '')}"


def _is_within(element: Any, *tags: str) -> bool:
    return next(element.iterancestors(*tags), None) is not None


def _is_beside(aside: Any, menus: set[Any]) -> bool:
    """True for an aside within an article that leads elsewhere, and is no note on the text."""
    return _BESIDE_NAME.search(_names(aside)) is not None or aside in menus


def _is_named_by_heading(element: Any) -> bool:
    """True where an element's id is made from the heading in it, as documentation tools do:
    "file-menu".
    """
    heading = next((each for each in element.iter("h2", "h3", "h4", "h5", "h6")), None)
    name = _NO_LETTER.sub("", element.get("id", "").lower())
    return (
        heading is not None
        and bool(name)
        and _NO_LETTER.sub("", flat_text(heading).lower()).startswith(name)
    )


def _source(page: Any) -> str:
    from lxml import html  # type: ignore[import-untyped]

    return str(html.tostring(page, encoding="unicode"))


def text_length(parts: Sequence[Part]) -> int:
    """How many characters the parts hold."""
    return sum(len(part.text) for part in parts)
