"""What of a page is furniture: menus, banners, footers, boxes beside the text, by what they are
called and by what they hold.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from searchapp.extract.web.elements import UNSEEN, flat_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_BESIDE = 1500  # characters of a box whose headings may be those of the page's boxes
_LONG_BUTTON = 20  # characters: longer ones are questions that open their answer
_FURNITURE_TAGS = frozenset({"nav", "footer", "dialog"})
_FURNITURE_ROLES = frozenset({"navigation", "contentinfo", "search", "dialog", "alertdialog"})
_NEVER_TOLD = frozenset({"nav", "dialog", "button", "header"})
_NOTICE_NAME = re.compile(r"cookie|consent|breadcrumb|skip-?link", re.IGNORECASE)
_MENU_NAME = re.compile(r"(?:^|[\s_-])(?:nav|navbar|navigation|menu)(?:$|[\s_-])", re.IGNORECASE)
_BESIDE_NAME = re.compile(
    r"(?:^|[\s_-])(?:related|side-?bar|promo|newsletter|share|social|ads?|advert\w*|teaser|more)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BOX_NAME = re.compile(
    r"(?:^|[\s_-])(?<!with[_-])(?<!has[_-])(?<!no[_-])side-?bar(?:$|[\s_-])", re.IGNORECASE
)
_FURNITURE_NAME = re.compile(
    r"(?:^|[\s_-])(?:(?<!with[_-])(?<!has[_-])(?<!no[_-])side-?bar|breadcrumbs?|footer|skip-?link|share|social|cookie[_-]?(?:banner|bar|consent|notice))(?:$|[\s_-])",
    re.IGNORECASE,
)
_NO_LETTER = re.compile(r"[\W_]+")


def may_say_something(element: Any, menus: set[Any]) -> bool:
    """True for a box beside the text that is no menu, no form and no advertisement, and for a foot
    of the page: it may tell opening hours, an address, a note.
    """
    name = _names(element)
    if not is_box(element):
        return (
            element.tag not in _NEVER_TOLD
            and element.get("role") not in _FURNITURE_ROLES - {"contentinfo"}
            and _NOTICE_NAME.search(name) is None
        )
    if element in menus or _BESIDE_NAME.search(_BOX_NAME.sub(" ", name)):
        return False
    return next(element.iter("form", "input", "nav"), None) is None


def is_box(element: Any) -> bool:
    """Whether an element is a box beside the text, by its tag or name."""
    return element.tag == "aside" or _BOX_NAME.search(_names(element)) is not None


def mostly_links(elements: Sequence[Any]) -> set[Any]:
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


def is_furniture(element: Any, menus: set[Any]) -> bool:
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
    heading = next((inner for inner in element.iter("h2", "h3", "h4", "h5", "h6")), None)
    name = _NO_LETTER.sub("", element.get("id", "").lower())
    return (
        heading is not None
        and bool(name)
        and _NO_LETTER.sub("", flat_text(heading).lower()).startswith(name)
    )
