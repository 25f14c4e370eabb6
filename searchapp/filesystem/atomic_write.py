"""Files that appear whole or not at all, and what kind of disk they are on.

The one place where data are made durable by hand: a name is as durable as its folder, so a folder
is synced like a file. And the one place where what stands at a path decides how it is written:

    a regular file, or nothing   replaced whole
    a link                       followed; what it points at is replaced
    a pipe, a character device   written straight into, and never replaced
    /dev/stdout, /dev/fd/N, -    written where that file of the process stands
    a folder, a disk, a socket   refused

Knows nothing of what is written.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from searchapp.filesystem import work_files

# Whose locks and shared memory do not reach the other machines, as SQLite's log needs
# (https://sqlite.org/wal.html).
_NETWORK = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "afs",
    "ncp",
    "ceph",
    "gluster",
    "lustre",
    "beegfs",
    "gpfs",
    "webdav",
    "davfs",
)
_NETWORK_FUSE = (
    "sshfs",
    "rclone",
    "s3fs",
    "gcsfuse",
    "goofys",
    "davfs",
    "curlftpfs",
    "glusterfs",
    "ceph",
    "onedrive",
    "google-drive",
)

_PLENTY = 4  # times what is set aside
STANDARD_OUTPUT = Path("-")
_MOST_LINKS = 40  # that lead on from one another, as on Linux
_OPEN_FILES = re.compile(r"/dev/fd|/proc/(\d+)/(?:task/\d+/)?fd")  # folders of them


@contextmanager
def created(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner may read, synced when the block ends and gone when it fails;
    FileExistsError where there is one.
    """
    with open(  # noqa: PTH123 - a descriptor
        os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600), "w+b"
    ) as file:
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


@contextmanager
def replaced(path: Path, *, notes: Path | None = None) -> Iterator[BinaryIO]:
    """A file to write that takes the place of the one at the path, whole, when the block ends, and
    durably; never where it fails. What is no regular file is written straight into, and cannot be
    sought in. `notes` is the folder that the text is from, as in `work_files`. Raises OSError,
    before anything is written, for what is refused.
    """
    target = real_target(path)
    if target is None:
        with _straight(path) as stream:
            yield stream
        return
    with (
        work_files.work_file(target.parent, notes=notes) as (temporary, descriptor),
        open(descriptor, "w+b") as file,  # noqa: PTH123 - a descriptor
    ):
        yield file
        file.flush()
        os.fsync(descriptor)
        temporary.replace(target)
    sync(target.parent)


def real_target(path: Path) -> Path | None:
    """The file that writing to a path replaces or makes; None where it goes straight into what is
    there. Raises OSError for what is refused.
    """
    if path == STANDARD_OUTPUT:
        return None
    end = _end_of_links(path)
    if _OPEN_FILES.fullmatch(os.fspath(end.parent)):
        return None
    try:
        kind = end.stat().st_mode
    except FileNotFoundError:
        return end
    if stat.S_ISREG(kind):
        return end
    if stat.S_ISCHR(kind) or stat.S_ISFIFO(kind):
        return None
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", os.fspath(path))
    what = "a disk" if stat.S_ISBLK(kind) else "no file, pipe or terminal"
    raise OSError(errno.EINVAL, f"it is {what}", os.fspath(path))


def _end_of_links(path: Path) -> Path:
    """What a path leads to, link by link; stops at an open file of a process, as its link names the
    file but does not lead to it.
    """
    for _ in range(_MOST_LINKS):
        path = Path(os.path.realpath(path.parent), path.name)
        if _OPEN_FILES.fullmatch(os.fspath(path.parent)) or not path.is_symlink():
            return path
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))


def is_standard_output(path: Path) -> bool:
    """Whether what is written to a path is what the process writes to standard output."""
    return path == STANDARD_OUTPUT or _own_descriptor(_end_of_links(path)) == 1


@contextmanager
def _straight(path: Path) -> Iterator[BinaryIO]:
    """What stands at a path, to be written into as it is."""
    raw = _Stream(_descriptor(path), "wb")
    with io.BufferedWriter(raw) as stream:
        yield cast("BinaryIO", stream)


def _descriptor(path: Path) -> int:
    if path == STANDARD_OUTPUT:
        return os.dup(1)
    end = _end_of_links(path)
    if (own := _own_descriptor(end)) is not None:
        return os.dup(own)  # which writes on where others left off
    # neither cut, nor taken for the terminal of the process
    return os.open(end, os.O_WRONLY | os.O_CLOEXEC | os.O_NOCTTY)


def _own_descriptor(end: Path) -> int | None:
    """The number of the open file of this process that a path without links names."""
    owner = _OPEN_FILES.fullmatch(os.fspath(end.parent))
    is_own = owner is not None and owner[1] in {None, str(os.getpid())} and end.name.isdecimal()
    return int(end.name) if is_own else None


class _Stream(io.FileIO):
    """What is written from its beginning to its end, whatever the system says of seeking: another
    program may write there, too.
    """

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


def make_folder(path: Path) -> list[Path]:
    """Make a folder that only its owner may enter, with the folders above it; none of them goes in
    a power cut. Returns those that were not there, the outermost first.
    """
    if path.is_dir():
        return []
    made = make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        made.append(path)
    sync(path.parent)
    return made


def sync(path: Path) -> None:
    """Have what is written of a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_aside(path: Path, size: int) -> None:
    """Have a file of that size keep room on its disk, where there is plenty; does nothing where
    there is not.
    """
    with suppress(OSError):
        if not path.exists() and shutil.disk_usage(path.parent).free > _PLENTY * size:
            with created(path) as file:
                os.posix_fallocate(file.fileno(), 0, size) if hasattr(
                    os, "posix_fallocate"
                ) else file.write(bytes(size))


def filesystem(path: Path) -> str:
    """The kind of file system that a path, or the nearest folder above it that exists, is on, as
    "ext4"; "" where it cannot be told.
    """
    import psutil

    there = next(place for place in (path.resolve(), *path.resolve().parents) if place.exists())
    try:
        partitions = psutil.disk_partitions(all=True)
    except OSError:
        return ""
    mounts = [
        (len(mount.mountpoint), i, mount.fstype)
        for i, mount in enumerate(partitions)
        if there.is_relative_to(mount.mountpoint)
    ]
    # the last of several at one place is what is seen
    return max(mounts)[2].lower() if mounts else ""


def is_network(kind: str) -> bool:
    """Whether a kind of file system is shared with other machines."""
    if kind.startswith("fuse."):
        return kind.removeprefix("fuse.").startswith(_NETWORK_FUSE)
    return kind.startswith(_NETWORK)
