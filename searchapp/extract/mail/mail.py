"""Mails: who wrote to whom, when and what, and the files that they sent along.

Outlook's files become mails of the usual form first; `mime` takes those apart, and here is decided
which parts are there to read.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from searchapp.errors import FileFailed
from searchapp.extract.archives.names import MemberNames, refusal_of_name
from searchapp.extract.builder import Part, document_of
from searchapp.extract.mail.calendar import calendar_parts
from searchapp.extract.mail.content_lines import unfolded
from searchapp.extract.mail.headers import _date, header_lines, mail_metadata, mail_place
from searchapp.extract.mail.mime import Mime, decoded
from searchapp.extract.members import Allowance, Member
from searchapp.extract.text.encoding import decode
from searchapp.types.documents import Document

_ENDINGS = {
    "application/ms-tnef": ".dat",
    "application/vnd.ms-tnef": ".dat",
    "application/pdf": ".pdf",
    "application/pkcs7-mime": ".p7m",
    "application/x-pkcs7-mime": ".p7m",
    "application/rtf": ".rtf",
    "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/rtf": ".rtf",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
}
_BODY_TYPES = frozenset(
    {"text/plain", "text/html", "text/enriched", "message/delivery-status", "text/rfc822-headers"}
)
_ADDED = frozenset(
    {
        "application/pgp-encrypted",
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
    }
)
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_ENVELOPE = re.compile(
    rb"\s*(?:From [^\n]*\n(?:>From "
    rb"[^\n]*\n)*|(?=(?:from|to|subject|date|received|return-path|mime-version):))",
    re.IGNORECASE,
)
_BYTE_COUNT = re.compile(rb"(\d{1,10})[ \t]*\r?\n")
_MBOX_FROM = re.compile(
    rb"From (?:(?<=\n\nFrom )|(?<=\n\r\nFrom )|(?<=\AFrom ))[^\n]*\d\d:\d\d[^\n]*(?:\n|\Z)"
)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_QUOTE_MARKS = re.compile(r"(?:> ?)*>")
_BULLETS = re.compile(r"(?:[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+\S[^\n]*(?:\n|\Z))+\Z")


def read(data: bytes, document_type: str) -> Document:
    """A mail: from, to and date as its first paragraph, then its body; the plain one, unless that
    is a mere stub.

    A saved page (MHTML) gives the main text of its page.
    """
    top = _mail(data, document_type)
    if document_type == "mhtml":
        return _saved_page(top)
    metadata = mail_metadata(top)
    title = metadata.get("subject", "")
    place = mail_place(title, metadata.get("date", ""))
    parts = (Part("prose", header_lines(top, metadata)), *_body(top))
    placed = (Part(part.kind, part.text, part.level, place, part.is_tight) for part in parts)
    return document_of(placed, document_type, title=title, metadata=metadata)


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """What is attached to a mail, in order, or the mails of a mailbox as "1.eml", "2.eml"...; a
    saved page has none.
    """
    if document_type == "mbox":
        yield from _mailbox(data)
    elif document_type != "mhtml":
        yield from _attached(_mail(data, document_type))


# ---- the mail and its parts ----------------------------------------------------------------------


class _Mime(Mime):
    """A mail or a part of one, and what it has to read."""

    @cached_property
    def parts(self) -> list[Part]:
        """What the part has to read, where it is text."""
        text = self.text()
        if self.type == "text/html":
            return _page_parts(text)
        if _is_calendar(self):
            return calendar_parts(decoded(unfolded(self.content()), self.parameter("charset")))
        text = re.sub(r"<[^<>\n]{1,100}>", "", text) if self.type == "text/enriched" else text
        if self.parameter("format").lower() == "flowed":
            text = _unflowed(text, spaceless=self.parameter("delsp").lower() == "yes")
        return list(_paragraphs(text))


def _mail(data: bytes, document_type: str) -> _Mime:
    """The mail in a file, without what mailboxes and programs put before it."""
    if document_type == "msg":
        from searchapp.extract.mail.outlook import as_mail

        data = as_mail(data)
    if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = decode(data).encode("utf-8", "replace")
    if (counted := _BYTE_COUNT.match(data)) and int(counted[1]) <= len(data):
        data = data[counted.end() : counted.end() + int(counted[1])]
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    start = envelope.end() if (envelope := _ENVELOPE.match(data)) else 0
    return _Mime.parsed(memoryview(data)[start:])


# ---- the body ------------------------------------------------------------------------------------


def _body(mail: _Mime) -> Iterator[Part]:
    for mime in _leaves(mail):
        if _is_body(mime):
            yield from mime.parts


def _leaves(mime: _Mime) -> Iterator[_Mime]:
    """The parts that are no multiparts, in order; of alternatives only the one to read, and what is
    attached to any.
    """
    children = mime.children
    if not children:
        yield mime
    elif mime.type == "multipart/alternative":
        yield from _chosen([list(_leaves(child)) for child in children])
    else:
        for child in children:
            yield from _leaves(child)


def _chosen(branches: Sequence[Sequence[_Mime]]) -> Iterator[_Mime]:
    """Of the same text in several forms the plain one, or the HTML one where that says over twice
    as much; the rest of all.
    """
    plain = next((branch for branch in branches if any(map(_is_plain, branch))), None)
    rich = next((branch for branch in branches if any(map(_is_page, branch))), None)
    chosen = (
        plain
        if plain is not None and (rich is None or 2 * _length(plain) >= _length(rich))
        else rich
    )
    for branch in branches:
        yield from (
            leaf
            for leaf in branch
            if branch is chosen or (chosen is None and branch is branches[-1]) or not _is_body(leaf)
        )
        if branch is not chosen:
            yield from (leaf for leaf in branch if _is_calendar(leaf) and _is_body(leaf))


def _length(branch: Sequence[_Mime]) -> int:
    """How many characters of text a branch shows, spaces not counted."""
    return sum(
        len("".join(part.text.split())) for leaf in branch if _is_body(leaf) for part in leaf.parts
    )


def _is_plain(mime: _Mime) -> bool:
    return _is_body(mime) and mime.type == "text/plain"


def _is_page(mime: _Mime) -> bool:
    return _is_body(mime) and mime.type == "text/html"


def _is_calendar(mime: _Mime) -> bool:
    return mime.type == "text/calendar"


def _is_body(mime: _Mime) -> bool:
    """Whether a part is text to read in its place, and no file: the mail itself is, if it is text
    at all.
    """
    if _is_calendar(mime):
        return True
    is_text = mime.type in _BODY_TYPES or (mime.type.startswith("multipart/") and not mime.children)
    return is_text and (mime.depth == 0 or not (mime.is_attached or mime.name))


def _page_parts(source: str) -> list[Part]:
    from searchapp.extract.web.html import page_parts

    return page_parts(source)


def _paragraphs(text: str) -> Iterator[Part]:
    """Plain text by blank lines; quoted lines stay as they are."""
    for paragraph in re.split(r"\n(?:[ \t\xa0]*\n)+", text):
        lines = "\n".join(line.rstrip() for line in paragraph.split("\n")).strip("\n")
        yield Part("list" if _BULLETS.match(lines) else "prose", lines)


def _unflowed(text: str, *, spaceless: bool) -> str:
    """Text without the soft line breaks of format=flowed (RFC 3676); quote marks stand before each
    whole paragraph.
    """
    lines: list[tuple[str, list[str]]] = []  # quote marks, pieces of one line
    is_open = False
    for line in text.split("\n"):
        marks = match[0] if (match := _QUOTE_MARKS.match(line)) else ""
        quotes = ">" * marks.count(">")
        content = line[len(marks) :].removeprefix(" ")
        is_soft = content.endswith(" ") and content != "-- "
        content = content[:-1] if is_soft and spaceless else content
        if is_open and quotes == lines[-1][0] and content != "-- ":
            lines[-1][1].append(content)
        else:
            lines.append((quotes, [content]))
        is_open = is_soft
    return "\n".join(
        f"{quotes} {''.join(pieces)}".rstrip() if quotes else "".join(pieces)
        for quotes, pieces in lines
    )


# ---- members -------------------------------------------------------------------------------------


def _attached(mail: _Mime) -> Iterator[Member]:
    names = MemberNames()
    count = 0
    is_sealed = mail.type == "multipart/encrypted"
    for mime in _leaves(mail):
        if _is_body(mime) or mime.type in _ADDED or not mime.body:
            continue
        if mime.type.startswith("image/") and not mime.name and not mime.is_attached:
            continue
        count += 1
        name = names.of(mime.name or f"attachment-{count}{_ENDINGS.get(mime.type, '')}")
        yield _member(mime, name, sealed=is_sealed)


def _member(mime: _Mime, name: str, *, sealed: bool) -> Member:
    refusal = refusal_of_name(name)
    if refusal is None and (sealed or _is_enveloped(mime)):
        return Member(name, refusal=FileFailed("encrypted: needs a key"))
    return Member(name, refusal=refusal) if refusal else Member(name, mime.content())


def _is_enveloped(mime: _Mime) -> bool:
    """Whether a part says that it is encrypted; one that does not say is looked into."""
    return mime.type in _SEALED and mime.parameter("smime-type").lower() in {
        "enveloped-data",
        "authenveloped-data",
    }


def _mailbox(data: bytes) -> Iterator[Member]:
    """The mails of an mbox: a line "From ", after a blank one or at the start, begins each; ">From
    " in them was "From ".
    """
    starts = [match.span() for match in _MBOX_FROM.finditer(data)]
    if not starts or data[: starts[0][0]].strip():
        starts.insert(0, (0, 0))
    ends = [start for start, _ in starts[1:]] + [len(data)]
    for number, ((_, start), end) in enumerate(zip(starts, ends, strict=True), start=1):
        yield Member(f"{number}.eml", _QUOTED_FROM.sub(rb"\1", data[start:end]))


# ---- saved pages ---------------------------------------------------------------------------------


def _saved_page(top: _Mime) -> Document:
    """The page in an MHTML file: the part that `start` names, else the first that is HTML."""
    from searchapp.extract.web.html import read as read_page

    pages = [
        mime for mime in _leaves_of_all(top) if mime.type in {"text/html", "application/xhtml+xml"}
    ]
    if not pages:
        raise FileFailed("not a readable saved page: no page is in it")
    start = top.parameter("start")
    page = next((mime for mime in pages if start and mime.header("content-id") == start), pages[0])
    frames = [_page_source(mime) for mime in pages if mime is not page]
    document = read_page(_page_source(page), "mhtml", frames)
    metadata = {"date": _date(top), **document.metadata}
    return Document(
        document.text,
        "mhtml",
        title=document.title or top.header("subject"),
        blocks=document.blocks,
        has_lines=False,
        metadata={key: value for key, value in metadata.items() if value},
    )


def _page_source(page: _Mime) -> bytes:
    """A page's bytes, in UTF-8 with its mark where the mail names another charset."""
    if not page.parameter("charset"):
        return page.content()
    return codecs.BOM_UTF8 + page.text().encode("utf-8", "replace")


def _leaves_of_all(mime: _Mime) -> Iterator[_Mime]:
    children = mime.children
    if not children:
        yield mime
    for child in children:
        yield from _leaves_of_all(child)
