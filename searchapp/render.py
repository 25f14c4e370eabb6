"""How answers, reports and errors look: as text for people, as plain lines for pipes, as values for JSON.

Pure: values in, strings and plain dicts out; it prints nothing and knows neither terminal, environment nor database. Escape codes
are written here directly and widths come from `unicodedata`, because importing rich would cost a cold query 15 ms or more.

Every text ends in a newline, or is empty where there is nothing to say. Whatever comes from a document or a file name is made
harmless before it is shown: it can neither send a code to the terminal, nor reorder a line, nor add one.
"""

from __future__ import annotations

import json
import os
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

if TYPE_CHECKING:
    from searchapp.errors import SearchappError
    from searchapp.types import (
        Answer,
        DocumentRow,
        EncoderIdentity,
        Evaluation,
        FileOutcome,
        Finding,
        Hit,
        Match,
        Passage,
        Report,
        Root,
        Span,
        Status,
        Unindexed,
    )

_BOLD, _DIM, _RED, _GREEN, _CYAN, _MARK = "1", "2", "31", "32", "36", "1;33"
_OUTCOMES = ("indexed", "unchanged", "moved", "removed", "skipped", "failed")

_EXCERPT_LINES = 6
_NARROWEST = 20  # columns for a passage, on however narrow a terminal
_FAILED_SHOWN = 50
_REASONS_SHOWN = 10
_EXAMPLES_SHOWN = 3

# Controls other than white space, C1 controls, what reorders text (bidi embeddings, overrides, isolates), lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_IN_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_BLANKS = str.maketrans(dict.fromkeys("\t\v\f\r\u2028\u2029", " "))

# A line may break at blanks, and around every character from the East Asian blocks on.
_WORD = re.compile(r"[!-\u2e7f]+|\S")

# A line break that is only the margin of a prose source: the line before has 50 to 99 characters and ends in no blank (as a hard
# break of Markdown does), the line after begins with a word, so that it is no list item, table row or indented code.
_MARGIN_TYPES = frozenset({"txt", "md", "rst", "eml"})
_MARGIN_BREAK = re.compile(r"(?<=[^\n]{49}\S)(?<![^\n]{100})\n(?=[\"'“‘]?[^\W\d_])")


@dataclass(frozen=True, slots=True)
class Look:
    """How a text is to be shown. As it stands: plain, for a pipe; no codes, no wrapping, fields separated by tabs."""

    width: int | None = None  # columns of the terminal; None for a pipe
    color: bool = False
    links: bool = False  # paths are clickable (OSC 8)
    base: bytes | None = None  # an absolute folder; paths below it are shown relative to it

    def paint(self, text: str, style: str) -> str:
        """The text in an ANSI style ("" for none), or as it is where colours are off."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and style and text else text

    def path(self, path: bytes, style: str = _BOLD) -> str:
        """A path for display; the link of an archive's member leads to the archive."""
        shown = self.paint(display_path(path, self.base), style)
        if not self.links:
            return shown
        return f"\x1b]8;;file://{quote_from_bytes(path.partition(b'!/')[0])}\x1b\\{shown}\x1b]8;;\x1b\\"


PLAIN = Look()


# ---- answers -------------------------------------------------------------------------------------------------------


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


def answer_text(answer: Answer, look: Look = PLAIN, *, full: bool = False, explain: bool = False) -> str:
    """The matches, best first; "" where there is none (`answer_notes` says so).

    With a width: a header line, the heading path and an excerpt of six lines around the strongest highlight, or the whole passage
    if `full`; `explain` adds what each leg said. Without: a line a match, of the fields rank, cosine, path, place, heading path and
    whole passage, separated by tabs; white space within a field is a single space.
    """
    if look.width is None:
        return "".join(_match_line(match, look) for match in answer.matches)
    limit = None if full else _EXCERPT_LINES
    indent = len(str(len(answer.matches))) + 2
    return "\n".join(_match_text(match, look, indent=indent, limit=limit, explain=explain) for match in answer.matches)


def answer_paths(answer: Answer) -> str:
    """The matching files, a line each, best first; exact, so it is to be written with `surrogateescape`."""
    return "".join(f"{os.fsdecode(path)}\n" for path in dict.fromkeys(match.hit.path for match in answer.matches))


