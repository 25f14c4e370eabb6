"""`open`: a match of the last answer, at its place, in what the user set, and never by a shell."""

from __future__ import annotations

import os
import shlex
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from searchapp.cli import last_answer
from searchapp.cli.app import main
from searchapp.corpus import Corpus
from searchapp.testing import HashEncoder
from searchapp.types.documents import Hit, Passage, Place
from searchapp.types.results import Answer, Match

GONE = "the document has left the corpus since\n"  # there is no corpus in these tests


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose user has no editor, no desktop and no corpus yet, but an answer of one."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("SEARCHAPP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SEARCHAPP_CORPUS", str(tmp_path / "corpus"))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(folder: Path, name: str, script: str = "exit 0") -> None:
    file = folder / "bin" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def answered(folder: Path, *matches: tuple[bytes, Place]) -> None:
    """An answer whose matches stand at these places, whose files are there."""
    hits = []
    for path, place in matches:
        with suppress(OSError):
            Path(os.fsdecode(path)).touch()
        hits.append(Hit(1, 1, path, "", "txt", Passage(0, 1, place=place), "x"))
    found = tuple(Match(rank, 0.5, 0.5, {}, hit) for rank, hit in enumerate(hits, 1))
    answer = Answer("q", "cosine", ("cosine",), 1, found, 1.0)
    last_answer.remember(answer, str(folder / "corpus"), folder / "cache")


def line(number: int) -> Place:
    return (("line_start", number), ("line_end", number))


def test_a_line_is_opened_in_the_editor_that_visual_names_before_editor(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(
        folder, (b"%s/a.txt" % bytes(folder), line(20)), (b"%s/b.txt" % bytes(folder), line(7))
    )
    for name in ("vim", "code"):
        program(folder, name)
    monkeypatch.setenv("EDITOR", "vim -R")
    assert main(["open", "2", "--print"]) == 0
    assert capsys.readouterr() == (f"vim -R +7 {folder}/b.txt\n", GONE)
    monkeypatch.setenv("VISUAL", "code --wait")
    assert main(["open", "--print"]) == 0
    assert capsys.readouterr() == (f"code --wait --goto {folder}/a.txt:20\n", GONE)


def test_an_editor_that_takes_no_line_is_said_where_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(folder, (b"%s/a.txt" % bytes(folder), line(20)))
    program(folder, "notes")
    monkeypatch.setenv("EDITOR", "notes")
    assert main(["open", "--print"]) == 0
    told = "the match is at line 20, which notes is not known to take\n"
    assert capsys.readouterr() == (f"notes {folder}/a.txt\n", GONE + told)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (line(3), "the match is at line 3; set $VISUAL or $EDITOR to open it there\n"),
        ((("page", 3),), "the match is on page 3\n"),
        ((("slide", 3),), ""),
        ((), ""),
    ],
)
def test_all_else_is_opened_as_the_desktop_does(
    folder: Path, capsys: pytest.CaptureFixture[str], place: Place, said: str
) -> None:
    answered(folder, (b"%s/a b" % bytes(folder), place))
    program(folder, "xdg-open")
    assert main(["open", "--print"]) == 0
    assert capsys.readouterr() == (f"xdg-open '{folder}/a b'\n", GONE + said)


@pytest.mark.slow
def test_a_page_is_opened_in_the_viewer_of_the_desktop(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(folder, (b"%s/a.pdf" % bytes(folder), (("page", 39),)))
    program(folder, "xdg-mime", "echo org.gnome.Evince.desktop")
    program(folder, "xdg-open")
    assert main(["open", "--print"]) == 0
    assert capsys.readouterr().out == f"xdg-open {folder}/a.pdf\n"  # Evince is not installed
    program(folder, "evince")
    assert main(["open", "--print"]) == 0
    assert capsys.readouterr() == (f"evince --page-index=39 {folder}/a.pdf\n", GONE)


def test_a_member_is_opened_as_the_archive_that_holds_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "x.zip").touch()
    answered(folder, (b"%s/x.zip!/a.txt" % bytes(folder), line(20)))
    program(folder, "xdg-open")
    monkeypatch.setenv("EDITOR", "vim")
    assert main(["open", "--print"]) == 0
    told = f"opens {folder}/x.zip, which holds {folder}/x.zip!/a.txt\n"
    assert capsys.readouterr() == (f"xdg-open {folder}/x.zip\n", GONE + told)


def test_a_file_that_is_gone_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answered(folder, (b"%s/a.txt" % bytes(folder), line(20)))
    (folder / "a.txt").unlink()
    assert main(["open"]) == 4
    hint = "hint: `searchapp ingest` takes it out of the corpus; then ask again\n"
    assert capsys.readouterr() == ("", f"error: {folder}/a.txt is gone\n{hint}")


