"""What people, pipes and programs get to see, character for character."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from searchapp.errors import CorpusMissing, EncoderError
from searchapp.humanize import human_bytes, human_duration
from searchapp.output import corpus, terminal
from searchapp.output.answers import answer_json, answer_notes, answer_paths, answer_text, how_text
from searchapp.output.errors import error_json, error_text
from searchapp.output.reports import findings_json, findings_text, report_json, report_text
from searchapp.output.serialization import json_text
from searchapp.output.terminal import TerminalStyle
from searchapp.types.documents import DocumentRow, Hit, Label, Passage, Place, Root, Unindexed
from searchapp.types.results import (
    Answer,
    CosineShares,
    FileOutcome,
    Finding,
    IngestReport,
    LegScore,
    Match,
    Status,
    WordShare,
)
from searchapp.types.vectors import EncoderIdentity

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

CODE_LINES = [f"line {number} of the source of this program" for number in "0123456789"]


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


def body(
    text: str,
    *,
    highlights: tuple[tuple[int, int, float], ...] = (),
    type_: str = "py",
    width: int = 60,
    color: bool = False,
) -> str:
    """The lines under the header, without the margin."""
    lines = answer_text(
        answer_of(match_of(text, highlights=highlights, type_=type_)),
        TerminalStyle(width=width, color=color),
    ).splitlines()[1:]
    assert all(line.startswith("   ") or not line for line in lines)
    return "\n".join(line[3:] for line in lines)


# ---- answers -------------------------------------------------------------------------------------


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
                "path": "/docs/guide.md",
                "title": "Guide",
                "type": "md",
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
                "path": "/else/paper.pdf",
                "title": "",
                "type": "pdf",
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
        "1  0.712  guide.md  lines 10-11  confidence 0.90\n"
        "   Guide > Engine > Oil\n"
        "   Check the oil every week.\n"
        "   Use grade 15W-40.\n"
        "\n"
        "2  0.310  /else/paper.pdf  p. 12\n"
        "   Other words\n"
    )


def test_colors_mark_the_strongest_sentence() -> None:
    assert answer_text(answer_of(ANSWER.matches[0]), TerminalStyle(width=80, color=True)) == (
        "\x1b[2m1\x1b[0m  \x1b[36m0.712\x1b[0m  \x1b[1m/docs/guide.md\x1b[0m  \x1b[32mlines "
        "10-11\x1b[0m  confidence 0.90\n"
        "   \x1b[2mGuide > Engine > Oil\x1b[0m\n"
        "   \x1b[1;33mCheck the oil every week.\x1b[0m\n"
        "   Use grade 15W-40.\n"
    )


def test_a_path_is_a_link_where_links_are_wanted() -> None:
    path = (
        answer_text(
            answer_of(ANSWER.matches[0]), TerminalStyle(width=80, links=True, base=b"/docs/")
        )
        .splitlines()[0]
        .split("  ")[2]
    )
    assert path == "\x1b]8;;file:///docs/guide.md\x1b\\guide.md\x1b]8;;\x1b\\"


@pytest.mark.parametrize(
    ("path", "link"),
    [
        (b"/a b/\xff;\x1b.txt", "file:///a%20b/%FF%3B%1B.txt"),
        (b"/docs/mail.zip!/inner/note.txt", "file:///docs/mail.zip"),
    ],
)
def test_a_link_is_percent_encoded_and_leads_to_a_file_that_exists(path: bytes, link: str) -> None:
    assert TerminalStyle(links=True).path(path).split("\x1b\\")[0] == f"\x1b]8;;{link}"


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


# ---- excerpts ------------------------------------------------------------------------------------


def test_a_long_passage_is_cut_after_six_lines() -> None:
    assert body("\n".join(CODE_LINES)) == "\n".join(CODE_LINES[:6]) + " …"


def test_an_excerpt_spends_no_line_on_blank_ones() -> None:
    assert body("\n\n".join(CODE_LINES)) == "\n".join(CODE_LINES[:6]) + " …"


def test_an_excerpt_moves_to_the_marked_sentence() -> None:
    text = "\n".join(CODE_LINES)
    start = text.index("line 7")
    assert body(text, highlights=((0, 6, 0.2), (start, start + 6, 0.9))) == "… " + "\n".join(
        CODE_LINES[4:]
    )


def test_an_excerpt_in_the_middle_says_that_both_sides_were_cut() -> None:
    text = "\n".join([*CODE_LINES, "the end"])
    start = text.index("line 6")
    assert (
        body(text, highlights=((start, start + 6, 0.9),))
        == "… " + "\n".join(CODE_LINES[4:10]) + " …"
    )


def test_an_excerpt_shows_the_beginning_of_a_sentence_longer_than_itself() -> None:
    text = "\n".join(CODE_LINES)
    highlight = (text.index("line 1"), text.index("line 9"), 1.0)
    assert body(text, highlights=(highlight,)) == "… " + "\n".join(CODE_LINES[1:7]) + " …"


def test_a_mark_goes_on_over_the_end_of_a_line() -> None:
    shown = body(
        "one two three four five six seven", highlights=((14, 23, 1.0),), width=25, color=True
    )
    assert shown == "one two three \x1b[1;33mfour\x1b[0m\n\x1b[1;33mfive\x1b[0m six seven"


def test_several_highlights_are_a_heat_map_of_four_colors_from_a_fifth_on() -> None:
    text = "aa bb cc dd ee ff gg"
    weights = (0.1, 0.2, 0.39, 0.4, 0.6, 0.8, 1.0)
    heat = tuple((3 * at, 3 * at + 2, weight) for at, weight in enumerate(weights))
    shown = body(text, highlights=heat[::-1], color=True)
    weak, fair, strong, most = (f"38;5;16;48;5;{color}" for color in (144, 179, 214, 208))
    styles = ("", weak, weak, fair, strong, f"1;{most}", f"1;{most}")
    style = TerminalStyle(color=True)
    assert shown == " ".join(
        style.paint(text[start:end], code)
        for (start, end, _), code in zip(heat, styles, strict=True)
    )
    assert body(text, highlights=heat) == text


def test_a_heated_word_goes_on_over_the_end_of_a_line_and_none_is_painted_twice() -> None:
    style, hottest = TerminalStyle(color=True), "1;38;5;16;48;5;208"
    assert terminal.heated(
        "abcdef", (0, 3), [(1, 5, 1.0), (2, 3, 0.9)], style
    ) == "a" + style.paint("bc", hottest)
    assert terminal.heated("abcdef", (3, 6), [(1, 5, 1.0), (2, 6, 1.0)], style) == style.paint(
        "de", hottest
    ) + style.paint("f", hottest)
    assert terminal.heated("abcdef", (0, 6), [], style) == "abcdef"


def test_prose_flows_over_the_margins_of_its_source_but_lists_and_code_keep_their_lines() -> None:
    prose = "This line of the source is wider than fifty columns are\nand goes on here.\n- an item"
    flowing = "This line of the source is wider than fifty columns are and goes on here.\n- an item"
    assert body(prose, type_="txt", width=100) == flowing
    assert body(prose, type_="py", width=100) == prose
    paragraphs = "word " * 40 + "end\nNext paragraph"
    assert body(paragraphs, type_="txt", width=300) == paragraphs


def test_indentation_stays_and_a_word_wider_than_the_line_is_cut() -> None:
    assert body("def f():\n    return 1") == "def f():\n    return 1"
    assert body("ab " + "x" * 25, width=25) == "ab\n" + "x" * 20 + "\n" + "x" * 5


def test_lines_break_between_wide_characters_and_count_them_double() -> None:
    assert body("検索" * 8, width=25) == "検索" * 5 + "\n" + "検索" * 3
    assert body("e\u0301" * 20 + " end", width=25) == "e\u0301" * 20 + "\nend"


@pytest.mark.parametrize("width", [1, 23, 40, 79, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = (
        "Ein Satz mit Wörtern. 検索エンジンの文書 " + "x" * 90 + " \U0001f600 end\n" + "word " * 60
    )
    for line in body(text, width=width).splitlines():
        assert terminal.display_width(line) <= max(20, width - 3)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "検索エンジン",
        "e\u0301a\u0308",
        "\U0001f600 ok",
        "ﾊﾝｶｸ",
        "naïve – “quoted”",
        "العربية",
        "हिन्दी",
        "한국어",
    ],
)
def test_widths_are_those_that_rich_measures(text: str) -> None:
    from rich.cells import cell_len

    assert terminal.display_width(text) == cell_len(text)


# ---- hostile names and texts ---------------------------------------------------------------------

HOSTILE = "a\x1b]0;owned\x07b\x9b31mc\u202egnp.exe\u2066d\x00e\x7ff\rg\tg"


def test_a_name_can_neither_send_codes_nor_break_its_line() -> None:
    name = b"/docs/\x1b[31mred\nnext\t\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xff.txt"
    assert terminal.display_path(name) == r"/docs/\x1b[31mred\x0anext\x09\x9b\u202e\u2028\xff.txt"


def test_a_path_is_shortened_only_below_its_base() -> None:
    assert terminal.display_path(b"/docs/a/b.txt", b"/docs") == "a/b.txt"
    assert terminal.display_path(b"/docs2/b.txt", b"/docs") == "/docs2/b.txt"
    assert terminal.display_path(b"/docs/b.txt", b"/") == "docs/b.txt"


def test_a_passage_shows_no_control_characters_and_keeps_its_offsets() -> None:
    shown = body(
        HOSTILE, highlights=((HOSTILE.index("b"), HOSTILE.index("b") + 1, 1.0),), color=True
    )
    assert (
        shown
        == "a\ufffd]0;owned\ufffd\x1b[1;33mb\x1b[0m\ufffd31mc\ufffdgnp.exe\ufffdd\ufffde\ufffdf g g"
    )


def test_nothing_hostile_passes_any_text() -> None:
    path = b"/docs/\x1b[2J\n\xff"
    hit = Hit(1, 1, path, HOSTILE, "txt", Passage(0, 1, headings=(HOSTILE, HOSTILE)), HOSTILE)
    row = DocumentRow(
        path, HOSTILE, "txt", 1, 1, 0, is_pending=False, is_stale=False, labels=(Label(HOSTILE),)
    )
    files = (FileOutcome(path, "failed", HOSTILE), FileOutcome(path, "skipped", HOSTILE))
    encoder = EncoderIdentity(HOSTILE, HOSTILE, 1, 1)
    unindexed = (Unindexed(path, "failed", HOSTILE), Unindexed(path, "skipped", HOSTILE))
    roots = (Root(path, include=(HOSTILE,)),)
    for width in (None, 60):
        style = TerminalStyle(width=width)
        texts = [
            answer_text(answer_of(Match(1, 0.5, 0.5, {"dense": LegScore(1.0, 1)}, hit)), style),
            "\n".join(answer_notes(Answer(HOSTILE, "cosine", (), 1, (), 1.0, notes=(HOSTILE,)))),
            report_text(IngestReport(1, 1.0, files, notes=(HOSTILE,)), style),
            corpus.list_text([row], style),
            corpus.show_text(row, {HOSTILE: HOSTILE}, [hit], style),
            corpus.status_text(
                Status(HOSTILE, 1, 1, 1, 0, 0, 0, encoder, roots, unindexed, 1, 1, HOSTILE, 1),
                style,
            ),
            findings_text([Finding(HOSTILE, path)], style),
            error_text(EncoderError(HOSTILE, hint=HOSTILE), style),
        ]
        assert not set("".join(texts)) & set("\x00\x07\x1b\x7f\x9b\r\u202e\u2066\udcff")


# ---- reports -------------------------------------------------------------------------------------

REPORT = IngestReport(
    generation=4,
    took_s=12.0,
    files=(
        FileOutcome(b"/docs/a.md", "indexed"),
        FileOutcome(b"/docs/b.md", "indexed"),
        FileOutcome(b"/docs/c.md", "unchanged"),
        FileOutcome(b"/docs/d.md", "removed"),
        FileOutcome(b"/docs/node_modules", "skipped", "ignored folder", files=1200),
        FileOutcome(b"/docs/e.bin", "skipped", "no reader for this type"),
        FileOutcome(b"/docs/f.pdf", "failed", "encrypted"),
    ),
    passages_embedded=240,
    passages_reused=10,
    notes=("the root /old is missing",),
)


def test_a_report_for_programs_lists_every_file() -> None:
    assert report_json(REPORT) == {
        "generation": 4,
        "took_s": 12.0,
        "counts": {"indexed": 2, "unchanged": 1, "removed": 1, "skipped": 1201, "failed": 1},
        "files": [
            {"path": "/docs/a.md", "outcome": "indexed", "reason": ""},
            {"path": "/docs/b.md", "outcome": "indexed", "reason": ""},
            {"path": "/docs/c.md", "outcome": "unchanged", "reason": ""},
            {"path": "/docs/d.md", "outcome": "removed", "reason": ""},
            {
                "path": "/docs/node_modules",
                "outcome": "skipped",
                "reason": "ignored folder",
                "files": 1200,
            },
            {"path": "/docs/e.bin", "outcome": "skipped", "reason": "no reader for this type"},
            {"path": "/docs/f.pdf", "outcome": "failed", "reason": "encrypted"},
        ],
        "passages_embedded": 240,
        "passages_reused": 10,
        "interrupted": False,
        "notes": ["the root /old is missing"],
    }


def test_a_report_accounts_for_every_file() -> None:
    assert report_text(REPORT, TerminalStyle(base=b"/docs")) == (
        "1,206 files: 2 indexed, 1 unchanged, 1 removed, 1,201 skipped, 1 failed\n"
        "240 passages embedded, 10 reused in 12 s (20 passages/s); generation 4\n"
        "failed:\n"
        "  f.pdf: encrypted\n"
        "skipped:\n"
        "  1,200 ignored folder: node_modules (1,200 files)\n"
        "  1 no reader for this type: e.bin\n"
        "note: the root /old is missing\n"
    )


def test_an_archive_speaks_for_what_is_in_it_and_files_read_in_part_are_said() -> None:
    files = (
        FileOutcome(b"/a.zip", "failed", "0 of 2 files in it were read: encrypted"),
        FileOutcome(b"/a.zip!/b.pdf", "failed", "encrypted"),
        FileOutcome(b"/a.zip!/c.zip!/d.pdf", "failed", "encrypted"),
        FileOutcome(b"/e.zip", "indexed", "1 of 2 files in it were read"),
        FileOutcome(b"/e.zip!/f.pdf", "failed", "broken"),
        FileOutcome(b"/e.zip!/g.txt", "indexed"),
        FileOutcome(
            b"/scan.pdf", "indexed", "3 of 9 pages that are images were recognised in time"
        ),
    )
    assert report_text(IngestReport(1, 1.0, files)).splitlines()[2:] == [
        "failed:",
        "  /a.zip: 0 of 2 files in it were read: encrypted",
        "  /e.zip!/f.pdf: broken",
        "read in part:",
        "  /e.zip: 1 of 2 files in it were read",
        "  /scan.pdf: 3 of 9 pages that are images were recognised in time",
    ]


def test_what_was_left_out_is_listed_a_line_a_file() -> None:
    left_out = [
        Unindexed(b"/docs/a", "skipped", "hidden", 12),
        Unindexed(b"/docs/b.pdf", "failed", "encrypted:\nneeds a password"),
    ]
    assert corpus.unindexed_text(left_out) == (
        "skipped\t/docs/a (12 files)\thidden\nfailed\t/docs/b.pdf\tencrypted: needs a password\n"
    )
    assert (
        corpus.unindexed_text(left_out, TerminalStyle(width=80, base=b"/docs")).splitlines()[0]
        == "skipped  a (12 files)  hidden"
    )


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


def test_an_interrupted_or_empty_report_is_said_plainly() -> None:
    assert report_text(IngestReport(0, 0.0, (), was_interrupted=True)) == (
        "0 files\n"
        "0 passages embedded, 0 reused in 0.0 s; generation 0\n"
        "interrupted: what is listed as indexed is kept; the same command goes on from here\n"
    )


def test_a_report_of_thousands_of_bad_files_stays_short_and_says_how_many_it_leaves_out() -> None:
    failed = [FileOutcome(b"/f%d" % number, "failed", "broken") for number in range(3000)]
    skipped = [
        FileOutcome(b"/s%d" % number, "skipped", f"reason {number % 12:02d}")
        for number in range(1200)
    ]
    lines = report_text(IngestReport(1, 1.0, (*failed, *skipped))).splitlines()
    assert len(lines) == 2 + 52 + 12
    assert lines[53] == "  … and 2,950 more; `--json` lists every file"
    assert lines[55] == "  100 reason 00: /s0, /s12, /s24, …"
    assert lines[65] == "  200 for 2 other reasons; `--json` lists every file"


# ---- documents, corpus, findings, errors ---------------------------------------------------------

ROWS = (
    DocumentRow(
        b"/docs/guide.md",
        "Guide",
        "md",
        12,
        2500,
        1_700_000_000_123_456_789,
        is_pending=False,
        is_stale=False,
    ),
    DocumentRow(b"/docs/\xff.pdf", "", "pdf", 1200, 34_000_000, 0, is_pending=True, is_stale=False),
)


def test_a_list_for_programs_has_every_promised_key() -> None:
    assert corpus.list_json(ROWS) == {
        "documents": [
            {
                "path": "/docs/guide.md",
                "title": "Guide",
                "type": "md",
                "passages": 12,
                "size": 2500,
                "modified": "2023-11-14T22:13:20Z",
                "pending": False,
                "stale": False,
                "labels": [],
            },
            {
                "path": "/docs/\udcff.pdf",
                "title": "",
                "type": "pdf",
                "passages": 1200,
                "size": 34_000_000,
                "modified": "1970-01-01T00:00:00Z",
                "pending": True,
                "stale": False,
                "labels": [],
            },
        ]
    }


def test_labels_stand_in_lists_with_who_gave_them_and_how_sure_that_is() -> None:
    row = replace(ROWS[0], labels=(Label("guide"), Label("letter", "classifier", 0.75)))
    assert corpus.list_json([row])["documents"][0]["labels"] == [  # type: ignore[index]
        {"label": "guide", "origin": "hand", "probability": None},
        {"label": "letter", "origin": "classifier", "probability": 0.75},
    ]
    assert (
        corpus.list_text([row])
        == "/docs/guide.md\tmd\t12\t2500\t2023-11-14T22:13:20Z\tcurrent\tGuide\tguide, letter\n"
    )
    assert (
        corpus.list_text([row], TERMINAL)
        == "2023-11-14  12    2.5 kB  guide.md  guide, letter  Guide\n"
    )


def test_a_list_is_a_line_a_document() -> None:
    assert corpus.list_text(ROWS) == (
        "/docs/guide.md\tmd\t12\t2500\t2023-11-14T22:13:20Z\tcurrent\tGuide\n"
        "/docs/\\xff.pdf\tpdf\t1200\t34000000\t1970-01-01T00:00:00Z\tpending\t\n"
    )
    assert corpus.list_text(ROWS, TERMINAL) == (
        "2023-11-14     12    2.5 kB  guide.md  Guide\n1970-01-01  1,200   34.0 MB  \\xff.pdf  "
        "[pending]\n"
    )
    assert corpus.list_text(()) == ""


def test_a_title_is_cut_where_the_line_of_a_list_ends() -> None:
    row = DocumentRow(
        b"/a", "Of the nature of things", "txt", 1, 5, 0, is_pending=False, is_stale=False
    )
    assert (
        corpus.list_text([row], TerminalStyle(width=40))
        == "1970-01-01  1       5 B  /a  Of the nat…\n"
    )


def test_a_shown_document_has_its_facts_and_all_its_passages() -> None:
    assert corpus.show_text(
        ROWS[0], {"author": "Ann"}, [GUIDE, PAPER], TerminalStyle(width=80)
    ) == (
        "path      /docs/guide.md\n"
        "title     Guide\n"
        "type      md\n"
        "modified  2023-11-14 22:13 UTC\n"
        "size      2.5 kB\n"
        "passages  12\n"
        "state     current\n"
        "author    Ann\n"
        "\n"
        "lines 10-11  Engine > Oil\n"
        "Check the oil every week.\n"
        "Use grade 15W-40.\n"
        "\n"
        "p. 12\n"
        "Other words\n"
    )


def test_a_shown_document_in_a_pipe_keeps_the_lines_of_its_source() -> None:
    long = "This line of the source is wider than fifty columns are\nand goes on here."
    hit = Hit(1, 1, b"/a", "", "txt", Passage(0, len(long)), long)
    assert corpus.show_text(ROWS[0], {}, [hit]).endswith(f"\n\n{long}\n")


def test_a_shown_document_for_programs() -> None:
    shown = corpus.show_json(ROWS[0], {"author": "Ann"}, [PAPER])
    assert shown == {
        "document": corpus.list_json(ROWS[:1])["documents"][0],  # type: ignore[index]
        "metadata": {"author": "Ann"},
        "passages": [
            {
                "page": 12,
                "line_start": None,
                "line_end": None,
                "place": {"page": 12},
                "start": 0,
                "end": 11,
                "heading": "",
                "text": "Other words",
            }
        ],
    }


STATUS = Status(
    path="/home/ann/.searchapp",
    generation=12,
    documents=1204,
    passages=15332,
    pending=3,
    stale=0,
    outdated=2,
    encoder=EncoderIdentity("default", "53aa", 384, 256),
    roots=(Root(b"/docs"), Root(b"/notes", include=("*.md", "*.txt"), exclude=("old",))),
    unindexed=(
        Unindexed(b"/docs/x.pdf", "failed", "encrypted"),
        Unindexed(b"/docs/tmp", "skipped", "ignored folder", files=5),
    ),
    database_bytes=12_300_000,
    vectors_bytes=999_950,
    vectors_state="behind by 40 passages",
    ingested_at_ns=1_700_000_000_000_000_000,
)


def test_a_status_says_what_is_in_the_corpus_and_what_is_not() -> None:
    assert corpus.status_text(STATUS) == (
        "corpus     /home/ann/.searchapp (generation 12)\n"
        "documents  1,204 (3 without vectors yet, 2 made by an older version)\n"
        "passages   15,332\n"
        "encoder    default (384 dimensions, 256 tokens)\n"
        "size       12.3 MB database, 1.0 MB vectors file\n"
        "vectors    behind by 40 passages\n"
        "ingested   2023-11-14 22:13 UTC\n"
        "root       /docs\n"
        "root       /notes (include *.md *.txt; exclude old)\n"
        "failed:\n"
        "  /docs/x.pdf: encrypted\n"
        "skipped:\n"
        "  5 ignored folder: /docs/tmp (5 files)\n"
    )


def test_a_status_for_programs_has_everything() -> None:
    assert corpus.status_json(STATUS) == {
        "path": "/home/ann/.searchapp",
        "generation": 12,
        "documents": 1204,
        "passages": 15332,
        "pending": 3,
        "stale": 0,
        "outdated": 2,
        "encoder": {"model": "default", "fingerprint": "53aa", "dim": 384, "max_tokens": 256},
        "roots": [
            {"path": "/docs", "include": [], "exclude": []},
            {"path": "/notes", "include": ["*.md", "*.txt"], "exclude": ["old"]},
        ],
        "unindexed": [
            {"path": "/docs/x.pdf", "outcome": "failed", "reason": "encrypted"},
            {"path": "/docs/tmp", "outcome": "skipped", "reason": "ignored folder", "files": 5},
        ],
        "database_bytes": 12_300_000,
        "vectors_bytes": 999_950,
        "vectors": "behind by 40 passages",
        "ingested_at": "2023-11-14T22:13:20Z",
    }


def test_the_status_of_an_empty_corpus_is_complete() -> None:
    empty = Status("/c", 0, 0, 0, 0, 0, 0, None, (), (), 0, 0, "none yet", None)
    assert corpus.status_text(empty) == (
        "corpus     /c (generation 0)\n"
        "documents  0\n"
        "passages   0\n"
        "encoder    none yet\n"
        "size       0 B database, 0 B vectors file\n"
        "vectors    none yet\n"
        "ingested   never\n"
    )
    assert corpus.status_json(empty)["encoder"] is None
    assert corpus.status_json(empty)["ingested_at"] is None


def test_findings_are_listed_with_what_is_lost_first() -> None:
    findings = [
        Finding("keyword rows differ"),
        Finding("text differs from its digest", b"/docs/a.md", is_lost=True),
    ]
    assert (
        findings_text(findings)
        == "lost: /docs/a.md: text differs from its digest\nrepairable: keyword rows differ\n"
    )
    assert findings_text([]) == "no damage found\n"
    assert findings_json(findings) == {
        "findings": [
            {"what": "keyword rows differ", "path": "", "lost": False},
            {"what": "text differs from its digest", "path": "/docs/a.md", "lost": True},
        ]
    }


def test_an_error_names_its_cure() -> None:
    error = CorpusMissing("there is no corpus at /x", hint="`searchapp ingest PATH` makes one")
    assert (
        error_text(error)
        == "error: there is no corpus at /x\nhint: `searchapp ingest PATH` makes one\n"
    )
    assert (
        error_text(CorpusMissing("gone"), TerminalStyle(color=True))
        == "\x1b[31merror:\x1b[0m gone\n"
    )
    assert error_json(error) == {
        "error": {
            "code": "corpus_missing",
            "message": "there is no corpus at /x",
            "hint": "`searchapp ingest PATH` makes one",
        }
    }


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2_500_000_000, "2.5 GB"),
        (10**16, "10,000.0 TB"),
    ],
)
def test_sizes_are_in_decimal_units(size: int, shown: str) -> None:
    assert human_bytes(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (185, "3 min 5 s"),
        (7799, "2 h 9 min"),
    ],
)
def test_durations_are_in_their_two_largest_units(seconds: float, shown: str) -> None:
    assert human_duration(seconds) == shown


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
