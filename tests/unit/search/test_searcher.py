"""What the modes find and how they say it; HashEncoder's cosine is the overlap of word counts, so
that it can be worked out.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np
import pytest

from searchapp.errors import (
    BadFilter,
    BadSetting,
    EmptyQuery,
    Gone,
    PassageMissing,
    PathMissing,
)
from searchapp.search.more_like_this import _embedded
from searchapp.search.pool import Pool
from searchapp.search.query import Query
from searchapp.search.searcher import Search
from searchapp.testing import HashEncoder
from searchapp.types.documents import embedded_text
from searchapp.types.filters import Filters
from searchapp.types.results import Answer
from tests.builders.shelf import ENCODER, Shelf

if TYPE_CHECKING:
    from searchapp.types.vectors import Vectors


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = Shelf(tmp_path / "corpus")
    made.put("/lib/jaguar.md", "the jaguar hunts at night", "the jaguar swims well")
    made.put("/lib/car.md", "the jaguar is a fast car", "a car needs oil")
    made.put("/lib/oil.md", "olive oil comes from olives")
    return made


def paths(answer: Answer) -> list[str]:
    return [Path(os.fsdecode(match.hit.path)).stem for match in answer.matches]


# ---- modes ---------------------------------------------------------------------------------------


def test_words_alone_are_looked_for_without_a_model(shelf: Shelf) -> None:
    answer = shelf.corpus.query("olives", mode="keyword")
    assert (answer.mode, answer.legs, paths(answer)) == ("keyword", ("keyword",), ["oil"])
    (match,) = answer.matches
    assert (match.cosine, match.confidence, match.parts) == (None, None, {"keyword": match.score})
    assert match.legs["keyword"].rank == 1


def test_a_hybrid_finds_what_either_leg_finds_and_tells_both(shelf: Shelf) -> None:
    answer = shelf.corpus.query("jaguar", mode="hybrid", k=3)
    assert answer.legs == ("cosine", "keyword")
    assert set(paths(answer)) == {"jaguar", "car"}
    for match in answer.matches:
        assert set(match.legs) == {"cosine", "keyword"}
        assert sum(match.parts.values()) == pytest.approx(match.score)


def test_a_weight_of_nothing_or_all_is_one_leg_s_order(shelf: Shelf) -> None:
    def order(mode: str, weight: float | None) -> list[int]:
        return [
            match.hit.passage_id
            for match in shelf.corpus.query(
                "jaguar car oil", mode=mode, weight=weight, collapse=False
            ).matches
        ]

    cosine = order("cosine", None)
    assert order("hybrid", 0.0)[0] == cosine[0]
    assert order("hybrid", 1.0)[0] == order("keyword", None)[0]


def test_the_parts_of_the_best_ranking_add_up_and_name_the_tokens(shelf: Shelf) -> None:
    answer = shelf.corpus.query("jaguar night", mode="best")
    assert paths(answer)[0] == "jaguar"
    for match in answer.matches:
        assert {"cosine", "keyword", "document", "tokens", "sentence", "neighbours"} <= set(
            match.parts
        )
        assert sum(match.parts.values()) == pytest.approx(match.score)


def test_scores_fall_from_match_to_match_in_every_mode(shelf: Shelf) -> None:
    for mode in ("cosine", "keyword", "hybrid", "best"):
        scores = [match.score for match in shelf.corpus.query("jaguar car oil", mode=mode).matches]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) >= 3


def test_looking_deeper_never_changes_what_came_before(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "corpus")
    shelf.put("/big.md", *[f"apple n{i}" for i in range(450)])
    for name in "abc":
        shelf.put(f"/{name}.md", "pear tree")
    few = shelf.corpus.query("apple", mode="hybrid", k=1, per_document=1)
    all_four = shelf.corpus.query("apple", mode="hybrid", k=4, per_document=1)
    assert len(all_four.matches) == 4
    assert all_four.matches[0].hit == few.matches[0].hit
    assert all_four.matches[0].score == pytest.approx(few.matches[0].score)


@pytest.mark.parametrize("mode", ["keyword", "hybrid", "best"])
def test_how_many_are_asked_for_changes_no_order(tmp_path: Path, mode: str) -> None:
    shelf = Shelf(tmp_path / "corpus")
    for number in range(300):
        words = " ".join(f"w{number % divisor}" for divisor in (2, 3, 5, 7, 11))
        shelf.put(f"/{number}.md", f"apple {words}", f"{words} and more of w{number}")
    few, many = (shelf.corpus.query("apple w1 w3 E-12", mode=mode, k=k) for k in (5, 250))
    assert [m.hit for m in few.matches] == [m.hit for m in many.matches[:5]]
    assert len(many.matches) == 250


def test_a_document_is_shown_where_the_one_that_says_the_same_is_not(shelf: Shelf) -> None:
    same = "the kestrel hovers over the meadow beside the old mill each morning"
    shelf.put("/lib/first.md", "kestrel kestrel", same)
    shelf.put("/lib/second.md", same + " too")
    answer = shelf.corpus.query("kestrel", mode="keyword", per_document=1)
    assert paths(answer) == ["first", "second"]
    assert paths(shelf.corpus.query(same, mode="keyword")).count("second") == 0


def test_a_least_that_nothing_more_reaches_ends_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "corpus")
    shelf.put("/big.md", *[f"apple n{i}" for i in range(900)])
    depths: list[int] = []
    pool_of = Search._pool

    def counted(self: Search, depth: int, *, before: Pool | None = None) -> Pool:
        depths.append(depth)
        return pool_of(self, depth, before=before)

    monkeypatch.setattr(Search, "_pool", counted)
    for mode in ("cosine", "hybrid"):
        depths.clear()
        assert not shelf.corpus.query("apple", mode=mode, min_score=0.99).matches
        assert len(depths) == 2


def test_something_to_keep_away_stands_beside_an_example(shelf: Shelf) -> None:
    shelf.put("/lib/cat.md", "the jaguar is a cat")
    answer = shelf.corpus.query("-car", mode="hybrid", like=["/lib/jaguar.md"])
    assert paths(answer)[0] == "cat"
    assert "car" not in paths(answer)
    with pytest.raises(EmptyQuery):
        shelf.corpus.query("-oil", mode="hybrid")


def test_a_long_text_that_is_kept_away_is_said_to_be_cut(shelf: Shelf) -> None:
    answer = shelf.corpus.query("jaguar", negative=["car " * 1000])
    assert any("1000 tokens" in note for note in answer.notes)


def test_a_pending_document_is_found_by_its_words_and_by_them_alone(shelf: Shelf) -> None:
    shelf.put("/lib/new.md", "a jaguar museum", has_vectors=False)
    assert "new" not in paths(shelf.corpus.query("museum"))
    assert paths(shelf.corpus.query("museum", mode="keyword")) == ["new"]
    hybrid = shelf.corpus.query("museum", mode="hybrid")
    assert hybrid.matches[0].cosine is None
    assert paths(hybrid)[0] == "new"


def test_chinese_is_found_by_its_words(shelf: Shelf) -> None:
    shelf.put("/lib/tokyo.md", "東京大学の価格は高い")
    assert paths(shelf.corpus.query("大学", mode="keyword")) == ["tokyo"]
    assert paths(shelf.corpus.query("学大", mode="keyword")) == []


def test_what_a_search_took_is_told_by_its_stages_where_anybody_listens(shelf: Shelf) -> None:
    answer = shelf.corpus.query("jaguar", mode="hybrid")
    assert {"keyword leg", "cosine leg", "encode the question"} <= answer.stages_s.keys()
    with closing(shelf.corpus.reader()) as reader:
        query = Query("jaguar").resolved({}, passages=reader.counts()[1])
        assert Search(reader, lambda: ENCODER, query).matches()


# ---- operators -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["keyword", "hybrid", "best"])
def test_operators_hold_for_every_leg(shelf: Shelf, mode: str) -> None:
    assert set(paths(shelf.corpus.query("jaguar -car", mode=mode))) == (
        {"jaguar"} if mode == "keyword" else {"jaguar", "oil"}
    )
    assert paths(shelf.corpus.query('"fast car"', mode=mode)) == ["car"]
    assert paths(shelf.corpus.query('"car fast"', mode=mode)) == []


@pytest.mark.parametrize("mode", ["keyword", "hybrid"])
def test_a_question_that_is_only_against_something_asks_for_nothing(
    shelf: Shelf, mode: str
) -> None:
    with pytest.raises(EmptyQuery):
        shelf.corpus.query("-car", mode=mode)


def test_operators_are_text_where_that_is_asked_and_in_cosine_mode(shelf: Shelf) -> None:
    assert "car" in paths(shelf.corpus.query("jaguar -car", mode="hybrid", literal=True))
    assert "car" in paths(shelf.corpus.query("jaguar -car"))


def test_a_question_of_too_many_words_says_how_many_were_looked_for(shelf: Shelf) -> None:
    answer = shelf.corpus.query("oil " * 1500, mode="keyword")
    assert paths(answer)[0] in ("oil", "car")
    assert answer.notes == ("the question has 1,500 words; only the first 1,000 were looked for",)


# ---- filters -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["cosine", "keyword", "hybrid", "best"])
def test_filters_hold_in_every_mode(shelf: Shelf, mode: str) -> None:
    assert set(
        paths(shelf.corpus.query("jaguar oil", mode=mode, filters=Filters(within=("/lib/car.md",))))
    ) == {"car"}


def test_a_least_cosine_holds_in_every_mode(shelf: Shelf) -> None:
    least = 2 / math.sqrt(2 * 6) - 1e-3  # "h0 the jaguar hunts at night" holds both words, of six
    for mode in ("cosine", "keyword", "hybrid", "best"):
        answer = shelf.corpus.query("jaguar hunts", mode=mode, min_score=least)
        assert paths(answer) == ["jaguar"]
        assert answer.matches[0].cosine == pytest.approx(2 / math.sqrt(12), abs=1e-3)


@pytest.mark.parametrize("mode", ["cosine", "hybrid"])
def test_no_cosine_is_above_one(shelf: Shelf, mode: str) -> None:
    shelf.put("/lib/five.md", "tick tack tock tuck")  # 1 / sqrt(5) is larger in float16
    match = shelf.corpus.query("h0 tick tack tock tuck", mode=mode).matches[0]
    assert (match.cosine, match.legs["cosine"].score) == (1.0, 1.0)
    assert mode != "cosine" or (match.score, match.parts) == (1.0, {"cosine": 1.0})


# ---- like this, not that -------------------------------------------------------------------------


def test_a_document_leads_to_others_like_it_and_not_to_itself(shelf: Shelf) -> None:
    answer = shelf.corpus.query(like=["/lib/jaguar.md"])
    assert paths(answer)[0] == "car"
    assert "jaguar" not in paths(answer)
    assert answer.query == "like /lib/jaguar.md"


def test_an_example_is_a_path_and_never_what_it_matches_as_a_glob(shelf: Shelf) -> None:
    with pytest.raises(PathMissing, match=r"no such file: /lib/\[j\]aguar.md"):
        shelf.corpus.query(like=["/lib/[j]aguar.md"])
    shelf.put(normalize("NFD", "/lib/käse.md"), "jaguar oil")
    assert "käse" not in paths(shelf.corpus.query(like=["/lib/käse.md"]))


def test_an_archive_leads_to_others_like_its_members_and_is_not_read_again(
    shelf: Shelf, tmp_path: Path
) -> None:
    archive = tmp_path / "cats.zip"
    archive.touch()  # and broken
    shelf.put_all({f"{archive}!/{name}.md": ["the jaguar hunts"] for name in "ab"})
    found = paths(shelf.corpus.query(like=[archive]))
    assert found[0] == "jaguar"
    assert not {"a", "b"} & set(found)


def test_of_an_example_only_texts_without_a_stored_vector_are_embedded(shelf: Shelf) -> None:
    embedded: list[str] = []

    class Recording(HashEncoder):
        def encode_passages(self, texts: Sequence[str]) -> Vectors:
            embedded.extend(texts)
            return super().encode_passages(texts)

    with closing(shelf.backend.reader()) as reader:
        [document_id] = reader.document_ids(Filters(within=("/lib/jaguar.md",)))
        hits = reader.show(document_id)[1]
        known = [embedded_text(hit.passage.headings, hit.text) for hit in hits]
        texts = ["a new text", *known, "a new text"]
        rows = _embedded(texts, reader, lambda: Recording(dim=1024))
    assert embedded == ["a new text"]
    assert rows == pytest.approx(ENCODER.encode_passages(texts), abs=1e-3)


@pytest.mark.slow
def test_a_file_that_is_no_document_is_read_and_compared(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "olives.txt").write_text("Olives give olive oil.\n")
    assert paths(shelf.corpus.query(like=[tmp_path / "olives.txt"], mode="hybrid"))[0] == "oil"
    with pytest.raises(PathMissing):
        shelf.corpus.query(like=[tmp_path / "none.txt"])


def test_a_passage_leads_to_others_like_it(shelf: Shelf) -> None:
    hit = shelf.corpus.query("olive").matches[0].hit
    assert "oil" not in paths(
        shelf.corpus.query(like_passages=[(hit.passage_id, os.fsdecode(hit.path))])
    )
    with pytest.raises(Gone):
        shelf.corpus.query(like_passages=[(hit.passage_id, "/lib/other.md")])
    with pytest.raises(PassageMissing):
        shelf.corpus.query(like_passages=[(10**6, "/lib/oil.md")])


def test_several_texts_are_the_mean_of_their_meanings(shelf: Shelf) -> None:
    answer = shelf.corpus.query(["jaguar", "car"], k=1)
    mean = ENCODER.encode_query("jaguar") + ENCODER.encode_query("car")
    mean /= np.linalg.norm(mean)
    assert answer.query == "jaguar + car"
    assert answer.matches[0].hit.text == "the jaguar is a fast car"
    assert answer.matches[0].score == pytest.approx(
        float(mean @ ENCODER.encode_query("h0 the jaguar is a fast car")), abs=1e-3
    )


def test_a_meaning_is_kept_away_until_it_is_at_right_angles_at_least(shelf: Shelf) -> None:
    answer = shelf.corpus.query("jaguar car", negative=["car"], k=2)
    assert paths(answer) == ["jaguar", "jaguar"]
    # jaguar + car over sqrt(2), less car's whole share in it, is jaguar alone
    alone = float(ENCODER.encode_query("jaguar") @ ENCODER.encode_query("h1 the jaguar swims well"))
    assert answer.matches[0].score == pytest.approx(alone, abs=1e-3)


def test_nothing_is_left_of_a_meaning_kept_away_from_itself(shelf: Shelf) -> None:
    with pytest.raises(EmptyQuery):
        shelf.corpus.query("car", negative=["car"])


@pytest.mark.parametrize("texts", [[], [""], ["a", "  "]])
def test_a_question_needs_words_or_an_example(shelf: Shelf, texts: list[str]) -> None:
    with pytest.raises(EmptyQuery):
        shelf.corpus.query(texts)


# ---- repeats -------------------------------------------------------------------------------------

FOOTER = (
    "For help with the boiler call the help desk on weekdays between nine and five or "
    "write a letter"
)


def test_nearly_the_same_passage_is_shown_once_with_where_else_it_stands(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "corpus")
    for name in ("a", "b", "c"):
        shelf.put(f"/{name}.md", FOOTER.upper() if name == "b" else FOOTER)
    (match,) = shelf.corpus.query("boiler").matches
    assert (match.hit.path, match.near_duplicates) == (b"/a.md", (b"/b.md", b"/c.md"))
    assert len(shelf.corpus.query("boiler", collapse=False).matches) == 3


def test_passages_are_compared_for_repeats_among_twice_as_many_as_are_asked_for(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path / "corpus")
    shelf.put("/a.md", FOOTER)
    letters = str.maketrans("0123456789", "bcdfghjklm")
    words = [f"{number:04}".translate(letters) for number in range(2640)]
    shelf.put("/b.md", *(f"boiler {' '.join(words[i::110])}" for i in range(110)))
    shelf.put("/c.md", f"{FOOTER} help")
    matches = shelf.corpus.query("boiler", mode="cosine", k=60, per_document=60).matches
    assert [match.near_duplicates for match in matches if match.hit.path == b"/a.md"] == [
        (b"/c.md",)
    ]
    assert len(matches) == 60


@pytest.fixture(scope="module")
def footers(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Fifty documents with the footer, and one about the boiler."""
    shelf = Shelf(tmp_path_factory.mktemp("footers") / "corpus")
    shelf.put_all({f"/{n:02}.md": (f"chapter{n} about plants", FOOTER) for n in range(50)})
    shelf.put(
        "/boiler.md",
        "the boiler in the cellar was repaired by the desk people with help from the landlord in "
        "spring and call",
    )
    return shelf


