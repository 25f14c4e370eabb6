"""What was removed stays out of the corpus until its path is given to an ingest."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.types.documents import KnownFile
from searchapp.types.results import IngestReport
from tests.builders.house import HereCorpus, House
from tests.builders.mail import mail, multipart
from tests.builders.word import zipped

REASON = "removed from this corpus; naming it to ingest takes it in again"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def left_out(report: IngestReport) -> dict[str, int]:
    return {
        Path(entry.path.decode()).name: entry.files
        for entry in report.files
        if entry.reason == REASON
    }


def test_a_removed_file_stays_out_and_is_named(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.reader_of().remove([str(house.docs / "a.md")])
    for report in (house.refresh(), house.ingest()):
        assert left_out(report) == {"a.md": 1}
        assert house.names() == ["b.md"]
    assert house.reader_of().status().exclusions == (bytes(house.docs / "a.md"),)


def test_it_stays_out_when_it_changes(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.reader_of().remove([str(house.docs / "a.md")])
    house.write(a_md="one, and more")
    house.refresh()
    assert house.names() == ["b.md"]


def test_naming_it_takes_it_in_again(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.reader_of().remove([str(house.docs / "a.md")])
    report = house.ingest(house.docs / "a.md")
    assert report.notes == (f"{house.docs}/a.md was removed before, and is taken in again",)
    assert house.names() == ["a.md", "b.md"]
    assert left_out(house.refresh()) == {}
    assert house.names() == ["a.md", "b.md"]


def test_a_removed_folder_stays_out_as_one_with_what_is_new_in_it(house: House) -> None:
    (house.docs / "old").mkdir()
    (house.docs / "old/x.md").write_text("one")
    house.write(b_md="two")
    house.ingest()
    house.reader_of().remove([str(house.docs / "old")])
    (house.docs / "old/y.md").write_text("three")
    assert left_out(house.refresh()) == {"old": 2}
    house.ingest(house.docs / "old/y.md")  # below it: all of it comes back
    house.refresh()
    assert house.names() == ["b.md", "x.md", "y.md"]


def test_a_glob_leaves_out_the_documents_that_it_matched(house: House) -> None:
    house.write(a_md="one", b_md="two", c_txt="three")
    house.ingest()
    house.reader_of().remove(["*.md"])
    assert left_out(house.refresh()) == {"a.md": 1, "b.md": 1}
    house.write(d_md="four")
    house.refresh()
    assert house.names() == ["c.txt", "d.md"]


def test_a_removed_root_comes_back_once_it_is_named(house: House) -> None:
    house.write(a_md="one")
    house.ingest()
    house.reader_of().remove([str(house.docs)])
    assert house.reader_of().status().exclusions == ()
    house.ingest()
    assert house.names() == ["a.md"]


def test_a_member_stays_out_until_it_is_named_itself(house: House) -> None:
    (house.docs / "a.zip").write_bytes(zipped({"b.md": "one", "c.md": "two"}))
    house.ingest()
    house.reader_of().remove([str(house.docs / "a.zip!/b.md")])
    (house.docs / "a.zip").write_bytes(zipped({"b.md": "one", "c.md": "two", "d.md": "three"}))
    house.refresh()
    assert house.names() == ["c.md", "d.md"]
    house.ingest(house.docs / "a.zip")
    assert house.names() == ["c.md", "d.md"]
    member = bytes(house.docs / "a.zip!/b.md")
    house.ingest(house.docs / "a.zip", named=[member])
    assert house.names() == ["b.md", "c.md", "d.md"]


@pytest.mark.slow
def test_an_attachment_comes_back_though_its_mail_is_a_document_too(house: House) -> None:
    attached = b"Content-Disposition: attachment; filename=e.md\n\nthe attachment"
    kind, body = multipart("mixed", b"Content-Type: text/plain\n\nhello", attached)
    (house.docs / "d.eml").write_bytes(mail("From: a@b.example", "Subject: x", kind, body=body))
    house.ingest()
    assert house.names() == ["d.eml", "e.md"]
    member = bytes(house.docs / "d.eml!/e.md")
    house.reader_of().remove([os.fsdecode(member)])
    house.ingest(house.docs / "d.eml", named=[member])
    assert house.names() == ["d.eml", "e.md"]


def test_removed_members_are_named_whether_their_archive_is_read_again_or_not(
    house: House,
) -> None:
    files = {"b.md": "one", "sub/c.md": "two", "sub/d.md": "three", "e.md": "four"}
    (house.docs / "a.zip").write_bytes(zipped(files))
    house.ingest()
    house.reader_of().remove([f"{house.docs}/a.zip!/{name}" for name in ("b.md", "sub")])
    status = house.reader_of().status()
    assert {Path(os.fsdecode(entry.path)).name: entry.files for entry in status.unindexed} == {
        "b.md": 1,
        "sub": 2,
    }
    unchanged = house.refresh()
    (house.docs / "a.zip").write_bytes(zipped(files | {"sub/f.md": "five"}))
    for report, below in ((unchanged, 2), (house.refresh(), 3), (house.refresh(), 3)):
        assert left_out(report) == {"b.md": 1, "sub": below}
        assert report.counts(members=True)["skipped"] == 1 + below
        assert "skipped" not in report.counts(members=False)
    house.ingest(house.docs / "a.zip", named=[bytes(house.docs / "a.zip!/sub")])
    assert left_out(house.refresh()) == {"b.md": 1}


def test_what_was_removed_is_among_the_files_skipped_at_once(house: House) -> None:
    (house.docs / "old").mkdir()
    (house.docs / "old/x.md").write_text("one")
    (house.docs / "old/empty.md").write_text("")
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.reader_of().remove([str(house.docs / "a.md"), str(house.docs / "old")])
    before = house.reader_of().status().unindexed
    assert [(Path(os.fsdecode(e.path)).name, e.files, e.reason) for e in before] == [
        ("a.md", 1, REASON),
        ("old", 2, REASON),
    ]
    house.refresh()
    assert house.reader_of().status().unindexed == before


@pytest.mark.damages_corpus
def test_a_member_that_was_removed_stays_out_when_a_repair_reads_its_archive_again(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    (house.docs / "a.zip").write_bytes(zipped({"b.md": "one", "c.md": "two words"}))
    house.ingest()
    corpus = HereCorpus(SqliteBackend(house.corpus), encoder=house.encoder)
    corpus.remove([str(house.docs / "a.zip!/b.md")])
    with closing(sqlite3.connect(house.corpus / "corpus.db")) as database, database:
        database.execute("UPDATE document_text SET text = 'two wordz'")
    report = corpus.repair()
    assert report is not None
    assert report.lost == []
    assert house.names() == ["c.md"]
    assert corpus.status().exclusions == (bytes(house.docs / "a.zip!/b.md"),)


def test_a_walk_that_was_stopped_lifts_nothing(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.reader_of().remove([str(house.docs / "a.md")])
    report = house.ingest(house.docs / "a.md", is_stopped=lambda: True)
    assert not [note for note in report.notes if "taken in again" in note]
    assert house.reader_of().status().exclusions == (bytes(house.docs / "a.md"),)


def test_what_was_removed_can_be_forgotten_by_its_path(house: House) -> None:
    house.write(a_md="one", b_md="two")
    house.ingest()
    house.reader_of().remove([str(house.docs / "a.md")])
    assert house.reader_of().forget([str(house.docs / "a.md")]) == ([], [])


def test_members_of_a_root_that_was_removed_are_read_again_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    (house.docs / "a.zip").write_bytes(zipped({f"{i}.md": f"text {i}" for i in range(20)}))
    house.ingest()
    calls = []
    known_files = SqliteWriter.known_files

    def counted(self: SqliteWriter, *rest: Any) -> dict[bytes, KnownFile]:
        calls.append(rest)
        return known_files(self, *rest)

    monkeypatch.setattr(SqliteWriter, "known_files", counted)
    house.reader_of().remove([str(house.docs)])
    assert len(calls) == 1


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_folder_stays_out_whole_in_whatever_form_its_name_was_typed(
    house: House, form: Literal["NFC", "NFD"]
) -> None:
    folder = house.docs / normalize("NFD", "Ätna")
    folder.mkdir()
    (folder / "a.md").write_text("one")
    house.ingest()
    house.reader_of().remove([normalize(form, str(folder))])
    assert house.reader_of().status().exclusions == (bytes(folder),)
