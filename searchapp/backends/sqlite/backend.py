"""The Backend on this machine: a folder, written by `writer` and read by `reader`."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchapp.backends.sqlite import layout
from searchapp.backends.sqlite.connection import OldSchema
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.errors import (
    BackupError,
    CorpusDamaged,
    CorpusError,
    CorpusMissing,
    SearchappError,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

    from searchapp.backends.sqlite.new_encoding import SqliteNewEncoding
    from searchapp.backends.sqlite.writer import SqliteWriter
    from searchapp.types.diagnosis import Subject
    from searchapp.types.encodings import CorpusEncodings, OtherEncoding
    from searchapp.types.results import Finding, Problem, RepairReport
    from searchapp.types.vectors import EncoderIdentity


@dataclass(frozen=True, slots=True)
class SqliteBackend:
    """A corpus folder; implements `protocols.Backend`. The writer's libraries are imported when a
    writer is asked for.
    """

    folder: Path

    def writer(self, *, for_removal: bool = False) -> SqliteWriter:
        """The one writer; raises CorpusLocked while another holds it. Makes the folder where there
        is none, but not for a removal.
        """
        if for_removal and not (self.folder / layout.DATABASE).exists():
            raise CorpusMissing(
                f"there is no corpus at {self.folder}", hint="make one with: searchapp ingest PATH"
            )
        lock = Lock(self.folder)
        try:
            if for_removal:
                (self.folder / layout.RESERVE).unlink(missing_ok=True)
            self._require_whole_copy()
            from searchapp.backends.sqlite.writer import SqliteWriter
        except BaseException:
            lock.release()
            raise
        return SqliteWriter(self.folder, lock)

    def reader(self) -> SqliteReader:
        """The newest committed generation; a corpus with an old schema is migrated first, in a
        child process.
        """
        try:
            return SqliteReader(self.folder)
        except OldSchema:
            self._migrate()
            return SqliteReader(self.folder)

    def check(self, *, full: bool) -> list[Finding]:
        """What is wrong with the folder; empty when nothing is."""
        from searchapp.backends.sqlite.integrity import check

        return check(self.folder, full=full)

    def repair(self, find_encoder: Callable[[], EncoderIdentity | None]) -> RepairReport:
        """Put what is sound in the place of what is there, of which a copy is kept."""
        from searchapp.backends.sqlite.salvage import salvage

        return salvage(self.folder, find_encoder=find_encoder)

    @contextlib.contextmanager
    def sparing_writer(self) -> Iterator[SqliteWriter]:
        """A writer for a removal that takes as little room as possible, as the disk is full: commit
        after each document.
        """
        from searchapp.backends.sqlite.erasure import sparing

        with self.writer(for_removal=True) as writer, sparing(writer):
            yield writer

    def erase(self) -> list[str]:
        """Rewrite every file of the corpus without what was removed from it; returns the names of
        the backups that had to go for that. Raises CorpusUnwritable.
        """
        from searchapp.backends.sqlite.erasure import erase

        with self.writer(for_removal=True) as writer:
            return erase(writer)

    def back_up(self, file: Path) -> Mapping[str, Any]:
        """Write the newest generation to one file; returns what it holds. See `backup.back_up`."""
        from searchapp.backends.sqlite.backup import back_up

        self.reader().close()  # which brings an old schema up to date
        return back_up(self.folder, file)

    def restore(self, file: Path) -> Mapping[str, Any]:
        """Put a backup into this folder, which has no corpus yet, and check all of it; returns what
        it holds. See `backup.restore`.
        """
        from searchapp.backends.sqlite import restorable
        from searchapp.backends.sqlite.backup import restore

        lock = Lock(self.folder)
        try:
            manifest = restore(file, self.folder)
            from searchapp.backends.sqlite.writer import SqliteWriter
        except BaseException:
            if (self.folder / layout.DATABASE).exists():
                lock.release()
            else:
                lock.discard()
            raise
        if manifest["schema"] != layout.REVISIONS[-1]:
            SqliteWriter(self.folder, lock).close()  # which migrates
            first, lock = lock, Lock(self.folder)
            self._require_ours(file, restorable.strangeness, lock, first)
        if findings := self.check(full=True):  # before anything is made of it
            lock.release()
            raise CorpusDamaged(
                f"what was backed up was damaged: {findings[0].what}",
                hint="run: searchapp check --repair",
            )
        self._require_ours(file, restorable.forgery, lock)
        with SqliteWriter(self.folder, lock) as store:
            store.publish(is_due=True)
        return manifest

    def _require_ours(
        self, file: Path, judge: Callable[[sqlite3.Connection], str], *locks: Lock
    ) -> None:
        """Raise BackupError where what was restored is no corpus of ours; nothing of it is left."""
        from searchapp.backends.sqlite.backup import require_ours
        from searchapp.backends.sqlite.connection import open_read_only

        try:
            with contextlib.closing(open_read_only(self.folder)) as database:
                require_ours(database, file, judge)
        except BackupError:
            for name in (*layout.FILES, f"{layout.DATABASE}.backup-*"):
                for path in self.folder.glob(name):
                    path.unlink()
            for lock in locks:
                lock.discard()
            raise

    def encodings(self) -> CorpusEncodings:
        """The encoder of the corpus and the encodings beside it, as far as they can be read."""
        from searchapp.backends.sqlite import shadow

        return shadow.encodings(self.folder)

    def drop_encoding(self, model: str) -> list[OtherEncoding]:
        """Delete the other encodings by a model; returns them. See `shadow.drop`."""
        from searchapp.backends.sqlite import shadow

        return shadow.drop(self.folder, model)

    def new_encoding(self, identity: EncoderIdentity) -> SqliteNewEncoding:
        """The encoding of the corpus by another encoder, to be built, or built on."""
        from searchapp.backends.sqlite.new_encoding import SqliteNewEncoding

        return SqliteNewEncoding(self.folder, identity)

    @property
    def engine(self) -> str:
        """The name of the engine."""
        return "sqlite"

    @property
    def schema(self) -> str:
        """The schema that this program reads and writes."""
        return layout.REVISIONS[-1]

    def diagnose(self, subject: Subject, problems: list[Problem]) -> Iterator[tuple[str, str]]:
        """Facts about SQLite, the corpus or its disk. See `health`."""
        import sqlite3

        from searchapp.backends.sqlite import health

        try:
            if subject == "engine":
                yield from health.engine_facts(problems)
            elif subject == "corpus":
                yield from health.corpus_facts(self.folder, problems)
            else:
                yield from health.disk_facts(self.folder, problems)
        except sqlite3.Error as error:
            raise CorpusError(str(error)) from error

    def close_to_others(self) -> list[str]:
        """Have only their owner read and change the files; returns the names of those that others
        could. See `health`.
        """
        from searchapp.backends.sqlite.health import close_to_others

        try:
            return close_to_others(self.folder)
        except OSError as error:
            raise CorpusError(
                f"{self.folder} cannot be closed to others: {error.strerror}",
                hint="have its owner run it",
            ) from error

    def _require_whole_copy(self) -> None:
        """Raise CorpusDamaged where the folder is a copy that was made while the corpus was
        written.
        """
        try:
            with SqliteReader(self.folder) as snapshot:
                is_copy = snapshot.is_copy
        except SearchappError:
            return  # whoever opens it next will say so
        if not is_copy:
            return
        if findings := [finding for finding in self.check(full=True) if not finding.is_of_cache]:
            message = f"{self.folder} is a copy, and not a whole one: {findings[0].what}"
            raise CorpusDamaged(
                message,
                hint="copy it anew with searchapp backup and restore, or mend it: searchapp check "
                "--repair",
            )

    def _migrate(self) -> None:
        command = [sys.executable, "-P", "-m", "searchapp.backends.sqlite.writer", str(self.folder)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["unknown reason"])[-1]
            raise CorpusError(
                f"the corpus could not be brought to this program's schema: {reason}",
                hint="run: searchapp ingest",
            )
