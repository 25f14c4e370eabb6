"""What people, pipes and programs see of a corpus and its documents, character for character."""

from __future__ import annotations

import pytest

from searchapp.errors import EncoderError
from searchapp.output import corpus
from searchapp.output.answers import answer_notes, answer_text
from searchapp.output.errors import error_text
from searchapp.output.reports import findings_text, report_text
from searchapp.output.terminal import TerminalStyle
from searchapp.types.documents import DocumentRow, Hit, Label, Passage, Root, Unindexed
from searchapp.types.results import (
    Answer,
    FileOutcome,
    Finding,
    IngestReport,
    LegScore,
    Match,
    Status,
)
from searchapp.types.vectors import EncoderIdentity
from tests.builders.answers import GUIDE, HOSTILE, PAPER, TERMINAL, answer_of


def test_nothing_hostile_passes_any_text() -> None:
    path = b"/docs/\x1b[2J\n\xff"
    hit = Hit(1, 1, path, HOSTILE, "txt", Passage(0, 1, headings=(HOSTILE, HOSTILE)), HOSTILE)
    row = DocumentRow(
        path, HOSTILE, "txt", 1, 1, 0, is_pending=False, is_stale=False, labels=(Label(HOSTILE),)
    )
    files = (FileOutcome(path, "failed", HOSTILE), FileOutcome(path, "skipped", HOSTILE))
    encoder = EncoderIdentity(HOSTILE, HOSTILE, 1, 1)
    unindexed = (Unindexed(path, "failed", HOSTILE), Unindexed(path, "skipped", HOSTILE))
    roots = (Root(path, include=(HOSTILE,)),)
    for width in (None, 60):
        style = TerminalStyle(width=width)
        texts = [
            answer_text(answer_of(Match(1, 0.5, 0.5, {"dense": LegScore(1.0, 1)}, hit)), style),
            "\n".join(answer_notes(Answer(HOSTILE, "cosine", (), 1, (), 1.0, notes=(HOSTILE,)))),
            report_text(IngestReport(1, 1.0, files, notes=(HOSTILE,)), style),
            corpus.list_text([row], style),
            corpus.show_text(row, {HOSTILE: HOSTILE}, [hit], style),
            corpus.status_text(
                Status(
                    HOSTILE, 1, 1, 1, 0, 0, 0, encoder, roots, (path,), unindexed, 1, 1, HOSTILE, 1
                ),
                style,
            ),
            findings_text([Finding(HOSTILE, path)], style),
            error_text(EncoderError(HOSTILE, hint=HOSTILE), style),
        ]
        assert not set("".join(texts)) & set("\x00\x07\x1b\x7f\x9b\r\u202e\u2066\udcff")


def test_what_was_left_out_is_listed_a_line_a_file() -> None:
    left_out = [
        Unindexed(b"/docs/a", "skipped", "hidden", 12),
        Unindexed(b"/docs/b.pdf", "failed", "encrypted:\nneeds a password"),
    ]
    assert corpus.unindexed_text(left_out) == (
        "skipped\t/docs/a (12 files)\thidden\nfailed\t/docs/b.pdf\tencrypted: needs a password\n"
    )
    assert (
        corpus.unindexed_text(left_out, TerminalStyle(width=80, base=b"/docs")).splitlines()[0]
        == "skipped  a (12 files)  hidden"
    )


ROWS = (
    DocumentRow(
        b"/docs/guide.md",
        "Guide",
        "md",
        12,
        2500,
        1_700_000_000_123_456_789,
        is_pending=False,
        is_stale=False,
        id=3,
    ),
    DocumentRow(
        *(b"/docs/\xff.pdf", "", "pdf", 1200, 34_000_000, 0),
        is_pending=True,
        is_stale=False,
        id=4,
    ),
)


def test_a_list_for_programs_has_every_promised_key() -> None:
    assert corpus.list_json(ROWS) == {
        "documents": [
            {
                "id": 3,
                "path": "/docs/guide.md",
                "title": "Guide",
                "type": "md",
                "passages": 12,
                "size": 2500,
                "modified": "2023-11-14T22:13:20Z",
                "pending": False,
                "stale": False,
                "labels": [],
            },
            {
                "id": 4,
                "path": "/docs/\udcff.pdf",
                "title": "",
                "type": "pdf",
                "passages": 1200,
                "size": 34_000_000,
                "modified": "1970-01-01T00:00:00Z",
                "pending": True,
                "stale": False,
                "labels": [],
            },
        ]
    }


