"""`check --repair`: what is as it was written stays, the rest is read or embedded again where it
can be, and listed where not.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.salvage import salvage
from searchapp.corpus import Corpus
from searchapp.errors import CorpusDamaged, CorpusLocked, CorpusMissing
from searchapp.testing import HashEncoder
from searchapp.types.documents import Label
from searchapp.types.filters import Filters
from searchapp.types.results import RepairReport
from tests.builders.shelf import Shelf
from tests.torture import flips
from tests.torture.flips import ENCODER, contents, corpus_at

pytestmark = pytest.mark.damages_corpus

FLIPS = 30


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the corpus of twenty documents, each of a word of its own, of which the files
    of the last four are gone.
    """
    folder = tmp_path_factory.mktemp("made")
    flips.make(folder)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """The corpus, to be damaged."""
    return shutil.copytree(made / "corpus", tmp_path / "corpus")


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "corpus.db")) as database, database:
        assert database.execute(statement).rowcount


def repaired(folder: Path) -> RepairReport:
    found = corpus_at(folder).repair()
    assert found is not None
    assert check(folder, full=True) == []
    return found


def test_labels_stay_and_no_number_of_a_document_is_given_twice(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "corpus")
    for name in "abc":
        shelf.put(f"/{name}.md", f"text {name}")
    with closing(shelf.backend.writer()) as writer:
        known = writer.known_files(None)
        writer.set_labels(
            known[b"/a.md"].document_id, [Label("bill"), Label("late", "classifier", 0.5)]
        )
        writer.remove([known[b"/c.md"].document_id])
        writer.commit()
    salvage(shelf.folder, find_encoder=lambda: ENCODER.identity)
    shelf.put("/d.md", "text d")
    with closing(shelf.backend.writer()) as writer:
        after = writer.known_files(None)
    assert after[b"/d.md"].document_id > known[b"/c.md"].document_id
    with closing(shelf.backend.reader()) as reader:
        labels = dict(reader.labels())
    assert [label.name for label in labels[known[b"/a.md"].document_id]] == ["bill", "late"]


@pytest.mark.slow
def test_a_sound_corpus_is_left_alone(place: Path) -> None:
    before = (place / "corpus.db").read_bytes()
    assert corpus_at(place).repair() is None
    assert (place / "corpus.db").read_bytes() == before


def test_what_is_derived_is_derived_anew(place: Path) -> None:
    before = contents(place)
    change(place, "DELETE FROM keywords_idx")
    change(place, "UPDATE tally SET documents = 7")
    vectors_file = next(place.glob("vectors-*.faiss"))
    vectors_file.write_bytes(vectors_file.read_bytes()[:-1] + b"\xff")
    found = repaired(place)
    assert (found.documents, found.to_embed, found.to_read, found.lost) == (20, 0, [], [])
    assert contents(place) == before
    assert corpus_at(place).settings() == {"mode": "hybrid"}
    assert [
        match.hit.path.endswith(b"17.md") for match in corpus_at(place).query("word17", k=1).matches
    ] == [True]


def test_damaged_vectors_are_made_again_from_the_stored_text_though_the_file_is_gone(
    place: Path,
) -> None:
    before = contents(place)
    change(place, "UPDATE vectors SET vectors = zeroblob(length(vectors)) WHERE document_id = 18")
    assert [finding.is_lost for finding in check(place, full=True)] == [False]
    found = repaired(place)
    assert (found.documents, found.to_embed, found.lost) == (20, 1, [])
    assert contents(place) == before


@pytest.mark.slow
def test_a_damaged_text_is_read_again_where_its_file_stands_and_listed_where_not(
    made: Path, place: Path
) -> None:
    before = contents(place)
    for number in (3, 18):
        change(
            place, f"UPDATE document_text SET text = 'altered' || text WHERE document_id = {number}"
        )
    found = repaired(place)
    standing, gone = (os.fsencode(made / "docs" / name) for name in ("02.md", "17.md"))
    assert (found.documents, found.to_read, found.lost) == (18, [standing], [gone])
    assert contents(place) == {path: content for path, content in before.items() if path != gone}


