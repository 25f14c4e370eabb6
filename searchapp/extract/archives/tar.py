"""The files in a tar, read forwards and once, so that a compressed one is never held whole.

It understands ustar, pax and GNU headers; links, devices and folders are passed over. The standard
library's reader wants a file that it can seek in, and trusts the sizes that headers declare.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.archives.compressed import (
    DecompressedStream,
)
from searchapp.extract.archives.limits import too_large
from searchapp.extract.archives.names import MemberNames, decoded_name, refusal_of_name
from searchapp.extract.members import MAX_MEMBER_BYTES, Allowance, Member

TAR_BLOCK = 512
_TAR_NOTE = 2**20  # bytes of a long name or of what a pax header says
_TAR_FILES = b"0\x007"
_TAR_WITHOUT_DATA = b"123456"  # links, devices, folders, pipes
_PAX_LENGTH = re.compile(rb"(\d{1,8}) ")


@dataclass(frozen=True, slots=True)
class _TarEntry:
    """One header of a tar: what comes next, and how many bytes of it."""

    name: bytes
    size: int
    kind: bytes
    is_sparse: bool = False


def tar_members(stream: DecompressedStream, allowance: Allowance) -> Iterator[Member]:
    """The files in a tar, in its order."""
    names = MemberNames()
    for entry in _tar_entries(stream):
        if entry.kind not in _TAR_FILES or entry.name.endswith(b"/"):
            _skip(stream, entry, allowance)
            continue
        name = names.of(decoded_name(entry.name))
        refusal = refusal_of_name(name) or (FileSkipped("sparse file") if entry.is_sparse else None)
        refusal = refusal or (too_large(entry.size) if entry.size > MAX_MEMBER_BYTES else None)
        if refusal:
            _skip(stream, entry, allowance)
            yield Member(name, refusal=refusal)
            continue
        content = stream.read(entry.size)
        if len(content) < entry.size:
            yield Member(name, refusal=FileFailed("broken: its archive ends too early"))
            raise FileFailed("not a readable archive: ends too early")
        stream.skip(-entry.size % TAR_BLOCK)
        yield Member(name, content)


def _skip(stream: DecompressedStream, entry: _TarEntry, allowance: Allowance) -> None:
    """Pass over an entry's data; they count, as they had to be unpacked."""
    allowance.take_bytes(entry.size)
    stream.skip(entry.size + -entry.size % TAR_BLOCK)


def _tar_entries(stream: DecompressedStream) -> Iterator[_TarEntry]:
    """The headers, each with what the headers before it say of it (POSIX.1-2001 pax, GNU long
    names). The data follow in the stream.
    """
    notes: dict[bytes, bytes] = {}
    while any(header := stream.read(TAR_BLOCK)):
        entry = _tar_entry(header)
        if entry.kind in b"xgLK":
            notes |= _tar_notes(stream, entry)
            continue
        if entry.kind == b"S":
            _skip_sparse_map(stream, header)
        yield _noted(entry, notes)
        notes = {}


def _tar_entry(header: bytes) -> _TarEntry:
    if len(header) < TAR_BLOCK:
        raise FileFailed("not a readable archive: ends too early")
    total = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
    # as some old programs counted
    signed = total - 256 * sum(byte > 127 for byte in header[:148] + header[156:])
    if _tar_number(header[148:156]) not in {total, signed}:
        raise FileFailed("not a readable archive: a header is broken")
    prefix = _until_nul(header[345:500]) if header[257:263] == b"ustar\0" else b""
    name = _until_nul(header[:100])
    kind = header[156:157]
    size = 0 if kind in _TAR_WITHOUT_DATA else _tar_number(header[124:136])
    return _TarEntry(
        prefix + b"/" + name if prefix else name,
        size,
        b"0" if kind == b"S" else kind,
        is_sparse=kind == b"S",
    )


def _tar_number(field: bytes) -> int:
    """A number in octal digits, or in binary where the first bit is set."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise FileFailed("not a readable archive: a header is broken") from None


def _until_nul(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _tar_notes(stream: DecompressedStream, entry: _TarEntry) -> dict[bytes, bytes]:
    """What an extending header says, in pax's words; only what concerns the next entry's name and
    data is of use.
    """
    if entry.size > _TAR_NOTE:
        raise FileFailed("not a readable archive: a header is too long")
    body = stream.read(entry.size)
    stream.skip(-entry.size % TAR_BLOCK)
    if entry.kind == b"L":
        return {b"path": _until_nul(body)}
    return _pax_records(body) if entry.kind == b"x" else {}


def _pax_records(body: bytes) -> dict[bytes, bytes]:
    """The records "12 path=a/b\\n", each with its length in bytes before it."""
    records: dict[bytes, bytes] = {}
    position = 0
    while match := _PAX_LENGTH.match(body, position):
        end = position + int(match[1])
        if end <= match.end() or end > len(body):
            raise FileFailed("not a readable archive: a header is broken")
        key, _, value = body[match.end() : end - 1].partition(b"=")
        records[key] = value
        position = end
    return records


def _noted(entry: _TarEntry, notes: dict[bytes, bytes]) -> _TarEntry:
    size = notes.get(b"size", b"")
    return _TarEntry(
        notes.get(b"GNU.sparse.name") or notes.get(b"path") or entry.name,
        int(size)
        if size.isdigit() and len(size) < 20 and entry.kind not in _TAR_WITHOUT_DATA
        else entry.size,
        entry.kind,
        entry.is_sparse or any(key.startswith(b"GNU.sparse.") for key in notes),
    )


def _skip_sparse_map(stream: DecompressedStream, header: bytes) -> None:
    """Pass over the blocks that continue the map of an old GNU sparse file."""
    is_continued = header[482]
    while is_continued:
        block = stream.read(TAR_BLOCK)
        is_continued = len(block) == TAR_BLOCK and block[504]
