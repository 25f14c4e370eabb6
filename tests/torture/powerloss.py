"""What a power cut leaves of a corpus: a simulator, and a search for a cut that loses what was
committed.

    python -m tests.torture.powerloss [--cuts N] [--seed N]

The real `SqliteWriter` writes through apsw's SQLite, whose VFS records every write, truncation, sync and
deletion of the database and its logs. A cut replays the record up to a point: what was synced
stays; of the rest, any sectors may have reached the disk. The real reader, on the standard
library's SQLite, then opens what is left, and must find exactly the last acknowledged commit or the
one in flight. The wal-index is not recorded (a cut loses it), nor is the vectors file (it is
derived). Bytes beside a torn write stay as they were: SQLite counts on that ("powersafe
overwrite"), and so does this.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sqlite3
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, partial
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import apsw

from searchapp.backends.sqlite import layout
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.errors import SearchappError
from searchapp.testing import HashEncoder
from searchapp.types.documents import Document, Label
from tests.builders.corpora import add
from tests.torture.telling import progress

if TYPE_CHECKING:
    from typing_extensions import Buffer

SECTOR = 512  # bytes that reach the disk together
CUTS_A_RECORD, ROUNDS = 200, 16
MOST_TOLD = 10  # of the cuts that did not end well
DATABASE, LOG = layout.DATABASE, f"{layout.DATABASE}-wal"
_ENCODER = HashEncoder(dim=64)
_WORDS = [
    f"{number:032b}".translate({48: "lo", 49: "ra"}) for number in range(300)
]  # long, so that texts have bytes and few words


# ---- the record ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """What a commit made durable; the digest of the corpus's own records tells any two commits
    apart.
    """

    generation: int
    digest: bytes
    documents: frozenset[
        tuple[bytes, bytes, bytes | None]
    ]  # path, digest of the content, digest of the vectors or None while pending
    labels: frozenset[tuple[bytes, str, str, float | None]]  # path, name, origin, probability


BLANK = State(0, b"", frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Create:
    """A file appears in the folder; one that was written and synced under another name has its
    content from the first.
    """

    name: str
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes are written to a file."""

    name: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file gets another size."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """A file becomes durable, and the folder with it where SQLite syncs that too."""

    name: str
    is_with_folder: bool


@dataclass(frozen=True, slots=True)
class Delete:
    """A file leaves the folder."""

    name: str
    is_with_folder: bool


@dataclass(frozen=True, slots=True)
class Committed:
    """COMMIT returned: from here on the state is acknowledged."""

    state: State


Operation = Create | Write | Truncate | Sync | Delete | Committed


@dataclass
class Trace:
    """All that happened to the database and its logs, in order."""

    synchronous: str
    seed: int
    operations: list[Operation] = field(default_factory=list)

    @cached_property
    def states(self) -> list[State]:
        """The state before all commits, and then that of each."""
        return [
            BLANK,
            *(operation.state for operation in self.operations if isinstance(operation, Committed)),
        ]

    @cached_property
    def turns(self) -> list[int]:
        """Where something else than a write happens."""
        return [
            place
            for place, operation in enumerate(self.operations)
            if not isinstance(operation, Write)
        ]

    @cached_property
    def _commits(self) -> list[int]:
        return [
            place
            for place, operation in enumerate(self.operations)
            if isinstance(operation, Committed)
        ]

    def acknowledged(self, point: int) -> int:
        """Which of the states is the last acknowledged before a point."""
        return bisect_left(self._commits, point)


# ---- the standard library's sqlite3, as far as the writer needs it, on apsw ----------------------


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        kinds = {
            apsw.ConstraintError: sqlite3.IntegrityError,
            apsw.CorruptError: sqlite3.DatabaseError,
            apsw.NotADBError: sqlite3.DatabaseError,
        }
        translated = kinds.get(type(error), sqlite3.OperationalError)(str(error))
        translated.sqlite_errorcode = getattr(error, "extendedresult", 0)
        raise translated from error


class Cursor:
    """A DB-API cursor that takes all rows at once."""

    arraysize = 1

    def __init__(self, connection: apsw.Connection, replacements: dict[str, str]) -> None:
        self._connection, self._replacements = connection, replacements
        self._cursor = connection.cursor()
        self._cursor.exec_trace = self._describe
        self._rows: Iterator[Any] = iter(())
        self.description: tuple[Any, ...] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        """Run a statement; a pragma that has a replacement gives way to it."""
        return self.executemany(self._replacements.get(statement, statement), [parameters])

    def executemany(self, statement: str, parameters: Iterable[Any]) -> Cursor:
        """Run a statement with each of the parameters."""
        rows: list[Any] = []
        changed = 0
        with _translated():
            for each in parameters:
                rows += self._cursor.execute(statement, each)
                changed += self._connection.changes()
        is_change = statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE", "REPLAC")
        self.rowcount, self.lastrowid = (
            changed if is_change else -1,
            self._connection.last_insert_rowid(),
        )
        self._rows = iter(rows)
        return self

    def fetchone(self) -> Any:
        """The next row, None behind the last."""
        return next(self._rows, None)

    def fetchmany(self, size: int = 1) -> list[Any]:
        """The next rows."""
        return list(islice(self._rows, size))

    def fetchall(self) -> list[Any]:
        """The rest of the rows."""
        return list(self._rows)

    def close(self) -> None:
        """Forget the rows."""
        self._cursor.close()

    def _describe(self, cursor: apsw.Cursor, *_: object) -> bool:
        columns = cursor.get_description()
        self.description = tuple((name, *[None] * 6) for name, _ in columns) or None
        return True


class Connection:
    """A DB-API connection that notes in the record what each COMMIT made durable."""

    isolation_level: str | None = None

    def __init__(self, path: Path, trace: Trace, replacements: dict[str, str], **_: object) -> None:
        with _translated():
            self._connection = apsw.Connection(str(path), vfs=RecordingVFS.NAME)
        self._connection.set_busy_timeout(30_000)
        self._trace, self._replacements = trace, replacements

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def cursor(self) -> Cursor:
        """A new cursor."""
        return Cursor(self._connection, self._replacements)

    def execute(self, statement: str, parameters: Any = ()) -> Cursor:
        """Run a statement in a cursor of its own."""
        return self.cursor().execute(statement, parameters)

    def create_function(
        self,
        name: str,
        arguments: int,
        function: Callable[..., Any],
        *,
        deterministic: bool = False,
    ) -> None:
        """Make a Python function known to SQL."""
        self._connection.create_scalar_function(
            name, function, arguments, deterministic=deterministic
        )

    def commit(self) -> None:
        """Commit, where there is something to, and note the state."""
        if self.in_transaction:
            with _translated():
                self._connection.execute("COMMIT")
            self._trace.operations.append(Committed(_state(self._connection.execute)))

    def rollback(self) -> None:
        """Take the open transaction back."""
        if self.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close; the last to do so writes the log back and deletes it."""
        self._connection.close()


