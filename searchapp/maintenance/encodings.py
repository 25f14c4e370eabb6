"""The encodings of a corpus for those who list, choose or delete them.

A backend that keeps only one encoding lists that one and refuses the rest. Knows no backend.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from searchapp.errors import CorpusError, Unsupported
from searchapp.types.encodings import CorpusEncodings, EncodingStore, OtherEncoding

if TYPE_CHECKING:
    from searchapp.types.protocols import Backend


def encodings_of(backend: Backend) -> CorpusEncodings:
    """The encoder of the corpus and the encodings beside it; none where the corpus cannot be
    read.
    """
    if isinstance(backend, EncodingStore):
        return backend.encodings()
    try:
        with closing(backend.reader()) as reader:
            return CorpusEncodings(reader.encoder)
    except CorpusError:
        return CorpusEncodings()


def drop_encoding(backend: Backend, model: str) -> list[OtherEncoding]:
    """Delete the encodings by a model that are kept or half built; returns them. Raises
    EncoderError where there is none.
    """
    return require_encoding_store(backend).drop_encoding(model)


def require_encoding_store(backend: Backend) -> EncodingStore:
    """The backend as one that keeps several encodings; raises Unsupported where it cannot."""
    if isinstance(backend, EncodingStore):
        return backend
    raise Unsupported(
        f"a corpus in {type(backend).__name__} cannot keep the encodings of two models",
        hint="use a corpus in a folder for that, or ingest into a new corpus with --model MODEL",
    )