@pytest.mark.slow
def test_a_damaged_record_of_a_file_costs_no_text(made: Path, place: Path) -> None:
    before = contents(place)
    for number in (3, 18):
        change(place, f"UPDATE document SET content_hash = x'00', inode = 7 WHERE id = {number}")
    found = repaired(place)
    assert (found.documents, found.to_read, found.lost) == (
        20,
        [os.fsencode(made / "docs/02.md")],
        [],
    )
    assert contents(place) == before


def test_the_corpus_as_it_was_found_is_kept_byte_for_byte(place: Path) -> None:
    change(place, "UPDATE document_text SET text = 'altered' WHERE document_id = 18")
    before = (place / "corpus.db").read_bytes()
    backup = Path(repaired(place).backup)
    assert backup.parent == place
    assert (backup / "corpus.db").read_bytes() == before
    assert (backup.stat().st_mode & 0o777, (backup / "corpus.db").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )
    assert corpus_at(backup).check(full=True)


def test_a_damaged_record_of_the_encoder_is_replaced_by_the_one_that_made_the_vectors(
    place: Path,
) -> None:
    change(place, "UPDATE encoding SET fingerprint = 'f' || substr(fingerprint, 2), model = 'x'")
    found = repaired(place)
    assert (found.documents, found.to_embed, found.lost) == (20, 0, [])
    with SqliteReader(place) as snapshot:
        assert snapshot.encoder == ENCODER.identity


def test_vectors_of_an_encoder_that_is_not_at_hand_are_never_given_to_another(place: Path) -> None:
    change(place, "UPDATE encoding SET fingerprint = 'g' || substr(fingerprint, 2)")
    before = (place / "corpus.db").read_bytes()
    other = Corpus(SqliteBackend(place), encoder=HashEncoder(dim=32))
    with pytest.raises(CorpusDamaged, match="record of the encoder"):
        other.repair()
    assert (place / "corpus.db").read_bytes() == before


def cut_in_half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def without_header(data: bytes) -> bytes:
    return bytes(100) + data[100:]


def with_a_lost_page(data: bytes) -> bytes:
    """The page in which the eighth text begins, overwritten."""
    start = data.index(b"Paragraph 7 about word7") // 4096 * 4096
    return data[:start] + bytes(4096) + data[start + 4096 :]


@pytest.mark.slow
@pytest.mark.parametrize("damage", [cut_in_half, without_header, with_a_lost_page])
def test_what_can_still_be_read_of_a_ruined_file_is_kept_and_the_rest_read_again(
    made: Path, place: Path, damage: Callable[[bytes], bytes]
) -> None:
    before = contents(place)
    (place / "corpus.db").write_bytes(damage((place / "corpus.db").read_bytes()))
    found = repaired(place)
    kept = contents(place)
    assert kept.items() <= before.items()
    assert len(kept) == found.documents + len(found.to_read)
    corpus_at(place).ingest([made / "docs"])  # what no list named any more
    standing = {path: content for path, content in before.items() if os.path.exists(path)}  # noqa: PTH110 - paths are bytes
    assert contents(place) == standing


@pytest.mark.parametrize(
    "which", [0, 1, 2]
)  # in the row, as a path and for display, and in the index
def test_a_changed_path_is_known_from_where_else_it_stands(place: Path, which: int) -> None:
    before = contents(place)
    parts = (place / "corpus.db").read_bytes().split(b"/docs/17.md")
    assert len(parts) == 4
    names = [b"/docs/q7.md" if number == which else b"/docs/17.md" for number in range(3)]
    (place / "corpus.db").write_bytes(
        b"".join(part + name for part, name in zip(parts, [*names, b""], strict=True))
    )
    found = repaired(place)
    assert (found.documents, found.lost, contents(place)) == (20, [], before)


@pytest.mark.slow
def test_documents_whose_very_paths_are_lost_are_read_from_the_remembered_folders(
    made: Path, place: Path
) -> None:
    before = contents(place)
    data = bytearray((place / "corpus.db").read_bytes())
    start = data.index(b"CREATE TABLE corpus (") // 4096 * 4096
    data[start + 23] ^= 2  # where the page with the names of tables says that one of them is
    (place / "corpus.db").write_bytes(data)
    found = repaired(place)
    standing = {path: content for path, content in before.items() if os.path.exists(path)}  # noqa: PTH110 - paths are bytes
    assert (made / "docs").is_dir()
    assert contents(place) == standing
    assert found.lost == [b""] * (len(before) - len(standing))