def _state(execute: Callable[[str], Iterable[Any]]) -> State:
    ((generation, digest),) = execute("SELECT generation, digest FROM corpus")
    documents = (
        "SELECT d.path, d.content_digest, v.digest FROM document d LEFT JOIN vectors v "
        "ON v.document_id = d.id"
    )
    labels = (
        "SELECT d.path, l.name, l.origin, l.probability FROM label l JOIN document d ON d.id = "
        "l.document_id"
    )
    held = (frozenset(tuple(row) for row in execute(each)) for each in (documents, labels))
    return State(generation, digest, *held)


class RecordingVFS(apsw.VFS):
    """The system's own VFS, but what happens to the database and its logs is written down."""

    NAME = "recording"

    def __init__(self, trace: Trace) -> None:
        super().__init__(self.NAME, base="")
        self._operations = trace.operations
        self._names: set[str] = set()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        """Open a file, recorded unless it is temporary."""
        if not flags[0] & (
            apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
        ):
            return apsw.VFSFile("", name, flags)
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else str(name))
        if path.name.startswith("."):  # a new database, which gets its name once it is durable
            return apsw.VFSFile("", name, flags)
        before = path.read_bytes() if path.exists() else b""
        file = _RecordingFile(path.name, name, flags, self._operations)
        if path.name not in self._names:
            self._names.add(path.name)
            self._operations += [
                Create(path.name, before),
                *([Sync(path.name, is_with_folder=True)] if before else []),
            ]
        return file

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001, RUF100
        """Delete a file."""
        super().xDelete(filename, syncdir)
        own = Path(filename).name
        if own in self._names:
            self._names.discard(own)
            self._operations.append(Delete(own, bool(syncdir)))


