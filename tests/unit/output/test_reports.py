"""What people and programs see of an ingest, a check and an error, character for character."""

from __future__ import annotations

from searchapp.errors import CorpusMissing
from searchapp.output.errors import error_json, error_text
from searchapp.output.reports import findings_json, findings_text, report_json, report_text
from searchapp.output.terminal import TerminalStyle
from searchapp.types.results import (
    FileOutcome,
    Finding,
    IngestReport,
)

REPORT = IngestReport(
    generation=4,
    took_s=12.0,
    files=(
        FileOutcome(b"/docs/a.md", "indexed"),
        FileOutcome(b"/docs/b.md", "indexed"),
        FileOutcome(b"/docs/c.md", "unchanged"),
        FileOutcome(b"/docs/d.md", "removed"),
        FileOutcome(b"/docs/node_modules", "skipped", "ignored folder", files=1200),
        FileOutcome(b"/docs/e.bin", "skipped", "no reader for this type"),
        FileOutcome(b"/docs/f.pdf", "failed", "encrypted"),
    ),
    passages_embedded=240,
    passages_reused=10,
    notes=("the root /old is missing",),
)


def test_a_report_for_programs_lists_every_file() -> None:
    assert report_json(REPORT) == {
        "generation": 4,
        "took_s": 12.0,
        "counts": {"indexed": 2, "unchanged": 1, "removed": 1, "skipped": 1201, "failed": 1},
        "members": {},
        "files": [
            {"path": "/docs/a.md", "outcome": "indexed", "reason": ""},
            {"path": "/docs/b.md", "outcome": "indexed", "reason": ""},
            {"path": "/docs/c.md", "outcome": "unchanged", "reason": ""},
            {"path": "/docs/d.md", "outcome": "removed", "reason": ""},
            {
                "path": "/docs/node_modules",
                "outcome": "skipped",
                "reason": "ignored folder",
                "files": 1200,
            },
            {"path": "/docs/e.bin", "outcome": "skipped", "reason": "no reader for this type"},
            {"path": "/docs/f.pdf", "outcome": "failed", "reason": "encrypted"},
        ],
        "passages_embedded": 240,
        "passages_reused": 10,
        "interrupted": False,
        "notes": ["the root /old is missing"],
    }


def test_a_report_accounts_for_every_file() -> None:
    assert report_text(REPORT, TerminalStyle(base=b"/docs")) == (
        "1,206 files: 2 indexed, 1 unchanged, 1 removed, 1,201 skipped, 1 failed\n"
        "240 passages embedded, 10 reused in 12 s (20 passages/s); generation 4\n"
        "failed:\n"
        "  f.pdf: encrypted\n"
        "skipped:\n"
        "  1,200 ignored folder: node_modules (1,200 files)\n"
        "  1 no reader for this type: e.bin\n"
        "note: the root /old is missing\n"
    )


def test_files_and_members_of_archives_are_counted_apart_and_each_sum_equals_its_parts() -> None:
    files = (
        FileOutcome(b"/a.zip", "indexed"),
        FileOutcome(b"/a.zip!/b.md", "indexed", is_member=True),
        FileOutcome(b"/a.zip!/c.md", "indexed", is_member=True),
        FileOutcome(b"/a.zip!/d.bin", "skipped", "no reader", is_member=True),
        FileOutcome(b"/e.md", "unchanged"),
        FileOutcome(b"/node_modules", "skipped", "ignored folder", files=1200),
    )
    report = IngestReport(1, 1.0, files)
    assert report_text(report).splitlines()[0] == (
        "1,202 files: 1 indexed, 1 unchanged, 1,200 skipped; "
        "3 members of archives and mails: 2 indexed, 1 skipped"
    )
    told = report_json(report)
    assert told["counts"] == {"indexed": 3, "unchanged": 1, "skipped": 1201}
    assert told["members"] == {"indexed": 2, "skipped": 1}


def test_a_root_that_is_missing_is_no_file_and_is_said_by_itself() -> None:
    missing = FileOutcome(b"/usb", "failed", "there is no such path", files=0)
    report = IngestReport(1, 1.0, (missing, FileOutcome(b"/z.md", "failed", "broken")))
    assert report_text(report).splitlines()[0] == "1 file: 1 failed"
    assert report_text(report).splitlines()[2:] == [
        "missing:",
        "  /usb: there is no such path",
        "failed:",
        "  /z.md: broken",
    ]
    assert report_text(IngestReport(1, 1.0, (missing,))).splitlines()[0] == "0 files"
    assert report.has_failures