def test_labels_stand_in_lists_with_who_gave_them_and_how_sure_that_is() -> None:
    row = ROWS[0]._replace(labels=(Label("guide"), Label("letter", "classifier", 0.75)))
    assert corpus.list_json([row])["documents"][0]["labels"] == [  # type: ignore[index]
        {"label": "guide", "origin": "hand", "probability": None},
        {"label": "letter", "origin": "classifier", "probability": 0.75},
    ]
    assert (
        corpus.list_text([row])
        == "/docs/guide.md\tmd\t12\t2500\t2023-11-14T22:13:20Z\tcurrent\tGuide\tguide, letter\n"
    )
    assert (
        corpus.list_text([row], TERMINAL)
        == "2023-11-14  12    2.5 kB  guide.md  guide, letter  Guide\n"
    )


def test_a_list_is_a_line_a_document() -> None:
    assert corpus.list_text(ROWS) == (
        "/docs/guide.md\tmd\t12\t2500\t2023-11-14T22:13:20Z\tcurrent\tGuide\n"
        "/docs/\\xff.pdf\tpdf\t1200\t34000000\t1970-01-01T00:00:00Z\tpending\t\n"
    )
    assert corpus.list_text(ROWS, TERMINAL) == (
        "2023-11-14     12    2.5 kB  guide.md  Guide\n1970-01-01  1,200   34.0 MB  \\xff.pdf  "
        "[pending]\n"
    )
    assert corpus.list_text(()) == ""


def test_a_title_is_cut_where_the_line_of_a_list_ends() -> None:
    row = DocumentRow(
        b"/a", "Of the nature of things", "txt", 1, 5, 0, is_pending=False, is_stale=False
    )
    assert (
        corpus.list_text([row], TerminalStyle(width=40))
        == "1970-01-01  1       5 B  /a  Of the nat…\n"
    )


def test_a_shown_document_has_its_facts_and_all_its_passages() -> None:
    assert corpus.show_text(
        ROWS[0], {"author": "Ann"}, [GUIDE, PAPER], TerminalStyle(width=80)
    ) == (
        "path      /docs/guide.md\n"
        "title     Guide\n"
        "type      md\n"
        "modified  2023-11-14 22:13 UTC\n"
        "size      2.5 kB\n"
        "passages  12\n"
        "state     current\n"
        "author    Ann\n"
        "\n"
        "lines 10-11  Engine > Oil\n"
        "Check the oil every week.\n"
        "Use grade 15W-40.\n"
        "\n"
        "p. 12\n"
        "Other words\n"
    )


def test_a_shown_document_in_a_pipe_keeps_the_lines_of_its_source() -> None:
    long = "This line of the source is wider than fifty columns are\nand goes on here."
    hit = Hit(1, 1, b"/a", "", "txt", Passage(0, len(long)), long)
    assert corpus.show_text(ROWS[0], {}, [hit]).endswith(f"\n\n{long}\n")


def test_a_shown_document_for_programs() -> None:
    shown = corpus.show_json(ROWS[0], {"author": "Ann"}, [PAPER])
    assert shown == {
        "document": corpus.list_json(ROWS[:1])["documents"][0],  # type: ignore[index]
        "metadata": {"author": "Ann"},
        "passages": [
            {
                "id": 9,
                "page": 12,
                "line_start": None,
                "line_end": None,
                "place": {"page": 12},
                "start": 0,
                "end": 11,
                "heading": "",
                "text": "Other words",
            }
        ],
    }


