"""What every backend says of one document or passage, named by its id, and of a page of documents."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.errors import DocumentMissing, Gone, PassageMissing
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.types.documents import Label
from searchapp.types.filters import Filters
from searchapp.types.protocols import Backend, Reader
from tests.builders.corpora import EVERYTHING, add, axis, document, unit


@pytest.fixture(params=["local", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    made: Backend = (
        SqliteBackend(tmp_path / "corpus") if request.param == "local" else MemoryBackend()
    )
    made.writer().close()
    return made


def ids_of(reader: Reader, document_id: int) -> list[int]:
    return [hit.passage_id for hit in reader.show(document_id)[1]]


def test_a_document_comes_by_its_id_with_its_metadata(backend: Backend) -> None:
    made = replace(document(3, kind="md", title="On a"), metadata={"author": "Änn"})
    with closing(backend.writer()) as writer:
        pending = add(writer, "/b", document())
        wanted = add(writer, "/a", made, unit(3))
        writer.set_labels(wanted, [Label("x", "classifier", 0.5), Label("b")])
        writer.commit()
    with closing(backend.reader()) as reader:
        rows = {row.id: row for row in reader.rows(EVERYTHING)}
        opened = reader.document(wanted)
        assert opened is not None
        assert opened.row == rows[wanted]
        assert (opened.row.path, opened.row.labels[0]) == (b"/a", Label("b"))
        assert (dict(opened.metadata), opened.generation) == ({"author": "Änn"}, reader.generation)
        assert [row.id for row in reader.rows_of([pending, wanted, 99])] == [wanted, pending]
        assert reader.rows_of([wanted]) == [rows[wanted]]
        assert (reader.rows_of([]), reader.document(99)) == ([], None)


def test_a_passage_comes_between_its_neighbours(backend: Backend) -> None:
    with closing(backend.writer()) as writer:
        add(writer, "/before", document(4, word="x"), unit(4))
        wanted = add(writer, "/a", document(5, word="größe 🂡 a", title="T"), unit(5))
        add(writer, "/z", document(4, word="y"), unit(4))
        writer.commit()
    with closing(backend.reader()) as reader:
        hits = reader.show(wanted)[1]
        first, *_, last = (hit.passage_id for hit in hits)
        assert reader.passages_around(first + 2, 1, 2) == hits[1:]
        assert reader.passages_around(first + 2, 0, 0) == [hits[2]]
        assert reader.passages_around(first, 2, 1) == hits[:2]
        assert reader.passages_around(last, 2**62, 2**62) == hits
        assert (reader.passages_around(0, 9, 9), reader.passages_around(99, 99, 9)) == ([], [])


def test_a_text_is_cut_at_code_points(backend: Backend) -> None:
    made = document(40, word="größe 🂡")
    with closing(backend.writer()) as writer:
        wanted = add(writer, "/a", made)
        writer.commit()
    with closing(backend.reader()) as reader:
        for start, end in [
            (0, 5),
            (7, 8),
            (3, 3),
            (9, 2),
            (100, 2**31),
            (100, 2**62),
            (9999, 10**4),
        ]:
            assert reader.text(wanted, start, end) == made.text[start : max(start, end)]
        assert reader.text(wanted, 2**40, 2**41) == ""
        assert reader.text(99, 0, 1) is None


def test_documents_come_a_page_at_a_time(backend: Backend) -> None:
    with closing(backend.writer()) as writer:
        for number in range(7):
            add(writer, f"/d/{number}", document(kind="md" if number % 2 else "txt"))
        add(writer, b"/d/\xff", document())
        writer.commit()
    with closing(backend.reader()) as reader:
        every = list(reader.rows(EVERYTHING))
        seen, after = [], b""
        while page := reader.rows_after(after, EVERYTHING, 3):
            seen += page
            after = page[-1].path
        assert seen == every
        assert len(every) == 8
        some = Filters(types=("md",), within=("/d",))
        assert [row.path for row in reader.rows_after(b"/d/1", some, 9)] == [b"/d/3", b"/d/5"]
        assert reader.rows_after(b"/e", EVERYTHING, 9) == []


def test_the_highest_ids_are_those_that_were_ever_given(backend: Backend) -> None:
    with closing(backend.reader()) as reader:
        assert reader.highest_ids() == (0, 0)
    with closing(backend.writer()) as writer:
        first = add(writer, "/a", document(3), unit(3))
        second = add(writer, "/b", document(2), unit(2))
        writer.commit()
        writer.remove([second])
        writer.commit()
        with closing(backend.reader()) as reader:
            assert reader.highest_ids() == (second, 5)
            assert ids_of(reader, first) == [1, 2, 3]
        writer.remove([first])
        writer.commit()
    with closing(backend.reader()) as reader:
        assert reader.highest_ids() == (second, 5)


def test_what_has_left_is_gone_and_what_was_never_there_is_missing(backend: Backend) -> None:
    with closing(backend.writer()) as writer:
        old = add(writer, "/a", document(3), unit(3))
        writer.commit()
        new = add(writer, "/a", document(2), unit(2))
        writer.commit()
    corpus = Corpus(backend, encoder=HashEncoder())
    assert corpus.passage(4).document.row.id == new
    for gone in (1, 3):
        with pytest.raises(Gone, match=f"passage {gone} has left the corpus") as refusal:
            corpus.passage(gone)
    assert (refusal.value.code, bool(refusal.value.hint)) == ("gone", True)
    for ask in (corpus.document, corpus.text, corpus.passages):
        with pytest.raises(Gone, match=f"document {old} has left"):
            ask(old)
        for never in (new + 1, 0, -1, 2**62):
            with pytest.raises(DocumentMissing):
                ask(never)
    for never in (6, 0, -1, 2**62):
        with pytest.raises(PassageMissing) as missing:
            corpus.passage(never)
    assert missing.value.code == "passage_missing"
    for wrong in ({"before": -1}, {"after": -1}):
        with pytest.raises(ValueError, match="count from 0"):
            corpus.passage(4, **wrong)
    with pytest.raises(ValueError, match="count from 0"):
        corpus.text(new, -1)


def test_a_passage_in_its_context_is_read_whole(backend: Backend) -> None:
    made = replace(document(6), metadata={"author": "Ann"})
    with closing(backend.writer()) as writer:
        add(writer, "/a", made, np.tile(axis(0), (6, 1)))
        writer.commit()
    corpus = Corpus(backend, encoder=HashEncoder())
    context = corpus.passage(3)
    assert [hit.text for hit in context.before] == ["word 0", "word 1"]
    assert context.hit.text == "word 2"
    assert [hit.text for hit in context.after] == ["word 3", "word 4"]
    assert (context.document.row.passages, context.document.metadata["author"]) == (6, "Ann")
    hits = (*context.before, context.hit, *context.after)
    assert [b.passage_id - a.passage_id for a, b in pairwise(hits)] == [1] * 4
    text = corpus.text(context.document.row.id)
    assert text == made.text
    assert all(text[hit.passage.start : hit.passage.end] == hit.text for hit in hits)
