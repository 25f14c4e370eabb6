"""Outlook's .msg files as mails of the usual form, so that there is one way to read a mail.

The file is a small file system ([MS-CFB]) whose storages hold a message's properties ([MS-OXMSG]):
a table of the short ones, and a stream for each of the others.
"""

from __future__ import annotations

import binascii
import codecs
import hashlib
import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.text.encoding import decode

if TYPE_CHECKING:
    from olefile import OleFileIO

_MAX_DEPTH = 8  # messages in messages
_MAX_UNPACKED = 2**25  # bytes of a body in rich text
_TABLE = "__properties_version1.0"

_CLASS, _SUBJECT, _HEADERS, _BODY, _RTF, _HTML = 0x001A, 0x0037, 0x007D, 0x1000, 0x1009, 0x1013
_SENT, _RECEIVED, _CODE_PAGE, _HTML_CODE_PAGE = 0x0039, 0x0E06, 0x3FFD, 0x3FDE
# name, address of the internet, address: on whose behalf, by whom
_SENDERS = ((0x0042, 0x5D02, 0x0065), (0x0C1A, 0x5D01, 0x0C1F))
_RECIPIENT_KIND, _NAME, _ADDRESS, _INTERNET_ADDRESS = 0x0C15, 0x3001, 0x3003, 0x39FE
_TO, _CC = 1, 2
_ATTACHED, _LONG_FILE_NAME, _FILE_NAME, _MEDIA_TYPE = 0x3701, 0x3707, 0x3704, 0x370E
_IS_HIDDEN = 0x7FFE

_UNICODE, _STRING8, _BINARY, _STORAGE = "001F", "001E", "0102", "000D"
_RTF_PACKED, _RTF_PLAIN = 0x75465A4C, 0x414C454D
_RTF_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArial"
    b"Times New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)  # [MS-OXRTFCP], section 2.1.2.1


def as_mail(data: bytes) -> bytes:
    """The same message in the form of RFC 5322, attachments included; embedded messages are
    attached as message/rfc822.

    Raises FileFailed where the file is broken.
    """
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            streams = {"/".join(path): path for path in ole.listdir()}
            if _TABLE not in streams:
                raise FileFailed("not a readable Outlook message: its properties are missing")
            return _mail(_Message(ole, (), streams, 32))
    except (FileFailed, MemoryError):
        raise
    except Exception as error:  # a broken file makes olefile raise anything
        raise FileFailed(f"not a readable Outlook message: {error}") from error


