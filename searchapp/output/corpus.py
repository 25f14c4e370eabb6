"""How a corpus looks: its documents, one of them whole, its state and its settings. Tables for
people, values for JSON.

Pure, as `answers` is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from searchapp.humanize import human_bytes, one_line, place_text, pluralize, safe
from searchapp.output.answers import headings_below_title, hit_json
from searchapp.output.reports import file_json, file_name, listed_lines, skipped_lines
from searchapp.output.serialization import iso_time
from searchapp.output.terminal import (
    DIM,
    GREEN,
    NARROWEST,
    PLAIN,
    RED,
    TerminalStyle,
    display_path,
    display_width,
    flowing,
    joined,
    lines_of,
    table,
    truncate,
    wrapped,
)
from searchapp.types.documents import WITH_SECRETS

if TYPE_CHECKING:
    from searchapp.types.documents import DocumentRow, Hit, Root, Unindexed
    from searchapp.types.results import Status
    from searchapp.types.vectors import EncoderIdentity

_MOST_REMOVED = 8  # paths that a status names
_MOST_LANGUAGES = 8


def list_json(rows: Iterable[DocumentRow]) -> dict[str, object]:
    """The documents for programs."""
    return {"documents": [row_json(row) for row in rows]}


def list_text(rows: Sequence[DocumentRow], style: TerminalStyle = PLAIN) -> str:
    """A document on each line. Without a width: path, type, passages, bytes, modified, state and
    title, separated by tabs.
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
        "document": row_json(row),
        "metadata": dict(metadata),
        "passages": [hit_json(hit) for hit in passages],
    }


