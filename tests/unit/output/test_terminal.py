"""Names and widths: nothing that a terminal obeys passes."""

from __future__ import annotations

import pytest

from searchapp.output import terminal


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


def test_a_name_can_neither_send_codes_nor_break_its_line() -> None:
    name = b"/docs/\x1b[31mred\nnext\t\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xff.txt"
    assert terminal.display_path(name) == r"/docs/\x1b[31mred\x0anext\x09\x9b\u202e\u2028\xff.txt"


def test_a_path_is_shortened_only_below_its_base() -> None:
    assert terminal.display_path(b"/docs/a/b.txt", b"/docs") == "a/b.txt"
    assert terminal.display_path(b"/docs2/b.txt", b"/docs") == "/docs2/b.txt"
    assert terminal.display_path(b"/docs/b.txt", b"/") == "docs/b.txt"


def test_parts_fill_lines_without_being_broken_and_escape_codes_take_no_columns() -> None:
    words = ["one", "two", "three", "検索", "a-word-wider-than-all", "end"]
    lines = ["one two", "..three", "..検索", "..a-word-wider-than-all", "..end"]
    assert terminal.filled(words, 7, margin="..") == lines
    assert terminal.filled(words, None) == [" ".join(words)]
    assert terminal.filled([], 7) == []
    style = terminal.TerminalStyle(color=True, links=True, host="h")
    link, bold = style.path(b"/a b"), style.paint("c", terminal.BOLD)
    assert terminal.filled([link, bold, "d"], 7, gap="  ") == [f"{link}  {bold}", "d"]


def test_a_table_breaks_values_at_words_and_goes_on_below_them() -> None:
    facts = [("name", "a value of several words"), ("x", ""), ("longer", "short")]
    assert terminal.table(facts, terminal.TerminalStyle(width=20)) == [
        "name    a value of",
        "        several",
        "        words",
        "longer  short",
    ]
    assert terminal.table(facts, terminal.PLAIN)[0] == "name    a value of several words"
    link = terminal.TerminalStyle(width=10, links=True).path(b"/a long path")
    assert terminal.table([("at", link)], terminal.TerminalStyle(width=10)) == [f"at  {link}"]
