"""Archives and packed files: their members, taken out one at a time in memory, never written
anywhere.

What an archive declares of itself is used only against it: sizes that cannot be right are refused
before anything is unpacked, and all that is unpacked is counted. A member that cannot be taken out
is a refusal; the others are read.
"""

from __future__ import annotations

import bz2
import io
import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.members import MAX_BYTES, MAX_MEMBER_BYTES, Allowance, Member
from searchapp.filesystem.walk import reason_of_name

_CHUNK = 2**13  # packed bytes at a time
_PIECE = 2**20  # unpacked bytes at a time
_BOMB_MEMBER = (10 * 2**20, 1000)  # bytes, and how many times as many as the packed ones
_BOMB_ARCHIVE = (64 * 2**20, 200)
_XZ_MEMORY = 2**28  # four times what the highest usual setting needs
_PACKED_ENDINGS = {
    "tgz": "tar",
    "tbz": "tar",
    "tbz2": "tar",
    "txz": "tar",
    "gz": "",
    "bz2": "",
    "xz": "",
    "svgz": "svg",
}
_MAGIC = {"gz": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\0"}
_UNPACKING_ERRORS = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)

_TAR_BLOCK = 512
_TAR_NOTE = 2**20  # bytes of a long name or of what a pax header says
_TAR_FILES = b"0\x007"
_TAR_WITHOUT_DATA = b"123456"  # links, devices, folders, pipes
_PAX_LENGTH = re.compile(rb"(\d{1,8}) ")
_DRIVE = re.compile(r"[A-Za-z]:(?=/|$)")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_ZEROS = re.compile(rb"\0*")


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:
    """The files in an archive, in its order; a packed file is one member, and a packed tar gives
    those of the tar.

    Folders, links and devices are no members. What the rules for names leave out on disk is a
    member that is refused here. Raises FileFailed where the archive is broken, at that point, or is
    made to unpack to far more than it is.
    """
    if document_type == "zip":
        return _zip_members(data)
    stream = _Unpacked(data, document_type)
    if document_type == "tar":
        return _tar_members(stream, allowance)
    return _packed_members(stream, _packed_name(data, name), allowance)


