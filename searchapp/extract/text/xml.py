"""XML: feeds and data as "name: value" lines, texts (DocBook, TEI, FictionBook) by paragraphs.

Nothing is fetched, and the parser expands nothing: declarations of entities are removed before it
sees them, and words are put in place of those that stand for a few.
"""

from __future__ import annotations

import re
from html import escape, unescape
from html.entities import name2codepoint
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.builder import document_of, gathered, with_unread
from searchapp.extract.text import plain
from searchapp.extract.text.fields import MAX_NAMES, Field, FieldPath, record_parts, title_of
from searchapp.extract.web.elements import element_parts
from searchapp.extract.web.html import decode_page, page_parts
from searchapp.types.documents import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from searchapp.extract.builder import Part

_FEEDS = frozenset({"rss", "feed", "RDF", "opml"})
_RECORDS = frozenset({"item", "entry", "record", "row"})
# names that tell nothing of what is in them
_NAMELESS = frozenset({"item", "entry", "record", "row", "channel", "outline"})
# where there is one of these, the XML is a text
_PARAGRAPHS = ("{*}p", "{*}para", "{*}simpara", "{*}ab", "{*}l")
_UNSEEN_ATTRIBUTES = frozenset(
    {
        "class",
        "encoding",
        "isPermaLink",
        "rel",
        "rend",
        "role",
        "schemaLocation",
        "style",
        "type",
        "version",
    }
)
_FOREIGN_ATTRIBUTE = re.compile(
    r"\{http://www\.w3\.org/(?:XML/1998/namespace|2001/XMLSchema-instance)\}"
)
_MARKUP = re.compile(
    r"</?(?:p|br|div|a|b|i|em|strong|span|ul|ol|li|img|h[1-6]|table)\b[^<>]*>", re.IGNORECASE
)
_TAG_OR_ENTITY = re.compile(r"<[^<>]*>|&#?\w+;")
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL)
_ENTITY = re.compile(  # one that stands for few characters
    r"<!ENTITY\s+(?P<name>[\w.-]{1,100})\s+(?P<text>\"[^\"]{1,300}\"|'[^']{1,300}')\s*>"
)
_IS_MARKUP = re.compile(r"<|%|&(?!#\d{1,7};|#x[0-9A-Fa-f]{1,6};|(?:amp|lt|gt|quot|apos);)")
_REFERENCE = re.compile(  # text between the marks of CDATA holds none
    r"<!\[CDATA\[(?:.*?\]\]>|.*)|&(?P<name>[\w.-]{1,100});", re.DOTALL
)
_MOST_EXPANDED = 1_000_000  # characters that entities stand for
_MAX_LINE = 65_535  # the parser counts no further
_HTML_TAGS = {
    **dict.fromkeys(("p", "para", "simpara", "ab", "l", "formalpara"), "p"),
    **dict.fromkeys(("programlisting", "screen", "literallayout", "codeblock", "eg", "pre"), "pre"),
    **dict.fromkeys(("list", "itemizedlist", "orderedlist", "ul", "ol"), "ul"),
    **dict.fromkeys(("listitem", "item", "li"), "li"),
    **dict.fromkeys(("table", "informaltable"), "table"),
    **dict.fromkeys(("row", "tr"), "tr"),
    **dict.fromkeys(("cell", "entry", "td", "th"), "td"),
    **dict.fromkeys(("binary", "script", "style"), "script"),
    **dict.fromkeys(("br", "lb"), "br"),
}
_HEADINGS = frozenset(
    {"title", "head", "heading", "subtitle", *(f"h{level}" for level in range(1, 7))}
)
_LAST_NAMES = ("{*}last-name", "{*}surname", "{*}lastname")
_PARTS_OF_NAMES = {  # as they stand in a name
    **dict.fromkeys(("first-name", "given-names", "firstname", "forename"), 0),
    **dict.fromkeys(("middle-name", "othername"), 1),
    **dict.fromkeys(("last-name", "surname", "lastname"), 2),
}
_OF_AUTHORS = frozenset({"author", "contrib"})
_OF_OTHERS = frozenset({"document-info", "ref-list", "translator", "editor", "ref"})
_MOST_AUTHORS = 50
_TITLES = ("{*}title", "{*}book-title", "{*}article-title")
_INLINE_PARENTS = frozenset({"p", "span", "td", *(f"h{level}" for level in range(1, 7))})


