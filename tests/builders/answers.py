"""Answers, as small as tests of how they look need them, and a text with all that a terminal obeys."""

from __future__ import annotations

from searchapp.output.terminal import TerminalStyle
from searchapp.types.documents import Hit, Passage
from searchapp.types.results import (
    Answer,
    LegScore,
    Match,
)

GUIDE = Hit(
    passage_id=7,
    document_id=3,
    path=b"/docs/guide.md",
    title="Guide",
    type="md",
    passage=Passage(
        100, 142, headings=("Guide", "Engine", "Oil"), place=(("line_start", 10), ("line_end", 11))
    ),
    text="Check the oil every week.\nUse grade 15W-40.",
)


PAPER = Hit(
    passage_id=9,
    document_id=4,
    path=b"/else/paper.pdf",
    title="",
    type="pdf",
    passage=Passage(0, 11, place=(("page", 12),)),
    text="Other words",
)


ANSWER = Answer(
    query="when to check the oil",
    mode="hybrid",
    legs=("dense", "keyword"),
    generation=5,
    matches=(
        Match(
            1,
            1.23456789,
            0.7124,
            {"dense": LegScore(0.7124, 1), "keyword": LegScore(11.5, 2)},
            GUIDE,
            confidence=0.9,
            highlights=((0, 25, 1.0),),
        ),
        Match(2, -0.5, 0.31, {"dense": LegScore(0.31, 2)}, PAPER),
    ),
    took_ms=12.34567,
)


NO_MATCH = Answer("void\x1b[2J", "cosine", ("dense",), 5, (), 1.0)


TERMINAL = TerminalStyle(width=80, base=b"/docs")


def match_of(
    text: str, *, highlights: tuple[tuple[int, int, float], ...] = (), type_: str = "py"
) -> Match:
    return Match(
        1,
        0.5,
        0.5,
        {},
        Hit(1, 1, b"/docs/a", "", type_, Passage(0, len(text)), text),
        highlights=highlights,
    )


def answer_of(*matches: Match) -> Answer:
    return Answer("q", "cosine", ("dense",), 1, matches, 1.0)


HOSTILE = "a\x1b]0;owned\x07b\x9b31mc\u202egnp.exe\u2066d\x00e\x7ff\rg\tg"
