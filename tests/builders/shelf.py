"""A corpus of documents that are no files, for tests of what is asked of it; vectors are those of
`HashEncoder`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.extract.registry import extractor_of
from searchapp.ingest.indexer import Indexer
from searchapp.splitter.version import SPLITTER_VERSION
from searchapp.testing import HashEncoder
from searchapp.types.documents import Block, Document, FileIdentity, Source

ENCODER = HashEncoder(dim=1024)  # so many axes that no two words of these tests share one
DAY_NS = 86_400 * 10**9


class Shelf:
    """A corpus of documents that are no files: each is put in with its paragraphs, a
    passage each.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backend = SqliteBackend(folder)
        self.corpus = Corpus(self.backend, encoder=ENCODER)

    def put(
        self,
        path: str,
        *paragraphs: str,
        kind: str = "md",
        day: int = 0,
        extractor: str = "",
        has_vectors: bool = True,
    ) -> None:
        """Store a document with a heading a paragraph, h0, h1..., so that each paragraph is a
        passage.
        """
        with closing(self.backend.writer()) as writer:
            if writer.encoder() is None:
                writer.set_encoder(ENCODER.identity)
            with Indexer(
                writer, ENCODER, is_stopped=lambda: not has_vectors
            ) as indexer:  # stopped, it leaves documents pending
                indexer.add(
                    *made(path, *paragraphs, kind=kind, day=day, extractor=extractor), new=True
                )
                indexer.close()

    def put_all(self, paragraphs: Mapping[str, Sequence[str]]) -> None:
        """Store the documents of these paths, in one go."""
        with closing(self.backend.writer()) as writer:
            if writer.encoder() is None:
                writer.set_encoder(ENCODER.identity)
            with Indexer(writer, ENCODER) as indexer:
                for path, its_paragraphs in paragraphs.items():
                    indexer.add(*made(path, *its_paragraphs), new=True)
                indexer.close()

    def found(self, text: str, **options: object) -> list[tuple[str, int]]:
        """The matches of a query: file name and passage number."""
        answer = self.corpus.query(text, **options)  # type: ignore[arg-type]
        return [
            (Path(os.fsdecode(match.hit.path)).name, int(match.hit.passage.headings[0][1:]))
            for match in answer.matches
        ]


def made(
    path: str, *paragraphs: str, kind: str = "md", day: int = 0, extractor: str = ""
) -> tuple[Source, Document]:
    """A document of these paragraphs, under a heading each, and its source."""
    text, blocks = "", []
    for number, paragraph in enumerate(paragraphs):
        blocks.append(Block(len(text), len(text) + len(paragraph), "prose", (f"h{number}",)))
        text += f"{paragraph}\n\n"
    document = Document(text, kind, blocks=tuple(blocks), metadata={"author": "me"})
    source = Source(
        path.encode(),
        FileIdentity(len(text), day * DAY_NS, 0, 0),
        b"\0" * 32,
        0,
        extractor or extractor_of(kind),
        SPLITTER_VERSION,
    )
    return source, document