@pytest.mark.slow
def test_every_flipped_bit_is_found_and_repaired_and_no_document_with_a_file_is_lost() -> None:
    found = flips.sweep(FLIPS, seed=5)
    assert found.defects == []
    assert found.outcomes["repaired"] > FLIPS / 2


def test_a_corpus_that_is_being_written_is_not_repaired(place: Path) -> None:
    change(place, "UPDATE document_text SET text = 'altered' WHERE document_id = 18")
    lock = Lock(place)
    try:
        with pytest.raises(CorpusLocked):
            corpus_at(place).repair()
    finally:
        lock.release()


def test_readers_of_the_damaged_corpus_are_not_disturbed(place: Path) -> None:
    change(place, "UPDATE document_text SET text = 'altered' WHERE document_id = 18")
    with SqliteReader(place) as snapshot:
        rows = list(snapshot.rows(Filters()))
        repaired(place)
        assert list(snapshot.rows(Filters())) == rows
        assert np.isfinite(snapshot.vectors_of(np.array([20, 21]))).all()


def test_a_corpus_without_its_database_cannot_be_repaired(place: Path) -> None:
    (place / "corpus.db").unlink()
    with pytest.raises(CorpusDamaged, match="the database of the corpus") as caught:
        SqliteBackend(place).repair(lambda: None)
    assert "restore a backup" in caught.value.hint
    for file in place.glob("vectors-*"):
        file.unlink()
    with pytest.raises(CorpusMissing):
        SqliteBackend(place).repair(lambda: None)


def test_a_corpus_of_an_earlier_schema_is_brought_up_to_date_first(place: Path) -> None:
    change(place, "UPDATE alembic_version SET version_num = '0004'")
    before = (place / "corpus.db").read_bytes()
    with pytest.raises(CorpusDamaged, match="earlier schema 0004") as caught:
        SqliteBackend(place).repair(lambda: None)
    assert "searchapp ingest" in caught.value.hint
    assert (place / "corpus.db").read_bytes() == before


def test_what_a_killed_repair_left_goes_with_the_next(place: Path) -> None:
    (place / ".repair-x/old").mkdir(parents=True)
    change(place, "UPDATE tally SET documents = 7")
    repaired(place)
    assert not list(place.glob(".repair-*"))


@pytest.mark.slow
def test_passages_that_are_not_the_documents_own_are_not_kept(made: Path, place: Path) -> None:
    change(
        place,
        "UPDATE passage SET id = 9999 WHERE document_id = 3 AND start = (SELECT min(start) FROM "
        "passage WHERE document_id = 3)",
    )
    before = contents(place)
    found = repaired(place)
    assert (found.to_read, found.lost) == ([os.fsencode(made / "docs/02.md")], [])
    assert contents(place).keys() == before.keys()


def test_of_two_documents_that_claim_a_place_one_is_kept(place: Path) -> None:
    with closing(sqlite3.connect(place / "corpus.db")) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("DELETE FROM sqlite_master WHERE name = 'sqlite_autoindex_document_1'")
        database.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ', \n\tUNIQUE (path)', '') WHERE name = "
            "'document'"
        )
    with closing(sqlite3.connect(place / "corpus.db")) as database, database:
        database.execute(
            "UPDATE document SET path = (SELECT path FROM document WHERE id = 18) WHERE id = 19"
        )
    before = contents(place)
    found = repaired(place)
    assert (found.documents, len(found.lost)) == (19, 1)
    assert contents(place).keys() == before.keys()


def test_settings_that_make_no_sense_are_left_out_and_said(place: Path) -> None:
    change(place, "UPDATE setting SET value = x'ff00'")
    change(place, "UPDATE root SET include = 'no json'")
    found = repaired(place)
    assert corpus_at(place).settings() == {}
    assert corpus_at(place).status().roots == ()
    assert "searchapp status" in found.notes[0]


@pytest.mark.slow
def test_a_corpus_without_any_readable_document_keeps_its_encoder(place: Path) -> None:
    with closing(sqlite3.connect(place / "corpus.db")) as database, database:
        database.execute("DELETE FROM document_text")
        database.execute("UPDATE encoding SET max_tokens = 7")
    found = repaired(place)
    assert (found.documents, len(found.lost)) == (0, 4)
    assert len(found.to_read) == 16
    with SqliteReader(place) as snapshot:
        assert snapshot.encoder == ENCODER.identity
