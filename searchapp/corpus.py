"""A corpus: ingest, query, and the rest that one can do with it. The two straight lines of the
program live here.

    ingest:  walk -> extract -> split -> encode -> store -> publish
    query:   encode -> search -> rank -> hydrate

Knows the seams, Encoder and Backend, and neither SQL nor FAISS nor any model; prints nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from searchapp import config
from searchapp.backends.places import backend_at, folder_of
from searchapp.backends.reading import naming_damage, reading
from searchapp.backends.writing import discard, writing
from searchapp.corpus_reading import CorpusReading, outdated
from searchapp.encoders.provider import EncoderProvider, require_same
from searchapp.errors import BadSetting, CorpusEmpty, CorpusUnwritable, Unsupported
from searchapp.humanize import did_you_mean
from searchapp.search import languages, more_like_this
from searchapp.search.lookup import passage_of
from searchapp.search.query import Query, require_mode, require_weight
from searchapp.search.searcher import Search
from searchapp.search.unmatched import unmatched_notes
from searchapp.timing import Stopwatch
from searchapp.types.protocols import Maintainable
from searchapp.types.results import Progress

if TYPE_CHECKING:
    from searchapp.ingest.collaborators import IngestOptions, OpenEncoder
    from searchapp.search.query import QueryOptions
    from searchapp.types.documents import Root
    from searchapp.types.protocols import Backend, Encoder, Reader, Writer
    from searchapp.types.results import Answer, Finding, IngestReport, Match, RepairReport
    from searchapp.types.vectors import Device, EncoderIdentity

_SETTINGS = ("mode", "weight")


class Corpus(CorpusReading):
    """Documents that can be searched by meaning."""

    def __init__(
        self,
        backend: Backend,
        *,
        cache: Path | None = None,
        encoder: Encoder | None = None,
        mode: str | None = None,
    ) -> None:
        """A corpus in a backend. Its encoder is the one given, else it is found by name and kept in
        the cache folder. `mode` ranks where neither a question nor the corpus's own settings say
        how. Raises BadSetting for one that does not exist.
        """
        if mode is not None:
            require_mode(mode, error=BadSetting)
        self._backend = backend
        self._defaults = {} if mode is None else {"mode": mode}
        self._encoders = EncoderProvider(cache=cache, encoder=encoder)

    @classmethod
    def open(
        cls,
        place: str | os.PathLike[str] | config.Settings | None = None,
        *,
        encoder: Encoder | None = None,
    ) -> Corpus:
        """The corpus at a place, which need not exist before the first ingest: a folder, or
        "memory:NAME" for one that lives as long as this process. None: the one that the command
        line would take here.

        Raises Unsupported for a place that no backend of this program serves.
        """
        chosen = place if isinstance(place, config.Settings) else config.load(corpus=place)
        backend = backend_at(chosen.place)
        return cls(backend, cache=chosen.cache, encoder=encoder, mode=chosen.mode)

    @property
    def backend(self) -> Backend:
        """Where the corpus is kept."""
        return self._backend

    @property
    def folder(self) -> Path | None:
        """The folder that the corpus is kept in, where it is in one."""
        return folder_of(self._backend)

    def reader(self) -> Reader:
        """The newest committed generation; close it soon. Raises CorpusMissing where there is
        none.
        """
        return self._backend.reader()

    def writer(self, *, for_removal: bool = False) -> Writer:
        """The one writer, to be closed; raises CorpusLocked while another holds it, and
        CorpusMissing for a removal where there is no corpus.
        """
        return self._backend.writer(for_removal=for_removal)

    # -- the first line: ingest

    def init(self) -> None:
        """Make an empty corpus where there is none."""
        self._backend.writer().close()

    def ingest(
        self,
        paths: Sequence[str | os.PathLike[str]] = (),
        *,
        model: str | None = None,
        device: Device = "auto",
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        **options: Unpack[IngestOptions],
    ) -> IngestReport:
        """Bring the documents below the paths up to date, or below all remembered roots; remembers
        the paths as roots.

        Every file is accounted for in the report; one that cannot be read does not end the run. All
        that was committed stays, whatever happens. Secrets need `WITH_SECRETS` in `exclude`.
        Raises PathMissing for a path that does not exist, OtherEncoder for a model not its own.
        """
        from searchapp.ingest.roots import named_paths, roots_at

        return self._ingest(
            roots_at(paths, include, exclude, required=not options.get("prune", False)),
            model,
            device,
            named=named_paths(paths),
            **options,
        )

    def _ingest(
        self,
        roots: Sequence[Root],
        model: str | None = None,
        device: Device = "auto",
        *,
        named: Sequence[bytes] = (),
        **options: Any,  # of Ingest
    ) -> IngestReport:
        from searchapp.extract.sandbox.pool import ExtractionPool
        from searchapp.ingest.pipeline import Ingest

        with (
            naming_damage(self._backend),
            ExtractionPool(min(os.cpu_count() or 1, 4)) as pool,
            writing(self._backend) as writer,
        ):
            open_encoder: OpenEncoder = partial(self._encoders.for_ingest, writer, model, device)
            if model is not None:  # refuse another encoder even where nothing has to be embedded
                encoder = open_encoder(bulk=True)
                open_encoder = lambda *, bulk: encoder  # noqa: ARG005, E731
            report = Ingest(writer, pool, open_encoder, **options).run(roots, named=named)
            if report.was_interrupted and not report.generation:
                discard(writer)
                return report
            with closing(self.reader()) as reader:  # first, as the writer takes the log away
                return replace(report, notes=(*report.notes, *languages.ingest_notes(reader)))

    # -- the second line: query

    def query(
        self, question: Query | str | Sequence[str] = (), **options: Unpack[QueryOptions]
    ) -> Answer:
        """The k best passages for a question, best first; never fewer while k exist that pass the
        filters.

        A question is a `Query`, or a text, or several texts, with the options of `Query.parse`.

        Raises what `Query` raises, and CorpusMissing, CorpusEmpty, DocumentMissing, PathMissing,
        EncoderError or FileFailed.
        """
        begin, watch = time.perf_counter(), Stopwatch()
        if not isinstance(question, Query):
            question = Query.parse(question, **options)
        elif options:
            raise TypeError("a Query has all its options: give it alone")
        with watch.stage("open the corpus"):
            reader = self._backend.reader()
        with naming_damage(self._backend), closing(reader):
            search, of_languages = self._search(reader, question, watch)
            with watch.stage("rank"):
                answer = search.answer(outdated=outdated(reader))
                notes = unmatched_notes(reader, question.filters, search.ranked_paths)
            return replace(
                answer,
                took_ms=(time.perf_counter() - begin) * 1000,
                notes=(*notes, *reader.notes, *answer.notes, *of_languages),
                stages_s=watch.taken_s,
                corpus_id=reader.corpus_id,
            )

    def similar(
        self,
        *,
        passage: int | None = None,
        document: int | None = None,
        **options: Unpack[QueryOptions],
    ) -> Answer:
        """The passages that are like one of the corpus, or like a whole document, best first; those
        of the same document aside. The `options` are those of `query`.

        Compares stored vectors: no file is read, and in mode cosine no encoder is opened. Raises
        Gone, PassageMissing or DocumentMissing, and as `query` does.
        """
        asked: QueryOptions = {"mode": "cosine", **options}
        asked["like_passages"] = [] if passage is None else [(passage, "")]
        asked["like_documents"] = [] if document is None else [document]
        return self.query(Query.parse(**asked))

    def why(self, question: Query, passage_id: int) -> Match:
        """A passage as the match of a question, with all that `explain` tells of it: its legs, its
        best sentence and what each of its words adds. Its rank is 0 where it is not shown.

        Costs the token states of one passage. Raises what `query` raises, Gone and PassageMissing.
        """
        with reading(self._backend) as reader:
            hit = passage_of(reader, passage_id)
            asked = replace(question, shares=True)
            search, _ = self._search(reader, asked, Stopwatch())
            return search.explained(hit)

    def _search(
        self, reader: Reader, question: Query, watch: Stopwatch
    ) -> tuple[Search, tuple[str, ...]]:
        """The search that answers a question from a reader, all of it open, and the notes on
        languages.
        """
        made_by = require_documents(reader)
        query, notes = languages.resolved(question, reader, self._defaults)
        opened = partial(self._encoders.for_query, made_by)
        if query.opens_encoder:
            self._encoders.begin(made_by, token_states=query.needs_token_states)
        examples = [more_like_this.of_file(os.fspath(p), reader, opened) for p in query.like]
        examples += [
            more_like_this.of_passage(*passage, reader, opened) for passage in query.like_passages
        ]
        examples += [more_like_this.of_document(i, reader, opened) for i in query.like_documents]
        search = Search(reader, opened, query, examples, watch)
        if query.needs_encoder:
            with watch.stage("open the vectors"):
                reader.prepare(search.question.filters)
        return search, tuple(notes)

    # -- settings

    def settings(self) -> dict[str, str]:
        """What this corpus does otherwise than by default: `mode` and `weight`, where they are
        set.
        """
        with reading(self._backend) as reader:
            return reader.settings()

    def configure(self, name: str, value: str | None) -> None:
        """Set the ranking `mode` of questions that name none, or the keyword leg's `weight`; None:
        as by default.

        Raises BadSetting for another name, or a value that makes no sense, and CorpusMissing.
        """
        if name not in _SETTINGS:
            meant = did_you_mean(name, _SETTINGS)
            raise BadSetting(f"there is no setting {name!r}{meant}", hint="settings: mode, weight")
        if value is not None:
            _require_setting(name, value)
        self._backend.reader().close()  # a writer would make a corpus where there is none
        with closing(self._backend.writer()) as writer:
            writer.set_setting(name, value)
            writer.commit()

    # -- taking out

    def remove(self, places: Sequence[str]) -> list[bytes]:
        """Take the documents at or below the given paths or globs out, and forget roots there and
        what was left out; returns their paths. What a root above would bring back is left out from
        now on, until it is named to `ingest`.

        On a full disk they leave one by one, so that as little room is needed as can be. Raises
        DocumentMissing where a place is neither a document's nor a root's, and then removes
        nothing.
        """
        try:
            with closing(self._backend.writer(for_removal=True)) as writer:
                return self._take_out(writer, places, at_once=True)
        except CorpusUnwritable:
            if not isinstance(self._backend, Maintainable):
                raise
            with self._backend.sparing_writer() as writer:
                return self._take_out(writer, places, at_once=False)

    def _take_out(self, writer: Writer, places: Sequence[str], *, at_once: bool) -> list[bytes]:
        from searchapp.ingest.exclusions import documents_at, take_out

        with reading(self._backend) as reader:
            documents = documents_at(reader, places)
        return take_out(writer, places, documents, at_once=at_once)

    def forget(self, places: Sequence[str] = ()) -> tuple[list[bytes], list[str]]:
        """Remove documents so that no byte of their text is left in any file of the corpus; without
        places, of those removed before.

        Returns their paths, and the names of the backups beside the database that had to go, as
        they held the text. Raises as `remove` does, and CorpusUnwritable where the text could not
        be cleared away yet.
        """
        backend = self._maintainable("be cleared of what was removed")
        removed = self.remove(places) if places else []
        return removed, backend.erase()

    # -- upkeep

    def check(self, *, full: bool = False) -> list[Finding]:
        """What is wrong with the corpus; empty when nothing is. A missing or stale vectors file is
        not wrong: it is a cache.
        """
        return self._maintainable("be checked").check(full=full)

    def repair(
        self,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> RepairReport | None:
        """Make a damaged corpus sound again; None where nothing is wrong.

        What is derived is derived anew, damaged documents are read again where their files stand,
        and embedded again where only their vectors were damaged; where not even their paths can be
        read, the remembered folders are read for them. What is left is `lost`. The
        database as it was found is kept in a folder of its own. Raises as `ingest` does, and
        CorpusDamaged where nothing can be made of it.
        """
        from searchapp.ingest import recovery
        from searchapp.ingest.roots import roots_at

        if not self.check(full=True):
            return None
        report = self._maintainable("be repaired").repair(self._encoders.default_identity)
        options: dict[str, Any] = {"on_progress": on_progress, "is_stopped": is_stopped}
        recovery.embed_again(
            self._backend,
            report,
            lambda writer: self._encoders.for_ingest(writer, None, "auto", bulk=True),
            **options,
        )
        if names := recovery.files_to_read(report):
            ingested = self._ingest(roots_at(names, (), (), required=True), **options)
            report.notes += recovery.failures(ingested)
        if b"" in report.lost and self.status().roots:  # paths that cannot be read any more
            recovery.take_found(report, self._ingest((), **options))
        recovery.label_again(self._backend, report.labels)
        there = {row.path for row in self.documents()}
        report.lost += [path for path in report.to_read if path not in there]
        return report

    def back_up(self, file: Path) -> Mapping[str, Any]:
        """Write the newest generation to one file; returns what it holds. Raises BackupError, and
        as `require_output` does.
        """
        backend = self._maintainable("be backed up to a file")
        self._backend.reader().close()  # which brings an old schema up to date
        self.require_output(file)
        return backend.back_up(file)

    def restore(self, file: Path) -> Mapping[str, Any]:
        """Make the corpus of a backup, where there is none yet, and check all of it; returns what
        it holds. Raises BackupError or CorpusDamaged.
        """
        return self._maintainable("be restored from a file").restore(file)

    def export(self, file: Path) -> int:
        """Write all documents in an open form; returns how many. Raises BackupError."""
        from searchapp.backends import interchange

        with reading(self._backend) as reader:
            self.require_output(file)
            return interchange.export(reader, file, notes=self.folder)

    def import_documents(
        self,
        file: Path,
        *,
        moved: Callable[[bytes], bytes] = lambda path: path,
        wants_roots: Callable[[Sequence[Root]], bool] = lambda _: False,
    ) -> Mapping[str, int]:
        """Take the documents of an export in, with their vectors, at the paths that `moved` makes
        of theirs; embeds nothing.

        A document that is here already is replaced where the exported one is of a later file.
        Labels come with what is imported, unless the document here has some by hand; folders that
        are ingested there and not here, where `wants_roots` says so. Returns how many were
        imported, unchanged and kept. Raises BackupError for a file that is not whole, or holds what
        no ingest gives, before anything is changed, and OtherEncoder.
        """
        from searchapp.backends import interchange

        header = interchange.header(file, moved=moved)
        with writing(self._backend) as writer:
            require_same(writer.encoder(), header.encoder)
            return interchange.import_documents(
                writer, header, file, self._backend, moved=moved, wants_roots=wants_roots
            )

    def require_output(self, path: Path, *, inputs: Iterable[Path] = ()) -> None:
        """Raise UsageError where a file cannot be written, or would take the place of a file of a
        corpus, of a document of this one, or of an input.
        """
        from searchapp.backends.outputs import require_output

        require_output(path, self._backend, inputs=inputs)

    def _maintainable(self, to_do: str) -> Maintainable:
        """The backend, where it can be maintained; raises Unsupported."""
        if isinstance(self._backend, Maintainable):
            return self._backend
        raise Unsupported(
            f"a corpus in {type(self._backend).__name__} cannot {to_do}",
            hint="use a corpus in a folder for that",
        )


def require_documents(reader: Reader) -> EncoderIdentity:
    """The encoder of a corpus; raises CorpusEmpty where it holds no documents."""
    if reader.encoder is None or not reader.counts()[0]:
        raise CorpusEmpty("the corpus holds no documents", hint="run: searchapp ingest PATH")
    return reader.encoder


def _require_setting(name: str, value: str) -> None:
    if name == "weight":
        require_weight(value)
    else:
        require_mode(value, error=BadSetting)
