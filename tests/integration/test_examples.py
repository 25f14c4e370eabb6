"""The examples run as they are, each as its first lines say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import DATA, ROOT

EXAMPLES = ROOT / "examples"
pytestmark = [pytest.mark.model, pytest.mark.slow]


def run(name: str, *words: str, cwd: Path, cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *words],
        cwd=cwd,
        env={**os.environ, "SEARCHAPP_CACHE": str(cache), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_a_test_of_each_example() -> None:
    there = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert there == {"search.py", "embeddings.py", "evaluate.py", "notebook.ipynb"}


def test_a_folder_is_searched_from_a_script_and_measured(tmp_path: Path, model_cache: Path) -> None:
    question = ("how", "long", "does", "the", "dough", "rest")
    first = run("search.py", str(DATA / "kitchen"), *question, cwd=tmp_path, cache=model_cache)
    assert first.startswith("4 files read, generation ")
    assert first.splitlines()[1].startswith("1. sourdough-rye.md, ")
    again = run("search.py", str(DATA / "kitchen"), *question, cwd=tmp_path, cache=model_cache)
    assert again.startswith("0 files read, ")
    table = f"question,path\n{' '.join(question)},{DATA / 'kitchen' / 'sourdough-rye.md'}\n"
    (tmp_path / "mine.csv").write_text(table, encoding="utf-8")
    figures = run("evaluate.py", ".search-corpus", "mine.csv", cwd=tmp_path, cache=model_cache)
    assert figures.splitlines()[0] == "cosine   1.000 1.000"
    assert len(figures.splitlines()) == 5  # the modes and rrf


def test_the_nearest_sentence_is_the_one_about_the_river(tmp_path: Path, model_cache: Path) -> None:
    told = run("embeddings.py", cwd=tmp_path, cache=model_cache)
    assert told.splitlines()[0].endswith("Reeds grow along the bank of the river.")


@pytest.mark.filterwarnings("ignore")
def test_every_cell_of_the_notebook_runs(
    model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCHAPP_CACHE", str(model_cache))
    monkeypatch.chdir(ROOT)
    cells = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            *lines, last = "".join(cell["source"]).rsplit("\n", 1)
            exec("".join(lines), names)
            value = eval(last, names)
    assert value, "the last cell tells which words earned the match"
