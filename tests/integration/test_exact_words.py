"""Exact things are found, in whatever way they are written; each case has a right first document."""

from __future__ import annotations

import os
import string
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.search.query import Query
from searchapp.search.question import Question
from searchapp.testing import HashEncoder, MemoryBackend
from searchapp.timing import Stopwatch
from searchapp.types.filters import Filters
from searchapp.types.protocols import Backend
from tests.builders.house import HereCorpus

ENCODER = HashEncoder()
DOCUMENTS = {
    "shy.txt": "Das Wasser\u00adkraft\u00adwerk steht am Fluss.",
    "zero.txt": "A zero\u200bwidth space stands here.",
    "ligature.txt": "The oﬃcial ﬁle of the weir.",
    "wide.txt": "ＷＥＩＲ of H₂O",
    "korean.txt": "수문은 아침에 열린다.",
    "yo.txt": "Зелёная ёлка стоит у реки.",
    "arabic.txt": "مُدَرِّس جديد",
    "street.txt": "Die Straße am Ufer.",
    "work.txt": "Son œuvre complète.",
    "lodz.txt": "Łódź is a city.",
    "mail.txt": "Send an e-mail over wi-fi.",
    "camel.py": "def tideTable(): return readHTTPResponse()",
    "snake.py": "spring_flow = 3",
    "pump.txt": "The pump PT-6610 was replaced, as the long list of the works says, in May of last year.",
    "pumps.txt": "PT 6611 PT PT. Of 6610 others",
    "version.txt": "Version v2.3.1 mends the leak that had been there for a long time, as we know.",
    "versions.txt": "Version v2.3.10. Version v2 of 3 and 1",
    "invoice.txt": "The invoice INV-2023-0042 came late, and with it many other papers of that year.",
    "invoices.txt": "INV-2023-0043",
    "address.txt": "Write to anna.meier@example.org about the boats on the river and their owners.",
    "addresses.txt": "anna meier, org, example",
    "Prüfbericht Größe.txt": "Nothing of it here.",
    "bicycle-repair.md": "Nothing of it here either.",
}
CASES = {
    "Wasserkraftwerk": "shy.txt",
    "zerowidth": "zero.txt",
    "official file": "ligature.txt",
    "weir H2O": "wide.txt",
    "수문": "korean.txt",
    "수문이": "korean.txt",
    "зеленая елка": "yo.txt",
    "مدرس": "arabic.txt",
    "strasse": "street.txt",
    "oeuvre": "work.txt",
    "Lodz": "lodz.txt",
    "email": "mail.txt",
    "e-mail": "mail.txt",
    "wifi": "mail.txt",
    "tide table": "camel.py",
    "tide_table": "camel.py",
    "http response": "camel.py",
    "springFlow": "snake.py",
    "PT-6610": "pump.txt",
    "PT6610": "pump.txt",
    "v2.3.1": "version.txt",
    "INV-2023-0042": "invoice.txt",
    "anna.meier@example.org": "address.txt",
    "Prüfbericht": "Prüfbericht Größe.txt",
    "pruefbericht grosse": "Prüfbericht Größe.txt",
    "bicycle-repair.md": "bicycle-repair.md",
}


