"""Web pages: the text that their reader came for, without menus, with its headings, lists and
tables.

`boilerplate` decides which of the page is its main text; here are its encoding, its title and
metadata, and what a page that a script fills declares of itself. Nothing is fetched, no script
runs, no entity outside the page is read.
"""

from __future__ import annotations

import codecs
import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

from searchapp.extract.builder import Part, document_of, with_unread
from searchapp.extract.text.encoding import decode
from searchapp.extract.text.plain import iso_date
from searchapp.extract.web.boilerplate import main_parts, text_length, visible_parts
from searchapp.extract.web.elements import (
    element_parts,
    heading_text,
    opened_frames,
    page_tree,
    spaced,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from searchapp.types.documents import Document

_CHARSET = re.compile(
    rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)|<\?xml[^>]+encoding\s*=\s*["']([\w.:-]+)""",
    re.IGNORECASE,
)
_BARE_PAGE = 200  # characters: a page that says less may be filled by a script
_LEAST_FRAME = 60  # characters: what says less, and no sentence, is an advertisement
_SENTENCE = re.compile(r"(?s).{20,}[.!?。！？][\"'»”)\s]*\Z")
_LEAST_ASKED = 300  # characters: shorter ones with the word only ask for scripts
_SCRIPT_NAME = re.compile("java ?script", re.IGNORECASE)
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
# no tree takes these in a text that is changed
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
# parsers give what is within as raw tags
_FRAMESET = re.compile(r"<frameset[\s>]", re.IGNORECASE)
_NOFRAMES = re.compile(r"</?noframes[^<>]*>", re.IGNORECASE)
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


def read(data: bytes, document_type: str, frames: Sequence[bytes] = ()) -> Document:
    """A web page's main text by headings, paragraphs, lists, tables and code, and that of the
    frames that were saved with it.
    """
    source = decode_page(data)
    if frames and _FRAMESET.search(source):
        source = _without_fallback(source)
    source = _cleaned(source)
    page = _opened(source)
    title = _title(page) if page is not None else ""
    metadata = _metadata(page) if page is not None else {}
    cut: list[str] = []
    parts, left_out = main_parts(source, page, cut)
    if page is not None and text_length(parts) < _BARE_PAGE:
        parts = max(parts, list(_declared_parts(page)), key=text_length)
        parts = [*parts, *_unscripted_parts(page)]
    said = text_length(parts)  # nothing in a page of frames alone
    for frame in frames:
        inner = _cleaned(decode_page(frame))
        within, _ = main_parts(inner, _opened(inner), cut)
        is_said = text_length(within) >= (_LEAST_FRAME if said else 1) or any(
            _SENTENCE.match(part.text) for part in within
        )
        parts += within if is_said else []
        left_out += 0 if is_said else text_length(within)
    if left_out:
        metadata["left_out"] = f"menus and links beside the text: {left_out:,} characters"
    return with_unread(document_of(parts, document_type, title=title, metadata=metadata), cut)


def page_parts(data: bytes | str) -> list[Part]:
    """All visible text of a page with its headings, lists and tables, for mails and the chapters of
    e-books.
    """
    source = _cleaned(data if isinstance(data, str) else decode_page(data))
    page = _opened(source)
    return visible_parts(source, page)[0]


def _opened(source: str) -> Any:
    """The page's elements, its frames and shadow roots opened; None where there are none."""
    page = page_tree(source)
    if page is not None:
        opened_frames(page)
    return page


def _without_fallback(source: str) -> str:
    """A page of frames without what it says to browsers that show none."""
    tags = list(_NOFRAMES.finditer(source))
    return source[: tags[0].start()] + source[tags[-1].end() :] if len(tags) > 1 else source


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


def _unscripted_parts(page: Any) -> Iterator[Part]:
    """What a page that a script fills says where no script runs, unless it only asks for one."""
    for element in page.iter("noscript"):
        said = list(element_parts(element))
        text = " ".join(part.text for part in said)
        if len(text) >= _LEAST_ASKED or not _SCRIPT_NAME.search(text):
            yield from said


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
            if isinstance(held, list) and held and all(isinstance(line, str) for line in held):
                yield Part("list", "\n".join(f"- {_unmarked(line)}" for line in held))
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
    declared = heading_text(element) if (element := page.find(".//title")) is not None else ""
    declared = declared or _meta(page).get("og:title", "")
    headings = [text for text in map(heading_text, page.iter("h1")) if text]
    if len(headings) == 1 and (not declared or headings[0] in declared):
        return headings[0]
    return declared or (headings[0] if headings else "")


def _metadata(page: Any) -> dict[str, str]:
    declared = _meta(page)
    metadata = {
        key: next((declared[name] for name in names if declared.get(name)), "")
        for key, names in _METADATA.items()
    }
    metadata["language"] = (
        page.get("lang") or page.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    ).strip()
    metadata["date"] = iso_date(metadata["date"])
    metadata["tags"] = "; ".join(filter(None, re.split(r"\s*[,;]\s*", metadata["tags"])))
    return {key: value for key, value in metadata.items() if value and not value.startswith("http")}


def _meta(page: Any) -> dict[str, str]:
    """The page's meta elements: the first of each name, all of those that name one of several
    authors or tags.
    """
    contents: dict[str, str] = {}
    for element in page.iter("meta"):
        name = (element.get("property") or element.get("name") or "").lower()
        content = spaced(element.get("content")).strip()
        is_further = (
            name in _REPEATED and contents.get(name) and content not in contents[name].split("; ")
        )
        contents[name] = (
            f"{contents[name]}; {content}"
            if is_further and content
            else contents.get(name) or content
        )
    return contents
