"""Mails: who wrote to whom, when and what, and the files that they sent along.

A mail is taken apart by hand, by the lines of RFC 2045 to 2047 and 5322, because what is broken in real mails is exactly what
strict parsers refuse: one bad header, charset or boundary loses no more than itself. Outlook's files become such mails first.
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime
from functools import cached_property

from searchapp.errors import FileFailed
from searchapp.extract.archive import MemberNames, refusal_of_name
from searchapp.extract.container import Allowance, Member
from searchapp.extract.parts import Part, document_of
from searchapp.extract.text import decode
from searchapp.types import Document, Place

_MAX_PARTS = 10_000  # of one mail
_MAX_DEPTH = 20  # multiparts in multiparts
_MAX_SHOWN = 20  # addresses in the text; the metadata has all
_MAX_HEADERS = 2**20  # bytes of a mail's beginning where headers are looked for
_MAX_PARAMETERS = 2**13  # characters of a header with parameters: the library needs the square of it

_ENDINGS = {
    "application/pdf": ".pdf",
    "application/rtf": ".rtf",
    "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "message/rfc822": ".eml",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/rtf": ".rtf",
}
_BODY_TYPES = frozenset({"text/plain", "text/html", "text/enriched", "message/delivery-status", "text/rfc822-headers"})
_ADDED = frozenset(
    {"application/pgp-encrypted", "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_WIDER = {"iso8859-1": "cp1252", "ascii": "utf-8", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932"}
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})  # codecs for other things

_NO_BASE64 = bytes(byte for byte in range(256) if not (chr(byte).isascii() and (chr(byte).isalnum() or byte in b"+/")))
_BLANK_LINE = re.compile(rb"^\r?\n", re.MULTILINE)
_HEADER_LINE = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_BOUNDARY_LINE = re.compile(rb"^--([^\s\"]{1,70})[ \t]*\r?\nContent-", re.MULTILINE | re.IGNORECASE)
_ENVELOPE = re.compile(
    rb"\s*(?:From [^\n]*\n(?:>From [^\n]*\n)*|(?=(?:from|to|subject|date|received|return-path|mime-version):))", re.IGNORECASE
)
_BYTE_COUNT = re.compile(rb"(\d{1,10})[ \t]*\r?\n")
_MBOX_FROM = re.compile(rb"From (?:(?<=\n\nFrom )|(?<=\n\r\nFrom )|(?<=\AFrom ))[^\n]*\d\d:\d\d[^\n]*(?:\n|\Z)")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,20})?\?([BbQq])\?(.{0,2000}?)\?=", re.DOTALL)
_QUOTE_MARKS = re.compile(r"(?:> ?)*>")
_BULLETS = re.compile(r"(?:[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+\S[^\n]*(?:\n|\Z))+\Z")
_CALENDAR_LINE = re.compile(r"(SUMMARY|LOCATION|DESCRIPTION|DTSTART|DTEND)(?:;[^:\n]*)?:(.*)", re.IGNORECASE)
_CALENDAR_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d*(Z?))?$")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?")


def read(data: bytes, document_type: str) -> Document:
    """A mail: from, to and date as its first paragraph, then its body; the plain one, unless that is a mere stub.

    A saved page (MHTML) gives the main text of its page.
    """
    top = _mail(data, document_type)
    if document_type == "mhtml":
        return _saved_page(top)
    metadata = _metadata(top)
    title = metadata.get("subject", "")
    place = _place(title, metadata.get("date", ""))
    parts = (Part("prose", _head(top, metadata)), *_body(top))
    placed = (Part(part.kind, part.text, part.level, place, part.is_tight) for part in parts)
    return document_of(placed, document_type, title=title, metadata=metadata)


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """What is attached to a mail, in order, or the mails of a mailbox as "1.eml", "2.eml"...; a saved page has none."""
    if document_type == "mbox":
        yield from _mailbox(data)
    elif document_type != "mhtml":
        yield from _attached(_mail(data, document_type))


# ---- the tree of parts ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Mime:
    """A mail or a part of one: its headers, and its body as it was sent."""

    headers: Message
    body: memoryview
    depth: int = 0
    is_digest: bool = False  # parts that say nothing of their type are mails

    @property
    def type(self) -> str:
        """The media type: "text/plain"."""
        if "content-type" not in self.headers:
            return "message/rfc822" if self.is_digest else "text/plain"
        return self.headers.get_content_type()

    @property
    def name(self) -> str:
        """The file name that the part gives itself, "" where it gives none."""
        for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
            if name := self.parameter(parameter, header):
                return re.split(r"[/\\]", name.strip())[-1].strip()
        return ""

    @property
    def is_attached(self) -> bool:
        return str(self.headers.get("content-disposition", "")).strip().lower().startswith("attachment")

    def parameter(self, name: str, header: str = "content-type") -> str:
        """A parameter of a header, decoded; "" where there is none, or it is broken."""
        try:
            value = self.headers.get_param(name, header=header)
            return _words(collapse_rfc2231_value(value)) if value else ""
        except (ValueError, LookupError, TypeError):
            return ""

    def content(self) -> bytes:
        """The body as it was before it was made fit for sending."""
        encoding = str(self.headers.get("content-transfer-encoding", "")).strip().lower()
        if encoding == "base64":
            return _from_base64(self.body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        return _from_uuencoded(bytes(self.body)) if encoding in {"x-uuencode", "uuencode", "x-uue"} else bytes(self.body)

    def text(self) -> str:
        """The content of a part that is text, lines ending in \\n."""
        text = _decoded(self.content(), self.parameter("charset"))
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")

    @cached_property
    def children(self) -> list[_Mime]:
        """The parts of a multipart; none where it is of one piece, or nested too deep."""
        if self.headers.get_content_maintype() != "multipart" or self.depth >= _MAX_DEPTH:
            return []
        declared = self.parameter("boundary").encode()
        found = _divided(self.body, declared) if declared else []
        if not found and (guessed := _BOUNDARY_LINE.search(self.body)):
            found = _divided(self.body, guessed[1])
        is_digest = self.type == "multipart/digest"
        return [_parsed(part, self.depth + 1, is_digest=is_digest) for part in found]

    @cached_property
    def parts(self) -> list[Part]:
        """What the part has to read, where it is text."""
        text = self.text()
        if self.type == "text/html":
            return _page_parts(text)
        if _is_calendar(self):
            return [Part("prose", _appointment(text))]
        text = re.sub(r"<[^<>\n]{1,100}>", "", text) if self.type == "text/enriched" else text
        if self.parameter("format").lower() == "flowed":
            text = _unflowed(text, is_spaceless=self.parameter("delsp").lower() == "yes")
        return list(_paragraphs(text))


def _mail(data: bytes, document_type: str) -> _Mime:
    """The mail in a file, without what mailboxes and programs put before it."""
    if document_type == "msg":
        from searchapp.extract.outlook import as_mail

        data = as_mail(data)
    if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = decode(data).encode("utf-8", "replace")
    if (counted := _BYTE_COUNT.match(data)) and int(counted[1]) <= len(data):
        data = data[counted.end() : counted.end() + int(counted[1])]
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    start = envelope.end() if (envelope := _ENVELOPE.match(data)) else 0
    return _parsed(memoryview(data)[start:], 0)


def _parsed(data: memoryview, depth: int, *, is_digest: bool = False) -> _Mime:
    blank = _BLANK_LINE.search(data)
    block = bytes(data[: blank.start()] if blank else data)[:_MAX_HEADERS]
    headers, size = _headers(block)
    start = blank.end() if blank and size == blank.start() else size
    return _Mime(headers, data[start:], depth, is_digest)


def _headers(block: bytes) -> tuple[Message, int]:
    """The headers that a block begins with, and their bytes; a line that is none, with headers after it, continues the one before."""
    lines = block.split(b"\n")
    texts = _decoded(block, "utf-8").split("\n")
    texts = texts if len(texts) == len(lines) else block.decode("latin-1").split("\n")
    found: list[list[str]] = []
    pending: list[str] = []
    count = 0
    for index, text in enumerate(texts):
        if text[:1].isspace() and found and not pending:
            found[-1].append(text)
        elif _HEADER_LINE.match(text):
            if pending:
                found[-1].extend(pending)
                pending = []
            found.append([text])
        elif found:
            pending.append(text)
            continue
        else:
            break
        count = index + 1
    headers = _message(" ".join(piece.strip("\r") for piece in pieces) for pieces in found)
    return headers, sum(len(line) + 1 for line in lines[:count])


def _message(headers: Iterable[str]) -> Message:
    message = Message()
    for header in headers:
        if parsed := _HEADER_LINE.match(header):
            value = parsed[2].strip()
            message[parsed[1]] = value[:_MAX_PARAMETERS] if parsed[1].lower().startswith("content-") else value
    return message


def _divided(body: memoryview, boundary: bytes) -> list[memoryview]:
    """The parts between the boundary's lines, without the line break before each; the last may lack its end."""
    lines = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*\r?$", re.MULTILINE)
    parts: list[memoryview] = []
    start = None
    for line in lines.finditer(body):
        if start is not None:
            parts.append(_chopped(body[start : line.start()]))
            if len(parts) > _MAX_PARTS:
                raise FileFailed(f"not a readable mail: holds more than {_MAX_PARTS:,} parts")
        start = None if line[1] else line.end() + 1
        if line[1] and parts:
            break
    if start is not None and start < len(body):
        parts.append(body[start:])
    return parts