def answer_notes(answer: Answer) -> list[str]:
    """What a reader of the answer should know besides: nothing found, documents left out or out of date, notes."""
    notes = [_line(note) for note in answer.notes]
    if not answer.matches:
        notes.insert(0, f'nothing matches "{_line(answer.query)}"')
    if answer.pending:
        notes.append(f"{_count(answer.pending, 'document')} not searched by meaning yet: `searchapp ingest` makes the missing vectors")
    if answer.stale:
        notes.append(f"{_count(answer.stale, 'document')} out of date: `searchapp ingest` reads them again")
    if answer.is_approximate:
        notes.append("the ranking is approximate: `--exact` compares every vector")
    return notes


# ---- reports of an ingest ------------------------------------------------------------------------------------------


def report_json(report: Report) -> dict[str, object]:
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


def report_text(report: Report, look: Look = PLAIN, *, verbose: bool = False) -> str:
    """A summary in which every file counts: failures one by one, skipped files by reason; all of them, a line each, if `verbose`."""
    lines = [_counts_line(report, look), _passages_line(report)]
    if verbose:
        lines += [_file_line(entry, look) for entry in report.files]
    else:
        lines += _failed_lines(report.files, look) + _skipped_lines(report.files, look)
    lines += [f"note: {_line(note)}" for note in report.notes]
    if report.was_interrupted:
        lines.append(look.paint("interrupted: what is listed as indexed is kept; the same command goes on from here", _RED))
    return _joined(lines)


# ---- the corpus and its documents ----------------------------------------------------------------------------------


def list_json(rows: Iterable[DocumentRow]) -> dict[str, object]:
    """The documents for programs."""
    return {"documents": [_row_json(row) for row in rows]}


def list_text(rows: Sequence[DocumentRow], look: Look = PLAIN) -> str:
    """A document a line. Without a width the fields path, type, passages, bytes, modified, state and title, separated by tabs."""
    if look.width is None:
        return _joined(_row_fields(row, look) for row in rows)
    passages = max((len(f"{row.passages:,}") for row in rows), default=0)
    return _joined(_row_line(row, look, passages) for row in rows)


def show_json(row: DocumentRow, metadata: Mapping[str, str], passages: Iterable[Hit]) -> dict[str, object]:
    """One document for programs, with all its passages."""
    return {"document": _row_json(row), "metadata": dict(metadata), "passages": [_hit_json(hit) for hit in passages]}


def show_text(row: DocumentRow, metadata: Mapping[str, str], passages: Iterable[Hit], look: Look = PLAIN) -> str:
    """One document, whole: what is known of it, then its passages, each under its place and heading path."""
    facts = [
        ("path", look.path(row.path)),
        ("title", _line(row.title)),
        ("type", row.type),
        ("modified", _date(row.modified_ns)),
        ("size", human_bytes(row.size)),
        ("passages", f"{row.passages:,}"),
        ("state", _state(row)),
        *((_line(name), _line(value)) for name, value in sorted(metadata.items())),
    ]
    return _joined(_table(facts, look)) + "".join(_shown_passage(hit, look) for hit in passages)


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


def status_text(status: Status, look: Look = PLAIN) -> str:
    """A corpus at a glance: what is in it, how fresh it is, and what is not in it and why."""
    encoder = status.encoder
    facts = [
        ("corpus", f"{_name(status.path)} (generation {status.generation})"),
        ("documents", f"{status.documents:,}{_reservations(status)}"),
        ("passages", f"{status.passages:,}"),
        ("encoder", f"{_line(encoder.model)} ({encoder.dim} dimensions, {encoder.max_tokens} tokens)" if encoder else "none yet"),
        ("size", f"{human_bytes(status.database_bytes)} database, {human_bytes(status.vectors_bytes)} vectors file"),
        ("vectors", _line(status.vectors_state)),
        ("ingested", "never" if status.ingested_at_ns is None else _date(status.ingested_at_ns)),
        *(("root", _root_text(root, look)) for root in status.roots),
    ]
    return _joined([*_table(facts, look), *_failed_lines(status.unindexed, look), *_skipped_lines(status.unindexed, look)])


def findings_json(findings: Iterable[Finding]) -> dict[str, object]:
    """What a check found, for programs."""
    return {"findings": [{"what": each.what, "path": os.fsdecode(each.path), "lost": each.is_lost} for each in findings]}