def show_text(
    row: DocumentRow,
    metadata: Mapping[str, str],
    passages: Iterable[Hit],
    style: TerminalStyle = PLAIN,
) -> str:
    """One whole document: its metadata, then its passages, each under its place and heading
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
        "languages": {code: n for code, n in _languages(status) if code},
        "roots": [_root_json(root) for root in status.roots],
        "removed": [os.fsdecode(path) for path in status.exclusions],
        "unindexed": [file_json(entry) for entry in status.unindexed],
        "database_bytes": status.database_bytes,
        "vectors_bytes": status.vectors_bytes,
        "vectors": status.vectors_state,
        "ingested_at": None if status.ingested_at_ns is None else iso_time(status.ingested_at_ns),
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
        ("languages", _languages_text(status)),
        (
            "size",
            (
                f"{human_bytes(status.database_bytes)} database, "
                f"{human_bytes(status.vectors_bytes)} "
                "vectors file"
            ),
        ),
        ("vectors", one_line(_vectors(status))),
        ("ingested", "never" if status.ingested_at_ns is None else _date(status.ingested_at_ns)),
        *(("root", _root_text(root, style)) for root in status.roots),
        *_removed(status.exclusions, style),
    ]
    return joined(
        [
            *table(facts, style),
            *listed_lines("failed", status.unindexed, style),
            *skipped_lines(status.unindexed, style),
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
                f"{file.outcome:<7}" if style.width else file.outcome,
                file_name(file, style),
                one_line(file.reason),
            )
        )
        for file in files
    )


def settings_text(settings: Mapping[str, str]) -> str:
    """The settings that differ from their defaults, one on each line."""
    return (
        "".join(f"{name} {value}\n" for name, value in sorted(settings.items()))
        or "all as by default\n"
    )


# ---- private -------------------------------------------------------------------------------------


def _languages(status: Status) -> list[tuple[str, int]]:
    """The languages of the documents, the most frequent one first, that of none last."""
    return sorted(status.languages.items(), key=lambda item: (not item[0], -item[1], item[0]))


def _languages_text(status: Status) -> str:
    """The first languages and how many documents are in each; "" where none says its own."""
    named = [f"{code or 'none'} {documents:,}" for code, documents in _languages(status)]
    if not any(status.languages):
        return ""
    rest = [f"{len(named) - _MOST_LANGUAGES} others"] if len(named) > _MOST_LANGUAGES else []
    return ", ".join([*named[:_MOST_LANGUAGES], *rest])


def _removed(paths: Sequence[bytes], style: TerminalStyle) -> list[tuple[str, str]]:
    """What was removed for good, a line each; the first of many."""
    lines = [("removed", display_path(path, style.base)) for path in paths[:_MOST_REMOVED]]
    if len(paths) > len(lines):
        lines.append(("removed", f"and {pluralize(len(paths) - len(lines), 'other path')}: --json"))
    return lines


def _shown_passage(hit: Hit, style: TerminalStyle) -> str:
    """A passage of `show`: a blank line, its place and headings, its text; the source's own lines
    where there is no width.
    """
    title = "  ".join(
        part
        for part in (
            place_text(hit.passage.place),
            " > ".join(one_line(heading) for heading in headings_below_title(hit)),
        )
        if part
    )
    text = safe(hit.text)
    if style.width is not None:
        text = flowing(text, hit.type)
    spans = lines_of(text) if style.width is None else wrapped(text, max(NARROWEST, style.width))
    return joined(
        [
            "",
            *([style.paint(title, GREEN)] if title else []),
            *(text[start:end] for start, end in spans),
        ]
    )


def row_json(row: DocumentRow) -> dict[str, object]:
    """A document for programs."""
    return {
        "id": row.id,
        "path": os.fsdecode(row.path),
        "title": row.title,
        "type": row.type,
        "passages": row.passages,
        "size": row.size,
        "modified": iso_time(row.modified_ns),
        "pending": row.is_pending,
        "stale": row.is_stale,
        "labels": [
            {"label": label.name, "origin": label.origin, "probability": label.probability}
            for label in row.labels
        ],
    }


def _row_fields(row: DocumentRow, style: TerminalStyle) -> str:
    path = display_path(row.path, style.base)
    fields = (
        path,
        row.type,
        str(row.passages),
        str(row.size),
        iso_time(row.modified_ns),
        _state(row),
        one_line(row.title),
    )
    return "\t".join((*fields, *([_labels(row)] if row.labels else [])))


def _row_line(row: DocumentRow, style: TerminalStyle, passages: int) -> str:
    """Date, passages, size, path, and as much of the title as fits."""
    path = display_path(row.path, style.base)
    numbers = (
        f"{iso_time(row.modified_ns)[:10]}  {row.passages:>{passages},}  {human_bytes(row.size):>8}"
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
    return ", ".join(one_line(label.name) for label in row.labels)


def _reservations(status: Status) -> str:
    parts = (
        (status.stale, "stale"),
        (status.outdated, "made by an older version"),
    )
    shown = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f" ({shown})" if shown else ""


def _vectors(status: Status) -> str:
    """How many documents wait for vectors, and what makes them; the state of the vectors file."""
    if not status.pending:
        return status.vectors_state
    have = "has" if status.pending == 1 else "have"
    waiting = (
        f"{status.pending:,} of {pluralize(status.documents, 'document')} {have} text only; "
        "`searchapp ingest` makes the missing vectors"
    )
    is_telling = status.vectors_state not in ("current", "none yet")
    return f"{waiting}; the vectors file is {status.vectors_state}" if is_telling else waiting


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
        "exclude": _excluded(root),
        **({"with_secrets": True} if root.with_secrets else {}),
    }


def _excluded(root: Root) -> list[str]:
    return [glob for glob in root.exclude if glob != WITH_SECRETS]


def _root_text(root: Root, style: TerminalStyle) -> str:
    rules = [
        f"{name} {' '.join(globs)}"
        for name, globs in (("include", root.include), ("exclude", _excluded(root)))
        if globs
    ]
    rules += ["with secrets"] if root.with_secrets else []
    return style.path(root.path, "") + (f" ({one_line('; '.join(rules))})" if rules else "")


def _date(moment_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment_ns // 1_000_000_000))
