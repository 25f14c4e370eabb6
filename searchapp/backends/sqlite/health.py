"""What SQLite and a corpus folder tell of their health: the build of SQLite, the state of the
corpus, and the disk under it.

Reads and changes nothing: an old schema is not migrated. Knows no model.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from searchapp.backends.sqlite import shadow
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.errors import CorpusMissing
from searchapp.filesystem import atomic_write
from searchapp.types.results import Problem

_WAL_BUG = ((3, 7, 0), (3, 51, 2))  # https://sqlite.org/wal.html#walresetbug
_OTHERS = 0o077  # what a mode lets all but the owner do
_LITTLE_ROOM = 2**28  # bytes


def engine_facts(problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """The build of SQLite that this Python has."""
    yield "version", sqlite3.sqlite_version
    is_affected = _WAL_BUG[0] <= sqlite3.sqlite_version_info <= _WAL_BUG[1]
    yield (
        "WAL-reset bug",
        "in this version; cannot happen here: one connection writes, all others only read"
        if is_affected
        else "mended",
    )
    with closing(sqlite3.connect(":memory:")) as memory:
        options = {row[0] for row in memory.execute("PRAGMA compile_options")}
    if "ENABLE_FTS5" not in options:
        problems.append(
            Problem(
                "this Python's SQLite has no FTS5, so no words can be searched",
                "use another build of Python",
            )
        )
    yield "FTS5", "yes" if "ENABLE_FTS5" in options else "no"


def corpus_facts(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """The state of the corpus in a folder, after a quick check."""
    yield "folder", str(folder)
    try:
        with SqliteReader(folder) as reader:
            status = reader.status()
    except CorpusMissing:
        yield "state", "there is none yet"
        return
    findings = check(folder, full=False)
    yield "state", "damaged" if findings else "sound, as far as a quick check can tell"
    problems += [
        Problem(
            f"{os.fsdecode(finding.path)}: {finding.what}".lstrip(": "),
            "run: searchapp check --repair",
        )
        for finding in findings
    ]
    yield (
        "documents",
        f"{status.documents:,}, {status.passages:,} passages (generation {status.generation})",
    )
    yield (
        "waiting",
        f"{status.pending:,} pending, {status.stale:,} stale"
        if status.pending or status.stale
        else "",
    )
    yield (
        "encoder",
        f"{status.encoder.model} ({status.encoder.fingerprint[:12]})"
        if status.encoder
        else "none yet",
    )
    yield "vectors file", status.vectors_state
    others = (
        (encoding.encoder.model if encoding.encoder else encoding.name, encoding)
        for encoding in shadow.others(folder)
    )
    yield (
        "other encodings",
        "; ".join(
            f"{name}: {encoding.documents:,} documents, {encoding.size / 2**20:,.0f} MiB"
            for name, encoding in others
        ),
    )
    if open_to_others := sorted(path.name for path in _open_to_others(folder)):
        yield "readable by others", ", ".join(open_to_others)
        problems.append(Problem("others may read the corpus", "run: searchapp doctor --fix"))


def disk_facts(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """The file system of a corpus folder, its room, and whether it can be written."""
    kind = atomic_write.filesystem(folder)
    yield "file system", kind or "unknown"
    if atomic_write.is_network(kind):
        hint = "keep it on a disk of this machine with --corpus DIR; the documents may be anywhere"
        problems.append(
            Problem(
                f"the corpus is on a network file system ({kind}), where it cannot be written "
                "safely",
                hint,
            )
        )
    there = next(place for place in (folder, *folder.parents) if place.exists())
    room = shutil.disk_usage(there).free
    yield "room", f"{room / 2**20:,.0f} MiB"
    if room < _LITTLE_ROOM:
        problems.append(
            Problem(
                "little room is left on the disk of the corpus",
                "make room; what is in it can still be searched and removed",
            )
        )
    yield (
        "writable",
        "yes" if os.access(there, os.W_OK) else "no: it can be searched, and not be changed",
    )


def close_to_others(folder: Path) -> list[str]:
    """Have only their owner read and change the folder of a corpus and what is in it; returns the
    names of what others could. Raises OSError.
    """
    closed = []
    for path in _open_to_others(folder):
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)
        closed.append(path.name)
    return closed


def _open_to_others(folder: Path) -> Iterator[Path]:
    for path in (folder, *folder.rglob("*")):
        kind = path.lstat().st_mode
        if stat.S_IMODE(kind) & _OTHERS and path.name != ".gitignore" and not stat.S_ISLNK(kind):
            yield path
