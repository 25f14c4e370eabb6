"""A corpus in one file, and back: the database as one generation left it, with a checksum over it.

The file is a ZIP archive of `manifest.json` and `corpus.db`, so that any tool can open it. The
vectors file is not in it: it is derived. A copy of a live folder is no backup, as the log may be
missing or of another moment; this is.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from searchapp import __version__
from searchapp.backends.sqlite import layout
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.restorable import strangeness
from searchapp.errors import BackupError, CorpusError, CorpusTooNew
from searchapp.filesystem import atomic_write, work_files

FORMAT = "searchapp-backup/1"
_MANIFEST = "manifest.json"
_MANIFEST_BYTES = 2**20
_MOST = 2**63  # that a manifest counts
_NO_ARCHIVE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    KeyError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,  # names that are no text
)
_ROOM = "make room, or choose another place for the file"


def back_up(folder: Path, file: Path) -> dict[str, Any]:
    """Write the newest generation to a file that appears whole or not at all, in place of one that
    is there; returns its manifest.

    Ingests and queries go on meanwhile. Raises CorpusMissing, CorpusDamaged, OldSchema, or
    BackupError where the file cannot be written.
    """
    with SqliteReader(folder) as snapshot:
        if snapshot.is_blank:
            raise BackupError(
                "this corpus is empty: there is nothing to back up", hint="ingest something first"
            )
        documents, passages, pending, _ = snapshot.counts()
        contents = {
            "generation": snapshot.generation,
            "documents": documents,
            "passages": passages,
            "pending": pending,
        }
        try:
            target = atomic_write.real_target(file)
            with work_files.work_folder(target.parent if target else folder, notes=folder) as work:
                copy = work / layout.DATABASE
                os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
                snapshot.database.execute("COMMIT")  # VACUUM takes a transaction of its own
                snapshot.database.execute("VACUUM INTO ?", (str(copy),))
                manifest = {
                    "format": FORMAT,
                    "searchapp": __version__,
                    "schema": layout.REVISIONS[-1],
                    **contents,
                    "size": copy.stat().st_size,
                    "blake2b": _digest(copy),
                }
                with (
                    atomic_write.replaced(file, notes=folder) as output,
                    zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
                ):
                    archive.writestr(_MANIFEST, json.dumps(manifest, indent=2) + "\n")
                    archive.write(copy, layout.DATABASE)
        except (sqlite3.Error, OSError) as error:
            raise BackupError(
                f"cannot write {file}: {getattr(error, 'strerror', None) or error}", hint=_ROOM
            ) from error
    return manifest


def restore(file: Path, folder: Path) -> dict[str, Any]:
    """Put the database of a backup into a folder that has none, once it is whole by its checksum;
    returns the manifest.

    Call it under the folder's lock. Raises BackupError for a file that is no backup or is damaged,
    CorpusTooNew for one of a newer program, and CorpusError where the folder holds a corpus:
    nothing is ever written over.
    """
    place = folder / layout.DATABASE
    try:
        with zipfile.ZipFile(file) as archive:
            if place.exists():
                raise CorpusError(
                    f"there is a corpus at {folder} already",
                    hint="restore into another folder with --corpus DIR",
                )
            manifest = _manifest(archive, file)
            with work_files.work_folder(folder) as work:
                copy = work / layout.DATABASE
                with (
                    _entry(archive, layout.DATABASE) as source,
                    atomic_write.created(copy) as target,
                ):
                    held = _copy(source, target, manifest["size"])
                if held != (manifest["size"], manifest["blake2b"]):
                    raise _damaged(file)
                if _schema_of(copy) != manifest["schema"]:
                    raise _damaged(file)
                if manifest["schema"] == layout.REVISIONS[-1]:
                    with _opened(copy) as opened:
                        require_ours(opened, file, strangeness)
                copy.rename(place)
            atomic_write.sync(folder)
    except _NO_ARCHIVE as error:
        raise _damaged(file) from error
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BackupError(
            f"{file} is a folder, and no backup" if file.is_dir() else f"there is no file {file}",
            hint="name a backup; they are made with: searchapp backup FILE",
        ) from error
    except OSError as error:
        if error.errno in {None, errno.EINVAL}:  # it leads to places that are not in the file
            raise _damaged(file) from error
        raise BackupError(
            f"cannot restore {file} to {folder}: {error.strerror or error}", hint=_ROOM
        ) from error
    return manifest


def _manifest(archive: zipfile.ZipFile, file: Path) -> dict[str, Any]:
    with _entry(archive, _MANIFEST) as entry:
        data = entry.read(_MANIFEST_BYTES)
    manifest = None
    with contextlib.suppress(ValueError):
        manifest = json.loads(data)
    if not isinstance(manifest, dict) or not str(manifest.get("format", "")).startswith(
        "searchapp-backup/"
    ):
        raise BackupError(
            f"{file} is no backup of a corpus", hint="backups are made with: searchapp backup FILE"
        )
    if manifest["format"] != FORMAT or manifest.get("schema") not in layout.REVISIONS:
        raise CorpusTooNew(
            f"{file} was written by a newer searchapp ({manifest.get('searchapp')})",
            hint="upgrade searchapp",
        )
    numbers = (manifest.get(name) for name in ("size", "documents", "generation"))
    if not (
        all(type(number) is int and 0 <= number < _MOST for number in numbers)
        and isinstance(manifest.get("blake2b"), str)
    ):
        raise _damaged(file)
    return manifest


def _entry(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """An entry, to be read. Raises NotImplementedError where it is packed as no backup is."""
    if archive.getinfo(name).compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise NotImplementedError
    return archive.open(name)


def require_ours(
    database: sqlite3.Connection, file: Path, judge: Callable[[sqlite3.Connection], str]
) -> None:
    """Raise BackupError where the database of a backup is none of ours, as `restorable` judges."""
    try:
        reason = judge(database)
    except (sqlite3.Error, UnicodeError) as error:
        reason = f"it cannot be read: {error}"
    if reason:
        raise BackupError(
            f"{file} is no backup that searchapp made: {reason}",
            hint="take another copy of it; nothing was restored",
        )


@contextlib.contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    address = f"{database.resolve().as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as opened:
        opened.execute("PRAGMA trusted_schema = OFF")
        yield opened


def _schema_of(database: Path) -> str:
    """The revision of a corpus's schema; "" where the file is no database of one."""
    statement = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'"
    with contextlib.suppress(sqlite3.Error, UnicodeError), _opened(database) as opened:
        (application,) = opened.execute("PRAGMA application_id").fetchone()
        if application == layout.APPLICATION_ID and opened.execute(statement).fetchone():
            row = opened.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row and row[0])
    return ""


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> tuple[int, str]:
    """Copy hardly more than a size; returns the size and the digest of what was copied."""
    digest, copied = hashlib.blake2b(digest_size=32), 0
    while copied <= size and (chunk := source.read(2**20)):
        digest.update(chunk)
        target.write(chunk)
        copied += len(chunk)
    return copied, digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()


def _damaged(file: Path) -> BackupError:
    return BackupError(
        f"{file} is damaged, or is no backup of a corpus",
        hint="take another copy of it; nothing was restored",
    )
