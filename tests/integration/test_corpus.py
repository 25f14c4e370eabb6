"""What a corpus answers, shows, lists and forgets. Vectors are those of `HashEncoder`: cosine is
the overlap of word counts.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.errors import (
    BadFilter,
    CorpusEmpty,
    CorpusLocked,
    CorpusMissing,
    DocumentMissing,
    EmptyQuery,
    OtherEncoder,
    PathMissing,
    QueryTooLarge,
    UnknownMode,
)
from searchapp.search.query_options import MODES
from searchapp.testing import HashEncoder
from searchapp.types.documents import Root, Unindexed
from searchapp.types.filters import Filters
from searchapp.types.results import LegScore
from tests.builders.shelf import DAY_NS, ENCODER, Shelf


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three documents: one of two passages, one of three, and a short one."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf") / "corpus")
    shelf.put("/lib/a.md", "apple pear", "apple apple", day=1)
    shelf.put("/lib/b.pdf", "apple plum", "plum plum", "cherry", kind="pdf", day=2)
    shelf.put("/lib/deep/c.txt", "walnut", kind="txt", day=3)
    return shelf.folder


@pytest.fixture
def shelf(filled: Path, tmp_path: Path) -> Shelf:
    """A copy of the three documents for one test."""
    shutil.copytree(filled, tmp_path / "corpus")
    return Shelf(tmp_path / "corpus")


def cosine(query: str, embedded: str) -> float:
    return float(ENCODER.encode_query(query) @ ENCODER.encode_query(embedded))


# ---- query ---------------------------------------------------------------------------------------


def test_passages_come_best_first_with_the_cosine_of_what_was_embedded(shelf: Shelf) -> None:
    answer = shelf.corpus.query("apple", k=3)
    assert shelf.found("apple", k=3) == [("a.md", 1), ("a.md", 0), ("b.pdf", 0)]
    assert [match.rank for match in answer.matches] == [1, 2, 3]
    expected = [
        cosine("apple", text) for text in ("h1 apple apple", "h0 apple pear", "h0 apple plum")
    ]
    np.testing.assert_allclose([match.score for match in answer.matches], expected, atol=1e-3)
    assert all(
        match.cosine == match.score and match.legs == {"cosine": LegScore(match.score, match.rank)}
        for match in answer.matches
    )
    assert (answer.mode, answer.legs, answer.generation, answer.is_approximate) == (
        "cosine",
        ("cosine",),
        answer.generation,
        False,
    )


def test_the_same_question_gets_the_same_answer(shelf: Shelf) -> None:
    first, second = shelf.corpus.query("apple plum"), shelf.corpus.query("apple plum")
    assert replace(first, took_ms=0) == replace(second, took_ms=0)


@pytest.mark.parametrize(("k", "count"), [(1, 1), (5, 5), (6, 6), (100, 6)])
def test_there_are_k_matches_while_there_are_k_passages(shelf: Shelf, k: int, count: int) -> None:
    assert len(shelf.found("apple", k=k)) == count


def test_at_most_so_many_passages_of_a_document_answer_where_that_is_asked(shelf: Shelf) -> None:
    assert shelf.found("apple", per_document=1) == [("a.md", 1), ("b.pdf", 0), ("c.txt", 0)]
    assert shelf.found("apple plum", per_document=2, k=4) == [
        ("b.pdf", 0),
        ("a.md", 1),
        ("b.pdf", 1),
        ("a.md", 0),
    ]


def test_one_a_document_still_gives_k_where_one_document_holds_all_the_best(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "corpus")
    shelf.put("/big.md", *["apple"] * 600)
    for name in "abc":
        shelf.put(f"/{name}.md", "pear")
    assert len(shelf.found("apple", k=4, per_document=1)) == 4
    assert len(shelf.found("apple", k=5, per_document=1)) == 4


def test_a_least_score_is_the_cosine_and_includes_its_bound(shelf: Shelf) -> None:
    scores = [match.score for match in shelf.corpus.query("apple").matches]
    assert scores[0] > scores[1] == scores[2] > scores[3]
    assert len(shelf.found("apple", min_score=scores[0])) == 1
    assert len(shelf.found("apple", min_score=scores[1])) == 3
    assert shelf.found("apple boats", min_score=1) == []
    assert len(shelf.found("apple", min_score=scores[2], per_document=1)) == 2


def test_equal_scores_come_by_path_bytes_then_by_place(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "corpus")
    for path in ("/b.md", "/a/z.md", "/a.md", "/B.md"):
        shelf.put(path, "apple")
    expected = ["/B.md", "/a.md", "/a/z.md", "/b.md"]
    for k in (4, 2, 1):
        answer = shelf.corpus.query("apple", k=k, collapse=False)
        assert [os.fsdecode(match.hit.path) for match in answer.matches] == expected[:k]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (Filters(within=("/lib",)), {"a.md", "b.pdf", "c.txt"}),
        (Filters(within=("/lib/deep",)), {"c.txt"}),
        (Filters(within=("/lib/a.md",)), {"a.md"}),
        (Filters(within=("/lib/a",)), set()),
        (Filters(within=("/li",)), set()),
        (Filters(within=("*.md",)), {"a.md"}),
        (Filters(within=("deep/*",)), {"c.txt"}),
        (Filters(within=("*.md", "/lib/deep/")), {"a.md", "c.txt"}),
        (Filters(types=("pdf", "txt")), {"b.pdf", "c.txt"}),
        (Filters(since_ns=2 * DAY_NS), {"b.pdf", "c.txt"}),
        (Filters(before_ns=2 * DAY_NS), {"a.md"}),
        (Filters(since_ns=2 * DAY_NS, before_ns=3 * DAY_NS), {"b.pdf"}),
        (Filters(within=("/lib",), types=("md",), since_ns=DAY_NS), {"a.md"}),
        (Filters(types=("nonsense",)), set()),
    ],
)
def test_filters_let_through_exactly_what_they_say(
    shelf: Shelf, filters: Filters, names: set[str]
) -> None:
    assert {name for name, _ in shelf.found("apple", filters=filters)} == names
    assert {Path(os.fsdecode(row.path)).name for row in shelf.corpus.documents(filters)} == names


def test_a_filter_leaves_k_matches_while_k_passages_pass_it(shelf: Shelf) -> None:
    assert len(shelf.found("walnut", k=3, filters=Filters(within=("/lib/b.pdf",)))) == 3


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_an_empty_query_is_refused(shelf: Shelf, text: str) -> None:
    with pytest.raises(EmptyQuery):
        shelf.corpus.query(text)


def test_a_query_with_bytes_that_are_no_text_is_answered(shelf: Shelf) -> None:
    answer = shelf.corpus.query("apple \udcff", k=1)
    assert answer.query == "apple ?"
    assert len(answer.matches) == 1


def test_an_unknown_mode_is_refused_with_the_known_ones(shelf: Shelf) -> None:
    with pytest.raises(UnknownMode) as caught:
        shelf.corpus.query("apple", mode="magic")
    assert "cosine" in caught.value.hint


@pytest.mark.parametrize("wrong", [{"k": 0}, {"per_document": 0}])
def test_counts_begin_at_one(shelf: Shelf, wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="from 1"):
        shelf.corpus.query("apple", **wrong)  # type: ignore[arg-type]


def test_a_least_score_that_is_no_number_is_refused(shelf: Shelf) -> None:
    with pytest.raises(BadFilter, match="not a number"):
        shelf.corpus.query("apple", min_score=float("nan"))


def test_no_corpus_and_an_empty_one_are_different_errors(tmp_path: Path) -> None:
    corpus = Corpus(SqliteBackend(tmp_path / "corpus"), encoder=ENCODER)
    with pytest.raises(CorpusMissing) as missing:
        corpus.query("apple")
    assert "searchapp ingest" in missing.value.hint
    corpus.init()
    with pytest.raises(CorpusEmpty) as empty:
        corpus.query("apple")
    assert "searchapp ingest" in empty.value.hint


def test_another_encoder_is_refused(shelf: Shelf) -> None:
    other = Corpus(shelf.backend, encoder=HashEncoder(dim=64))
    with pytest.raises(OtherEncoder, match="cannot be compared"):
        other.query("apple")


def test_a_corpus_needs_an_encoder_or_a_place_for_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="encoder"):
        Corpus(SqliteBackend(tmp_path))


# ---- highlights ----------------------------------------------------------------------------------


def test_the_sentence_nearest_to_the_question_is_marked_only_where_that_is_asked(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path / "corpus")
    text = "The boat is old and green. Apples grow on the tree behind it. Nobody knows the captain."
    shelf.put("/a.md", text)
    assert shelf.corpus.query("apples on the tree").matches[0].highlights == ()
    match = shelf.corpus.query("apples on the tree", highlights=True).matches[0]
    ((start, end, weight),) = match.highlights
    assert (match.hit.text[start:end].strip(), weight) == (
        "Apples grow on the tree behind it.",
        1.0,
    )


def test_a_passage_of_one_sentence_has_nothing_to_mark(shelf: Shelf) -> None:
    answer = shelf.corpus.query("apple", highlights=True)
    assert [match.highlights for match in answer.matches] == [()] * 6


# ---- what an answer rests on ---------------------------------------------------------------------


def test_an_answer_counts_pending_and_outdated_documents(shelf: Shelf) -> None:
    shelf.put("/lib/old.md", "cherry", extractor="markdown/0")
    shelf.put("/lib/pending.md", "apple", has_vectors=False)
    answer = shelf.corpus.query("apple", k=100)
    assert (answer.pending, answer.stale) == (1, 1)
    assert b"/lib/pending.md" not in {match.hit.path for match in answer.matches}
    assert (
        shelf.corpus.status().pending,
        shelf.corpus.status().outdated,
        shelf.corpus.status().stale,
    ) == (1, 1, 0)


def test_an_answer_counts_documents_whose_file_could_not_be_read(shelf: Shelf) -> None:
    with closing(shelf.backend.writer()) as writer:
        writer.mark_stale(writer.known_files()[b"/lib/a.md"].document_id)
        writer.commit()
    assert shelf.corpus.query("apple").stale == shelf.corpus.status().stale == 1


def test_a_vectors_file_that_is_gone_changes_no_answer_and_is_said(shelf: Shelf) -> None:
    with closing(shelf.backend.writer()) as writer:
        writer.finish()
    before = shelf.corpus.query("apple")
    for path in shelf.folder.glob("vectors-*.faiss"):
        path.unlink()
    after = shelf.corpus.query("apple")
    assert after.matches == before.matches
    assert (len(before.notes), len(after.notes)) == (0, 1)


# ---- the rest ------------------------------------------------------------------------------------


def names(corpus: Corpus) -> list[str]:
    return [Path(os.fsdecode(row.path)).name for row in corpus.documents()]


@pytest.mark.parametrize(
    ("places", "left"),
    [
        (["/lib/a.md"], ["b.pdf", "c.txt"]),
        (["/lib/deep"], ["a.md", "b.pdf"]),
        (["/lib/deep/"], ["a.md", "b.pdf"]),
        (["*.pdf"], ["a.md", "c.txt"]),
        (["/lib/a.md", "*.txt", "/lib/a.md"], ["b.pdf"]),
        (["/lib"], []),
        (["/"], []),
    ],
)
def test_documents_are_removed_by_path_folder_and_glob(
    shelf: Shelf, places: Sequence[str], left: list[str]
) -> None:
    removed = shelf.corpus.remove(places)
    assert len(removed) == 3 - len(left)
    assert names(shelf.corpus) == left
    if left:
        assert {name for name, _ in shelf.found("apple", k=100)} == set(left)


def test_where_one_place_is_unknown_nothing_is_removed(shelf: Shelf) -> None:
    with pytest.raises(DocumentMissing, match="/lib/none"):
        shelf.corpus.remove(["/lib/a.md", "/lib/none"])
    assert names(shelf.corpus) == ["a.md", "b.pdf", "c.txt"]


def test_a_file_that_is_no_document_is_not_taken_for_one_that_its_name_matches(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path / "corpus")
    (tmp_path / "[a].md").touch()
    shelf.put_all({f"{tmp_path}/a.md": ["apple"], f"{tmp_path}/in/[b].md": ["pear"]})
    place = str(tmp_path / "[a].md")
    for ask in (shelf.corpus.show, lambda place: shelf.corpus.show(place, name="[a].md")):
        with pytest.raises(DocumentMissing, match="no document at"):
            ask(place)
    with pytest.raises(DocumentMissing, match="no document at"):
        shelf.corpus.remove([place])
    assert shelf.corpus.unmatched(Filters(within=(place,)))[0].startswith("no such path in the")
    assert names(shelf.corpus) == ["a.md", "[b].md"]
    assert shelf.corpus.show("nowhere", name="[b].md")[0].path.endswith(b"/in/[b].md")


def test_removing_a_folder_forgets_its_root_and_what_was_left_out_there(shelf: Shelf) -> None:
    with closing(shelf.backend.writer()) as writer:
        for path in (b"/lib", b"/library"):
            writer.set_root(Root(path))
            writer.set_unindexed([path], [Unindexed(path + b"/x.bin", "failed", "broken")])
        writer.commit()
    shelf.corpus.remove(["/lib/"])
    assert shelf.corpus.status().roots == (Root(b"/library"),)
    assert [entry.path for entry in shelf.corpus.status().unindexed] == [b"/library/x.bin"]
    assert shelf.corpus.remove(["/library"]) == []  # a root without documents
    assert shelf.corpus.status().roots == ()


def test_one_document_is_shown_with_its_metadata_and_its_passages_in_order(shelf: Shelf) -> None:
    row, metadata, passages = shelf.corpus.show("/lib/b.pdf")
    assert (row.path, row.passages, metadata["author"]) == (b"/lib/b.pdf", 3, "me")
    assert [hit.text.strip() for hit in passages] == ["apple plum", "plum plum", "cherry"]
    assert shelf.corpus.show("deep/*")[0].path == b"/lib/deep/c.txt"


@pytest.mark.parametrize(
    ("place", "message"), [("/lib/none.md", "no document"), ("/lib", "3 documents")]
)
def test_what_is_shown_is_one_document(shelf: Shelf, place: str, message: str) -> None:
    with pytest.raises(DocumentMissing, match=message):
        shelf.corpus.show(place)


def test_status_counts_what_is_there(shelf: Shelf) -> None:
    status = shelf.corpus.status()
    assert (status.documents, status.passages, status.pending, status.stale, status.outdated) == (
        3,
        6,
        0,
        0,
        0,
    )
    assert status.path == str(shelf.folder)
    assert status.encoder == ENCODER.identity
    assert status.ingested_at_ns is None
    assert status.database_bytes > 0


def test_a_corpus_that_is_not_there_yet_has_no_documents(tmp_path: Path) -> None:
    assert Corpus(SqliteBackend(tmp_path / "none"), encoder=ENCODER).documents() == []
    assert not (tmp_path / "none").exists()


def test_documents_are_listed_by_path_with_what_they_are(shelf: Shelf) -> None:
    shelf.put("/lib/pending.md", "apple", has_vectors=False)
    rows = [
        (row.path, row.type, row.passages, row.is_pending, row.is_stale)
        for row in shelf.corpus.documents()
    ]
    assert rows == [
        (b"/lib/a.md", "md", 2, False, False),
        (b"/lib/b.pdf", "pdf", 3, False, False),
        (b"/lib/deep/c.txt", "txt", 1, False, False),
        (b"/lib/pending.md", "md", 1, True, False),
    ]


def test_while_one_writes_readers_go_on_and_a_second_writer_is_refused(shelf: Shelf) -> None:
    with closing(shelf.backend.writer()) as writer:
        writer.remove([writer.known_files()[b"/lib/a.md"].document_id])
        assert len(shelf.found("apple", k=100)) == 6
        with pytest.raises(CorpusLocked, match=str(os.getpid())):
            shelf.corpus.remove(["/lib/b.pdf"])


def test_a_path_that_is_not_there_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    corpus = Corpus(SqliteBackend(tmp_path / "corpus"), encoder=ENCODER)
    with pytest.raises(PathMissing, match="tpyo"):
        corpus.ingest([tmp_path / "tpyo"])
    assert not (tmp_path / "corpus").exists()


@pytest.mark.damages_corpus
def test_check_finds_a_changed_byte(shelf: Shelf) -> None:
    assert shelf.corpus.check(full=True) == []
    with closing(sqlite3.connect(shelf.folder / "corpus.db")) as database, database:
        database.execute("UPDATE document SET title = 'another' WHERE id = 1")
    assert [finding.path for finding in shelf.corpus.check(full=True)] == [b"/lib/a.md"]


def test_a_question_longer_than_the_encoder_reads_is_answered_and_said(shelf: Shelf) -> None:
    shelf.put("/lib/a.md", "walnut bread")
    limit = ENCODER.identity.max_tokens
    assert shelf.corpus.query("walnut " * limit).notes == ()
    (note,) = shelf.corpus.query("walnut " * (limit + 1)).notes
    assert (
        note == f"the question has {limit + 1} tokens; only about the first {limit} were compared"
    )


def test_a_corpus_opens_by_its_folders_name(tmp_path: Path) -> None:
    Corpus.open(str(tmp_path / "corpus")).init()
    assert Corpus.open(tmp_path / "corpus").status().documents == 0


# ---- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["x" * 50_001], {}),
        (["word " * 200_000], {}),
        (["a question"] * 101, {}),
        (["a"], {"negative": ["b"] * 100}),
        (["a"], {"like_passages": [(1, "x")] * 100}),
        (["a"], {"filters": Filters(within=("/x",) * 10_001)}),
        (["a"], {"filters": Filters(types=("md",) * 100_000)}),
        (["a"], {"filters": Filters(within=("/x",) * 9_900, where=(("a", "b"),) * 101)}),
    ],
)
def test_a_query_that_is_more_than_a_question_is_refused_at_once(
    shelf: Shelf, texts: list[str], options: dict[str, Any]
) -> None:
    began = time.process_time()
    with pytest.raises(QueryTooLarge) as caught:
        shelf.corpus.query(texts, **options)
    assert time.process_time() - began < 0.5
    assert caught.value.hint


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_the_largest_query_is_answered(shelf: Shelf, mode: str) -> None:
    words = " ".join(f"word{i}" for i in range(5000))[:50_000]
    filters = Filters(within=("/lib",) * 200 + ("/",), types=("txt", "md") * 100)
    assert (
        shelf.corpus.query(words, mode=mode, filters=filters, k=10**30, per_document=10**30).took_ms
        < 10_000
    )
    assert (
        shelf.corpus.query("apple", mode=mode, filters=Filters(within=("/no*",) * 500)).matches
        == ()
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_billion_matches_are_all_there_are(shelf: Shelf, mode: str) -> None:
    everything = shelf.corpus.query("apple", mode=mode, k=10**9).matches
    assert (
        len(everything)
        == len(shelf.corpus.query("apple", mode=mode, k=shelf.corpus.status().passages).matches)
        > 0
    )
