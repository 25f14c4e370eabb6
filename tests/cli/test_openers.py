"""What editors and viewers are given: the place in the words of each, and a path as one word."""

from __future__ import annotations

import pytest

from searchapp.cli.openers import editor_command, viewer_command, viewer_named
from searchapp.errors import UsageError

FILE = "/docs/-a b;$(c).txt"


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("vim", ["vim", "+20", FILE]),
        ("/usr/bin/vim.basic -R", ["/usr/bin/vim.basic", "-R", "+20", FILE]),
        ("nvim", ["nvim", "+20", FILE]),
        ("nano", ["nano", "+20", FILE]),
        ("emacsclient -t", ["emacsclient", "-t", "+20", FILE]),
        ("emacs-29.1", ["emacs-29.1", "+20", FILE]),
        ("hx", ["hx", "+20", FILE]),
        ("micro", ["micro", "+20", FILE]),
        ("kak", ["kak", "+20", FILE]),
        ("code --wait", ["code", "--wait", "--goto", f"{FILE}:20"]),
        ("code-insiders", ["code-insiders", "--goto", f"{FILE}:20"]),
        ("codium", ["codium", "--goto", f"{FILE}:20"]),
        ("cursor", ["cursor", "--goto", f"{FILE}:20"]),
        ("subl -w", ["subl", "-w", f"{FILE}:20"]),
        ("zed", ["zed", f"{FILE}:20"]),
        ("kate", ["kate", "--line", "20", FILE]),
        ("'/opt/my tools/vim'", ["/opt/my tools/vim", "+20", FILE]),
    ],
)
def test_an_editor_gets_the_line_in_its_own_way(editor: str, words: list[str]) -> None:
    assert editor_command(editor, FILE, 20) == (words, True)


@pytest.mark.parametrize("editor", ["ed -s", "unknown-editor", "vimdiff"])
def test_an_unknown_editor_gets_the_path_alone(editor: str) -> None:
    assert editor_command(editor, FILE, 20) == ([*editor.split(), FILE], False)


def test_an_editor_whose_quotes_are_open_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot be read") as caught:
        editor_command("vim '-R", FILE, 20)
    assert caught.value.hint == "close its quotes"


@pytest.mark.parametrize(
    ("desktop", "words"),
    [
        ("org.gnome.Evince.desktop\n", ["evince", "--page-index=39", "/a b.pdf"]),
        ("org.gnome.Papers.desktop", ["papers", "--page-index=39", "/a b.pdf"]),
        ("okularApplication_pdf.desktop", ["okular", "-p", "39", "/a b.pdf"]),
        ("org.pwmt.zathura.desktop", ["zathura", "-P", "39", "/a b.pdf"]),
        ("mupdf.desktop", ["mupdf", "/a b.pdf", "39"]),
        ("firefox_firefox.desktop", ["firefox", "file:///a%20b.pdf#page=39"]),
        ("google-chrome.desktop", ["google-chrome", "file:///a%20b.pdf#page=39"]),
    ],
)
def test_a_viewer_gets_the_page_in_its_own_way(desktop: str, words: list[str]) -> None:
    viewer = viewer_named(desktop)
    assert viewer is not None
    assert viewer_command(viewer, "/a b.pdf", 39) == words


@pytest.mark.parametrize("desktop", ["", "gimp.desktop"])
def test_a_viewer_that_is_not_known_has_no_name(desktop: str) -> None:
    assert viewer_named(desktop) is None
