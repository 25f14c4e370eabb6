"""What markup is made of where it is computed, as figures are: elements whose text and attributes
are harmless.

`Markup` marks what is markup already; any other text is data and is escaped. Pure; knows nothing of
what a page shows.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from searchapp.humanize import safe

_FORBIDDEN = re.compile("[\ufffe\uffff]")  # HTML may not hold them


def harmless(content: str) -> str:
    """A text without what a page may not hold; `Markup` stays as it is."""
    return content if isinstance(content, Markup) else _FORBIDDEN.sub("\ufffd", safe(content))


def tag(name: str, content: str = "", /, **attributes: object) -> Markup:
    """An element with its content and its attributes; those that are None are left out, and an
    underscore in a name stands for a hyphen.
    """
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(harmless(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{shown}>{escape(harmless(content))}</{name}>")  # all of it is escaped


def signed(value: float, places: int) -> str:
    """A number with a true minus; nothing is -0."""
    number = f"{value:.{places}f}"
    return number.replace("-", "−") if number.strip("-0.") else number.removeprefix("-")
