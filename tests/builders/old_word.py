"""Old Word documents as bytes, put together by hand: no more in them than a test says."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from searchapp.extract.office.compound import compound_file

_TEXT_AT = 0x800
_PAGE = 512


def word95(
    text: bytes,
    *,
    language: int = 0x409,
    fonts: Sequence[int] = (),
    runs: Sequence[tuple[int, int]] = (),
    flags: int = 0,
    from_mac: bool = False,
) -> bytes:
    """A document of Word 95; `fonts` are their character sets, `runs` the ends of runs of the text,
    each with its font.
    """
    width = 2 if flags & 0x1000 else 1
    stream = bytearray(_TEXT_AT) + text
    stream += bytes(-len(stream) % _PAGE)
    struct.pack_into("<HHHHHH", stream, 0, 0xA5DC, 0x68, 0, language, 0, flags)
    struct.pack_into("<H", stream, 0x14, 0x100 if from_mac else 0)
    struct.pack_into("<II", stream, 0x18, _TEXT_AT, _TEXT_AT + len(text))
    struct.pack_into("<I", stream, 0x34, len(text) // width)
    if fonts:
        table = b"".join(struct.pack("<BBHBB", 10, 0, 400, each, 0) + b"Font\0" for each in fonts)
        struct.pack_into("<II", stream, 0xD0, len(stream), len(table) + 2)
        stream += struct.pack("<H", len(table) + 2) + table
        stream += bytes(-len(stream) % _PAGE)
    if runs:
        page = bytearray(_PAGE)
        starts = [_TEXT_AT, *(_TEXT_AT + end for end, _ in runs)]
        struct.pack_into(f"<{len(starts)}I", page, 0, *starts)
        for index, (_, font) in enumerate(runs):
            at = 400 + 6 * index
            page[4 * len(starts) + index] = at // 2
            page[at : at + 4] = struct.pack("<BBH", 3, 93, font)
        page[-1] = len(runs)
        number = len(stream) // _PAGE
        stream += page
        struct.pack_into("<II", stream, 0xB8, len(stream), 10)
        stream += struct.pack("<IIH", _TEXT_AT, starts[-1], number)
    return compound_file({"WordDocument": bytes(stream)})


def word97(
    paragraphs: Sequence[tuple[str, bytes]],
    *,
    levels: Sequence[tuple[int, str]] = (),
    overrides: bytes = b"",
    style: bytes = b"",
    comments: Sequence[tuple[str, str]] = (),
    data: bytes = b"",
) -> bytes:
    """A document of Word 97: texts, each with the properties of its paragraph; a list of nine
    levels, each a form and a text; what its second use of the list overrides; the properties of
    style 1; comments, each an author and a text; the stream of pictures.
    """
    remarks = "".join(f"{each}\r" for _, each in comments)
    main = "".join(f"{each}\r" for each, _ in paragraphs)
    text = (main + remarks).encode("utf-16-le")
    stream = bytearray(_TEXT_AT) + text
    stream += bytes(-len(stream) % _PAGE)
    page = bytearray(_PAGE)
    at = _TEXT_AT
    for index, (each, found) in enumerate(paragraphs):
        struct.pack_into("<I", page, 4 * index, at)
        at += 2 * len(each) + 2
        place = 300 + 16 * index
        page[4 * (len(paragraphs) + 1) + 13 * index] = place // 2
        body = (found or b"\0\0").ljust(14, b"\0")
        page[place : place + 16] = bytes([0, len(body) // 2]) + body
    struct.pack_into("<I", page, 4 * len(paragraphs), at)
    page[-1] = len(paragraphs)
    number = len(stream) // _PAGE
    stream += page
    tables = bytearray()
    named = {
        0x102: struct.pack("<III", _TEXT_AT, at, number),
        0x1A2: b"\2" + struct.pack("<IIIHIH", 16, 0, len(text) // 2, 0, _TEXT_AT, 0),
        0xA2: struct.pack("<HHH", 14, 2, 10) + bytes(10) + _style(b"") + _style(style),
        0x2E2: _lists(levels),
        0x2EA: _uses(overrides),
    } | _comments(comments)
    for place, table in named.items():
        size = 30 if place == 0x2E2 else len(table)
        struct.pack_into("<II", stream, place, len(tables), size)
        tables += table
    struct.pack_into("<HHHHHH", stream, 0, 0xA5EC, 0xC1, 0, 0x409, 0, 0x0200)
    struct.pack_into("<I", stream, 0x4C, len(main))
    struct.pack_into("<I", stream, 0x4C + 16, len(remarks))
    streams = {"WordDocument": bytes(stream), "1Table": bytes(tables)}
    return compound_file(streams | ({"Data": data} if data else {}))


def _comments(comments: Sequence[tuple[str, str]]) -> dict[int, bytes]:
    """The tables of comments: where they begin, who wrote each, and the names."""
    if not comments:
        return {}
    starts = [0]
    for _, text in comments:
        starts.append(starts[-1] + len(text) + 1)
    count = len(comments)
    references = struct.pack(f"<{count + 1}I", *range(count + 1))
    references += b"".join(struct.pack("<20xH8x", index) for index in range(count))
    owners = b"".join(
        struct.pack("<H", len(name)) + name.encode("utf-16-le") for name, _ in comments
    )
    return {
        0xBA: references,
        0xC2: struct.pack(f"<{count + 2}I", *starts, starts[-1] + 1),
        0x1BA: owners,
    }


def described(text: str) -> bytes:
    """The properties of a shape, of which one says what the shape shows."""
    name, said = (f"{each}\0".encode("utf-16-le") for each in ("Picture 1", text))
    properties = struct.pack("<HIHIHI", 0x0104, 1, 0xC380, len(name), 0xC381, len(said))
    content = properties + name + said
    return struct.pack("<HHI", 3 << 4 | 3, 0xF00B, len(content)) + content


def in_list(level: int, use: int = 1, style: int = 0) -> bytes:
    """The properties of a paragraph in a list."""
    return struct.pack("<HHBHH", style, 0x260A, level, 0x460B, use)


def _style(found: bytes) -> bytes:
    body = struct.pack("<HHHHH", 0xFFE, 0xFFF1, 1, 0, 0) + struct.pack("<H", 1) + b"N\0\0\0"
    body += struct.pack("<HH", len(found) + 2, 0) + found
    body += bytes(len(body) % 2)
    return struct.pack("<H", len(body)) + body


def level(form: int, text: str, *, start: int = 1, flags: int = 0) -> bytes:
    """A level of a list; \\0 in its text stands for the number of the first level."""
    head = struct.pack("<IBB", start, form, flags) + bytes(9) + bytes(13)
    return head + struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _lists(levels: Sequence[tuple[int, str]]) -> bytes:
    filled = [*levels, *[(255, "")] * (9 - len(levels))]
    made = b"".join(level(form, text) for form, text in filled)
    return struct.pack("<HII18xBB", 1, 77, 0, 0, 0) + made


def _uses(overrides: bytes) -> bytes:
    count = 1 if overrides else 0
    uses = struct.pack("<III4sBBBB", 2, 77, 0, bytes(4), 0, 0, 0, 0)
    uses += struct.pack("<II4sBBBB", 77, 0, bytes(4), count, 0, 0, 0)
    return uses + b"\xff" * 4 + b"\xff" * 4 + overrides
