"""A corpus that something else has changed is said to be damaged, with the cure, whatever reading
it ends in.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from searchapp.backends.reading import reading
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.errors import CorpusDamaged
from tests.builders.shelf import ENCODER, Shelf

pytestmark = pytest.mark.damages_corpus


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shelf = Shelf(tmp_path_factory.mktemp("sound") / "corpus")
    shelf.put("/lib/jaguar.md", "the jaguar hunts at night", "the jaguar swims well")
    shelf.put("/lib/car.md", "the jaguar is a fast car")
    return shelf.folder


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM document_text",
        "UPDATE passage SET headings = 'x'",
        "UPDATE passage SET place = 7",
        "UPDATE encoding SET dim = -1",
        "UPDATE vectors SET vectors = 7",
        "UPDATE document SET passages = 'x'",
        "UPDATE tally SET passages = 'x'",
    ],
)
def test_a_question_to_a_damaged_corpus_says_so(sound: Path, tmp_path: Path, change: str) -> None:
    shutil.copytree(sound, tmp_path / "corpus")
    with closing(sqlite3.connect(tmp_path / "corpus/corpus.db")) as database, database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute(change)
    corpus = Corpus(SqliteBackend(tmp_path / "corpus"), encoder=ENCODER)
    with pytest.raises(CorpusDamaged, match="damaged") as raised:
        corpus.query("jaguar", mode="hybrid")
    assert raised.value.hint.startswith("run: searchapp check")


def test_what_fails_beside_a_sound_corpus_is_what_it_is(sound: Path) -> None:
    with pytest.raises(KeyError), reading(SqliteBackend(sound)):
        raise KeyError
