"""Every command on a corpus that no folder keeps: it works, or it is refused with a code and a hint.

The corpus is kept in memory, as one of a server would be: a command that opens files of its own, or
names the backend of a folder, fails here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from searchapp.cli.app import SECTIONS, main
from searchapp.testing import MemoryBackend

WORKS: dict[str, list[list[str]]] = {
    "ingest": [["{docs}", "--include", "*.md"], []],
    "init": [[]],
    "query": [
        ["when does the ferry leave", "--mode", mode, "--explain"]
        for mode in ("cosine", "keyword", "hybrid", "best")
    ]
    + [["--like", "{docs}/ferry.md", "--type", "md", "--in", "{docs}"], ["x", "--like-match", "1"]],
    "open": [["1", "--print"], ["--print"]],
    "list": [[], ["--type", "md"]],
    "show": [["{docs}/ferry.md"]],
    "serve": [["--port", "0", "--idle-exit", "0"]],
    "status": [[], ["--skipped"]],
    "config": [[], ["mode", "hybrid"], ["mode", "--unset"]],
    "export": [["{folder}/corpus.jsonl.gz"]],
    "import": [["{folder}/corpus.jsonl.gz"]],
    "embed": [["{docs}/ferry.md", "--fast"]],
    "similar": [["--duplicates"], ["a ferry", "a boat"]],
    "words": [["ferry"]],
    "classify": [
        ["label", "travel", "{docs}/ferry.md"],
        ["train", "{folder}/labels.csv", "--out", "{folder}/c.npz"],
        ["apply", "--classifier", "{folder}/c.npz"],
        ["evaluate", "--test", "{folder}/labels.csv", "--classifier", "{folder}/c.npz"],
        ["show", "--classifier", "{folder}/c.npz"],
    ],
    "explain": [["a ferry", "a boat"]],
    "map": [["--out", "{folder}/map.html"]],
    "model": [["list"], ["show"], ["verify"], ["use", "default"]],  # which it uses already
    "evaluate": [["{folder}/judgements.csv", "--mode", "cosine"]],
    "remove": [["{docs}/boiler.md"]],
}
REFUSED: dict[str, list[list[str]]] = {
    "forget": [["{docs}/ferry.md"]],
    "check": [[], ["--full"], ["--repair"]],
    "backup": [["{folder}/corpus.backup"]],
    "restore": [["{folder}/corpus.backup"]],
    "model": [["drop", "default"]],
    "classify": [["train", "{folder}/labels.csv"], ["show"]],
}
WITHOUT_JSON = {"init", "embed", "open"}
DOCTOR = "doctor"  # says that it cannot look into the corpus, which is a problem, not a refusal
NO_CORPUS = {"predict"}  # asks a model alone
ELSEWHERE = {"tune"}  # minutes; it asks a corpus as `evaluate` does


def test_every_command_is_tried_here() -> None:
    commands = {name for section in SECTIONS.values() for name in section}
    assert WORKS.keys() | REFUSED.keys() | NO_CORPUS | ELSEWHERE | {DOCTOR} == commands


@pytest.fixture
def folder(tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    texts = {
        "ferry": "The electric ferry leaves at eight from the northern pier.",
        "boiler": "Bleed the radiators before the boiler is lit again.",
        "soup": "Lentils need half an hour, and salt comes last.",
        "bread": "Let the dough rise overnight in a cold place.",
    }
    for name, text in texts.items():
        (docs / f"{name}.md").write_text(f"# About the {name}\n\n{text}\n", encoding="utf-8")
    label = {"ferry": "travel", "boiler": "home", "soup": "food", "bread": "food"}
    rows = [f"{docs / name}.md,{label[name]}" for name in texts] * 3
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *rows, ""]), encoding="utf-8")
    judged = f"question,path\nwhen does the ferry leave,{docs / 'ferry.md'}\n"
    (tmp_path / "judgements.csv").write_text(judged, encoding="utf-8")
    monkeypatch.setenv("SEARCHAPP_CACHE", str(model_cache))
    monkeypatch.setenv("SEARCHAPP_CORPUS", "memory:commands")
    monkeypatch.setenv("VISUAL", "cat")
    monkeypatch.setattr(MemoryBackend, "_named", {})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the libraries behind classify and map
def test_a_command_works_on_any_backend_or_is_refused_with_a_code_and_a_hint(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(command: str, words: list[str]) -> tuple[int, str]:
        given = [word.format(folder=folder, docs=folder / "docs") for word in words]
        code = main([command, *given, *(["--json"] if command not in WITHOUT_JSON else [])])
        return code, capsys.readouterr().err

    for command, lines in WORKS.items():
        for words in lines:
            needs = ["--corpus", "memory:commands"] if command == "evaluate" else []
            code, stderr = run(command, [*words, *needs])
            assert code in (0, 1, 3), f"{command} {words}: {stderr}"
    for command, lines in REFUSED.items():
        for words in lines:
            code, stderr = run(command, words)
            assert code == 4, f"{command} {words}: {code} {stderr}"
            error = json.loads(stderr[stderr.index("{") :])["error"]
            assert error["code"] == "unsupported", f"{command} {words}: {error}"
            assert error["hint"], f"{command} {words}: {error}"
    assert main([DOCTOR, "--json"]) == 4
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert any("whether a corpus in MemoryBackend is sound" in one["what"] for one in problems)
