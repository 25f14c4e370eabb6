"""What the environment says of the terminal."""

from __future__ import annotations

import pytest

from searchapp import config

_NAMES = (
    "TERM",
    "TERM_PROGRAM",
    "VTE_VERSION",
    "KITTY_WINDOW_ID",
    "WT_SESSION",
    "KONSOLE_VERSION",
    "ALACRITTY_WINDOW_ID",
)


@pytest.mark.parametrize(
    ("environment", "has_links"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4600"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "xterm-256color", "WT_SESSION": "1"}, True),
        ({"TERM": "xterm-kitty"}, True),  # over ssh this is all that a terminal tells
        ({"TERM": "foot"}, True),
        ({"TERM": "dumb", "VTE_VERSION": "7600"}, False),
        ({"TERM": "linux", "TERM_PROGRAM": "tmux"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, False),  # opens path:20 itself
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "zed"}, False),
        ({}, False),
    ],
)
def test_links_are_for_terminals_that_are_known_to_draw_them(
    environment: dict[str, str], has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in _NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert config.terminal_has_links() is has_links
