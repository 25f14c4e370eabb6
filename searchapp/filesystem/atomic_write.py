"""Files that appear whole or not at all, and what kind of disk they are on.

The one place where data are made durable by hand: a name is as durable as its folder, so a folder
is synced like a file. Knows nothing of what is written.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

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
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of the one at the path, whole, when the block ends, and
    durably; never where it fails.
    """
    temporary = path.with_name(f".{path.name}-{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    with created(temporary) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
        temporary.replace(path)
    sync(path.parent)


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
