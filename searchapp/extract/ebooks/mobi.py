"""Kindle books (.mobi, .azw3) and PalmDOC: the text of the records, which is HTML or plain.

The file is a Palm database: a list of records, of which the first says how the others are packed
and what the book is. Books under DRM are refused. A file may hold a book twice, for old readers and
for new ones; the first is read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, document_of, gathered, with_unread
from searchapp.extract.ebooks.huffman import HuffmanDictionary
from searchapp.extract.web.html import page_parts
from searchapp.types.documents import Document

_MAX_TEXT = 256 * 2**20  # bytes
_STORED, _PALMDOC, _HUFFMAN = 1, 2, 17480
_UTF8 = 65001
_PIECE = 2**20  # characters of a page that are made parts of at once
_BREAK = re.compile(r"(?=<mbp:pagebreak\b)", re.IGNORECASE)
_NOTES = {100: "author", 103: "description", 105: "tags", 106: "date", 524: "language"}
_TITLE = 503
_WITH_NOTES = 0x40


def read(data: bytes, document_type: str) -> Document:
    """A book with its headings, paragraphs and tables; raises FileFailed where it is broken or
    protected.
    """
    cut: list[str] = []
    try:
        records = _records(data)
        head = records[0]
        text = _text(records, head, cut)
        metadata = _notes(head) if data[60:68] == b"BOOKMOBI" else {}
    except (IndexError, struct.error, ValueError) as error:
        raise FileFailed(f"not a readable e-book: {error}") from error
    title = metadata.pop("title", "")
    is_plain = data[60:68] != b"BOOKMOBI" and b"<" not in text[:2000]
    parts = _parts(_decoded(text, head), is_plain=is_plain)
    document = document_of(parts, document_type, title=title, metadata=metadata)
    return with_unread(document, cut)


def _parts(text: str, *, is_plain: bool) -> Iterator[Part]:
    """The parts of a text, of a long one chapter by chapter."""
    if is_plain:
        yield from (Part("prose", line) for line in text.split("\n"))
        return
    waiting = ""
    for chapter in _BREAK.split(text):
        waiting += chapter
        if len(waiting) > _PIECE:
            yield from page_parts(waiting)
            waiting = ""
    yield from page_parts(waiting)


def _records(data: bytes) -> list[bytes]:
    """The records of a Palm database."""
    (count,) = struct.unpack_from(">H", data, 76)
    starts = [struct.unpack_from(">I", data, 78 + 8 * index)[0] for index in range(count)]
    if not starts or starts != sorted(starts) or starts[-1] > len(data):
        raise ValueError("its list of records is broken")
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def _text(records: list[bytes], head: bytes, cut: list[str]) -> bytes:
    """The text of all records that hold some; that time ran out goes to `cut`."""
    packing, length, count, _, encryption = struct.unpack_from(">H2xIHHH", head)
    if encryption:
        raise FileFailed("encrypted: protected by DRM")
    flags = _extra_flags(head)
    huffman = None
    if packing == _HUFFMAN:
        first, number = struct.unpack_from(">II", head, 112)
        huffman = HuffmanDictionary(records[first], records[first + 1 : first + number])
    elif packing not in {_STORED, _PALMDOC}:
        raise ValueError(f"packed by a method that is not known ({packing})")
    unpack = huffman.unpacked if huffman else bytes if packing == _STORED else _unpacked
    packed = (record[: _end_of_text(record, flags)] for record in records[1 : count + 1])
    unpacked = b"".join(gathered(_within_limit(map(unpack, packed)), cut))
    return unpacked[:length] if length else unpacked


def _within_limit(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as they are; raises ValueError where they become too much."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > _MAX_TEXT:
            raise ValueError("unpacks to too much")
        yield piece


def _unpacked(packed: bytes) -> bytes:
    """A record that PalmDOC has packed: bytes, spaces before letters, and pieces of what came
    before.
    """
    unpacked = bytearray()
    position = 0
    while position < len(packed):
        byte = packed[position]
        position += 1
        if 1 <= byte <= 8:
            unpacked += packed[position : position + byte]
            position += byte
        elif byte < 0x80:
            unpacked.append(byte)
        elif byte >= 0xC0:
            unpacked += bytes((0x20, byte ^ 0x80))
        elif position < len(packed):
            pair = byte << 8 | packed[position]
            position += 1
            distance, count = pair >> 3 & 0x7FF, (pair & 7) + 3
            if not 0 < distance <= len(unpacked):
                raise ValueError("a record is broken")
            for _ in range(count):
                unpacked.append(unpacked[-distance])
    return bytes(unpacked)


def _extra_flags(head: bytes) -> int:
    """Which kinds of data follow the text in each record."""
    if head[16:20] != b"MOBI" or len(head) < 244:
        return 0
    (length,) = struct.unpack_from(">I", head, 20)
    return int(struct.unpack_from(">H", head, 242)[0]) if length >= 228 else 0


def _end_of_text(record: bytes, flags: int) -> int:
    """Where the text in a record ends; each kind of data behind it says how long it is."""
    end = len(record)
    for bit in range(15, 0, -1):
        if flags >> bit & 1 and end > 0:
            size = 0
            for byte in record[max(0, end - 4) : end]:
                size = byte & 0x7F if byte & 0x80 else size << 7 | byte & 0x7F
            end -= size
    if flags & 1 and end > 0:
        end -= (record[end - 1] & 3) + 1
    return max(0, end)


def _decoded(text: bytes, head: bytes) -> str:
    is_mobi = head[16:20] == b"MOBI" and len(head) >= 32
    encoding = struct.unpack_from(">I", head, 28)[0] if is_mobi else 0
    if encoding == _UTF8:
        return text.decode("utf-8", "replace")
    return text.decode("cp1252", "replace")


def _notes(head: bytes) -> dict[str, str]:
    """The title and the metadata of a book."""
    start, length = struct.unpack_from(">II", head, 84)
    (encoding,) = struct.unpack_from(">I", head, 28)
    codec = "utf-8" if encoding == _UTF8 else "cp1252"
    notes = {"title": head[start : start + length].decode(codec, "replace")}
    if not struct.unpack_from(">I", head, 128)[0] & _WITH_NOTES:
        return notes
    for number, value in _exth(head):
        name = "title" if number == _TITLE else _NOTES.get(number, "")
        if name:
            text = value.decode(codec, "replace")
            both = name in {"author", "tags"} and notes.get(name)
            notes[name] = f"{notes[name]}; {text}" if both else text
    return notes


def _exth(head: bytes) -> Iterator[tuple[int, bytes]]:
    (length,) = struct.unpack_from(">I", head, 20)
    position = 16 + length
    if head[position : position + 4] != b"EXTH":
        return
    (count,) = struct.unpack_from(">I", head, position + 8)
    position += 12
    for _ in range(min(count, 1000)):
        number, size = struct.unpack_from(">II", head, position)
        if size < 8:
            return
        yield number, head[position + 8 : position + size]
        position += size
