"""Small corpora for the tests of the store side: documents made of numbered words, and vectors from
a seeded generator.

Knows the values and the records, and no backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from searchapp.types.digests import text_digest
from searchapp.types.documents import Document, FileIdentity, Passage, Source, embedded_text
from searchapp.types.filters import Filters
from searchapp.types.protocols import Reader, Writer
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from searchapp.types.vectors import Vector, Vectors

DIM = 24
ENCODER = EncoderIdentity("test", "f" * 64, DIM, 16)
EVERYTHING = Filters()
DAY_NS = 24 * 60 * 60 * 10**9


def source(path: str | bytes, *, mtime_ns: int = 5, content: bytes = b"") -> Source:
    """A source whose other numbers follow from its path."""
    raw = path if isinstance(path, bytes) else path.encode()
    return Source(
        raw, FileIdentity(len(raw), mtime_ns, 7, 11), content.ljust(32, b"\0"), 13, "txt/1", "1"
    )


def document(
    passages: int = 1,
    *,
    kind: str = "txt",
    title: str = "",
    word: str = "word",
    date: str = "",
    language: str = "",
) -> Document:
    """A text of one line a passage: "word 0", "word 1"..."""
    text = "\n".join(f"{word} {i}" for i in range(passages))
    said = {"date": date, "language": language}
    return Document(text, kind, title, metadata={name: said[name] for name in said if said[name]})


def passages_of(made: Document) -> list[Passage]:
    """Each line of a document as a passage."""
    found, start = [], 0
    headings = (made.title,) if made.title else ()
    for number, line in enumerate(made.text.split("\n"), 1):
        found.append(
            Passage(
                start, start + len(line), headings, (("line_start", number), ("line_end", number))
            )
        )
        start += len(line) + 1
    return found


def unit(count: int, seed: int = 0) -> Vectors:
    """Random unit rows in eight clusters, (count, DIM)."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(8, DIM))
    rows = centres[random.integers(0, 8, count)] + 0.3 * random.normal(size=(count, DIM))
    return np.ascontiguousarray(
        rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32
    )


def axis(number: int) -> Vector:
    """The unit vector along one axis."""
    row: Vector = np.eye(DIM, dtype=np.float32)[number]
    return row


def add(
    writer: Writer,
    path: str | bytes,
    made: Document,
    vectors: Vectors | None = None,
    *,
    mtime_ns: int = 5,
) -> int:
    """Store a document with its lines as passages; returns its id. Records the encoder where there
    is none.
    """
    if writer.encoder() is None:
        writer.set_encoder(ENCODER)
    return writer.replace(source(path, mtime_ns=mtime_ns), made, passages_of(made), vectors=vectors)


def digests_of(made: Document) -> list[bytes]:
    """The digests of a document's passages exactly as embedded."""
    return [
        text_digest(ENCODER.fingerprint, embedded_text(p.headings, made.text[p.start : p.end]))
        for p in passages_of(made)
    ]


def paths(
    reader: Reader, query: Vector, filters: Filters = EVERYTHING, depth: int = 1000
) -> list[bytes]:
    """The paths of the passages that answer, best first."""
    ids, _ = reader.cosine_leg(query, filters, depth)
    return [hit.path for hit in reader.hydrate(ids)]


def expected_leg(
    stored: Sequence[tuple[bytes, int, int, Vector]], query: Vector, depth: int
) -> tuple[list[int], list[float]]:
    """The oracle: of (path, start, passage id, vector), the best ids and cosines over float16 rows
    in float64, ties by path then start.
    """
    scored = []
    for path, start, passage_id, row in stored:
        cosine = np.dot(row.astype(np.float16).astype(np.float64), query.astype(np.float64))
        scored.append((-float(np.float32(cosine)), path, start, passage_id))
    best = sorted(scored)[:depth]
    return [row[3] for row in best], [-row[0] for row in best]
