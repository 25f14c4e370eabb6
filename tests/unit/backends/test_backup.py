"""A backup is the corpus in one file: whole or refused, and what it gives back answers as the
corpus did.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from searchapp.backends.sqlite import backup, integrity, layout, restorable
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.corpus import Corpus
from searchapp.errors import BackupError, CorpusDamaged, CorpusError, CorpusMissing, CorpusTooNew
from searchapp.testing import HashEncoder
from tests.builders.house import HereCorpus
from tests.paths import TEST_DATA

ENCODER = HashEncoder()
QUESTIONS = ("word3", "many words of word5", "word11 word2", "nothing of the kind")
FLIPS = 50


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with a corpus of twelve documents, one of them replaced, one pending, and no
    publication of the last changes.
    """
    documents = tmp_path / "docs"
    documents.mkdir()
    for i in range(12):
        (documents / f"{i:02}.txt").write_text(
            "\n\n".join(f"word{i} and word{i * j} of many words" for j in range(4)),
            encoding="utf-8",
        )
    corpus = HereCorpus(SqliteBackend(tmp_path / "corpus"), encoder=ENCODER)
    corpus.ingest([documents])
    (documents / "03.txt").write_text("word3 again", encoding="utf-8")
    corpus.ingest()
    corpus.configure("mode", "hybrid")
    return tmp_path


def answers(folder: Path) -> list[list[tuple[bytes, int, float]]]:
    corpus = Corpus(SqliteBackend(folder), encoder=ENCODER)
    return [
        [
            (match.hit.path, match.hit.passage_id, match.score)
            for match in corpus.query(question, k=20, mode=mode).matches
        ]
        for question in QUESTIONS
        for mode in ("cosine", "keyword", "hybrid")
    ]


def test_what_was_backed_up_is_restored_with_identical_answers(made: Path) -> None:
    held = SqliteBackend(made / "corpus").back_up(made / "b")
    assert (held["documents"], held["pending"]) == (12, 0)
    restored = made / "restored"
    assert SqliteBackend(restored).restore(made / "b") == held
    assert answers(restored) == answers(made / "corpus")
    assert Corpus(SqliteBackend(restored), encoder=ENCODER).settings() == {"mode": "hybrid"}
    assert Corpus(SqliteBackend(restored), encoder=ENCODER).status().vectors_state == "current"


def test_a_backup_is_made_while_an_ingest_is_writing_and_holds_what_was_committed(
    made: Path,
) -> None:
    with SqliteWriter(made / "corpus") as writer:
        writer.remove([2])
        SqliteBackend(made / "corpus").back_up(made / "b")
    SqliteBackend(made / "restored").restore(made / "b")
    assert answers(made / "restored") == answers(made / "corpus")


def test_only_its_owner_may_read_a_backup(made: Path) -> None:
    (made / "b").write_bytes(b"old")
    SqliteBackend(made / "corpus").back_up(made / "b")
    assert (made / "b").stat().st_mode & 0o777 == 0o600


def test_nothing_is_left_where_a_backup_cannot_be_written(made: Path) -> None:
    with pytest.raises(BackupError, match="cannot write") as caught:
        SqliteBackend(made / "corpus").back_up(made / "no" / "folder" / "b")
    assert caught.value.hint
    (made / "dir").mkdir()
    with pytest.raises(BackupError, match="cannot write"):
        SqliteBackend(made / "corpus").back_up(made / "dir")
    assert sorted(path.name for path in made.iterdir()) == ["corpus", "dir", "docs"]


def test_an_empty_or_missing_corpus_is_not_backed_up(tmp_path: Path) -> None:
    with pytest.raises(CorpusMissing):
        SqliteBackend(tmp_path / "none").back_up(tmp_path / "b")
    (tmp_path / "blank").mkdir()
    (tmp_path / "blank/lock").touch()
    with pytest.raises(BackupError, match="empty"):
        SqliteBackend(tmp_path / "blank").back_up(tmp_path / "b")


def test_a_corpus_is_never_written_over(made: Path) -> None:
    SqliteBackend(made / "corpus").back_up(made / "b")
    before = answers(made / "corpus")
    with pytest.raises(CorpusError, match="already"):
        SqliteBackend(made / "corpus").restore(made / "b")
    assert answers(made / "corpus") == before


