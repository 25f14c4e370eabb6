"""The table of everyday mistakes: each is made again, and answered as the page says.

`python -m tests.integration.test_mistakes` is not needed: a row that differs is shown whole, to be
copied into the page.
"""

from __future__ import annotations

import re
import shlex

import pytest

from tests.integration.test_docs import HERE, Library, library
from tests.paths import ROOT

__all__ = ["library"]

PAGE = ROOT / "docs" / "how-to" / "mistakes.md"
ROWS = dict(
    re.findall(r"^\| `(searchapp [^|]*)` \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
)

pytestmark = [pytest.mark.model, pytest.mark.slow]


def said(library: Library, command: str) -> str:
    """What a command prints beside its answer, as a cell of the table has it."""
    _, *words = shlex.split(command)
    done = library.program.run(*words)
    text = (done.stderr.strip() or done.stdout.strip()).replace(str(library.program.folder), HERE)
    text = re.sub(r"^(?:keyword|hybrid|best)\b.* ms$\n?", "", text, flags=re.MULTILINE)
    return "<br>".join(map(code, text.strip().splitlines()))


def code(line: str) -> str:
    """A line as code in Markdown, whatever stands in it."""
    return f"`` {line} ``" if "`" in line else f"`{line}`"


def test_there_are_twenty_and_more() -> None:
    assert len(ROWS) >= 20


@pytest.mark.parametrize("command", ROWS)
def test_a_mistake_is_answered_as_the_page_says(command: str, library: Library) -> None:
    assert said(library, command) == ROWS[command], f"| `{command}` | {said(library, command)} |"
