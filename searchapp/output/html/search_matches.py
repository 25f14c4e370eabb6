"""The matches of an answer as the page shows them: what each is, where it stands, its excerpt, and
how sure it is. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from searchapp.humanize import one_line, pluralize
from searchapp.output.answers import headings_below_title
from searchapp.output.excerpts import excerpt
from searchapp.output.html.marked_text import segments, word_marks
from searchapp.output.html.search_address import MATCHES, MOST_MATCHES
from searchapp.output.html.shown_paths import file_name
from searchapp.output.terminal import flowing
from searchapp.search.confidence import THRESHOLD

if TYPE_CHECKING:
    from searchapp.output.html.search_address import SearchAddress
    from searchapp.output.html.shown_paths import ShownPaths
    from searchapp.types.documents import Hit
    from searchapp.types.results import Answer, Match

LIKELY = 0.7  # the confidence from which on seven in ten questions have their answer here
MODE_NAMES = {"hybrid": "both", "cosine": "meaning", "keyword": "words", "best": "best"}
DOUBT = "perhaps nothing here answers this"
CODE = frozenset(  # types whose lines and columns mean something
    re.findall(
        r"\w+",
        "bash c cfg conf cpp cs css csv go h ini java js json kt lua php pl ps1 py r rb rs sh sql "
        "swift toml ts tsv xml yaml zig",
    )
)
_BAR = 56  # pixels of the bar of a confidence of 1
_COPIES_SHOWN = 3


def match_values(
    answer: Answer, address: SearchAddress, paths: ShownPaths, selected: int | None
) -> list[dict[str, Any]]:
    """What the page shows of each match; `selected` is the passage that is read."""
    question = answer.query if address.q.strip() else ""
    return [
        _match_values(match, address, paths, question, is_selected=match.passage_id == selected)
        for match in answer.matches
    ]


def matches_title(answer: Answer, address: SearchAddress) -> str:
    """How many matches there are, in words."""
    if not answer.matches:
        return "No match"
    like = " like the chosen passage" if address.like and not address.q.strip() else ""
    number = len(answer.matches)
    return f"{number:,} match{'' if number == 1 else 'es'}{like}"


def doubt(answer: Answer) -> str:
    """What is said where the answer is probably not here, "" where it may be."""
    return next((one_line(note) for note in answer.notes if note.startswith(DOUBT)), "")


def other_notes(answer: Answer) -> list[str]:
    """The notes of the search but the doubt, as sentences."""
    notes = [one_line(note) for note in answer.notes if not note.startswith(DOUBT)]
    if answer.is_approximate:
        notes.append("the ranking is approximate, as the corpus is very large")
    return [f"{note[:1].upper()}{note[1:]}" for note in notes]


def more_matches(answer: Answer, address: SearchAddress) -> str:
    """The address with more matches, "" where there are none."""
    if len(answer.matches) < address.k or address.k >= MOST_MATCHES:
        return ""
    more = min(MOST_MATCHES, address.k + MATCHES)
    return address.href(k=more, anchor=f"m{answer.matches[-1].passage_id}")


def title_of(hit: Hit) -> str:
    """A document's title, or the name of its file."""
    return one_line(hit.title) or file_name(hit.path)


def confidence_values(confidence: float | None) -> dict[str, Any] | None:
    """How sure a match is: a word, a number, and the length of its bar."""
    if confidence is None:
        return None
    words = (
        "likely" if confidence >= LIKELY else "perhaps" if confidence >= THRESHOLD else "doubtful"
    )
    return {"word": words, "number": f"{confidence:.2f}", "bar": f"{confidence * _BAR:.0f}"}


def heading_of(hit: Hit) -> str:
    """The headings above a passage, without the title."""
    return " › ".join(map(one_line, headings_below_title(hit)))


def _match_values(
    match: Match,
    address: SearchAddress,
    paths: ShownPaths,
    question: str,
    *,
    is_selected: bool,
) -> dict[str, Any]:
    hit = match.hit
    part = excerpt(flowing(hit.text, hit.type), question, sentence=match.sentence)
    spans = word_marks(part.marks)
    if match.sentence is not None:
        start, end = (at - part.start for at in match.sentence)
        spans.append((max(0, start), min(len(part.text), end), "sentence"))
    return {
        "id": hit.passage_id,
        "href": address.reading(hit.passage_id),
        "is_selected": is_selected,
        "title": title_of(hit),
        "type": hit.type,
        "folder": paths.folder(hit.path),
        "place": match.location,
        "heading": heading_of(hit),
        "excerpt": segments(part.text, spans),
        "is_code": hit.type in CODE,
        "begins_within": part.start > 0,
        "ends_within": part.start + len(part.text) < len(hit.text.rstrip()),
        "confidence": confidence_values(match.confidence),
        "copies": _copies(match.near_duplicates, paths),
    }


def _copies(copies: Sequence[bytes], paths: ShownPaths) -> str:
    names = ", ".join(map(paths.path, copies[:_COPIES_SHOWN]))
    rest = len(copies) - _COPIES_SHOWN
    return f"{names}, and {pluralize(rest, 'other file')}" if rest > 0 else names