@pytest.mark.parametrize("mode", ["cosine", "keyword", "hybrid", "best"])
def test_the_footer_of_fifty_files_does_not_outrank_content(footers: Shelf, mode: str) -> None:
    answer = footers.corpus.query("boiler help desk call", mode=mode)
    assert answer.matches[0].hit.path == b"/boiler.md"
    assert (
        len(next(match for match in answer.matches if match.hit.text == FOOTER).near_duplicates)
        == 49
    )


# ---- confidence ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """A hundred documents, of which one is about lemons."""
    shelf = Shelf(tmp_path_factory.mktemp("library") / "corpus")
    texts = {f"/{n:02}.md": [f"notes on topic{n} and its history in region{n}"] for n in range(100)}
    shelf.put_all(texts | {"/lemon.md": ["lemon cake with lemon juice"]})
    return shelf


def test_a_small_corpus_tells_no_confidence(shelf: Shelf) -> None:
    answer = shelf.corpus.query("jaguar", min_confidence=0.9)
    assert answer.matches
    assert all(match.confidence is None for match in answer.matches)
    assert "100 passages" in answer.notes[0]


def test_confidence_falls_with_the_cosine_and_a_least_one_leaves_the_rest_out(
    library: Shelf,
) -> None:
    with library.backend.writer() as writer:
        writer.publish(is_due=True)
    answer = library.corpus.query("lemon juice", k=5)
    confidences = [match.confidence or 0 for match in answer.matches]
    assert answer.matches[0].hit.path == b"/lemon.md"
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] > 0.5 > confidences[1]
    assert len(library.corpus.query("lemon juice", min_confidence=0.5).matches) == 1