class MemberNames:
    """Names for the members of one container: relative, without "..", a drive or "!/", and each
    given once.
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._counts: Counter[str] = Counter()

    def of(self, name: str) -> str:
        """The name by which a member goes: its own, "a~2.txt" for the second "a.txt"."""
        safe = _safe(name)
        found = safe
        while found in self._given:
            self._counts[safe] += 1
            path = PurePosixPath(safe)
            found = str(path.with_name(f"{path.stem}~{self._counts[safe] + 1}{path.suffix}"))
        self._given.add(found)
        return found


def refusal_of_name(name: str) -> FileSkipped | None:
    """Why nothing of that name is read, by the rules that hold for files on disk; None where it may
    be.
    """
    *folders, last = name.encode().split(b"/")
    reasons = chain(
        (reason_of_name(folder, is_folder=True) for folder in folders),
        (reason_of_name(last, is_folder=False),),
    )
    return next((FileSkipped(reason) for reason in reasons if reason), None)


def _safe(name: str) -> str:
    path = _DRIVE.sub("", _UNSTORABLE.sub("\ufffd", name).replace("\\", "/"), count=1)
    parts = [
        f"{part}_" if part.endswith("!") else part
        for part in path.split("/")
        if part not in {"", ".", ".."}
    ]
    return "/".join(parts) or "unnamed"


def _refuse_bomb(unpacked: int, packed: int, limit: tuple[int, int]) -> None:
    size, ratio = limit
    if unpacked > size and unpacked > packed * ratio:
        raise FileFailed(f"zip bomb: {packed:,} bytes unpack to {unpacked:,} or more")


def _too_large(size: int) -> FileSkipped:
    return FileSkipped(f"larger than {MAX_MEMBER_BYTES >> 20} MiB ({size >> 20:,} MiB)")


# ---- packed bytes --------------------------------------------------------------------------------


class _Unpacked:
    """What packed bytes unpack to, read forwards, and never more of it than an archive may come to.
    Bytes of a tar are as they are.
    """

    def __init__(self, data: bytes, kind: str) -> None:
        self._pieces: Iterator[memoryview] = (
            iter((memoryview(data),)) if kind == "tar" else self._counted(data, kind)
        )
        self._rest = memoryview(b"")

    def read(self, count: int) -> bytes:
        """The next bytes, fewer only at the end."""
        return b"".join(self._take(count))

    def skip(self, count: int) -> None:
        """Pass over bytes, as far as there are any."""
        for _ in self._take(count):
            continue

    def head(self, count: int) -> bytes:
        """What `read` gives next."""
        head = self.read(count)
        self._pieces = chain((memoryview(head), self._rest), self._pieces)
        self._rest = memoryview(b"")
        return head

    def _take(self, count: int) -> Iterator[memoryview]:
        while count > 0:
            if not self._rest:
                following = next(self._pieces, None)
                if following is None:
                    return
                self._rest = following
            piece, self._rest = self._rest[:count], self._rest[count:]
            count -= len(piece)
            yield piece

    def _counted(self, data: bytes, kind: str) -> Iterator[memoryview]:
        total = 0
        try:
            for piece in _unpacked_streams(memoryview(data), kind):
                total += len(piece)
                _refuse_bomb(total, len(data), _BOMB_MEMBER)
                _refuse_bomb(total, len(data), _BOMB_ARCHIVE)
                if total > MAX_BYTES:
                    raise FileFailed(f"unpacks to more than {MAX_BYTES >> 20:,} MiB")
                yield memoryview(piece)
        except _UNPACKING_ERRORS as error:
            raise FileFailed(f"not a readable archive: {_plain(error)}") from error


def _unpacked_streams(packed: memoryview, kind: str) -> Iterator[bytes]:
    """Several packed streams one after the other are one file; what follows the last is passed
    over, as other programs do.
    """
    while bytes(packed[: len(_MAGIC[kind])]) == _MAGIC[kind]:
        taken = yield from _unpacked_stream(_machine(kind), packed)
        packed = packed[taken:]
        padding = _ZEROS.match(packed)
        packed = packed[padding.end() if padding else 0 :]


def _machine(kind: str) -> Any:  # a decompressor; those of zlib have no common type with the others
    if kind == "gz":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    return (
        bz2.BZ2Decompressor()
        if kind == "bz2"
        else lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    )


def _unpacked_stream(machine: Any, packed: memoryview) -> Generator[bytes, None, int]:
    """One stream in pieces of a bounded size; returns how many packed bytes it took. Raises
    EOFError where it ends too early.
    """
    position = 0
    while not machine.eof:
        chunk = (
            packed[position : position + _CHUNK]
            if getattr(machine, "needs_input", True)
            else memoryview(b"")
        )
        piece: bytes = machine.decompress(chunk, _PIECE)
        position += len(chunk) - len(getattr(machine, "unconsumed_tail", b""))
        if piece:
            yield piece
        elif not chunk and not machine.eof and getattr(machine, "needs_input", True):
            raise EOFError("ends too early")
    return position - len(machine.unused_data)


def _plain(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _packed_members(stream: _Unpacked, name: str, allowance: Allowance) -> Iterator[Member]:
    if stream.head(_TAR_BLOCK)[257:262] == b"ustar":
        yield from _tar_members(stream, allowance)
        return
    safe = _safe(name)
    refusal = refusal_of_name(safe)
    if refusal:
        yield Member(safe, refusal=refusal)
        return
    content = stream.read(MAX_MEMBER_BYTES + 1)
    yield (
        Member(safe, refusal=_too_large(len(content)))
        if len(content) > MAX_MEMBER_BYTES
        else Member(safe, content)
    )


def _packed_name(data: bytes, name: str) -> str:
    """The name that a gzip header gives, else the archive's own without its ending."""
    if data.startswith(_MAGIC["gz"]) and (named := _gzip_name(data)):
        return named
    path = PurePosixPath(name)
    inner = _PACKED_ENDINGS.get(path.suffix[1:].lower())
    if inner is None:
        return path.name
    return f"{path.stem}.{inner}" if inner else path.stem