def test_an_archive_speaks_for_what_is_in_it_and_files_read_in_part_are_said() -> None:
    files = (
        FileOutcome(b"/a.zip", "failed", "0 of 2 files in it were read: encrypted"),
        FileOutcome(b"/a.zip!/b.pdf", "failed", "encrypted"),
        FileOutcome(b"/a.zip!/c.zip!/d.pdf", "failed", "encrypted"),
        FileOutcome(b"/e.zip", "indexed", "1 of 2 files in it were read"),
        FileOutcome(b"/e.zip!/f.pdf", "failed", "broken"),
        FileOutcome(b"/e.zip!/g.txt", "indexed"),
        FileOutcome(
            b"/scan.pdf", "indexed", "3 of 9 pages that are images were recognised in time"
        ),
    )
    assert report_text(IngestReport(1, 1.0, files)).splitlines()[2:] == [
        "failed:",
        "  /a.zip: 0 of 2 files in it were read: encrypted",
        "  /e.zip!/f.pdf: broken",
        "read in part:",
        "  /e.zip: 1 of 2 files in it were read",
        "  /scan.pdf: 3 of 9 pages that are images were recognised in time",
    ]


def test_an_interrupted_or_empty_report_is_said_plainly() -> None:
    assert report_text(IngestReport(0, 0.0, (), was_interrupted=True)) == (
        "0 files\n"
        "0 passages embedded, 0 reused in 0.0 s; generation 0\n"
        "interrupted: what is listed as indexed is kept; the same command goes on from here\n"
    )


def test_a_report_of_thousands_of_bad_files_stays_short_and_says_how_many_it_leaves_out() -> None:
    failed = [FileOutcome(b"/f%d" % number, "failed", "broken") for number in range(3000)]
    skipped = [
        FileOutcome(b"/s%d" % number, "skipped", f"reason {number % 12:02d}")
        for number in range(1200)
    ]
    lines = report_text(IngestReport(1, 1.0, (*failed, *skipped))).splitlines()
    assert len(lines) == 2 + 52 + 12
    assert lines[53] == "  … and 2,950 more; `--json` lists every file"
    assert lines[55] == "  100 reason 00: /s0, /s12, /s24, …"
    assert lines[65] == "  200 for 2 other reasons; `--json` lists every file"


def test_findings_are_listed_with_what_is_lost_first() -> None:
    findings = [
        Finding("keyword rows differ"),
        Finding("text differs from its digest", b"/docs/a.md", is_lost=True),
    ]
    assert (
        findings_text(findings)
        == "lost: /docs/a.md: text differs from its digest\nrepairable: keyword rows differ\n"
    )
    assert findings_text([]) == "no damage found\n"
    assert findings_json(findings) == {
        "findings": [
            {"what": "keyword rows differ", "path": "", "lost": False},
            {"what": "text differs from its digest", "path": "/docs/a.md", "lost": True},
        ]
    }


def test_a_report_breaks_between_words_and_examples_on_a_terminal() -> None:
    files = [
        FileOutcome(b"/docs/bad.pdf", "failed", "it is not a PDF that anything here can read"),
        *(FileOutcome(b"/docs/%d.bin" % at, "skipped", "no reader") for at in range(4)),
    ]
    text = report_text(IngestReport(1, 1.0, tuple(files)), TerminalStyle(width=40))
    assert text.splitlines()[2:] == [
        "failed:",
        "  /docs/bad.pdf: it is not a PDF that",
        "    anything here can read",
        "skipped:",
        "  4 no reader: /docs/0.bin, /docs/1.bin,",
        "    /docs/2.bin, …",
    ]


def test_an_error_names_its_cure() -> None:
    error = CorpusMissing("there is no corpus at /x", hint="`searchapp ingest PATH` makes one")
    assert (
        error_text(error)
        == "error: there is no corpus at /x\nhint: `searchapp ingest PATH` makes one\n"
    )
    assert (
        error_text(CorpusMissing("gone"), TerminalStyle(color=True))
        == "\x1b[31merror:\x1b[0m gone\n"
    )
    assert error_text(error, TerminalStyle(width=30)) == (
        "error: there is no corpus at\n/x\nhint: `searchapp ingest PATH`\nmakes one\n"
    )
    long = CorpusMissing("no corpus at /a/path/that/is/wider/than/the/terminal")
    assert error_text(long, TerminalStyle(width=30)) == (
        "error: no corpus at\n/a/path/that/is/wider/than/the/terminal\n"
    )
    assert error_json(error) == {
        "error": {
            "code": "corpus_missing",
            "message": "there is no corpus at /x",
            "hint": "`searchapp ingest PATH` makes one",
        }
    }