def _chopped(part: memoryview) -> memoryview:
    """A part without the line break that belongs to the boundary after it."""
    end = len(part)
    end -= bytes(part[-1:]) == b"\n"
    end -= bytes(part[max(end - 1, 0) : end]) == b"\r"
    return part[:end]


# ---- decoding ------------------------------------------------------------------------------------------------------


def _from_base64(body: bytes | memoryview) -> bytes:
    """What is encoded, as far as it can be told."""
    letters = bytes(body).translate(None, _NO_BASE64)
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _from_uuencoded(body: bytes) -> bytes:
    lines = iter(body.splitlines())
    found = bytearray()
    for line in lines:
        if line.startswith(b"begin "):
            break
    for line in lines:
        if line.strip() == b"end":
            break
        try:
            found += binascii.a2b_uu(line)
        except binascii.Error:
            continue
    return bytes(found) or body


def _decoded(data: bytes, charset: str) -> str:
    """The text in its charset; where it names none, or the wrong one, as bytes without a name are read."""
    codec = _codec(charset)
    for attempt in (codec, "") if codec else ("",):
        try:
            return data.decode(attempt) if attempt else decode(data)
        except (UnicodeError, FileFailed):
            continue
    return data.decode(codec or "utf-8", "replace")


def _codec(charset: str) -> str:
    """The codec for a charset, a wider one where programs name it too narrowly; "" for one that is no charset."""
    try:
        name = codecs.lookup(charset.strip().strip("'\"")).name if charset else ""
    except (LookupError, ValueError):
        return ""
    name = _WIDER.get(name, name)
    try:
        "x".encode(name or "undefined")
    except (LookupError, UnicodeError):  # it is no charset, but a codec for something else
        return ""
    return "" if name in _NO_CHARSETS else name


