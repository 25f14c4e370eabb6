"""What people type without thinking of the program: it does what they mean, or says how."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.builders.program import Program

pytestmark = [pytest.mark.model, pytest.mark.slow]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Program:
    """Documents that are ingested in the corpus that the environment names; no test changes
    them.
    """
    folder = tmp_path_factory.mktemp("everyday")
    program = Program(folder, model_cache, extra={"SEARCHAPP_CORPUS": str(folder / "corpus")})
    (folder / "docs").mkdir()
    (folder / "docs/bicycle-repair.md").write_text("# Bicycle\n\nA chain slips when it is worn.\n")
    (folder / "docs/bicycles.md").write_text("# Old bicycles\n\nThey have one brake.\n")
    (folder / "docs/Prüfbericht.txt").write_text("The boiler was inspected in May.\n")
    done = program.run("ingest", "docs")
    assert done.returncode == 0, done.stderr
    return program


def test_a_question_needs_no_command(filled: Program) -> None:
    done = filled.run("why does the chain slip", "-k", "1", "--paths")
    assert done.stdout == f"{filled.folder}/docs/bicycle-repair.md\n"


def test_a_word_that_is_no_command_says_how_to_ask_it(filled: Program) -> None:
    done = filled.run("chain", "slips")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: No such command 'chain'.\n"
        "hint: to ask a question: searchapp query chain slips; for the commands, --help\n"
    )


def test_a_word_with_a_minus_is_told_from_an_option(filled: Program) -> None:
    done = filled.run("query", "brake", "-chain")
    assert done.returncode == 2
    assert done.stderr.endswith(
        "hint: a word to be left out goes behind --, beside what is asked for: searchapp query "
        "[OPTIONS] -- WORDS -chain\n"
    )
    answer = filled.run("query", "--mode", "keyword", "--paths", "--", "bicycle -chain")
    assert answer.stdout == f"{filled.folder}/docs/bicycles.md\n"


def test_a_question_comes_from_standard_input(filled: Program) -> None:
    done = subprocess.run(
        [*filled.command, "query", "-", "-k", "1", "--paths"],
        input="why does\nthe chain slip\n",
        cwd=filled.folder,
        env=filled.environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    assert done.stdout == f"{filled.folder}/docs/bicycle-repair.md\n"
    empty = filled.run("query", "-")
    assert (empty.returncode, empty.stdout) == (2, "")
    assert empty.stderr.startswith("error: the query is empty\n")


def test_a_list_is_narrowed_by_name(filled: Program) -> None:
    for name, count in (("BICYCLE", 2), ("repair", 1), ("*.txt", 1), ("Prüf", 1)):
        done = filled.run("list", name)
        assert (done.returncode, len(done.stdout.splitlines())) == (0, count), name
    assert len(filled.run("list", "docs/").stdout.splitlines()) == 3
    done = filled.run("list", "bicycel")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "no file is named bicycel; did you mean bicycles.md?\n"


def test_a_document_is_shown_by_its_name_where_that_is_unique(filled: Program) -> None:
    for name in ("bicycle-repair.md", "BICYCLE-repair", "repair"):
        done = filled.run("show", name)
        assert (done.returncode, done.stderr) == (0, "")
    assert filled.run("show", "bicycles").stdout.startswith("path")
    several = filled.run("show", "bicycle")
    assert several.returncode != 0
    assert "2 documents at" in several.stderr
    assert f"name one of them: {filled.folder}/docs/bicycle-repair.md" in several.stderr
    none = filled.run("show", "bicycle-repare.md")
    assert "did you mean bicycle-repair.md?" in none.stderr


def test_names_that_are_nearly_right_are_told_the_right_one(filled: Program) -> None:
    for words, meant in (
        (["query", "chain", "--mode", "hybird"], "did you mean hybrid?"),
        (["query", "chain", "--type", "mdd"], "did you mean md?"),
        (["query", "chain", "--in", "docs/bicycle-repar.md"], "docs/bicycle-repair.md?"),
        (["qery", "chain"], "Did you mean 'query'?"),
    ):
        assert meant in filled.run(*words).stderr, words


def test_the_file_of_settings_may_say_how_to_rank(filled: Program) -> None:
    folder = filled.folder / "home/.config/searchapp"
    folder.mkdir(parents=True)
    try:
        (folder / "config.toml").write_text('mode = "keyword"\n')
        assert filled.json("query", "chain")["mode"] == "keyword"
        assert filled.json("query", "chain", "--mode", "cosine")["mode"] == "cosine"
        assert filled.run("config", "mode", "hybrid").returncode == 0
        assert filled.json("query", "chain")["mode"] == "hybrid"
        (folder / "config.toml").write_text('mode = "keywrod"\n')
        done = filled.run("query", "chain")
        assert (done.returncode, done.stderr.splitlines()[0]) == (
            2,
            "error: there is no mode 'keywrod'; did you mean keyword?",
        )
    finally:
        (folder / "config.toml").unlink()
        filled.run("config", "mode", "--unset")


def test_secrets_are_left_out_unless_they_are_asked_for(filled: Program) -> None:
    folder = filled.folder / "keys"
    folder.mkdir()
    (folder / "passwords.txt").write_text("ann: the lamp is lit\n")
    (folder / "notes.md").write_text("Log in with ghp_a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ.\n")
    words = ("ingest", "keys", "--corpus", "others", "--json")
    plain, wanted, again = (
        json.loads(filled.run(*words, *option).stdout)
        for option in ((), ("--include-secrets",), ())
    )
    assert [report["counts"].get("skipped", 0) for report in (plain, wanted, again)] == [2, 0, 0]
    found = filled.run("query", "lamp", "--mode", "keyword", "--paths", "--corpus", "others")
    assert found.stdout == f"{folder}/passwords.txt\n"
