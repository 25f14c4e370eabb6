"""Mails as the parts that they are made of (MIME): headers, bodies as they were before sending, and
the tree of parts.

Everything is taken apart by hand, by the lines of RFC 2045 to 2047 and 5322, because what is broken
in real mails is exactly what strict parsers refuse: one bad header, charset or boundary loses no
more than itself. What of it there is to read, this module does not know.

The standard library's parser, tried on 63 mails, differs on 21: 8-bit headers, charsets that are
wrong, unknown or too narrow, boundaries that are missing or wrong, base64 that is cut short.
"""

from __future__ import annotations

import binascii
import codecs
import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from functools import cached_property
from typing import Self

from searchapp.errors import FileFailed
from searchapp.extract.text.encoding import decode

_MAX_PARTS = 10_000  # of one mail
_MAX_DEPTH = 20  # multiparts in multiparts
_MAX_HEADERS = 2**20  # bytes of a mail's beginning where headers are looked for
# characters of a header with parameters: the library needs the square of it
_MAX_PARAMETERS = 2**13

_WIDER = {
    "iso8859-1": "cp1252",
    "ascii": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
_FITTED_BY_ALL = frozenset({"cp1252", "iso8859-15"})
# codecs for other things
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})

_NO_BASE64 = bytes(
    byte
    for byte in range(256)
    if not (chr(byte).isascii() and (chr(byte).isalnum() or byte in b"+/"))
)
_BLANK_LINE = re.compile(rb"^\r?\n", re.MULTILINE)
_HEADER_LINE = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)
_BOUNDARY_LINE = re.compile(rb"^--([^\s\"]{1,70})[ \t]*\r?\nContent-", re.MULTILINE | re.IGNORECASE)
_WORD = re.compile(
    r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,20})?\?([BbQq])\?((?:(?!=\?[^=]).){0,2000}?)\?=", re.DOTALL
)