def findings_text(findings: Sequence[Finding], look: Look = PLAIN) -> str:
    """What a check found, a line each, what is lost first."""
    if not findings:
        return "no damage found\n"
    lines = []
    for finding in sorted(findings, key=lambda each: (not each.is_lost, each.path, each.what)):
        kind = look.paint("lost", _RED) if finding.is_lost else "repairable"
        lines.append(": ".join((kind, *([look.path(finding.path)] if finding.path else []), _line(finding.what))))
    return _joined(lines)


def evaluation_json(evaluations: Iterable[Evaluation]) -> dict[str, object]:
    """The figures of a judged collection, a mode each, for programs."""
    return {
        "evaluations": [
            {
                "collection": each.collection,
                "mode": each.mode,
                "queries": each.queries,
                "ndcg@10": _rounded(each.ndcg_at_10),
                "recall@100": _rounded(each.recall_at_100),
                "mrr@10": _rounded(each.mrr_at_10),
                "query_ms": round(each.query_ms, 3),
            }
            for each in evaluations
        ]
    }


def evaluation_text(evaluations: Sequence[Evaluation], look: Look = PLAIN) -> str:
    """The figures of a judged collection as a table, a mode each."""
    name, queries = (evaluations[0].collection, evaluations[0].queries) if evaluations else ("", 0)
    lines = [
        look.paint(f"{_line(name)}, {_count(queries, 'question')}", _BOLD),
        f"{'mode':<10}{'nDCG@10':>10}{'Recall@100':>12}{'MRR@10':>10}{'ms a query':>12}",
    ]
    for each in evaluations:
        figures = f"{each.ndcg_at_10:>10.4f}{each.recall_at_100:>12.4f}{each.mrr_at_10:>10.4f}{each.query_ms:>12.1f}"
        lines.append(f"{each.mode:<10}{figures}")
    return _joined(lines)


# ---- errors --------------------------------------------------------------------------------------------------------


def error_json(error: SearchappError) -> dict[str, object]:
    """An error for programs."""
    return {"error": {"code": error.code, "message": str(error), "hint": error.hint}}


def error_text(error: SearchappError, look: Look = PLAIN) -> str:
    """What went wrong and, on a second line, the cure."""
    hint = f"{look.paint('hint:', _CYAN)} {_line(error.hint)}\n" if error.hint else ""
    return f"{look.paint('error:', _RED)} {_line(str(error))}\n{hint}"


# ---- parts that other faces need -----------------------------------------------------------------------------------


def json_text(value: Mapping[str, object]) -> str:
    """The JSON of a value, on one line, in ASCII, so that any path survives any terminal and comes back exactly."""
    return f"{json.dumps(value, ensure_ascii=True, allow_nan=False)}\n"


def human_bytes(size: int) -> str:
    """A size in decimal units: "999 B", "1.2 kB", "34.0 MB"."""
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:,.1f} TB"


def human_duration(seconds: float) -> str:
    """A duration in its two largest units: "0.4 s", "42 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def display_path(path: bytes, base: bytes | None = None) -> str:
    r"""A path on one line of printable text, relative to `base` where it is below it; other bytes and controls become `\xNN`."""
    return _name(os.fsdecode(path if base is None else path.removeprefix(base.rstrip(b"/") + b"/")))


def display_width(text: str) -> int:
    """How many columns a text takes: two for wide East Asian characters and emoji, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


# ---- one match -----------------------------------------------------------------------------------------------------


def _match_json(match: Match) -> dict[str, object]:
    hit = match.hit
    return {
        "rank": match.rank,
        "score": _rounded(match.score),
        "cosine": _rounded(match.cosine),
        "confidence": None if match.confidence is None else _rounded(match.confidence),
        "legs": {name: {"score": _rounded(leg.score), "rank": leg.rank} for name, leg in match.legs.items()},
        "path": os.fsdecode(hit.path),
        "title": hit.title,
        "type": hit.type,
        **_hit_json(hit),
        "highlights": [[start, end, _rounded(weight)] for start, end, weight in match.highlights],
    }


def _hit_json(hit: Hit) -> dict[str, object]:
    passage = hit.passage
    place = {"page": passage.page, "line_start": passage.line_start, "line_end": passage.line_end}
    return {
        **place,
        "place": {name: value for name, value in place.items() if value is not None},
        "start": passage.start,
        "end": passage.end,
        "heading": " > ".join(_headings_below_title(hit)),
        "text": hit.text,
    }