def _gzip_name(data: bytes) -> str:
    """The file's name in a gzip header (RFC 1952, section 2.3), "" where there is none."""
    has_extra, has_name = len(data) > 10 and data[3] & 4, len(data) > 10 and data[3] & 8
    start = 12 + int.from_bytes(data[10:12], "little") if has_extra else 10
    end = data.find(b"\0", start, start + 1024) if has_name else -1
    return PurePosixPath(_decoded_name(data[start:end])).name if end > start else ""


def _decoded_name(name: bytes) -> str:
    """UTF-8, with U+FFFD for what is not: which encoding it was, so few letters do not tell."""
    return name.decode("utf-8", "replace")


# ---- ZIP -----------------------------------------------------------------------------------------


def _zip_members(data: bytes) -> Iterator[Member]:
    names = MemberNames()
    found = [
        (info, names.of(_zip_name(info))) for info in _zip_directory(data) if _is_zipped_file(info)
    ]
    refusals = [refusal_of_name(name) or _zip_refusal(info, len(data)) for info, name in found]
    total = sum(
        info.file_size
        for (info, _), refusal in zip(found, refusals, strict=True)
        if refusal is None
    )
    _refuse_bomb(total, len(data), _BOMB_ARCHIVE)
    if total > MAX_BYTES:
        raise FileFailed(f"unpacks to more than {MAX_BYTES >> 20:,} MiB")
    for (info, name), refusal in zip(found, refusals, strict=True):
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
        raise FileFailed(f"not a readable archive: {_plain(error)}") from error


def _is_zipped_file(info: zipfile.ZipInfo) -> bool:
    kind = (
        stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    )  # 3: made on Unix
    return not info.filename.endswith(("/", "\\")) and kind in {0, stat.S_IFREG}


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
        return _too_large(info.file_size)
    try:
        _refuse_bomb(info.file_size, info.compress_size, _BOMB_MEMBER)
    except FileFailed as error:
        return error
    return None


def _unzipped_member(data: bytes, info: zipfile.ZipInfo, name: str) -> Member:
    try:
        return Member(name, _unzipped(memoryview(data), info))
    except FileFailed as error:
        return Member(name, refusal=error)
    except (*_UNPACKING_ERRORS, struct.error) as error:
        return Member(name, refusal=FileFailed(f"broken: {_plain(error)}"))


def _unzipped(data: memoryview, info: zipfile.ZipInfo) -> bytes:
    """A member's bytes; raises FileFailed where they are not what the directory says."""
    offset = info.header_offset
    if offset < 0 or bytes(data[offset : offset + 4]) != b"PK\x03\x04":
        raise FileFailed("broken: not where its archive says")
    start = (
        offset + 30 + sum(struct.unpack_from("<HH", data, offset + 26))
    )  # after its name and its extra fields
    packed = data[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        content = bytes(packed)
    else:
        content = _bounded(_unpacked_stream(*_zip_machine(info, packed)), info.file_size)
    if len(content) != info.file_size or zlib.crc32(content) != info.CRC:
        raise FileFailed("broken: its checksum is wrong")
    return content


def _zip_machine(info: zipfile.ZipInfo, packed: memoryview) -> tuple[Any, memoryview]:
    """The decompressor of a member, and the bytes for it."""
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS), packed
    if info.compress_type == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor(), packed
    _, length, settings, dictionary = struct.unpack_from(
        "<HHBI", packed
    )  # APPNOTE.TXT, section 5.8.8
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
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > size:
            raise FileFailed("zip bomb: unpacks to more than its archive says")
    return bytes(found)


