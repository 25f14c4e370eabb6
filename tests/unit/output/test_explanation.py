"""What a person is told of why a match has its rank, and what a pipe gets, which stays as it was."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from searchapp.output.answers import answer_text
from searchapp.output.terminal import TerminalStyle, display_width
from searchapp.types.results import CosineShares, LegScore, Match, WordShare
from tests.builders.answers import answer_of, match_of

TEXT = "The oven is hot. An Oven's door, the oven: it isn't shut, and nor is the grill."
ADDED = {
    "The": 0.05,
    "oven": 0.02,
    "is": 0.04,
    "hot": 0.01,
    "Oven's": 0.001,
    ",": 0.03,
    "the": 0.05,
}
ADDED |= {"isn't": 0.06, "it": 0.03, "grill": -0.002, "shut": 0.0, "door": 0.003, ".": 0.01}
PARTS = {"cosine": 1.0, "keyword": 0.5, "place": 0.0}


def explained() -> Match:
    words = tuple(
        WordShare(*found.span(), ADDED.get(found[0], 0.0))
        for found in re.finditer(r"[\w']+|[^\w\s]", TEXT)
    )
    return replace(
        match_of(TEXT),
        score=1.5,
        cosine=0.5,
        legs={"cosine": LegScore(0.5, 1), "keyword": LegScore(11.5, 1200)},
        parts=PARTS,
        shares=CosineShares(0.5, 0.1, 0.05, words),
        highlights=tuple(
            (word.start, word.end, word.share / 0.06) for word in words if word.share > 0
        ),
    )


def lines(match: Match, width: int | None, *, color: bool = False) -> list[str]:
    style = TerminalStyle(width=width, color=color)
    return answer_text(answer_of(match), style, explained=True).splitlines()


def test_each_word_is_told_once_with_all_that_it_adds_and_no_word_of_every_text() -> None:
    assert lines(explained(), 100) == [
        "1  0.500  score 1.500  /docs/a",
        f"   {TEXT}",
        "   legs: cosine 0.500 (rank 1), keyword 11.500 (rank 1,200)",
        "   score: 1.500 = +1.000 cosine +0.500 keyword",
        "   cosine: 0.500 = +0.452 words +0.050 headings +0.100 special tokens",
        "   words: oven +0.040 (2), hot +0.010, door +0.003, Oven's +0.001, shut +0.000, grill -0.002",
    ]


def test_an_explanation_breaks_between_its_parts_and_goes_on_below_the_first() -> None:
    assert lines(explained(), 40)[4:] == [
        "   legs: cosine 0.500 (rank 1),",
        "         keyword 11.500 (rank 1,200)",
        "   score: 1.500 = +1.000 cosine",
        "          +0.500 keyword",
        "   cosine: 0.500 = +0.452 words",
        "           +0.050 headings",
        "           +0.100 special tokens",
        "   words: oven +0.040 (2), hot +0.010,",
        "          door +0.003, Oven's +0.001,",
        "          shut +0.000, grill -0.002",
    ]


@pytest.mark.parametrize("width", [40, 60, 120])
def test_a_word_of_any_length_is_cut_to_the_width(width: int) -> None:
    text = "x" * 300
    shares = CosineShares(0.5, 0.1, 0.05, (WordShare(0, 300, 0.35),))
    shown = lines(replace(match_of(text), shares=shares), width)
    assert max(map(display_width, shown)) <= width
    assert re.fullmatch(r"   words: x+… \+0\.350", shown[-1])


def test_the_heat_map_leaves_out_stop_words_and_punctuation() -> None:
    style = TerminalStyle(color=True)
    oven, hot = (style.paint("oven", "1;38;5;16;48;5;208"), style.paint("hot", "38;5;16;48;5;179"))
    assert lines(explained(), 100, color=True)[1] == (
        f"   The {oven} is {hot}. An Oven's door, the {oven}: it isn't shut, and nor is the grill."
    )


def test_the_score_stands_beside_the_cosine_only_where_it_is_another_number() -> None:
    assert lines(replace(explained(), score=0.5), 100)[0] == "1  0.500  /docs/a"
    assert lines(replace(explained(), cosine=None), 100)[0] == "1  1.500  /docs/a"
    assert answer_text(answer_of(explained()), TerminalStyle(width=100)).startswith(
        "1  0.500  /docs/a\n"
    )


def test_a_pipe_gets_a_line_for_each_part_and_every_word_by_itself() -> None:
    assert lines(explained(), None)[1:] == [
        "legs: cosine 0.500 (rank 1), keyword 11.500 (rank 1,200)",
        "score: 1.500 = +1.000 cosine +0.500 keyword",
        "cosine: 0.500 = +0.452 words +0.050 headings +0.100 special tokens",
        "words: isn't +0.060, The +0.050, the +0.050, the +0.050, is +0.040, is +0.040, , +0.030, it +0.030",
    ]
