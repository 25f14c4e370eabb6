"""Data that programs write: JSON, JSON lines and XML as "name: value" lines, one record together;
YAML, TOML and INI as they stand.

What has brackets, quotes, escapes and tags for its machine (JSON, XML) is converted, whether laid
out over lines or not, and keeps its line numbers as places; what is laid out for people keeps its
source. Nothing is evaluated, expanded or fetched.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html.entities import name2codepoint
from typing import TYPE_CHECKING, Any, TypeAlias

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, document_of
from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.extract.text import plain
from searchapp.extract.text.plain import decode
from searchapp.extract.web.html import decode_page, element_parts, page_parts
from searchapp.types.documents import Block, Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from searchapp.types.documents import Place, Span

_Path: TypeAlias = tuple[str, ...]

_MAX_PART = 1000  # characters of a record after which its next field starts a new part
_MAX_NAMES = 8  # in a path; the innermost are kept
_MAX_LISTED = 60  # characters of a value that shares a line with its neighbours


def read(data: bytes, document_type: str) -> Document:
    """Structured data by records, sections or keys; what is not well-formed is read as
    plain text.
    """
    if document_type in {"json", "jsonl"}:
        return _read_json(data, document_type)
    if document_type == "xml":
        return _read_xml(data, document_type)
    text = decode(data)
    lines = line_spans(text)
    blocks = _keyed(text, lines) if document_type == "yaml" else _sectioned(text, lines)
    return Document(text, document_type, title=_declared_title(text, lines), blocks=tuple(blocks))


# ---- fields to parts -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Field:
    """A named value: the names above it, outermost first, its line, and the number of the record
    that it belongs to.
    """

    path: _Path
    value: str
    line: int
    record: int
    is_in_record: bool = (
        False  # false for what stands beside the records: a title of the whole, say
    )

    @property
    def text(self) -> str:
        """The field on a line of its own."""
        name = ".".join(self.path)
        return f"{name}: {self.value}" if name else self.value


def _parts(fields: Iterable[_Field], *, has_lines: bool) -> Iterator[Part]:
    """A part a record; a long record takes several. Places are the lines where parts begin."""
    lines: list[str] = []
    first = last = None
    for field in fields:
        if first and last and (field.record != last.record or sum(map(len, lines)) > _MAX_PART):
            yield Part("table", "\n".join(lines), place=_line(first, has_lines))
            lines, first, last = [], None, None
        if last and _is_listed(last, field):
            lines[-1] += f", {field.value}"
        else:
            lines.append(field.text)
        first, last = first or field, field
    if first:
        yield Part("table", "\n".join(lines), place=_line(first, has_lines))


def _is_listed(before: _Field, field: _Field) -> bool:
    """True for short values under one name, which share a line."""
    return (
        before.path == field.path != () and max(len(before.value), len(field.value)) <= _MAX_LISTED
    )


def _line(field: _Field, has_lines: bool) -> Place:
    return (("line", field.line),) if has_lines else ()


def _title(fields: Sequence[_Field]) -> str:
    return next(
        (
            " ".join(field.value.split())
            for field in fields
            if field.path[-1:] == ("title",) and not field.is_in_record
        ),
        "",
    )


# ---- JSON ----------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r'\s*+(?:([\[{])|([\]}])|"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?|([^\s\[\]{}",:]++)|,|\Z)',
    re.DOTALL,
)
_BARE = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity")


@dataclass(frozen=True, slots=True)
class _Container:
    """An object or array that is open, with the names down to it."""

    closing: str
    path: _Path
    is_record: bool  # an element of an array, or within one
    is_boundary: bool  # its fields share no part with what stands around it


def _read_json(data: bytes, document_type: str) -> Document:
    text = decode(data)
    try:
        if document_type == "jsonl" and (rows := list(_rows(text))):
            return document_of(rows, document_type)
        fields = list(_json_fields(text))
    except ValueError:
        return plain.read(data, document_type)
    title = next(
        (field.value for field in fields if field.path == ("title",) and not field.is_in_record), ""
    )
    return document_of(
        _parts(fields, has_lines="\n" in text.strip()), document_type, title=" ".join(title.split())
    )


def _rows(text: str) -> Iterator[Part]:
    """A part a line, with its row; none where the first line is no whole value. A later line that
    is none stays as it is.
    """
    is_first = True
    for row, span in enumerate(line_spans(text), 1):
        line = text[slice(*span)].strip()
        try:
            values = [" ".join(field.text.split()) for field in _json_fields(line)] if line else []
        except ValueError:
            if is_first:
                return
            values = [line]
        is_first = is_first and not line
        yield Part("table", " | ".join(values), place=(("row", row),), is_tight=True)


def _json_fields(text: str) -> Iterator[_Field]:
    """The scalars of one or more JSON values, in order, without empty ones; raises ValueError where
    the text is not JSON.

    The elements of an array are records, those of arrays within them are not; nor is any depth too
    deep.
    """
    above: list[_Container] = []
    key = ""
    record, line, counted = 0, 1, 0
    for match in _tokens(text):
        opening, closing, string, colon, bare = match.groups()
        if opening:
            above.append(_opened(opening, key, above))
            record += above[-1].is_boundary
            key = ""
        elif closing:
            if not above or above[-1].closing != closing:
                raise ValueError("brackets do not match")
            record += above.pop().is_boundary
        elif colon:
            key = _unescaped(string)
        elif string or bare:
            line, counted = line + text.count("\n", counted, match.start()), match.start()
            inner = above[-1] if above else _Container("", (), is_record=False, is_boundary=False)
            value = _unescaped(string) if string else _bare(bare)
            if value.strip():
                at = line + match[0][: len(match[0]) - len(match[0].lstrip())].count("\n")
                yield _Field(_down(inner.path, key), value, at, record, inner.is_record)
            key = ""
    if above:
        raise ValueError("brackets are left open")


def _tokens(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise ValueError("not JSON")
        yield match
        position = match.end()


def _opened(opening: str, key: str, above: Sequence[_Container]) -> _Container:
    outer = above[-1] if above else None
    is_element = outer is not None and outer.closing == "]"
    is_boundary = (is_element or len(above) <= 1) and not (outer and outer.is_record)
    path = _down(outer.path if outer else (), key)
    return _Container(
        "}" if opening == "{" else "]",
        path,
        is_element or bool(outer and outer.is_record),
        is_boundary,
    )


def _down(path: _Path, name: str) -> _Path:
    return (*path, name)[-_MAX_NAMES:] if name else path


def _unescaped(string: str) -> str:
    return str(json.loads(f'"{string}"', strict=False)) if "\\" in string else string


def _bare(token: str) -> str:
    if not _BARE.fullmatch(token):
        raise ValueError("not JSON")
    return "" if token == "null" else token


# ---- XML -----------------------------------------------------------------------------------------

_FEEDS = frozenset({"rss", "feed", "RDF", "opml"})
_RECORDS = frozenset({"item", "entry", "record", "row"})
_NAMELESS = frozenset(
    {"item", "entry", "record", "row", "channel", "outline"}
)  # names that tell nothing of what is in them
_PARAGRAPHS = (
    "{*}p",
    "{*}para",
    "{*}simpara",
    "{*}ab",
    "{*}l",
)  # where there is one of these, the XML is a text
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
}
_HEADINGS = frozenset(
    {"title", "head", "heading", "subtitle", *(f"h{level}" for level in range(1, 7))}
)
_INLINE_PARENTS = frozenset({"p", "span", "td", *(f"h{level}" for level in range(1, 7))})


def _read_xml(data: bytes, document_type: str) -> Document:
    source = _undeclared(decode_page(data))
    root, is_well_formed = _root(source)
    if root is None:
        return plain.read(data, document_type)
    has_entities = _resolve_known_entities(root)
    metadata = {"language": root.get("{http://www.w3.org/XML/1998/namespace}lang", "")}
    title = ""
    if _local(root) == "html" or (not is_well_formed and _is_cut(root, source)):
        parts = page_parts(source)
    elif _local(root) not in _FEEDS and next(root.iter(*_PARAGRAPHS), None) is not None:
        title = next(
            (_flat(each) for each in root.iter("{*}title", "{*}book-title") if _flat(each)), ""
        )
        _retag(root)
        parts = list(element_parts(root))
    else:
        fields = list(_xml_fields(root))
        title = _title(fields)
        parts = list(
            _parts(fields, has_lines="\n" in source.strip() and source.count("\n") < _MAX_LINE)
        )
    if has_entities and not any(part.text.strip() for part in parts):
        raise FileFailed("no text: only entities, which are not expanded")
    return document_of(parts, document_type, title=title, metadata=metadata)


def _undeclared(source: str) -> str:
    """XML without its declarations, of entities too, which nothing can expand then; the
    lines stay.
    """
    source = _DECLARATION.sub("", source, count=1)
    start = source.find("<!DOCTYPE")
    match = _DOCTYPE.match(source, start) if start >= 0 else None
    return (
        f"{source[:start]}{chr(10) * match[0].count(chr(10))}{source[match.end() :]}"
        if match
        else source
    )


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
    found = sum(len(piece) for piece in root.itertext() if isinstance(piece, str))
    return found < len(_TAG_OR_ENTITY.sub("", source)) / 2


def _resolve_known_entities(root: Any) -> bool:
    """Puts the characters that HTML names (&nbsp;, &eacute;) in place of their entities, and
    nothing in place of all others.

    True where there was another.
    """
    from lxml import etree

    is_any = False
    for entity in list(root.iter(etree.Entity)):
        code = name2codepoint.get(entity.name)
        is_any = is_any or code is None
        _replace(entity, chr(code) if code else "")
    return is_any


def _replace(node: Any, text: str) -> None:
    """Puts text in place of a node."""
    before, above = node.getprevious(), node.getparent()
    text += node.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + text
    else:
        above.text = (above.text or "") + text
    node.tail = None
    above.remove(node)


def _xml_fields(root: Any) -> Iterator[_Field]:
    """The texts and attributes of a tree of data, in order; the root's own name is in no path."""
    yield from _element_fields(root, (), [0], is_in_record=False)


