"""One passage explained as the match that it would be, what is like it, and how the best documents
are spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from searchapp.corpus import Corpus
from searchapp.encoders.provider import EncoderProvider
from searchapp.errors import BadSetting, DocumentMissing, Gone, PassageMissing
from searchapp.search.query import Query
from searchapp.search.query_options import FACETS, MODES
from searchapp.testing import HashEncoder
from searchapp.types.documents import Label
from searchapp.types.filters import Filters
from searchapp.types.results import Match
from searchapp.types.vectors import TokenVectors
from tests.builders.shelf import DAY_NS, ENCODER, Shelf

YEAR_DAYS = 366


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Fruit in three folders, of several years and types; of one label."""
    made = Shelf(tmp_path / "corpus")
    made.put("/lib/a/one.md", "Apples are red. Pears are not.", "A pear tree. It bears.", day=1)
    made.put("/lib/a/deep/two.md", "Apples fall in autumn. Nobody knows why.", day=1)
    made.put("/lib/b/three.pdf", "A cake of apples. It is sweet.", kind="pdf", day=YEAR_DAYS)
    made.put("/lib/four.txt", "Walnuts. They are hard.", kind="txt", day=2 * YEAR_DAYS)
    with closing(made.backend.writer()) as writer:
        known = writer.known_files()
        writer.set_labels(known[b"/lib/a/one.md"].document_id, [Label("fruit")])
        writer.set_labels(known[b"/lib/b/three.pdf"].document_id, [Label("fruit"), Label("cake")])
        writer.commit()
    return made


class CountingEncoder(HashEncoder):
    """Counts the passages whose token states it was asked for."""

    def __init__(self) -> None:
        super().__init__(dim=1024)
        self.read: list[str] = []

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        self.read += texts
        return super().token_vectors(texts)


# ---- why -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_passage_is_explained_as_the_answer_explains_it(shelf: Shelf, mode: str) -> None:
    asked = Query.parse("red apples or walnuts", mode=mode, shares=True)
    matches = shelf.corpus.query(asked).matches
    assert len(matches) >= 4
    assert [shelf.corpus.why(asked, match.passage_id) for match in matches] == list(matches)
    assert any(match.shares for match in matches) == (mode != "keyword")
    assert any(match.sentence for match in matches) == (mode != "keyword")


def test_what_no_explanation_was_asked_of_is_explained_all_the_same(shelf: Shelf) -> None:
    asked = Query.parse("red apples", mode="hybrid")
    match = shelf.corpus.query(asked).matches[0]
    assert (match.shares, match.sentence) == (None, None)
    why = shelf.corpus.why(asked, match.passage_id)
    assert (why.shares is not None, why.sentence) == (True, (0, 15))
    assert replace(why, shares=None, sentence=None, highlights=()) == match


def test_an_explanation_reads_the_tokens_of_one_passage(shelf: Shelf) -> None:
    encoder = CountingEncoder()
    corpus = Corpus(shelf.backend, encoder=encoder)
    corpus.why(Query.parse("apples", mode="hybrid"), 1)
    passages = [text for text in encoder.read if text != "apples"]
    assert passages == ["h0\nApples are red. Pears are not."]


def test_a_passage_that_is_no_match_is_told_by_its_cosine(shelf: Shelf) -> None:
    def why(text: str, **options: object) -> Match:
        walnuts = shelf.corpus.query("walnuts", mode="keyword").matches[0]
        return shelf.corpus.why(Query.parse(text, **options), walnuts.passage_id)  # type: ignore[arg-type]

    outside = why("walnuts", types=["md"], mode="hybrid")
    assert (outside.rank, dict(outside.legs), outside.confidence) == (0, {}, None)
    assert outside.cosine == pytest.approx(
        float(ENCODER.encode_query("walnuts") @ ENCODER.encode_query(outside.hit.embedded)),
        abs=1e-3,
    )
    assert outside.shares is not None
    assert outside.shares.cosine == pytest.approx(outside.cosine, abs=1e-3)
    by_words = why("apples", mode="keyword")
    assert (by_words.rank, by_words.cosine, by_words.shares) == (0, None, None)
    assert why("apples", k=1).rank == 0


def test_only_a_passage_that_is_there_is_explained(shelf: Shelf) -> None:
    shelf.corpus.remove(["/lib/four.txt"])
    with pytest.raises(Gone):
        shelf.corpus.why(Query.parse("apples"), 5)
    with pytest.raises(PassageMissing):
        shelf.corpus.why(Query.parse("apples"), 6)


