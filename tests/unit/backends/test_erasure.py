"""`forget` leaves no byte of a text in any file of the corpus; `remove` only has it answer no more,
and works on a full disk too.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.corpus import Corpus
from searchapp.errors import CorpusMissing, CorpusUnwritable, DocumentMissing
from searchapp.testing import HashEncoder
from tests.builders.house import HereCorpus

SECRETS = [word.encode() for word in ("zyzzyva", "quixotry")]  # in the text and the title
FORMS = [word for secret in SECRETS for word in (secret, secret.title(), secret.upper())]
NAME = b"xenogamy"  # of the file, which is kept to leave it out


@pytest.fixture
def made(tmp_path: Path) -> Path:
    documents = tmp_path / "docs"
    documents.mkdir()
    for i in range(30):
        (documents / f"{i}.md").write_text(
            f"# Plain {i}\n\nwords of document {i}\n", encoding="utf-8"
        )
    body = "\n\n".join(f"the zyzzyva number {i} is a weevil of word{i}" for i in range(200))
    (documents / "xenogamy.md").write_text(f"# Quixotry\n\n{body}\n", encoding="utf-8")
    corpus_at(tmp_path).ingest([documents])
    return tmp_path


def corpus_at(folder: Path) -> Corpus:
    return HereCorpus(SqliteBackend(folder / "corpus"), encoder=HashEncoder())


def traces(folder: Path) -> set[str]:
    """The files of the corpus in which a secret stands, in any case."""
    return {
        path.name
        for path in (folder / "corpus").rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in FORMS)
    }


def test_the_secret_is_there_to_begin_with(made: Path) -> None:
    assert traces(made) == {"corpus.db"}


def test_forgetting_leaves_no_byte_in_any_file(made: Path) -> None:
    before = next((made / "corpus").glob("vectors-*"))
    removed, backups = corpus_at(made).forget([str(made / "docs/xenogamy.md")])
    assert ([path.rpartition(b"/")[2] for path in removed], backups) == ([b"xenogamy.md"], [])
    assert traces(made) == set()
    assert not before.exists()
    database = (made / "corpus/corpus.db").read_bytes()
    # its path alone stays, among what is left out and among what was skipped, with their indexes
    assert database.count(NAME) == database.count(bytes(made / "docs/xenogamy.md")) == 4
    assert len(corpus_at(made).documents()) == 30
    assert corpus_at(made).query("document 7", k=30).matches[0].score > 0.7


def test_the_way_a_word_was_written_goes_where_others_write_it_otherwise(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("Müllerová knows", encoding="utf-8")
    corpus = corpus_at(tmp_path)
    corpus.ingest([tmp_path / "docs"])
    (tmp_path / "docs/b.md").write_text("mullerova knows", encoding="utf-8")
    corpus.ingest()
    corpus.forget([str(tmp_path / "docs/a.md")])
    for path in (tmp_path / "corpus").rglob("*"):
        assert not path.is_file() or "llerov\u00e1".encode() not in path.read_bytes(), path
    assert corpus.check(full=True) == []


def test_what_was_removed_before_is_forgotten_without_naming_it(made: Path) -> None:
    corpus_at(made).remove([str(made / "docs/xenogamy.md")])
    assert corpus_at(made).forget() == ([], [])
    assert traces(made) == set()


def test_an_earlier_version_is_forgotten_too(made: Path) -> None:
    (made / "docs/xenogamy.md").write_text("nothing of the kind", encoding="utf-8")
    (made / "docs/xenogamy.md").rename(made / "docs/other.md")
    corpus_at(made).ingest()
    corpus_at(made).forget()
    assert traces(made) == set()


@pytest.mark.damages_corpus
def test_what_another_program_deleted_without_care_is_cleared_away_too(made: Path) -> None:
    with closing(sqlite3.connect(made / "corpus/corpus.db")) as database, database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE other (text)")
        database.execute("INSERT INTO other SELECT text FROM document_text")
        database.execute("DROP TABLE other")
    corpus_at(made).forget([str(made / "docs/xenogamy.md")])
    assert traces(made) == set()


@pytest.mark.damages_corpus
def test_backups_in_the_folder_that_held_the_text_go_and_are_named(made: Path) -> None:
    with closing(sqlite3.connect(made / "corpus/corpus.db")) as database, database:
        database.execute("UPDATE document_text SET text = 'x' WHERE document_id = 3")
    corpus_at(made).repair()
    (made / "corpus/corpus.db.backup-0004").write_bytes(b"a zyzzyva")
    assert len(traces(made)) == 2
    _, backups = corpus_at(made).forget([str(made / "docs/xenogamy.md")])
    assert [name[:13] for name in backups] == ["before-repair", "corpus.db.bac"]
    assert traces(made) == set()


def test_a_backup_that_cannot_be_deleted_is_named_with_what_it_may_hold(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made / "corpus/corpus.db.backup-1").write_bytes(b"text")
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name == "corpus.db.backup-1":
            raise PermissionError
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(CorpusUnwritable, match=r"corpus\.db\.backup-1 cannot be deleted"):
        corpus_at(made).forget([str(made / "docs/xenogamy.md")])


def test_a_query_that_is_still_running_is_said_to_keep_the_text(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **options: connect(*args, **{**options, "timeout": 0.1})
    )
    with SqliteReader(made / "corpus"):
        with pytest.raises(CorpusUnwritable, match="still running") as caught:
            corpus_at(made).forget([str(made / "docs/xenogamy.md")])
        assert "searchapp forget" in caught.value.hint
        assert traces(made) != set()
    corpus_at(made).forget()
    assert traces(made) == set()


def test_nothing_is_made_or_removed_where_there_is_nothing_of_that_name(made: Path) -> None:
    with pytest.raises(DocumentMissing):
        corpus_at(made).forget([str(made / "docs/none.md")])
    with pytest.raises(CorpusMissing):
        Corpus(SqliteBackend(made / "none"), encoder=HashEncoder()).forget()
    assert not (made / "none").exists()
    assert len(corpus_at(made).documents()) == 31


def test_room_is_set_aside_for_a_removal_and_given_back_after_it(made: Path) -> None:
    reserve = made / "corpus/reserve"
    assert (reserve.stat().st_size, reserve.stat().st_blocks * 512 >= 2**20) == (2**20, True)
    corpus_at(made).remove([str(made / "docs/xenogamy.md")])
    assert reserve.stat().st_size == 2**20
    assert reserve.stat().st_mode & 0o777 == 0o600
