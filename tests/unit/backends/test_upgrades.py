"""A corpus of every released schema opens, is sound, and answers as it did when it was made; one of
the future is refused untouched.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from searchapp.backends.sqlite import layout
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.corpus import Corpus
from searchapp.errors import CorpusTooNew
from searchapp.testing import HashEncoder
from tests.builders.house import HereCorpus
from tests.paths import TEST_DATA

pytestmark = pytest.mark.slow  # a reader migrates in a process of its own

CORPORA = TEST_DATA / "corpora"
RELEASED = sorted(path.name[7:11] for path in CORPORA.glob("corpus-*.db.gz"))


def opened(revision: str, folder: Path) -> Corpus:
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "corpus.db").write_bytes(
        gzip.decompress((CORPORA / f"corpus-{revision}.db.gz").read_bytes())
    )
    with closing(sqlite3.connect(folder / "corpus.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")  # which a vacuumed copy has lost
    return HereCorpus(SqliteBackend(folder), encoder=HashEncoder(dim=16))


def test_there_is_a_golden_corpus_of_every_released_schema() -> None:
    assert list(layout.REVISIONS[1:]) == RELEASED  # 0001 was never released; see make_golden


@pytest.mark.parametrize("revision", RELEASED)
def test_an_old_corpus_answers_as_it_did(revision: str, tmp_path: Path) -> None:
    expected: dict[str, Any] = json.loads(
        (CORPORA / f"corpus-{revision}.json").read_text(encoding="utf-8")
    )
    corpus = opened(revision, tmp_path / "corpus")
    assert sorted(os.fsdecode(row.path) for row in corpus.documents()) == expected["documents"]
    for question, answer in expected["answers"].items():
        matches = corpus.query(question, k=20).matches
        assert [
            [os.fsdecode(match.hit.path), match.hit.passage.start, round(match.score, 6)]
            for match in matches
        ] == answer
    labelled = {
        os.fsdecode(row.path): [list(each) for each in row.labels]
        for row in corpus.documents()
        if row.labels
    }
    assert labelled == expected.get("labels", {})  # there are none before 0006
    exclusions = [os.fsdecode(path) for path in corpus.status().exclusions]
    assert exclusions == expected.get("exclusions", [])  # there are none before 0007
    assert check(tmp_path / "corpus", full=True) == []
    assert [
        os.fsdecode(match.hit.path) for match in corpus.query("灯台", mode="keyword").matches
    ] == ["/golden/docs/plain.txt"]
    if revision >= "0008":
        [match] = corpus.query("Häusern", mode="keyword").matches
        assert os.fsdecode(match.hit.path) == "/golden/docs/german.txt"  # which says Häuser
    has_backup = (tmp_path / f"corpus/corpus.db.backup-{revision}").exists()
    assert has_backup == (revision != layout.REVISIONS[-1])


@pytest.mark.parametrize("revision", RELEASED)
def test_an_old_corpus_can_be_written_backed_up_and_forgotten_from(
    revision: str, tmp_path: Path
) -> None:
    corpus = opened(revision, tmp_path / "corpus")
    SqliteBackend(tmp_path / "corpus").back_up(tmp_path / "b")
    (tmp_path / "new.txt").write_text("a new lamp", encoding="utf-8")
    before = len(corpus.documents())
    corpus.ingest([tmp_path / "new.txt"])
    corpus.forget(["/golden/docs/plain.txt"])
    assert len(corpus.documents()) == before
    assert not list((tmp_path / "corpus").glob("*backup*"))


def test_a_corpus_of_the_future_is_refused_untouched(tmp_path: Path) -> None:
    corpus = opened(RELEASED[-1], tmp_path / "corpus")
    with closing(sqlite3.connect(tmp_path / "corpus/corpus.db", isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    before = (tmp_path / "corpus/corpus.db").read_bytes()
    for ask in (
        lambda: corpus.query("x"),
        corpus.documents,
        corpus.forget,
        lambda: corpus.ingest([tmp_path]),
        corpus.status,
    ):
        with pytest.raises(CorpusTooNew) as caught:
            ask()
        assert "upgrade searchapp" in caught.value.hint
    assert (tmp_path / "corpus/corpus.db").read_bytes() == before
    with closing(sqlite3.connect(tmp_path / "corpus/corpus.db", isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (RELEASED[-1],))
