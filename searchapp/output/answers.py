"""How the answer to a question looks: for people, for pipes, as JSON.

Pure: values in, strings and plain dicts out. It prints nothing and knows neither terminal,
environment nor database. Every text ends in a newline, or is empty where there is nothing to say.
A query imports this module, so it stays light.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from searchapp.errors import UsageError
from searchapp.humanize import one_line, place_text, pluralize, safe
from searchapp.output.serialization import rounded
from searchapp.output.terminal import (
    CYAN,
    DIM,
    GREEN,
    NARROWEST,
    PLAIN,
    TerminalStyle,
    display_path,
    filled,
    flowing,
    heated,
    joined,
    marked,
    truncate,
    window,
    wrapped,
)

if TYPE_CHECKING:
    from searchapp.types.documents import Hit, Span
    from searchapp.types.results import Answer, CosineShares, Match

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXCERPT_LINES = 6
_EXAMPLES_SHOWN = 3


def answer_json(answer: Answer) -> dict[str, object]:
    """An answer for programs; scores rounded to six digits, paths as `os.fsdecode` gives them."""
    return {
        "query": answer.query,
        "mode": answer.mode,
        "legs": list(answer.legs),
        "generation": answer.generation,
        "pending": answer.pending,
        "stale": answer.stale,
        "approximate": answer.is_approximate,
        "took_ms": round(float(answer.took_ms), 3),
        "matches": [match_json(match) for match in answer.matches],
        "notes": list(answer.notes),
        **({"facets": _facets_json(answer)} if answer.facets else {}),
    }


def _facets_json(answer: Answer) -> dict[str, object]:
    return {
        name: [{"value": value, "count": count} for value, count in counted]
        for name, counted in answer.facets.items()
    }


def answer_text(answer: Answer, style: TerminalStyle = PLAIN, *, explained: bool = False) -> str:
    """The matches, best first; "" if there are none (`answer_notes` says so).

    With a width, each match has a header with its place, "a.py:20" or "b.pdf  p. 3", its heading
    path and an excerpt of six lines around the strongest highlight. A cosine that does not rank is
    named. Without, each match is one line of fields separated by tabs: rank, cosine (in keyword
    mode BM25), path, place, heading path and whole passage; white space within a field becomes a
    single space. With `explained`, what the score is made of follows each match.
    """
    if style.width is None:
        return "".join(
            _match_line(match, style) + (_explanation(match) if explained else "")
            for match in answer.matches
        )
    indent = len(str(len(answer.matches))) + 2
    named = _shows_cosine(answer)
    return "\n".join(
        _match_text(match, style, indent=indent, explained=explained, named=named)
        for match in answer.matches
    )


def answer_paths(answer: Answer, *, null: bool = False, is_quoted: bool = False) -> str:
    """The matching files, one on each line, best first; or each ended by NUL. Write it with
    `surrogateescape`: the names are exact.

    A name with a line break or another control character would be read as something else: it is
    quoted where a person reads it, as a shell takes it. Raises UsageError for it otherwise.
    """
    paths = [
        os.fsdecode(path) for path in dict.fromkeys(match.hit.path for match in answer.matches)
    ]
    if null:
        return "".join(f"{path}\0" for path in paths)
    crafted = [path for path in paths if has_controls(path)]
    if crafted and not is_quoted:
        raise UsageError(
            f"a path holds a line break or a control character: {quoted(crafted[0])}",
            hint="--null ends each path by NUL, as xargs -0 reads them",
        )
    return "".join(f"{quoted(path) if path in crafted else path}\n" for path in paths)


def has_controls(path: str) -> bool:
    """Whether a path holds a line break or another control character."""
    return _CONTROL.search(path) is not None


def quoted(path: str) -> str:
    """A path as a shell takes it, without what a terminal would obey."""
    escaped = path.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_CONTROL.sub(lambda control: f'{chr(92)}x{ord(control[0]):02x}', escaped)}'"


def how_text(answer: Answer, *, in_columns: bool = False) -> str:
    """How an answer was found: its mode, the legs that ran, and the time that it took. Of one
    `in_columns`, also that the second of them is not what ranks, where it is not.
    """
    legs = "" if answer.legs == (answer.mode,) else f" ({' + '.join(answer.legs)})"
    columns = (
        "; the second column is the cosine, which does not rank"
        if in_columns and _shows_cosine(answer)
        else ""
    )
    return f"{answer.mode}{legs}, {answer.took_ms:,.0f} ms{columns}"


def _shows_cosine(answer: Answer) -> bool:
    """Whether the number before each match is its cosine, and another one ranks."""
    return answer.mode != "cosine" and any(match.cosine is not None for match in answer.matches)


def answer_notes(answer: Answer) -> list[str]:
    """What else a reader of the answer should know: that nothing matches, that documents were left
    out or are out of date, and the notes of the search.
    """
    notes = [one_line(note) for note in answer.notes]
    if not answer.matches:
        asked = one_line(answer.query)
        notes.insert(
            0, f"nothing matches {asked}" if '"' in asked else f'nothing matches "{asked}"'
        )
    if answer.pending:
        notes.append(
            f"{pluralize(answer.pending, 'document')} not searched by meaning yet: `searchapp "
            "ingest` makes the missing vectors"
        )
    if answer.stale:
        notes.append(
            f"{pluralize(answer.stale, 'document')} out of date: `searchapp ingest` reads them "
            "again"
        )
    if answer.is_approximate:
        notes.append("the ranking is approximate: `--exact` compares every vector")
    return notes


# ---- one match -----------------------------------------------------------------------------------


def match_json(match: Match) -> dict[str, object]:
    """A match for programs."""
    hit = match.hit
    return {
        "rank": match.rank,
        "score": rounded(match.score),
        "cosine": None if match.cosine is None else rounded(match.cosine),
        "confidence": None if match.confidence is None else rounded(match.confidence),
        "legs": {
            name: {"score": rounded(leg.score), "rank": leg.rank}
            for name, leg in match.legs.items()
        },
        **passage_json(hit),
        "parts": {name: rounded(part) for name, part in match.parts.items()},
        "copies": [os.fsdecode(path) for path in match.near_duplicates],
        "sentence": None if match.sentence is None else list(match.sentence),
        "shares": None if match.shares is None else _shares_json(match.shares),
        "highlights": [[start, end, rounded(weight)] for start, end, weight in match.highlights],
    }


def _shares_json(shares: CosineShares) -> dict[str, object]:
    """The parts of a cosine; not rounded, so that they add up exactly."""
    words = [[word.start, word.end, word.share] for word in shares.words]
    return {
        "cosine": shares.cosine,
        "special": shares.special,
        "headings": shares.headings,
        "words": words,
    }


def passage_json(hit: Hit) -> dict[str, object]:
    """A passage for programs, with its document."""
    return {
        "document_id": hit.document_id,
        "path": os.fsdecode(hit.path),
        "title": hit.title,
        "type": hit.type,
        **hit_json(hit),
    }


def hit_json(hit: Hit) -> dict[str, object]:
    """A passage for programs: its place in the file and in the text, its headings, its text."""
    passage = hit.passage
    place = dict(passage.place)
    heading = " > ".join(headings_below_title(hit))
    return {
        "id": hit.passage_id,
        **{name: place.get(name) for name in ("page", "line_start", "line_end")},
        "place": place | ({"heading": heading} if heading else {}),
        "start": passage.start,
        "end": passage.end,
        "heading": heading,
        "text": hit.text,
    }


def _match_line(match: Match, style: TerminalStyle) -> str:
    hit = match.hit
    path = display_path(hit.path, style.base)
    return (
        "\t".join(
            (
                str(match.rank),
                _figure(match),
                path,
                place_text(hit.passage.place),
                _heading_path(hit),
                one_line(hit.text),
            )
        )
        + "\n"
    )


def _explanation(match: Match) -> str:
    from searchapp.output.explanation import explanation_fields

    return joined(explanation_fields(match))


def _match_text(
    match: Match, style: TerminalStyle, *, indent: int, explained: bool, named: bool
) -> str:
    margin = " " * indent
    columns = max(NARROWEST, (style.width or 0) - indent)
    rank = style.paint(str(match.rank).rjust(indent - 2), DIM)
    first, *others = _header_lines(match, style, columns, explained=explained, named=named)
    lines = [f"{rank}  {first}", *(margin + line for line in others)]
    if heading := _heading_path(match.hit):
        lines.append(margin + style.paint(truncate(heading, columns), DIM))
    lines += [margin + line if line else "" for line in _passage_lines(match, style, columns)]
    if match.near_duplicates:
        lines.append(
            margin
            + style.paint(
                truncate(f"nearly the same in {_named_copies(match, style)}", columns), DIM
            )
        )
    if explained:
        from searchapp.output.explanation import explanation_lines

        lines += [margin + line for line in explanation_lines(match, columns)]
    return joined(lines)


def _header_lines(
    match: Match, style: TerminalStyle, columns: int, *, explained: bool, named: bool
) -> list[str]:
    """The figure, the place and the confidence of a match, on as few lines as they fit on; a path
    is never cut. `named` says that the figure is a cosine. With `explained`, also the score that
    ranks, where that is another number.
    """
    place = dict(match.hit.passage.place)
    line = place.pop("line_start", None)
    is_named = named and match.cosine is not None
    parts = [style.paint(f"cosine {_figure(match)}" if is_named else _figure(match), CYAN)]
    if explained and (score := f"{match.score:.3f}") != _figure(match):
        parts.append(f"score {score}")
    parts.append(style.path(match.hit.path, line=line))
    if rest := place_text(place.items()):
        parts.append(style.paint(rest, GREEN))
    if match.confidence is not None:
        parts.append(f"confidence {match.confidence:.2f}")
    return filled(parts, columns, gap="  ")


def _figure(match: Match) -> str:
    """The number before a match: its cosine, or the score of a ranking without one."""
    return f"{match.score if match.cosine is None else match.cosine:.3f}"


def _named_copies(match: Match, style: TerminalStyle) -> str:
    """The documents that hold nearly the same passage, as many as an example names."""
    names = ", ".join(
        display_path(path, style.base) for path in match.near_duplicates[:_EXAMPLES_SHOWN]
    )
    rest = len(match.near_duplicates) - _EXAMPLES_SHOWN
    return f"{names}, and {pluralize(rest, 'other file')}" if rest > 0 else names


def headings_below_title(hit: Hit) -> tuple[str, ...]:
    """The heading path without the title that leads it, which the splitter may have cut short."""
    headings = hit.passage.headings
    return headings[1:] if headings and hit.title.startswith(headings[0]) else headings


def _heading_path(hit: Hit) -> str:
    return " > ".join(
        one_line(heading) for heading in (hit.title, *headings_below_title(hit)) if heading
    )


# ---- a passage within a width: painting keeps offsets, so that highlights stay where they are ----


def _passage_lines(match: Match, style: TerminalStyle, columns: int) -> list[str]:
    """A passage as an excerpt of lines of at most `columns`, with the strongest highlight in view.
    One highlight is marked, several are a heat map; without colour the best sentence is quoted.
    """
    text, highlights = flowing(safe(match.hit.text), match.hit.type), match.highlights
    if match.shares:  # then each word has a highlight
        from searchapp.output.explanation import telling_highlights

        highlights = telling_highlights(match)
    strongest = max(highlights, key=lambda highlight: highlight[2], default=(0, 0, 0.0))
    start, end = match.sentence or strongest[:2]
    if not style.color:
        if match.sentence or (len(highlights) == 1 and not match.shares):
            opening, closing = style.quotes
            text = f"{text[:start]}{opening}{text[start:end]}{closing}{text[end:]}"
            end += len(opening) + len(closing)
        highlights = ()  # they would paint nothing, and their offsets are those of before
    lines = wrapped(text, columns - 2)
    if len(lines) <= _EXCERPT_LINES:
        return [_highlighted(text, line, highlights, style) for line in lines]
    lines = [line for line in lines if line[0] < line[1]]
    begin = window(lines, (start, end), _EXCERPT_LINES)
    shown = [
        _highlighted(text, line, highlights, style)
        for line in lines[begin : begin + _EXCERPT_LINES]
    ]
    if begin:
        shown[0] = f"… {shown[0]}"
    if begin + _EXCERPT_LINES < len(lines):
        shown[-1] += " …"
    return shown


def _highlighted(
    text: str, line: Span, highlights: Sequence[tuple[int, int, float]], style: TerminalStyle
) -> str:
    if len(highlights) > 1:
        return heated(text, line, highlights, style)
    return marked(text, line, ((start, end) for start, end, _ in highlights), style)