@pytest.fixture(scope="module", params=["local", "memory"])
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("exact")
    (folder / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
    for i in range(100):
        (folder / "docs" / f"other{i}.txt").write_text(f"boats and stones {i}", encoding="utf-8")
    backend: Backend = (
        SqliteBackend(folder / "corpus") if request.param == "local" else MemoryBackend()
    )
    made = HereCorpus(backend, encoder=ENCODER)
    made.ingest([folder / "docs"])
    return made


def first(corpus: Corpus, question: str, mode: str) -> str:
    path = corpus.query(Query(question, mode=mode, k=1)).matches[0].hit.path
    return os.path.basename(os.fsdecode(path))  # noqa: PTH119


@pytest.mark.parametrize("question", CASES)
def test_the_right_document_is_first_by_its_words(corpus: Corpus, question: str) -> None:
    assert first(corpus, question, "keyword") == CASES[question]


@pytest.mark.parametrize("mode", ["hybrid", "best"])
@pytest.mark.parametrize(
    "question", ["PT-6610", "v2.3.1", "INV-2023-0042", "anna.meier@example.org", "tideTable"]
)
def test_the_whole_comes_before_the_parts(corpus: Corpus, question: str, mode: str) -> None:
    assert first(corpus, question, mode) == CASES.get(question, "camel.py")


def test_of_a_long_question_the_first_hundred_words_are_weighed(corpus: Corpus) -> None:
    letters = string.ascii_lowercase
    words = " ".join(f"stone{a}{b}" for a in letters for b in letters[:6])
    with closing(corpus.reader()) as reader:
        query = Query(f"XQ-9999 {words}").resolved({}, passages=reader.counts()[1])
        asked = Question(query, (), reader, lambda: ENCODER, Stopwatch())
        assert asked.missing_share == pytest.approx(2 / 100)  # "XQ" and "9999"


def test_a_word_may_be_begun_alone(corpus: Corpus) -> None:
    assert first(corpus, "invoic*", "keyword").startswith("invoice")
    assert not corpus.query(Query("zzz*", mode="keyword")).matches


def test_what_is_asked_for_to_the_letter_is_said_to_stand_elsewhere_or_nowhere(
    corpus: Corpus,
) -> None:
    def notes(question: str, mode: str = "cosine") -> tuple[str, ...]:
        answer = corpus.query(Query(question, mode=mode, k=1))
        return tuple(note for note in answer.notes if "stands" in note)

    assert first(corpus, "boats and stones 7 PT-6610", "cosine") != "pump.txt"
    assert notes("boats and stones 7 PT-6610") == (
        '"PT-6610" stands in 1 passage that is not shown: --mode hybrid',
    )
    assert notes("pump PT-6610 was replaced in May, the works") == ()
    for mode in ("cosine", "keyword", "hybrid", "best"):
        assert notes("boats and E1234", mode) == ('"E1234" stands in no document',)
        assert notes('boats and "no such phrase"', mode) == (
            '"no such phrase" stands in no document',
        )
    assert notes("boats and stones of 2023") == ()


def test_what_is_shown_in_another_form_is_shown(corpus: Corpus) -> None:
    for question in ('"long lists of the works"', '"replace"', "weir and Oeuvre"):
        answer = corpus.query(Query(question, k=200))
        assert not [note for note in answer.notes if "not shown" in note]


def test_a_capital_that_begins_a_sentence_makes_no_name(corpus: Corpus) -> None:
    def notes(question: str) -> list[str]:
        answer = corpus.query(Query(question, k=1))
        return [note for note in answer.notes if "not shown" in note]

    assert notes("boats and stones 7 of Lodz")
    assert not notes("Are there boats and stones 7? Lodz has none")


def test_two_words_with_a_sign_between_them_are_one_thing_only_where_that_stands(
    corpus: Corpus,
) -> None:
    def asked(question: str) -> tuple[float, tuple[str, ...]]:
        answer = corpus.query(Query(question, k=1))
        return answer.matches[0].confidence or 0, answer.notes

    plain, _ = asked("boats or stones 7")
    either, notes = asked("boats/stones 7")
    assert either > plain - 0.1
    assert not [note for note in notes if "stands" in note]
    for mode in ("cosine", "keyword"):
        missing = corpus.query(Query("boats/snorkels 7", mode=mode, k=1)).notes
        assert '"boats/snorkels" stands in no document' in missing


@pytest.mark.parametrize("question", ["PT-6610", "tideTable", "weir* H2O", "수문이", "re-sort"])
def test_a_keyword_match_has_a_confidence_whatever_is_asked(corpus: Corpus, question: str) -> None:
    answer = corpus.query(Query(question, mode="keyword", min_confidence=0.01))
    assert all(match.confidence is not None for match in answer.matches)
    if question in CASES:
        assert answer.matches


def test_a_literal_question_asks_for_nothing_to_the_letter_by_quotes(corpus: Corpus) -> None:
    literal = corpus.query(Query('"no such phrase" -PT-6610', mode="keyword", literal=True))
    assert not [note for note in literal.notes if "phrase" in note]
    assert literal.matches[0].hit.path.endswith(b"pump.txt")


def test_a_meaning_kept_away_says_where_words_alone_count(corpus: Corpus) -> None:
    asked = corpus.query(Query("boats", mode="keyword", negative=("rivers",)))
    assert any("-word" in note for note in asked.notes)
    assert asked.matches == corpus.query(Query("boats", mode="keyword")).matches


def test_no_confidence_is_missed_where_nothing_is_found(corpus: Corpus) -> None:
    for query in (
        Query("boats", min_confidence=0.4, filters=Filters(types=("epub",))),
        Query("qqzzvv", mode="keyword", min_confidence=0.4),
    ):
        answer = corpus.query(query)
        assert not answer.matches
        assert not [note for note in answer.notes if "confidence can be told" in note]


def test_confidence_falls_where_what_is_asked_for_to_the_letter_stands_nowhere(
    corpus: Corpus,
) -> None:
    def best(question: str) -> float:
        found = corpus.query(Query(question, k=1)).matches[0].confidence
        assert found is not None
        return found

    assert best("XQ-9999 of the boats") < 0.5 < best("xq of the boats")
    # by as much as is asked for to the letter
    assert best("boats and stones 7 XQ-9999") < best("boats and stones 7 xq 9999")


def test_confidence_rises_where_hardly_another_passage_has_the_words(corpus: Corpus) -> None:
    matches = corpus.query(Query("oeuvre of a life", k=200)).matches
    found = {os.path.basename(m.hit.path): (m.cosine, m.confidence) for m in matches}  # noqa: PTH119
    logits = {
        name: (cosine, float(np.log(sure / (1 - sure))))
        for name, (cosine, sure) in found.items()
        if cosine is not None and sure is not None
    }
    others = [pair for name, pair in logits.items() if name != b"work.txt"]
    cosines, plain = np.array(others).T
    slope, constant = np.polyfit(cosines, plain, 1)
    cosine, logit = logits[b"work.txt"]
    assert logit == pytest.approx(slope * cosine + constant + 1)  # e to 2, for one of two words


def test_a_document_that_was_renamed_is_found_by_its_new_name_alone(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "turbine.txt").write_text("nothing of it", encoding="utf-8")
    made = HereCorpus(SqliteBackend(tmp_path / "corpus"), encoder=ENCODER)
    made.ingest([docs])
    (docs / "turbine.txt").rename(docs / "generator.txt")
    made.ingest([docs])
    assert made.query(Query("generator", mode="keyword")).matches
    assert not made.query(Query("turbine", mode="keyword")).matches


def test_where_it_stands_is_counted_behind_the_filters(corpus: Corpus) -> None:
    def notes(**options: str) -> tuple[str, ...]:
        filters = Filters.parse(within=[options["within"]])
        answer = corpus.query(Query("boats and stones 7 PT-6610", k=1, filters=filters))
        return tuple(note for note in answer.notes if "stands" in note)

    assert notes(within="*other*") == ('"PT-6610" stands in no document that passes the filters',)
    assert notes(within="*/docs") == (
        '"PT-6610" stands in 1 passage that is not shown: --mode hybrid',
    )


@pytest.mark.parametrize(("holders", "are_first"), [(99, True), (100, False)])
def test_what_a_hundred_passages_hold_tells_nothing(
    tmp_path: Path, holders: int, are_first: bool
) -> None:
    (tmp_path / "docs").mkdir()
    for i in range(holders):
        (tmp_path / f"docs/{i}.txt").write_text(f"page {i} of PT-6610 of the works")
    (tmp_path / "docs/parts.txt").write_text("PT 6611 6610 PT PT")
    corpus = HereCorpus(MemoryBackend(), encoder=ENCODER)
    corpus.ingest([tmp_path / "docs"])
    with closing(corpus.reader()) as reader:
        ids = np.arange(1, reader.counts()[1] + 1)
        query = Query("PT-6610", mode="keyword").resolved({}, passages=holders + 1)
        held = Question(query, (), reader, lambda: ENCODER, Stopwatch()).hold_named(ids)
    assert int(held.sum()) == (holders if are_first else 0)


@pytest.mark.parametrize(
    ("question", "are_first"),
    [
        ("PT-6610", True),
        ("when was PT-6610 mended", True),
        ("PT-6610 or an invoice, boats, owners, the river, a leak, the city, a weir", False),
    ],
)
def test_what_is_named_comes_first_where_it_is_a_large_part_of_the_question(
    corpus: Corpus, question: str, *, are_first: bool
) -> None:
    with closing(corpus.reader()) as reader:
        passages = reader.counts()[1]
        query = Query(question, mode="hybrid").resolved({}, passages=passages)
        asked = Question(query, (), reader, lambda: ENCODER, Stopwatch())
        assert asked.hold_named(np.arange(1, passages + 1)).any() == are_first


def test_of_several_things_named_those_come_first_that_hold_the_most_but_not_by_meaning(
    tmp_path: Path,
) -> None:
    (tmp_path / "docs").mkdir()
    for name, text in {"a": "PT 6610 PT 6610", "b": "PT-6610 it is", "c": "PT-6610 v2.3.1"}.items():
        (tmp_path / f"docs/{name}.txt").write_text(text)
    corpus = HereCorpus(MemoryBackend(), encoder=ENCODER)
    corpus.ingest([tmp_path / "docs"])
    with closing(corpus.reader()) as reader:
        query = Query("PT-6610 v2.3.1", mode="keyword").resolved({}, passages=3)
        ids = np.arange(1, 4)
        held = ids[Question(query, (), reader, lambda: ENCODER, Stopwatch()).hold_named(ids)]
        assert [Path(os.fsdecode(place.path)).name for place in reader.addresses(held)] == ["c.txt"]
    cosines = [match.cosine for match in corpus.query(Query("PT-6610", mode="cosine")).matches]
    assert cosines == sorted(cosines, key=lambda cosine: -(cosine or 0))
    assert first(corpus, "PT-6610", "cosine") == "a.txt"


def test_a_name_that_none_of_the_passages_shown_has_is_said_to_stand_elsewhere(
    corpus: Corpus,
) -> None:
    def notes(question: str) -> tuple[str, ...]:
        return tuple(n for n in corpus.query(Query(question, k=1)).notes if "stands" in n)

    assert notes("stones and boats of Lodz 7") == (
        '"Lodz" stands in 1 passage that is not shown: --mode hybrid',
    )
    assert notes("a city is Łódź") == ()  # it is shown
    assert notes("Version of boats and stones 7") == ()  # it begins the sentence
    assert notes("stones and boats of lodz 7") == ()  # it is not written as a name
