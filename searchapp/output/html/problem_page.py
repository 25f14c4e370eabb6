"""What a browser shows that is not let in, or asks for what is not there: one page that needs
nothing else, not even a style. Pure.
"""

from __future__ import annotations

from searchapp.humanize import one_line
from searchapp.output.html.page import render


def problem_html(title: str, detail: str) -> str:
    """The page; what stands between backticks in the detail is to be typed."""
    parts = sentence(detail).split("`")
    return render("problem", title=sentence(title), detail=parts)


def sentence(text: str) -> str:
    """A message as a sentence of its own."""
    line = one_line(text)
    return f"{line[:1].upper()}{line[1:]}{'' if line.endswith(('.', '?')) else '.'}" if line else ""