STATUS = Status(
    path="/home/ann/.searchapp",
    generation=12,
    documents=1204,
    passages=15332,
    pending=3,
    stale=0,
    outdated=2,
    encoder=EncoderIdentity("default", "53aa", 384, 256),
    roots=(Root(b"/docs"), Root(b"/notes", include=("*.md", "*.txt"), exclude=("old",))),
    exclusions=(b"/docs/old.md",),
    unindexed=(
        Unindexed(b"/docs/x.pdf", "failed", "encrypted"),
        Unindexed(b"/docs/tmp", "skipped", "ignored folder", files=5),
    ),
    database_bytes=12_300_000,
    vectors_bytes=999_950,
    vectors_state="behind by 40 passages",
    ingested_at_ns=1_700_000_000_000_000_000,
    languages={"en": 400, "": 4, "de": 800},
)


def test_a_status_says_what_is_in_the_corpus_and_what_is_not() -> None:
    assert corpus.status_text(STATUS) == (
        "corpus     /home/ann/.searchapp (generation 12)\n"
        "documents  1,204 (2 made by an older version)\n"
        "passages   15,332\n"
        "encoder    default (384 dimensions, 256 tokens)\n"
        "languages  de 800, en 400, none 4\n"
        "size       12.3 MB database, 1.0 MB vectors file\n"
        "vectors    3 of 1,204 documents have text only; `searchapp ingest` makes the missing "
        "vectors; the vectors file is behind by 40 passages\n"
        "ingested   2023-11-14 22:13 UTC\n"
        "root       /docs\n"
        "root       /notes (include *.md *.txt; exclude old)\n"
        "removed    /docs/old.md\n"
        "failed:\n"
        "  /docs/x.pdf: encrypted\n"
        "skipped:\n"
        "  5 ignored folder: /docs/tmp (5 files)\n"
    )


@pytest.mark.parametrize("state", ["current", "none yet"])
def test_vectors_are_not_called_current_while_documents_wait_for_them(state: str) -> None:
    waiting = STATUS._replace(documents=102, pending=1, vectors_state=state)
    (line,) = (
        line for line in corpus.status_text(waiting).splitlines() if line.startswith("vectors ")
    )
    assert line == (
        "vectors    1 of 102 documents has text only; `searchapp ingest` makes the missing vectors"
    )
    done = corpus.status_text(waiting._replace(pending=0))
    assert f"vectors    {state}\n" in done


def test_a_status_for_programs_has_everything() -> None:
    assert corpus.status_json(STATUS) == {
        "path": "/home/ann/.searchapp",
        "generation": 12,
        "documents": 1204,
        "passages": 15332,
        "pending": 3,
        "stale": 0,
        "outdated": 2,
        "encoder": {"model": "default", "fingerprint": "53aa", "dim": 384, "max_tokens": 256},
        "languages": {"de": 800, "en": 400},
        "roots": [
            {"path": "/docs", "include": [], "exclude": []},
            {"path": "/notes", "include": ["*.md", "*.txt"], "exclude": ["old"]},
        ],
        "removed": ["/docs/old.md"],
        "unindexed": [
            {"path": "/docs/x.pdf", "outcome": "failed", "reason": "encrypted"},
            {"path": "/docs/tmp", "outcome": "skipped", "reason": "ignored folder", "files": 5},
        ],
        "database_bytes": 12_300_000,
        "vectors_bytes": 999_950,
        "vectors": "behind by 40 passages",
        "ingested_at": "2023-11-14T22:13:20Z",
    }


def test_of_many_languages_a_status_names_the_first() -> None:
    codes = [f"{first}{second}" for first in "abc" for second in "xyz"]
    many = STATUS._replace(languages={code: 9 - i for i, code in enumerate(codes)} | {"": 99})
    assert "\nlanguages  ax 9, ay 8, az 7, bx 6, by 5, bz 4, cx 3, cy 2, 2 others\n" in (
        corpus.status_text(many)
    )


def test_the_status_of_an_empty_corpus_is_complete() -> None:
    empty = Status("/c", 0, 0, 0, 0, 0, 0, None, (), (), (), 0, 0, "none yet", None)
    assert corpus.status_text(empty) == (
        "corpus     /c (generation 0)\n"
        "documents  0\n"
        "passages   0\n"
        "encoder    none yet\n"
        "size       0 B database, 0 B vectors file\n"
        "vectors    none yet\n"
        "ingested   never\n"
    )
    assert corpus.status_json(empty)["encoder"] is None
    assert corpus.status_json(empty)["ingested_at"] is None