def _header(mime: _Mime, name: str) -> str:
    """A header's text on one line, "" where there is none; of several the first that is not empty."""
    return next(filter(None, map(_words, mime.headers.get_all(name, ()))), "")


def _words(raw: str) -> str:
    """A header's text on one line, its encoded words (RFC 2047) decoded; a letter may be divided between two of them."""
    texts: list[str] = []
    gathered, charset, position = b"", "", 0
    for word in _WORD.finditer(raw):
        between = raw[position : word.start()]
        if between.strip() or charset.lower() != word[1].lower():
            texts.append(_decoded(gathered, charset) if gathered else "")
            gathered = b""
        if between.strip() or position == 0:
            texts.append(between)
        encoded = word[3].encode()
        gathered += _from_base64(encoded) if word[2] in "Bb" else binascii.a2b_qp(encoded, header=True)
        charset, position = word[1], word.end()
    texts.append(_decoded(gathered, charset) if gathered else "")
    return " ".join("".join((*texts, raw[position:])).split())


# ---- headers -------------------------------------------------------------------------------------------------------


def _metadata(mail: _Mime) -> dict[str, str]:
    senders = _addresses(mail, "from") or _addresses(mail, "sender")
    found = {
        "author": "; ".join(name or address for name, address in senders),
        "from": _joined(senders),
        "to": _joined(_addresses(mail, "to")),
        "cc": _joined(_addresses(mail, "cc")),
        "date": _date(mail),
        "subject": _header(mail, "subject"),
        "tags": "; ".join(filter(None, map(str.strip, re.split("[,;]", _header(mail, "keywords") or _header(mail, "x-gmail-labels"))))),
        "language": _header(mail, "content-language"),
    }
    return {key: value for key, value in found.items() if value}


def _head(mail: _Mime, metadata: dict[str, str]) -> str:
    """Who wrote to whom and when, a line each."""
    lines = [f"{label}: {_shown(metadata[key])}" for label, key in (("From", "from"), ("To", "to"), ("Cc", "cc")) if key in metadata]
    when = _header(mail, "date") or metadata.get("date", "")
    return "\n".join((*lines, f"Date: {when}" if when else "")).strip()


