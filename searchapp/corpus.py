"""A corpus: ingest, query, and the rest that one can do with it. The two straight lines of the program live here.

    ingest:  walk -> extract -> split -> encode -> store -> publish
    query:   encode -> search -> rank -> hydrate

Knows the seams, Encoder and Backend, and neither SQL nor FAISS nor any model; prints nothing.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp import rank, settings
from searchapp.errors import BadFilter, CorpusEmpty, CorpusMissing, DocumentMissing, EmptyQuery, OtherEncoder, PathMissing, UnknownMode
from searchapp.extract import extractor_of
from searchapp.local import LocalBackend
from searchapp.split import SPLITTER_VERSION, sentences
from searchapp.types import Answer, Filters, LegScore, Match, Root, containers_of, embedded_text

if TYPE_CHECKING:
    from searchapp.types import (
        Backend,
        DocumentRow,
        Encoder,
        EncoderIdentity,
        Finding,
        Hit,
        Ids,
        Progress,
        Reader,
        Report,
        Scores,
        Status,
        Vector,
        Writer,
    )

DEFAULT_MODEL = "default"


class Corpus:
    """Documents that can be searched by meaning."""

    def __init__(self, backend: Backend, *, cache: Path | None = None, encoder: Encoder | None = None) -> None:
        """A corpus in a backend. Its encoder is the one given, else it is found by name and kept in the cache folder."""
        if cache is None and encoder is None:
            raise ValueError("a corpus needs an encoder, or a cache folder to keep one in")
        self._backend = backend
        self._cache = cache
        self._encoder = encoder

    @classmethod
    def open(cls, where: settings.Settings | str | os.PathLike[str]) -> Corpus:
        """The corpus in a folder, which need not exist before the first ingest."""
        chosen = where if isinstance(where, settings.Settings) else settings.load(corpus=Path(where))
        return cls(LocalBackend(chosen.corpus), cache=chosen.cache)

    # -- the first line: ingest

    def init(self) -> None:
        """Make an empty corpus where there is none."""
        self._backend.writer().close()

    def ingest(
        self,
        paths: Sequence[str | os.PathLike[str]] = (),
        *,
        model: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        prune: bool = False,
        on_progress: Callable[[Progress], None] = lambda _: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> Report:
        """Bring the documents below the paths up to date, or below all remembered roots; remembers the paths as roots.

        Every file is accounted for in the report; one that cannot be read does not end the run. All that was committed stays,
        whatever happens. Raises PathMissing for a path that does not exist, OtherEncoder for a model that is not the corpus's.
        """
        from searchapp.extract.pool import ExtractionPool
        from searchapp.ingest import Ingest

        given = [Root(os.fsencode(os.path.normpath(Path(path).absolute())), tuple(include), tuple(exclude)) for path in paths]
        _require_present(given, prune=prune)
        with ExtractionPool(min(os.cpu_count() or 1, 4)) as pool, closing(self._backend.writer()) as writer:
            opened = cache(lambda: self._ingest_encoder(writer, model))
            if model is not None:
                opened()  # refuse another encoder even where nothing has to be embedded
            return Ingest(writer, pool, opened, prune=prune, on_progress=on_progress, is_stopped=is_stopped).run(given)

    # -- the second line: query

    def query(
        self,
        text: str,
        *,
        k: int = 10,
        mode: str = "cosine",
        filters: Filters = Filters(),  # noqa: B008 - frozen
        min_score: float | None = None,
        per_document: int | None = None,
        has_highlights: bool = False,
    ) -> Answer:
        """The k best passages for a question, best first; never fewer while k exist that pass the filters.

        Raises EmptyQuery, UnknownMode, BadFilter, CorpusMissing, CorpusEmpty or EncoderError, and ValueError for a k or `per_document`
        below 1.
        """
        begin = time.perf_counter()
        text = text.encode("utf-8", "replace").decode()  # a command line may hold bytes that are no text
        _require_sense(text, mode, k=k, per_document=per_document, min_score=min_score)
        with closing(self._backend.reader()) as reader:
            documents, _, pending, stale = reader.counts()
            if reader.encoder is None or not documents:
                raise CorpusEmpty("the corpus holds no documents", hint="run: searchapp ingest PATH")
            encoder = self._prepare(reader, reader.encoder)
            vector = encoder.encode_query(text)  # (dim,)
            ids, scores = _search(reader, vector, filters, k=k, per_document=per_document, min_score=min_score)
            matches = _matches(reader.hydrate(ids), scores)
            return Answer(
                query=text,
                mode=mode,
                legs=("cosine",),
                generation=reader.generation,
                matches=tuple(_highlighted(matches, encoder, vector) if has_highlights else matches),
                took_ms=(time.perf_counter() - begin) * 1000,
                pending=pending,
                stale=stale + _outdated(reader),
                notes=(*reader.notes, *_cut_note(text, encoder)),
            )

    # -- the rest

    def remove(self, places: Sequence[str]) -> list[bytes]:
        """Take the documents at or below the given paths or globs out, and forget roots there and what was left out; returns their paths.

        Raises DocumentMissing where a place is neither a document's nor a root's, and then removes nothing.
        """
        with closing(self._backend.reader()) as reader:
            removed: dict[int, bytes] = {}
            roots = [root.path for root in reader.status().roots]
            for place in places:
                filters = Filters(within=(place,))
                found = dict(zip(reader.document_ids(filters), (row.path for row in reader.rows(filters)), strict=True))
                if not found and os.fsencode(place.rstrip("/")) not in roots:
                    raise DocumentMissing(f"no document at {place}", hint="see: searchapp list")
                removed |= found
        with closing(self._backend.writer()) as writer:
            still_there = {known.document_id for known in writer.known_files().values()}
            removed = {document_id: path for document_id, path in removed.items() if document_id in still_there}
            writer.remove(removed)
            _forget_containers(writer, removed.values())
            for path in (os.fsencode(place.rstrip("/")) for place in places):
                writer.forget_roots(path)
                writer.set_unindexed([path], [])
            writer.commit()
        return sorted(removed.values())

    def documents(self, filters: Filters = Filters()) -> list[DocumentRow]:  # noqa: B008 - frozen
        """The acknowledged documents, by path; a corpus that is not there yet has none."""
        try:
            with closing(self._backend.reader()) as reader:
                return list(reader.rows(filters))
        except CorpusMissing:
            return []

    def show(self, place: str) -> tuple[DocumentRow, dict[str, str], list[Hit]]:
        """A document, its metadata and its passages. Raises DocumentMissing unless exactly one is at the path or glob."""
        filters = Filters(within=(place,))
        with closing(self._backend.reader()) as reader:
            rows = list(reader.rows(filters))
            if len(rows) != 1:
                found = f"{len(rows)} documents" if rows else "no document"
                raise DocumentMissing(f"{found} at {place}", hint="name one document, as `searchapp list` shows it")
            metadata, passages = reader.show(reader.document_ids(filters)[0])
            return rows[0], metadata, passages

    def status(self) -> Status:
        """The corpus at a glance."""
        with closing(self._backend.reader()) as reader:
            return replace(reader.status(), outdated=_outdated(reader))

    def check(self, *, is_full: bool = False) -> list[Finding]:
        """What is wrong with the corpus; empty when nothing is. A missing or stale vectors file is not wrong: it is a cache."""
        return self._backend.check(is_full=is_full)

    # -- encoders

    def _ingest_encoder(self, writer: Writer, model: str | None) -> Encoder:
        made_by = writer.encoder()
        if self._encoder is not None:
            encoder = self._encoder
        elif made_by is not None and model is None:
            return self._open(made_by, is_batch=True)
        else:
            encoder = self._load(model or DEFAULT_MODEL)
        _require_same(made_by, encoder.identity)
        if made_by is None:
            writer.set_encoder(encoder.identity)
        return encoder

    def _prepare(self, reader: Reader, made_by: EncoderIdentity) -> Encoder:
        """The encoder of what is read, opened while the reader opens what it needs to search."""
        with ThreadPoolExecutor(1, thread_name_prefix="open-encoder") as thread:
            opening = thread.submit(self._query_encoder, made_by)
            reader.prepare()
            return opening.result()

    def _query_encoder(self, made_by: EncoderIdentity) -> Encoder:
        if self._encoder is None:
            return self._open(made_by, is_batch=False)
        _require_same(made_by, self._encoder.identity)
        return self._encoder

    def _load(self, model: str) -> Encoder:
        from searchapp.encode import load_encoder

        assert self._cache is not None
        return load_encoder(model, cache=self._cache)

    def _open(self, identity: EncoderIdentity, *, is_batch: bool) -> Encoder:
        from searchapp.encode import open_encoder

        assert self._cache is not None
        return open_encoder(identity, cache=self._cache, is_batch=is_batch)


def _forget_containers(writer: Writer, members: Iterable[bytes]) -> None:
    """Have the containers of documents that were removed read again by the next ingest, which brings them back."""
    known = writer.known_files()
    for container in {container for path in members for container in containers_of(path)}:
        writer.set_unindexed([container], [])
        if file := known.get(container):
            writer.relocate(file.document_id, replace(file.source, hashed_at_ns=0))


def _cut_note(text: str, encoder: Encoder) -> list[str]:
    """What to say of a question that is longer than the encoder reads."""
    tokens, limit = len(encoder.tokenize([text])[0]), encoder.identity.max_tokens
    return [f"the question has {tokens} tokens; only about the first {limit} were compared"] if tokens > limit else []


def _require_present(roots: Sequence[Root], *, prune: bool) -> None:
    for root in roots:
        if not os.path.exists(root.path) and not prune:  # noqa: PTH110 - pathlib cannot hold a path that is bytes
            hint = "check the spelling; if it is gone for good, --prune removes its documents"
            raise PathMissing(f"no such file or folder: {os.fsdecode(root.path)}", hint=hint)


def _require_sense(text: str, mode: str, *, k: int, per_document: int | None, min_score: float | None) -> None:
    if not text.strip():
        raise EmptyQuery("the query is empty", hint='ask something: searchapp query "how do I ..."')
    if mode not in rank.MODES:
        raise UnknownMode(f"there is no mode {mode!r}", hint=f"modes: {', '.join(rank.MODES)}")
    if k < 1 or (per_document is not None and per_document < 1):
        raise ValueError("k and per_document count from 1")
    if min_score is not None and math.isnan(min_score):
        raise BadFilter("the least score is not a number", hint="give a cosine, from -1 to 1")


def _require_same(made_by: EncoderIdentity | None, encoder: EncoderIdentity) -> None:
    if made_by is not None and made_by.fingerprint != encoder.fingerprint:
        raise OtherEncoder(
            f"this corpus was made by the encoder {made_by.model!r} ({made_by.fingerprint[:12]}), not by {encoder.model!r} "
            f"({encoder.fingerprint[:12]}); vectors of two encoders cannot be compared",
            hint="leave --model, SEARCHAPP_MODEL or the setting out, or ingest into a new corpus with --corpus DIR --model MODEL",
        )


def _search(
    reader: Reader, vector: Vector, filters: Filters, *, k: int, per_document: int | None, min_score: float | None
) -> tuple[Ids, Scores]:
    """The chosen passages and their scores; looks deeper until there are k, or no more."""
    depth = k if per_document is None else max(100, 4 * k)
    while True:
        ids, scores = reader.leg(vector, filters, depth)
        documents = reader.documents(ids) if per_document is not None else None
        chosen = rank.choose(scores, documents, k=k, per_document=per_document, min_score=min_score)
        is_below = min_score is not None and len(scores) > 0 and float(scores[-1]) < min_score
        if len(chosen) == k or len(ids) < depth or is_below:
            return ids[chosen], scores[chosen]
        depth *= 4


def _matches(hits: Sequence[Hit], scores: Scores) -> list[Match]:
    return [
        Match(rank=i, score=score, cosine=score, legs={"cosine": LegScore(score, i)}, hit=hit)
        for i, (hit, score) in enumerate(zip(hits, scores.tolist(), strict=True), start=1)
    ]


def _highlighted(matches: Sequence[Match], encoder: Encoder, vector: Vector) -> list[Match]:
    """The matches with the most relevant sentence of each passage marked; one passage at a time, as token states are large."""
    marked = []
    for match in matches:
        text = embedded_text(match.hit.passage.headings, match.hit.text)
        [tokens] = encoder.token_vectors([text])
        span = rank.best_sentence(sentences(match.hit.text), tokens, vector, offset=len(text) - len(match.hit.text))
        marked.append(replace(match, highlights=((*span, 1.0),)) if span else match)
    return marked


def _outdated(reader: Reader) -> int:
    """How many documents an older extractor or splitter made."""
    return sum(
        count for kind, extractor, splitter, count in reader.versions() if extractor != extractor_of(kind) or splitter != SPLITTER_VERSION
    )
