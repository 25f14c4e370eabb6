"""How answers, reports and errors look: as text for people, as plain lines for pipes, as values for
JSON.

Pure: values in, strings and plain dicts out; it prints nothing and knows neither terminal,
environment nor database. `layout` makes text harmless and fits it to a width. Every text ends in a
newline, or is empty where there is nothing to say.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from searchapp.humanize import human_bytes, human_duration, one_line, pluralize, safe
from searchapp.output.terminal import (
    BOLD,
    CYAN,
    DIM,
    GREEN,
    PLAIN,
    RED,
    TerminalStyle,
    display_path,
    display_width,
    flowing,
    heated,
    joined,
    lines_of,
    marked,
    table,
    truncate,
    window,
    wrapped,
)
from searchapp.types.documents import containers_of

if TYPE_CHECKING:
    from searchapp.errors import SearchappError
    from searchapp.types.documents import DocumentRow, Hit, Passage, Root, Span, Unindexed
    from searchapp.types.results import (
        Answer,
        CosineShares,
        Diagnosis,
        FileOutcome,
        Finding,
        IngestReport,
        Match,
        RepairReport,
        Status,
    )
    from searchapp.types.vectors import EncoderIdentity

_OUTCOMES = ("indexed", "unchanged", "moved", "removed", "skipped", "failed")

_PLACES = {"date": "{}", "page": "p. {}", "slide": "slide {}", "sheet": "{}"}
_RANGES = {
    "row": ("row {}", "rows {}-{}"),
    "cell": ("cell {}", "cells {}-{}"),
    "time": ("{}", "{}-{}"),
    "line": ("line {}", "lines {}-{}"),
}

_EXCERPT_LINES = 6
_NARROWEST = 20  # columns for a passage, on however narrow a terminal
_LISTED = 50
_REASONS_SHOWN = 10
_EXAMPLES_SHOWN = 3
_WORDS_SHOWN = 8


# ---- answers -------------------------------------------------------------------------------------


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
        "matches": [_match_json(match) for match in answer.matches],
        "notes": list(answer.notes),
    }


def answer_text(answer: Answer, style: TerminalStyle = PLAIN, *, is_explained: bool = False) -> str:
    """The matches, best first; "" where there is none (`answer_notes` says so).

    With a width: a header line, the heading path and an excerpt of six lines around the strongest
    highlight. Without: a line a match, of the fields rank, cosine (in keyword mode BM25), path,
    place, heading path and whole passage, separated by tabs; white space within a field is a single
    space. Explained, what the score is made of follows each match.
    """
    if style.width is None:
        return "".join(
            _match_line(match, style) + (joined(_explained(match)) if is_explained else "")
            for match in answer.matches
        )
    indent = len(str(len(answer.matches))) + 2
    return "\n".join(
        _match_text(match, style, indent=indent)
        + (joined(" " * indent + line for line in _explained(match)) if is_explained else "")
        for match in answer.matches
    )


def settings_text(found: Mapping[str, str]) -> str:
    """What a corpus does otherwise than by default, a line each."""
    return (
        "".join(f"{name} {value}\n" for name, value in sorted(found.items()))
        or "all as by default\n"
    )


def answer_paths(answer: Answer) -> str:
    """The matching files, a line each, best first; exact, so it is to be written with
    `surrogateescape`.
    """
    return "".join(
        f"{os.fsdecode(path)}\n"
        for path in dict.fromkeys(match.hit.path for match in answer.matches)
    )


def how_text(answer: Answer) -> str:
    """How an answer was found: its mode, the legs that ran, and the time that it took."""
    legs = "" if answer.legs == (answer.mode,) else f" ({' + '.join(answer.legs)})"
    return f"{answer.mode}{legs}, {answer.took_ms:,.0f} ms"


def stages_text(stages_s: Mapping[str, float], style: TerminalStyle = PLAIN) -> str:
    """Where the time went, a stage a line, in milliseconds."""
    return joined(
        f"{style.paint(f'{took_s * 1000:10,.1f} ms', BOLD)}  {name}"
        for name, took_s in stages_s.items()
    )


def stages_json(stages_s: Mapping[str, float]) -> dict[str, float]:
    """Where the time went, in seconds."""
    return {name: round(took_s, 4) for name, took_s in stages_s.items()}


def answer_notes(answer: Answer) -> list[str]:
    """What a reader of the answer should know besides: nothing found, documents left out or out of
    date, notes.
    """
    notes = [one_line(note) for note in answer.notes]
    if not answer.matches:
        notes.insert(0, f'nothing matches "{one_line(answer.query)}"')
    if answer.pending:
        notes.append(
            f"{pluralize(answer.pending, 'document')} not searched by meaning yet: `searchapp "
            "ingest` makes the missing vectors"
        )
    if answer.stale:
        notes.append(
            f"{pluralize(answer.stale, 'document')} out of date: `searchapp ingest` reads them again"
        )
    if answer.is_approximate:
        notes.append("the ranking is approximate: `--exact` compares every vector")
    return notes


# ---- reports of an ingest ------------------------------------------------------------------------


def report_json(report: IngestReport) -> dict[str, object]:
    """A report for programs: every file, with an absolute path."""
    return {
        "generation": report.generation,
        "took_s": round(float(report.took_s), 3),
        "counts": report.counts(),
        "files": [_file_json(entry) for entry in report.files],
        "passages_embedded": report.passages_embedded,
        "passages_reused": report.passages_reused,
        "interrupted": report.was_interrupted,
        "notes": list(report.notes),
    }


def report_text(report: IngestReport, style: TerminalStyle = PLAIN) -> str:
    """A summary in which every file counts: failures and files read only in part one by one,
    skipped files by reason.
    """
    lines = [_counts_line(report, style), _passages_line(report)]
    lines += [
        *_listed("failed", report.files, style),
        *_listed("indexed", report.files, style),
        *_skipped_lines(report.files, style),
    ]
    lines += [f"note: {one_line(note)}" for note in report.notes]
    if report.was_interrupted:
        lines.append(
            style.paint(
                "interrupted: what is listed as indexed is kept; the same command goes on from "
                "here",
                RED,
            )
        )
    return joined(lines)


# ---- the corpus and its documents ----------------------------------------------------------------


def list_json(rows: Iterable[DocumentRow]) -> dict[str, object]:
    """The documents for programs."""
    return {"documents": [_row_json(row) for row in rows]}


def list_text(rows: Sequence[DocumentRow], style: TerminalStyle = PLAIN) -> str:
    """A document a line. Without a width the fields path, type, passages, bytes, modified, state
    and title, separated by tabs.
    """
    if style.width is None:
        return joined(_row_fields(row, style) for row in rows)
    passages = max((len(f"{row.passages:,}") for row in rows), default=0)
    return joined(_row_line(row, style, passages) for row in rows)


def show_json(
    row: DocumentRow, metadata: Mapping[str, str], passages: Iterable[Hit]
) -> dict[str, object]:
    """One document for programs, with all its passages."""
    return {
        "document": _row_json(row),
        "metadata": dict(metadata),
        "passages": [_hit_json(hit) for hit in passages],
    }


def show_text(
    row: DocumentRow,
    metadata: Mapping[str, str],
    passages: Iterable[Hit],
    style: TerminalStyle = PLAIN,
) -> str:
    """One document, whole: what is known of it, then its passages, each under its place and heading
    path.
    """
    facts = [
        ("path", style.path(row.path)),
        ("title", one_line(row.title)),
        ("type", row.type),
        ("modified", _date(row.modified_ns)),
        ("size", human_bytes(row.size)),
        ("passages", f"{row.passages:,}"),
        ("state", _state(row)),
        *([("labels", _labels(row))] if row.labels else []),
        *((one_line(name), one_line(value)) for name, value in sorted(metadata.items())),
    ]
    return joined(table(facts, style)) + "".join(_shown_passage(hit, style) for hit in passages)


def status_json(status: Status) -> dict[str, object]:
    """A corpus at a glance, for programs."""
    return {
        "path": status.path,
        "generation": status.generation,
        "documents": status.documents,
        "passages": status.passages,
        "pending": status.pending,
        "stale": status.stale,
        "outdated": status.outdated,
        "encoder": None if status.encoder is None else _encoder_json(status.encoder),
        "roots": [_root_json(root) for root in status.roots],
        "unindexed": [_file_json(entry) for entry in status.unindexed],
        "database_bytes": status.database_bytes,
        "vectors_bytes": status.vectors_bytes,
        "vectors": status.vectors_state,
        "ingested_at": None if status.ingested_at_ns is None else _iso(status.ingested_at_ns),
    }


def status_text(status: Status, style: TerminalStyle = PLAIN) -> str:
    """A corpus at a glance: what is in it, how fresh it is, and what is not in it and why."""
    encoder = status.encoder
    facts = [
        ("corpus", f"{display_path(os.fsencode(status.path))} (generation {status.generation})"),
        ("documents", f"{status.documents:,}{_reservations(status)}"),
        ("passages", f"{status.passages:,}"),
        (
            "encoder",
            f"{one_line(encoder.model)} ({encoder.dim} dimensions, {encoder.max_tokens} tokens)"
            if encoder
            else "none yet",
        ),
        (
            "size",
            (
                f"{human_bytes(status.database_bytes)} database, "
                f"{human_bytes(status.vectors_bytes)} "
                "vectors file"
            ),
        ),
        ("vectors", one_line(status.vectors_state)),
        ("ingested", "never" if status.ingested_at_ns is None else _date(status.ingested_at_ns)),
        *(("root", _root_text(root, style)) for root in status.roots),
    ]
    return joined(
        [
            *table(facts, style),
            *_listed("failed", status.unindexed, style),
            *_skipped_lines(status.unindexed, style),
        ]
    )


def unindexed_text(files: Iterable[Unindexed], style: TerminalStyle = PLAIN) -> str:
    """Every file that was left out, a line each: its outcome, its path and the reason, with tabs
    between where there is no width.
    """
    gap = "\t" if style.width is None else "  "
    return joined(
        gap.join(
            (
                f"{each.outcome:<7}" if style.width else each.outcome,
                _file_name(each, style),
                one_line(each.reason),
            )
        )
        for each in files
    )


def findings_json(findings: Iterable[Finding]) -> dict[str, object]:
    """What a check found, for programs."""
    return {
        "findings": [
            {"what": each.what, "path": os.fsdecode(each.path), "lost": each.is_lost}
            for each in findings
        ]
    }


def findings_text(findings: Sequence[Finding], style: TerminalStyle = PLAIN) -> str:
    """What a check found, a line each, what is lost first."""
    if not findings:
        return "no damage found\n"
    lines = []
    for finding in sorted(findings, key=lambda each: (not each.is_lost, each.path, each.what)):
        kind = style.paint("lost", RED) if finding.is_lost else "repairable"
        lines.append(
            ": ".join(
                (
                    kind,
                    *([style.path(finding.path)] if finding.path else []),
                    one_line(finding.what),
                )
            )
        )
    return joined(lines)


def salvage_json(found: RepairReport | None) -> dict[str, object]:
    """What a repair did, for programs; nothing where nothing was wrong."""
    if found is None:
        return {"repaired": None, "lost": []}
    repaired = {
        "documents": found.documents,
        "embedded_again": found.to_embed,
        "backup": found.backup,
    }
    read_again = [os.fsdecode(path) for path in found.to_read if path not in found.lost]
    return {
        "repaired": repaired | {"read_again": read_again},
        "lost": [os.fsdecode(path) for path in found.lost],
        "notes": found.notes,
    }


def salvage_text(found: RepairReport | None, style: TerminalStyle = PLAIN) -> str:
    """What a repair did, and what is lost, a line each."""
    if found is None:
        return "no damage found, nothing to repair\n"
    read_again = [path for path in found.to_read if path not in found.lost]
    lines = [
        f"{style.paint('lost', RED)}: "
        f"{style.path(path) if path else 'a document whose path cannot be read'}"
        for path in found.lost
    ]
    lines += [f"read again: {style.path(path)}" for path in read_again]
    lines += [f"note: {one_line(note)}" for note in found.notes]
    kept = f"{found.documents:,} documents kept, {found.to_embed:,} of them embedded again"
    lines.append(f"{kept}; {len(read_again):,} read again; {len(found.lost):,} lost")
    lines.append(f"the corpus as it was found: {style.path(os.fsencode(found.backup))}")
    return joined(lines)


def diagnosis_json(found: Diagnosis) -> dict[str, object]:
    """What the doctor has seen, for programs."""
    return {
        **{name: dict(facts) for name, facts in found.sections.items()},
        "problems": [{"what": each.what, "hint": each.hint} for each in found.problems],
    }


def diagnosis_text(found: Diagnosis, style: TerminalStyle = PLAIN) -> str:
    """What the doctor has seen, section by section, and last what is wrong, each with its cure."""
    lines = []
    for name, facts in found.sections.items():
        lines += [
            style.paint(name, BOLD),
            *(
                f"  {line}"
                for line in table([(key, one_line(value)) for key, value in facts], style)
            ),
            "",
        ]
    for problem in found.problems:
        lines += [f"{style.paint('problem:', RED)} {one_line(problem.what)}"]
        lines += [f"{style.paint('hint:', CYAN)} {one_line(problem.hint)}"] if problem.hint else []
    return joined(lines or [""]) if found.problems else joined([*lines, "nothing is wrong"])


# ---- errors --------------------------------------------------------------------------------------


def error_json(error: SearchappError) -> dict[str, object]:
    """An error for programs."""
    return {"error": {"code": error.code, "message": str(error), "hint": error.hint}}


def error_text(error: SearchappError, style: TerminalStyle = PLAIN) -> str:
    """What went wrong and, on a second line, the cure."""
    hint = f"{style.paint('hint:', CYAN)} {one_line(error.hint)}\n" if error.hint else ""
    return f"{style.paint('error:', RED)} {one_line(str(error))}\n{hint}"


# ---- parts that other faces need -----------------------------------------------------------------


def json_text(value: Mapping[str, object]) -> str:
    """The JSON of a value, on one line, in ASCII, so that any path survives any terminal and comes
    back exactly.
    """
    return f"{json.dumps(value, ensure_ascii=True, allow_nan=False)}\n"


# ---- one match -----------------------------------------------------------------------------------


def _match_json(match: Match) -> dict[str, object]:
    hit = match.hit
    return {
        "rank": match.rank,
        "score": _rounded(match.score),
        "cosine": None if match.cosine is None else _rounded(match.cosine),
        "confidence": None if match.confidence is None else _rounded(match.confidence),
        "legs": {
            name: {"score": _rounded(leg.score), "rank": leg.rank}
            for name, leg in match.legs.items()
        },
        "path": os.fsdecode(hit.path),
        "title": hit.title,
        "type": hit.type,
        **_hit_json(hit),
        "parts": {name: _rounded(part) for name, part in match.parts.items()},
        "copies": [os.fsdecode(path) for path in match.near_duplicates],
        "sentence": None if match.sentence is None else list(match.sentence),
        "shares": None if match.shares is None else _shares_json(match.shares),
        "highlights": [[start, end, _rounded(weight)] for start, end, weight in match.highlights],
    }


def _shares_json(shares: CosineShares) -> dict[str, object]:
    """What adds up to a cosine; unrounded, as the sum is to be exact."""
    words = [[word.start, word.end, word.share] for word in shares.words]
    return {
        "cosine": shares.cosine,
        "special": shares.special,
        "headings": shares.headings,
        "words": words,
    }


def _hit_json(hit: Hit) -> dict[str, object]:
    passage = hit.passage
    place = dict(passage.place)
    heading = " > ".join(headings_below_title(hit))
    return {
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
                place_text(hit.passage),
                _heading_path(hit),
                one_line(hit.text),
            )
        )
        + "\n"
    )


def _match_text(match: Match, style: TerminalStyle, *, indent: int) -> str:
    margin = " " * indent
    columns = max(_NARROWEST, (style.width or 0) - indent)
    header = [
        style.paint(str(match.rank).rjust(indent - 2), DIM),
        style.paint(_figure(match), CYAN),
        style.path(match.hit.path),
    ]
    if place := place_text(match.hit.passage):
        header.append(style.paint(place, GREEN))
    if match.confidence is not None:
        header.append(f"confidence {match.confidence:.2f}")
    lines = ["  ".join(header)]
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
    return joined(lines)


def _figure(match: Match) -> str:
    """The number before a match: its cosine, or the score of a ranking without one."""
    return f"{match.score if match.cosine is None else match.cosine:.3f}"


def _explained(match: Match) -> list[str]:
    """Why a match stands where it stands: its legs, what its score is made of, and what makes up
    its cosine.
    """
    legs = (f"{name} {leg.score:.3f} (rank {leg.rank:,})" for name, leg in match.legs.items())
    lines = [f"legs: {', '.join(legs)}"]
    if len(match.parts) > 1:
        parts = " ".join(
            f"{part:+.3f} {name}" for name, part in match.parts.items() if round(part, 3)
        )
        lines.append(f"score: {match.score:.3f} = {parts}")
    if match.shares:
        shares, words = match.shares, sum(word.share for word in match.shares.words)
        parts = (
            f"{words:+.3f} words {shares.headings:+.3f} headings {shares.special:+.3f} "
            "special tokens"
        )
        lines.append(f"cosine: {shares.cosine:.3f} = {parts}")
        strongest = sorted(shares.words, key=lambda word: (-word.share, word.start))[:_WORDS_SHOWN]
        lines.append(
            f"words: {', '.join(f'{one_line(match.hit.text[w.start : w.end])} {w.share:+.3f}' for w in strongest)}"
        )
    return lines


def _named_copies(match: Match, style: TerminalStyle) -> str:
    """The documents that hold nearly the same passage, as many as an example takes."""
    names = ", ".join(
        display_path(path, style.base) for path in match.near_duplicates[:_EXAMPLES_SHOWN]
    )
    rest = len(match.near_duplicates) - _EXAMPLES_SHOWN
    return f"{names}, and {pluralize(rest, 'other file')}" if rest > 0 else names


def _shown_passage(hit: Hit, style: TerminalStyle) -> str:
    """A passage of `show`: a blank line, its place and headings, its text; the source's own lines
    where there is no width.
    """
    title = "  ".join(
        part
        for part in (
            place_text(hit.passage),
            " > ".join(one_line(each) for each in headings_below_title(hit)),
        )
        if part
    )
    text = safe(hit.text)
    if style.width is not None:
        text = flowing(text, hit.type)
    spans = lines_of(text) if style.width is None else wrapped(text, max(_NARROWEST, style.width))
    return joined(
        [
            "",
            *([style.paint(title, GREEN)] if title else []),
            *(text[start:end] for start, end in spans),
        ]
    )


def headings_below_title(hit: Hit) -> tuple[str, ...]:
    """The heading path without the title that leads it, which the splitter may have cut short."""
    headings = hit.passage.headings
    return headings[1:] if headings and hit.title.startswith(headings[0]) else headings


def _heading_path(hit: Hit) -> str:
    return " > ".join(one_line(each) for each in (hit.title, *headings_below_title(hit)) if each)


def place_text(passage: Passage) -> str:
    """Where a passage stands in its file, for people; what its path or title says already is left
    out.
    """
    place = {name: one_line(str(value)) for name, value in passage.place}
    parts = [word.format(place[name]) for name, word in _PLACES.items() if name in place]
    for name, (one, many) in _RANGES.items():
        if start := place.get(f"{name}_start"):
            end = place.get(f"{name}_end", start)
            parts.append(one.format(start) if end == start else many.format(start, end))
    return ", ".join(parts)


# ---- a passage within a width: every step keeps offsets, so that highlights stay where they are --


def _passage_lines(match: Match, style: TerminalStyle, columns: int) -> list[str]:
    """A passage in an excerpt's lines of at most `columns`, the strongest highlight in view; one is
    marked, several are a heat map.
    """
    text = flowing(safe(match.hit.text), match.hit.type)
    lines = wrapped(text, columns - 2)
    if len(lines) <= _EXCERPT_LINES:
        return [_highlighted(text, line, match, style) for line in lines]
    lines = [line for line in lines if line[0] < line[1]]
    strongest = max(match.highlights, key=lambda each: each[2], default=(0, 0, 0.0))
    begin = window(lines, match.sentence or strongest[:2], _EXCERPT_LINES)
    shown = [
        _highlighted(text, line, match, style) for line in lines[begin : begin + _EXCERPT_LINES]
    ]
    if begin:
        shown[0] = f"… {shown[0]}"
    if begin + _EXCERPT_LINES < len(lines):
        shown[-1] += " …"
    return shown


def _highlighted(text: str, line: Span, match: Match, style: TerminalStyle) -> str:
    if len(match.highlights) > 1:
        return heated(text, line, match.highlights, style)
    return marked(text, line, ((start, end) for start, end, _ in match.highlights), style)


# ---- files and documents -------------------------------------------------------------------------


def _file_json(entry: FileOutcome | Unindexed) -> dict[str, object]:
    values: dict[str, object] = {
        "path": os.fsdecode(entry.path),
        "outcome": entry.outcome,
        "reason": entry.reason,
    }
    return values if entry.files == 1 else {**values, "files": entry.files}


def _file_name(entry: FileOutcome | Unindexed, style: TerminalStyle) -> str:
    return style.path(entry.path, "") + (
        "" if entry.files == 1 else f" ({pluralize(entry.files, 'file')})"
    )


def _counts_line(report: IngestReport, style: TerminalStyle) -> str:
    counts = report.counts()
    parts = [f"{counts[outcome]:,} {outcome}" for outcome in _OUTCOMES if counts.get(outcome)]
    return style.paint(pluralize(sum(counts.values()), "file"), BOLD) + (
        f": {', '.join(parts)}" if parts else ""
    )


def _passages_line(report: IngestReport) -> str:
    rate = (
        f" ({report.passages_embedded / report.took_s:,.0f} passages/s)"
        if report.passages_embedded and report.took_s > 0
        else ""
    )
    done = (
        f"{pluralize(report.passages_embedded, 'passage')} embedded, "
        f"{report.passages_reused:,} reused"
    )
    return f"{done} in {human_duration(report.took_s)}{rate}; generation {report.generation}"


def _listed(
    outcome: Literal["failed", "indexed"],
    files: Iterable[FileOutcome | Unindexed],
    style: TerminalStyle,
) -> list[str]:
    """A heading and a line a file of that outcome and with a reason, up to a limit that is stated;
    an archive speaks for what is in it.
    """
    found = {entry.path: entry for entry in files if entry.outcome == outcome and entry.reason}
    entries = [
        entry
        for path, entry in found.items()
        if not any(each in found for each in containers_of(path))
    ]
    if not entries:
        return []
    lines = [
        style.paint("failed:", RED) if outcome == "failed" else style.paint("read in part:", BOLD)
    ]
    lines += [
        f"  {_file_name(entry, style)}: {one_line(entry.reason)}" for entry in entries[:_LISTED]
    ]
    if rest := sum(entry.files for entry in entries[_LISTED:]):
        lines.append(f"  … and {rest:,} more; `--json` lists every file")
    return lines


def _skipped_lines(files: Iterable[FileOutcome | Unindexed], style: TerminalStyle) -> list[str]:
    """A heading and a line a reason, the most frequent first, each with a few examples."""
    groups: dict[str, list[FileOutcome | Unindexed]] = {}
    for entry in files:
        if entry.outcome == "skipped":
            groups.setdefault(entry.reason, []).append(entry)
    if not groups:
        return []
    totals = sorted(
        ((-sum(entry.files for entry in group), reason) for reason, group in groups.items())
    )
    lines = [style.paint("skipped:", BOLD)]
    lines += [
        f"  {-total:,} {one_line(reason)}: {_examples(groups[reason], style)}"
        for total, reason in totals[:_REASONS_SHOWN]
    ]
    if rest := totals[_REASONS_SHOWN:]:
        lines.append(
            f"  {-sum(total for total, _ in rest):,} for {pluralize(len(rest), 'other reason')}; "
            "`--json` lists every file"
        )
    return lines


def _examples(group: Sequence[FileOutcome | Unindexed], style: TerminalStyle) -> str:
    more = ", …" if len(group) > _EXAMPLES_SHOWN else ""
    return ", ".join(_file_name(entry, style) for entry in group[:_EXAMPLES_SHOWN]) + more


def _row_json(row: DocumentRow) -> dict[str, object]:
    return {
        "path": os.fsdecode(row.path),
        "title": row.title,
        "type": row.type,
        "passages": row.passages,
        "size": row.size,
        "modified": _iso(row.modified_ns),
        "pending": row.is_pending,
        "stale": row.is_stale,
        "labels": [
            {"label": each.name, "origin": each.origin, "probability": each.probability}
            for each in row.labels
        ],
    }


def _row_fields(row: DocumentRow, style: TerminalStyle) -> str:
    path = display_path(row.path, style.base)
    fields = (
        path,
        row.type,
        str(row.passages),
        str(row.size),
        _iso(row.modified_ns),
        _state(row),
        one_line(row.title),
    )
    return "\t".join((*fields, *([_labels(row)] if row.labels else [])))


def _row_line(row: DocumentRow, style: TerminalStyle, passages: int) -> str:
    """Date, passages, size, path, and as much of the title as fits."""
    path = display_path(row.path, style.base)
    numbers = (
        f"{_iso(row.modified_ns)[:10]}  {row.passages:>{passages},}  {human_bytes(row.size):>8}"
    )
    state = "" if _state(row) == "current" else f"  [{_state(row)}]"
    labels = f"  {_labels(row)}" if row.labels else ""
    line = (
        f"{style.paint(numbers, DIM)}  "
        f"{style.path(row.path)}{style.paint(state, RED)}{style.paint(labels, GREEN)}"
    )
    room = (style.width or 0) - display_width(f"{numbers}  {path}{state}{labels}  ")
    title = truncate(one_line(row.title), room) if room >= 10 else ""
    return f"{line}  {style.paint(title, DIM)}" if title else line


def _state(row: DocumentRow) -> str:
    return "pending" if row.is_pending else "stale" if row.is_stale else "current"


def _labels(row: DocumentRow) -> str:
    return ", ".join(one_line(each.name) for each in row.labels)


def _reservations(status: Status) -> str:
    parts = (
        (status.pending, "without vectors yet"),
        (status.stale, "stale"),
        (status.outdated, "made by an older version"),
    )
    shown = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f" ({shown})" if shown else ""


def _encoder_json(encoder: EncoderIdentity) -> dict[str, object]:
    return {
        "model": encoder.model,
        "fingerprint": encoder.fingerprint,
        "dim": encoder.dim,
        "max_tokens": encoder.max_tokens,
    }


def _root_json(root: Root) -> dict[str, object]:
    return {
        "path": os.fsdecode(root.path),
        "include": list(root.include),
        "exclude": list(root.exclude),
    }


def _root_text(root: Root, style: TerminalStyle) -> str:
    rules = [
        f"{name} {' '.join(globs)}"
        for name, globs in (("include", root.include), ("exclude", root.exclude))
        if globs
    ]
    return style.path(root.path, "") + (f" ({one_line('; '.join(rules))})" if rules else "")


# ---- numbers and dates ---------------------------------------------------------------------------


def _rounded(score: float) -> float:
    return round(float(score), 6)


def _iso(moment_ns: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment_ns // 1_000_000_000))


def _date(moment_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment_ns // 1_000_000_000))