def _shown(addresses: str) -> str:
    shown = addresses.split("; ")
    more = len(shown) - _MAX_SHOWN
    return "; ".join(shown[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _place(subject: str, date: str) -> Place:
    parts = (("subject", subject), ("date", date[:10]))
    return tuple((name, value) for name, value in parts if value)


def _addresses(mail: _Mime, name: str) -> list[tuple[str, str]]:
    """The names and addresses in all headers of a name."""
    raw = mail.headers.get_all(name, ())
    try:
        found = getaddresses(raw)
    except (ValueError, IndexError, RecursionError, AttributeError):
        found = []
    pairs = [(_words(person).strip("'\" "), address.strip()) for person, address in found if person or address]
    if pairs and all("@" in address or person for person, address in pairs):
        return pairs
    return [(_words(value), "") for value in raw if value.strip()]  # not in any known form: as it stands


def _joined(addresses: Sequence[tuple[str, str]]) -> str:
    whole = (f"{person} <{address}>" if person and address and person != address else person or address for person, address in addresses)
    return "; ".join(dict.fromkeys(whole))


def _date(mail: _Mime) -> str:
    """When it was sent, ISO 8601 with the sender's zone; else when it was last received; "" where neither can be read."""
    received = _header(mail, "received").rpartition(";")[2]
    return next(filter(None, map(_moment, (_header(mail, "date"), received))), "")


def _moment(text: str) -> str:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        found = _ISO_DATE.match(text)
        try:
            return datetime.fromisoformat(found[0]).isoformat() if found else ""
        except ValueError:
            return ""
    if moment.year < 1900:
        return ""
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None and text.strip().endswith("-0000") else moment).isoformat()


# ---- the body ------------------------------------------------------------------------------------------------------


def _body(mail: _Mime) -> Iterator[Part]:
    for mime in _leaves(mail):
        if _is_body(mime):
            yield from mime.parts


def _leaves(mime: _Mime) -> Iterator[_Mime]:
    """The parts that are no multiparts, in order; of alternatives only the one to read, and what is attached to any."""
    children = mime.children
    if not children:
        yield mime
    elif mime.type == "multipart/alternative":
        yield from _chosen([list(_leaves(child)) for child in children])
    else:
        for child in children:
            yield from _leaves(child)


def _chosen(branches: Sequence[Sequence[_Mime]]) -> Iterator[_Mime]:
    """Of the same text in several forms the plain one, or the HTML one where that says over twice as much; the rest of all."""
    plain = next((branch for branch in branches if any(map(_is_plain, branch))), None)
    rich = next((branch for branch in branches if any(map(_is_page, branch))), None)
    chosen = plain if plain is not None and (rich is None or 2 * _length(plain) >= _length(rich)) else rich
    for branch in branches:
        yield from (leaf for leaf in branch if branch is chosen or (chosen is None and branch is branches[-1]) or not _is_body(leaf))
        if branch is not chosen:
            yield from (leaf for leaf in branch if _is_calendar(leaf) and _is_body(leaf))


def _length(branch: Sequence[_Mime]) -> int:
    """How many characters of text a branch shows, spaces not counted."""
    return sum(len("".join(part.text.split())) for leaf in branch if _is_body(leaf) for part in leaf.parts)


def _is_plain(mime: _Mime) -> bool:
    return _is_body(mime) and mime.type == "text/plain"


def _is_page(mime: _Mime) -> bool:
    return _is_body(mime) and mime.type == "text/html"


def _is_calendar(mime: _Mime) -> bool:
    return mime.type == "text/calendar"


def _is_body(mime: _Mime) -> bool:
    """Whether a part is text to read in its place, and no file: the mail itself is, if it is text at all."""
    if _is_calendar(mime):
        return True
    is_text = mime.type in _BODY_TYPES or (mime.type.startswith("multipart/") and not mime.children)
    return is_text and (mime.depth == 0 or not (mime.is_attached or mime.name))


def _page_parts(source: str) -> list[Part]:
    from searchapp.extract.html import page_parts

    return page_parts(source)


def _paragraphs(text: str) -> Iterator[Part]:
    """Plain text by blank lines; quoted lines stay as they are."""
    for paragraph in re.split(r"\n(?:[ \t\xa0]*\n)+", text):
        lines = "\n".join(line.rstrip() for line in paragraph.split("\n")).strip("\n")
        yield Part("list" if _BULLETS.match(lines) else "prose", lines)


def _unflowed(text: str, *, is_spaceless: bool) -> str:
    """Text without the soft line breaks of format=flowed (RFC 3676); quote marks stand before each whole paragraph."""
    lines: list[tuple[str, list[str]]] = []  # quote marks, pieces of one line
    is_open = False
    for line in text.split("\n"):
        marks = found[0] if (found := _QUOTE_MARKS.match(line)) else ""
        quotes = ">" * marks.count(">")
        content = line[len(marks) :].removeprefix(" ")
        is_soft = content.endswith(" ") and content != "-- "
        content = content[:-1] if is_soft and is_spaceless else content
        if is_open and quotes == lines[-1][0] and content != "-- ":
            lines[-1][1].append(content)
        else:
            lines.append((quotes, [content]))
        is_open = is_soft
    return "\n".join(f"{quotes} {''.join(pieces)}".rstrip() if quotes else "".join(pieces) for quotes, pieces in lines)


def _appointment(text: str) -> str:
    """The first event of a calendar file (RFC 5545): what, when, where."""
    unfolded = re.sub(r"\n[ \t]", "", text)
    event = unfolded.partition("BEGIN:VEVENT")[2].partition("END:VEVENT")[0] or unfolded
    found: dict[str, str] = {}
    for line in event.split("\n"):
        if match := _CALENDAR_LINE.fullmatch(line.strip()):
            found.setdefault(match[1].upper(), _calendar_text(match[2]))
    when = " to ".join(_calendar_date(found[key]) for key in ("DTSTART", "DTEND") if key in found)
    return "\n".join(filter(None, (found.get("SUMMARY", ""), when, found.get("LOCATION", ""), found.get("DESCRIPTION", ""))))


def _calendar_text(value: str) -> str:
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] in "nN" else match[1], value).strip()