def _match_line(match: Match, look: Look) -> str:
    hit = match.hit
    path = display_path(hit.path, look.base)
    return "\t".join((str(match.rank), f"{match.cosine:.3f}", path, _place(hit.passage), _heading_path(hit), _line(hit.text))) + "\n"


def _match_text(match: Match, look: Look, *, indent: int, limit: int | None, explain: bool) -> str:
    margin = " " * indent
    columns = max(_NARROWEST, (look.width or 0) - indent)
    header = [look.paint(str(match.rank).rjust(indent - 2), _DIM), look.paint(f"{match.cosine:.3f}", _CYAN), look.path(match.hit.path)]
    if place := _place(match.hit.passage):
        header.append(look.paint(place, _GREEN))
    if match.confidence is not None:
        header.append(f"confidence {match.confidence:.2f}")
    lines = ["  ".join(header)]
    if explain:
        lines.append(margin + look.paint(", ".join(f"{name} {leg.score:.3f} (rank {leg.rank})" for name, leg in match.legs.items()), _DIM))
    if heading := _heading_path(match.hit):
        lines.append(margin + look.paint(_fitted(heading, columns), _DIM))
    lines += [margin + line if line else "" for line in _passage_lines(match, look, columns, limit)]
    return _joined(lines)


def _shown_passage(hit: Hit, look: Look) -> str:
    """A passage of `show`: a blank line, its place and headings, its text; the source's own lines where there is no width."""
    title = "  ".join(part for part in (_place(hit.passage), " > ".join(_line(each) for each in _headings_below_title(hit))) if part)
    text = _safe(hit.text)
    if look.width is not None:
        text = _flowing(text, hit.type)
    spans = _spans(text) if look.width is None else _wrapped(text, max(_NARROWEST, look.width))
    return _joined(["", *([look.paint(title, _GREEN)] if title else []), *(text[start:end] for start, end in spans)])


def _headings_below_title(hit: Hit) -> tuple[str, ...]:
    """The heading path without the title that leads it, which the splitter may have cut short."""
    headings = hit.passage.headings
    return headings[1:] if headings and hit.title.startswith(headings[0]) else headings


def _heading_path(hit: Hit) -> str:
    return " > ".join(_line(each) for each in (hit.title, *_headings_below_title(hit)) if each)


def _place(passage: Passage) -> str:
    if passage.page is not None:
        return f"p. {passage.page}"
    if passage.line_start is None:
        return ""
    if passage.line_end in (None, passage.line_start):
        return f"line {passage.line_start}"
    return f"lines {passage.line_start}-{passage.line_end}"


# ---- a passage within a width: every step keeps offsets, so that highlights stay where they are ---------------------


def _passage_lines(match: Match, look: Look, columns: int, limit: int | None) -> list[str]:
    """A passage in at most `limit` lines of at most `columns`, its strongest highlights marked and in view."""
    text = _flowing(_safe(match.hit.text), match.hit.type)
    lines = _wrapped(text, columns - 2)
    marks = _marks(match.highlights)
    if limit is None or len(lines) <= limit:
        return [_marked(text, line, marks, look) for line in lines]
    lines = [line for line in lines if line[0] < line[1]]
    begin = _window(lines, max(match.highlights, key=lambda each: each[2], default=(0, 0, 0.0)), limit)
    shown = [_marked(text, line, marks, look) for line in lines[begin : begin + limit]]
    if begin:
        shown[0] = f"… {shown[0]}"
    if begin + limit < len(lines):
        shown[-1] += " …"
    return shown


def _safe(text: str) -> str:
    """The text, offset for offset, without anything a terminal would obey."""
    return _UNSAFE.sub("\ufffd", text.translate(_BLANKS))


def _flowing(text: str, type_: str) -> str:
    """The text, offset for offset, with the line breaks of prose paragraphs turned into spaces."""
    return _MARGIN_BREAK.sub(" ", text) if type_ in _MARGIN_TYPES else text


def _spans(text: str) -> Iterator[Span]:
    """Its lines, without trailing blanks."""
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line.rstrip())
        start += len(line) + 1


