"""A mistyped word is looked for as the word of the corpus that is meant, and the answer says so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.search.query import Query
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.types.documents import Span
from searchapp.types.filters import Term
from searchapp.types.protocols import Backend
from tests.builders.house import HereCorpus

DOCUMENTS = {
    "copies.md": "A duplicate of each form is kept in the cellar.",
    "waste.md": "Die Müllabfuhr kommt am Montag.",
    "boats.md": "The harbour has forty boats, and a harbour master.",
    "harmour.md": "An harmour, whatever that may be.",
    "trees.md": "The subscription which you cancel ends; the battle never does.",
}


@pytest.fixture(scope="module", params=["local", "memory"])
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("typos")
    (folder / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
    for i in range(20):
        (folder / "docs" / f"other{i}.txt").write_text(f"stones and trees {i}", encoding="utf-8")
    backend: Backend = (
        SqliteBackend(folder / "corpus") if request.param == "local" else MemoryBackend()
    )
    made = HereCorpus(backend, encoder=Pieces())
    made.ingest([folder / "docs"])
    return made


class Pieces(HashEncoder):
    """An encoder that has whole the words of the documents and `cancer`, and others in letters."""

    def tokenize(self, texts: Sequence[str]) -> list[list[Span]]:
        known = {*" ".join(DOCUMENTS.values()).lower().split(), "cancer"}
        return [
            [
                piece
                for start, end in spans
                for piece in (
                    [(start, end)]
                    if text[start:end].lower() in known
                    else [(i, i + 1) for i in range(start, end)]
                )
            ]
            for text, spans in zip(texts, super().tokenize(texts), strict=True)
        ]


def paths(corpus: Corpus, question: str, **options: object) -> list[str]:
    answer = corpus.query(Query(question, mode="keyword", **options))  # type: ignore[arg-type]
    return [os.path.basename(os.fsdecode(match.hit.path)) for match in answer.matches]  # noqa: PTH119


@pytest.mark.parametrize("mode", ["keyword", "hybrid", "best"])
def test_the_word_that_is_meant_is_found_and_named(corpus: Corpus, mode: str) -> None:
    answer = corpus.query(Query("where is the duplcate", mode=mode, k=1))
    assert answer.matches[0].hit.path.endswith(b"copies.md")
    assert '"duplcate" stands in no document; looked for "duplicate"' in answer.notes


def test_the_word_that_most_passages_have_is_meant(corpus: Corpus) -> None:
    harbour = corpus.query(Query("harbuor", mode="keyword"))
    assert harbour.notes == ('"harbuor" stands in no document; looked for "harbour"',)
    # an edit away are harbour, harmour: of one passage each, so the first by name
    assert corpus.query(Query("harvour", mode="keyword")).notes[0].endswith('"harbour"')


def test_a_word_is_named_as_it_is_written(corpus: Corpus) -> None:
    named = "müllabfuhr" if isinstance(corpus.backend, SqliteBackend) else "mullabfuhr"
    assert corpus.query(Query("Mülabfuhr", mode="keyword")).notes == (
        f'"Mülabfuhr" stands in no document; looked for "{named}"',
    )
    assert paths(corpus, "Mülabfuhr") == ["waste.md"]


def test_what_is_meant_to_the_letter_is_left_alone(corpus: Corpus) -> None:
    assert paths(corpus, "duplcate", literal=True) == []
    for question in ('"duplcate"', "duplcate-form", "-duplcate stones", "stnes*"):
        assert not [
            note
            for note in corpus.query(Query(question, mode="keyword")).notes
            if "looked for" in note
        ], question


@pytest.mark.parametrize("mode", ["hybrid", "best"])
def test_a_word_that_the_encoder_knows_is_no_slip(corpus: Corpus, mode: str) -> None:
    answer = corpus.query(Query("cancer of stones", mode=mode, k=1))
    assert not [note for note in answer.notes if "looked for" in note]


def test_a_slip_of_a_stop_word_is_left_alone(corpus: Corpus) -> None:
    assert corpus.query(Query("whcih stones", mode="keyword")).notes == ()


def test_a_long_question_of_words_that_stand_nowhere_is_answered(corpus: Corpus) -> None:
    words = [f"{a}{b}{c}{d}q" for a in "bcd" for b in "fghjk" for c in "lmnpr" for d in "stvwx"]
    answer = corpus.query(Query(f"duplcate {' '.join(words * 3)}", mode="hybrid", k=1))
    assert answer.notes[0].startswith("the question has 1,126 words; only the first 1,000 were")


def test_cosine_looks_for_no_words_and_says_which_mode_does(corpus: Corpus) -> None:
    assert corpus.query(Query("duplcate", mode="cosine")).notes == (
        '"duplcate" stands in no document; --mode hybrid looks for "duplicate"',
    )
    cosines = [
        corpus.query(Query(question, k=1)).matches[0].cosine
        for question in ("a duplcate of forms", "a duplicate of forms")
    ]
    assert cosines[0] != cosines[1]  # the question is embedded as it is typed
    assert corpus.query(Query("duplcate", mode="cosine", literal=True)).notes == ()


def test_the_meaning_is_that_of_the_repaired_question(corpus: Corpus) -> None:
    cosines = [
        corpus.query(Query(question, mode="hybrid", k=1)).matches[0].cosine
        for question in ("a duplcate of forms", "a duplicate of forms")
    ]
    assert cosines[0] == cosines[1]


def test_a_word_leaves_with_the_last_passage_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("one", "two"):
        (tmp_path / f"docs/{name}.txt").write_text(f"the zyzzyva of {name}", encoding="utf-8")
    corpus = HereCorpus(SqliteBackend(tmp_path / "corpus"), encoder=HashEncoder())
    corpus.ingest([tmp_path / "docs"])
    term = Term(("zyzyva",))

    def meant() -> tuple[str, int] | None:
        with closing(corpus.reader()) as reader:
            return reader.occurrences([term], listed=0, repairable=[term]).meant.get(term)

    assert meant() == ("zyzzyva", 2)
    (tmp_path / "docs/one.txt").rename(tmp_path / "docs/three.txt")
    corpus.ingest()
    assert meant() == ("zyzzyva", 2)
    corpus.remove([str(tmp_path / "docs/two.txt")])
    assert meant() == ("zyzzyva", 1)
    (tmp_path / "docs/three.txt").write_text("nothing of it", encoding="utf-8")
    corpus.ingest()
    assert meant() is None
    assert corpus.check(full=True) == []