# ---- properties ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Message:
    """A storage with properties: a message, a recipient or an attachment."""

    ole: OleFileIO
    path: tuple[str, ...]
    streams: dict[str, list[str]]  # all in the file, by path
    header: int  # bytes before its table: 32 in a message, 24 in an embedded one, 8 else
    code_page: int = 0

    def stream(self, name: str) -> bytes:
        path = self.streams.get("/".join((*self.path, name)))
        return bytes(self.ole.openstream(path).read()) if path else b""

    def within(self, name: str, header: int) -> _Message:
        return _Message(
            self.ole,
            (*self.path, name),
            self.streams,
            header,
            self.code_page or self.number(_CODE_PAGE),
        )

    def storages(self, prefix: str) -> list[str]:
        """The names of the storages here that begin so, in order."""
        depth = len(self.path)
        inner = (
            path
            for path in self.streams.values()
            if tuple(path[:depth]) == self.path and len(path) > depth + 1
        )
        return sorted({path[depth] for path in inner if path[depth].startswith(prefix)})

    def text(self, number: int) -> str:
        """A text property, "" where there is none."""
        wide = self.stream(f"__substg1.0_{number:04X}{_UNICODE}")
        if wide:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        return narrow(
            self.stream(f"__substg1.0_{number:04X}{_STRING8}").rstrip(b"\0"),
            self.code_page or self.number(_CODE_PAGE),
        )

    def binary(self, number: int) -> bytes:
        return self.stream(f"__substg1.0_{number:04X}{_BINARY}")

    def number(self, number: int) -> int:
        """A short property as it is stored, 0 where there is none."""
        table = self.stream(_TABLE)[self.header :]
        entries = struct.iter_unpack("<HHIQ", table[: len(table) // 16 * 16])
        return next(
            (
                value & 0xFFFFFFFF if kind == 3 else value
                for kind, key, _, value in entries
                if key == number
            ),
            0,
        )


def narrow(data: bytes, code_page: int) -> str:
    """Text in a code page of Windows; in an unknown one as bytes without a name are read."""
    name = {65001: "utf-8", 20127: "ascii", 28591: "latin-1", 932: "cp932", 936: "gb18030"}.get(
        code_page, f"cp{code_page}"
    )
    try:
        return data.decode(name)
    except (UnicodeError, LookupError):
        try:
            return decode(data)
        except FileFailed:
            return data.decode("cp1252", "replace")


# ---- a message to a mail -------------------------------------------------------------------------


def _mail(message: _Message, depth: int = 0) -> bytes:
    parts = [*_bodies(message), *(_attachments(message, depth) if depth < _MAX_DEPTH else ())]
    boundary = hashlib.blake2b(b"\0".join(parts), digest_size=20).hexdigest().encode()
    lines = [_line(name, value) for name, value in _headers(message) if value]
    lines.append(b"Content-Type: multipart/mixed; boundary=" + boundary)
    divided = b"".join(b"\n--" + boundary + b"\n" + part for part in parts)
    return b"\n".join(lines) + b"\n\n" + divided + b"\n--" + boundary + b"--\n"


def _line(name: str, value: str) -> bytes:
    return f"{name}: {' '.join(value.split())}".encode("utf-8", "replace")


def _headers(message: _Message) -> Iterator[tuple[str, str]]:
    sender = next(filter(None, (_address(message, *numbers) for numbers in _SENDERS)), "")
    recipients = [message.within(name, 8) for name in message.storages("__recip_version1.0_#")]
    yield "From", sender
    for header, kind in (("To", _TO), ("Cc", _CC)):
        of_kind = (
            recipient for recipient in recipients if recipient.number(_RECIPIENT_KIND) & 0xF == kind
        )
        yield (
            header,
            ", ".join(
                filter(
                    None,
                    (
                        _address(recipient, _NAME, _INTERNET_ADDRESS, _ADDRESS)
                        for recipient in of_kind
                    ),
                )
            ),
        )
    yield (
        "Date",
        _sent_header(message) or _moment(message.number(_SENT) or message.number(_RECEIVED)),
    )
    yield "Subject", message.text(_SUBJECT)


def _address(message: _Message, name: int, *addresses: int) -> str:
    """A person as mails name them; addresses of an office's own directory mean nothing outside it
    and are left out.
    """
    person = message.text(name).strip()
    address = next((text for text in map(message.text, addresses) if "@" in text), "").strip()
    if not address and "@" in person:
        person, address = "", person.strip("'<>")
    person = person.removesuffix(f"<{address}>").strip() or address
    quoted = person.replace("\\", "\\\\").replace('"', '\\"')
    if not address:
        return f'"{quoted}"' if person else ""
    return f'"{quoted}" <{address}>' if person and person.strip("'") != address else address


def _sent_header(message: _Message) -> str:
    """The date as its sender wrote it, with a zone, which the properties lack; "" where the message
    has not travelled.
    """
    lines = message.text(_HEADERS).splitlines()
    return next((line[5:].strip() for line in lines if line.lower().startswith("date:")), "")


def _moment(filetime: int) -> str:
    """A count of 100 ns since 1601 as a mail's date."""
    try:
        return (
            format_datetime(
                datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=filetime // 10)
            )
            if filetime
            else ""
        )
    except OverflowError:
        return ""


def _bodies(message: _Message) -> Iterator[bytes]:
    """The body in its forms, as one part with alternatives; in rich text only where there is no
    other.
    """
    plain, page = message.text(_BODY).encode("utf-8", "replace"), _page(message)
    if not plain.strip() and not page.strip() and (packed := message.binary(_RTF)):
        plain = _from_rich_text(unpacked_rtf(packed)).encode("utf-8", "replace")
    forms = [(b"plain", plain), (b"html", page)]
    parts = [
        b"Content-Type: text/" + kind + b"; charset=utf-8\n\n" + body
        for kind, body in forms
        if body.strip()
    ]
    if len(parts) < 2:
        yield from parts
        return
    boundary = (
        b"alternative-" + hashlib.blake2b(b"\0".join(parts), digest_size=20).hexdigest().encode()
    )
    divided = b"".join(b"\n--" + boundary + b"\n" + part for part in parts)
    yield (
        b"Content-Type: multipart/alternative; boundary="
        + boundary
        + b"\n\n"
        + divided
        + b"\n--"
        + boundary
        + b"--"
    )


def _page(message: _Message) -> bytes:
    """The HTML body in UTF-8."""
    data = message.binary(_HTML)
    text = (
        narrow(data.removeprefix(codecs.BOM_UTF8), message.number(_HTML_CODE_PAGE) or 65001)
        if data
        else message.text(_HTML)
    )
    return text.encode("utf-8", "replace")


def _from_rich_text(data: bytes) -> str:
    from searchapp.extract.office.rtf import read

    return read(data, "rtf").text


def _attachments(message: _Message, depth: int) -> Iterator[bytes]:
    for name in message.storages("__attach_version1.0_#"):
        attachment = message.within(name, 8)
        if attachment.number(_IS_HIDDEN) & 1:
            continue
        embedded = f"__substg1.0_{_ATTACHED:04X}{_STORAGE}"
        if "/".join((*attachment.path, embedded, _TABLE)) in attachment.streams:
            inner = attachment.within(embedded, 24)
            yield _attached(
                "message/rfc822",
                f"{inner.text(_SUBJECT).strip() or 'message'}.eml",
                _mail(inner, depth + 1),
            )
            continue
        data = attachment.binary(_ATTACHED)
        if data:
            yield _attached(
                attachment.text(_MEDIA_TYPE),
                attachment.text(_LONG_FILE_NAME) or attachment.text(_FILE_NAME),
                data,
            )


def _attached(media_type: str, name: str, data: bytes) -> bytes:
    kind = (
        media_type
        if "/" in media_type and not media_type.startswith("multipart/")
        else "application/octet-stream"
    )
    safe = " ".join(name.replace("\\", "_").replace("/", "_").replace('"', "'").split())
    lines = [
        _line("Content-Type", kind),
        _line("Content-Disposition", f'attachment; filename="{safe}"' if safe else "attachment"),
    ]
    if kind != "message/rfc822":
        lines.append(b"Content-Transfer-Encoding: base64")
        data = binascii.b2a_base64(data)
    return b"\n".join(lines) + b"\n\n" + data


# ---- rich text -----------------------------------------------------------------------------------


def unpacked_rtf(data: bytes) -> bytes:
    """Rich text as Outlook packs it ([MS-OXRTFCP], LZFu): what can be unpacked, as far as the data
    go.
    """
    if len(data) < 16:
        raise FileFailed("not a readable Outlook message: its rich text is broken")
    _, size, kind, _ = struct.unpack_from("<IIII", data)
    if kind == _RTF_PLAIN:
        return data[16 : 16 + size]
    if kind != _RTF_PACKED:
        raise FileFailed("not a readable Outlook message: its rich text is broken")
    window = bytearray(_RTF_DICTIONARY.ljust(4096, b" "))
    place = len(_RTF_DICTIONARY)
    unpacked = bytearray()
    for byte_run in _runs(data):
        if isinstance(byte_run, int):
            window[place] = byte_run
            place = (place + 1) % 4096
            unpacked.append(byte_run)
            continue
        offset, length = byte_run
        if offset == place:
            break  # the end mark
        for index in range(length):
            byte = window[(offset + index) % 4096]
            window[place] = byte
            place = (place + 1) % 4096
            unpacked.append(byte)
        if len(unpacked) > _MAX_UNPACKED:
            raise FileFailed("not a readable Outlook message: its rich text is too long")
    return bytes(unpacked)


def _runs(data: bytes) -> Iterable[int | tuple[int, int]]:
    """The steps in packed rich text: a byte as it is, or the place and length of what was there
    before.
    """
    position = 16
    while position < len(data):
        control = data[position]
        position += 1
        for bit in range(8):
            if control >> bit & 1:
                if position + 2 > len(data):
                    return
                token = data[position] << 8 | data[position + 1]
                position += 2
                yield token >> 4, (token & 0xF) + 2
            elif position < len(data):
                yield data[position]
                position += 1
