"""How reports look: what an ingest, a check, a repair and the doctor did or found, and where the
time went. Tables for people, values for JSON.

Pure, as `answers` is.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from searchapp.humanize import human_duration, one_line, pluralize
from searchapp.output.terminal import (
    BOLD,
    CYAN,
    PLAIN,
    RED,
    TerminalStyle,
    display_path,
    filled,
    joined,
    table,
)
from searchapp.types.documents import containers_of

if TYPE_CHECKING:
    from searchapp.types.documents import Unindexed
    from searchapp.types.results import (
        Diagnosis,
        FileOutcome,
        Finding,
        IngestReport,
        RepairReport,
    )
_OUTCOMES = ("indexed", "unchanged", "moved", "removed", "skipped", "failed")
_LISTED = 50
_REASONS_SHOWN = 10
_EXAMPLES_SHOWN = 3
_BELOW = "    "  # before what goes on from the line above


def report_json(report: IngestReport) -> dict[str, object]:
    """A report for programs: every file, with an absolute path."""
    return {
        "generation": report.generation,
        "took_s": round(float(report.took_s), 3),
        "counts": report.counts(),
        "members": report.counts(members=True),
        "files": [file_json(entry) for entry in report.files],
        "passages_embedded": report.passages_embedded,
        "passages_reused": report.passages_reused,
        "interrupted": report.was_interrupted,
        "notes": list(report.notes),
    }


def report_text(report: IngestReport, style: TerminalStyle = PLAIN) -> str:
    """A summary that accounts for every file: failures and files read only in part one by one,
    skipped files by reason.
    """
    lines = [_counts_line(report, style), _passages_line(report)]
    lines += [
        *_missing_lines(report.files, style),
        *listed_lines("failed", [entry for entry in report.files if entry.files], style),
        *listed_lines("indexed", report.files, style),
        *skipped_lines(report.files, style),
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


def stages_text(stages_s: Mapping[str, float], style: TerminalStyle = PLAIN) -> str:
    """The time of each stage in milliseconds, a stage on each line."""
    return joined(
        f"{style.paint(f'{took_s * 1000:10,.1f} ms', BOLD)}  {name}"
        for name, took_s in stages_s.items()
    )


def stages_json(stages_s: Mapping[str, float]) -> dict[str, float]:
    """The time of each stage in seconds."""
    return {name: round(took_s, 4) for name, took_s in stages_s.items()}


# ---- check, repair, doctor -----------------------------------------------------------------------


def findings_json(findings: Iterable[Finding]) -> dict[str, object]:
    """The findings of a check, for programs."""
    return {
        "findings": [
            {"what": finding.what, "path": os.fsdecode(finding.path), "lost": finding.is_lost}
            for finding in findings
        ]
    }


def findings_text(findings: Sequence[Finding], style: TerminalStyle = PLAIN) -> str:
    """The findings of a check, one on each line, what is lost first."""
    if not findings:
        return "no damage found\n"
    lines = []
    for finding in sorted(
        findings, key=lambda finding: (not finding.is_lost, finding.path, finding.what)
    ):
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


def exclusion_text(excluded: Sequence[bytes], documents: int) -> str:
    """What follows the news that so many documents were removed: how long ingests leave them out;
    nothing where no folder would bring them back.
    """
    if not excluded:
        return ""
    one = shlex.quote(display_path(excluded[0]))
    name = "PATH" if len(excluded) > 1 else one
    pronoun = "it" if documents == 1 else "them"
    return f"; ingest leaves {pronoun} out until it is given the path: searchapp ingest {name}"


def repair_json(repair: RepairReport | None) -> dict[str, object]:
    """What a repair did, for programs; empty if nothing was wrong."""
    if repair is None:
        return {"repaired": None, "lost": []}
    repaired = {
        "documents": repair.documents,
        "embedded_again": repair.to_embed,
        "backup": repair.backup,
    }
    read_again = [os.fsdecode(path) for path in repair.to_read if path not in repair.lost]
    return {
        "repaired": repaired | {"read_again": read_again},
        "lost": [os.fsdecode(path) for path in repair.lost],
        "notes": repair.notes,
    }


def repair_text(repair: RepairReport | None, style: TerminalStyle = PLAIN) -> str:
    """What a repair did, and what is lost."""
    if repair is None:
        return "no damage found, nothing to repair\n"
    read_again = [path for path in repair.to_read if path not in repair.lost]
    lines = [
        f"{style.paint('lost', RED)}: "
        f"{style.path(path) if path else 'a document whose path cannot be read'}"
        for path in repair.lost
    ]
    lines += [f"read again: {style.path(path)}" for path in read_again]
    lines += [f"note: {one_line(note)}" for note in repair.notes]
    kept_line = f"{repair.documents:,} documents kept, {repair.to_embed:,} of them embedded again"
    lines.append(f"{kept_line}; {len(read_again):,} read again; {len(repair.lost):,} lost")
    lines.append(f"the corpus as it was found: {style.path(os.fsencode(repair.backup))}")
    return joined(lines)


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, object]:
    """What the doctor found, for programs."""
    return {
        **{name: dict(facts) for name, facts in diagnosis.sections.items()},
        "problems": [
            {"what": problem.what, "hint": problem.hint} for problem in diagnosis.problems
        ],
    }


def diagnosis_text(diagnosis: Diagnosis, style: TerminalStyle = PLAIN) -> str:
    """What the doctor found, section by section, and last each problem with its hint."""
    lines = []
    inside = replace(style, width=style.width - 2) if style.width is not None else style
    for name, facts in diagnosis.sections.items():
        lines += [
            style.paint(name, BOLD),
            *(
                f"  {line}"
                for line in table([(key, one_line(value)) for key, value in facts], inside)
            ),
            "",
        ]
    for problem in diagnosis.problems:
        for name, color, text in (("problem:", RED, problem.what), ("hint:", CYAN, problem.hint)):
            words = one_line(text).split(" ")
            lines += filled([style.paint(name, color), *words], style.width) if text else []
    return joined(lines or [""]) if diagnosis.problems else joined([*lines, "nothing is wrong"])


# ---- files ---------------------------------------------------------------------------------------


def file_json(entry: FileOutcome | Unindexed) -> dict[str, object]:
    """What became of a file, for programs."""
    values: dict[str, object] = {
        "path": os.fsdecode(entry.path),
        "outcome": entry.outcome,
        "reason": entry.reason,
    }
    return values if entry.files == 1 else {**values, "files": entry.files}


def file_name(entry: FileOutcome | Unindexed, style: TerminalStyle) -> str:
    """The path of a file, and how many files it stands for where they are several."""
    return style.path(entry.path, "") + (
        "" if entry.files == 1 else f" ({pluralize(entry.files, 'file')})"
    )


def _counts_line(report: IngestReport, style: TerminalStyle) -> str:
    """How many files had which outcome, and how many members of archives and mails."""
    files, members = report.counts(members=False), report.counts(members=True)
    line = style.paint(pluralize(sum(files.values()), "file"), BOLD) + _outcomes_text(files)
    if not members:
        return line
    return f"{line}; {pluralize(sum(members.values()), 'member')} of archives and mails" + (
        _outcomes_text(members)
    )


def _outcomes_text(counts: Mapping[str, int]) -> str:
    parts = [f"{counts[outcome]:,} {outcome}" for outcome in _OUTCOMES if counts.get(outcome)]
    return f": {', '.join(parts)}" if parts else ""


def _missing_lines(files: Iterable[FileOutcome], style: TerminalStyle) -> list[str]:
    """A heading, then a line for each root that is missing."""
    lines = [
        f"  {style.path(entry.path, '')}: {one_line(entry.reason)}"
        for entry in files
        if not entry.files
    ]
    return [style.paint("missing:", RED), *lines] if lines else []


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


def listed_lines(
    outcome: Literal["failed", "indexed"],
    files: Iterable[FileOutcome | Unindexed],
    style: TerminalStyle,
) -> list[str]:
    """A heading, then a line for each file of that outcome that has a reason, up to a stated limit.
    An archive stands for the files in it.
    """
    listed = {entry.path: entry for entry in files if entry.outcome == outcome and entry.reason}
    entries = [
        entry
        for path, entry in listed.items()
        if not any(container in listed for container in containers_of(path))
    ]
    if not entries:
        return []
    lines = [
        style.paint("failed:", RED) if outcome == "failed" else style.paint("read in part:", BOLD)
    ]
    for entry in entries[:_LISTED]:
        words = one_line(entry.reason).split(" ")
        lines += filled([f"  {file_name(entry, style)}:", *words], style.width, margin=_BELOW)
    if rest := sum(entry.files for entry in entries[_LISTED:]):
        lines.append(f"  … and {rest:,} more; `--json` lists every file")
    return lines


def skipped_lines(files: Iterable[FileOutcome | Unindexed], style: TerminalStyle) -> list[str]:
    """A heading, then a line for each reason, the most frequent first, with a few examples."""
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
    for total, reason in totals[:_REASONS_SHOWN]:
        examples = _examples(groups[reason], style)
        lines += filled(
            [f"  {-total:,} {one_line(reason)}:", *examples], style.width, margin=_BELOW
        )
    if rest := totals[_REASONS_SHOWN:]:
        lines.append(
            f"  {-sum(total for total, _ in rest):,} for {pluralize(len(rest), 'other reason')}; "
            "`--json` lists every file"
        )
    return lines


def _examples(group: Sequence[FileOutcome | Unindexed], style: TerminalStyle) -> list[str]:
    """The names of some files, each but the last with the comma behind it."""
    names = [file_name(entry, style) for entry in group[:_EXAMPLES_SHOWN]]
    names += ["…"] if len(group) > _EXAMPLES_SHOWN else []
    return [f"{name}," for name in names[:-1]] + names[-1:]
