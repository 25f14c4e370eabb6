"""Another model for a corpus: a new encoding, built beside the current one, which answers until the
new one takes its place.

The new encoding is a corpus of its own, made by ordinary ingests of the same folders with the new
model: so reading, splitting, resuming and reporting are the ordinary ones, and a kept encoding is
brought up to date like one that was interrupted. What an ingest cannot read again is taken over
from the stored text first, so that each document leaves by the rules of every ingest or not at all.
The corpus is locked for the last round alone, which finds what has changed meanwhile. Knows no
backend: what it needs of one is `types.encodings.NewEncoding`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from searchapp.corpus import Corpus
from searchapp.errors import CorpusEmpty, CorpusError, CorpusLocked, EncoderError
from searchapp.filesystem.sources import standing_source
from searchapp.ingest.indexer import Indexer
from searchapp.maintenance.encodings import encodings_of, require_encoding_store
from searchapp.maintenance.stored_blocks import document_with_blocks
from searchapp.splitter.splitter import split
from searchapp.splitter.version import SPLITTER_VERSION
from searchapp.types.documents import Root, StoredDocument, is_within
from searchapp.types.encodings import EncodingSwap, ReembedReport, SwapStep
from searchapp.types.filters import Filters
from searchapp.types.results import FileOutcome, Progress

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.types.protocols import Backend, Encoder, Writer
    from searchapp.types.results import IngestReport
    from searchapp.types.vectors import EncoderIdentity

Step: TypeAlias = (
    Literal[
        "building", "bringing up to date", "checking", "waiting for another ingest", "publishing"
    ]
    | SwapStep
)

# the splitter of what was split from the stored text: an ingest that can read it does it anew
TAKEN_OVER = f"{SPLITTER_VERSION}/stored"
_COMMIT_DOCUMENTS = 256
_POLL_S = 0.2  # between looks at whether the corpus is free


def use_model(
    model: str,
    chosen: Settings,
    *,
    keep: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_step: Callable[[Step], None] = lambda _: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> ReembedReport | None:
    """Have a corpus use another model, by its name, as `reembed` does; None where it uses it
    already.

    A model that is gone from its place is found in the cache, as long as the corpus holds an
    encoding by it. Raises EncoderError where the model cannot be found, CorpusMissing and
    CorpusEmpty, beside what `reembed` raises.
    """
    backend = Corpus.open(chosen).backend
    current = _current(backend)
    identity = _kept_identity(model, backend, chosen.cache)
    if current.fingerprint == (
        identity.fingerprint if identity else _fingerprint(model, chosen.cache)
    ):
        return None
    on_step("building")
    encoder = _opened(model, identity, chosen)
    return reembed(
        backend,
        encoder,
        keep=keep,
        on_progress=on_progress,
        on_step=on_step,
        is_stopped=is_stopped,
    )


def reembed(
    backend: Backend,
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
    at its end, CorpusUnwritable, CorpusDamaged where the new encoding fails its check, Unsupported
    where the backend keeps only one encoding, and what an ingest raises.
    """
    run = _Reembedding(backend, encoder, on_progress, on_step, is_stopped)
    return run.to_the_end(keep=keep)


