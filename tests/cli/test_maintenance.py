"""Repair, backup, transfer, forgetting and the doctor from the command line: what they print, in
both forms, and how they end.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from searchapp.cli.options import mover_of
from tests.builders.program import Program, error_of
from tests.cli.test_search import filled, program

__all__ = ["filled", "program"]

QUESTION = ("query", "how long do lentils boil", "--json", "-k", "20")


def corpus_of(filled: Program, program: Program) -> None:
    shutil.copytree(filled.folder / "corpus", program.folder / "corpus")


def matches(program: Program, corpus: str) -> list[tuple[str, int, float]]:
    answer = json.loads(program.run(*QUESTION, "--corpus", corpus).stdout)
    return [(match["path"], match["start"], match["score"]) for match in answer["matches"]]


@pytest.mark.slow
def test_a_backup_is_restored_with_the_same_answers(filled: Program, program: Program) -> None:
    held = json.loads(
        filled.run("backup", str(program.folder / "b"), "--corpus", "corpus", "--json").stdout
    )
    assert (held["format"], held["documents"]) == ("searchapp-backup/1", 2)
    done = program.run("restore", "b", "--corpus", "r")
    assert (done.returncode, done.stdout.split(" restored")[0]) == (
        0,
        f"2 documents of generation {held['generation']}",
    )
    assert matches(program, "r") == matches(filled, "corpus") != []
    again = program.run("restore", "b", "--corpus", "r", "--json")
    assert (again.returncode, error_of(again)["code"]) == (4, "corpus")
    (program.folder / "b").write_bytes((program.folder / "b").read_bytes()[:-20])
    cut = program.run("restore", "b", "--corpus", "other", "--json")
    assert (cut.returncode, error_of(cut)["code"]) == (4, "backup")


@pytest.mark.slow
def test_an_export_is_imported_at_another_place(filled: Program, program: Program) -> None:
    assert (
        filled.run("export", str(program.folder / "e"), "--corpus", "corpus").stdout
        == "exported 2 documents\n"
    )
    move = f"{filled.folder}/docs={program.folder}/there"
    assert program.run("import", "e", "--corpus", "i", "--move", move).stdout == "2 imported\n"
    assert json.loads(
        program.run("import", "e", "--corpus", "i", "--move", move, "--json").stdout
    ) == {"counts": {"imported": 0, "unchanged": 2, "kept": 0}}
    expected = [
        (path.replace(f"{filled.folder}/docs", f"{program.folder}/there"), *rest)
        for path, *rest in matches(filled, "corpus")
    ]
    assert matches(program, "i") == [tuple(each) for each in expected]
    wrong = program.run("import", "e", "--corpus", "i", "--move", "nowhere", "--json")
    assert (wrong.returncode, error_of(wrong)["code"]) == (2, "bad_filter")


@pytest.mark.slow
def test_forgetting_leaves_nothing_of_the_text(filled: Program, program: Program) -> None:
    corpus_of(filled, program)
    path = str(filled.folder / "docs/boiler.txt")
    assert b"pressure of the boiler" in (program.folder / "corpus/corpus.db").read_bytes()
    assert json.loads(program.run("forget", path, "--corpus", "corpus", "--json").stdout) == {
        "forgotten": [path],
        "deleted_backups": [],
        "excluded": [path],
    }
    assert not any(
        b"pressure of the boiler" in file.read_bytes()
        for file in (program.folder / "corpus").iterdir()
    )
    assert (
        program.run("forget", "--corpus", "corpus").stdout
        == "forgot 0 documents; what was removed before is cleared away, too\n"
    )
    assert program.run("check", "--full", "--corpus", "corpus").returncode == 0


@pytest.mark.slow
@pytest.mark.damages_corpus
def test_a_damaged_corpus_is_repaired_and_what_is_lost_is_listed(
    filled: Program, program: Program
) -> None:
    corpus_of(filled, program)
    assert (
        program.run("check", "--repair", "--corpus", "corpus").stdout
        == "no damage found, nothing to repair\n"
    )
    with closing(sqlite3.connect(program.folder / "corpus/corpus.db")) as database, database:
        database.execute("UPDATE document_text SET text = replace(text, 'bones', 'stone')")
    assert "searchapp check --repair" in program.run("check", "--full", "--corpus", "corpus").stderr
    done = program.run("check", "--repair", "--corpus", "corpus")
    assert done.returncode == 0, done.stderr
    assert f"read again: {filled.folder}/docs/soup.md\n" in done.stdout
    assert "1 documents kept, 0 of them embedded again; 1 read again; 0 lost\n" in done.stdout
    assert matches(program, "corpus") == matches(filled, "corpus")
    with closing(sqlite3.connect(program.folder / "corpus/corpus.db")) as database, database:
        database.execute("UPDATE document_text SET text = replace(text, 'bones', 'stone')")
        database.execute("UPDATE vectors SET vectors = zeroblob(length(vectors))")
    (filled.folder / "docs/soup.md").rename(filled.folder / "away.md")
    try:
        lost = program.run("check", "--repair", "--corpus", "corpus", "--json")
    finally:
        (filled.folder / "away.md").rename(filled.folder / "docs/soup.md")
    assert lost.returncode == 6, lost.stderr
    told = json.loads(lost.stdout)
    assert told["lost"] == [str(filled.folder / "docs/soup.md")]
    assert (
        told["repaired"]["documents"],
        told["repaired"]["embedded_again"],
        told["repaired"]["read_again"],
    ) == (1, 1, [])
    assert Path(told["repaired"]["backup"], "corpus.db").exists()
    assert program.run("check", "--full", "--corpus", "corpus").returncode == 0


@pytest.mark.slow
@pytest.mark.damages_corpus
def test_the_doctor_has_one_page(filled: Program, program: Program) -> None:
    told = filled.json("doctor", "--corpus", "corpus")
    assert list(told) == [
        "program",
        "sqlite",
        "processor",
        "isolation",
        "model",
        "corpus",
        "disk",
        "problems",
    ]
    assert told["problems"] == []
    assert told["model"]["fingerprint"].startswith(
        told["corpus"]["encoder"].split("(")[1].rstrip(")")
    )
    assert filled.run("doctor", "--corpus", "corpus").stdout.endswith("nothing is wrong\n")
    (program.folder / "corpus").mkdir()
    (program.folder / "corpus/corpus.db").write_bytes(b"not a database at all" * 1000)
    done = program.run("doctor", "--corpus", "corpus")
    assert done.returncode == 4
    assert "problem:" in done.stdout
    assert "hint: run: searchapp check --full" in done.stdout


def test_what_is_moved_goes_to_a_path_whatever_signs_it_has() -> None:
    assert mover_of(["/home/ann=new[1]"])(b"/home/ann/x") == bytes(Path.cwd() / "new[1]/x")
