"""Examples: what is to be found the like of, given instead of a question or beside one.

A document of the corpus, or a container of some, is compared by the mean of its stored vectors;
another file is read and embedded as if it were one, but for the texts that the corpus has vectors
of; a passage is compared by its own. What is named by its id is never read from the disk. What an
example comes from is no answer to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

import numpy as np

from searchapp.errors import FileFailed, Gone, PathMissing
from searchapp.linalg import unit
from searchapp.search.lookup import document_of, passage_of
from searchapp.types.digests import text_digest
from searchapp.types.documents import above, embedded_text
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.types.documents import Hit
    from searchapp.types.protocols import Encoder, Reader
    from searchapp.types.vectors import Vector, Vectors


class Example(NamedTuple):
    """Something to find the like of: its vector, (dim,), its text for the keyword leg, and the path
    that it comes from.
    """

    vector: Vector
    text: str
    origin: str


def of_file(path: str, reader: Reader, encoder: Callable[[], Encoder]) -> Example:
    """A file, absolute and no glob, in the corpus or not. Raises PathMissing, or FileFailed where
    nothing can be read from it.
    """
    document_ids = reader.document_ids(Filters(within=(path,)))
    is_file = os.path.isfile(path)  # noqa: PTH113 - the path may be no text
    if is_file or len(document_ids) == 1:  # of several documents in a folder none is meant
        hits = [hit for document_id in document_ids for hit in reader.show(document_id)[1]]
        origin = _stored(path, hits)
        if origin is not None:
            text = "\n".join(hit.text for hit in hits)
            return Example(_mean(hits, reader, encoder), text, origin)
    if not is_file:
        raise PathMissing(
            f"no such file: {path}", hint="name a file, or a document as `searchapp list` shows it"
        )
    texts = _read(path, encoder())
    if not texts:
        raise FileFailed(
            f"nothing to compare could be read from {path}", hint="name a file with text in it"
        )
    rows = _embedded(texts, reader, encoder)
    return Example(direction(rows.mean(axis=0)), "\n".join(texts), path)


def of_passage(
    passage_id: int, path: str, reader: Reader, encoder: Callable[[], Encoder]
) -> Example:
    """A passage of the corpus, of the document at a path; "": of whichever. Raises Gone where it is
    gone, or no longer that document's, and PassageMissing where it was never there.
    """
    hit = passage_of(reader, passage_id)
    if path not in ("", os.fsdecode(hit.path)):
        raise Gone(
            "that match is no longer in the corpus",
            hint="ask again, then name a match of the new answer",
        )
    return Example(_mean([hit], reader, encoder), hit.text, os.fsdecode(hit.path))


def of_document(document_id: int, reader: Reader, encoder: Callable[[], Encoder]) -> Example:
    """A document of the corpus. Raises Gone where it has left, and DocumentMissing where it was
    never there.
    """
    path = document_of(reader, document_id).row.path
    hits = reader.show(document_id)[1]
    text = "\n".join(hit.text for hit in hits)
    return Example(_mean(hits, reader, encoder), text, os.fsdecode(path))


def _stored(path: str, hits: Sequence[Hit]) -> str | None:
    """A path in the form of accents that the corpus has it in; None where these are passages of
    none there, but of what it matches as a glob.
    """
    places = map(os.fsdecode, above(hits[0].path) if hits else ())
    return next((place for place in places if _composed(place) == _composed(path)), None)


def _composed(path: str) -> str:
    return normalize("NFC", path)


def _mean(hits: Sequence[Hit], reader: Reader, encoder: Callable[[], Encoder]) -> Vector:
    """The direction of some passages' mean, from the stored vectors, or made now for
    those without.
    """
    rows = reader.vectors_of(np.array([hit.passage_id for hit in hits], dtype=np.int64))
    missing = np.flatnonzero(np.isnan(rows).any(axis=1))
    if len(missing):
        passages = [hits[i] for i in missing.tolist()]
        texts = [embedded_text(hit.passage.headings, hit.text) for hit in passages]
        rows[missing] = _embedded(texts, reader, encoder)
    return direction(rows.mean(axis=0))


def _embedded(texts: Sequence[str], reader: Reader, encoder: Callable[[], Encoder]) -> Vectors:
    """The vectors of texts, (n, dim): those that the corpus holds of the same texts, and made now
    for the others.
    """
    fingerprint = encoder().identity.fingerprint
    digests = [text_digest(fingerprint, text) for text in texts]
    known = reader.vectors_by_digest(digests)
    missing = {d: text for d, text in zip(digests, texts, strict=True) if d not in known}
    if missing:
        made = encoder().encode_passages(list(missing.values()))
        known |= dict(zip(missing, made, strict=True))
    return np.stack([known[digest] for digest in digests])


def direction(mean: Vector) -> Vector:
    """A vector, (dim,), in unit length; 0 stays 0."""
    return np.ascontiguousarray(unit(mean), np.float32)


def _read(path: str, encoder: Encoder) -> list[str]:
    """A file's passages as they would be embedded; of a container, those of all that it holds."""
    from searchapp.extract.sandbox.pool import ExtractionPool
    from searchapp.splitter.splitter import split

    with ExtractionPool(1) as pool:
        documents = [
            extracted.document
            for extracted in pool.submit(os.fsencode(path), with_secrets=True).result()
            if extracted.document is not None
        ]
    return [
        embedded_text(passage.headings, document.text[passage.start : passage.end])
        for document in documents
        for passage in split(document, encoder.tokenize, max_tokens=encoder.identity.max_tokens)
    ]
