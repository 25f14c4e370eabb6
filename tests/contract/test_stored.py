"""What every backend says of all that it stores of a document, and what it may refuse to do."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.errors import Unsupported
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.types.documents import Document, Label
from searchapp.types.filters import Filters
from searchapp.types.protocols import Backend, Maintainable
from tests.builders.corpora import ENCODER, EVERYTHING, add, document, passages_of, source, unit


@pytest.fixture(params=["local", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    return SqliteBackend(tmp_path / "corpus") if request.param == "local" else MemoryBackend()


def test_documents_come_by_path_with_all_that_is_stored_of_them(backend: Backend) -> None:
    metadata = {"author": "Ann", "date": "2021-02-03"}
    made = replace(document(3, kind="md", title="On b"), metadata=metadata, has_lines=False)
    labels = (Label("a", "classifier", 0.5), Label("b"))
    with closing(backend.writer()) as writer:
        writer.set_encoder(ENCODER)
        pending = add(writer, "/b", document(2))
        known = replace(source("/a"), extractor="md/7", splitter="3", hashed_at_ns=9)
        complete = writer.replace(known, made, passages_of(made), vectors=unit(3))
        writer.set_labels(complete, reversed(labels))
        writer.commit()
        assert pending < complete
    with closing(backend.reader()) as reader:
        first, second = reader.stored(EVERYTHING)
        assert (first.source, first.document, first.passages) == (
            known,
            Document(made.text, "md", made.title, has_lines=False, metadata=metadata),
            tuple(passages_of(made)),
        )
        assert first.labels == labels
        assert first.vectors is not None
        assert first.vectors.dtype == np.float32
        assert np.array_equal(first.vectors, unit(3).astype(np.float16).astype(np.float32))
        assert (second.source.path, second.vectors, second.labels) == (b"/b", None, ())
        assert [one.source.path for one in reader.stored(Filters(types=("md",)))] == [b"/a"]
        assert list(reader.stored(Filters(within=("/none",)))) == []


def test_a_corpus_without_a_document_stores_none(backend: Backend) -> None:
    backend.writer().close()
    with closing(backend.reader()) as reader:
        assert list(reader.stored(EVERYTHING)) == []


def test_a_backend_says_whether_it_can_be_maintained(backend: Backend) -> None:
    assert isinstance(backend, Maintainable) == isinstance(backend, SqliteBackend)


def test_what_a_backend_cannot_do_is_refused_with_a_code_and_a_hint() -> None:
    corpus = Corpus(MemoryBackend(), encoder=HashEncoder())
    for do in (corpus.check, corpus.repair, corpus.forget):
        with pytest.raises(Unsupported, match="a corpus in MemoryBackend cannot be ") as refusal:
            do()
        assert refusal.value.code == "unsupported"
        assert refusal.value.hint
