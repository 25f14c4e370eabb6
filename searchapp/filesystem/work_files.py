"""Files and folders in the making, which a process that is killed leaves behind; whoever comes next
deletes them.

Each has a name that nobody else gives, and is locked for as long as somebody works at it, so that
one that was left is told from one that is in use. What is made outside the folder that its text is
from is noted there beforehand: so it is found although nobody comes to that other folder again. A
note is believed only where it names such a file of the same owner, as it may come with a copied
folder. Knows nothing of what is made.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

_PREFIX, _WORK, _NOTE = ".searchapp-", ".tmp", ".note"
PATTERN = f"{_PREFIX}*"  # of all names
_MOST_SWEPT = 10  # times in a row that somebody sweeps in the moment between making and locking


@contextlib.contextmanager
def work_file(folder: Path, *, notes: Path | None = None) -> Iterator[tuple[Path, int]]:
    """The path of a new file that only its owner may read, and its descriptor, which is the
    caller's to close; it is gone when the block ends, unless it was renamed. `notes` is the folder
    that it is noted in.
    """
    sweep(folder)
    path = _new(folder)
    with _noted(notes, path):
        try:
            yield path, _made(path, lambda: None, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        finally:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def work_folder(folder: Path, *, notes: Path | None = None) -> Iterator[Path]:
    """A new folder in a folder, which only its owner may enter; it goes with all that is in it when
    the block ends. `notes` is the folder that it is noted in.
    """
    sweep(folder)
    path = _new(folder)
    with _noted(notes, path), contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, path, ignore_errors=True)
        descriptor = _made(path, lambda: path.mkdir(mode=0o700), os.O_RDONLY | os.O_DIRECTORY)
        undo.callback(os.close, descriptor)
        yield path


def sweep(folder: Path) -> list[Path]:
    """Delete what nobody works at any more, in a folder and where its notes say; returns what could
    not be deleted, whose notes stay.
    """
    left = [path for path in _of(folder, _WORK) if not _delete(path)]
    for note in _of(folder, _NOTE):
        kept = [path for path in _noted_paths(note) if not _delete(path)]
        left += kept
        if not kept:
            with contextlib.suppress(OSError), _held(note):
                note.unlink()
    return left


@contextlib.contextmanager
def _noted(notes: Path | None, path: Path) -> Iterator[None]:
    """A note of a path, for as long as the block runs; none in a folder that cannot be written, of
    which nothing can be forgotten either.
    """
    note = notes and _new(notes).with_suffix(_NOTE)
    with contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError):
            if note is not None and note.parent.is_dir():
                undo.callback(_unname, note)
                descriptor = _made(note, lambda: None, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
                undo.callback(os.close, descriptor)
                os.write(descriptor, json.dumps(os.fspath(path.absolute())).encode())
                os.fsync(descriptor)
        yield


def _unname(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _new(folder: Path) -> Path:
    return folder / f"{_PREFIX}{os.urandom(8).hex()}{_WORK}"


def _of(folder: Path, ending: str) -> list[Path]:
    """What there is of ours in a folder, by the ending of its name."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [
            folder / entry.name
            for entry in entries
            if entry.name.startswith(_PREFIX) and entry.name.endswith(ending)
        ]
    return []


def _noted_paths(note: Path) -> list[Path]:
    """What a note names, as far as it could be ours."""
    try:
        path = Path(json.loads(note.read_bytes()))
    except (OSError, ValueError, TypeError):
        return []
    if "\0" in os.fspath(path):
        return []
    is_ours = path.is_absolute() and path.name.startswith(_PREFIX) and path.suffix == _WORK
    return [path] if is_ours else []


def _delete(path: Path) -> bool:
    """Delete what nobody works at; whether nothing of it is left to be deleted."""
    try:
        kind = path.lstat()
        is_folder = stat.S_ISDIR(kind.st_mode)
        if kind.st_uid != os.geteuid() or not (is_folder or stat.S_ISREG(kind.st_mode)):
            return True  # of somebody else
        with _held(path):
            shutil.rmtree(path) if is_folder else path.unlink()
    except (FileNotFoundError, NotADirectoryError, BlockingIOError):
        return True  # gone, or in use
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder; raises BlockingIOError while somebody works at it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _made(path: Path, make: Callable[[], None], flags: int) -> int:
    """Open what is made at a path, and have others know that it is in use; where the disk knows no
    locks they leave it alone. Who sweeps between the two takes it for left behind: then it is made
    again.
    """
    for _ in range(_MOST_SWEPT):
        make()
        try:
            descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            if path.parent.is_dir():
                continue
            raise
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            return descriptor
        os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
