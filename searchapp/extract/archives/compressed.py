"""Streams of gzip, bzip2 and xz, decompressed in pieces of a bounded size.

All that comes out is counted, so that no few kilobytes fill the memory. What is in the stream is of
no concern here.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any

from searchapp.errors import FileFailed
from searchapp.extract.archives.limits import BOMB_ARCHIVE, BOMB_MEMBER, refuse_bomb
from searchapp.extract.members import MAX_BYTES

_CHUNK = 2**13  # packed bytes at a time
_PIECE = 2**20  # unpacked bytes at a time
_XZ_MEMORY = 2**28  # four times what the highest usual setting needs
MAGIC = {"gz": b"\x1f\x8b", "bz2": b"BZh", "xz": b"\xfd7zXZ\0"}
UNPACKING_ERRORS = (zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)
_ZEROS = re.compile(rb"\0*")


class DecompressedStream:
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
                refuse_bomb(total, len(data), BOMB_MEMBER)
                refuse_bomb(total, len(data), BOMB_ARCHIVE)
                if total > MAX_BYTES:
                    raise FileFailed(f"unpacks to more than {MAX_BYTES >> 20:,} MiB")
                yield memoryview(piece)
        except UNPACKING_ERRORS as error:
            raise FileFailed(f"not a readable archive: {error_text(error)}") from error


def _unpacked_streams(packed: memoryview, kind: str) -> Iterator[bytes]:
    """Several packed streams one after the other are one file; what follows the last is passed
    over, as other programs do.
    """
    while bytes(packed[: len(MAGIC[kind])]) == MAGIC[kind]:
        taken = yield from decompressed(_decompressor(kind), packed)
        packed = packed[taken:]
        padding = _ZEROS.match(packed)
        packed = packed[padding.end() if padding else 0 :]


def _decompressor(
    kind: str,
) -> Any:  # a decompressor; those of zlib have no common type with the others
    if kind == "gz":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    return (
        bz2.BZ2Decompressor()
        if kind == "bz2"
        else lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    )


def decompressed(machine: Any, packed: memoryview) -> Generator[bytes, None, int]:
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


def error_text(error: Exception) -> str:
    """What a library says of a failure, on one line."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
