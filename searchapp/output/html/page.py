"""Pages for a browser, made of templates: each in one file, or served in parts.

Nothing in a page in one file comes from elsewhere: it forbids the browser every request, and every
script but its own. A template escapes all that it shows, and what a script needs travels as JSON
that no text can end. Pure; knows nothing of what a page shows.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING

from searchapp.output.html.elements import harmless

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(
    name: str, *, title: str, data: object, scripts: Sequence[str] = (), **values: object
) -> str:
    """The page of the template `NAME.html.jinja` in one file, with the shared style, then
    `NAME.css`, the other scripts and `NAME.js`; a script finds `data` as JSON in the element of id
    "data".
    """
    from jinja2.utils import htmlsafe_json_dumps
    from markupsafe import Markup

    script = "".join(asset(f"{part}.js") for part in (*scripts, name))
    return render(
        name,
        layout="one_file.html.jinja",
        title=title,
        style=Markup(asset("base.css") + asset(f"{name}.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        data=htmlsafe_json_dumps(data, dumps=partial(json.dumps, allow_nan=False)),
        **values,
    )


def render_served(
    name: str,
    *,
    title: str,
    version: str,
    scripts: Sequence[str] = (),
    data: object = None,
    **values: object,
) -> str:
    """The page of the template `NAME.html.jinja` as a server gives it, with styles and scripts that
    a browser asks it for; they are named with their version, so that it can keep them.
    """
    from jinja2.utils import htmlsafe_json_dumps

    return render(
        name,
        layout="served.html.jinja",
        title=title,
        version=version,
        styles=("base.css", f"{name}.css"),
        scripts=(*(f"{part}.js" for part in scripts), f"{name}.js"),
        data=None
        if data is None
        else htmlsafe_json_dumps(data, dumps=partial(json.dumps, allow_nan=False)),
        **values,
    )


def render(name: str, **values: object) -> str:
    """What the template `NAME.html.jinja` makes of values."""
    return _environment().get_template(f"{name}.html.jinja").render(**values)


def asset(name: str) -> str:
    """A style or script that is part of the program."""
    return files("searchapp.output.html").joinpath("assets", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("searchapp.output.html"),
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finalized(value: object) -> object:
    """Every value that a template shows, before it is escaped."""
    return harmless(value) if isinstance(value, str) else value
