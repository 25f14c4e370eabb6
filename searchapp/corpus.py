"""A corpus: ingest, query, and the rest that one can do with it. The two straight lines of the
program live here.

    ingest:  walk -> extract -> split -> encode -> store -> publish
    query:   encode -> search -> rank -> hydrate

Knows the seams, Encoder and Backend, and neither SQL nor FAISS nor any model; prints nothing.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp import config
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.encoders import preload
from searchapp.errors import (
    BackupError,
    BadFilter,
    BadSetting,
    CorpusEmpty,
    CorpusMissing,
    CorpusUnwritable,
    DocumentMissing,
    EmptyQuery,
    OtherEncoder,
    PathMissing,
    QueryTooLarge,
    UnknownMode,
    Unsupported,
)
from searchapp.extract.registry import extractor_of
from searchapp.filesystem.sources import standing_source
from searchapp.search import more_like_this, query_parser, ranking
from searchapp.search.searcher import Request, Search, needs_encoder
from searchapp.splitter import SPLITTER_VERSION
from searchapp.timing import Stopwatch
from searchapp.types.documents import Root, containers_of
from searchapp.types.filters import Filters
from searchapp.types.results import Answer, Progress

if TYPE_CHECKING:
    from searchapp.backends.sqlite.export import Exported
    from searchapp.ingest.pipeline import OpenEncoder
    from searchapp.types.documents import DocumentRow, Hit, KnownFile, Label
    from searchapp.types.protocols import Backend, Encoder, Maintainable, Reader, Writer
    from searchapp.types.results import Finding, IngestReport, RepairReport, Status
    from searchapp.types.vectors import Device, EncoderIdentity

DEFAULT_MODEL = "default"
_COMMIT_DOCUMENTS = 256  # of an import
_MOST_CHARACTERS, _MOST_QUESTIONS, _MOST_FILTERS = (
    50_000,
    100,
    500,
)  # of one query, so that it is answered in seconds


class Corpus:
    """Documents that can be searched by meaning."""

    def __init__(
        self, backend: Backend, *, cache: Path | None = None, encoder: Encoder | None = None
    ) -> None:
        """A corpus in a backend. Its encoder is the one given, else it is found by name and kept in
        the cache folder.
        """
        if cache is None and encoder is None:
            raise ValueError("a corpus needs an encoder, or a cache folder to keep one in")
        self._backend = backend
        self._cache = cache
        self._encoder = encoder

    @classmethod
    def open(cls, where: config.Settings | str | os.PathLike[str]) -> Corpus:
        """The corpus in a folder, which need not exist before the first ingest."""
        chosen = where if isinstance(where, config.Settings) else config.load(corpus=Path(where))
        return cls(SqliteBackend(chosen.corpus), cache=chosen.cache)

    @property
    def backend(self) -> Backend:
        """Where the corpus is kept."""
        return self._backend

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
        prune: bool = False,
        on_progress: Callable[[Progress], None] = lambda _: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> IngestReport:
        """Bring the documents below the paths up to date, or below all remembered roots; remembers
        the paths as roots.

        Every file is accounted for in the report; one that cannot be read does not end the run. All
        that was committed stays, whatever happens. Raises PathMissing for a path that does not
        exist, OtherEncoder for a model that is not the corpus's.
        """
        from searchapp.extract.sandbox.pool import ExtractionPool
        from searchapp.ingest.pipeline import Ingest

        given = [
            Root(
                os.fsencode(os.path.normpath(Path(path).absolute())), tuple(include), tuple(exclude)
            )
            for path in paths
        ]
        _require_present(given, prune=prune)
        with (
            ExtractionPool(min(os.cpu_count() or 1, 4)) as pool,
            closing(self._backend.writer()) as writer,
        ):
            open_encoder: OpenEncoder = partial(self._ingest_encoder, writer, model, device)
            if model is not None:  # refuse another encoder even where nothing has to be embedded
                encoder = open_encoder(bulk=True)
                open_encoder = lambda *, bulk: encoder  # noqa: ARG005, E731
            return Ingest(
                writer,
                pool,
                open_encoder,
                prune=prune,
                on_progress=on_progress,
                is_stopped=is_stopped,
            ).run(given)

    # -- the second line: query

    def query(
        self,
        text: str | Sequence[str] = (),
        *,
        k: int = 10,
        mode: str | None = None,
        weight: float | None = None,
        filters: Filters = Filters(),  # noqa: B008 - frozen
        away: Sequence[str] = (),
        like: Sequence[str | os.PathLike[str]] = (),
        like_passages: Sequence[tuple[int, str]] = (),
        min_score: float | None = None,
        min_confidence: float | None = None,
        per_document: int | None = None,
        collapse: bool = True,
        is_exact: bool = False,
        is_literal: bool = False,
        has_highlights: bool = False,
        has_shares: bool = False,
    ) -> Answer:
        """The k best passages for a question, best first; never fewer while k exist that pass the
        filters.

        Several texts, files to find the `like` of, and passages by id and path are fused into one
        question; `away` holds meanings to keep away. Without a mode, or a weight of the keyword
        leg, the corpus's settings count. `collapse` shows nearly the same passage once; `is_exact`
        looks at every passage, however large the corpus; `is_literal` takes quotes, `-` and
        `title:` as text.

        Raises EmptyQuery, QueryTooLarge, UnknownMode, BadFilter, BadSetting, CorpusMissing,
        CorpusEmpty, DocumentMissing, PathMissing, EncoderError or FileFailed, and ValueError for a
        k or `per_document` below 1.
        """
        begin = time.perf_counter()
        watch = Stopwatch()
        texts = [_clean(each) for each in ([text] if isinstance(text, str) else text)]
        _require_question(texts, has_examples=bool(like or like_passages))
        _require_bounds([*texts, *away], [*like, *like_passages], filters)
        _require_sense(mode, weight, (min_score, min_confidence), (k, per_document))
        with closing(self._open_reader(watch)) as reader:
            made_by = require_documents(reader)
            settings = reader.settings()
            mode = mode or settings.get("mode", ranking.MODES[0])
            parse = query_parser.literal if is_literal or mode == "cosine" else query_parser.parse
            asked = tuple(map(parse, texts))
            _require_question(
                [each.text for each in asked], has_examples=bool(like or like_passages)
            )
            request = Request(
                asked=asked,
                mode=mode,
                k=min(k, reader.counts()[1]),
                weight=float(settings.get("weight", ranking.WEIGHT)) if weight is None else weight,
                filters=filters,
                away=tuple(map(_clean, away)),
                min_score=min_score,
                min_confidence=min_confidence,
                per_document=per_document,
                collapse=collapse,
                is_exact=is_exact,
                has_highlights=has_highlights,
                has_shares=has_shares,
            )
            opened = partial(self._query_encoder, made_by)
            if needs_encoder(request):
                with watch.stage("open the vectors"):
                    self._begin_opening(made_by)
                    reader.prepare()
            shown = [more_like_this.of_file(_absolute(file), reader, opened) for file in like]
            shown += [
                more_like_this.of_passage(*passage, reader, opened) for passage in like_passages
            ]
            with watch.stage("rank"):
                answer = _answer(
                    Search(reader, opened, request.beside(shown), watch), reader, texts, begin
                )
            return replace(answer, stages_s=watch.taken_s)

    def _open_reader(self, watch: Stopwatch) -> Reader:
        with watch.stage("open the corpus"):
            return self._backend.reader()

    # -- settings

    def settings(self) -> dict[str, str]:
        """What this corpus does otherwise than by default: `mode` and `weight`, where
        they are set.
        """
        with closing(self._backend.reader()) as reader:
            return reader.settings()

    def configure(self, name: str, value: str | None) -> None:
        """Set the ranking `mode` of questions that name none, or the keyword leg's `weight`; None:
        as by default.

        Raises BadSetting for another name, or a value that makes no sense.
        """
        if name not in ("mode", "weight"):
            raise BadSetting(f"there is no setting {name!r}", hint="settings: mode, weight")
        if value is not None and name == "mode" and value not in ranking.MODES:
            raise BadSetting(
                f"there is no mode {value!r}", hint=f"modes: {', '.join(ranking.MODES)}"
            )
        if value is not None and name == "weight":
            _require_weight(value)
        with closing(self._backend.writer()) as writer:
            writer.set_setting(name, value)
            writer.commit()

    # -- the rest

    def remove(self, places: Sequence[str]) -> list[bytes]:
        """Take the documents at or below the given paths or globs out, and forget roots there and
        what was left out; returns their paths.

        On a full disk they leave one by one, so that as little room is needed as can be. Raises
        DocumentMissing where a place is neither a document's nor a root's, and then removes
        nothing.
        """
        try:
            with closing(self._backend.writer(for_removal=True)) as writer:
                return self._remove(writer, places, at_once=True)
        except CorpusUnwritable:
            with self._maintainable("be emptied on a full disk").sparing_writer() as writer:
                return self._remove(writer, places, at_once=False)

    def _remove(self, writer: Writer, places: Sequence[str], *, at_once: bool) -> list[bytes]:
        with closing(self._backend.reader()) as reader:
            removed: dict[int, bytes] = {}
            roots = [root.path for root in reader.status().roots]
            for place in places:
                filters = Filters(within=(place,))
                found = dict(
                    zip(
                        reader.document_ids(filters),
                        (row.path for row in reader.rows(filters)),
                        strict=True,
                    )
                )
                if not found and os.fsencode(place.rstrip("/")) not in roots:
                    raise DocumentMissing(f"no document at {place}", hint="see: searchapp list")
                removed |= found
        for document_id in removed:
            writer.remove([document_id])
            if not at_once:
                writer.commit()
        _forget_containers(writer, removed.values())
        for path in (os.fsencode(place.rstrip("/")) for place in places):
            writer.forget_roots(path)
            writer.set_unindexed([path], [])
        writer.commit()
        return sorted(removed.values())

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

    def documents(self, filters: Filters = Filters()) -> list[DocumentRow]:  # noqa: B008 - frozen
        """The acknowledged documents, by path; a corpus that is not there yet has none."""
        try:
            with closing(self._backend.reader()) as reader:
                return list(reader.rows(filters))
        except CorpusMissing:
            return []

    def show(self, place: str) -> tuple[DocumentRow, dict[str, str], list[Hit]]:
        """A document, its metadata and its passages. Raises DocumentMissing unless exactly one is
        at the path or glob.
        """
        filters = Filters(within=(place,))
        with closing(self._backend.reader()) as reader:
            rows = list(reader.rows(filters))
            if len(rows) != 1:
                found = f"{len(rows)} documents" if rows else "no document"
                raise DocumentMissing(
                    f"{found} at {place}", hint="name one document, as `searchapp list` shows it"
                )
            metadata, passages = reader.show(reader.document_ids(filters)[0])
            return rows[0], metadata, passages

    def status(self) -> Status:
        """The corpus at a glance."""
        with closing(self._backend.reader()) as reader:
            return replace(reader.status(), outdated=_outdated(reader))

    def check(self, *, full: bool = False) -> list[Finding]:
        """What is wrong with the corpus; empty when nothing is. A missing or stale vectors file is
        not wrong: it is a cache.
        """
        return self._maintainable("be checked").check(full=full)

    def _maintainable(self, to_do: str) -> Maintainable:
        """The backend, where it can be maintained; raises Unsupported."""
        from searchapp.types.protocols import Maintainable

        if isinstance(self._backend, Maintainable):
            return self._backend
        raise Unsupported(
            f"a corpus in {type(self._backend).__name__} cannot {to_do}",
            hint="use a corpus in a folder for that",
        )

    def repair(
        self,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> RepairReport | None:
        """Make a damaged corpus sound again; None where nothing is wrong.

        What is derived is derived anew, damaged documents are read again where their files stand,
        and embedded again where only their vectors were damaged; what is left is `lost`. The
        database as it was found is kept in a folder of its own. Raises as `ingest` does, and
        CorpusDamaged where nothing can be made of it.
        """
        if not self.check(full=True):
            return None
        found = self._maintainable("be repaired").repair(self._default_identity)
        with closing(self._backend.writer()) as writer:
            _forget_containers(writer, found.to_read)
            if writer.has_pending():
                self._embed_pending(writer, on_progress, is_stopped)
            writer.finish()
        if files := list(
            dict.fromkeys(
                os.fsdecode(file) for path in found.to_read if (file := standing_source(path))
            )
        ):
            report = self.ingest(files, on_progress=on_progress, is_stopped=is_stopped)
            found.notes += [
                f"{os.fsdecode(each.path)}: {each.reason}"
                for each in report.files
                if each.outcome == "failed"
            ]
        self._label_again(found.labels)
        found.lost += self._missing(found.to_read)
        return found

    def _label_again(self, labels: Mapping[bytes, Iterable[Label]]) -> None:
        """Give documents that were read again the labels that they had by hand."""
        if labels:
            with closing(self._backend.writer()) as writer:
                known = writer.known_files()
                for path in labels.keys() & known.keys():
                    writer.set_labels(known[path].document_id, labels[path])
                writer.commit()

    def import_documents(
        self, file: Path, *, moved: Callable[[bytes], bytes] = lambda path: path
    ) -> Mapping[str, int]:
        """Take the documents of an export in, with their vectors, at the paths that `moved` makes
        of theirs; embeds nothing.

        A document that is here already is replaced where the exported one is of a later file.
        Labels come with what is imported, unless the document here has some by hand. Returns how
        many were imported, unchanged and kept. Raises BackupError for a file that is not whole,
        before anything is changed, and OtherEncoder.
        """
        from searchapp.backends.sqlite import export

        header = export.header(file)
        counts = dict.fromkeys(("imported", "unchanged", "kept"), 0)
        with closing(self._backend.writer()) as writer:
            _require_same(writer.encoder(), header.encoder)
            if writer.encoder() is None:
                writer.set_encoder(header.encoder)
            known, labelled = writer.known_files(), self._labels_by_hand()
            for each in export.documents(file, moved=moved):
                counts[_import(writer, each, known.get(each.source.path), labelled)] += 1
                if counts["imported"] % _COMMIT_DOCUMENTS == 0:
                    writer.commit()
            for root in header.roots:
                writer.set_root(replace(root, path=moved(root.path)))
            writer.finish()
        return counts

    def _labels_by_hand(self) -> set[int]:
        """The documents that a person has labelled."""
        with closing(self._backend.reader()) as reader:
            return {
                document_id
                for document_id, labels in reader.labels().items()
                if any(each.origin == "hand" for each in labels)
            }

    def _embed_pending(
        self,
        writer: Writer,
        on_progress: Callable[[Progress], None],
        is_stopped: Callable[[], bool],
    ) -> None:
        from searchapp.ingest.indexer import Intake

        encoder = self._ingest_encoder(writer, None, "auto", bulk=True)

        def report() -> None:
            on_progress(Progress(0, 0, intake.embedded, intake.took_s, math.inf))

        with Intake(writer, encoder, on_embedded=report, is_stopped=is_stopped) as intake:
            intake.close()

    def _missing(self, paths: Iterable[bytes]) -> list[bytes]:
        """Which of the paths are no documents."""
        with closing(self._backend.reader()) as reader:
            there = {row.path for row in reader.rows(Filters())}
        return [path for path in paths if path not in there]

    def _default_identity(self) -> EncoderIdentity | None:
        if self._encoder is not None:
            return self._encoder.identity
        return self._load(DEFAULT_MODEL, "cpu", bulk=False).identity

    # -- encoders

    def _ingest_encoder(
        self, writer: Writer, model: str | None, device: Device, *, bulk: bool
    ) -> Encoder:
        made_by = writer.encoder()
        if self._encoder is not None:
            encoder = self._encoder
        elif made_by is not None and model is None:
            return self._open(made_by, device, bulk=bulk)
        else:
            encoder = self._load(model or DEFAULT_MODEL, device, bulk=bulk)
        _require_same(made_by, encoder.identity)
        if made_by is None:
            writer.set_encoder(encoder.identity)
        return encoder

    def _begin_opening(self, made_by: EncoderIdentity) -> None:
        if self._encoder is None:
            assert self._cache is not None
            preload.begin(made_by, self._cache)

    def _query_encoder(self, made_by: EncoderIdentity) -> Encoder:
        if self._encoder is None:
            assert self._cache is not None
            return preload.opened(made_by, self._cache)
        _require_same(made_by, self._encoder.identity)
        return self._encoder

    def _load(self, model: str, device: Device, *, bulk: bool) -> Encoder:
        from searchapp.encoders.loading import load_encoder

        assert self._cache is not None
        return load_encoder(model, cache=self._cache, device=device, bulk=bulk)

    def _open(self, identity: EncoderIdentity, device: Device, *, bulk: bool) -> Encoder:
        from searchapp.encoders.loading import open_encoder

        assert self._cache is not None
        return open_encoder(identity, cache=self._cache, bulk=bulk, device=device)


def _import(
    writer: Writer, exported: Exported, known: KnownFile | None, labelled: Collection[int]
) -> str:
    source = exported.source
    if known is not None and known.source.content_hash == source.content_hash:
        return "unchanged"
    if known is not None and known.source.identity.mtime_ns > source.identity.mtime_ns:
        return "kept"
    try:
        document_id = writer.replace(
            source, exported.document, exported.passages, vectors=exported.vectors
        )
        if exported.labels and (known is None or known.document_id not in labelled):
            writer.set_labels(document_id, exported.labels)
    except ValueError as error:
        raise BackupError(
            f"the export holds vectors that are none: {error}", hint="export the corpus anew"
        ) from error
    return "imported"


def _forget_containers(writer: Writer, members: Iterable[bytes]) -> None:
    """Have the containers of documents that were removed read again by the next ingest, which
    brings them back.
    """
    known = writer.known_files()
    for container in {container for path in members for container in containers_of(path)}:
        writer.set_unindexed([container], [])
        if file := known.get(container):
            writer.relocate(file.document_id, replace(file.source, hashed_at_ns=0))


def _answer(search: Search, reader: Reader, texts: Sequence[str], begin: float) -> Answer:
    matches = search.matches()
    _, _, pending, stale = reader.counts()
    request = search.request
    return Answer(
        query=" + ".join(
            [
                *texts,
                *(f"like {each.origin}" for each in request.examples),
                *(f"not {each}" for each in request.away),
            ]
        ),
        mode=request.mode,
        legs=search.legs,
        generation=reader.generation,
        matches=tuple(matches),
        took_ms=(time.perf_counter() - begin) * 1000,
        pending=pending,
        stale=stale + _outdated(reader),
        is_approximate="cosine" in search.legs and reader.is_approximate and not request.is_exact,
        notes=(
            *reader.notes,
            *search.notes,
            *(note for each in texts for note in _cut_note(each, search)),
        ),
    )


def require_documents(reader: Reader) -> EncoderIdentity:
    """The encoder of a corpus; raises CorpusEmpty where it holds no documents."""
    if reader.encoder is None or not reader.counts()[0]:
        raise CorpusEmpty("the corpus holds no documents", hint="run: searchapp ingest PATH")
    return reader.encoder


def _cut_note(text: str, search: Search) -> list[str]:
    """What to say of a question that is longer than the encoder reads."""
    if "cosine" not in search.legs or not text.strip():
        return []
    tokens, limit = len(search.encoder.tokenize([text])[0]), search.encoder.identity.max_tokens
    return (
        [f"the question has {tokens} tokens; only about the first {limit} were compared"]
        if tokens > limit
        else []
    )


def _absolute(path: str | os.PathLike[str]) -> str:
    return os.path.normpath(Path(path).expanduser().absolute())


def _clean(text: str) -> str:
    """A text that a command line gave, without bytes that are no text."""
    return text.encode("utf-8", "replace").decode()


def _require_weight(value: float | str) -> float:
    try:
        weight = float(value)
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= 1:
        raise BadSetting(
            f"{value} is no weight",
            hint="give the keyword leg's part, from 0 (meaning alone) to 1 (words alone)",
        )
    return weight


def _require_question(texts: Sequence[str], *, has_examples: bool) -> None:
    if any(not text.strip() for text in texts) or not (texts or has_examples):
        raise EmptyQuery("the query is empty", hint='ask something: searchapp query "how do I ..."')


def _require_bounds(texts: Sequence[str], examples: Sequence[object], filters: Filters) -> None:
    characters = sum(map(len, texts))
    if characters > _MOST_CHARACTERS:
        hint = (
            "ask with a sentence or two; to find the like of a text, put it into a file: "
            "--like FILE"
        )
        raise QueryTooLarge(
            f"the question has {characters:,} characters; {_MOST_CHARACTERS:,} are the most",
            hint=hint,
        )
    if len(texts) + len(examples) > _MOST_QUESTIONS:
        message = (
            f"{len(texts) + len(examples):,} questions and examples at once; "
            f"{_MOST_QUESTIONS} are the most"
        )
        raise QueryTooLarge(message, hint="ask them one after another")
    count = sum(
        map(len, (filters.within, filters.types, filters.where, filters.outside, filters.labels))
    )
    if count > _MOST_FILTERS:
        hint = "name a folder or a glob that has them all"
        raise QueryTooLarge(f"{count:,} filters; {_MOST_FILTERS} are the most", hint=hint)


def _require_present(roots: Sequence[Root], *, prune: bool) -> None:
    for root in roots:
        if not os.path.exists(root.path) and not prune:  # noqa: PTH110 - pathlib cannot hold a path that is bytes
            hint = "check the spelling; if it is gone for good, --prune removes its documents"
            raise PathMissing(f"no such file or folder: {os.fsdecode(root.path)}", hint=hint)


def _require_sense(
    mode: str | None,
    weight: float | None,
    least: tuple[float | None, float | None],
    counts: tuple[int, int | None],
) -> None:
    if mode is not None and mode not in ranking.MODES:
        raise UnknownMode(f"there is no mode {mode!r}", hint=f"modes: {', '.join(ranking.MODES)}")
    if weight is not None:
        _require_weight(weight)
    if any(count is not None and count < 1 for count in counts):
        raise ValueError("k and per_document count from 1")
    if any(number is not None and math.isnan(number) for number in least):
        raise BadFilter(
            "what a match has to reach is not a number",
            hint="give a cosine, from -1 to 1, or a confidence, from 0 to 1",
        )


def _require_same(made_by: EncoderIdentity | None, encoder: EncoderIdentity) -> None:
    if made_by is not None and made_by.fingerprint != encoder.fingerprint:
        raise OtherEncoder(
            f"this corpus was made by the encoder {made_by.model!r} ({made_by.fingerprint[:12]}), "
            f"not by {encoder.model!r} "
            f"({encoder.fingerprint[:12]}); vectors of two encoders cannot be compared",
            hint="leave --model, SEARCHAPP_MODEL or the setting out; to change the corpus's model: "
            "searchapp model use MODEL; "
            "or ingest into a new corpus with --corpus DIR --model MODEL",
        )


def _outdated(reader: Reader) -> int:
    """How many documents an older extractor or splitter made."""
    return sum(
        count
        for kind, extractor, splitter, count in reader.versions()
        if extractor != extractor_of(kind) or splitter != SPLITTER_VERSION
    )
