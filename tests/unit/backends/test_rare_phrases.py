"""The best passages by words, found without scoring all: the same as when all are scored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from searchapp.backends.sqlite import rare_phrases, reader
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.testing import HashEncoder
from searchapp.types.documents import Document
from searchapp.types.filters import Filters, Term
from tests.builders.corpora import passages_of, source

DEPTH = 5
DOCUMENTS, WORDS = 600, 60
FILTERS = {"all": Filters(), "some": Filters(within=("/lib/1", "/lib/2", "/lib/33"))}
TERMS = {
    "common": [(Term((f"w{word}",))) for word in range(4)],
    "rare and common": [Term((f"w{word}",)) for word in (0, 2, 30, 55)],
    "rare": [Term((f"w{word}",)) for word in (40, 50, 57)],
    "unknown": [Term(("nothing",)), Term(("w3",))],
    "in none": [Term(("nothing",))],
    "phrases, titles, beginnings, twice": [
        Term(("w0", "w1")),
        Term(("w2",), is_title=True),
        Term(("w4",), is_prefix=True),
        Term(("w0",)),
        Term(("w0",)),
    ],
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteReader]:
    """Passages of words as frequent as in texts, some more than once, some removed again."""
    random = np.random.default_rng(7)
    chances = 1 / np.arange(1, WORDS + 1)
    encoder = HashEncoder()
    backend = SqliteBackend(tmp_path_factory.mktemp("bounds") / "corpus")
    with closing(backend.writer()) as writer:
        writer.set_encoder(encoder.identity)
        ids = []
        for number in range(DOCUMENTS):
            words = random.choice(WORDS, random.integers(3, 40), p=chances / chances.sum())
            text = " ".join(f"w{word}" for word in words)
            made = Document(text, "txt", title=f"w{words[0]}")
            path = f"/lib/{number % 50}/{number}"
            ids.append(writer.replace(source(path), made, passages_of(made), vectors=None))
        writer.remove(ids[::9])
        writer.finish()
    with closing(backend.reader()) as opened:
        assert isinstance(opened, SqliteReader)
        yield opened


@pytest.mark.parametrize("share", [0.1, 0.45, 0.99])
@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
def test_the_best_are_the_same_as_when_all_are_scored(
    corpus: SqliteReader,
    monkeypatch: pytest.MonkeyPatch,
    terms: list[Term],
    filters: Filters,
    share: float,
) -> None:
    ids, scores = corpus.keyword_leg(terms, filters, DEPTH)
    monkeypatch.setattr(rare_phrases, "LEAST_PASSAGES", 0)
    monkeypatch.setattr(reader, "_BEYOND", 1)
    monkeypatch.setattr(rare_phrases, "_SHARE", share)
    monkeypatch.setattr(rare_phrases, "_LEAST_SPARED", 0)
    found, found_scores = corpus.keyword_leg(terms, filters, DEPTH)
    assert found.tolist() == ids.tolist()
    assert found_scores.tolist() == scores.tolist()


def test_no_passage_without_a_rare_phrase_scores_more_than_its_bound(
    corpus: SqliteReader,
) -> None:
    words = [f"w{word}" for word in (0, 1, 30, 50, 55)]
    rare = rare_phrases.find(
        corpus._database.all, [f'"{word}"' for word in words], corpus.counts()[1]
    )
    assert rare is not None
    assert sorted(rare.phrases) == ['"w30"', '"w50"', '"w55"']
    common = [Term((word,)) for word in words if f'"{word}"' not in rare.phrases]
    _, scores = corpus.keyword_leg(common, Filters(), DOCUMENTS)
    assert 0.3 * rare.others < scores[0] <= rare.others


def test_common_phrases_alone_are_all_scored(corpus: SqliteReader) -> None:
    phrases = ['"w0"', '"w1"']
    assert rare_phrases.find(corpus._database.all, phrases, corpus.counts()[1]) is None
