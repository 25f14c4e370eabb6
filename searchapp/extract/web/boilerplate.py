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
    element_parts,
    flat_text,
    page_tree,
    placed_parts,
)
from searchapp.extract.web.furniture import is_box, is_furniture, may_say_something, mostly_links
from searchapp.extract.web.list_marks import MARK

if TYPE_CHECKING:
    from collections.abc import Sequence


_SMALL_PAGE = 5000  # characters: menus matter less than what would be lost
_LEAST_KEPT = 0.5  # of the main text that is no links
_MOST_LINKED = 0.5  # of a part of a text
_LEAST_AFTER = 1000  # characters of a text after the article, not among its paragraphs
_LEAST_INSIDE = 30  # the same within the main element
_LEAST_SAID = 20  # letters of a box beside the text
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)  # as deep as lists are nested
_TERMS = frozenset({"dt", "dd"})
_LEAST_TOLD = 12
_MOST_TOLD = 300  # letters of a section after the article that tells hours, prices, an address
_DIGIT = re.compile(r"\d")
# the number of a telephone, or of a place with its post code; hours from and to
_CONTACT = re.compile(
    r"(?<![\d.,])\+?\(?(?=(?:[ ()/-]*\d){7})\d{1,6}(?:[ ()/-]{1,3}\d{2,8}){1,5}(?![.,]?\d)"
    r"|\b\d{3}[.-]\d{4}\b|(?<![\d.,])\d{5}(?![\d.,])"
    r"|\b\d{1,2}(?:[:.]\d\d ?(?:[ap]\.?m\.?|Uhr|h)?| ?(?:[ap]\.?m\.?|Uhr|h)"
    r"|(?= (?:to|till|bis|à) ))\s*(?:[-\u2013\u2014]|to|till|until|bis|à)\s*\d{1,2}\b"
    r"|\d ?[-\u2013] ?\d{1,2} (?:[ap]\.?m|Uhr|h)\b",
    re.IGNORECASE,
)
_YEARS = re.compile(r"\b(?:19|20)\d\d(?:\s*[-\u2013]\s*(?:19|20)?\d\d)?\b")
_LEAST_PARAGRAPH = 40  # characters
_NEVER_LINKED = frozenset({"code", "heading"})
_LINK, _LINK_END = "\ufdd0", "\ufdd1"  # characters that are in no text
_LIST_SIGN = re.compile(f"^{MARK.pattern}|[\n{_LINK}{_LINK_END}]", re.MULTILINE)
_NO_LETTER = re.compile(r"[\W_]+")


def main_parts(source: str, page: Any, cut: list[str]) -> tuple[list[Part], int]:
    """The parts of the page's main text: what its article has, and what stands among it and is no
    list of links; and how many characters are left out. Where the time runs out, all parts that are
    found by then; what is to be said goes to `cut`.
    """
    visible, is_whole = visible_parts(source, page, cut)
    chosen = visible
    if is_whole and not cut:
        with in_time(cut, "read with its menus and links"):
            chosen = _chosen(page, visible)
    return chosen, max(0, text_length(visible) - text_length(chosen))


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


