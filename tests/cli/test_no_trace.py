"""A command that fails leaves no corpus behind where there was none: neither a database nor a
folder.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.cli.app import SECTIONS, main
from searchapp.corpus import Corpus
from searchapp.testing import HashEncoder

pytestmark = pytest.mark.model

# of every command, command lines that fail where there is no corpus
FAILING: dict[str, list[list[str]]] = {
    "ingest": [
        [],
        ["nofile"],
        ["nofile", "--prune"],
        ["docs", "nofile"],
        ["docs", "--model", "no/such-model"],
        ["docs", "--device", "abacus"],
        ["docs", "--include", ""],
        ["docs", "--exclude", "/"],
        ["docs", "--bad-option"],
        ["https://example.org/"],
    ],
    "init": [["--bad-option"], ["superfluous"]],
    "query": [["ferry"], ["--like", "docs/a.md"], ["ferry", "--mode", "magic"]],
    "open": [[], ["3"], ["3", "--print"]],
    "list": [["--bad-option"], ["--since", "never"]],
    "show": [["docs/a.md"]],
    "serve": [["--bad-option"], ["--host", "0.0.0.0"], ["--token-file", "nofile"]],
    "status": [[], ["--skipped"]],
    "config": [[], ["mode", "hybrid"], ["mode", "magic"], ["magic", "x"], ["mode", "--unset"]],
    "export": [["out.gz"]],
    "import": [["nofile"], ["docs/a.md"], ["broken.gz"], ["broken.gz", "--move", "x"]],
    "embed": [["--documents"], ["docs/nofile.md"]],
    "similar": [["--duplicates"], ["docs/nofile.md"]],
    "words": [["ferry"]],
    "classify": [
        ["label", "travel", "docs/a.md"],
        ["label", "--remove", "travel", "docs/a.md"],
        ["train", "labels.csv"],
        ["train", "nofile.csv"],
        ["apply"],
        ["apply", "--classifier", "nofile.npz"],
        ["show"],
        ["evaluate"],
    ],
    "explain": [["one"]],
    "predict": [["no gap"]],
    "map": [["--out", "map.html"]],
    "model": [
        ["use", "default"],
        ["use", "no/such-model"],
        ["drop", "default"],
        ["show", "no/such-model"],
        ["verify", "no/such-model"],
    ],
    "tune": [["--out", "tuned"], ["--bad-option"]],
    "evaluate": [["nofolder"], ["docs"], ["labels.csv"]],
    "remove": [["docs/a.md"]],
    "forget": [[], ["docs/a.md"]],
    "check": [[], ["--full"], ["--repair"]],
    "backup": [["out.backup"]],
    "restore": [["nofile"], ["docs/a.md"], ["docs"]],
    "doctor": [["--bad-option"]],
}


@pytest.fixture
def folder(tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("The ferry leaves at eight.\n", encoding="utf-8")
    rows = f"path,label\n{tmp_path}/docs/a.md,travel\n"
    (tmp_path / "labels.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "broken.gz").write_bytes(gzip.compress(b'{"format": "searchapp-export/1"}\n{'))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEARCHAPP_CACHE", str(model_cache))
    return tmp_path


def lines() -> Iterator[tuple[str, ...]]:
    for section in SECTIONS.values():
        for command in section:
            for words in FAILING[command]:
                yield (command, *words)


@pytest.mark.parametrize("words", list(lines()), ids=" ".join)
def test_a_command_that_fails_makes_no_corpus(folder: Path, words: tuple[str, ...]) -> None:
    before = sorted(folder.rglob("*"))
    assert main([*words, "--corpus", str(folder / "new/corpus")]) not in (0, 1)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "words", [["ingest", "docs", "--model", "no/such-model"], ["restore", "x"]]
)
def test_a_folder_that_was_there_stays_as_it_was(folder: Path, words: list[str]) -> None:
    (folder / "empty").mkdir()
    assert main([*words, "--corpus", str(folder / "empty")]) == 4
    assert list((folder / "empty").iterdir()) == []


def test_a_corpus_that_was_there_stays_though_it_is_empty(folder: Path) -> None:
    assert main(["init", "--corpus", str(folder / "corpus")]) == 0
    assert main(["ingest", "docs", "--model", "x", "--corpus", str(folder / "corpus")]) == 4
    with closing(SqliteBackend(folder / "corpus").reader()) as reader:
        assert reader.counts()[0] == 0


def test_a_first_ingest_that_is_interrupted_before_it_stores_anything_leaves_no_corpus(
    folder: Path,
) -> None:
    corpus = Corpus(SqliteBackend(folder / "new/corpus"), encoder=HashEncoder())
    assert corpus.ingest(["docs"], is_stopped=lambda: True).was_interrupted
    assert not (folder / "new").exists()


def test_a_writer_that_has_committed_discards_nothing(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "corpus")
    writer = backend.writer()
    writer.set_encoder(HashEncoder().identity)
    writer.commit()
    writer.discard()
    with closing(backend.reader()) as reader:
        assert reader.encoder == HashEncoder().identity


def test_a_writer_that_has_discarded_its_corpus_lets_another_make_it(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "corpus")
    writer = backend.writer()
    writer.discard()
    writer.close()
    assert list(tmp_path.iterdir()) == []
    backend.writer().close()
    with closing(backend.reader()) as reader:
        assert reader.counts()[0] == 0