@dataclass(frozen=True, eq=False)
class Mime:
    """A mail or a part of one: its headers, and its body as it was sent."""

    headers: Message
    body: memoryview
    depth: int = 0
    is_digest: bool = False  # parts that say nothing of their type are mails

    @classmethod
    def parsed(cls, data: memoryview, depth: int = 0, *, in_digest: bool = False) -> Self:
        """The mail or part in the bytes; those without a header are all body."""
        blank = _BLANK_LINE.search(data)
        block = bytes(data[: blank.start()] if blank else data)[:_MAX_HEADERS]
        headers, size = _headers(block)
        start = blank.end() if blank and size == blank.start() else size
        return cls(headers, data[start:], depth, in_digest)

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
        """Whether the part says that it is a file to keep, not to show."""
        return (
            str(self.headers.get("content-disposition", ""))
            .strip()
            .lower()
            .startswith("attachment")
        )

    def header(self, name: str) -> str:
        """A header's text on one line, "" where there is none; of several the first that is not
        empty.
        """
        return next(filter(None, map(words, self.headers.get_all(name, ()))), "")

    def parameter(self, name: str, header: str = "content-type") -> str:
        """A parameter of a header, decoded; "" where there is none, or it is broken."""
        try:
            value = self.headers.get_param(name, header=header)
            return words(collapse_rfc2231_value(value)) if value else ""
        except (ValueError, LookupError, TypeError):
            return ""

    def content(self) -> bytes:
        """The body as it was before it was made fit for sending."""
        encoding = str(self.headers.get("content-transfer-encoding", "")).strip().lower()
        if encoding == "base64":
            return _from_base64(self.body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        return (
            _from_uuencoded(bytes(self.body))
            if encoding in {"x-uuencode", "uuencode", "x-uue"}
            else bytes(self.body)
        )

    def text(self) -> str:
        """The content of a part that is text, lines ending in \\n."""
        text = decoded(self.content(), self.parameter("charset"))
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")

    @cached_property
    def children(self) -> list[Self]:
        """The parts of a multipart; none where it is of one piece, or nested too deep."""
        if self.headers.get_content_maintype() != "multipart" or self.depth >= _MAX_DEPTH:
            return []
        declared = self.parameter("boundary").encode()
        parts = _divided(self.body, declared) if declared else []
        if not parts and (guessed := _BOUNDARY_LINE.search(self.body)):
            parts = _divided(self.body, guessed[1])
        is_digest = self.type == "multipart/digest"
        return [type(self).parsed(part, self.depth + 1, in_digest=is_digest) for part in parts]


def words(raw: str) -> str:
    """A header's text on one line, its encoded words (RFC 2047) decoded; a letter may be divided
    between two of them.
    """
    texts: list[str] = []
    gathered, charset, position = b"", "", 0
    for word in _WORD.finditer(raw):
        between = raw[position : word.start()]
        if between.strip() or charset.lower() != word[1].lower():
            texts.append(decoded(gathered, charset) if gathered else "")
            gathered = b""
        if between.strip() or position == 0:
            texts.append(between)
        encoded = word[3].encode()
        gathered += (
            _from_base64(encoded) if word[2] in "Bb" else binascii.a2b_qp(encoded, header=True)
        )
        charset, position = word[1], word.end()
    texts.append(decoded(gathered, charset) if gathered else "")
    return " ".join("".join((*texts, raw[position:])).split())


# ---- headers and boundaries ----------------------------------------------------------------------


def _headers(block: bytes) -> tuple[Message, int]:
    """The headers that a block begins with, and their bytes; a line that is none, with headers
    after it, continues the one before.
    """
    lines = block.split(b"\n")
    texts = decoded(block, "utf-8").split("\n")
    texts = texts if len(texts) == len(lines) else block.decode("latin-1").split("\n")
    fields: list[list[str]] = []
    pending: list[str] = []
    count = 0
    for index, text in enumerate(texts):
        if text[:1].isspace() and fields and not pending:
            fields[-1].append(text)
        elif _HEADER_LINE.match(text):
            if pending:
                fields[-1].extend(pending)
                pending = []
            fields.append([text])
        elif fields:
            pending.append(text)
            continue
        else:
            break
        count = index + 1
    headers = _message(" ".join(piece.strip("\r") for piece in pieces) for pieces in fields)
    return headers, sum(len(line) + 1 for line in lines[:count])


def _message(headers: Iterable[str]) -> Message:
    message = Message()
    for header in headers:
        if parsed := _HEADER_LINE.match(header):
            value = parsed[2].strip()
            message[parsed[1]] = (
                value[:_MAX_PARAMETERS] if parsed[1].lower().startswith("content-") else value
            )
    return message


def _divided(body: memoryview, boundary: bytes) -> list[memoryview]:
    """The parts between the boundary's lines, without the line break before each; the last may lack
    its end.
    """
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


# ---- decoding ------------------------------------------------------------------------------------


def _from_base64(body: bytes | memoryview) -> bytes:
    """What is encoded, as far as it can be told."""
    letters = bytes(body).translate(None, _NO_BASE64)
    letters = letters[:-1] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _from_uuencoded(body: bytes) -> bytes:
    lines = iter(body.splitlines())
    content = bytearray()
    for line in lines:
        if line.startswith(b"begin "):
            break
    for line in lines:
        if line.strip() == b"end":
            break
        try:
            content += binascii.a2b_uu(line)
        except binascii.Error:
            continue
    return bytes(content) or body


def decoded(data: bytes, charset: str) -> str:
    """The text in its charset; where it names none, or the wrong one, as bytes without a name are
    read. What fits UTF-8 is UTF-8, where a charset of single bytes is named, which everything fits.
    """
    codec = _codec(charset)
    if codec in _FITTED_BY_ALL:
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("utf-8")
    for attempt in (codec, "") if codec else ("",):
        try:
            return data.decode(attempt) if attempt else decode(data)
        except (UnicodeError, FileFailed):
            continue
    return data.decode(codec or "utf-8", "replace")


def _codec(charset: str) -> str:
    """The codec for a charset, a wider one where programs name it too narrowly; "" for one that is
    no charset.
    """
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
