"""Documents in a language that has stems are found by any form of a word, in every backend; where
few documents are in it, words count as they are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.search.query_parser import parse
from searchapp.testing import MemoryBackend
from searchapp.types.documents import Document
from searchapp.types.filters import Filters, Term
from searchapp.types.protocols import Backend, Reader, Writer
from tests.builders.corpora import EVERYTHING, add, source, unit

GERMAN = {
    "/de/a": "alte Häuser an der Küste",
    "/de/b": "das Bauteil PT-6610 liegt am Rade",
    "/de/c": "der Wärter des Leuchtturms",
}
ENGLISH = {"/en/a": "the head of a house", "/en/b": "his header"}


@pytest.fixture(params=["local", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    yield SqliteBackend(tmp_path / "corpus") if request.param == "local" else MemoryBackend()
    if request.param == "local":
        assert check(tmp_path / "corpus", full=True) == []


def store(writer: Writer, texts: dict[str, str], language: str, title: str = "") -> list[int]:
    return [
        add(writer, path, Document(text, "txt", title, metadata={"language": language}), unit(1))
        for path, text in texts.items()
    ]


def found(reader: Reader, question: str, filters: Filters = EVERYTHING) -> list[str]:
    ids, _ = reader.keyword_leg(parse(question).terms, filters, 9)
    return sorted(hit.path.decode() for hit in reader.hydrate(ids))


def test_a_word_finds_its_other_forms(backend: Backend) -> None:
    with closing(backend.writer()) as writer:
        store(writer, GERMAN, "de-AT", "Leuchttürme")
        store(writer, ENGLISH, "en")
        writer.finish()
    with closing(backend.reader()) as reader:
        for question, paths in {
            "Haus": ["/de/a"],
            "eines Hauses": ["/de/a"],
            "haeusern": ["/de/a"],
            '"altes Haus"': ["/de/a"],
            '"Haus alte"': [],
            "Leuchttu*": sorted(GERMAN),
            "Rades*": ["/de/b"],
            '"PT-6610"': ["/de/b"],
            "PT-6611": ["/de/b"],  # by a part
            "title:Leuchtturms": sorted(GERMAN),
            "title:Haus": [],
            "house": ["/en/a"],
        }.items():
            assert found(reader, question) == paths, question
        house = Term(("Hauses",))
        assert reader.frequencies([house, Term(("alte", "Haus")), Term(("house",))]) == [1, 1, 1]
        assert found(reader, "Küsten Bauteile", Filters(holding=(house,))) == ["/de/a"]
        assert found(reader, "Küsten Bauteile", Filters(lacking=(house,))) == ["/de/b"]


def test_a_form_that_stands_nowhere_is_no_slip(backend: Backend) -> None:
    with closing(backend.writer()) as writer:
        store(writer, GERMAN, "de")
        writer.finish()
    form, slip = Term(("Küsten",)), Term(("Bautel",))
    with closing(backend.reader()) as reader:
        occurrences = reader.occurrences([form, slip], listed=1, repairable=[form, slip])
    assert occurrences.counts == [1, 0]
    assert occurrences.meant == {slip: ("bauteil", 1)}  # as it is written, not its stem
    assert np.array_equal(occurrences.holders[0], [1])


def test_the_rows_follow_the_languages_of_the_corpus(backend: Backend) -> None:
    with closing(backend.writer()) as writer:
        [first_id, *_] = store(writer, GERMAN, "de")
        writer.finish()
        store(writer, {f"/en/{i}": "pebbles" for i in range(60)}, "en")
        first = writer.finish()
    with closing(backend.reader()) as reader:  # 3 of 63: less than a twentieth
        assert (found(reader, "Haus"), found(reader, "Häuser")) == ([], ["/de/a"])
    with closing(backend.writer()) as writer:
        store(writer, {f"/de/{i}": "Kiesel" for i in range(3)}, "de")
        writer.finish()
    with closing(backend.reader()) as reader:  # 6 of 66: less than a tenth
        assert found(reader, "Haus") == []
    with closing(backend.writer()) as writer:
        store(writer, {"/de/mehr": "Kiesel", "/de/mehr2": "Kiesel"}, "de")
        assert writer.finish() > first
    with closing(backend.reader()) as reader:  # 8 of 68
        assert found(reader, "Haus") == ["/de/a"]
    with closing(backend.writer()) as writer:
        writer.relocate(first_id, source("/de/hütten"))
        writer.finish()
    with closing(backend.reader()) as reader:
        assert found(reader, "Haus") == found(reader, "hütte") == ["/de/hütten"]


def test_english_documents_alone_are_asked_as_ever(backend: Backend) -> None:
    with closing(backend.writer()) as writer:
        store(writer, ENGLISH, "en")
        writer.finish()
    with closing(backend.reader()) as reader:
        assert found(reader, "header") == ["/en/b"]  # its Danish stem is head
