"""What people, pipes and programs see of an answer, character for character."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from searchapp.errors import UsageError
from searchapp.output.answers import answer_json, answer_notes, answer_paths, answer_text, how_text
from searchapp.output.serialization import json_text
from searchapp.output.terminal import TerminalStyle
from searchapp.types.documents import Hit, Passage, Place
from searchapp.types.results import (
    Answer,
    CosineShares,
    LegScore,
    Match,
    WordShare,
)
from tests.builders.answers import ANSWER, GUIDE, NO_MATCH, PAPER, TERMINAL, answer_of


def test_an_answer_for_programs_has_every_promised_key() -> None:
    assert answer_json(ANSWER) == {
        "query": "when to check the oil",
        "mode": "hybrid",
        "legs": ["dense", "keyword"],
        "generation": 5,
        "pending": 0,
        "stale": 0,
        "approximate": False,
        "took_ms": 12.346,
        "matches": [
            {
                "rank": 1,
                "score": 1.234568,
                "cosine": 0.7124,
                "confidence": 0.9,
                "legs": {
                    "dense": {"score": 0.7124, "rank": 1},
                    "keyword": {"score": 11.5, "rank": 2},
                },
                "document_id": 3,
                "path": "/docs/guide.md",
                "title": "Guide",
                "type": "md",
                "id": 7,
                "page": None,
                "place": {"line_start": 10, "line_end": 11, "heading": "Engine > Oil"},
                "line_start": 10,
                "line_end": 11,
                "start": 100,
                "end": 142,
                "heading": "Engine > Oil",
                "text": "Check the oil every week.\nUse grade 15W-40.",
                "parts": {},
                "copies": [],
                "sentence": None,
                "shares": None,
                "highlights": [[0, 25, 1.0]],
            },
            {
                "rank": 2,
                "score": -0.5,
                "cosine": 0.31,
                "confidence": None,
                "legs": {"dense": {"score": 0.31, "rank": 2}},
                "document_id": 4,
                "path": "/else/paper.pdf",
                "title": "",
                "type": "pdf",
                "id": 9,
                "page": 12,
                "place": {"page": 12},
                "line_start": None,
                "line_end": None,
                "start": 0,
                "end": 11,
                "heading": "",
                "text": "Other words",
                "parts": {},
                "copies": [],
                "sentence": None,
                "shares": None,
                "highlights": [],
            },
        ],
        "notes": [],
    }


def test_any_path_survives_json_exactly() -> None:
    path = b"/docs/caf\xc3\xa9 \xff\n\x1b.txt"
    match = Match(1, 0.5, 0.5, {}, Hit(1, 1, path, "", "txt", Passage(0, 1), "x"))
    line = json_text(answer_json(answer_of(match)))
    assert line.isascii()
    assert line.count("\n") == 1
    assert os.fsencode(json.loads(line)["matches"][0]["path"]) == path


def test_a_score_from_numpy_becomes_plain_json() -> None:
    numpy = pytest.importorskip("numpy")
    match = Match(
        1,
        numpy.float32(0.5),
        numpy.float32(0.25),
        {"dense": LegScore(numpy.float32(0.5), 1)},
        PAPER,
    )
    assert '"score": 0.5, "cosine": 0.25' in json_text(answer_json(answer_of(match)))


def test_a_terminal_shows_rank_cosine_path_place_headings_and_passage() -> None:
    assert answer_text(ANSWER, TERMINAL) == (
        "1  cosine 0.712  guide.md:10  confidence 0.90\n"
        "   Guide > Engine > Oil\n"
        "   «Check the oil every week.»\n"
        "   Use grade 15W-40.\n"
        "\n"
        "2  cosine 0.310  /else/paper.pdf  p. 12\n"
        "   Other words\n"
    )


def test_colors_mark_the_strongest_sentence() -> None:
    assert answer_text(answer_of(ANSWER.matches[0]), TerminalStyle(width=80, color=True)) == (
        "\x1b[2m1\x1b[0m  \x1b[36m0.712\x1b[0m  \x1b[1m/docs/guide.md\x1b[0m\x1b[32m:10\x1b[0m  "
        "confidence 0.90\n"
        "   \x1b[2mGuide > Engine > Oil\x1b[0m\n"
        "   \x1b[1;33mCheck the oil every week.\x1b[0m\n"
        "   Use grade 15W-40.\n"
    )


def test_a_path_is_a_link_where_links_are_wanted() -> None:
    path = (
        answer_text(
            answer_of(ANSWER.matches[0]),
            TerminalStyle(width=80, links=True, host="box", base=b"/docs/"),
        )
        .splitlines()[0]
        .split("  ")[2]
    )
    assert path == "\x1b]8;;file://box/docs/guide.md\x1b\\guide.md:10\x1b]8;;\x1b\\"


@pytest.mark.parametrize(
    ("path", "link"),
    [
        (b"/a b/\xff;\x1b.txt", "file://my%20box/a%20b/%FF%3B%1B.txt"),
        (b"/docs/mail.zip!/inner/note.txt", "file://my%20box/docs/mail.zip"),
    ],
)
def test_a_link_is_percent_encoded_and_leads_to_a_file_that_exists(path: bytes, link: str) -> None:
    style = TerminalStyle(links=True, host="my box")
    assert style.path(path).split("\x1b\\")[0] == f"\x1b]8;;{link}"


def test_a_pipe_gets_one_line_a_match_with_tabs_between_the_fields() -> None:
    assert answer_text(ANSWER, TerminalStyle(base=b"/docs")) == (
        "1\t0.712\tguide.md\tlines 10-11\tGuide > Engine > Oil\tCheck the oil every week. Use "
        "grade 15W-40.\n"
        "2\t0.310\t/else/paper.pdf\tp. 12\t\tOther words\n"
    )


def test_a_pipe_gets_no_codes_even_if_colors_and_links_are_asked_for() -> None:
    assert answer_text(ANSWER, TerminalStyle(color=True, links=True)) == answer_text(ANSWER)


def test_no_match_prints_nothing_and_is_said_in_the_notes() -> None:
    assert answer_text(NO_MATCH) == ""
    assert answer_text(NO_MATCH, TERMINAL) == ""
    assert answer_paths(NO_MATCH) == ""
    assert answer_notes(NO_MATCH) == ['nothing matches "void\ufffd[2J"']


def test_notes_say_what_was_left_out() -> None:
    answer = Answer(
        "q",
        "cosine",
        ("dense",),
        5,
        ANSWER.matches,
        1.0,
        pending=1,
        stale=2000,
        is_approximate=True,
        notes=("a\nb",),
    )
    assert answer_notes(answer) == [
        "a b",
        "1 document not searched by meaning yet: `searchapp ingest` makes the missing vectors",
        "2,000 documents out of date: `searchapp ingest` reads them again",
        "the ranking is approximate: `--exact` compares every vector",
    ]
    assert answer_notes(ANSWER) == []


def test_paths_come_once_each_best_first_and_exact() -> None:
    odd = Match(3, 0.1, 0.1, {}, Hit(1, 1, b"/docs/\xff", "", "txt", Passage(0, 1), "x"))
    paths = answer_paths(answer_of(ANSWER.matches[1], odd, ANSWER.matches[0], ANSWER.matches[1]))
    assert os.fsencode(paths) == b"/else/paper.pdf\n/docs/\xff\n/docs/guide.md\n"


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        (b"a\n/etc/passwd", "$'/docs/a\\x0a/etc/passwd'"),
        (b"\x1b[2J'\\", "$'/docs/\\x1b[2J\\'\\\\'"),
    ],
)
def test_a_path_that_would_be_read_as_another_is_quoted_or_refused(
    name: bytes, quoted: str
) -> None:
    match = Match(1, 0.1, 0.1, {}, Hit(1, 1, b"/docs/" + name, "", "txt", Passage(0, 1), "x"))
    answer = answer_of(ANSWER.matches[1], match)
    with pytest.raises(UsageError, match="control character") as caught:
        answer_paths(answer)
    assert "--null" in caught.value.hint
    assert answer_paths(answer, is_quoted=True) == f"/else/paper.pdf\n{quoted}\n"
    assert os.fsencode(answer_paths(answer, null=True)) == (
        b"/else/paper.pdf\0/docs/" + name + b"\0"
    )


@pytest.mark.parametrize(
    ("passage", "place"),
    [
        (Passage(0, 1, place=(("page", 3),)), "p. 3"),
        (Passage(0, 1, place=(("line_start", 7), ("line_end", 7))), "line 7"),
        (Passage(0, 1, place=(("line_start", 7), ("line_end", 9))), "lines 7-9"),
        (Passage(0, 1), ""),
    ],
)
def test_a_place_is_a_page_or_lines_or_nothing(passage: Passage, place: str) -> None:
    match = Match(1, 0.5, 0.5, {}, Hit(1, 1, b"/a", "", "txt", passage, "x"))
    assert answer_text(answer_of(match)).split("\t")[3] == place


@pytest.mark.parametrize(
    ("title", "headings", "below"),
    [
        ("Guide", ("Guide", "Oil"), "Oil"),
        ("Guide to everything", ("Guide to", "Oil"), "Oil"),  # the splitter cut a long title
        ("", ("Engine", "Oil"), "Engine > Oil"),
        ("Guide", (), ""),
    ],
)
def test_the_heading_leaves_out_the_title(
    title: str, headings: tuple[str, ...], below: str
) -> None:
    hit = Hit(1, 1, b"/a", title, "txt", Passage(0, 1, headings=headings), "x")
    match = answer_json(answer_of(Match(1, 0.5, 0.5, {}, hit)))["matches"]
    assert isinstance(match, list)
    assert match[0]["heading"] == below


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ((("slide", 4),), "slide 4"),
        ((("sheet", "Costs"), ("row_start", 2), ("row_end", 9)), "Costs, rows 2-9"),
        ((("row_start", 2), ("row_end", 2)), "row 2"),
        ((("cell_start", 3), ("cell_end", 3)), "cell 3"),
        ((("time_start", "0:01:02"), ("time_end", "0:02:00")), "0:01:02-0:02:00"),
        ((("subject", "Boiler"), ("date", "2024-05-31")), "2024-05-31"),
        ((("member", "a.txt"), ("line_start", 1), ("line_end", 3)), "lines 1-3"),
    ],
)
def test_a_place_is_said_in_the_words_of_its_format(place: Place, shown: str) -> None:
    match = Match(1, 0.5, 0.5, {}, Hit(1, 1, b"/a", "", "txt", Passage(0, 1, place=place), "x"))
    assert answer_text(answer_of(match)).split("\t")[3] == shown


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ((("line_start", 7), ("line_end", 9)), "/a:7"),
        ((("member", "a.txt"), ("line_start", 1), ("line_end", 1)), "/a:1"),
        ((("date", "2024-05-31"), ("line_start", 3), ("line_end", 9)), "/a:3  2024-05-31"),
        ((("page", 3),), "/a  p. 3"),
        ((("sheet", "Costs"), ("row_start", 2), ("row_end", 9)), "/a  Costs, rows 2-9"),
        ((), "/a"),
    ],
)
def test_a_terminal_has_a_line_behind_the_path_and_any_other_place_after_it(
    place: Place, shown: str
) -> None:
    match = Match(1, 0.5, 0.5, {}, Hit(1, 1, b"/a", "", "txt", Passage(0, 1, place=place), "x"))
    assert answer_text(answer_of(match), TERMINAL) == f"1  0.500  {shown}\n   x\n"


@pytest.mark.parametrize(
    ("width", "header"),
    [
        (49, ["1  0.500  /docs2/some/long.txt:7  confidence 0.50"]),
        (48, ["1  0.500  /docs2/some/long.txt:7", "   confidence 0.50"]),
        (20, ["1  0.500", "   /docs2/some/long.txt:7", "   confidence 0.50"]),
    ],
)
def test_a_header_goes_on_below_where_it_is_wider_than_the_terminal_but_no_path_is_cut(
    width: int, header: list[str]
) -> None:
    place = (("line_start", 7), ("line_end", 7))
    hit = Hit(1, 1, b"/docs2/some/long.txt", "", "txt", Passage(0, 1, place=place), "x")
    match = Match(1, 0.5, 0.5, {}, hit, confidence=0.5)
    shown = answer_text(answer_of(match), TerminalStyle(width=width, color=False))
    assert shown.splitlines() == [*header, "   x"]


@pytest.mark.slow
def test_an_answer_imports_nothing_heavy_and_nothing_of_other_commands() -> None:
    code = """