# ---- similar -------------------------------------------------------------------------------------


def names(corpus: Corpus, **options: object) -> list[str]:
    return [match.path.name for match in corpus.similar(**options).matches]  # type: ignore[arg-type]


def test_what_is_like_a_passage_or_a_document_is_found_without_it(shelf: Shelf) -> None:
    (one,) = shelf.corpus.documents(name="one.md")
    for options in ({"passage": 1}, {"document": one.id}):
        assert set(names(shelf.corpus, **options)) == {"two.md", "three.pdf", "four.txt"}
        assert names(shelf.corpus, **options, types=["pdf"], k=1) == ["three.pdf"]


def test_a_document_is_compared_by_the_mean_of_its_vectors(shelf: Shelf) -> None:
    (one,) = shelf.corpus.documents(name="one.md")
    (best, *_) = shelf.corpus.similar(document=one.id).matches
    texts = [hit.embedded for hit in shelf.corpus.passages(one.id)]
    mean = ENCODER.encode_passages(texts).mean(axis=0)
    mean /= (mean @ mean) ** 0.5
    assert best.cosine == pytest.approx(
        float(mean @ ENCODER.encode_query(best.hit.embedded)), abs=1e-3
    )


def test_stored_vectors_are_compared_without_encoder_and_files(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr(EncoderProvider, "for_query", lambda *_, **__: opened.append("for_query"))
    monkeypatch.setattr(EncoderProvider, "begin", lambda *_, **__: opened.append("begin"))
    (one,) = shelf.corpus.documents(name="one.md")  # of which there is no file
    assert len(names(shelf.corpus, document=one.id)) == 3
    assert len(names(shelf.corpus, passage=1, mode="hybrid")) == 3
    assert opened == []


def test_what_is_like_something_gone_is_not_looked_for(shelf: Shelf) -> None:
    (four,) = shelf.corpus.documents(name="four.txt")
    shelf.corpus.remove(["/lib/four.txt"])
    with pytest.raises(Gone):
        shelf.corpus.similar(document=four.id)
    with pytest.raises(Gone):
        shelf.corpus.similar(passage=5)
    with pytest.raises(DocumentMissing):
        shelf.corpus.similar(document=99)


# ---- facets --------------------------------------------------------------------------------------


def test_facets_count_the_best_documents_and_not_only_those_shown(shelf: Shelf) -> None:
    answer = shelf.corpus.query("apples", k=1, facets=FACETS)
    assert len(answer.matches) == 1
    assert answer.facets == {
        "type": (("md", 2), ("pdf", 1), ("txt", 1)),
        "folder": (("/lib/a", 2), ("/lib", 1), ("/lib/b", 1)),
        "year": (("1970", 2), ("1971", 1), ("1972", 1)),
        "label": (("fruit", 2), ("cake", 1)),
    }
    assert shelf.corpus.query("apples", k=1).facets == {}
    assert shelf.corpus.query("apples", types=["txt"], facets="type").facets == {
        "type": (("txt", 1),)
    }
    assert shelf.corpus.query("apples", mode="keyword", facets=["year"]).facets == {
        "year": (("1970", 2), ("1971", 1))
    }


def test_a_value_of_a_facet_can_be_asked_for(shelf: Shelf) -> None:
    for value, count in shelf.corpus.query("apples", facets="folder").facets["folder"]:
        within = shelf.corpus.documents(Filters(within=(value,)))
        assert len(within) == (4 if value == "/lib" else count)


def test_the_last_moment_of_a_year_is_of_that_year(shelf: Shelf) -> None:
    shelf.put("/lib/five.txt", "Eve.", day=365)
    with closing(shelf.backend.writer()) as writer:
        known = writer.known_files()[b"/lib/five.txt"]
        identity = known.source.identity._replace(mtime_ns=365 * DAY_NS - 1)
        writer.relocate(known.document_id, replace(known.source, identity=identity))
        writer.commit()
    answer = shelf.corpus.query("eve", within=["/lib/five.txt"], facets="year")
    assert answer.facets == {"year": (("1970", 1),)}


def test_an_unknown_facet_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadSetting, match=r"no facet 'tipe'; did you mean type\?") as refusal:
        Query.parse("a", facets=["tipe"])
    assert refusal.value.hint == "facets: type, folder, year, label"