def test_every_flipped_byte_of_a_backup_is_refused_or_harmless(made: Path) -> None:
    SqliteBackend(made / "corpus").back_up(made / "b")
    whole = (made / "b").read_bytes()
    with zipfile.ZipFile(made / "b") as archive:
        database = archive.read("corpus.db")
    rng = random.Random(3)
    refused = 0
    for _ in range(FLIPS):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (made / "b").write_bytes(data)
        folder = made / "flipped"
        folder.mkdir(exist_ok=True)
        try:
            backup.restore(made / "b", folder)
            assert (folder / "corpus.db").read_bytes() == database
            (folder / "corpus.db").unlink()
        except (BackupError, CorpusTooNew):
            refused += 1
        assert list(folder.iterdir()) == []
    assert refused > FLIPS * 0.9


@pytest.mark.slow
@pytest.mark.parametrize("length", [0, 1, 100, -1, -50])
def test_a_cut_backup_is_refused(made: Path, length: int) -> None:
    SqliteBackend(made / "corpus").back_up(made / "b")
    (made / "b").write_bytes((made / "b").read_bytes()[:length])
    with pytest.raises(BackupError) as caught:
        SqliteBackend(made / "restored").restore(made / "b")
    assert caught.value.hint
    assert not (made / "restored/corpus.db").exists()


def write(file: Path, **changes: object) -> None:
    """Write a backup's manifest anew."""
    with zipfile.ZipFile(file) as archive:
        manifest, database = json.loads(archive.read("manifest.json")), archive.read("corpus.db")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest | changes))
        archive.writestr("corpus.db", database)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"format": "searchapp-backup/2"}, CorpusTooNew),
        ({"schema": "9999"}, CorpusTooNew),
        ({"format": "other"}, BackupError),
        ({"size": "x"}, BackupError),
        ({"size": 5}, BackupError),
        ({"blake2b": "0" * 64}, BackupError),
    ],
)
def test_a_backup_of_another_kind_or_time_is_refused(
    made: Path, changes: dict[str, object], error: type[Exception]
) -> None:
    SqliteBackend(made / "corpus").back_up(made / "b")
    write(made / "b", **changes)
    with pytest.raises(error):
        SqliteBackend(made / "restored").restore(made / "b")


def test_a_file_that_is_no_backup_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "z", "w") as archive:
        archive.writestr("manifest.json", "[")
    for name in ("x", "z", "absent"):
        with pytest.raises(BackupError):
            SqliteBackend(tmp_path / "restored").restore(tmp_path / name)


@pytest.mark.damages_corpus
def test_damage_that_was_backed_up_is_said(made: Path) -> None:
    with closing(sqlite3.connect(made / "corpus/corpus.db")) as database, database:
        database.execute("UPDATE document_text SET text = 'x' WHERE document_id = 2")
    SqliteBackend(made / "corpus").back_up(made / "b")
    with pytest.raises(CorpusDamaged, match="text or passages") as caught:
        SqliteBackend(made / "restored").restore(made / "b")
    assert "--repair" in caught.value.hint