@dataclass
class _Reembedding:
    """One run; everything is counted from its beginning."""

    corpus: Backend
    encoder: Encoder
    on_progress: Callable[[Progress], None]
    on_step: Callable[[Step], None]
    is_stopped: Callable[[], bool]
    begin_s: float = field(default_factory=time.perf_counter)
    embedded: int = 0
    # by path and content hash: not to be taken over again
    left: dict[tuple[bytes, bytes], FileOutcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.before = _current(self.corpus)
        self.after = self.encoder.identity
        if self.before.fingerprint == self.after.fingerprint:
            raise ValueError("the corpus uses that encoder already")
        self.new = require_encoding_store(self.corpus).new_encoding(self.after)

    def to_the_end(self, *, keep: bool) -> ReembedReport:
        """Build, bring up to date, check, switch."""
        self.new.require_room(keep=keep)
        self.round(first=True)
        self.on_step("bringing up to date")
        if not self.is_stopped():
            self.round()
        if not self.is_stopped():
            self.on_step("checking")  # before the lock is taken: it may take minutes
            self.new.require_sound()
        swap = self.wait_for_lock()
        if swap is None:
            return self.result(self.new.backend)
        try:
            self.before = _current(self.corpus)
            if self.before.fingerprint == self.after.fingerprint:
                raise CorpusError(
                    "another process has put this encoding in place meanwhile",
                    hint="nothing is left to do",
                )
            report = self.round()
            if self.is_stopped():
                return self.result(self.new.backend)
            joined, left = self.difference()
            swap.put_in_place(keep=keep, on_step=self.on_step)
            self.on_step("publishing")
            published = swap.publish()
        finally:
            swap.release()
        done = self.result(self.corpus)
        notes = (*(report.notes if report else ()), *published)
        return replace(
            done, joined=joined, left=left, is_in_place=True, is_former_kept=keep, notes=notes
        )

    # -- a round

    def round(self, *, first: bool = False) -> IngestReport | None:
        """Bring the new encoding up to date with the corpus and the disk; None where the corpus has
        no folders to look at.
        """
        with closing(self.new.backend.writer()) as writer:
            roots = self.prepare(writer)
        self.new.reserve_ids()
        with closing(self.new.backend.writer()) as writer:
            self.take_over(writer, roots, first=first)
        if self.is_stopped():
            return None
        report = self.ingest() if roots else None
        if not roots:
            self.embed()
        with closing(self.new.backend.writer()) as writer:
            self.remove_departed(writer, roots)
            if (
                report and not first
            ):  # the first round does not know yet how much of a folder is gone
                self.note_left(writer, report)
        return report

    def prepare(self, writer: Writer) -> list[Root]:
        """Make the encoding's folder, record its encoder and the corpus's roots; returns these."""
        if writer.encoder() is None:
            writer.set_encoder(self.after)
        with closing(self.corpus.reader()) as current:
            status = current.status()
        roots = list(status.roots)
        for root in writer.roots():
            if root not in roots:
                writer.forget_roots(root.path)
        for root in roots:
            writer.set_root(root)
        writer.set_exclusions(status.exclusions)
        writer.commit()
        return roots

    def take_over(self, writer: Writer, roots: Sequence[Root], *, first: bool) -> None:
        """Store from the stored text what the corpus has and this encoding lacks; at first only
        what no ingest can read.

        It is pending then, so that the ingest that follows knows it, and embeds it unless it reads
        it again.
        """
        known = writer.known_files()
        contents = self.new.contents()
        due: dict[bytes, bool] = {}  # whether each is stale, by path
        with closing(self.corpus.reader()) as current:
            for path, (content_hash, is_stale) in contents.items():
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
                    is_due = (path, content_hash) not in self.left and not (first and is_readable)
                if is_due:
                    due[path] = is_stale
            for stored in current.stored(Filters()) if due else ():
                if self.is_stopped():
                    break
                if stored.source.path in due:
                    self.store(writer, stored, is_stale=due[stored.source.path])
        writer.commit()

    def store(self, writer: Writer, stored: StoredDocument, *, is_stale: bool) -> None:
        document = document_with_blocks(stored)
        passages = split(document, self.encoder.tokenize, max_tokens=self.after.max_tokens)
        document_id = writer.replace(
            replace(stored.source, splitter=TAKEN_OVER), document, passages
        )
        if is_stale:
            writer.mark_stale(document_id)
        if document_id % _COMMIT_DOCUMENTS == 0:
            writer.commit()

    def ingest(self) -> IngestReport:
        report = Corpus(self.new.backend, encoder=self.encoder).ingest(
            on_progress=self.on_progress, is_stopped=self.is_stopped
        )
        self.embedded += report.passages_embedded
        return report

    def embed(self) -> None:
        """Embed what was taken over, where there is no folder to ingest."""

        def report() -> None:
            self.on_progress(Progress(0, 0, indexer.embedded, indexer.took_s, float("inf")))

        with closing(self.new.backend.writer()) as writer:
            with Indexer(
                writer, self.encoder, on_embedded=report, is_stopped=self.is_stopped
            ) as indexer:
                indexer.close()
            writer.finish()
        self.embedded += indexer.embedded

    def remove_departed(self, writer: Writer, roots: Sequence[Root]) -> None:
        """Remove the documents that left the corpus after this encoding was built, where no ingest
        would find that out.
        """
        if self.is_stopped():
            return
        there = self.new.contents()
        gone = [
            known.document_id
            for path, known in writer.known_files().items()
            if path not in there and not _is_to_be_read(path, roots)
        ]
        writer.remove(gone)
        writer.commit()

    def note_left(self, writer: Writer, report: IngestReport) -> None:
        known, outcomes = writer.known_files(), {entry.path: entry for entry in report.files}
        for path, (content_hash, _) in self.new.contents().items():
            if path not in known and path in outcomes:
                self.left[path, content_hash] = outcomes[path]

    # -- the end

    def wait_for_lock(self) -> EncodingSwap | None:
        """The corpus's lock, once the ingest that holds it has ended; None where the run is to stop
        first.
        """
        is_told = False
        while not self.is_stopped():
            try:
                return self.new.lock()
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
        before = {path: content for path, (content, _) in self.new.contents().items()}
        with closing(self.new.backend.writer()) as writer:
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

    def result(self, backend: Backend) -> ReembedReport:
        with closing(backend.reader()) as reader:
            documents, passages, pending, _ = reader.counts()
            generation = reader.generation
            taken_over = sum(
                count for _, _, splitter, count in reader.versions() if splitter == TAKEN_OVER
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


# ---- models --------------------------------------------------------------------------------------


def _current(backend: Backend) -> EncoderIdentity:
    """The encoder of a corpus."""
    with closing(backend.reader()) as reader:
        if reader.encoder is None:
            raise CorpusEmpty(
                "the corpus holds no documents yet", hint="run: searchapp ingest PATH --model MODEL"
            )
        return reader.encoder


def _kept_identity(model: str, backend: Backend, cache: Path) -> EncoderIdentity | None:
    """The encoder of that name that made an encoding of the corpus, where the model itself is no
    longer to be found.
    """
    try:
        _fingerprint(model, cache)
    except EncoderError:
        names = {model, str(Path(model).expanduser().resolve())}
        encoders = (other.encoder for other in encodings_of(backend).others)
        for identity in encoders:
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


def _is_to_be_read(path: bytes, roots: Sequence[Root]) -> bool:
    """Whether an ingest would find the file of a document."""
    return any(is_within(path, root.path) for root in roots) and standing_source(path) is not None
