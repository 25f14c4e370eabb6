"""Another model for a corpus: a new encoding, built beside the current one, which answers until the
new one takes its place.

The new encoding is a corpus of its own in a folder inside the corpus's, made by ordinary ingests of
the same folders with the new model: so reading, splitting, resuming and telling are the ordinary
ones, and a kept encoding is brought up to date like one that was interrupted. What an ingest cannot
read again is taken over from the stored text first, so that each document leaves by the rules of
every ingest or not at all. The corpus's lock is held for the last round alone, which finds what has
changed meanwhile.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from searchapp.backends.sqlite import shadow, swap
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.corpus import Corpus
from searchapp.errors import CorpusEmpty, CorpusError, CorpusLocked, EncoderError
from searchapp.filesystem.sources import standing_source
from searchapp.ingest.indexer import Indexer
from searchapp.splitter import SPLITTER_VERSION, split
from searchapp.types.documents import (
    RANGED,
    Block,
    Document,
    FileIdentity,
    Place,
    Root,
    Source,
    is_within,
)
from searchapp.types.encodings import ReembedReport
from searchapp.types.results import FileOutcome, Progress

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.types.protocols import Encoder
    from searchapp.types.results import IngestReport
    from searchapp.types.vectors import EncoderIdentity

Step: TypeAlias = Literal[
    "building",
    "bringing up to date",
    "checking",
    "waiting for another ingest",
    "keeping the former one",
    "switching",
    "publishing",
]

# the splitter of what was split from the stored text: an ingest that can read it does it anew
TAKEN_OVER = f"{SPLITTER_VERSION}/stored"
_COMMIT_DOCUMENTS = 256
_POLL_S = 0.2  # between looks at whether the corpus is free
_STORED = """
    SELECT d.path, d.size, d.mtime_ns, d.ctime_ns, d.inode, d.content_hash, d.hashed_at_ns, d.extractor, d.is_stale,
           d.type, d.title, d.metadata, d.has_lines, t.text
    FROM document d JOIN document_text t ON t.document_id = d.id WHERE d.id = ?"""
_PASSAGES = 'SELECT start, "end", headings, place FROM passage WHERE document_id = ? ORDER BY id'


def use(
    model: str,
    chosen: Settings,
    *,
    keep: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_step: Callable[[Step], None] = lambda _: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> ReembedReport | None:
    """Have a corpus use another model, by its name, as `reencode` does; None where it uses it
    already.

    A model that is gone from its place is found in the cache, as long as the corpus holds an
    encoding by it. Raises EncoderError where the model cannot be found, CorpusMissing and
    CorpusEmpty, beside what `reencode` raises.
    """
    current = _current(chosen.folder)
    identity = _kept_identity(model, chosen)
    if current.fingerprint == (
        identity.fingerprint if identity else _fingerprint(model, chosen.cache)
    ):
        return None
    on_step("building")
    encoder = _opened(model, identity, chosen)
    return reencode(
        chosen.folder,
        encoder,
        keep=keep,
        on_progress=on_progress,
        on_step=on_step,
        is_stopped=is_stopped,
    )


def reencode(
    folder: Path,
    encoder: Encoder,
    *,
    keep: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_step: Callable[[Step], None] = lambda _: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> ReembedReport:
    """Build the encoding of a corpus by another encoder, as far as it is not there yet, and put it
    in place of the current one.

    Queries are answered by the current encoding until then, in one transaction, by the new one from
    then on; ingests go on but for the last moments. What was built stays, whatever happens, and is
    built on the next time. `keep` keeps the former encoding, to be brought up to date and put in
    place in the same way. Raises CorpusLocked while another process builds it, or writes the corpus
    at its end, CorpusUnwritable, CorpusDamaged where the new encoding fails its check, and what an
    ingest raises.
    """
    run = _Reencoding(folder, encoder, on_progress, on_step, is_stopped)
    return run.to_the_end(keep=keep)


@dataclass
class _Reencoding:
    """One run; everything is counted from its beginning."""

    corpus: Path
    encoder: Encoder
    on_progress: Callable[[Progress], None]
    on_step: Callable[[Step], None]
    is_stopped: Callable[[], bool]
    begin_s: float = field(default_factory=time.perf_counter)
    embedded: int = 0
    left: dict[tuple[bytes, bytes], FileOutcome] = field(
        default_factory=dict
    )  # by path and content hash: not to be taken over again

    def __post_init__(self) -> None:
        self.before = _current(self.corpus)
        self.after = self.encoder.identity
        if self.before.fingerprint == self.after.fingerprint:
            raise ValueError("the corpus uses that encoder already")
        self.folder = shadow.folder_of(self.corpus, self.after.fingerprint)
        self.backend = SqliteBackend(self.folder)

    def to_the_end(self, *, keep: bool) -> ReembedReport:
        """Build, bring up to date, check, switch."""
        swap.require_room(self.corpus, copies=3 if keep else 2)
        self.round(is_first=True)
        self.on_step("bringing up to date")
        if not self.is_stopped():
            self.round()
        if not self.is_stopped():
            self.on_step("checking")  # before the lock is taken: it may take minutes
            swap.require_sound(self.folder, full=True)
        lock = self.wait_for_lock()
        if lock is None:
            return self.result(self.folder)
        try:
            self.before = _current(self.corpus)
            if self.before.fingerprint == self.after.fingerprint:
                raise CorpusError(
                    "another process has put this encoding in place meanwhile",
                    hint="nothing is left to do",
                )
            shadow.sweep(self.corpus)
            report = self.round()
            if self.is_stopped():
                return self.result(self.folder)
            joined, left = self.difference()
            self.put_in_place(keep=keep)
            self.on_step("publishing")
            with SqliteWriter(self.corpus, lock) as store:  # which gives the lock back
                store.finish()
        finally:
            lock.release()
        done = self.result(self.corpus)
        notes = (*(report.notes if report else ()), *store.notes)
        return replace(
            done, joined=joined, left=left, is_in_place=True, is_former_kept=keep, notes=notes
        )

    # -- a round

    def round(self, *, is_first: bool = False) -> IngestReport | None:
        """Bring the new encoding up to date with the corpus and the disk; None where the corpus has
        no folders to look at.
        """
        with closing(self.backend.writer()) as writer:
            roots = self.prepare(writer)
        with _locked(self.folder):
            swap.count_on(self.folder, self.corpus)
        with closing(self.backend.writer()) as writer:
            self.take_over(writer, roots, is_first=is_first)
        if self.is_stopped():
            return None
        report = self.ingest() if roots else None
        if not roots:
            self.embed()
        with closing(self.backend.writer()) as writer:
            self.part(writer, roots)
            if (
                report and not is_first
            ):  # the first round does not know yet how much of a folder is gone
                self.note_left(writer, report)
        return report

    def prepare(self, writer: SqliteWriter) -> list[Root]:
        """Make the encoding's folder, record its encoder and the corpus's roots; returns these."""
        if writer.encoder() is None:
            writer.set_encoder(self.after)
        with SqliteReader(self.corpus) as current:
            roots = list(current.status().roots)
        for root in writer.roots():
            if root not in roots:
                writer.forget_roots(root.path)
        for root in roots:
            writer.set_root(root)
        writer.commit()
        return roots

    def take_over(self, writer: SqliteWriter, roots: Sequence[Root], *, is_first: bool) -> None:
        """Store what the corpus has and this encoding has not, from the stored text; at first only
        what no ingest can read.

        It is pending then, so that the ingest that follows knows of it, and embeds it unless it
        reads it anew.
        """
        known = writer.known_files()
        with SqliteReader(self.corpus) as current:
            documents = current.database.execute(
                "SELECT id, path, content_hash, is_stale FROM document ORDER BY id"
            ).fetchall()
            for document_id, path, content_hash, is_stale in documents:
                if self.is_stopped():
                    break
                is_readable = not is_stale and _is_to_be_read(path, roots)
                if mine := known.get(
                    path
                ):  # of another version, the corpus's counts where the file cannot tell
                    is_due = mine.source.content_hash != content_hash and (
                        mine.is_stale or not is_readable
                    )
                else:
                    is_due = (path, content_hash) not in self.left and not (
                        is_first and is_readable
                    )
                if is_due:
                    self.store(writer, *_stored(current, document_id), is_stale=is_stale)
        writer.commit()

    def store(
        self, writer: SqliteWriter, source: Source, document: Document, *, is_stale: bool
    ) -> None:
        passages = split(document, self.encoder.tokenize, max_tokens=self.after.max_tokens)
        document_id = writer.replace(replace(source, splitter=TAKEN_OVER), document, passages)
        if is_stale:
            writer.mark_stale(document_id)
        if document_id % _COMMIT_DOCUMENTS == 0:
            writer.commit()

    def ingest(self) -> IngestReport:
        report = Corpus(self.backend, encoder=self.encoder).ingest(
            on_progress=self.on_progress, is_stopped=self.is_stopped
        )
        self.embedded += report.passages_embedded
        return report

    def embed(self) -> None:
        """Embed what was taken over, where there is no folder to ingest."""

        def report() -> None:
            self.on_progress(Progress(0, 0, indexer.embedded, indexer.took_s, float("inf")))

        with closing(self.backend.writer()) as writer:
            with Indexer(
                writer, self.encoder, on_embedded=report, is_stopped=self.is_stopped
            ) as indexer:
                indexer.close()
            writer.finish()
        self.embedded += indexer.embedded

    def part(self, writer: SqliteWriter, roots: Sequence[Root]) -> None:
        """Take out what the corpus has not, and what no ingest would find: it left the corpus after
        this encoding was built.
        """
        if self.is_stopped():
            return
        there = self.documents()
        gone = [
            known.document_id
            for path, known in writer.known_files().items()
            if path not in there and not _is_to_be_read(path, roots)
        ]
        writer.remove(gone)
        writer.commit()

    def note_left(self, writer: SqliteWriter, report: IngestReport) -> None:
        known, outcomes = writer.known_files(), {entry.path: entry for entry in report.files}
        for path, content_hash in self.documents().items():
            if path not in known and path in outcomes:
                self.left[path, content_hash] = outcomes[path]

    # -- the end

    def wait_for_lock(self) -> Lock | None:
        """The corpus's lock, once the ingest that holds it has ended; None where the run is to stop
        first.
        """
        is_told = False
        while not self.is_stopped():
            try:
                return Lock(self.corpus)
            except CorpusLocked:
                if not is_told:
                    self.on_step("waiting for another ingest")
                is_told = True
                time.sleep(_POLL_S)
        return None

    def difference(self) -> tuple[int, tuple[FileOutcome, ...]]:
        """How many documents have joined, and which have left, each with the reason; CorpusError
        where one has left without any.
        """
        before = self.documents()
        with closing(self.backend.writer()) as writer:
            now = writer.known_files()
        contents = {known.source.content_hash for known in now.values()}
        missing = {
            path: content
            for path, content in before.items()
            if path not in now and content not in contents
        }
        if lost := [path for path, content in missing.items() if (path, content) not in self.left]:
            message = (
                f"the new encoding lacks {len(lost)} documents of the corpus, as "
                f"{os.fsdecode(lost[0])}"
            )
            raise CorpusError(message, hint="nothing has changed; report this")
        left = tuple(self.left[path, content] for path, content in sorted(missing.items()))
        return sum(path not in before for path in now), left

    def put_in_place(self, *, keep: bool) -> None:
        """Switch to the new encoding, which is up to date. Only the switch itself changes what the
        corpus answers.
        """
        with _locked(self.folder):
            swap.make_ready(self.folder, self.corpus)
            swap.require_sound(self.folder, full=False)
            if keep:
                self.on_step("keeping the former one")
                swap.keep(self.corpus)
            self.on_step("switching")
            swap.put_in_place(self.folder, self.corpus)
            shadow.delete(self.folder)

    def documents(self) -> dict[bytes, bytes]:
        """The content hash of each document of the corpus, by path."""
        with SqliteReader(self.corpus) as current:
            return dict(current.database.execute("SELECT path, content_hash FROM document"))

    def result(self, folder: Path) -> ReembedReport:
        with SqliteReader(folder) as snapshot:
            documents, passages, pending, _ = snapshot.counts()
            generation = snapshot.generation
            taken_over = sum(
                count for _, _, splitter, count in snapshot.versions() if splitter == TAKEN_OVER
            )
        return ReembedReport(
            before=self.before,
            after=self.after,
            generation=generation,
            documents=documents - pending,
            passages=passages,
            took_s=time.perf_counter() - self.begin_s,
            embedded=self.embedded,
            taken_over=taken_over,
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = Lock(folder)
    try:
        yield
    finally:
        lock.release()


# ---- models --------------------------------------------------------------------------------------


def _current(folder: Path) -> EncoderIdentity:
    """The encoder of a corpus."""
    with closing(SqliteBackend(folder).reader()) as reader:
        if reader.encoder is None:
            raise CorpusEmpty(
                "the corpus holds no documents yet", hint="run: searchapp ingest PATH --model MODEL"
            )
        return reader.encoder


def _kept_identity(model: str, chosen: Settings) -> EncoderIdentity | None:
    """The encoder of that name that made an encoding of the corpus, where the model itself is no
    longer to be found.
    """
    try:
        _fingerprint(model, chosen.cache)
    except EncoderError:
        names = {model, str(Path(model).expanduser().resolve())}
        kept = (other.encoder for other in shadow.others(chosen.folder))
        for identity in kept:
            if identity is not None and identity.model in names:
                return identity
        raise
    return None


def _fingerprint(model: str, cache: Path) -> str:
    from searchapp.encoders.model_folder import find_model

    return find_model(model, cache=cache).fingerprint


def _opened(model: str, identity: EncoderIdentity | None, chosen: Settings) -> Encoder:
    from searchapp.encoders.loading import load_encoder, open_encoder

    if identity is not None:
        return open_encoder(identity, cache=chosen.cache, bulk=True, device=chosen.device)
    return load_encoder(model, cache=chosen.cache, device=chosen.device)


# ---- documents from their stored text ------------------------------------------------------------


def _is_to_be_read(path: bytes, roots: Sequence[Root]) -> bool:
    """Whether an ingest would find the file of a document."""
    return any(is_within(path, root.path) for root in roots) and standing_source(path) is not None


def _stored(current: SqliteReader, document_id: int) -> tuple[Source, Document]:
    """A document as it is stored, with a block for each of its passages, or for each of their lines
    where lines have places.
    """
    (
        path,
        *identity,
        content_hash,
        hashed_at_ns,
        extractor,
        _,
        kind,
        title,
        metadata,
        has_lines,
        text,
    ) = current.database.execute(_STORED, (document_id,)).fetchone()
    source = Source(path, FileIdentity(*identity), content_hash, hashed_at_ns, extractor)
    rows = current.database.execute(_PASSAGES, (document_id,))
    blocks = tuple(
        block for row in rows for block in _blocks(row, text, title, has_lines=bool(has_lines))
    )
    return source, Document(text, kind, title, blocks, bool(has_lines), json.loads(metadata))


def _blocks(row: tuple[Any, ...], text: str, title: str, *, has_lines: bool) -> Iterator[Block]:
    start, end, headings, place = row
    path = tuple(json.loads(headings))
    if (
        title.strip() and path and title.startswith(path[0])
    ):  # the title comes first in every path, cut where it is long
        path = path[1:]
    own = tuple(
        (name, value)
        for name, value in json.loads(place).items()
        if not (has_lines and name in ("line_start", "line_end"))
    )
    kind: Literal["table", "prose"] = (
        "table" if any(name.startswith("row") for name, _ in own) else "prose"
    )
    for first, last, at in _placed(text, start, end, own):
        yield Block(first, last, kind, path, at)


def _placed(text: str, start: int, end: int, place: Place) -> Iterator[tuple[int, int, Place]]:
    """A passage's parts with their places: a line each where the passage spans as many rows, cells,
    times or lines as it has lines.

    Else the whole passage with the whole of its span: true of all that is cut from it, if not as
    narrow as it could be.
    """
    values = dict(place)
    spans = [
        name
        for name in RANGED
        if f"{name}_start" in values and values[f"{name}_start"] != values.get(f"{name}_end")
    ]
    if len(spans) == 1:
        first, last = (values[f"{spans[0]}_{side}"] for side in ("start", "end"))
        lines = [*_lines(text, start, end)]
        if isinstance(first, int) and isinstance(last, int) and last - first + 1 == len(lines):
            for number, (begin, stop) in enumerate(lines, first):
                yield begin, stop, tuple(_single(place, {spans[0]: number}))
            return
    yield start, end, place if spans else tuple(_single(place, {}))


def _single(place: Place, numbers: dict[str, int]) -> Iterator[tuple[str, int | str]]:
    """A block's place, of a passage's: one value where a passage has the first and the last."""
    for name, value in place:
        base, _, side = name.rpartition("_")
        if base in RANGED and side in ("start", "end"):
            if side == "start":
                yield base, numbers.get(base, value)
        else:
            yield name, value


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The lines of a slice that hold anything, each with its line break."""
    begin = start
    for line in text[start:end].splitlines(keepends=True):
        if line.strip():
            yield begin, begin + len(line)
        begin += len(line)
