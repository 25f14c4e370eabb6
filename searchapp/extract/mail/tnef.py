"""Outlook's attachments (winmail.dat, [MS-OXTNEF]): the message that Outlook packed, and the files
sent along.

Written by hand: the one library for it is under the LGPL, and what is needed of the format is a
list of attributes with a length each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from searchapp.errors import FileFailed
from searchapp.extract.archives.names import MemberNames, refusal_of_name
from searchapp.extract.mail.outlook import narrow, unpacked_rtf
from searchapp.extract.members import MAX_MEMBERS, Allowance, Member

SIGNATURE = b"\x78\x9f\x3e\x22"
_FIRST = 6  # bytes before the first attribute: the signature and a key
_MESSAGE, _ATTACHMENT = 1, 2  # levels

# attributes
_BODY, _PROPERTIES, _CODE_PAGE = 0x0002800C, 0x00069003, 0x00069007
_BEGIN_ATTACHMENT, _TITLE, _DATA, _ATTACHED_PROPERTIES = (
    0x00069002,
    0x00018010,
    0x0006800F,
    0x00069005,
)
# properties
_PLAIN, _RICH, _PAGE, _SUBJECT = 0x1000, 0x1009, 0x1013, 0x0037
_CONTENT, _LONG_NAME, _NAME, _SHOWN_NAME = 0x3701, 0x3707, 0x3704, 0x3001

_SIZES = {
    0: 0,
    1: 0,
    2: 4,
    3: 4,
    4: 4,
    5: 8,
    6: 8,
    7: 8,
    10: 4,
    11: 4,
    20: 8,
    64: 8,
    72: 16,
}  # by type
_LONG = frozenset({0x0D, 0x1E, 0x1F, 0x102})  # types: object, text, wide text, bytes
_MANY = 0x1000  # the flag of a property with several values


@dataclass(slots=True)
class _File:
    """What is known of a file, or of the message, by now."""

    title: bytes = b""
    data: bytes = b""
    properties: dict[int, tuple[int, bytes]] = field(default_factory=dict)  # number: type, value


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """The message's body as "message.txt", ".html" or ".rtf", then its files in order. Raises
    FileFailed for a broken one, after what can be read of it.
    """
    message, files, code_page, broken = _unpacked(data)
    names = MemberNames()
    try:
        if body := _body(message, code_page):
            yield Member(names.of(body[0]), body[1])
    except FileFailed as error:
        broken.append(f"its message: {error}")
    for count, file in enumerate(files, 1):
        member_name, content = _named(file, count, code_page)
        refusal = refusal_of_name(member_name)
        if content or refusal:
            yield Member(names.of(member_name), b"" if refusal else content, refusal)
    if broken:
        raise FileFailed(f"not a readable Outlook attachment: {'; '.join(dict.fromkeys(broken))}")


def _unpacked(data: bytes) -> tuple[_File, list[_File], int, list[str]]:
    """The message, its files, its code page, and what could not be read of them."""
    message, files, code_page = _File(), list[_File](), 0
    broken: list[str] = []
    try:
        for level, number, value in _attributes(data):
            if level == _MESSAGE and number == _CODE_PAGE:
                code_page = int.from_bytes(value[:4], "little")
            elif level == _ATTACHMENT and number == _BEGIN_ATTACHMENT:
                files.append(_File())
                if len(files) > MAX_MEMBERS:
                    raise FileFailed(f"holds more than {MAX_MEMBERS:,} files")
            else:
                file = files[-1] if level == _ATTACHMENT and files else message
                broken += _take(file, number, value)
    except ValueError as error:
        broken.append(str(error))
    return message, files, code_page, broken


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Level, number and value of each attribute; raises ValueError where the file ends early."""
    at = _FIRST
    while at + 9 <= len(data):
        level, number, size = struct.unpack_from("<BII", data, at)
        at += 9
        if level not in {_MESSAGE, _ATTACHMENT} or at + size > len(data):
            raise ValueError("it ends early")
        yield level, number, data[at : at + size]
        at += size + 2  # a sum of the bytes, which programs get wrong


def _take(file: _File, number: int, value: bytes) -> list[str]:
    """Keep what an attribute says of a file; what could not be read of it is given back."""
    if number == _TITLE:
        file.title = value.rstrip(b"\0")
    elif number in {_DATA, _BODY}:
        file.data = value
    elif number in {_PROPERTIES, _ATTACHED_PROPERTIES}:
        try:
            for key, property_value in _properties(value):
                file.properties[key] = property_value
        except (struct.error, ValueError):
            return ["some of its properties could not be read"]
    return []


def _properties(data: bytes) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """The MAPI properties in an attribute; of several values the first. Raises ValueError or
    struct.error at one that is broken, since nobody knows then where the next one is.
    """
    at = 4
    for _ in range(_number(data, 0)):
        if at >= len(data):
            return
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number >= 0x8000:
            at = _after_name(data, at)
        value, at = _value(data, kind, at)
        yield number, (kind & ~_MANY, value)


def _number(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _after_name(data: bytes, at: int) -> int:
    """Where a property goes on after its name."""
    at += 16
    if _number(data, at) == 0:
        return at + 8
    return at + 8 + _padded(_number(data, at + 4))


def _value(data: bytes, kind: int, at: int) -> tuple[bytes, int]:
    """A property's first value and where the next property begins."""
    kind, is_many = kind & ~_MANY, bool(kind & _MANY)
    count = 1
    if is_many or kind in _LONG:
        count = _number(data, at)
        at += 4
    if kind not in _LONG:
        if kind not in _SIZES:
            raise ValueError("of a type that is not known")
        size = _SIZES[kind]
        end = at + count * _padded(size)
        if end > len(data):
            raise ValueError("longer than its attribute")
        return (data[at : at + size] if count else b""), end
    first: bytes | None = None
    for _ in range(count):
        size = _number(data, at)
        at += 4
        if at + size > len(data):
            raise ValueError("longer than its attribute")
        first = data[at : at + size] if first is None else first
        at += _padded(size)
    return first or b"", at


def _padded(size: int) -> int:
    return size + -size % 4


# ---- what there is to read -----------------------------------------------------------------------


def _body(message: _File, code_page: int) -> tuple[str, bytes] | None:
    """The message's text in its best form: plain, as a page, or as rich text. Raises FileFailed
    where that is broken.
    """
    plain = _text(message, _PLAIN, code_page) or narrow(message.data.rstrip(b"\0"), code_page)
    if plain.strip():
        return "message.txt", plain.encode("utf-8", "replace")
    if page := message.properties.get(_PAGE, (0, b""))[1]:
        return "message.html", page
    if packed := message.properties.get(_RICH, (0, b""))[1]:
        return "message.rtf", unpacked_rtf(packed)
    return None


def _named(file: _File, count: int, code_page: int) -> tuple[str, bytes]:
    """A file's name and bytes; a message within is an Outlook attachment of its own."""
    kind, content = file.properties.get(_CONTENT, (0, b""))
    content = file.data or content
    name = next(
        filter(None, (_text(file, number, code_page) for number in (_LONG_NAME, _NAME))), ""
    )
    name = name or narrow(file.title, code_page) or _text(file, _SHOWN_NAME, code_page)
    if kind == 0x0D and content[16:20] == SIGNATURE:
        return f"{name or 'message'}.dat", content[16:]
    return name or f"attachment-{count}", content


def _text(file: _File, number: int, code_page: int) -> str:
    kind, value = file.properties.get(number, (0, b""))
    text = value.decode("utf-16-le", "replace") if kind == 0x1F else narrow(value, code_page)
    return text.rstrip("\0").strip()
