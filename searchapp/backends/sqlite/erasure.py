"""Erasure: leave no byte of what was removed in any file of the corpus, its backups and its other
encodings included; and removing itself on a full disk.

Knows the writer and the files of the folder; nothing of what the documents say.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from searchapp.backends.sqlite import layout, leftovers, shadow
from searchapp.backends.sqlite.vector_index import remove_others
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.errors import CorpusError, CorpusLocked, CorpusUnwritable

_NEVER = 1_000_000  # parts of the keyword index, until they are merged all the same


def erase(writer: SqliteWriter) -> list[str]:
    """Rewrite every file of the corpus without what was removed from it; returns the names of the
    backups that had to go for that.

    Raises CorpusUnwritable where the disk is full, or where a query that is still running keeps the
    log.
    """
    try:
        is_busy = _rewrite(writer)
    except CorpusUnwritable as error:
        raise CorpusUnwritable(
            f"the documents are removed, but their text is still in the corpus: {error}",
            hint=f"{error.hint}; then run: searchapp forget",
        ) from error
    if is_busy:
        hint = "once no query runs, run: searchapp forget"
        raise CorpusUnwritable(
            "the documents are removed, but a query that is still running keeps their text in "
            "the log",
            hint=hint,
        )
    backups = [
        *writer.folder.glob(f"{layout.DATABASE}.backup-*"),
        *writer.folder.glob(f"{layout.BEFORE_REPAIR}*"),
    ]
    for backup in backups:
        with contextlib.suppress(OSError):
            shutil.rmtree(backup) if backup.is_dir() else backup.unlink()
    if left := [*(path for path in backups if path.exists()), *leftovers.sweep(writer.folder)]:
        raise CorpusUnwritable(
            f"the documents are removed, but {left[0]} cannot be deleted, and may hold their text",
            hint="delete it, or see to its permissions; then run: searchapp forget",
        )
    return sorted([*(backup.name for backup in backups), *_erase_other_encodings(writer)])


def _rewrite(writer: SqliteWriter) -> bool:
    """Write the database and the vectors file anew; whether a query kept the log."""
    # FTS5 keeps deleted terms until then
    writer.execute("INSERT INTO keywords(keywords) VALUES ('optimize')")
    writer.settle()
    writer.publish(is_due=True)
    with writer.between_units() as database:
        database.execute("VACUUM")
        is_busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(is_busy)


@contextlib.contextmanager
def sparing(writer: SqliteWriter) -> Iterator[None]:
    """Have a writer take little room: without the vectors file, with a log of one commit at most,
    and without merging of the keyword index.
    """
    remove_others(writer.folder, "")
    writer.execute("PRAGMA wal_autocheckpoint = 1")
    _set_merging(writer, automerge=0, crisismerge=_NEVER)
    yield
    _set_merging(writer, automerge=4, crisismerge=16)  # as by default
    writer.settle()


def _set_merging(writer: SqliteWriter, **options: int) -> None:
    for option in options.items():
        writer.execute("INSERT INTO keywords(keywords, rank) VALUES (?, ?)", option)


def _erase_other_encodings(current: SqliteWriter) -> list[str]:
    """Have no other encoding of the corpus hold what this one does not; returns the names of those
    that had to go for that.
    """
    gone = []
    for folder in shadow.folders(current.folder):
        try:
            with SqliteWriter(folder) as other:
                _keep_only(other, current)
                erase(other)
        except CorpusUnwritable:
            raise
        except CorpusLocked as error:
            message = (
                "the documents are removed, but another encoding of the corpus is "
                f"being built and may hold their text: {error}"
            )
            raise CorpusUnwritable(
                message, hint="once that has ended, or was stopped, run: searchapp forget"
            ) from error
        except CorpusError:  # damaged, or of another program: nothing can be taken out of it
            shadow.delete(folder)
            gone.append(folder.name)
    return gone


def _keep_only(other: SqliteWriter, current: SqliteWriter) -> None:
    """Take out what another encoding of the same corpus does not hold: documents, in this version,
    roots, and what is not indexed.
    """
    there = {path: known.source.content_hash for path, known in current.known_files().items()}
    known_files = other.known_files()
    other.remove(
        known.document_id
        for path, known in known_files.items()
        if there.get(path) != known.source.content_hash
    )
    for root in set(other.roots()) - set(current.roots()):
        other.forget_roots(root.path)
    other.set_exclusions(current.exclusions())
    unindexed = current.unindexed()
    other.set_unindexed(
        [b"/"], [entry for path, entry in other.unindexed().items() if path in unindexed]
    )
    other.commit()
