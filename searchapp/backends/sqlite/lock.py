"""One writer a corpus: the lock that its folder is opened for writing under.

A module of its own, so that a second writer is refused before the libraries of the first are
imported.
"""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import logging
import os
from pathlib import Path

from searchapp.backends.sqlite import layout, leftovers
from searchapp.errors import CorpusDamaged, CorpusError, CorpusLocked, CorpusUnwritable
from searchapp.filesystem import atomic_write

_LOG = logging.getLogger(__name__)
_ELSEWHERE = (
    "check its permissions and the room on its disk, or choose another folder with --corpus"
)


class Lock:
    """One writer a corpus: an flock that dies with its process, so that a stale one
    cannot block.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder where there is none, and take its lock. Raises CorpusLocked,
        CorpusUnwritable or CorpusError.
        """
        try:
            os.fsencode(folder).decode()  # FAISS opens files by names in UTF-8
        except UnicodeDecodeError as error:
            message = f"a corpus cannot be kept at {folder!r}: its name is not UTF-8"
            raise CorpusUnwritable(message, hint="choose another with --corpus") from error
        self._file = folder / layout.LOCK
        self._made: list[Path] = []  # folders, the outermost first
        self._descriptor = -1
        try:
            self._made = atomic_write.make_folder(folder)
            _refuse_foreign(folder)
            _refuse_network(folder)
            self._descriptor = os.open(
                self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            self._remove_folders()
            raise CorpusUnwritable(
                f"cannot write the corpus at {folder}: {error.strerror}", hint=_ELSEWHERE
            ) from error
        except CorpusError:
            self._remove_folders()
            raise
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with contextlib.suppress(
                OSError
            ):  # on a full disk, its holder's number is not known: that is all
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
            if not _is_at(self._file, self._descriptor):
                raise BlockingIOError  # its holder has just discarded the corpus
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            self.release()
            raise CorpusLocked(
                f"another ingest is writing this corpus (process {holder or 'unknown'})",
                hint="wait for it to end, or stop it",
            ) from error
        except OSError as error:
            self.release()
            raise CorpusUnwritable(
                f"the corpus at {folder} cannot be locked: {error.strerror}", hint=_ELSEWHERE
            ) from error
        leftovers.sweep(folder)
        _say_who_reads(folder)

    def release(self) -> None:
        """Let another writer in; once is enough."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        """Release the lock of a folder that holds no corpus, and remove its file, and the folders
        that were made for it.
        """
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                self._file.unlink()
            self.release()
        self._remove_folders()

    def _remove_folders(self) -> None:
        with contextlib.suppress(OSError):  # something else is in there by now
            while self._made:
                self._made[-1].rmdir()
                self._made.pop()


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


def _refuse_foreign(folder: Path) -> None:
    """Raise CorpusError for a folder that holds other things and no corpus, which is somebody's,
    and CorpusDamaged for a lost database.
    """
    there = {path.name for path in folder.iterdir()}
    names = {name for name in there if not leftovers.is_leftover(name)}
    if layout.DATABASE not in names and fnmatch.filter(names, layout.VECTORS_FILES):
        hint = "restore a backup into another folder, or ingest into one, with --corpus DIR"
        raise CorpusDamaged(f"the database of the corpus at {folder} is gone", hint=hint)
    if layout.DATABASE not in names and names - {layout.LOCK, layout.RESERVE, ".gitignore"}:
        raise CorpusError(
            f"{folder} holds other things and no corpus",
            hint="name an empty or a new folder with --corpus",
        )


def _say_who_reads(folder: Path) -> None:
    """Say where others may look into the folder, which was there before."""
    mode = folder.stat().st_mode
    if mode & 0o077:
        does = "change" if mode & 0o022 else "read"
        _LOG.warning(
            "others may %s the corpus at %s; searchapp doctor --fix closes it to them", does, folder
        )


def _refuse_network(folder: Path) -> None:
    """Raise CorpusUnwritable where another machine could write at the same time: neither locks nor
    SQLite's log hold there.
    """
    if atomic_write.is_network(kind := atomic_write.filesystem(folder)):
        message = (
            f"{folder} is on a network file system ({kind}), where a corpus cannot be kept safely"
        )
        raise CorpusUnwritable(
            message,
            hint="keep it on a disk of this machine with --corpus DIR; the documents may be "
            "anywhere",
        )
