"""`embed`, `similar` and `words`, as a user runs them, with the installed model."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from searchapp import Encoder
from tests.builders.program import Program, ProgramInside

pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore"),  # of torch's libraries, which a process keeps to itself
]

LINES = "The bank lent the money.\n\n  The river left its bank.\n"


@pytest.fixture
def program(tmp_path: Path, model_cache: Path) -> ProgramInside:
    """An empty folder. Most runs load torch, which costs more than all of the tests."""
    return ProgramInside(tmp_path, model_cache)


@pytest.fixture
def lines(program: ProgramInside) -> ProgramInside:
    (program.folder / "a.txt").write_text(LINES)
    (program.folder / "b.md").write_text("# Boats\n\nA ship sails. The wind blows over the sea.\n")
    return program


def in_a_process(program: Program, *words: str, stdin: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program.command, *words],
        cwd=program.folder,
        env=program.environment(),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_line_of_plain_text_is_a_vector_each_with_its_place(
    lines: ProgramInside, model_cache: Path
) -> None:
    done = lines.run("embed", "a.txt", "--format", "jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["text"], each["start"], each["end"]) for each in found] == [
        ("The bank lent the money.", 0, 24),
        ("The river left its bank.", 28, 52),
    ]
    expected = Encoder.load(cache=model_cache).encode_sentences([each["text"] for each in found])
    assert np.abs(np.array([each["vector"] for each in found]) - expected).max() < 1e-6
    piped = in_a_process(lines, "embed", "-", "--format", "jsonl", stdin=LINES)
    from_input = [json.loads(line) for line in piped.stdout.splitlines()]
    assert [(each["start"], each["vector"]) for each in from_input] == [
        (each["start"], each["vector"]) for each in found
    ]


def test_levels_give_sentences_passages_documents_words_and_tokens(lines: ProgramInside) -> None:
    def texts(level: str, *more: str) -> list[str]:
        done = lines.run("embed", "b.md", "--level", level, "--format", "jsonl", *more)
        assert done.returncode == 0, done.stderr
        return [json.loads(line)["text"] for line in done.stdout.splitlines()]

    assert texts("sentence")[-2:] == ["A ship sails.", "The wind blows over the sea."]
    assert texts("passage") == ["A ship sails. The wind blows over the sea."]
    assert texts("document") == ["Boats"]
    words = ["A", "ship", "sails", ".", "The", "wind", "blows", "over", "the", "sea", "."]
    assert texts("word") == words == texts("word", "--layers", "static") == texts("word", "--fast")
    assert texts("token") == [
        "[CLS]",
        "a",
        "ship",
        "sails",
        ".",
        "the",
        "wind",
        "blows",
        "over",
        "the",
        "sea",
        ".",
        "[SEP]",
    ]


def test_a_passage_is_embedded_as_an_ingest_embeds_it(lines: ProgramInside) -> None:
    lines.run("ingest", "b.md", "--corpus", "c")
    done = lines.run("embed", "b.md", "--level", "passage", "--fast", "--format", "jsonl")
    vector = np.array(json.loads(done.stdout)["vector"])
    asked = lines.run("embed", "--fast", "--format", "jsonl", stdin="boats\n")
    question = np.array(json.loads(asked.stdout)["vector"])
    (shown,) = lines.json("query", "boats", "--corpus", "c")["matches"]
    assert float(vector @ question) == pytest.approx(shown["cosine"], abs=1e-3)


def test_files_are_written_in_the_form_of_their_name(lines: ProgramInside) -> None:
    done = lines.run(
        "embed",
        "a.txt",
        "b.md",
        "-o",
        "v.npz",
        "--layers",
        "mean:last4",
        "--pooling",
        "max",
        "--no-normalize",
    )
    assert (done.returncode, done.stdout) == (0, "5 vectors of 384 numbers written to v.npz\n")
    with np.load(lines.folder / "v.npz") as found:
        assert found["vectors"].shape == (5, 384)
        assert not np.allclose(np.linalg.norm(found["vectors"], axis=1), 1)


def test_what_is_cut_and_what_cannot_be_read_is_said(lines: ProgramInside) -> None:
    (lines.folder / "long.txt").write_text("word " * 400)
    (lines.folder / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    done = lines.run("embed", "long.txt", "bad.pdf", "a.txt")
    assert done.returncode == 3
    assert (
        "1 of 3 texts are longer than 254 tokens; only the beginning of each was embedded"
        in done.stderr
    )
    assert "bad.pdf: " in done.stderr
    assert len(done.stdout.splitlines()) == 3


def test_a_place_that_cannot_be_written_is_an_error_with_a_cure(lines: ProgramInside) -> None:
    (lines.folder / "taken.npz").mkdir()
    done = lines.run("embed", "a.txt", "-o", "taken.npz")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: cannot write taken.npz: it is a folder\nhint: " in done.stderr
    assert [path.name for path in lines.folder.glob("taken*")] == ["taken.npz"]


def test_bad_levels_layers_forms_and_files_are_refused(lines: ProgramInside) -> None:
    for words, told in {
        ("--level", "chapter"): "no level 'chapter'",
        ("--layers", "99"): "no layers 99",
        ("--format", "xml"): "no format 'xml'",
        ("--out", "v.pkl"): "no form of that name",
        ("--fast", "--layers", "0"): "the fast way",
    }.items():
        done = lines.run("embed", "a.txt", *words)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert told in done.stderr
    assert lines.run("embed", "nowhere.txt").returncode == 4


def test_two_texts_have_one_cosine_and_more_a_matrix(lines: ProgramInside) -> None:
    alone = lines.run("similar", "a cat sat", "the dog lay")
    assert (alone.returncode, alone.stderr) == (0, "")
    matrix = lines.json("similar", "a cat sat", "the dog lay", "a.txt")
    assert matrix["rows"] == matrix["columns"] == ["a cat sat", "the dog lay", "a.txt"]
    found = np.array(matrix["cosines"])
    assert np.abs(found - found.T).max() < 1e-6
    assert np.diag(found) == pytest.approx(1, abs=1e-6)
    assert f"{found[0, 1]:.4f}\n" == alone.stdout
    table = lines.run("similar", "a cat sat", "the dog lay", "a.txt", "--csv").stdout.splitlines()
    assert table[0] == ",a cat sat,the dog lay,a.txt"
    assert table[1].split(",")[2] == f"{found[0, 1]:.6f}"


def test_lists_are_compared_line_by_line(lines: ProgramInside) -> None:
    (lines.folder / "q.txt").write_text("money\n")
    found = lines.json("similar", "--list", "q.txt", "--list", "a.txt")
    assert (found["rows"], len(found["columns"])) == (["money"], 2)
    assert found["cosines"][0][0] > found["cosines"][0][1]
    for words in ((), ("one",), ("--list", "q.txt"), ("--duplicates", "one")):
        assert lines.run("similar", *words).returncode == 2


def test_duplicates_are_pairs_of_the_corpus_above_a_bound(program: ProgramInside) -> None:
    docs = program.folder / "docs"
    docs.mkdir()
    for name, text in {
        "a": "The boiler makes hot water.",
        "b": "The boiler makes hot water!",
        "c": "Stocks fell today.",
    }.items():
        (docs / f"{name}.txt").write_text(text)
    program.run("ingest", "docs", "--corpus", "c")
    found = program.json("similar", "--duplicates", "--corpus", "c")
    assert [
        (Path(each["a"]["path"]).name, Path(each["b"]["path"]).name) for each in found["pairs"]
    ] == [("a.txt", "b.txt")]
    assert (found["total"], found["pairs"][0]["cosine"] > 0.95) == (1, True)
    assert (
        program.run("similar", "--duplicates", "--corpus", "c", "--above", "0.9999").returncode == 1
    )
    assert (
        program.json(
            "similar",
            "--duplicates",
            "--level",
            "document",
            "--above",
            "-1",
            "--corpus",
            "c",
            "--limit",
            "2",
        )["total"]
        == 3
    )


def test_the_places_of_a_word_are_grouped_by_sense(program: ProgramInside) -> None:
    docs = program.folder / "docs"
    docs.mkdir()
    for i, text in enumerate(
        (
            "The bank lent the couple money for their house at a low rate of interest.",
            "She opened an account at the bank and deposited her savings and wages.",
            "The bank raised its fees for loans and credit cards this year.",
            "They sat on the bank of the river and watched the water flow by.",
            "The flood washed away the muddy bank where willows grew along the stream.",
            "Otters dig their holes in the bank of the brook, just above the water.",
        )
    ):
        (docs / f"{i}.txt").write_text(text)
    program.run("ingest", "docs", "--corpus", "c")
    found = program.json("words", "Bank", "--corpus", "c")
    groups = [
        sorted(Path(each["path"]).stem for each in sense["examples"]) for sense in found["senses"]
    ]
    assert sorted(groups) == [["0", "1", "2"], ["3", "4", "5"]]
    example = found["senses"][0]["examples"][0]
    assert example["text"][example["start"] : example["end"]] == "bank"
    shown = program.run("words", "bank", "--in", "docs/3.txt", "--corpus", "c").stdout
    assert "bank: 1 place, 1 sense" in shown
    assert "the [bank] of the river" in shown
    assert program.run("words", "zebra", "--corpus", "c").returncode == 1
    assert program.run("words", "two words", "--corpus", "c").returncode == 2
