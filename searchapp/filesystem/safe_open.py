"""The bytes of a file, read so that no FIFO, device, link loop or changing file hangs or fools us.

It knows of one file at a time; which files there are is found in `walk`.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from io import FileIO

from searchapp.errors import FileFailed, FileSkipped
from searchapp.types.documents import FileIdentity

NO_BYTES = hashlib.blake2b(digest_size=32).digest()  # the content hash of an empty file


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file as it was at one moment."""

    data: bytes
    identity: FileIdentity
    content_hash: bytes  # BLAKE2b-256 of the data


def read_file(path: bytes, *, max_bytes: int) -> FileContent:
    """A regular file's bytes, with the identity that it had both before and after they were read.

    A link is followed: `walk` has decided which to give. Raises FileSkipped for what is not a
    regular file or is over `max_bytes`, without reading any of it, and FileFailed where the system
    refuses or the file changes twice while it is read.
    """
    with open_file(path, max_bytes=max_bytes) as file:
        return read_open_file(file, max_bytes=max_bytes)


def open_file(path: bytes, *, max_bytes: int) -> FileIO:
    """A regular file of at most `max_bytes`, opened to be read. Raises as `read_file` does."""
    try:
        # before opening: to open a device can be to act on it
        _refuse(os.stat(path), max_bytes)  # noqa: PTH116
        return FileIO(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        raise FileFailed(_plain(error)) from error


def read_open_file(file: FileIO, *, max_bytes: int) -> FileContent:
    """What `read_file` gives, of a file that is open. Raises as it does."""
    try:
        for _ in range(2):
            before = os.fstat(file.fileno())
            _refuse(before, max_bytes)
            data = _read_all(file, before.st_size)
            identity = FileIdentity.of(os.fstat(file.fileno()))
            if identity == FileIdentity.of(before) and len(data) == identity.size:
                return FileContent(data, identity, hashlib.blake2b(data, digest_size=32).digest())
            file.seek(0)
    except OSError as error:
        raise FileFailed(_plain(error)) from error
    raise FileFailed("changes while it is being read")


def _special_kind(mode: int) -> str:
    """What a file is that is not regular, "" for a regular file."""
    kinds = {
        stat.S_IFREG: "",
        stat.S_IFDIR: "folder",
        stat.S_IFIFO: "named pipe",
        stat.S_IFSOCK: "socket",
    }
    return kinds.get(stat.S_IFMT(mode), "device")


def _refuse(status: os.stat_result, max_bytes: int) -> None:
    """Raise FileSkipped for what is not a regular file of at most `max_bytes`."""
    if kind := _special_kind(status.st_mode):
        raise FileSkipped(kind)
    if status.st_size > max_bytes:
        raise FileSkipped(
            f"larger than {max_bytes / 2**20:g} MiB"
            if max_bytes >= 2**20
            else f"larger than {max_bytes} bytes"
        )


def _read_all(file: FileIO, size: int) -> bytes:
    """The bytes from here to the end, of which there should be `size`; one more at most, so that a
    growing file ends.
    """
    data = bytearray()
    while len(data) <= size and (chunk := file.read(size + 1 - len(data))):
        data += chunk
    return bytes(data)


def _plain(error: OSError) -> str:
    """What the system says of a failure, as the middle of a sentence."""
    return (error.strerror or str(error)).lower()
