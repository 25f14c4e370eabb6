"""A passage in its document as the page shows it: its neighbours, where it stands, how it is cited,
and why it was found. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from searchapp.humanize import one_line, place_text
from searchapp.output.excerpts import marks_of
from searchapp.output.explanation import telling_highlights
from searchapp.output.html.elements import signed
from searchapp.output.html.marked_text import HEAT_LEVELS, heat_marks, segments, word_marks
from searchapp.output.html.search_matches import CODE, confidence_values, heading_of, title_of
from searchapp.output.terminal import display_path, flowing

if TYPE_CHECKING:
    from searchapp.output.html.search_address import SearchAddress
    from searchapp.output.html.shown_paths import ShownPaths
    from searchapp.types.documents import Hit
    from searchapp.types.results import Answer, Match, PageBoxes, PassageContext

MORE = 6  # passages that a link adds
MOST_AROUND = 200  # passages on either side, at most
LEGS = {"cosine": "Meaning", "keyword": "Words", "tokens": "Tokens"}


@dataclass(frozen=True, slots=True)
class ReadingView:
    """What is read, and what is known of it."""

    context: PassageContext  # with one more neighbour than is shown, where there are more
    explained: Match | None = None
    page: PageBoxes | None = None
    page_problem: str = ""


def reading_values(
    reading: ReadingView, address: SearchAddress, answer: Answer | None, paths: ShownPaths
) -> dict[str, Any]:
    """What the page shows of a passage and its document."""
    hit, metadata = reading.context.hit, reading.context.document.metadata
    is_why = address.why and address.tab == "text"
    facts = [one_line(metadata[name])[:200] for name in ("author", "date") if metadata.get(name)]
    return {
        "id": hit.passage_id,
        "document_id": hit.document_id,
        "title": title_of(hit),
        "type": hit.type,
        "path": paths.path(hit.path),
        "place": place_text(hit.passage.place),
        "facts": [_date(fact) for fact in facts],
        "labels": [one_line(label.name) for label in reading.context.document.row.labels],
        "notes": _document_notes(reading),
        "citation": citation(hit, metadata),
        "passages": _passages(reading, address),
        "earlier": _earlier(reading, address),
        "later": _later(reading, address),
        "tabs": _tabs(reading, address),
        "why_href": address.href(
            match=hit.passage_id, why=not is_why, tab="text", page=None, anchor="here"
        ),
        "why": None if reading.explained is None else why_values(reading.explained),
        "is_why": is_why,
        "can_why": address.is_question,
        "like_href": type(address)(like=(hit.passage_id,), mode=address.mode).href(),
        "original_href": f"/api/v1/documents/{hit.document_id}/original",
        "back_href": address.reading(None) + f"#m{hit.passage_id}",
        **_neighbours(hit, address, answer),
        **_sheet(reading, address),
    }


def citation(hit: Hit, metadata: Mapping[str, str]) -> str:
    """How a passage is cited: title, author, date, place, path, as far as they are known."""
    date = _date(one_line(metadata.get("date", "")))
    author = one_line(metadata.get("author", ""))
    place = place_text(hit.passage.place)
    parts = (title_of(hit), author, date, place, display_path(hit.path))
    return ", ".join(part for part in parts if part)


def why_values(match: Match) -> dict[str, Any]:
    """What earned a match: its legs, what its score is made of, and what its words add."""
    shares = match.shares
    return {
        "confidence": confidence_values(match.confidence),
        "legs": [
            {"label": LEGS.get(name, name), "score": signed(leg.score, 3), "rank": f"{leg.rank:,}"}
            for name, leg in match.legs.items()
        ],
        "score": signed(match.score, 3),
        "parts": [
            {"name": LEGS.get(name, name).lower(), "value": _with_sign(part)}
            for name, part in match.parts.items()
            if round(part, 3)
        ]
        if len(match.parts) > 1
        else [],
        "shares": None
        if shares is None
        else {
            "cosine": signed(shares.cosine, 3),
            "words": _with_sign(sum(word.share for word in shares.words)),
            "headings": _with_sign(shares.headings),
            "special": _with_sign(shares.special),
        },
        "has_sentence": match.sentence is not None,
        "levels": list(range(1, HEAT_LEVELS + 1)),
    }


def _with_sign(value: float) -> str:
    shown = signed(value, 3)
    return shown if shown.startswith("−") else f"+{shown}"


def _date(text: str) -> str:
    """A date without its time of day."""
    return text[:10] if len(text) > 10 and text[4:5] == "-" and text[10] in "T " else text


def _document_notes(reading: ReadingView) -> list[str]:
    document, notes = reading.context.document.row, []
    if document.is_stale:
        notes.append("The file has changed, or could not be read, since this was read from it.")
    if document.is_pending:
        notes.append("Not searched by meaning yet: the next refresh makes its vectors.")
    return notes


def _passages(reading: ReadingView, address: SearchAddress) -> list[dict[str, Any]]:
    context = reading.context
    before = list(context.before)[-address.above :] if address.above else []
    after = list(context.after)[: address.below]
    shown: list[dict[str, Any]] = []
    place = heading = ""
    for hit in (*before, context.hit, *after):
        values: dict[str, Any] = {
            "id": hit.passage_id,
            "is_here": hit is context.hit,
            "is_code": hit.type in CODE,
            "place": place_text(hit.passage.place),
            "heading": heading_of(hit),
            "parts": segments(flowing(hit.text, hit.type), _marks(reading, hit, address)),
        }
        values["shows_place"] = values["place"] not in ("", place)
        values["shows_heading"] = values["heading"] not in ("", heading)
        place, heading = values["place"] or place, values["heading"]
        shown.append(values)
    return shown


def _marks(reading: ReadingView, hit: Hit, address: SearchAddress) -> list[tuple[int, int, str]]:
    match = reading.explained
    if match is None or hit is not reading.context.hit:
        return word_marks(marks_of(hit.text, address.q))
    marks = heat_marks(telling_highlights(match) if match.shares else match.highlights)
    return [*marks, *([(*match.sentence, "sentence")] if match.sentence else [])]


def _earlier(reading: ReadingView, address: SearchAddress) -> str:
    """The address with more passages before, "" where there are none."""
    if len(reading.context.before) <= address.above or address.above >= MOST_AROUND:
        return ""
    first = list(reading.context.before)[-address.above - 1 + bool(address.above)]
    anchor = f"p{first.passage_id}" if address.above else "here"
    return address.href(
        match=reading.context.hit.passage_id,
        above=min(MOST_AROUND, address.above + MORE),
        anchor=anchor,
    )


def _later(reading: ReadingView, address: SearchAddress) -> str:
    """The address with more passages after, "" where there are none."""
    after = reading.context.after
    if len(after) <= address.below or address.below >= MOST_AROUND:
        return ""
    return address.href(
        match=reading.context.hit.passage_id,
        below=min(MOST_AROUND, address.below + MORE),
        anchor=f"p{after[address.below].passage_id}",
    )


def _tabs(reading: ReadingView, address: SearchAddress) -> list[dict[str, Any]]:
    """Text, and the page of a PDF."""
    number = _page_number(reading)
    if number is None:
        return []
    match = reading.context.hit.passage_id
    return [
        {
            "name": "Text",
            "is_on": address.tab == "text",
            "href": address.href(match=match, tab="text", page=None, anchor="here"),
        },
        {
            "name": f"Page {number}",
            "is_on": address.tab == "page",
            "href": address.href(match=match, tab="page", page=None, anchor="here"),
        },
    ]


def _sheet(reading: ReadingView, address: SearchAddress) -> dict[str, Any]:
    """The picture of a page with what is marked on it."""
    page, number = reading.page, _page_number(reading)
    if address.tab != "page" or number is None:
        return {"sheet": None, "sheet_problem": ""}
    hit = reading.context.hit
    shown = address.page or number
    move: dict[str, Any] = {"match": hit.passage_id, "tab": "page", "anchor": "sheet"}
    return {
        "sheet_problem": reading.page_problem,
        "sheet": None
        if page is None
        else {
            "number": shown,
            "src": f"/api/v1/documents/{hit.document_id}/pages/{shown}.png",
            "width": f"{page.width:.0f}",
            "height": f"{page.height:.0f}",
            "boxes": [
                {
                    "x": f"{left:.1f}",
                    "y": f"{top:.1f}",
                    "width": f"{right - left:.1f}",
                    "height": f"{bottom - top:.1f}",
                }
                for left, top, right, bottom in page.boxes
            ],
            "earlier": address.href(page=shown - 1, **move) if shown > 1 else "",
            "later": address.href(page=shown + 1, **move) if shown < page.pages else "",
            "of": f"{page.pages:,}",
            "own": "" if shown == number else address.href(page=None, **move | {"anchor": "here"}),
        },
    }


def _page_number(reading: ReadingView) -> int | None:
    number = dict(reading.context.hit.passage.place).get("page")
    is_pdf = reading.context.hit.type == "pdf"
    return number if isinstance(number, int) and is_pdf else None


def _neighbours(hit: Hit, address: SearchAddress, answer: Answer | None) -> dict[str, Any]:
    """The matches of the answer in the same document, before and after this one in the text."""
    own = [
        match.hit
        for match in (answer.matches if answer else ())
        if match.hit.document_id == hit.document_id
    ]
    own.sort(key=lambda each: each.passage.start)
    at = next((i for i, each in enumerate(own) if each.passage_id == hit.passage_id), None)
    if at is None or len(own) < 2:
        return {"previous_href": "", "next_href": ""}
    return {
        "previous_href": address.reading(own[at - 1].passage_id),
        "next_href": address.reading(own[(at + 1) % len(own)].passage_id),
        "matches_here": f"Match {at + 1} of {len(own)} in this document",
        "matches_short": f"{at + 1} of {len(own)}",
    }
