"""A corpus in a language that its model was not trained on, from the command line: it is counted,
said, and answered by words too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.program import Program

pytestmark = [pytest.mark.model, pytest.mark.slow]

TEXTS = {
    "a.txt": "Die Waschmaschine wackelt beim Schleudern, und die Heizung pfeift in der Nacht.",
    "b.txt": "Die Miete wird am dritten Werktag eines jeden Monats auf das Konto überwiesen.",
    "c.txt": "The tide table of the harbour hangs behind the door of the office.",
}
CURE = "`searchapp model use multilingual`"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Program:
    folder = tmp_path_factory.mktemp("german")
    (folder / "docs").mkdir()
    for name, text in TEXTS.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
    return Program(folder, model_cache, extra={"SEARCHAPP_CORPUS": str(folder / "corpus")})


def test_what_the_model_does_not_speak_is_said_counted_and_answered_by_words_too(
    program: Program,
) -> None:
    ingested = program.run("ingest", "docs")
    assert ingested.stderr.count(CURE) + ingested.stdout.count(CURE) == 1
    assert "languages  de 2, en 1\n" in program.run("status").stdout
    assert program.json("status")["languages"] == {"de": 2, "en": 1}
    asked = program.run("query", "Miete")
    assert asked.stderr.count(CURE) == 1
    assert "mode hybrid" in asked.stderr
    assert "b.txt" in asked.stdout.splitlines()[0]
    assert program.json("query", "Miete")["mode"] == "hybrid"
    chosen = program.run("query", "Miete", "--mode", "cosine")
    assert (chosen.stderr.count(CURE), "mode hybrid" in chosen.stderr) == (1, False)
    listed = program.run("list", "--where", "language=de").stdout.splitlines()
    assert [Path(line.split("\t")[0]).name for line in listed] == ["a.txt", "b.txt"]
