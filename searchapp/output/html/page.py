"""A page for a browser in one file (HTML), and the elements that it is made of.

Nothing in a page comes from elsewhere: it forbids the browser every request, and every script but
its own. Whatever a text holds is escaped, and what the script is to know travels as JSON that no
text can end. Pure; knows nothing of what a page shows.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from importlib.resources import files

from searchapp.humanize import safe
from searchapp.output.terminal import joined

_FORBIDDEN = re.compile("[\ufffe\uffff]")  # HTML may not hold them
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src "
    "'sha256-{script}'; base-uri 'none'; form-action 'none'"
)


def page(title: str, body: str, *, style: str, script: str, data: object) -> str:
    """The page: its body is markup already, its title is not; the script finds `data` as JSON in
    the element of id "data".
    """
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    head = [
        '<meta charset="utf-8">',
        (
            '<meta http-equiv="Content-Security-Policy" '
            f'content="{escape(_POLICY.format(script=allowed))}">'
        ),
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        tag("title", text(title)),
        tag("style", style),
    ]
    told = (
        json.dumps(data, ensure_ascii=True, allow_nan=False)
        .replace("<", "\\u003c")
        .replace("&", "\\u0026")
    )
    parts = [body, tag("script", told, id="data", type="application/json"), tag("script", script)]
    return joined(
        [
            "<!doctype html>",
            '<html lang="en">',
            tag("head", "\n".join(head)),
            tag("body", "\n".join(parts)),
            "</html>",
        ]
    )


def tag(name: str, content: str = "", /, **attributes: object) -> str:
    """An element with its content, which is markup already, and its attributes, which are not;
    those that are None are left out.
    """
    told = {
        key.rstrip("_").replace("_", "-"): escape(_clean(str(value)))
        for key, value in attributes.items()
        if value is not None
    }
    shown = "".join(f' {key}="{value}"' for key, value in told.items())
    return f"<{name}{shown}>{content}</{name}>"


def text(content: str) -> str:
    """A text as the content of an element, harmless."""
    return escape(_clean(content), quote=False)


def signed(value: float, places: int) -> str:
    """A number with a true minus; nothing is -0."""
    number = f"{value:.{places}f}"
    return number.replace("-", "−") if number.strip("-0.") else number.removeprefix("-")


def asset(name: str) -> str:
    """A file that is part of the program."""
    return files("searchapp.output.html").joinpath(name).read_text(encoding="utf-8")


def _clean(content: str) -> str:
    return _FORBIDDEN.sub("\ufffd", safe(content))
