"""A folder of documents and a corpus beside it, ingested in this process: files are read by the
extractors themselves, without the pool of workers, and vectors are those of `HashEncoder`.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.errors import EncoderError, FileError, FileSkipped
from searchapp.extract.entries import entries
from searchapp.extract.registry import WITH_SECRETS, extractor_of
from searchapp.extract.sandbox.reading import Extracted
from searchapp.extract.secrets import taking_secrets
from searchapp.filesystem.safe_open import read_file
from searchapp.ingest.pipeline import Ingest
from searchapp.testing import HashEncoder
from searchapp.types.documents import MEMBER, Outcome, Root, Source, Unindexed
from searchapp.types.protocols import Backend, Encoder
from searchapp.types.results import IngestReport
from searchapp.types.vectors import TokenVectors

if TYPE_CHECKING:
    from searchapp.types.vectors import Vector, Vectors

SETTLED_NS = 3 * 10**9  # a file this much older than its reading is not racy


class CountingEncoder:
    """A HashEncoder that remembers what it embedded, and fails where it is told to."""

    def __init__(self, *, max_tokens: int = 256, fails_on: str = "") -> None:
        self._inner = HashEncoder(max_tokens=max_tokens)
        self.identity = self._inner.identity
        self.embedded: list[str] = []
        self.fails_on = fails_on

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return self._inner.tokenize(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        if self.fails_on and any(self.fails_on in text for text in texts):
            raise EncoderError("the encoder broke")
        self.embedded += texts
        return self._inner.encode_passages(texts)

    def encode_query(self, text: str) -> Vector:
        return self._inner.encode_query(text)

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        return self._inner.token_vectors(texts)


class HereExtractor:
    """Reads files in this process, at once. `lag_ns` is how much later than now they are said to be
    read; `broken` names fail.
    """

    def __init__(
        self,
        *,
        lag_ns: int = SETTLED_NS,
        broken: Sequence[str] = (),
        on_read: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self.read: list[str] = []
        self.lost_s = 0.0
        self.parsed: list[str] = []
        self.broken = set(broken)
        self._lag_ns = lag_ns
        self._on_read = on_read

    def submit(
        self, path: bytes, refused: Mapping[bytes, Unindexed], *, with_secrets: bool = False
    ) -> Future[list[Extracted]]:
        future: Future[list[Extracted]] = Future()
        self.read.append(os.path.basename(os.fsdecode(path)))  # noqa: PTH119
        self._on_read(Path(os.fsdecode(path)))
        with taking_secrets(allowed=with_secrets) as taken:
            future.set_result(self._extract(path, refused, taken))
        return future

    def _extract(
        self, path: bytes, refused: Mapping[bytes, Unindexed], taken: list[str]
    ) -> list[Extracted]:
        name = Path(os.fsdecode(path)).name
        if name in self.broken:
            return [Extracted(unindexed=Unindexed(path, "failed", "the disk is broken here"))]
        try:
            content = read_file(path, max_bytes=2**20)
        except FileError as error:
            return [Extracted(unindexed=Unindexed(path, "failed", str(error)))]
        moment = time.time_ns() + self._lag_ns
        if known := refused.get(content.content_hash):
            source = Source(
                path,
                content.identity,
                content.content_hash,
                moment,
                known.source.extractor if known.source else "",
            )
            return [Extracted(source, None, replace(known, path=path, source=source))]
        self.parsed.append(name)
        extracted = []
        for entry in entries(content.data, name):
            where = path + (MEMBER + entry.member.encode() if entry.member else b"")
            source = Source(
                where,
                content.identity,
                entry.content_hash,
                moment,
                extractor_of(entry.document_type),
            )
            try:
                if entry.is_container:
                    extracted.append(
                        Extracted(
                            source, None, Unindexed(where, "indexed", "archive", source=source)
                        )
                    )
                else:
                    document = entry.read()
                    if taken:
                        source = replace(source, extractor=source.extractor + WITH_SECRETS)
                        taken.clear()
                    extracted.append(Extracted(source, document))
            except FileError as error:
                outcome: Outcome = "skipped" if isinstance(error, FileSkipped) else "failed"
                extracted.append(
                    Extracted(source, None, Unindexed(where, outcome, str(error), source=source))
                )
        return extracted


class HereCorpus(Corpus):
    """A corpus whose ingests read files in this process: no workers are started for them."""

    def __init__(self, backend: Backend, *, encoder: Encoder) -> None:
        super().__init__(backend, encoder=encoder)
        self._here = (backend, encoder)

    def ingest(self, *roots: Any, **options: Any) -> IngestReport:
        """As `Corpus.ingest`, but any encoder will do."""
        named = [os.fsencode(path) for paths in roots for path in paths]
        return self._ingest([Root(path) for path in named], named=named, **options)

    def _ingest(
        self, roots: Sequence[Root], *_: Any, named: Sequence[bytes] = (), **options: Any
    ) -> IngestReport:
        backend, encoder = self._here

        with closing(backend.writer()) as writer:

            def opened(*, bulk: bool) -> Encoder:  # noqa: ARG001
                if writer.encoder() is None:
                    writer.set_encoder(encoder.identity)
                return encoder

            return Ingest(writer, HereExtractor(), opened, **options).run(roots, named=named)


class House:
    """A folder of documents and a corpus beside it."""

    def __init__(self, folder: Path) -> None:
        self.docs = folder / "docs"
        self.docs.mkdir(parents=True, exist_ok=True)
        self.corpus = folder / "corpus"
        self.encoder = CountingEncoder()
        self.extractor = HereExtractor()

    def write(self, **texts: str) -> None:
        """Write files; `a_md` is a.md."""
        for name, text in texts.items():
            (self.docs / name.replace("_", ".")).write_text(text)

    def ingest(self, *roots: Path | Root, **options: Any) -> IngestReport:
        """Ingest folders (by default the house's own), and forget what was read and embedded
        before.
        """
        self.encoder.embedded.clear()
        self.extractor.read.clear()
        given = [
            root if isinstance(root, Root) else Root(os.fsencode(root))
            for root in roots or (self.docs,)
        ]
        return self.run(given, **{"named": [root.path for root in given]} | options)

    def refresh(self, **options: Any) -> IngestReport:
        return self.run([], **options)

    def run(
        self, given: Sequence[Root], *, named: Sequence[bytes] = (), **options: Any
    ) -> IngestReport:
        with closing(SqliteBackend(self.corpus).writer()) as writer:

            def opened(*, bulk: bool) -> Encoder:  # noqa: ARG001
                if writer.encoder() is None:
                    writer.set_encoder(self.encoder.identity)
                return self.encoder

            return Ingest(writer, self.extractor, opened, **options).run(given, named=named)

    def reader_of(self) -> Corpus:
        return Corpus(SqliteBackend(self.corpus), encoder=self.encoder)

    def names(self) -> list[str]:
        return [Path(os.fsdecode(row.path)).name for row in self.reader_of().documents()]

    def content(self) -> dict[str, list[tuple[object, ...]]]:
        """All that the corpus holds of each document: its passages with their vectors, by path
        below the folder of documents.
        """
        held: dict[str, list[tuple[object, ...]]] = {}
        with closing(SqliteBackend(self.corpus).reader()) as reader:
            rows = reader.database.execute(
                """SELECT d.path, d.type, d.title, p.start, p."end", p.headings, p.place, p.text_digest, v.vectors, t.text
                FROM document d JOIN passage p ON p.document_id = d.id JOIN document_text t ON t.document_id = d.id
                LEFT JOIN vectors v ON v.document_id = d.id ORDER BY d.path, p.id"""
            )
            for path, *rest in rows:
                held.setdefault(
                    os.fsdecode(os.path.relpath(path, os.fsencode(self.docs))), []
                ).append(tuple(rest))
        return held

    def sql(self, statement: str) -> None:
        """Change the stored data behind the program's back."""
        with closing(sqlite3.connect(self.corpus / "corpus.db")) as database, database:
            database.execute(statement)