import sys, searchapp.output.answers
print(*(name for name in sys.modules if name in ("rich", "numpy", "jinja2")
        or name.startswith("searchapp.output.")))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == [
        "searchapp.output.serialization",
        "searchapp.output.terminal",
        "searchapp.output.answers",
    ]


@pytest.mark.parametrize(
    ("mode", "legs", "said"),
    [
        ("cosine", ("cosine",), "cosine, 12 ms"),
        ("best", ("cosine", "keyword"), "best (cosine + keyword), 12 ms"),
    ],
)
def test_an_answer_says_how_it_was_found(mode: str, legs: tuple[str, ...], said: str) -> None:
    assert how_text(replace(ANSWER, mode=mode, legs=legs)) == said


@pytest.mark.parametrize(
    ("mode", "cosine", "is_named"),
    [("cosine", 0.5, False), ("hybrid", 0.5, True), ("best", 0.5, True), ("keyword", None, False)],
)
def test_a_cosine_that_does_not_rank_is_named(
    mode: str, cosine: float | None, is_named: bool
) -> None:
    match = Match(1, 1.5, cosine, {"cosine": LegScore(0.5, 1)}, GUIDE)
    answer = replace(answer_of(match), mode=mode, legs=(mode,))
    header = answer_text(answer, TERMINAL).splitlines()[0]
    assert header.startswith("1  cosine 0.500  ") == is_named
    columns = "; the second column is the cosine, which does not rank"
    assert how_text(answer, in_columns=True).endswith(columns) == is_named
    assert answer_text(answer).split("\t")[1] == (f"{cosine:.3f}" if cosine else "1.500")


def test_an_explained_match_is_followed_by_what_made_its_score_and_its_cosine() -> None:
    shares = CosineShares(0.5, 0.1, 0.05, (WordShare(0, 5, 0.3), WordShare(6, 9, 0.05)))
    match = replace(
        ANSWER.matches[0],
        score=1.5,
        parts={"cosine": 1.0, "keyword": 0.5, "place": 0.0},
        shares=shares,
    )
    lines = answer_text(replace(ANSWER, matches=(match,)), explained=True).splitlines()[1:]
    assert lines == [
        "legs: dense 0.712 (rank 1), keyword 11.500 (rank 2)",
        "score: 1.500 = +1.000 cosine +0.500 keyword",
        "cosine: 0.500 = +0.350 words +0.050 headings +0.100 special tokens",
        "words: Check +0.300, the +0.050",
    ]


def test_facets_stand_in_an_answer_for_programs_only_where_they_were_asked_for() -> None:
    counted = {"type": (("pdf", 2), ("md", 1)), "label": ()}
    assert "facets" not in answer_json(ANSWER)
    assert answer_json(replace(ANSWER, facets=counted))["facets"] == {
        "type": [{"value": "pdf", "count": 2}, {"value": "md", "count": 1}],
        "label": [],
    }
