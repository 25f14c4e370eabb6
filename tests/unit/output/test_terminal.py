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
