"""A map of the corpus as one page for a browser (HTML).

What documents hold is in it as data alone, which its script sets as text, never as markup. Pure.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_from_bytes

import numpy as np

from searchapp.humanize import one_line, place_text, safe
from searchapp.output.answers import headings_below_title
from searchapp.output.corpus_map import axes_text, map_notes, nearness_text, rest_of, title_of
from searchapp.output.html.page import render_page, render_served
from searchapp.output.terminal import display_path, flowing
from searchapp.types.documents import MEMBER

if TYPE_CHECKING:
    from searchapp.analysis.corpus_map import CorpusMap
    from searchapp.types.documents import Hit

SCRIPTS = ("labels",)  # beside its own
MARK = '<main id="searchapp-map">'  # by which a map is known

# What browsers look through for words: https://wicg.github.io/scroll-to-text-fragment
_TEXT_FRAGMENTS = ("html", "txt")
_FIRST_WORDS = 6  # of a passage by which it is found again
_FILE = 2  # where a document's data says how it is opened
_PLACES = 5  # significant digits of a point's place


def map_html(corpus_map: CorpusMap, corpus: bytes) -> str:
    """The page in one file; `corpus` is the folder that its commands name."""
    values = _values(corpus_map) | {"home": "", "open_label": "Open the file"}
    return render_page("map", data=_data(corpus_map, corpus), **values)


def served_map_html(corpus_map: CorpusMap, corpus: bytes, *, version: str) -> str:
    """The page as a server gives it, on which points lead to the pages of their passages."""
    data = _data(corpus_map, corpus)
    for document in data["documents"]:
        document[_FILE] = "/?match="
    data["at"] = [f"{hit.passage_id}#here" for hit in corpus_map.hits]
    values = _values(corpus_map) | {"home": "/", "open_label": "Read it where it stands"}
    return render_served("map", data=data, version=version, **values)


def _values(corpus_map: CorpusMap) -> dict[str, Any]:
    explanation = f"{axes_text(corpus_map)} {nearness_text(corpus_map)}"
    return {
        "title": f"Map of {title_of(corpus_map)}",
        "scripts": SCRIPTS,
        "heading": title_of(corpus_map),
        "explanation": explanation.replace(" %", "\xa0%"),
        "notes": [f"{note[0].upper()}{note[1:]}." for note in map_notes(corpus_map)],
        "search_label": _search_label(corpus_map),
        "by": corpus_map.by,
        "made_by": _made_by(corpus_map),
    }


# ---- data ----------------------------------------------------------------------------------------


def _data(corpus_map: CorpusMap, corpus: bytes) -> dict[str, Any]:
    """What the script draws and describes: documents, groups, and the points column by column."""
    first: dict[int, Hit] = {}
    for hit in corpus_map.hits:
        first.setdefault(hit.document_id, hit)
    number = {document_id: at for at, document_id in enumerate(first)}
    return {
        "documents": [_document_data(corpus_map, hit, corpus) for hit in first.values()],
        "groups": [one_line(name) for name in corpus_map.groups.names],
        "rest": rest_of(corpus_map),
        "document": [number[hit.document_id] for hit in corpus_map.hits],
        "group": corpus_map.groups.of.tolist(),
        "x": _short(corpus_map.projection.places[:, 0].tolist()),
        "y": _short(corpus_map.projection.places[:, 1].tolist()),
        "place": [place_text(hit.passage.place) for hit in corpus_map.hits],
        "heading": [_heading(corpus_map, hit) for hit in corpus_map.hits],
        "text": [safe(flowing(hit.text, hit.type)) for hit in corpus_map.hits],
        "at": [_fragment(hit) for hit in corpus_map.hits],
        "nearest": corpus_map.nearest.rows.tolist(),
        "cosine": np.round(corpus_map.nearest.cosines, 4).tolist(),
    }


def _document_data(corpus_map: CorpusMap, hit: Hit, corpus: bytes) -> list[str]:
    """A document's path and title as shown, where its file is, and the command that shows it."""
    file = f"file://{quote_from_bytes(hit.path.partition(MEMBER)[0])}"
    return [
        display_path(hit.path, corpus_map.base),
        one_line(hit.title),
        file,
        _command(hit.path, corpus),
    ]


def _command(path: bytes, corpus: bytes) -> str:
    """The command that shows a document, to be pasted into a shell; "" if a name holds characters
    that a terminal may obey.
    """
    words = ["searchapp", "show", "--corpus", os.fsdecode(corpus), "--", os.fsdecode(path)]
    return shlex.join(words) if all(word.isprintable() for word in words) else ""


def _heading(corpus_map: CorpusMap, hit: Hit) -> str:
    """The headings above a passage; a whole document has none."""
    return (
        " > ".join(map(one_line, headings_below_title(hit)))
        if corpus_map.granularity == "passage"
        else ""
    )


def _fragment(hit: Hit) -> str:
    """The part of an address that makes a browser open a file where the passage stands: the page of
    a PDF, the first words in a web page or plain text.
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


# ---- what the template shows ---------------------------------------------------------------------


def _search_label(corpus_map: CorpusMap) -> str:
    what = (
        "passages with these words"
        if corpus_map.granularity == "passage"
        else "documents whose beginnings have these words"
    )
    return f"Find {what}"


def _made_by(corpus_map: CorpusMap) -> str:
    below = f"Paths are below {display_path(corpus_map.base)}."
    made = (
        f"Made by searchapp map of generation {corpus_map.generation}, "
        f"model {one_line(corpus_map.model)}."
    )
    return f"{below} {made}"
