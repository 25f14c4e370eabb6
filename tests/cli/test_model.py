"""`searchapp model` as people and scripts run it: what it prints, in both forms, how it ends, and
what it leaves.
"""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.builders.program import Program, error_of
from tests.cli.test_search import filled, program
from tests.unit.encoders.test_text_encoder import converted

__all__ = ["converted", "filled", "program"]
pytestmark = pytest.mark.model

QUESTION = ("query", "how long do lentils boil", "--corpus", "corpus", "-k", "20")


@pytest.fixture
def place(filled: Program, program: Program, converted: Path) -> Program:
    """A copy of the filled corpus, which the default model made, and a tiny model beside it."""
    shutil.copytree(filled.folder / "corpus", program.folder / "corpus")
    shutil.copytree(converted / "model", program.folder / "tiny")
    return program


def model_of(program: Program) -> str:
    return str(program.json("status", "--corpus", "corpus")["encoder"]["model"])


def test_a_corpus_goes_over_to_another_model_and_back(place: Program) -> None:
    before = place.run(*QUESTION).stdout
    tiny = str(place.folder / "tiny")
    done = place.run("model", "use", "tiny", "--keep", "--corpus", "corpus")
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith(f"the corpus now uses {tiny}: 2 documents, ")
    assert last == "the encoding by default is kept; to go back to it: searchapp model use default"
    assert "the corpus answers as before meanwhile\n" in done.stderr
    assert model_of(place) == tiny
    assert place.run(*QUESTION).returncode == 0
    status = place.run("status", "--corpus", "corpus").stdout.splitlines()
    assert status[-1].startswith("beside the current encoding: default, 2 of 2 documents, ")
    assert (
        place.json("status", "--corpus", "corpus")["encodings"][0]["encoder"]["model"] == "default"
    )
    assert "default: 2 documents" in place.run("doctor", "--corpus", "corpus").stdout
    refused = place.run("ingest", "--model", "default", "--corpus", "corpus", "--json")
    assert (error_of(refused)["code"], "searchapp model use" in error_of(refused)["hint"]) == (
        "other_encoder",
        True,
    )
    back = place.json("model", "use", "default", "--corpus", "corpus")
    assert (back["is_in_place"], back["embedded"], back["documents"], back["before"]["model"]) == (
        True,
        0,
        2,
        tiny,
    )
    assert place.run(*QUESTION).stdout == before
    again = place.run("model", "use", "default", "--corpus", "corpus")
    assert (again.returncode, again.stdout) == (0, "the corpus uses this model already\n")


def test_an_interrupted_change_says_how_to_go_on_and_can_be_dropped(place: Program) -> None:
    process = place.start("model", "use", "tiny", "--corpus", "corpus")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("embedding all documents by the other model")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    tiny = str(place.folder / "tiny")
    assert said.splitlines() == [
        "interrupted: the corpus answers by default as before; 0 documents by "
        + tiny
        + " are kept",
        f"to go on from here: searchapp model use {tiny}",
    ]
    assert model_of(place) == "default"
    dropped = place.json("model", "drop", "tiny", "--corpus", "corpus")["deleted"]
    assert [Path(each).name[:9] for each in dropped] == ["encoding-"]
    assert not list((place.folder / "corpus").glob("encoding-*"))
    none = place.run("model", "drop", "tiny", "--corpus", "corpus", "--json")
    assert (none.returncode, error_of(none)["code"]) == (4, "encoder")


def test_models_are_listed_shown_and_verified(place: Program) -> None:
    lines = place.run("model", "list", ".", "--corpus", "corpus").stdout.splitlines()
    assert lines[0].split("\t") == [
        "default",
        "bert",
        "384 dimensions",
        "256 tokens",
        "mean",
        "22.7 M parameters",
        "90.9 MB",
        "the corpus's",
    ]
    assert f"{place.folder}/tiny" in [line.split("\t")[0] for line in lines]
    by_name = {
        each["model"]: each for each in place.json("model", "list", "--corpus", "corpus")["models"]
    }
    assert (by_name["default"]["is_current"], by_name["default"]["facts"]["licence"]) == (
        True,
        "apache-2.0",
    )
    shown = place.run("model", "show", "--corpus", "corpus").stdout
    assert shown.splitlines()[0].split() == ["model", "default"]
    assert "converted          for this processor, " in shown
    card = place.json("model", "show", "tiny")
    assert (card["layers"], card["weights"][0]["file"], "converted_bytes" in card) == (
        2,
        "model.safetensors",
        True,
    )
    sound = place.run("model", "verify", "--corpus", "corpus")
    assert (sound.returncode, {line.split()[0] for line in sound.stdout.splitlines()}) == (
        0,
        {"sound"},
    )


def test_what_is_wrong_with_a_model_is_an_exit_code(place: Program) -> None:
    own = Program(place.folder, place.folder / "cache")
    own.run(
        "ingest", str(place.folder / "tiny/tokenizer.json"), "--model", "tiny", "--corpus", "other"
    )
    assert own.run("model", "verify", "tiny", "--corpus", "other").returncode == 0
    (graph,) = place.folder.glob("cache/encoders/*/graph.xml")
    graph.write_text("<nothing/>")
    derived = own.run("model", "verify", "tiny", "--corpus", "other", "--json")
    assert (derived.returncode, json.loads(derived.stdout)["is_sound"]) == (5, False)
    (place.folder / "tiny/model.safetensors").write_bytes(b"nothing")
    wrong = own.run("model", "verify", "tiny", "--corpus", "other")
    assert (wrong.returncode, wrong.stdout.split()[:2]) == (4, ["wrong", "model"])
    missing = own.run("model", "show", "nowhere", "--json")
    assert (missing.returncode, error_of(missing)["code"]) == (4, "encoder")


def test_each_command_has_its_help_and_none_is_asked_for_alone(program: Program) -> None:
    assert program.run("model").returncode == 2
    for command in ("list", "show", "verify", "use", "drop"):
        done = program.run("model", command, "--help")
        assert (
            done.returncode,
            done.stderr,
            "--corpus" in done.stdout,
            "--json" in done.stdout,
        ) == (0, "", True, True)