def read_xml(data: bytes, document_type: str) -> Document:
    """XML as data, as a text or as a page; plain text where it is no XML at all."""
    source = _undeclared(decode_page(data))
    root, is_well_formed = _root(source)
    if root is None:
        return plain.read(data, document_type)
    has_entities = _resolve_known_entities(root)
    metadata = {"language": root.get("{http://www.w3.org/XML/1998/namespace}lang", "")}
    title, cut = "", list[str]()
    parts: Iterable[Part]
    if _local(root) == "html" or (not is_well_formed and _is_cut(root, source)):
        parts = page_parts(source)
    elif _local(root) not in _FEEDS and next(root.iter(*_PARAGRAPHS), None) is not None:
        title = next((_flat(element) for element in root.iter(*_TITLES) if _flat(element)), "")
        metadata["author"] = "; ".join(_joined_names(root))
        _retag(root)
        parts = element_parts(root, cut)
    else:
        fields = gathered(_xml_fields(root), cut)
        title = title_of(fields)
        numbered = "\n" in source.strip() and source.count("\n") < _MAX_LINE
        parts = record_parts(fields, numbered=numbered)
    parts = gathered(parts, cut)
    if cut and not parts:
        raise FileFailed(cut[0])
    if has_entities and not any(part.text.strip() for part in parts):
        raise FileFailed("no text: only entities, which are not expanded")
    document = document_of(parts, document_type, title=title, metadata=metadata)
    return with_unread(document, cut)


def _undeclared(source: str) -> str:
    """XML without its declarations, of entities too, which nothing can expand then; those that
    stand for plain words are in their place. The lines stay.
    """
    source = _DECLARATION.sub("", source, count=1)
    start = source.find("<!DOCTYPE")
    match = _DOCTYPE.match(source, start) if start >= 0 else None
    if match is None:
        return source
    words = {
        entity["name"]: " ".join(unescape(entity["text"][1:-1]).split())
        for entity in _ENTITY.finditer(match[0])
        if not _IS_MARKUP.search(entity["text"])
    }
    lines = chr(10) * match[0].count(chr(10))
    inside = source[match.end() :]
    return f"{source[:start]}{lines}{_worded(inside, words) if words else inside}"


def _worded(source: str, words: Mapping[str, str]) -> str:
    """XML with words in place of the entities that stand for them, as far as it does not become
    too long.
    """
    left = _MOST_EXPANDED

    def word(match: re.Match[str]) -> str:
        nonlocal left
        text = words.get(match["name"] or "")
        if text is None or left < len(text):
            return match[0]
        left -= len(text)
        return escape(text)

    return _REFERENCE.sub(word, source)