def test_where_nothing_answers_the_answer_says_so(library: Shelf) -> None:
    with library.backend.writer() as writer:
        writer.publish(is_due=True)
    doubtful = library.corpus.query("submarine", k=1)
    assert doubtful.matches
    assert any("perhaps nothing here answers this" in note for note in doubtful.notes)
    nothing = library.corpus.query("submarine", min_confidence=0.5)
    assert nothing.matches == ()
    assert any(note.startswith("nothing here answers this") for note in nothing.notes)


# ---- explained -----------------------------------------------------------------------------------


def test_the_shares_of_words_headings_and_special_tokens_are_the_cosine(shelf: Shelf) -> None:
    for mode in ("cosine", "hybrid", "best"):
        for match in shelf.corpus.query("jaguar car", mode=mode, shares=True).matches:
            assert match.shares is not None
            assert match.cosine is not None
            total = (
                match.shares.special
                + match.shares.headings
                + sum(word.share for word in match.shares.words)
            )
            assert total == pytest.approx(match.shares.cosine, abs=1e-9)
            assert match.shares.cosine == pytest.approx(match.cosine, abs=1e-3)
            assert {match.hit.text[start:end] for start, end, _ in match.highlights} <= {
                "jaguar",
                "car",
            }


# ---- settings ------------------------------------------------------------------------------------


def test_a_corpus_s_own_mode_and_weight_count_where_none_is_named(shelf: Shelf) -> None:
    shelf.corpus.configure("mode", "hybrid")
    shelf.corpus.configure("weight", "0")
    answer = shelf.corpus.query("jaguar")
    assert answer.mode == "hybrid"
    assert {match.parts["keyword"] for match in answer.matches} == {0}
    assert shelf.corpus.settings() == {"mode": "hybrid", "weight": "0"}
    shelf.corpus.configure("mode", None)
    assert shelf.corpus.query("jaguar").mode == "cosine"


@pytest.mark.parametrize(
    ("name", "value"),
    [("mode", "magic"), ("weight", "2"), ("weight", "nan"), ("weight", "much"), ("colour", "red")],
)
def test_a_setting_that_makes_no_sense_is_refused(shelf: Shelf, name: str, value: str) -> None:
    with pytest.raises(BadSetting):
        shelf.corpus.configure(name, value)


def test_numbers_that_are_none_are_refused(shelf: Shelf) -> None:
    with pytest.raises(BadFilter):
        shelf.corpus.query("x", min_confidence=math.nan)
    with pytest.raises(BadSetting):
        shelf.corpus.query("x", weight=1.1)