def _element_fields(
    element: Any, path: _Path, counter: list[int], *, is_in_record: bool
) -> Iterator[_Field]:
    line = element.sourceline or 1
    for name, value in element.attrib.items():
        if (
            value.strip()
            and not _FOREIGN_ATTRIBUTE.match(name)
            and (local := name.rpartition("}")[2]) not in _UNSEEN_ATTRIBUTES
        ):
            yield _Field((*path, local), " ".join(value.split()), line, counter[0], is_in_record)
    children = [child for child in element if isinstance(child.tag, str)]
    if not children or _is_mixed(element):
        if value := _value(element):
            yield _Field(path, value, line, counter[0], is_in_record)
        return
    for child in children:
        is_record = not is_in_record and _is_record(child)
        is_boundary = is_record or (element.getparent() is None and len(child) > 0)
        name = _local(child)
        down = (
            path
            if name in _NAMELESS and len(child) + len(child.attrib) > 0
            else (*path, name)[-_MAX_NAMES:]
        )
        counter[0] += is_boundary
        yield from _element_fields(child, down, counter, is_in_record=is_in_record or is_record)
        counter[0] += is_boundary


def _is_record(element: Any) -> bool:
    """True for one of several elements of a name side by side that hold fields."""
    if not len(element) and not element.attrib:
        return False
    near = (element.getprevious(), element.getnext())
    return _local(element) in _RECORDS or any(
        each is not None and each.tag == element.tag for each in near
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
        return "\n".join(part.text for part in page_parts(text))
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def _retag(root: Any) -> None:
    """Gives the elements of DocBook, TEI and their like the names that HTML has for them."""
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


# ---- YAML, TOML and INI --------------------------------------------------------------------------

_LONG = 30  # lines of a key's value that is cut at the keys within it
_MAX_KEYS = 3  # in a heading path
_KEY = re.compile(
    r"""([ ]*)(?:-[ ]+)?("[^"]*"|'[^']*'|[^\s#\-"'\[{&*!|>%@`:][^:#]*?|-(?=[ ]|$))[ ]*(?::(?=\s|$)|$)"""
)
_ELEMENT = re.compile(r"([ ]*)-(?:[ ]|$)")
_SECTION = re.compile(r"[ \t]*\[{1,2}[ \t]*([^\[\]]+?)[ \t]*\]{1,2}[ \t]*(?:[#;].*)?$")
_TITLE = re.compile(r"""title[ \t]*[:=][ \t]*(["']?)(\S.*?)\1[ \t]*$""")


def _declared_title(text: str, lines: Sequence[Span]) -> str:
    """The value of a key `title` at the top level, before any section."""
    for start, end in lines:
        line = text[start:end]
        if _SECTION.match(line):
            return ""
        if found := _TITLE.match(line):
            return "" if found[2] in {"|", ">", "|-", ">-"} else found[2]
    return ""


def _keyed(text: str, lines: Sequence[Span]) -> Iterator[Block]:
    """YAML by its top-level keys or elements; the long ones by the keys within them."""
    first = 0
    for index in range(len(lines) + 1):
        if index == len(lines) or re.match(r"(?:---|\.\.\.)(?:\s|$)", text[slice(*lines[index])]):
            yield from _keys(text, lines, first, index, ())
            first = index + 1


def _keys(text: str, lines: Sequence[Span], first: int, last: int, path: _Path) -> Iterator[Block]:
    starts = _key_lines(text, lines, first, last)
    for start, end in zip(
        [first, *starts[1:]] if starts else [first], [*starts[1:], last], strict=True
    ):
        key = _key_name(text, lines, start, end)
        run = next(paragraphs(text, lines, start, end), None)
        if run is None:
            continue
        if key is None or end - start <= _LONG or len(path) >= _MAX_KEYS or key[0] + 1 >= end:
            yield Block(*span_of(text, lines, run[0], end), "code", path)
            continue
        line, name = key
        if run[0] < line:
            yield Block(*span_of(text, lines, run[0], line), "code", path)
        yield Block(*span_of(text, lines, line, line + 1), "heading", path)
        yield from _keys(text, lines, line + 1, end, (*path, name))


def _key_lines(text: str, lines: Sequence[Span], first: int, last: int) -> list[int]:
    """The lines where the keys begin that are indented least, each with the comments right above
    it; of elements where there is no key.
    """
    found = [(index, text[slice(*lines[index])]) for index in range(first, last)]
    found = [
        (index, line) for index, line in found if line.strip() and not line.lstrip().startswith("#")
    ]
    if not found:
        return []
    least = min(len(line) - len(line.lstrip(" ")) for _, line in found)
    keys = [
        index
        for index, line in found
        if len(line) - len(line.lstrip(" ")) == least
        and not _ELEMENT.match(line)
        and _KEY.match(line)
    ]
    keys = keys or [
        index for index, line in found if (match := _ELEMENT.match(line)) and len(match[1]) == least
    ]
    return [_with_comments(text, lines, index, first) for index in keys]


def _with_comments(text: str, lines: Sequence[Span], index: int, first: int) -> int:
    while index > first and text[slice(*lines[index - 1])].lstrip().startswith("#"):
        index -= 1
    return index


def _key_name(text: str, lines: Sequence[Span], first: int, last: int) -> tuple[int, str] | None:
    """The line and name of the key that a chunk begins with, where its value is on the
    lines below.
    """
    for index in range(first, last):
        line = text[slice(*lines[index])]
        if line.strip() and not line.lstrip().startswith("#"):
            match = re.match(r"""[ ]*("[^"]*"|'[^']*'|[^\s\-"'#][^:#]*?):[ ]*(?:#.*)?$""", line)
            return (index, match[1].strip("\"'")) if match else None
    return None


def _sectioned(text: str, lines: Sequence[Span]) -> Iterator[Block]:
    """TOML, INI and their like by [section], its name the heading path, and by paragraphs within
    it.
    """
    path: _Path = ()
    first = 0
    for index in range(len(lines) + 1):
        match = _SECTION.match(text[slice(*lines[index])]) if index < len(lines) else None
        if index < len(lines) and not match:
            continue
        for start, end in paragraphs(text, lines, first, index):
            yield Block(*span_of(text, lines, start, end), "code", path)
        if match:
            yield Block(*span_of(text, lines, index, index + 1), "heading")
            path = (match[1],)
            first = index + 1
