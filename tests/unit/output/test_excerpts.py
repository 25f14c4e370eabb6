"""What is shown of a passage within a width, and what is marked in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from searchapp.output import terminal
from searchapp.output.answers import answer_text
from searchapp.output.excerpts import marks_of
from searchapp.output.terminal import TerminalStyle
from tests.builders.answers import HOSTILE, answer_of, match_of

CODE_LINES = [f"line {number} of the source of this program" for number in "0123456789"]


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


def test_a_long_passage_is_cut_after_six_lines() -> None:
    assert body("\n".join(CODE_LINES)) == "\n".join(CODE_LINES[:6]) + " …"


def test_without_colour_the_best_sentence_is_quoted_and_lines_still_fit() -> None:
    text = "One two three. Four five six seven. Eight."
    best = ((15, 35, 1.0),)
    assert body(text, highlights=best) == "One two three. «Four five six seven.» Eight."
    narrow = "One two three.\n«Four five six\nseven.» Eight."
    assert body(text, highlights=best, width=20) == narrow
    fitting = "One two three. «Four\nfive six seven.»\nEight."
    assert body(text, highlights=best, width=25) == fitting


def test_where_the_terminal_has_no_such_quotes_the_best_sentence_stands_between_underscores() -> (
    None
):
    match = match_of("One. Two. Three.", highlights=((5, 9, 1.0),))
    style = TerminalStyle(width=60, quotes=terminal.PLAIN_QUOTES)
    assert answer_text(answer_of(match), style).endswith("\n   One. _Two._ Three.\n")


def test_without_colour_a_heat_map_gives_way_to_the_best_sentence() -> None:
    match = match_of("One. Two. Three.", highlights=((0, 3, 1.0), (5, 8, 0.5)))
    quoted = replace(match, sentence=(5, 9))
    assert "   One. «Two.» Three.\n" in answer_text(answer_of(quoted), TerminalStyle(width=60))
    assert "   One. Two. Three.\n" in answer_text(answer_of(match), TerminalStyle(width=60))


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
        == "… " + "\n".join(CODE_LINES[4:10]).replace("line 6", "«line 6»") + " …"
    )


def test_an_excerpt_shows_the_beginning_of_a_sentence_longer_than_itself() -> None:
    text = "\n".join(CODE_LINES)
    highlight = (text.index("line 1"), text.index("line 9"), 1.0)
    assert body(text, highlights=(highlight,)) == "… «" + "\n".join(CODE_LINES[1:7]) + " …"


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


def test_a_passage_shows_no_control_characters_and_keeps_its_offsets() -> None:
    shown = body(
        HOSTILE, highlights=((HOSTILE.index("b"), HOSTILE.index("b") + 1, 1.0),), color=True
    )
    assert (
        shown
        == "a\ufffd]0;owned\ufffd\x1b[1;33mb\x1b[0m\ufffd31mc\ufffdgnp.exe\ufffdd\ufffde\ufffdf g g"
    )


def test_a_stop_word_is_not_marked_though_a_word_that_was_asked_for_begins_with_it() -> None:
    text = "rubbed with oil, kept without ice"
    marked = [text[start:end] for start, end in marks_of(text, "eggs without a refrigerator")]
    assert marked == ["without"]