def test_where_nothing_opens_a_file_its_path_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(folder, (b"%s/a.txt" % bytes(folder), line(20)))
    assert main(["open"]) == 4
    assert f"error: no program here opens {folder}/a.txt\n" in capsys.readouterr().err
    monkeypatch.setenv("EDITOR", "absent")
    assert main(["open"]) == 4
    told = capsys.readouterr().err
    assert f"error: there is no program absent to open {folder}/a.txt\nhint: set $VISUAL" in told


@pytest.mark.parametrize("words", [["open"], ["open", "2"], ["open", "0"], ["open", "x"]])
def test_a_match_that_is_not_there_is_refused_with_a_hint(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    if words != ["open"]:
        answered(folder, (b"%s/a.txt" % bytes(folder), line(20)))
    assert main(words) == 2
    printed, told = capsys.readouterr()
    assert printed == ""
    assert "hint: " in told


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [b"-rf.txt", b"a;touch oops", b"$(touch oops)", b"'\"\n\x1b[2J", b"caf\xe9 \xff", b"a:3"],
)
def test_a_path_of_any_bytes_is_one_word_for_the_editor_and_for_a_shell(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    name: bytes,
) -> None:
    path = bytes(folder) + b"/" + name
    answered(folder, (path, line(20)))
    program(folder, "vim", "printf '%s\\0' \"$@\" > got; exit ${CODE:-0}")
    monkeypatch.setenv("EDITOR", "vim")
    assert main(["open"]) == 0
    assert (folder / "got").read_bytes().split(b"\0") == [b"+20", path, b""]
    capfdbinary.readouterr()
    assert main(["open", "--print"]) == 0
    printed = capfdbinary.readouterr().out
    assert b"\x1b" not in printed
    if b"\x1b" not in name:  # $'...' is the way of some shells only
        assert shlex.split(os.fsdecode(printed)) == ["vim", "+20", os.fsdecode(path)]
    assert not (folder / "oops").exists()
    monkeypatch.setenv("CODE", "1")
    assert main(["open"]) == 4
    told = capfdbinary.readouterr().err
    assert b"\x1b" not in told
    assert b"error: vim could not open %s" % bytes(folder) in told
    assert b": exit code 1\n" in told


@pytest.mark.slow
def test_a_desktop_that_cannot_open_a_file_is_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(folder, (b"%s/a" % bytes(folder), ()))
    program(folder, "xdg-open", "exit 3")
    assert main(["open"]) == 4
    assert f"error: xdg-open could not open {folder}/a: exit code 3\n" in capsys.readouterr().err
    program(folder, "xdg-open", 'echo "$1" > got')
    assert main(["open"]) == 0
    assert (folder / "got").read_text() == f"{folder}/a\n"


@pytest.mark.damages_corpus
def test_a_corpus_that_cannot_be_read_keeps_nobody_from_opening_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(folder, (b"%s/a.txt" % bytes(folder), line(20)))
    program(folder, "vim")
    monkeypatch.setenv("EDITOR", "vim")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "corpus.db").write_bytes(b"no database " * 100)
    assert main(["open", "--print"]) == 0
    printed, told = capsys.readouterr()
    assert printed == f"vim +20 {folder}/a.txt\n"
    assert told.startswith("whether the file has changed is not known: ")


@pytest.mark.slow
def test_a_file_that_changed_since_it_was_read_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = folder / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("The ferry leaves at eight.\n")
    with zipfile.ZipFile(docs / "x.zip", "w") as archive:
        archive.writestr("b.txt", "A boat sails at nine.\n")
    Corpus.open(folder / "corpus", encoder=HashEncoder()).ingest([docs])
    answered(folder, (bytes(docs / "a.txt"), line(1)), (bytes(docs / "x.zip!/b.txt"), line(1)))
    os.utime(docs / "a.txt")  # `answered` touched it
    Corpus.open(folder / "corpus", encoder=HashEncoder()).ingest([docs])
    for name in ("vim", "xdg-open"):
        program(folder, name)
    monkeypatch.setenv("EDITOR", "vim")
    assert main(["open", "1", "--print"]) == 0
    assert capsys.readouterr() == (f"vim +1 {docs}/a.txt\n", "")
    assert main(["open", "2", "--print"]) == 0
    assert capsys.readouterr().err == f"opens {docs}/x.zip, which holds {docs}/x.zip!/b.txt\n"
    changed = (
        "the file has changed since it was read, and the match may stand elsewhere: "
        "`searchapp ingest` reads it again\n"
    )
    for number, name in enumerate(("a.txt", "x.zip"), 1):
        os.utime(docs / name, (0, 0))
        assert main(["open", str(number), "--print"]) == 0
        assert capsys.readouterr().err.startswith(changed)
