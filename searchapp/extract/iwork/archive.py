"""What is in the files of Pages, Numbers and Keynote: numbered objects, each a protobuf message.

A document is a ZIP with `Index/*.iwa`, or with these in an `Index.zip`. An .iwa file is a row of
blocks that snappy has packed; unpacked they are messages, each behind an `ArchiveInfo` that gives
its number and its type. Which fields a message has is told by the type; the schemas are not in the
file.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from searchapp.errors import FileFailed

_MAX_UNPACKED = 256 * 2**20  # bytes of all objects together
_MAX_BLOCK = 2**20  # bytes that one block unpacks to; Apple's have 64 KiB
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_BROKEN = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    KeyError,
    EOFError,
    zlib.error,
    struct.error,
    IndexError,
)


@dataclass(frozen=True, slots=True)
class Message:
    """A protobuf message: the values of its fields by number, in order; numbers or bytes."""

    fields: dict[int, list[int | bytes]]

    def numbers(self, field: int) -> list[int]:
        """The numbers in a field."""
        return [value for value in self.fields.get(field, ()) if isinstance(value, int)]

    def number(self, field: int, default: int = 0) -> int:
        """The last number in a field."""
        return next(reversed(self.numbers(field)), default)

    def pieces(self, field: int) -> list[bytes]:
        """The strings of bytes in a field."""
        return [value for value in self.fields.get(field, ()) if isinstance(value, bytes)]

    def text(self, field: int) -> str:
        """The text in a field."""
        return "".join(piece.decode("utf-8", "replace") for piece in self.pieces(field))

    def messages(self, field: int) -> list[Message]:
        """The messages in a field."""
        return [_readable(piece) for piece in self.pieces(field)]

    def references(self, field: int) -> list[int]:
        """The numbers of the objects to which a field refers."""
        return [message.number(1) for message in self.messages(field)]


NOTHING = Message({})


def _readable(data: bytes) -> Message:
    try:
        return message_of(data)
    except (ValueError, IndexError):
        return NOTHING


@dataclass(frozen=True, slots=True)
class Object:
    """An object of a document."""

    number: int
    type: int
    file: str  # in which it is, without folder and ending
    data: bytes

    @property
    def message(self) -> Message:
        """Its fields; none where it is broken."""
        return _readable(self.data)


@dataclass(frozen=True, slots=True)
class IworkPackage:
    """A document as it is stored."""

    objects: dict[int, Object]  # by number, in the order of the files
    preview: bytes = b""  # a PDF
    is_encrypted: bool = False
    broken: int = 0  # files of objects that cannot be read
    older: bytes = b""  # index.xml or index.apxl of iWork '09


def package_of(data: bytes) -> IworkPackage:
    """The objects and the preview in a document; raises FileFailed where it is no ZIP."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            inner = next((name for name in names if name.endswith("Index.zip")), "")
            previews = [name for name in names if name.lower().endswith("preview.pdf")]
            preview = _unzipped(archive, previews[0]) if previews else b""
            olds = [name for name in names if name.rpartition("/")[2] in _OLD_INDEXES]
            older = _unzipped(archive, olds[0]) if olds else b""
            is_encrypted = any(name.endswith(".iwpv2") for name in names)
            if inner:
                with zipfile.ZipFile(io.BytesIO(_unzipped(archive, inner))) as index:
                    objects, broken = _objects(index)
            else:
                objects, broken = _objects(archive)
    except _BROKEN as error:
        raise FileFailed(f"not a readable document: {error}") from error
    return IworkPackage(objects, preview, is_encrypted, broken, older)


_OLD_INDEXES = frozenset({"index.xml", "index.apxl", "index.xml.gz", "index.apxl.gz"})


def _unzipped(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of the package; raises ValueError for one that is too large."""
    if archive.getinfo(name).file_size > _MAX_UNPACKED:
        raise ValueError(f"{name} is too large")
    with archive.open(name) as file:
        return file.read(_MAX_UNPACKED)


def _objects(archive: zipfile.ZipFile) -> tuple[dict[int, Object], int]:
    """The objects by number, and how many files of them are broken."""
    objects: dict[int, Object] = {}
    left = _MAX_UNPACKED
    broken = 0
    for name in archive.namelist():
        if not name.endswith(".iwa"):
            continue
        try:
            unpacked = b"".join(_blocks(_unzipped(archive, name), left))
            left -= len(unpacked)
            file = name.rpartition("/")[2].removesuffix(".iwa")
            objects |= {
                iwork_object.number: iwork_object for iwork_object in _objects_in(unpacked, file)
            }
        except _BROKEN:
            broken += 1
        except Exception as error:
            if type(error).__name__ != "DecompressionError":  # what is no snappy
                raise
            broken += 1
    return objects, broken


def _blocks(data: bytes, left: int) -> Iterator[bytes]:
    """What the blocks of an .iwa file unpack to; raises ValueError where they are broken or come to
    more than what is left.
    """
    import cramjam

    position = 0
    while position < len(data):
        if data[position] != 0:
            raise ValueError("not a packed block")
        length = int.from_bytes(data[position + 1 : position + 4], "little")
        block = data[position + 4 : position + 4 + length]
        size, _ = _varint(block, 0)
        left -= size
        if size > _MAX_BLOCK or left < 0:
            raise ValueError("unpacks to too much")
        yield bytes(cramjam.snappy.decompress_raw(block))
        position += 4 + length


def _objects_in(data: bytes, file: str) -> Iterator[Object]:
    position = 0
    while position < len(data):
        length, position = _varint(data, position)
        info = message_of(data[position : position + length])
        position += length
        for part in info.messages(2):
            size = part.number(3)
            yield Object(info.number(1), part.number(1), file, data[position : position + size])
            position += size


def message_of(data: bytes) -> Message:
    """The fields of a message; raises ValueError where it is none."""
    fields: defaultdict[int, list[int | bytes]] = defaultdict(list)
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        wire = key & 7
        if wire == _VARINT:
            value, position = _varint(data, position)
            fields[key >> 3].append(value)
            continue
        if wire == _BYTES:
            length, position = _varint(data, position)
        elif wire in {_FIXED64, _FIXED32}:
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError("not a message")
        if position + length > len(data):
            raise ValueError("a message ends too early")
        fields[key >> 3].append(data[position : position + length])
        position += length
    return Message(dict(fields))


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number of seven bits a byte and the position behind it; raises IndexError at the end,
    ValueError for one of more than 64 bits.
    """
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("not a number")
