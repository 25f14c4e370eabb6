"""`explain` and `predict`, as a user runs them: with the installed model, and with a checkpoint
that is taught here.
"""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from searchapp.cli.console import write_page
from searchapp.errors import SearchappError
from searchapp.output.terminal import display_width
from tests.builders.program import Program
from tests.cli.test_search import ESCAPE, program
from tests.unit.analysis.test_fill_mask import pretrained

__all__ = ["program"]
pytestmark = pytest.mark.model

A, B = "What do I do if the heating breaks down?", "Don't touch the radiator; call the caretaker."


def test_explain_tells_a_pipe_what_each_word_adds_and_writes_a_page_for_its_owner_alone(
    program: Program,
) -> None:
    (program.folder / "b.md").write_text(B)
    done = program.run("explain", A, "b.md", "-o", "page.html")
    assert (done.returncode, done.stderr) == (0, "written: page.html\n")
    blocks = [
        [line.split("\t") for line in block.splitlines()] for block in done.stdout.split("\n\n")
    ]
    [[_, cosine]] = blocks[0]
    assert len(blocks) == 3
    for name, block in zip("AB", blocks[1:3], strict=True):
        assert block[0] == [name, "share", "nearest", "cosine", "mutual"]
        assert sum(float(row[1]) for row in block[1:]) == pytest.approx(float(cosine), abs=1e-5)
    assert ["heating", "radiator"] in [[row[0], row[2]] for row in blocks[1]]
    page = program.folder / "page.html"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert page.read_text().startswith("<!doctype html>")
    assert "heating" in page.read_text()
    everything = program.run("explain", A, "b.md", "--all").stdout
    assert everything.startswith(done.stdout + "\nA x B\t")
    assert "\ntext\tlayer\thead\t" in everything


def test_explain_paints_a_heat_map_that_fits_the_terminal(program: Program) -> None:
    shown, said = program.on_terminal(
        "explain", A, "暖房が故障したら", "--layer", "1", "--head", "3", columns=50
    )
    assert said == ""
    assert max(display_width(line) for line in ESCAPE.sub("", shown).splitlines()) <= 50
    assert re.search(r"\x1b\[38;5;16;48;5;\d+m", shown)
    assert "B, layer 1, head 3" in ESCAPE.sub("", shown)


def test_explain_says_in_json_what_of_a_long_text_it_left_out(program: Program) -> None:
    (program.folder / "long.txt").write_text("The caretaker comes. " * 100)
    done = program.run("explain", A, "long.txt", "--json", "--layer", "2", "--head", "1")
    told = json.loads(done.stdout)
    left = told["b"]["left_out"]
    assert left == 2100 - len(told["b"]["text"]) > 0
    assert (
        f"text B is too long to be explained whole: {left:,} characters at its end are left out\n"
        == done.stderr
    )
    assert sum(unit["share"] for unit in told["b"]["units"]) == pytest.approx(
        told["cosine"], abs=1e-5
    )
    assert (
        told["layers"],
        told["heads"],
        len(told["a"]["attention"]),
        len(told["a"]["attention"][0]),
    ) == ([2], [1], 1, 1)


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (("--head", "1"), 2, "a head is of a layer", "--layer 1 --head 1"),
        (("--layer", "7"), 2, "the model has no layer 7", "6 layers of 12 heads"),
        (("--layer", "1", "--head", "13"), 2, "the model has no head 13", "6 layers of 12 heads"),
        (("-o", "page.txt"), 2, "page.txt: the page is HTML", ".html"),
        (("-o", "nowhere/page.html"), 4, "there is no folder", "make it"),
        (("-o", "home/page.html"), 2, "cannot write home/page.html: it is a folder", "name a file"),
    ],
)
def test_explain_refuses_what_cannot_be_before_it_loads_the_model(
    program: Program, words: tuple[str, ...], code: int, message: str, hint: str
) -> None:
    (program.folder / "home" / "page.html").mkdir(parents=True)
    done = program.run("explain", A, B, "--json", *words)
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, done.stdout) == (code, "")
    assert message in error["message"]
    assert hint in error["hint"]


def test_explain_refuses_an_empty_text_and_a_file_without_text(program: Program) -> None:
    (program.folder / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    empty, bad = (program.run("explain", A, text) for text in (" ", "bad.pdf"))
    assert (empty.returncode, empty.stdout) == (2, "")
    assert "one of the texts is empty" in empty.stderr
    assert (bad.returncode, bad.stdout) == (4, "")
    assert "bad.pdf" in bad.stderr


def test_a_page_that_cannot_be_written_is_an_error_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(SearchappError, match=r"cannot write .*page\.html: No such file") as caught:
        write_page(tmp_path / "gone" / "page.html", "<!doctype html>")
    assert (
        caught.value.hint
        == "name a file in a folder that exists, that you may write and that has room"
    )


def test_predict_refuses_the_default_model_and_names_the_cure(program: Program) -> None:
    done = program.run("predict", "The capital of France is [MASK].", "--json")
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, done.stdout, error["code"]) == (4, "", "encoder")
    assert (
        error["message"]
        == "The default model cannot fill gaps: its weights lack a masked-language-model head."
    )
    assert "--model google-bert/bert-base-uncased" in error["hint"]


def test_predict_fills_gaps_with_a_checkpoint_that_has_learnt(program: Program) -> None:
    pretrained(program.folder / "taught", "roberta")
    done = program.run(
        "predict", "the fox is [MASK]<mask>", "--model", "taught", "-k", "2", "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["model"], told["text"]) == ("taught", "the fox is [MASK]<mask>")
    assert [(gap["start"], gap["end"], len(gap["guesses"])) for gap in told["gaps"]] == [
        (11, 17, 2),
        (17, 23, 2),
    ]
    first, second = told["gaps"][0]["guesses"]
    assert (first["word"], first["is_piece"]) == ("red", False)
    assert 1 >= first["probability"] > second["probability"] >= 0