class _RecordingFile(apsw.VFSFile):
    def __init__(
        self,
        own: str,
        name: str | apsw.URIFilename | None,
        flags: list[int],
        operations: list[Operation],
    ) -> None:
        super().__init__("", name, flags)
        self._own, self._operations = own, operations
        # The unix VFS syncs the folder at the first sync of a log or journal that it may have
        # created (UNIXFILE_DIRSYNC).
        is_log = flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL)
        self._is_folder_due = bool(is_log and flags[0] & apsw.SQLITE_OPEN_CREATE)

    def xWrite(self, data: Buffer, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._operations.append(Write(self._own, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._operations.append(Truncate(self._own, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._operations.append(Sync(self._own, self._is_folder_due))
        self._is_folder_due = False


# ---- the work that is recorded -------------------------------------------------------------------


def record(folder: Path, *, synchronous: str = "FULL", seed: int, rounds: int) -> Trace:
    """What happens to a new corpus's files while so many rounds of changes are committed to it, in
    several sessions.
    """
    trace, rng = Trace(synchronous, seed), random.Random(f"record {seed}")
    vfs = RecordingVFS(trace)
    replacements = {"PRAGMA synchronous = FULL": f"PRAGMA synchronous = {synchronous}"}
    reader: list[apsw.Connection] = []
    with mock.patch("sqlite3.connect", partial(Connection, trace=trace, replacements=replacements)):
        while rounds > 0:
            # Small caches write uncommitted pages into the log; short logs are written back and
            # begun again often.
            replacements["PRAGMA secure_delete = ON"] = (
                "PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = "
                f"{rng.choice((16, 64, 250, 1000))}; "
                f"PRAGMA cache_size = {rng.choice((20, 100, -2000))}"
            )
            with SqliteWriter(folder) as store:
                for _ in range(min(rounds, rng.randint(2, 9))):
                    rounds -= 1
                    _round(store, rng)
                    if rng.random() < 0.2:
                        _toggle(reader, folder)
                if rng.random() < 0.5:
                    _add(store, rng)  # and never commits it
                    store.has_pending()
    while reader:
        _toggle(reader, folder)
    vfs.unregister()
    return trace


def _round(store: SqliteWriter, rng: random.Random) -> None:
    if store.encoder() is None:
        store.set_encoder(_ENCODER.identity)
    for _ in range(rng.randint(1, 5)):
        _add(store, rng)
    for pending in store.pending()[: rng.randint(0, 5)]:
        store.attach(pending.document_id, _ENCODER.encode_passages(pending.texts))
    if rng.random() < 0.4:
        _label(store, rng)
    if rng.random() < 0.3:
        ids = [known.document_id for known in store.known_files().values()]
        store.remove(rng.sample(ids, min(len(ids), rng.randint(1, 3))))
    store.commit()
    chance = rng.random()
    if chance < 0.15:
        store.finish()
    elif chance < 0.25:
        store.publish(is_due=True)


def _add(store: SqliteWriter, rng: random.Random) -> None:
    lines = [" ".join(rng.choices(_WORDS, k=rng.randint(4, 25))) for _ in range(rng.randint(1, 6))]
    vectors = _ENCODER.encode_passages(lines) if rng.random() < 0.5 else None
    add(store, f"/somewhere/{rng.randrange(50)}", Document("\n".join(lines), "txt"), vectors)


def _label(store: SqliteWriter, rng: random.Random) -> None:
    """Label some documents, by hand or as a classifier does, in place of what was said of them."""
    ids = [known.document_id for known in store.known_files().values()]
    given = (Label(rng.choice(_WORDS)), Label(rng.choice(_WORDS), "classifier", rng.random()))
    for document_id in rng.sample(ids, min(len(ids), 4)):
        store.set_labels(document_id, rng.sample(given, rng.randint(0, 2)))


def _toggle(reader: list[apsw.Connection], folder: Path) -> None:
    """A reader that stays: it keeps the log from being written back and begun again."""
    if reader:
        with contextlib.suppress(
            apsw.IOError
        ):  # the last to close asks for a lock that a reader cannot have, and does without
            reader.pop().close()
        return
    connection = apsw.Connection(
        str(folder / DATABASE), flags=apsw.SQLITE_OPEN_READONLY, vfs=RecordingVFS.NAME
    )
    connection.execute("BEGIN")
    connection.execute("SELECT generation FROM corpus").fetchall()
    reader.append(connection)


# ---- the cut -------------------------------------------------------------------------------------


class Policy(Enum):
    """What becomes of the sectors that were not synced."""

    LOST = "all lost"
    KEPT = "all kept"
    RANDOM = "each kept by the same chance"
    LAST = "only the last ones kept"
    GARBAGE = "as by chance, and one of the last write is garbage"


class _Disk:
    """What is durable, and what is on its way there. A file is a number: a name may get another
    one.
    """

    def __init__(self) -> None:
        self.files: dict[int, bytearray] = {}
        self.names: dict[str, int] = {}
        self.unsynced: list[tuple[int, Write | Truncate]] = []
        self.unsynced_names: list[tuple[str, int | None]] = []
        self._seen: dict[str, int] = {}

    def apply(self, operation: Operation) -> None:
        match operation:
            case Write() | Truncate():
                self.unsynced.append((self._seen[operation.name], operation))
            case Create():
                file = self._seen[operation.name] = len(self.files)
                self.files[file] = bytearray(operation.content)
                self.unsynced_names.append((operation.name, file))
            case Sync():
                self._sync(self._seen[operation.name])
                self._sync_names(is_due=operation.is_with_folder)
            case Delete():
                del self._seen[operation.name]
                self.unsynced_names.append((operation.name, None))
                self._sync_names(is_due=operation.is_with_folder)

    def _sync(self, synced: int) -> None:
        for file, operation in self.unsynced:
            if file == synced:
                _do(self.files[file], operation)
        self.unsynced = [each for each in self.unsynced if each[0] != synced]

    def _sync_names(self, *, is_due: bool) -> None:
        if is_due:
            _name(self.names, self.unsynced_names)
            self.unsynced_names = []


def cut(trace: Trace, point: int, policy: Policy, rng: random.Random, target: Path) -> None:
    """Lay down in a new folder what a power cut before an operation leaves of the corpus."""
    disk = _Disk()
    for operation in trace.operations[:point]:
        disk.apply(operation)
    kept = _chances(policy, len(disk.unsynced), rng)
    sizes = {file: len(disk.files[file]) for file, _ in disk.unsynced}
    for place, (file, operation) in enumerate(disk.unsynced):
        is_torn = policy is Policy.GARBAGE and place == len(disk.unsynced) - 1
        sizes[file] = (
            operation.size
            if isinstance(operation, Truncate)
            else max(sizes[file], operation.offset + len(operation.data))
        )
        _leave(disk.files[file], operation, kept[place], rng, is_torn=is_torn)
    for file, size in sizes.items():
        if (
            policy is not Policy.KEPT and rng.random() < 0.5
        ):  # a file may have grown before its bytes came
            disk.files[file].extend(bytes(max(0, size - len(disk.files[file]))))
    target.mkdir()
    (target / layout.LOCK).touch()
    for name, file in _surviving(disk, policy, rng).items():
        (target / name).write_bytes(disk.files[file])


def _chances(policy: Policy, count: int, rng: random.Random) -> list[float]:
    """By what chance each sector of each operation is kept."""
    if policy is Policy.LAST:
        last = rng.randint(1, 8)
        return [float(place >= count - last) for place in range(count)]
    alike = {
        Policy.LOST: 0.0,
        Policy.KEPT: 1.0,
        Policy.RANDOM: rng.random(),
        Policy.GARBAGE: rng.choice((1.0, rng.random())),
    }
    return [alike[policy]] * count


def _leave(
    content: bytearray,
    operation: Write | Truncate,
    chance: float,
    rng: random.Random,
    *,
    is_torn: bool,
) -> None:
    """Do as much of an operation as the cut leaves of it."""
    if isinstance(operation, Truncate):
        if rng.random() < chance:
            _do(content, operation)
        return
    end = operation.offset + len(operation.data)
    edges = [operation.offset, *range((operation.offset // SECTOR + 1) * SECTOR, end, SECTOR), end]
    torn = rng.randrange(len(edges) - 1) if is_torn else -1
    for number, (begin, stop) in enumerate(pairwise(edges)):
        if number == torn:
            _do(content, Write(operation.name, begin, rng.randbytes(stop - begin)))
        elif rng.random() < chance:
            _do(
                content,
                Write(
                    operation.name,
                    begin,
                    operation.data[begin - operation.offset : stop - operation.offset],
                ),
            )


def _surviving(disk: _Disk, policy: Policy, rng: random.Random) -> dict[str, int]:
    """The folder after the cut: of each name's changes, the first few."""
    found = dict(disk.names)
    for name in dict.fromkeys(name for name, _ in disk.unsynced_names):
        changes = [change for change in disk.unsynced_names if change[0] == name]
        kept = {Policy.LOST: 0, Policy.KEPT: len(changes)}.get(policy, rng.randint(0, len(changes)))
        _name(found, changes[:kept])
    return found


def _do(content: bytearray, operation: Write | Truncate) -> None:
    size = operation.size if isinstance(operation, Truncate) else operation.offset
    content.extend(bytes(max(0, size - len(content))))
    if isinstance(operation, Truncate):
        del content[size:]
    else:
        content[size : size + len(operation.data)] = operation.data


def _name(names: dict[str, int], changes: Sequence[tuple[str, int | None]]) -> None:
    for name, file in changes:
        names.pop(name, None)
        if file is not None:
            names[name] = file


# ---- the verdict ---------------------------------------------------------------------------------


class Outcome(Enum):
    """What a corpus is after a cut."""

    SOUND = "sound"
    LOST = "lost"  # an acknowledged commit is gone
    DAMAGED = "damaged"  # it is as no commit left it
    UNREADABLE = "unreadable"


def verdict(trace: Trace, point: int, folder: Path) -> tuple[Outcome, str]:
    """What the reader and `check --full` make of a cut before an operation, and why."""
    try:
        with SqliteReader(folder) as snapshot:
            state = BLANK if snapshot.is_blank else _state(snapshot.database.execute)
        findings = check(folder, full=True)
    except (SearchappError, sqlite3.Error) as error:
        return Outcome.UNREADABLE, f"{type(error).__name__}: {error}".replace(str(folder), "CUT")
    acknowledged = trace.acknowledged(point)
    if findings:
        return Outcome.DAMAGED, "; ".join(finding.what for finding in findings)
    if state in trace.states[acknowledged : acknowledged + 2]:
        return Outcome.SOUND, ""
    if state in trace.states[:acknowledged]:
        return (
            Outcome.LOST,
            f"commit {trace.states.index(state)} stands, {acknowledged} was acknowledged",
        )
    return (
        Outcome.DAMAGED,
        f"generation {state.generation} is as no commit left it, {acknowledged} was acknowledged",
    )


def _taken_up(folder: Path, rng: random.Random) -> str:
    """What is wrong when the next writer commits to what a cut left; nothing: ""."""
    try:
        with SqliteWriter(folder) as store:
            _round(store, rng)
        return "; ".join(finding.what for finding in check(folder, full=True))
    except (SearchappError, sqlite3.Error) as error:
        return f"{type(error).__name__}: {error}"


@dataclass
class Sweep:
    """How many cuts ended how, and the first of those that did not end well."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    before_any_commit: int = 0  # of those that did not end well
    found: list[dict[str, object]] = field(default_factory=list)

    def note(
        self, trace: Trace, number: int, point: int, policy: Policy, outcome: Outcome, why: str
    ) -> None:
        """Take in how a cut ended."""
        self.outcomes[outcome] += 1
        if outcome is Outcome.SOUND:
            return
        self.before_any_commit += not trace.acknowledged(point)
        if len(self.found) < MOST_TOLD:
            which = {"seed": trace.seed, "number": number, "point": point, "policy": policy.name}
            self.found.append({**which, "outcome": outcome.value, "why": why})

    def summary(self) -> dict[str, object]:
        """The counts, for JSON."""
        bad = {
            outcome.value: self.outcomes[outcome]
            for outcome in Outcome
            if outcome is not Outcome.SOUND
        }
        return {
            "cuts": self.outcomes.total(),
            **bad,
            "before_any_commit": self.before_any_commit,
            "found": self.found,
        }


def sweep(
    cuts: int,
    *,
    synchronous: str = "FULL",
    seed: int = 0,
    is_told: Callable[[int], None] = lambda _: None,
) -> Sweep:
    """Cut fresh records at random points, each policy in turn, and judge what is left."""
    result = Sweep()
    with scratch() as folder:
        for first in range(0, cuts, CUTS_A_RECORD):
            trace = record(
                folder / f"record-{first}",
                synchronous=synchronous,
                seed=seed + first // CUTS_A_RECORD,
                rounds=ROUNDS,
            )
            rng = random.Random(f"points {trace.seed}")
            for number in range(first, min(first + CUTS_A_RECORD, cuts)):
                point, policy = _point(trace, rng), list(Policy)[number % len(Policy)]
                result.note(
                    trace, number, point, policy, *one(trace, point, policy, folder / "cut", number)
                )
                is_told(number + 1)
    return result


def _point(trace: Trace, rng: random.Random) -> int:
    """Any point, or as often one within three operations of where something else than a write
    happens.
    """
    if rng.random() < 0.5:
        return rng.randint(0, len(trace.operations))
    return min(max(0, rng.choice(trace.turns) + rng.randint(-3, 3)), len(trace.operations))


def one(
    trace: Trace, point: int, policy: Policy, target: Path, number: int = 0
) -> tuple[Outcome, str]:
    """Cut, judge, and clear away; the same arguments leave the same files. A tenth of them a writer
    takes up again.
    """
    rng = random.Random(f"cut {trace.seed} {point} {policy.name} {number}")
    try:
        cut(trace, point, policy, rng, target)
        outcome, why = verdict(trace, point, target)
        if outcome is Outcome.UNREADABLE:
            return outcome, f"{why}; the next writer: {_taken_up(target, rng) or 'goes on'}"
        if outcome is Outcome.SOUND and rng.random() < 0.1 and (trouble := _taken_up(target, rng)):
            return Outcome.DAMAGED, f"the next writer: {trouble}"
        return outcome, why
    finally:
        for path in target.iterdir():
            path.unlink()
        target.rmdir()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that goes again, in memory where there is a file system for that."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="powerloss-", dir=memory if memory.is_dir() else None
    ) as folder:
        yield Path(folder)


def main() -> None:
    """Cut, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description="Cut the power of a corpus, over and over.")
    parser.add_argument("--cuts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    controls = max(100, arguments.cuts // 20)
    summary = sweep(
        arguments.cuts, seed=arguments.seed, is_told=progress("cuts at FULL", arguments.cuts)
    ).summary()
    summary["controls"] = {
        level: sweep(
            controls,
            synchronous=level,
            seed=arguments.seed,
            is_told=progress(f"cuts at {level}", controls),
        ).summary()
        for level in ("NORMAL", "OFF")
    }
    summary["sqlite"] = {"writer": apsw.sqlite_lib_version(), "reader": sqlite3.sqlite_version}
    summary |= {"seed": arguments.seed, "took_s": round(time.monotonic() - began, 1)}
    print(json.dumps(summary, indent=2))


if __name__ == "__main__":
    main()