def _wrapped(text: str, columns: int) -> list[Span]:
    """Its lines, broken where they are wider than `columns`; indentation stays on the first part."""
    lines: list[Span] = []
    for start, end in _spans(text):
        begin = stop = start
        used = 0
        for left, right in _words(text, start, end, columns):
            used += display_width(text[stop:right])
            if used > columns:
                if stop > begin:
                    lines.append((begin, stop))
                begin, used = left, display_width(text[left:right])
            stop = right
        lines.append((begin, stop))
    return lines


def _words(text: str, start: int, end: int, columns: int) -> Iterator[Span]:
    """The unbreakable parts of a line; a word wider than `columns` is cut."""
    for word in _WORD.finditer(text, start, end):
        left, right = word.span()
        while display_width(text[left:right]) > columns:
            cut = left + _fitting(text[left:right], columns)
            yield left, cut
            left = cut
        yield left, right


def _window(lines: Sequence[Span], highlight: tuple[int, int, float], limit: int) -> int:
    """The first of `limit` lines to show: the passage's first if the highlight is in view then, else so that it is in the middle."""
    touched = [at for at, (start, end) in enumerate(lines) if start < highlight[1] and end > highlight[0]]
    if not touched or touched[-1] < limit:
        return 0
    spare = max(0, limit - len(touched))
    return min(touched[0] - spare // 2, len(lines) - limit)


def _marks(highlights: Iterable[tuple[int, int, float]]) -> list[Span]:
    """The highlights at least half as strong as the strongest, in order."""
    strongest = max((weight for _, _, weight in highlights), default=0.0)
    return sorted((start, end) for start, end, weight in highlights if weight >= strongest / 2)


def _marked(text: str, line: Span, marks: Iterable[Span], look: Look) -> str:
    """One line, with the marks that lie in it painted."""
    parts, at = [], line[0]
    for start, end in marks:
        start, end = max(start, at), min(end, line[1])
        if start < end:
            parts += [text[at:start], look.paint(text[start:end], _MARK)]
            at = end
    return "".join((*parts, text[at : line[1]]))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


# ---- files and documents -------------------------------------------------------------------------------------------


def _file_json(entry: FileOutcome | Unindexed) -> dict[str, object]:
    values: dict[str, object] = {"path": os.fsdecode(entry.path), "outcome": entry.outcome, "reason": entry.reason}
    return values if entry.files == 1 else {**values, "files": entry.files}


def _file_line(entry: FileOutcome | Unindexed, look: Look) -> str:
    reason = f": {_line(entry.reason)}" if entry.reason else ""
    return f"  {entry.outcome:<9}  {_file_name(entry, look)}{reason}"


def _file_name(entry: FileOutcome | Unindexed, look: Look) -> str:
    return look.path(entry.path, "") + ("" if entry.files == 1 else f" ({_count(entry.files, 'file')})")


def _counts_line(report: Report, look: Look) -> str:
    counts = report.counts()
    parts = [f"{counts[outcome]:,} {outcome}" for outcome in _OUTCOMES if counts.get(outcome)]
    return look.paint(_count(sum(counts.values()), "file"), _BOLD) + (f": {', '.join(parts)}" if parts else "")


def _passages_line(report: Report) -> str:
    rate = f" ({report.passages_embedded / report.took_s:,.0f} passages/s)" if report.passages_embedded and report.took_s > 0 else ""
    done = f"{_count(report.passages_embedded, 'passage')} embedded, {report.passages_reused:,} reused"
    return f"{done} in {human_duration(report.took_s)}{rate}; generation {report.generation}"


def _failed_lines(files: Iterable[FileOutcome | Unindexed], look: Look) -> list[str]:
    """A heading and a line a failure, up to a limit that is stated."""
    failed = [entry for entry in files if entry.outcome == "failed"]
    if not failed:
        return []
    lines = [look.paint("failed:", _RED)]
    lines += [f"  {_file_name(entry, look)}: {_line(entry.reason)}" for entry in failed[:_FAILED_SHOWN]]
    if rest := sum(entry.files for entry in failed[_FAILED_SHOWN:]):
        lines.append(f"  … and {rest:,} more; `--json` lists every file")
    return lines


def _skipped_lines(files: Iterable[FileOutcome | Unindexed], look: Look) -> list[str]:
    """A heading and a line a reason, the most frequent first, each with a few examples."""
    groups: dict[str, list[FileOutcome | Unindexed]] = {}
    for entry in files:
        if entry.outcome == "skipped":
            groups.setdefault(entry.reason, []).append(entry)
    if not groups:
        return []
    totals = sorted(((-sum(entry.files for entry in group), reason) for reason, group in groups.items()))
    lines = [look.paint("skipped:", _BOLD)]
    lines += [f"  {-total:,} {_line(reason)}: {_examples(groups[reason], look)}" for total, reason in totals[:_REASONS_SHOWN]]
    if rest := totals[_REASONS_SHOWN:]:
        lines.append(f"  {-sum(total for total, _ in rest):,} for {_count(len(rest), 'other reason')}; `--json` lists every file")
    return lines


def _examples(group: Sequence[FileOutcome | Unindexed], look: Look) -> str:
    more = ", …" if len(group) > _EXAMPLES_SHOWN else ""
    return ", ".join(_file_name(entry, look) for entry in group[:_EXAMPLES_SHOWN]) + more


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
    }


