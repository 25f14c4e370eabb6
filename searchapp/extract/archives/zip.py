"""The files in a ZIP, each decompressed on its own and checked against the directory.

What the directory declares is used only against the archive: sizes that cannot be right are refused
before anything is decompressed.
"""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.archives.compressed import (
    UNPACKING_ERRORS,
    decompressed,
    error_text,
)
from searchapp.extract.archives.limits import BOMB_ARCHIVE, BOMB_MEMBER, refuse_bomb, too_large
from searchapp.extract.archives.names import MemberNames, refusal_of_name
from searchapp.extract.members import MAX_BYTES, MAX_MEMBER_BYTES, Member
from searchapp.extract.text.encoding import decode


def zip_members(data: bytes) -> Iterator[Member]:
    """The files in a ZIP, in the order of its directory."""
    names = MemberNames()
    listed = list(filter(_is_zipped_file, _zip_directory(data)))
    files = [(info, names.of(name)) for info, name in zip(listed, _zip_names(listed), strict=True)]
    refusals = [refusal_of_name(name) or _zip_refusal(info, len(data)) for info, name in files]
    total = sum(
        info.file_size
        for (info, _), refusal in zip(files, refusals, strict=True)
        if refusal is None
    )
    refuse_bomb(total, len(data), BOMB_ARCHIVE)
    if total > MAX_BYTES:
        raise FileFailed(f"unpacks to more than {MAX_BYTES >> 20:,} MiB")
    for (info, name), refusal in zip(files, refusals, strict=True):
        yield Member(name, refusal=refusal) if refusal else _unzipped_member(data, info, name)


def _zip_directory(data: bytes) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.infolist()
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        ValueError,
        OSError,
        OverflowError,
        IndexError,
        struct.error,
    ) as error:
        raise FileFailed(f"not a readable archive: {error_text(error)}") from error


def _is_zipped_file(info: zipfile.ZipInfo) -> bool:
    # 3: made on Unix
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    return not info.filename.endswith(("/", "\\")) and kind in {0, stat.S_IFREG}


def _zip_names(files: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The members' names. Where those in the alphabet of DOS are no words in it, they are read
    together in the encoding that all of them speak for, if there is one.
    """
    names = list(map(_zip_name, files))
    odd = [index for index, name in enumerate(names) if _is_odd(files[index], name)]
    if not odd:
        return names
    raw = [names[index].encode("cp437") for index in odd]
    with contextlib.suppress(FileFailed):
        decoded = decode(b"\n".join(raw)).split("\n")
        for index, name in zip(odd, decoded, strict=False) if len(decoded) == len(odd) else ():
            names[index] = name
    return names


def _is_odd(info: zipfile.ZipInfo, name: str) -> bool:
    """Whether a name in the alphabet of DOS has signs, or letters that are not Latin."""
    return (
        name == info.filename
        and not info.flag_bits & 0x800
        and any(
            not unicodedata.name(letter, "").startswith("LATIN ")
            for letter in name
            if not letter.isascii()
        )
    )


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The member's name; many programs write UTF-8 without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _zip_refusal(info: zipfile.ZipInfo, archive_bytes: int) -> FileFailed | FileSkipped | None:
    """Why a member is not taken out, by what the directory says of it."""
    if info.flag_bits & 0x41 or info.compress_type == 99:
        return FileFailed("encrypted: needs a password")
    if info.compress_type not in {
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_BZIP2,
        zipfile.ZIP_LZMA,
    }:
        return FileFailed(f"packed by a method that nothing here unpacks ({info.compress_type})")
    if info.compress_size > archive_bytes:
        return FileFailed("broken: said to be longer than its archive")
    if info.file_size > MAX_MEMBER_BYTES:
        return too_large(info.file_size)
    try:
        refuse_bomb(info.file_size, info.compress_size, BOMB_MEMBER)
    except FileFailed as error:
        return error
    return None


def _unzipped_member(data: bytes, info: zipfile.ZipInfo, name: str) -> Member:
    try:
        return Member(name, _unzipped(memoryview(data), info))
    except FileFailed as error:
        return Member(name, refusal=error)
    except (*UNPACKING_ERRORS, struct.error) as error:
        return Member(name, refusal=FileFailed(f"broken: {error_text(error)}"))


def _unzipped(data: memoryview, info: zipfile.ZipInfo) -> bytes:
    """A member's bytes; raises FileFailed where they are not what the directory says."""
    offset = info.header_offset
    if offset < 0 or bytes(data[offset : offset + 4]) != b"PK\x03\x04":
        raise FileFailed("broken: not where its archive says")
    # after its name and its extra fields
    start = offset + 30 + sum(struct.unpack_from("<HH", data, offset + 26))
    packed = data[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        content = bytes(packed)
    else:
        content = _bounded(decompressed(*_zip_decompressor(info, packed)), info.file_size)
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise FileFailed("broken: its checksum is wrong")
    return content


def _zip_decompressor(info: zipfile.ZipInfo, packed: memoryview) -> tuple[Any, memoryview]:
    """The decompressor of a member, and the bytes for it."""
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS), packed
    if info.compress_type == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor(), packed
    # APPNOTE.TXT, section 5.8.8
    _, length, settings, dictionary = struct.unpack_from("<HHBI", packed)
    lzma1 = {
        "id": lzma.FILTER_LZMA1,
        "lc": settings % 9,
        "lp": settings // 9 % 5,
        "pb": settings // 45,
        "dict_size": min(
            max(dictionary, 4096), max(info.file_size, 4096)
        ),  # it never reaches back further than the beginning
    }
    return _Ending(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[lzma1]), info.file_size), packed[
        4 + length :
    ]


class _Ending:
    """A decompressor of a stream that may lack its end mark: it ends after so many bytes."""

    unused_data = b""

    def __init__(self, machine: lzma.LZMADecompressor, size: int) -> None:
        self._machine = machine
        self._missing = size

    @property
    def eof(self) -> bool:
        return self._machine.eof or self._missing <= 0

    @property
    def needs_input(self) -> bool:
        return self._machine.needs_input

    def decompress(self, chunk: bytes, max_length: int) -> bytes:
        piece = self._machine.decompress(chunk, max_length)
        self._missing -= len(piece)
        return piece


def _bounded(pieces: Iterator[bytes], size: int) -> bytes:
    """The pieces together; raises FileFailed as soon as they come to more than a size."""
    unpacked = bytearray()
    for piece in pieces:
        unpacked += piece
        if len(unpacked) > size:
            raise FileFailed("zip bomb: unpacks to more than its archive says")
    return bytes(unpacked)
