"""How often a question asks the database: at most eight statements, whatever is asked, and ten where
the corpus is large; and what the statements themselves cost.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

from searchapp.backends.sqlite import rare_phrases
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.corpus import Corpus
from searchapp.search.query_options import MODES
from searchapp.testing import HashEncoder
from searchapp.types.documents import Document
from searchapp.types.filters import Filters
from tests.builders.corpora import passages_of, source

MOST = 8
ENCODER = HashEncoder()
REPEATED = "a b c d e f g h i j k l m n o p"  # stands in documents that are found as repeats
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "filters": {"filters": Filters(within=("/lib", "/new"), outside=("/lib/9",), since_ns=0)},
    "highlights and shares": {"highlights": True, "shares": True},
    "few of a document": {"per_document": 1, "k": 20, "filters": Filters(types=("txt",))},
}


def add(writer: SqliteWriter, path: str, *, seed: int, is_pending: bool = False) -> int:
    """A document of four passages of random words, one in five with a passage that others have."""
    random = np.random.default_rng(seed)
    lines = [" ".join(f"w{word}" for word in random.integers(0, 90, 14)) for _ in range(4)]
    if seed % 5 == 0:
        lines[0] = REPEATED
    made = Document("\n".join(lines), "txt")
    vectors = None if is_pending else ENCODER.encode_passages(lines)
    return writer.replace(source(path), made, passages_of(made), vectors=vectors)


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> SqliteBackend:
    """A corpus with a vectors file, and rows and removals that are newer."""
    made = SqliteBackend(tmp_path_factory.mktemp("statements") / "corpus")
    with closing(made.writer()) as writer:
        writer.set_encoder(ENCODER.identity)
        ids = [add(writer, f"/lib/{number}", seed=number) for number in range(80)]
        writer.finish()
        writer.remove(ids[:7])
        for number in range(100, 106):
            add(writer, f"/new/{number}", seed=number)
        add(writer, "/new/pending", seed=999, is_pending=True)
        writer.commit()
    return made


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are run from now on; not those that FTS5 runs for its own tables."""
    run: list[str] = []

    def note(statement: str) -> None:
        if not statement.startswith(("--", "PRAGMA 'main'.", "SELECT k, v FROM 'main'.")):
            run.append(statement)

    connect = sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        connection.set_trace_callback(note)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    return run


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize(
    "text", [f"w1 w2 w3 w4 {REPEATED}", 'w5 w6 the "w7" -w88', "w1-w2 and AB-1234 of w11"]
)
def test_a_question_takes_eight_statements_at_most(
    backend: SqliteBackend,
    statements: list[str],
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    options: dict[str, Any],
    text: str,
    *,
    is_large: bool,
) -> None:
    if is_large:
        monkeypatch.setattr(rare_phrases, "LEAST_PASSAGES", 0)
    answer = Corpus(backend, encoder=ENCODER).query(text, mode=mode, **options)
    assert answer.matches or '"' in text
    assert len(statements) <= MOST + 2 * is_large, "\n".join(statements)
    assert any("BEGIN" in statement for statement in statements)  # they are seen


def test_the_facts_of_a_corpus_take_one_statement(
    backend: SqliteBackend, statements: list[str]
) -> None:
    with closing(backend.reader()) as reader:
        before = len(statements)
        assert reader.counts() == (80, 320, 1, 0)
        assert reader.encoder == ENCODER.identity
        assert reader.settings() == {}
        assert reader.versions() == [("txt", "txt/1", "1", 80)]
        assert reader.background() is not None
        assert reader.published is not None
    assert len(statements) == before == 3


def test_a_statement_is_compiled_once_however_many_corpora_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[object] = []
    compile_ = SQLiteCompiler.__init__

    def counted(self: SQLiteCompiler, *args: Any, **options: Any) -> None:
        compiled.append(self)
        compile_(self, *args, **options)

    monkeypatch.setattr(SQLiteCompiler, "__init__", counted)
    for name in ("first", "second"):
        compiled.clear()
        with closing(SqliteBackend(tmp_path / name).writer()) as writer:
            writer.set_encoder(ENCODER.identity)
            add(writer, "/d/a.txt", seed=1)
            writer.finish()
    assert not compiled
