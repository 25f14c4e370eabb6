"""What becomes of files with secrets, over the runs of a corpus."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from searchapp.types.documents import WITH_SECRETS, Root
from searchapp.types.results import IngestReport
from tests.builders.house import House

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "kLmNoPqRsTuVwXyZ"


@pytest.fixture
def house(tmp_path: Path, blank: Path) -> House:
    shutil.copytree(blank, tmp_path / "corpus")
    made = House(tmp_path)
    made.write(notes_md=f"# Server\n\nLog in with {TOKEN}.\n", lamp_md="# Lamp\n\nIt shines.\n")
    made.write(_env="PASSWORD=abc\n")
    with zipfile.ZipFile(made.docs / "all.zip", "w") as archive:
        archive.writestr("passwords.txt", "ann: abc\n")
        archive.writestr("garden.txt", "Roses are red.\n")
    return made


def root(house: House, *, with_secrets: bool) -> Root:
    return Root(os.fsencode(house.docs), exclude=(WITH_SECRETS,) if with_secrets else ())


def said(report: IngestReport) -> dict[str, str]:
    return {
        Path(os.fsdecode(entry.path)).name: entry.reason
        for entry in report.files
        if entry.outcome == "skipped"
    }


def test_secrets_are_left_out_by_name_and_by_content_and_that_is_said(house: House) -> None:
    report = house.ingest()
    assert house.names() == ["garden.txt", "lamp.md"]
    assert said(report) == {
        ".env": "secret",
        "notes.md": "secret: a GitHub token",
        "passwords.txt": "secret",
    }
    assert all(TOKEN.encode() not in path.read_bytes() for path in house.corpus.iterdir())


def test_they_are_taken_in_where_that_is_wanted_and_from_then_on(house: House) -> None:
    house.ingest()
    house.ingest(root(house, with_secrets=True))
    everything = [".env", "garden.txt", "passwords.txt", "lamp.md", "notes.md"]
    assert house.names() == everything
    house.extractor.read.clear()
    house.refresh()
    house.ingest()  # without rules of its own a root keeps those that it had
    assert house.names() == everything
    assert house.extractor.read == []


def test_they_leave_when_they_are_not_wanted_any_more(house: House) -> None:
    house.ingest(root(house, with_secrets=True))
    house.extractor.read.clear()
    house.ingest(Root(os.fsencode(house.docs), include=("*",)))
    assert house.names() == ["garden.txt", "lamp.md"]
    assert sorted(house.extractor.read) == ["all.zip", "notes.md"]


def test_a_secret_that_moved_is_judged_anew(house: House) -> None:
    house.ingest()
    (house.docs / "sub").mkdir()
    (house.docs / "notes.md").rename(house.docs / "sub/notes.md")
    house.refresh()
    assert house.names() == ["garden.txt", "lamp.md"]
    house.ingest(root(house, with_secrets=True))
    assert "notes.md" in house.names()


def test_a_copy_where_secrets_are_not_wanted_is_left_out(house: House, tmp_path: Path) -> None:
    house.ingest(root(house, with_secrets=True))
    (tmp_path / "other").mkdir()
    shutil.copy(house.docs / "notes.md", tmp_path / "other/notes.md")
    report = house.ingest(tmp_path / "other")
    assert said(report)["notes.md"] == "secret: a GitHub token"
