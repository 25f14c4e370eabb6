"""Examples: what is to be found the like of, given instead of a question or beside one.

A document of the corpus is compared by the mean of its stored vectors; another file is read and
embedded as if it were one; a passage is compared by its own. What an example comes from is no
answer to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from searchapp.errors import DocumentMissing, FileFailed, PathMissing
from searchapp.linalg import unit
from searchapp.types.documents import embedded_text
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.types.documents import Hit
    from searchapp.types.protocols import Encoder, Reader
    from searchapp.types.vectors import Vector


class Example(NamedTuple):
    """Something to find the like of: its vector, (dim,), its text for the keyword leg, and the path
    that it comes from.
    """

    vector: Vector
    text: str
    origin: str


def of_file(path: str, reader: Reader, encoder: Callable[[], Encoder]) -> Example:
    """A file, absolute, in the corpus or not. Raises PathMissing, or FileFailed where nothing can
    be read from it.
    """
    document_ids = reader.document_ids(Filters(within=(path,)))
    if len(document_ids) == 1:
        hits = reader.show(document_ids[0])[1]
        return Example(_mean(hits, reader, encoder), "\n".join(hit.text for hit in hits), path)
    if not os.path.isfile(path):  # noqa: PTH113 - the path may be no text
        raise PathMissing(
            f"no such file: {path}", hint="name a file, or a document as `searchapp list` shows it"
        )
    texts = _read(path, encoder())
    if not texts:
        raise FileFailed(
            f"nothing to compare could be read from {path}", hint="name a file with text in it"
        )
    return Example(direction(encoder().encode_passages(texts).mean(axis=0)), "\n".join(texts), path)


def of_passage(
    passage_id: int, path: str, reader: Reader, encoder: Callable[[], Encoder]
) -> Example:
    """A passage of the corpus. Raises DocumentMissing where it is gone, or no longer that
    document's.
    """
    try:
        hits = reader.hydrate(np.array([passage_id], dtype=np.int64))
    except KeyError:
        hits = []
    if [os.fsdecode(hit.path) for hit in hits] != [path]:
        raise DocumentMissing(
            "that match is no longer in the corpus",
            hint="ask again, then name a match of the new answer",
        )
    return Example(_mean(hits, reader, encoder), hits[0].text, path)


def _mean(hits: Sequence[Hit], reader: Reader, encoder: Callable[[], Encoder]) -> Vector:
    """The direction of some passages' mean, from the stored vectors, or made now for
    those without.
    """
    rows = reader.vectors_of(np.array([hit.passage_id for hit in hits], dtype=np.int64))
    if np.isnan(rows).any():
        rows = encoder().encode_passages(
            [embedded_text(hit.passage.headings, hit.text) for hit in hits]
        )
    return direction(rows.mean(axis=0))


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
            for extracted in pool.submit(os.fsencode(path)).result()
            if extracted.document is not None
        ]
    return [
        embedded_text(passage.headings, document.text[passage.start : passage.end])
        for document in documents
        for passage in split(document, encoder.tokenize, max_tokens=encoder.identity.max_tokens)
    ]
