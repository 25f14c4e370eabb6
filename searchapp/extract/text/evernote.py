"""Evernote: an export (.enex) holds notes, and a note (.enml) its text and attachments.

The notes are taken apart by their tags, not parsed together: a broken one costs no other, and the
attachments, in base64 between them, are as large as they like.
"""

from __future__ import annotations

import binascii
import html
import mimetypes
import re
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.archives.names import MemberNames, refusal_of_name
from searchapp.extract.builder import Part, document_of
from searchapp.extract.members import Allowance, Member
from searchapp.extract.web.html import decode_page, page_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document

_LONGEST_NAME = 100  # characters of a title that names a note
_TAG_END = re.compile(r"[\s/>]")
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")
_TODO = re.compile(r"<en-todo\b([^<>]*)>(?:\s*</en-todo>)?")
_ENCRYPTED = re.compile(r"<en-crypt\b[^<>]*>[^<>]*</en-crypt>")
_MEDIA = re.compile(r"</?en-media\b[^<>]*>")


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """The notes of an export, under their titles, or the attachments of a note; raises FileFailed
    for an export without notes.
    """
    text = decode_page(data)
    yield from _notes(text) if document_type == "enex" else _attachments(text)


def read(data: bytes, document_type: str) -> Document:
    """A note below its title, its boxes to tick as [x] and [ ]; its tags, author and date of
    creation are metadata.
    """
    text = decode_page(data)
    fields = "".join(_outside(text, "resource"))
    content = next(_elements(fields, "content"), text)
    content = content[max(0, content.find("<en-note")) :]
    content, encrypted = _ENCRYPTED.subn("", _MEDIA.sub("", content))
    content = _TODO.sub(lambda box: "[x] " if "true" in box[1].lower() else "[ ] ", content)
    title = _field(fields, "title")
    metadata = {
        "author": _field(fields, "author"),
        "date": _DATE.sub(r"\1-\2-\3T\4:\5:\6Z", _field(fields, "created")),
        "tags": "; ".join(dict.fromkeys(map(_line, _elements(fields, "tag")))),
        "incomplete": "encrypted passages were not read" if encrypted else "",
    }
    heading = [Part("heading", title, 1)] if title else []
    parts = [*heading, *page_parts(content)]
    return document_of(parts, document_type, title=title, metadata=metadata)


def _notes(text: str) -> Iterator[Member]:
    names = MemberNames()
    note = None
    for note in _elements(text, "note"):
        title = _field("".join(_outside(note, "resource")), "title")[:_LONGEST_NAME]
        name = names.of(f"{title.replace('/', '-').strip() or 'untitled'}.enml")
        yield Member(name, f"<note>{note}</note>".encode("utf-8", "replace"))
    if note is None:
        raise FileFailed("not a readable Evernote export: it has no notes")


def _attachments(text: str) -> Iterator[Member]:
    names = MemberNames()
    for number, resource in enumerate(_elements(text, "resource"), 1):
        ending = mimetypes.guess_extension(_field(resource, "mime")) or ".bin"
        name = names.of(_field(resource, "file-name") or f"attachment-{number}{ending}")
        if refusal := refusal_of_name(name):
            yield Member(name, refusal=refusal)
            continue
        try:
            yield Member(name, binascii.a2b_base64(next(_elements(resource, "data"), "")))
        except ValueError:
            yield Member(name, refusal=FileFailed("broken base64"))


def _spans(text: str, name: str) -> Iterator[tuple[int, int, int, int]]:
    """The elements of a name, none within another: where each begins, its content begins, its
    content ends, and it ends; one that is not closed is none.
    """
    start, closing = 0, f"</{name}>"
    while (start := text.find(f"<{name}", start)) >= 0:
        inner = text.find(">", start) + 1
        if not inner:
            return
        if _TAG_END.match(text, start + len(name) + 1) is None or text[inner - 2] == "/":
            start = inner
            continue
        if (end := text.find(closing, inner)) < 0:
            return
        yield start, inner, end, end + len(closing)
        start = end + len(closing)


def _elements(text: str, name: str) -> Iterator[str]:
    """What is in the elements of a name, without its CDATA marks."""
    return (_unwrapped(text[inner:end]) for _, inner, end, _ in _spans(text, name))


def _outside(text: str, name: str) -> Iterator[str]:
    """What is not in the elements of a name."""
    position = 0
    for start, _, _, end in _spans(text, name):
        yield text[position:start]
        position = end
    yield text[position:]


def _unwrapped(content: str) -> str:
    stripped = content.strip()
    if not stripped.startswith("<![CDATA["):
        return html.unescape(content) if "<" not in content else content
    return stripped[9:].removesuffix("]]>").replace("]]]]><![CDATA[>", "]]>")


def _field(text: str, name: str) -> str:
    """The first element of a name as text on one line, "" where there is none."""
    return _line(next(_elements(text, name), ""))


def _line(text: str) -> str:
    return " ".join(text.split())