def test_a_backup_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    for name, told in (("nofile", "there is no file {}"), (".", "{} is a folder, and no backup")):
        file = tmp_path / name
        with pytest.raises(BackupError) as error:
            SqliteBackend(tmp_path / "new").restore(file)
        assert str(error.value) == told.format(file)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of one document; no test changes it."""
    folder = tmp_path_factory.mktemp("backed_up")
    (folder / "docs").mkdir()
    (folder / "docs/a.txt").write_text("a text")
    corpus = HereCorpus(SqliteBackend(folder / "corpus"), encoder=ENCODER)
    corpus.ingest([folder / "docs"])
    corpus.back_up(folder / "b")
    return folder / "b"


def crafted(backed_up: Path, file: Path, database: bytes | None = None, **changes: object) -> None:
    """A backup as one who means harm makes it, with a checksum that holds."""
    with zipfile.ZipFile(backed_up) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        database = archive.read("corpus.db") if database is None else database
    digest = hashlib.blake2b(database, digest_size=32).hexdigest()
    manifest |= {"size": len(database), "blake2b": digest} | changes
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("corpus.db", database)


def another_program() -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE alembic_version (version_num)")
        return database.serialize()


@pytest.mark.parametrize(
    ("database", "changes"),
    [
        (b"", {}),
        (b"no database", {}),
        (bytes(100_000), {}),
        (another_program(), {}),
        (None, {"schema": "0001"}),
        (None, {"documents": "many"}),
        (None, {"documents": None}),
        (None, {"documents": -1}),
        (None, {"generation": [1]}),
        (None, {"generation": 2**80}),
        (None, {"size": True}),
        (None, {"size": 2**62}),
        (bytes(50 * 2**20), {"size": 1000}),
    ],
)
def test_a_backup_that_means_harm_leaves_nothing_behind(
    backed_up: Path, tmp_path: Path, database: bytes | None, changes: dict[str, object]
) -> None:
    crafted(backed_up, tmp_path / "b", database, **changes)
    with pytest.raises(BackupError, match="is damaged, or is no backup"):
        SqliteBackend(tmp_path / "restored").restore(tmp_path / "b")
    assert not (tmp_path / "restored").exists()


def packed(method: int) -> Callable[[bytes], bytes]:
    """A backup whose entries are packed in another way, with a hole in the last of them."""

    def change(whole: bytes) -> bytes:
        made = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(whole)) as archive,
            zipfile.ZipFile(made, "w", method) as other,
        ):
            for name in archive.namelist():
                other.writestr(name, archive.read(name))
        data = made.getvalue()
        return data[: len(data) // 2] + bytes(40) + data[len(data) // 2 + 40 :]

    return change


def with_name_of_no_text(whole: bytes) -> bytes:
    """A list of entries that calls the first one's name UTF-8, which it is not."""
    place = whole.index(b"PK\1\2")
    data = bytearray(whole)
    data[place + 8 : place + 10] = (0x800).to_bytes(2, "little")
    data[place + 46] = 0xFF
    return bytes(data)


def with_list_elsewhere(whole: bytes) -> bytes:
    """An end that says that the list of entries begins before the file does."""
    place = whole.index(b"PK\5\6") + 16
    return whole[:place] + b"\xff" * 4 + whole[place + 4 :]


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "bzip2": packed(zipfile.ZIP_BZIP2),
    "lzma": packed(zipfile.ZIP_LZMA),
    "a name that is no text": with_name_of_no_text,
    "a list that is elsewhere": with_list_elsewhere,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_archive_that_zipfile_chokes_on_is_refused_as_damaged(
    backed_up: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "b").write_bytes(change(backed_up.read_bytes()))
    with pytest.raises(BackupError, match="is damaged, or is no backup"):
        SqliteBackend(tmp_path / "restored").restore(tmp_path / "b")
    assert not (tmp_path / "restored").exists()


def resealed(database: sqlite3.Connection) -> None:
    """Give what was changed the digests that it would have if a writer had written it."""
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    for row in cursor.execute(integrity.DOCUMENT).fetchall():
        columns = [row[name] for name in integrity._CONTENT]
        passages = database.execute(integrity._PASSAGES, (row["id"],))
        digests = (
            integrity._source_digest(row),
            layout.content_digest(columns, row["text"], passages),
            row["id"],
        )
        database.execute(
            "UPDATE document SET source_digest = ?, content_digest = ? WHERE id = ?", digests
        )
    for *label, _ in database.execute(integrity.LABELS).fetchall():
        database.execute("UPDATE label SET digest = ?", (layout.label_digest(*label),))
    tables = [database.execute(statement).fetchall() for statement in layout.ACCOUNT]
    database.execute("UPDATE corpus SET digest = ?", (layout.account_digest(tables),))


