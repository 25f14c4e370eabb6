"""A map of the corpus as one page for a browser (HTML).

What documents hold is in it as data alone, which its script sets as text, never as markup. Pure.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_from_bytes

import numpy as np

from searchapp.humanize import one_line, safe
from searchapp.output.answers import headings_below_title, place_text
from searchapp.output.corpus_map import axes_told, map_notes, nearness_told, rest_of, title_of
from searchapp.output.html.page import asset, page, tag, text
from searchapp.output.terminal import display_path, flowing
from searchapp.types.documents import MEMBER

if TYPE_CHECKING:
    from searchapp.analysis.corpus_map import CorpusMap
    from searchapp.types.documents import Hit

MARK = '<main id="searchapp-map">'  # by which a map is known

_ABOUT_KEYS = (
    "A map of points. The arrow keys go from point to point, with Shift they move the map, plus "
    "and minus zoom, 0 shows all, Enter keeps a "
    "point, Escape lets it go."
)
_TEXT_FRAGMENTS = (
    "html",
    "txt",
)  # what browsers look through for words: https://wicg.github.io/scroll-to-text-fragment
_FIRST_WORDS = 6  # of a passage by which it is found again
_PLACES = 5  # significant digits of a point's place


def map_html(found: CorpusMap, corpus: bytes) -> str:
    """The page; `corpus` is the folder that its commands name."""
    parts = [_header(found), _search(found), _STAGE, _legend(found), _PANEL, _footer(found)]
    body = "\n".join([MARK, *parts, "</main>"])
    return page(
        f"Map of {title_of(found)}",
        body,
        style=asset("map_page.css"),
        script=asset("map_page.js"),
        data=_data(found, corpus),
    )


# ---- data ----------------------------------------------------------------------------------------


def _data(found: CorpusMap, corpus: bytes) -> dict[str, object]:
    """What the script draws and tells: documents, groups, and the points column by column."""
    first: dict[int, Hit] = {}
    for hit in found.hits:
        first.setdefault(hit.document_id, hit)
    number = {document_id: at for at, document_id in enumerate(first)}
    return {
        "documents": [_document_data(found, hit, corpus) for hit in first.values()],
        "groups": [one_line(name) for name in found.groups.names],
        "rest": rest_of(found),
        "document": [number[hit.document_id] for hit in found.hits],
        "group": found.groups.of.tolist(),
        "x": _short(found.projection.places[:, 0].tolist()),
        "y": _short(found.projection.places[:, 1].tolist()),
        "place": [place_text(hit.passage) for hit in found.hits],
        "heading": [_heading(found, hit) for hit in found.hits],
        "text": [safe(flowing(hit.text, hit.type)) for hit in found.hits],
        "at": [_fragment(hit) for hit in found.hits],
        "nearest": found.nearest.rows.tolist(),
        "cosine": np.round(found.nearest.cosines, 4).tolist(),
    }


def _document_data(found: CorpusMap, hit: Hit, corpus: bytes) -> list[str]:
    """A document's path and title as shown, where its file is, and the command that shows it."""
    file = f"file://{quote_from_bytes(hit.path.partition(MEMBER)[0])}"
    return [
        display_path(hit.path, found.base),
        one_line(hit.title),
        file,
        _command(hit.path, corpus),
    ]


def _command(path: bytes, corpus: bytes) -> str:
    """The command that shows a document, to be pasted into a shell; "" where a name has what a
    terminal may obey.
    """
    words = ["searchapp", "show", "--corpus", os.fsdecode(corpus), "--", os.fsdecode(path)]
    return shlex.join(words) if all(word.isprintable() for word in words) else ""


def _heading(found: CorpusMap, hit: Hit) -> str:
    """The headings above a passage; a whole document has none."""
    return (
        " > ".join(map(one_line, headings_below_title(hit)))
        if found.granularity == "passage"
        else ""
    )


def _fragment(hit: Hit) -> str:
    """What makes browsers open a file where the passage stands: the page of a PDF, the first words
    in a web page or plain text.
    """
    page = dict(hit.passage.place).get("page")
    if MEMBER in hit.path:
        return ""
    if hit.type == "pdf":
        return f"#page={page}" if isinstance(page, int) else ""
    words = hit.text.strip().partition("\n")[0].split()[:_FIRST_WORDS]
    return (
        f"#:~:text={quote(' '.join(words), safe='').replace('-', '%2D')}"
        if hit.type in _TEXT_FRAGMENTS and words
        else ""
    )


def _short(numbers: Sequence[float]) -> list[float]:
    return [float(f"{number:.{_PLACES}g}") for number in numbers]


# ---- markup --------------------------------------------------------------------------------------


_STAGE = f"""<section class="stage" aria-label="Map">
<canvas id="canvas" tabindex="0" role="application" aria-label="{_ABOUT_KEYS}"></canvas>
<div class="tip" id="tip" hidden></div>
<div class="zoom" role="group" aria-label="View">
<button type="button" id="names" aria-pressed="true" title="Names on the map">Aa</button>
<button type="button" id="in" title="Zoom in (+)" aria-label="Zoom in">+</button>
<button type="button" id="out" title="Zoom out (-)" aria-label="Zoom out">−</button>
<button type="button" id="all" title="Show all (0)">All</button>
</div>
<noscript><p class="note">The map is drawn by the script in this page, which this browser does not run.</p></noscript>
</section>"""
_PANEL = """<section class="panel" id="panel" aria-label="The chosen point">
<p class="dim" id="hint">Point at a dot to see what it is, and choose it to keep it; on the map, the arrow keys go from dot to dot.</p>
<article id="card" hidden>
<h2 id="title" dir="auto" tabindex="-1"></h2>
<p class="meta" id="meta"></p>
<p class="meta dim" id="heading" dir="auto"></p>
<p class="text" id="text" dir="auto"></p>
<p class="open"><a id="file" target="_blank" rel="noopener noreferrer">Open the file</a></p>
<p class="command" id="shown"><code id="command"></code> <button type="button" id="copy">Copy</button></p>
<h3 id="near">Nearest by cosine</h3>
<ol id="nearest"></ol>
</article>
<p class="unseen" id="told" role="status"></p>
</section>"""


def _header(found: CorpusMap) -> str:
    """What the map shows, how much of the truth, and what is not on it."""
    told = tag(
        "p", text(f"{axes_told(found)} {nearness_told(found)}".replace(" %", "\xa0%")), class_="dim"
    )
    notes = "".join(
        tag("p", text(f"{note[0].upper()}{note[1:]}."), class_="note") for note in map_notes(found)
    )
    return tag("header", tag("h1", text(title_of(found))) + told + notes)


def _search(found: CorpusMap) -> str:
    what = (
        f"{found.granularity}s with these words"
        if found.granularity == "passage"
        else "documents whose beginnings have these words"
    )
    field = tag(
        "input",
        id="words",
        type="search",
        placeholder=f"Find {what}",
        aria_label=f"Find {what}",
        autocomplete="off",
    )
    return tag(
        "form",
        field.removesuffix("</input>") + tag("output", "", id="found", class_="dim", for_="words"),
        class_="search",
        role="search",
    )


def _legend(found: CorpusMap) -> str:
    groups = tag("div", id="groups", role="group", aria_label=f"Show or hide by {found.by}")
    return tag("section", tag("h2", f"By {found.by}", class_="dim") + groups, class_="legend")


def _footer(found: CorpusMap) -> str:
    below = f"Paths are below {display_path(found.base)}."
    made = f"Made by searchapp map of generation {found.generation}, model {one_line(found.model)}."
    return tag("footer", text(f"{below} {made}"), class_="dim")