def _root(source: str) -> tuple[Any, bool]:  # an lxml element; lxml carries no types
    """The root of the XML as far as it can be read, None for what is no XML at all; and whether
    there was no error.
    """
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(source.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None, False
    return root, not parser.error_log


def _is_cut(root: Any, source: str) -> bool:
    """True where the tree lost half of what is between the tags, as it is after an error, or nested
    too deep.
    """
    length = sum(len(piece) for piece in root.itertext() if isinstance(piece, str))
    return length < len(_TAG_OR_ENTITY.sub("", source)) / 2


def _resolve_known_entities(root: Any) -> bool:
    """Puts the characters that HTML names (&nbsp;, &eacute;) in place of their entities, and
    nothing in place of all others.

    True where there was another.
    """
    from lxml import etree

    is_any = False
    for above in list(dict.fromkeys(entity.getparent() for entity in root.iter(etree.Entity))):
        before, pieces = None, [above.text]  # of the text behind a child, or before all
        for child in list(above):
            if child.tag is not etree.Entity:
                _set_text(above, before, pieces)
                before, pieces = child, [child.tail]
                continue
            code = name2codepoint.get(child.name)
            is_any = is_any or code is None
            pieces += [chr(code) if code else "", child.tail]
            child.tail = None
            above.remove(child)
        _set_text(above, before, pieces)
    return is_any


def _set_text(above: Any, before: Any, pieces: Sequence[str | None]) -> None:
    """Make pieces the text behind a child of an element, or the first in it."""
    text = "".join(filter(None, pieces))
    if before is None:
        above.text = text
    else:
        before.tail = text


def _xml_fields(root: Any) -> Iterator[Field]:
    """The texts and attributes of a tree of data, in order; the root's own name is in no path."""
    yield from _element_fields(root, (), [0], in_record=False)


def _element_fields(
    element: Any, path: FieldPath, counter: list[int], *, in_record: bool
) -> Iterator[Field]:
    line = element.sourceline or 1
    for name, value in element.attrib.items():
        if (
            value.strip()
            and not _FOREIGN_ATTRIBUTE.match(name)
            and (local := name.rpartition("}")[2]) not in _UNSEEN_ATTRIBUTES
        ):
            yield Field((*path, local), _unmarked(value), line, counter[0], in_record)
    children = [child for child in element if isinstance(child.tag, str)]
    if not children or _is_mixed(element):
        if value := _value(element):
            yield Field(path, value, line, counter[0], in_record)
        return
    for child in children:
        is_record = not in_record and _is_record(child)
        is_boundary = is_record or (element.getparent() is None and len(child) > 0)
        name = _local(child)
        down = (
            path
            if name in _NAMELESS and len(child) + len(child.attrib) > 0
            else (*path, name)[-MAX_NAMES:]
        )
        counter[0] += is_boundary
        yield from _element_fields(child, down, counter, in_record=in_record or is_record)
        counter[0] += is_boundary


def _is_record(element: Any) -> bool:
    """True for one of several elements of a name side by side that hold fields."""
    if not len(element) and not element.attrib:
        return False
    near = (element.getprevious(), element.getnext())
    return _local(element) in _RECORDS or any(
        neighbour is not None and neighbour.tag == element.tag for neighbour in near
    )


def _is_mixed(element: Any) -> bool:
    """True for running text with elements in it."""
    return bool((element.text or "").strip()) or any(
        (child.tail or "").strip() for child in element
    )


def _value(element: Any) -> str:
    """An element's text, the markup in it (a feed's, say) left out."""
    text = (
        "".join(piece for piece in element.itertext() if isinstance(piece, str))
        if len(element)
        else element.text or ""
    )
    if _MARKUP.search(text):
        return _unmarked(text)
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def _unmarked(text: str) -> str:
    """A text without the markup in it; one without any on one line."""
    if _MARKUP.search(text):
        return "\n".join(part.text for part in page_parts(text))
    return " ".join(text.split())


def _joined_names(root: Any) -> list[str]:
    """Put the parts of each person's name together, as FictionBook, JATS and DocBook divide them;
    the names of those who wrote the text.
    """
    authors: dict[str, None] = {}
    for last in list(root.iter(*_LAST_NAMES)):
        person = last.getparent()
        if person is None or not all(_local(child) in _PARTS_OF_NAMES for child in person):
            continue
        parts = {_PARTS_OF_NAMES[_local(child)]: _flat(child) for child in person}
        name = " ".join(filter(None, (parts.get(place, "") for place in range(3))))
        person[:] = []
        person.text = name
        above = {_local(element) for element in (person, *person.iterancestors())}
        if name and above & _OF_AUTHORS and not above & _OF_OTHERS:
            authors.setdefault(name)
    return list(authors)[:_MOST_AUTHORS]


def _retag(root: Any) -> None:
    """Gives the elements of DocBook, TEI and their like the names that HTML has for them."""
    for title in root.iterfind(".//{*}title-group/{*}article-title"):  # no reference's
        title.tag = "title"
    depths = {root: 0}
    mixed: dict[Any, bool] = {}
    for element in list(root.iter()):
        if not isinstance(element.tag, str):
            continue
        above = element.getparent()
        name = _local(element)
        depth = depths[element] = (
            depths[above] + (name not in _HEADINGS and _has_heading(element))
            if above is not None
            else 0
        )
        mixed[element] = _is_mixed(element)
        is_inline = above is not None and (above.tag in _INLINE_PARENTS or mixed[above])
        element.tag = "span" if is_inline and name not in _HTML_TAGS else _html_tag(name, depth)
        element.attrib.clear()


def _has_heading(element: Any) -> bool:
    return any(isinstance(child.tag, str) and _local(child) in _HEADINGS for child in element)


def _html_tag(name: str, depth: int) -> str:
    return f"h{min(6, max(1, depth))}" if name in _HEADINGS else _HTML_TAGS.get(name, "div")


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _flat(element: Any) -> str:
    return " ".join(
        "".join(piece for piece in element.itertext() if isinstance(piece, str)).split()
    )