def visible_parts(source: str, page: Any, cut: list[str] | None = None) -> tuple[list[Part], bool]:
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
    """The parts of a box that are no links, with the headings over them; of what is no box those
    that tell hours, prices, an address.
    """
    is_whole = is_box(element)
    parts = list(element_parts(element))
    return _without_empty_sections(
        [
            _PagePart(
                part,
                not is_linked and (is_whole or _is_contact(part.text)),
                is_shared=False,
                is_after=True,
            )
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
    inner = sum(
        len(link_text) for link_text in re.findall(f"{_LINK}(.*?){_LINK_END}", marked, re.DOTALL)
    )
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
    in_sections = _sections(placed, linked, last)
    teasers = _teasers(placed, last)

    def is_kept(index: int) -> bool:
        text, is_plain = main[index].text, not linked[index]
        if shared[index] or index in teasers:
            return shared[index]
        if index in in_sections or (index >= last and is_plain and _is_contact(text)):
            return True
        is_own = index < last or len(text) >= _LEAST_AFTER
        return (is_plain and is_own) or _is_in(placed[index][1], flow, around, linked=linked[index])

    return _without_empty_sections(
        [
            _PagePart(main[index], is_kept(index), shared[index], is_after=index >= last)
            for index in range(first, len(main))
        ]
    )


def _sections(placed: Sequence[tuple[Part, Any]], linked: Sequence[bool], first: int) -> set[int]:
    """Of the parts from `first` on those below a heading without links, with figures or in a
    section of their own: opening hours, prices, an address.
    """
    main = [part for part, _ in placed]
    indices: set[int] = set()
    section: list[int] | None = None
    for index in range(first, len(main) + 1):
        if index < len(main) and main[index].kind != "heading":
            if section is not None:
                section.append(index)
            continue
        if section and not any(linked[position] for position in section):
            said = "\n".join(main[position].text for position in section)
            is_marked = _is_section(placed[section[0]][1])
            if _is_short(said) and (is_marked or _DIGIT.search(_YEARS.sub("", said))):
                indices.update(section)
        section = []
    return indices


def _teasers(placed: Sequence[tuple[Part, Any]], first: int) -> set[int]:
    """Of the parts from `first` on those below headings that lead to other pages, of which at least
    two stand below each other.
    """
    indices: set[int] = set()
    section: list[int] = []
    is_teaser = was_teaser = False
    for index in range(first, len(placed)):
        part, element = placed[index]
        if part.kind == "heading":
            was_teaser, is_teaser = is_teaser, _is_link(element)
            section = [*section, index] if is_teaser and was_teaser else [index]
        elif is_teaser:
            section.append(index)
        if is_teaser and was_teaser:
            indices.update(section)
    return indices


def _is_link(heading: Any) -> bool:
    """Whether a heading leads to another page."""
    above = heading.iterancestors("a")
    return any(_leads_elsewhere(link) for link in (*heading.iter("a"), *above))


def _is_section(element: Any) -> bool:
    above = _block(element).getparent()
    return above is not None and above.tag == "section"


def _is_short(text: str) -> bool:
    return _LEAST_TOLD <= len(_NO_LETTER.sub("", text)) <= _MOST_TOLD


def _is_contact(text: str) -> bool:
    """Whether a text is short and tells hours, an address, a number of a telephone."""
    return _is_short(text) and _CONTACT.search(_YEARS.sub("", text)) is not None


def _flow(placed: Sequence[tuple[Part, Any]], shared: Sequence[bool]) -> tuple[set[Any], set[Any]]:
    """The elements in which the article's paragraphs stand, and the main elements around these."""
    flow = set()
    for (part, element), is_shared in zip(placed, shared, strict=True):
        if is_shared and part.kind == "prose" and len(part.text) >= _LEAST_PARAGRAPH:
            above = _block(element).getparent()
            if above is not None:
                flow.add(above)
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
    lines = (MARK.sub("", line, count=1) if MARK.match(line) else line for line in text.split("\n"))
    return [plain for line in lines if (plain := _NO_LETTER.sub("", line))]


def _without_empty_sections(parts: Sequence[_PagePart]) -> list[Part]:
    """The parts that are to be kept, without the headings over lost parts alone, unless the article
    has them; after it, without those over nothing that is kept.
    """
    kept: list[Part] = []
    # by a heading's level: what it would stand over, were it the next one upwards
    over_kept, over_lost = ([False] * 7, [False] * 7)
    for page_part in reversed(parts):
        level = page_part.part.level
        if page_part.part.kind == "heading":
            is_lost = over_lost[level] or page_part.is_after
            is_empty = is_lost and not over_kept[level] and not page_part.is_shared
            over_kept[level:] = over_lost[level:] = [False] * (7 - level)
        else:
            is_empty = False
            over_kept, over_lost = (
                ([True] * 7, over_lost) if page_part.is_kept else (over_kept, [True] * 7)
            )
        if (page_part.is_kept or page_part.part.kind == "heading") and not is_empty:
            kept.append(page_part.part)
    return kept[::-1]


def _article(source: str) -> list[Part]:
    """The parts that trafilatura takes for the article and for what readers say of it."""
    import trafilatura

    extraction = trafilatura.bare_extraction(source, fast=True, include_comments=True)
    bodies = (getattr(extraction, name, None) for name in ("body", "commentsbody"))
    return [part for body in bodies if body is not None for part in element_parts(body)]


def _main_content(source: str) -> list[Part]:
    """The parts that resiliparse takes for the main content."""
    from resiliparse.extract.html2text import extract_plain_text

    content = extract_plain_text(
        source, preserve_formatting="minimal_html", main_content=True, alt_texts=False
    )
    page = page_tree(f"<html><body><div>{content}</div></body></html>") if content.strip() else None
    return list(element_parts(page)) if page is not None else []


def _all_text(source: str) -> list[Part]:
    """All visible text, for a page that no tree can hold: nested thousands deep, say."""
    from resiliparse.extract.html2text import extract_plain_text

    text = _INDENT.sub("", extract_plain_text(source, alt_texts=False))
    return [Part("prose", part.strip()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _drop_furniture(page: Any) -> list[Part]:
    """Take menus, banners and footers out of a page, and boxes beside its text, of which those
    parts are given that say something.
    """
    elements = list(page.iter())
    menus = mostly_links(elements)
    beside: list[Part] = []
    for element in elements:
        if element.getparent() is None or not is_furniture(element, menus):
            continue
        if may_say_something(element, menus) and _is_still_in(element, page):
            said = _unlinked(element)
            is_new = any(part not in beside for part in said)  # not said below another width again
            is_enough = _says_enough(said) or not is_box(element)
            beside += said if is_new and is_enough else []
        element.drop_tree()
    return beside


def _says_enough(parts: Sequence[Part]) -> bool:
    """Whether the parts of a box say something: a sentence, or fewer letters with figures below a
    heading, as opening hours are.
    """
    text = " ".join(part.text for part in parts if not part.level)
    letters = len(_NO_LETTER.sub("", text))
    is_told = letters >= _LEAST_TOLD and _DIGIT.search(_YEARS.sub("", text)) is not None
    return letters >= _LEAST_SAID or (is_told and any(part.level for part in parts))


def _is_still_in(element: Any, page: Any) -> bool:
    """False for what was in a box that has been taken out."""
    return any(above is page for above in element.iterancestors())


def _source(page: Any) -> str:
    from lxml import html  # type: ignore[import-untyped]

    return str(html.tostring(page, encoding="unicode"))


def text_length(parts: Sequence[Part]) -> int:
    """How many characters the parts hold."""
    return sum(len(part.text) for part in parts)
