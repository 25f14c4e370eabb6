"""The page of a served corpus, and the parts of it that its script asks for: filters, matches,
reading, and the line that says how the corpus is.

Pure: values in, HTML out. Knows neither requests nor a corpus.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from searchapp.humanize import one_line, pluralize
from searchapp.output.html.page import render, render_served
from searchapp.output.html.problem_page import sentence
from searchapp.output.html.search_address import READING, SEARCH, SearchAddress
from searchapp.output.html.search_facets import Facets, date_filters, facet_groups
from searchapp.output.html.search_matches import (
    MODE_NAMES,
    doubt,
    match_values,
    matches_title,
    more_matches,
    other_notes,
)
from searchapp.output.html.search_reading import ReadingView, reading_values
from searchapp.output.html.shown_paths import ShownPaths

if TYPE_CHECKING:
    from searchapp.types.results import Answer, Status

MAP = "/map"
EVENTS = "/api/v1/events"

KEYS = (
    ("/", "write a question"),
    ("j", "next match"),
    ("k", "previous match"),
    ("Enter", "read the match"),
    ("n", "next match in the same document"),
    ("w", "why it was found"),
    ("s", "similar passages"),
    ("m", "map of the corpus"),
    ("c", "copy its citation"),
    ("o", "open the file"),
    ("f", "show it in its folder"),
    ("Esc", "back"),
    ("?", "these keys"),
)
OPERATORS = (
    ("why does the pump lose pressure", "a question in your own words"),
    ('"spare key"', "these words in a row"),
    ("invoice -draft", "without a word"),
    ("title:manual", "a word of the title"),
    ("thermo*", "any word that begins so"),
)


@dataclass(frozen=True, slots=True)
class PageProblem:
    """What kept the page from showing what was asked for, and the cure."""

    code: str
    title: str
    hint: str = ""
    status: int = 400  # of HTTP

    def as_sentences(self) -> PageProblem:
        """The same as people write it; options are called as on the command line there."""
        return replace(
            self,
            title=sentence(self.title.removeprefix("--")),
            hint=sentence(self.hint.replace("--", "")),
        )


@dataclass(frozen=True, slots=True)
class SearchView:
    """All that the page shows."""

    address: SearchAddress = field(default_factory=SearchAddress)
    status: Status | None = None  # None where there is no corpus to tell of
    now_ns: int = 0
    answer: Answer | None = None
    facets: Facets = field(default_factory=dict)
    reading: ReadingView | None = None
    problem: PageProblem | None = None  # with the question
    reading_problem: PageProblem | None = None  # with the passage alone
    can_refresh: bool = False
    version: str = ""  # of styles and script
    corpus_version: str = ""  # which changes whenever the corpus does

    @property
    def title(self) -> str:
        """What the window is called."""
        asked = one_line(self.address.q)
        return f"{asked} - searchapp" if asked else "searchapp"


def search_html(view: SearchView) -> str:
    """The whole page."""
    values = _values(view) | _frame_values(view)
    return render_served("search", version=view.version, **values)


def search_fragment(view: SearchView) -> str:
    """The panes and the line of the page that change with the question."""
    return render("search_panes", **_values(view))


def reading_fragment(view: SearchView) -> str:
    """The pane in which a passage is read."""
    return render("search_reading", matches=[], **_reading_values(view))


def _frame_values(view: SearchView) -> dict[str, Any]:
    """What stands around the panes."""
    return {
        "fragments": {"search": SEARCH, "reading": READING},
        "screen": "reading" if view.address.match is not None else "matches",
        "modes": [
            {"value": mode, "name": name, "is_on": mode == view.address.mode}
            for mode, name in MODE_NAMES.items()
        ],
        "keys": KEYS,
    }


def _values(view: SearchView) -> dict[str, Any]:
    """What stands in the panes and in the line above them."""
    address, status = view.address, view.status
    return {
        "title": view.title,
        "corpus_version": view.corpus_version,
        "status": None if status is None else status_values(status, view.now_ns),
        "events": EVENTS,
        "map_href": MAP,
        "can_refresh": view.can_refresh,
        "problem": view.problem and view.problem.as_sentences(),
        "facets": facet_groups(view.facets, address, _paths(view)),
        "dates": date_filters(address),
        "chosen": len(address.filters),
        "unfiltered_href": address.unfiltered(),
        "operators": [
            {"text": text, "meaning": meaning, "href": SearchAddress(q=text).href()}
            for text, meaning in OPERATORS
        ],
        **_answer_values(view),
        **_reading_values(view),
    }


def _answer_values(view: SearchView) -> dict[str, Any]:
    """The matches and all that is said of them; nothing where nothing was asked."""
    address, answer = view.address, view.answer
    if answer is None:
        return {"answer": None, "how": "", "doubt": "", "count": "", "matches": []}
    read = view.reading.context.hit.passage_id if view.reading else address.match
    return {
        "answer": answer,
        "how": how_text(answer),
        "doubt": doubt(answer),
        "notes": other_notes(answer),
        "count": matches_title(answer, address),
        "matches": match_values(answer, address, _paths(view), read),
        "more_href": more_matches(answer, address),
    }


def _reading_values(view: SearchView) -> dict[str, Any]:
    """The passage that is read."""
    problem, read = view.reading_problem, view.reading
    return {
        "address": view.address,
        "reading_problem": problem and problem.as_sentences(),
        "reading": read and reading_values(read, view.address, view.answer, _paths(view)),
    }


def _paths(view: SearchView) -> ShownPaths:
    return ShownPaths(view.status.roots if view.status else ())


def status_values(status: Status, now_ns: int) -> dict[str, Any]:
    """The corpus in words: how much there is, how fresh it is, and what is missing."""
    read = status.ingested_at_ns
    warnings = []
    if status.pending:
        warnings.append(f"{pluralize(status.pending, 'document')} not searched by meaning yet")
    if status.stale or status.outdated:
        warnings.append(f"{pluralize(status.stale + status.outdated, 'document')} out of date")
    return {
        "documents": pluralize(status.documents, "document"),
        "passages": pluralize(status.passages, "passage"),
        "freshness": "" if read is None else f"read {_ago((now_ns - read) / 1e9)}",
        "read_at": "" if read is None else _moment(read),
        "generation": f"generation {status.generation:,}",
        "warnings": warnings,
        "is_empty": status.documents == 0,
    }


def how_text(answer: Answer) -> str:
    """How an answer was found, and in what time."""
    return f"{MODE_NAMES.get(answer.mode, answer.mode)}, {answer.took_ms:,.0f} ms"


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length):,} {unit} ago"
    return "just now"


def _moment(moment_ns: int) -> str:
    moment = datetime.fromtimestamp(moment_ns / 1e9, tz=UTC).astimezone()
    return f"{moment:%Y-%m-%d %H:%M}"