FORGERIES = {
    "a trigger": "CREATE TRIGGER evil AFTER INSERT ON document BEGIN DELETE FROM root; END",
    "a view": "CREATE VIEW evil AS SELECT 1",
    "a table as a view": (
        "ALTER TABLE label RENAME TO other; CREATE VIEW label AS SELECT * FROM other"
    ),
    "no table": "DROP TABLE keywords",
    "two corpora": (
        "INSERT INTO corpus SELECT 2, uuid, generation, created_at_ns, ingested_at_ns, digest, "
        "embedded, labels FROM corpus"
    ),
    "no revision": "DELETE FROM alembic_version",
    "a generation of text": "UPDATE corpus SET generation = 'many'",
    "the last generation": "UPDATE corpus SET generation = 9223372036854775807",
    "no dimension": "UPDATE encoding SET dim = 0",
    "a huge dimension": "UPDATE encoding SET dim = 1000000000000",
    "no tokens": "UPDATE encoding SET max_tokens = 0",
    "the last number": "UPDATE sqlite_sequence SET seq = 9223372036854775807",
    "a number of text": "UPDATE sqlite_sequence SET seq = 'x'",
    "a relative root": "UPDATE root SET path = x'2e2e'",
    "a rule that is no text": "UPDATE root SET exclude = '[1]'",
    "rules that are no list": "UPDATE root SET include = '{}'",
    "a relative exclusion": "INSERT INTO exclusion VALUES (x'')",
    "vectors elsewhere": "UPDATE published SET name = '../vectors-1.faiss'",
    "short vectors": "UPDATE vectors SET vectors = x'00'",
    "vectors of text": "UPDATE vectors SET vectors = 'abc'",
    "a path with NUL": (
        "UPDATE document SET path = x'2f002f612e747874', display = '/' || char(0) || '/a.txt'"
    ),
    "a relative path": "UPDATE document SET path = CAST('b/a.txt' AS BLOB), display = 'b/a.txt'",
    "metadata that is no object": "UPDATE document SET metadata = '[1]'",
    "metadata that is no JSON": "UPDATE document SET metadata = '{'",
    "a size below 0": "UPDATE document SET size = -1",
    "a moment out of time": "UPDATE document SET dated_ns = 9223372036854775807",
    "a place in a place": "UPDATE passage SET place = '{\"page\":{}}'",
    "an origin of nobody": "INSERT INTO label VALUES (1, 'x', 'evil', NULL, x'')",
}


@contextmanager
def forged(held: bytes, statement: str) -> Iterator[sqlite3.Connection]:
    """A database in memory that one who means harm has changed."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.deserialize(held)
        database.executescript(
            f"PRAGMA journal_mode = MEMORY; PRAGMA foreign_keys = OFF; {statement}"
        )
        with suppress(sqlite3.Error, TypeError, ValueError):  # where a digest can be had no more
            resealed(database)
        yield database


@pytest.fixture(scope="module")
def held(backed_up: Path) -> bytes:
    """The database in the backup of one document."""
    with zipfile.ZipFile(backed_up) as archive:
        return archive.read("corpus.db")


def test_the_database_of_a_backup_is_one_of_ours(held: bytes) -> None:
    for statement in ("", "CREATE TABLE statistics (x)"):  # as SQLite's own are added
        with forged(held, statement) as database:
            assert (restorable.strangeness(database), restorable.forgery(database)) == ("", "")


@pytest.mark.parametrize("statement", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_corpus_is_told_though_all_its_digests_hold(held: bytes, statement: str) -> None:
    with forged(held, statement) as database:
        assert restorable.strangeness(database) or restorable.forgery(database)


@pytest.mark.parametrize("name", ["a trigger", "short vectors", "a path with NUL"])
def test_nothing_is_left_of_a_forged_corpus(
    backed_up: Path, held: bytes, tmp_path: Path, name: str
) -> None:
    with forged(held, FORGERIES[name]) as database:
        crafted(backed_up, tmp_path / "b", database.serialize())
    with pytest.raises(BackupError, match="is no backup that searchapp made"):
        SqliteBackend(tmp_path / "restored").restore(tmp_path / "b")
    assert not (tmp_path / "restored").exists()


@pytest.mark.slow
def test_a_forged_corpus_of_an_earlier_schema_is_told_once_it_is_migrated(
    backed_up: Path, tmp_path: Path
) -> None:
    kept = gzip.decompress((TEST_DATA / "corpora/corpus-0003.db.gz").read_bytes())
    for statement in ("", "CREATE TRIGGER evil AFTER INSERT ON root BEGIN DELETE FROM root; END"):
        with forged(kept, statement) as database:
            crafted(backed_up, tmp_path / "b", database.serialize(), schema="0003")
        place = tmp_path / f"restored{len(statement)}"
        if not statement:
            SqliteBackend(place).restore(tmp_path / "b")
            continue
        with pytest.raises(BackupError, match="it has a trigger, evil"):
            SqliteBackend(place).restore(tmp_path / "b")
        assert not place.exists()