def _row_fields(row: DocumentRow, look: Look) -> str:
    path = display_path(row.path, look.base)
    return "\t".join((path, row.type, str(row.passages), str(row.size), _iso(row.modified_ns), _state(row), _line(row.title)))


def _row_line(row: DocumentRow, look: Look, passages: int) -> str:
    """Date, passages, size, path, and as much of the title as fits."""
    path = display_path(row.path, look.base)
    numbers = f"{_iso(row.modified_ns)[:10]}  {row.passages:>{passages},}  {human_bytes(row.size):>8}"
    state = "" if _state(row) == "current" else f"  [{_state(row)}]"
    line = f"{look.paint(numbers, _DIM)}  {look.path(row.path)}{look.paint(state, _RED)}"
    room = (look.width or 0) - display_width(f"{numbers}  {path}{state}  ")
    title = _fitted(_line(row.title), room) if room >= 10 else ""
    return f"{line}  {look.paint(title, _DIM)}" if title else line


def _state(row: DocumentRow) -> str:
    return "pending" if row.is_pending else "stale" if row.is_stale else "current"


def _reservations(status: Status) -> str:
    parts = ((status.pending, "without vectors yet"), (status.stale, "stale"), (status.outdated, "made by an older version"))
    shown = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f" ({shown})" if shown else ""


def _encoder_json(encoder: EncoderIdentity) -> dict[str, object]:
    return {"model": encoder.model, "fingerprint": encoder.fingerprint, "dim": encoder.dim, "max_tokens": encoder.max_tokens}


def _root_json(root: Root) -> dict[str, object]:
    return {"path": os.fsdecode(root.path), "include": list(root.include), "exclude": list(root.exclude)}


def _root_text(root: Root, look: Look) -> str:
    rules = [f"{name} {' '.join(globs)}" for name, globs in (("include", root.include), ("exclude", root.exclude)) if globs]
    return look.path(root.path, "") + (f" ({_line('; '.join(rules))})" if rules else "")


# ---- words and lines -----------------------------------------------------------------------------------------------


def _table(facts: Iterable[tuple[str, str]], look: Look) -> list[str]:
    """A line a fact, the values in one column; facts without a value are left out."""
    shown = [(name, value) for name, value in facts if value]
    width = max(display_width(name) for name, _ in shown)
    return [f"{look.paint(name, _DIM)}{' ' * (width - display_width(name))}  {value}" for name, value in shown]


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _line(text: str) -> str:
    """The text on one harmless line, white space as single spaces."""
    return " ".join(_safe(text).split())


def _name(text: str) -> str:
    return _UNSAFE_IN_NAME.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no text, as `os.fsdecode` keeps it
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _fitted(text: str, columns: int) -> str:
    """The text, cut with an ellipsis where it is wider than `columns`."""
    return text if display_width(text) <= columns else f"{text[: _fitting(text, columns - 1)].rstrip()}…"


def _fitting(text: str, columns: int) -> int:
    """How many of its first characters take at most `columns`."""
    used = 0
    for at, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return at
    return len(text)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _rounded(score: float) -> float:
    return round(float(score), 6)


def _iso(moment_ns: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment_ns // 1_000_000_000))


def _date(moment_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment_ns // 1_000_000_000))