def _calendar_date(value: str) -> str:
    found = _CALENDAR_DATE.match(value)
    if not found:
        return value
    year, month, day, hour, minute, is_utc = found.groups()
    return f"{year}-{month}-{day}" + (f" {hour}:{minute}{' UTC' if is_utc else ''}" if hour else "")


# ---- members -------------------------------------------------------------------------------------------------------


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
        yield _member(mime, name, is_sealed=is_sealed)


def _member(mime: _Mime, name: str, *, is_sealed: bool) -> Member:
    refusal = refusal_of_name(name)
    if refusal is None and (is_sealed or _is_enveloped(mime)):
        return Member(name, refusal=FileFailed("encrypted: needs a key"))
    return Member(name, refusal=refusal) if refusal else Member(name, mime.content())


def _is_enveloped(mime: _Mime) -> bool:
    return mime.type in _SEALED and mime.parameter("smime-type").lower() in {"", "enveloped-data", "authenveloped-data"}


def _mailbox(data: bytes) -> Iterator[Member]:
    """The mails of an mbox: a line "From ", after a blank one or at the start, begins each; ">From " in them was "From "."""
    starts = [match.span() for match in _MBOX_FROM.finditer(data)]
    if not starts or data[: starts[0][0]].strip():
        starts.insert(0, (0, 0))
    ends = [start for start, _ in starts[1:]] + [len(data)]
    for number, ((_, start), end) in enumerate(zip(starts, ends, strict=True), start=1):
        yield Member(f"{number}.eml", _QUOTED_FROM.sub(rb"\1", data[start:end]))


# ---- saved pages ---------------------------------------------------------------------------------------------------


def _saved_page(top: _Mime) -> Document:
    """The page in an MHTML file: the part that `start` names, else the first that is HTML."""
    from searchapp.extract.html import read as read_page

    pages = [mime for mime in _leaves_of_all(top) if mime.type in {"text/html", "application/xhtml+xml"}]
    if not pages:
        raise FileFailed("not a readable saved page: no page is in it")
    start = top.parameter("start")
    page = next((mime for mime in pages if start and _header(mime, "content-id") == start), pages[0])
    is_declared = bool(page.parameter("charset"))
    content = codecs.BOM_UTF8 + page.text().encode("utf-8", "replace") if is_declared else page.content()
    document = read_page(content, "mhtml")
    metadata = {"date": _date(top), **document.metadata}
    return Document(
        document.text,
        "mhtml",
        title=document.title or _header(top, "subject"),
        blocks=document.blocks,
        has_lines=False,
        metadata={key: value for key, value in metadata.items() if value},
    )


def _leaves_of_all(mime: _Mime) -> Iterator[_Mime]:
    children = mime.children
    if not children:
        yield mime
    for child in children:
        yield from _leaves_of_all(child)