# ---- tar -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _TarEntry:
    """One header of a tar: what comes next, and how many bytes of it."""

    name: bytes
    size: int
    kind: bytes
    is_sparse: bool = False


def _tar_members(stream: _Unpacked, allowance: Allowance) -> Iterator[Member]:
    names = MemberNames()
    for entry in _tar_entries(stream):
        if entry.kind not in _TAR_FILES or entry.name.endswith(b"/"):
            _skip(stream, entry, allowance)
            continue
        name = names.of(_decoded_name(entry.name))
        refusal = refusal_of_name(name) or (FileSkipped("sparse file") if entry.is_sparse else None)
        refusal = refusal or (_too_large(entry.size) if entry.size > MAX_MEMBER_BYTES else None)
        if refusal:
            _skip(stream, entry, allowance)
            yield Member(name, refusal=refusal)
            continue
        content = stream.read(entry.size)
        if len(content) < entry.size:
            yield Member(name, refusal=FileFailed("broken: its archive ends too early"))
            raise FileFailed("not a readable archive: ends too early")
        stream.skip(-entry.size % _TAR_BLOCK)
        yield Member(name, content)


def _skip(stream: _Unpacked, entry: _TarEntry, allowance: Allowance) -> None:
    """Pass over an entry's data; they count, as they had to be unpacked."""
    allowance.take_bytes(entry.size)
    stream.skip(entry.size + -entry.size % _TAR_BLOCK)


def _tar_entries(stream: _Unpacked) -> Iterator[_TarEntry]:
    """The headers, each with what the headers before it say of it (POSIX.1-2001 pax, GNU long
    names). The data follow in the stream.
    """
    notes: dict[bytes, bytes] = {}
    while any(header := stream.read(_TAR_BLOCK)):
        entry = _tar_entry(header)
        if entry.kind in b"xgLK":
            notes |= _tar_notes(stream, entry)
            continue
        if entry.kind == b"S":
            _skip_sparse_map(stream, header)
        yield _noted(entry, notes)
        notes = {}


def _tar_entry(header: bytes) -> _TarEntry:
    if len(header) < _TAR_BLOCK:
        raise FileFailed("not a readable archive: ends too early")
    total = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
    signed = total - 256 * sum(
        byte > 127 for byte in header[:148] + header[156:]
    )  # as some old programs counted
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


def _tar_notes(stream: _Unpacked, entry: _TarEntry) -> dict[bytes, bytes]:
    """What an extending header says, in pax's words; only what concerns the next entry's name and
    data is of use.
    """
    if entry.size > _TAR_NOTE:
        raise FileFailed("not a readable archive: a header is too long")
    body = stream.read(entry.size)
    stream.skip(-entry.size % _TAR_BLOCK)
    if entry.kind == b"L":
        return {b"path": _until_nul(body)}
    return _pax_records(body) if entry.kind == b"x" else {}


def _pax_records(body: bytes) -> dict[bytes, bytes]:
    """The records "12 path=a/b\\n", each with its length in bytes before it."""
    records: dict[bytes, bytes] = {}
    position = 0
    while found := _PAX_LENGTH.match(body, position):
        end = position + int(found[1])
        if end <= found.end() or end > len(body):
            raise FileFailed("not a readable archive: a header is broken")
        key, _, value = body[found.end() : end - 1].partition(b"=")
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


def _skip_sparse_map(stream: _Unpacked, header: bytes) -> None:
    """Pass over the blocks that continue the map of an old GNU sparse file."""
    is_continued = header[482]
    while is_continued:
        block = stream.read(_TAR_BLOCK)
        is_continued = len(block) == _TAR_BLOCK and block[504]
