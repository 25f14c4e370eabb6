"""`classify`, as a user runs it, with the installed model."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from searchapp import Encoder
from tests.builders.program import Program, error_of
from tests.cli.test_search import HEAVY, program

__all__ = ["program"]
pytestmark = pytest.mark.model

COOKING = (
    *(
        "Simmer the lentils with onions and cumin until they are soft.",
        "Knead the dough, let it rise, and bake it in a hot oven.",
    ),
    *(
        "Whisk the eggs with sugar, then fold in the flour.",
        "Roast the peppers and peel off their skin.",
        "Salt the water before the pasta goes in.",
    ),
    "Fry the garlic in olive oil and add the tomatoes.",
)
MONEY = (
    *(
        "The invoice of 300 euros is due at the end of the month.",
        "The bank raised the interest rate on the loan.",
    ),
    *(
        "Please transfer the rent to this account.",
        "Our taxes are paid every quarter.",
        "The insurance costs forty euros a year.",
    ),
    "The salary is paid on the first of each month.",
)


@pytest.fixture
def docs(program: Program) -> Program:
    """Documents of two kinds in a corpus, and a table that says what three of each are."""
    folder = program.folder / "docs"
    folder.mkdir()
    rows = []
    for kind, texts in (("cooking", COOKING), ("money", MONEY)):
        for i, text in enumerate(texts):
            (folder / f"{kind}{i}.txt").write_text(text)
            rows += [f"docs/{kind}{i}.txt,{kind}"] if i < 3 else []
    (program.folder / "labels.csv").write_text("path,label\n" + "\n".join(rows) + "\n")
    assert program.run("ingest", "docs", "--corpus", "c").returncode == 0
    return program


def labels_of(program: Program) -> dict[str, list[tuple[str, str]]]:
    documents = program.json("list", "--corpus", "c")["documents"]
    return {
        Path(each["path"]).stem: [(label["label"], label["origin"]) for label in each["labels"]]
        for each in documents
    }


def test_documents_are_learned_labelled_and_found_by_their_labels(docs: Program) -> None:
    trained = docs.run("classify", "train", "labels.csv", "--corpus", "c")
    assert trained.returncode == 0, trained.stderr
    assert trained.stdout.startswith("2 labels learned from 6 examples in ")
    assert "cooking 3, money 3" in trained.stdout
    assert "6 documents of the corpus labelled as the table says" in trained.stderr
    applied = docs.run("classify", "apply", "--corpus", "c")
    assert applied.stderr == "6 documents labelled; 6 labelled by hand, left as they are\n"
    lines = [line.split("\t") for line in applied.stdout.splitlines()]
    assert [(Path(path).stem[:-1], label) for path, label, _ in lines] == [
        ("cooking", "cooking")
    ] * 6 + [("money", "money")] * 6
    assert [told for *_, told in lines[:3]] == ["by hand"] * 3
    assert all(0.5 < float(told) < 1 for *_, told in lines[3:6])
    found = docs.json("query", "what is paid each month", "--label", "cooking", "--corpus", "c")[
        "matches"
    ]
    assert {Path(match["path"]).stem[:-1] for match in found} == {"cooking"}
    assert (
        len(
            docs.run(
                "list", "--label", "cooking", "--label", "money", "--corpus", "c"
            ).stdout.splitlines()
        )
        == 12
    )
    assert docs.run("list", "--label", "nothing", "--corpus", "c").returncode == 1
    said = docs.json("list", "--corpus", "c")["documents"]
    assert said[0]["labels"] == [{"label": "cooking", "origin": "hand", "probability": None}]
    assert said[5]["labels"][0]["probability"] == pytest.approx(float(lines[5][2]), abs=1e-3)
    shown = docs.json("classify", "show", "--corpus", "c")
    assert (shown["labels"], shown["left_out"]["examples"]) == ({"cooking": 3, "money": 3}, 6)
    assert docs.run("check", "--full", "--corpus", "c").returncode == 0


def test_labels_by_hand_stand_are_learned_from_and_can_be_taken_back(docs: Program) -> None:
    for kind in ("cooking", "money"):
        done = docs.run(
            "classify", "label", kind, f"docs/{kind}0.txt", f"docs/{kind}1.txt", "--corpus", "c"
        )
        assert (done.returncode, done.stdout) == (0, f"2 documents now labelled {kind}\n")
    assert docs.run("classify", "train", "--corpus", "c").returncode == 0
    counts = docs.json("classify", "apply", "--min-probability", "0.5", "--corpus", "c")["counts"]
    assert counts == {"labelled": 8, "unsure": 0, "by_hand": 4, "pending": 0}
    assert labels_of(docs)["cooking5"] == [("cooking", "classifier")]
    assert (
        docs.run(
            "classify", "label", "--remove", "money", "docs/money0.txt", "--corpus", "c"
        ).returncode
        == 0
    )
    assert labels_of(docs)["money0"] == []
    assert (
        docs.run(
            "classify", "label", "--remove", "money", "docs/money0.txt", "--corpus", "c"
        ).returncode
        == 1
    )
    assert docs.run("classify", "label", "x", "docs/none.txt", "--corpus", "c").returncode == 4


def test_texts_are_learned_into_a_file_and_told_without_any_corpus(program: Program) -> None:
    rows = [
        (text, kind) for kind, texts in (("cooking", COOKING), ("money", MONEY)) for text in texts
    ]
    (program.folder / "texts.tsv").write_text("".join(f"{text}\t{kind}\n" for text, kind in rows))
    assert (
        program.run(
            "classify", "train", "texts.tsv", "--corpus", "none", "--out", "c.npz"
        ).returncode
        == 0
    )
    words = (
        "classify",
        "apply",
        "Stir the soup.",
        "-",
        "--classifier",
        "c.npz",
        "--corpus",
        "none",
        "--json",
    )
    command = [*program.command, *words]
    done = subprocess.run(
        command,
        cwd=program.folder,
        env=program.environment(),
        input="The fee is ten euros.\n\n",
        capture_output=True,
        text=True,
        check=True,
    )
    items = json.loads(done.stdout)["items"]
    assert [(each["item"], each["label"]) for each in items] == [
        ("Stir the soup.", "cooking"),
        ("The fee is ten euros.", "money"),
    ]
    assert all(
        each["probability"] == max(each["probabilities"])
        and sum(each["probabilities"]) == pytest.approx(1, abs=1e-5)
        for each in items
    )
    assert not (program.folder / "none").exists()
    missing = program.run("classify", "train", "texts.tsv", "--corpus", "none", "--json")
    assert (missing.returncode, error_of(missing)["code"]) == (4, "corpus_missing")


def test_descriptions_label_without_any_training(docs: Program, model_cache: Path) -> None:
    (docs.folder / "means.csv").write_text(
        "label,description\nK,cooking and recipes\nM,money and payments\n"
    )
    assert (
        docs.run("classify", "apply", "--zero-shot", "means.csv", "--corpus", "c").returncode == 0
    )
    expected = {
        stem: [("K" if stem.startswith("cooking") else "M", "descriptions")]
        for stem in labels_of(docs)
    }
    assert labels_of(docs) == expected
    (told,) = docs.json(
        "classify", "apply", "Peel the carrots.", "--zero-shot", "means.csv", "--corpus", "c"
    )["items"]
    encoder = Encoder.load(fast=True, cache=model_cache)
    text, *means = encoder.encode_sentences(
        [
            "Peel the carrots.",
            "This text is about cooking and recipes",
            "This text is about money and payments",
        ]
    )
    assert told["cosines"] == pytest.approx([float(np.dot(text, each)) for each in means], abs=1e-4)
    assert (told["label"], told["probability"]) == ("K", None)
    found = docs.json(
        "classify", "evaluate", "labels.csv", "--zero-shot", "means.csv", "--corpus", "c"
    )
    assert (found["judged"], found["accuracy"]) == (
        "judged by descriptions",
        0,
    )  # its labels have other names


def test_figures_are_of_what_was_not_learned_from_or_say_that_they_flatter(docs: Program) -> None:
    with (docs.folder / "labels.csv").open("a") as file:
        file.write("docs/money5.txt,rare\n")
    done = docs.run("classify", "evaluate", "labels.csv", "--folds", "3", "--corpus", "c", "--json")
    assert done.stderr == "labels with fewer than 3 examples are not judged: rare\n"
    found = json.loads(done.stdout)
    assert (found["judged"], found["examples"], len(found["fold_accuracies"])) == (
        "left out in turn",
        6,
        3,
    )
    (docs.folder / "labels.csv").write_text(
        (docs.folder / "labels.csv").read_text().removesuffix("docs/money5.txt,rare\n")
    )
    assert docs.run("classify", "train", "labels.csv", "--corpus", "c").returncode == 0
    flattered = docs.run("classify", "evaluate", "--test", "labels.csv", "--corpus", "c")
    assert "it has learned from 6 of the 6 examples: the figures flatter it" in flattered.stderr
    assert flattered.stdout.startswith(
        "accuracy 1.000, macro F1 1.000, 6 examples judged by the classifier there is\n"
    )
    others = "".join(
        f"docs/{kind}{i}.txt,{kind}\n" for kind in ("cooking", "money") for i in (3, 4)
    )
    (docs.folder / "others.csv").write_text(others + "docs/none.txt.gone/x,money\n")
    fair = docs.run(
        "classify", "evaluate", "labels.csv", "--test", "others.csv", "--corpus", "c", "--json"
    )
    assert (fair.returncode, fair.stderr) == (0, "")  # what is no file is a text
    assert json.loads(fair.stdout)["confusion"][0] == [2, 0]


def test_a_folder_for_each_label_is_learned_from_files_that_are_in_no_corpus(docs: Program) -> None:
    for kind, texts in (("food", COOKING), ("bills", MONEY)):
        (docs.folder / "by" / kind).mkdir(parents=True)
        for i, text in enumerate(texts[:3]):
            (docs.folder / "by" / kind / f"{i}.md").write_text(f"# A text\n\n{text}\n")
    (docs.folder / "by/food/broken.pdf").write_bytes(b"%PDF-1.7 broken")
    done = docs.run("classify", "train", "by", "--corpus", "c")
    assert done.returncode == 3
    assert "broken.pdf: " in done.stderr
    assert "bills 3, food 3" in done.stdout
    assert set(map(tuple, labels_of(docs).values())) == {
        ()
    }  # nothing was said of documents of the corpus


def test_what_cannot_be_done_is_refused_with_the_cure(docs: Program) -> None:
    done = docs.run("classify", "apply", "--corpus", "c", "--json")
    assert (done.returncode, error_of(done)["hint"]) == (
        4,
        "train one: searchapp classify train LABELS",
    )
    done = docs.run("classify", "train", "--corpus", "c", "--json")
    assert (done.returncode, error_of(done)["code"]) == (4, "classifier")
    (docs.folder / "means.csv").write_text("K,cooking\nM,money\n")
    for words, told in {
        ("docs",): "is a folder",
        ("a text", "--dry-run"): "only told",
        ("",): "is empty",
    }.items():
        done = docs.run("classify", "apply", *words, "--zero-shot", "means.csv", "--corpus", "c")
        assert (done.returncode, done.stdout, told in done.stderr) == (2, "", True), done.stderr
    (docs.folder / "one.csv").write_text("a,x\nb,x\n")
    done = docs.run("classify", "train", "one.csv", "--corpus", "c")
    assert (done.returncode, "one label, 'x'" in done.stderr) == (4, True)


def test_a_query_by_label_imports_neither_scikit_learn_nor_the_writer(docs: Program) -> None:
    code = (
        "import sys; sys.argv = ['searchapp', 'query', 'money', '--label', 'x', '--corpus', 'c']\n"
        "from searchapp.cli.app import main\nmain(sys.argv[1:])\n"
        f"print([name for name in ('sklearn', *{HEAVY!r}) if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [docs.command[0], "-P", "-c", code],
        cwd=docs.folder,
        env=docs.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"
