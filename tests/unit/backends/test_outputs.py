"""An output takes the place of no file of a corpus, of no document, and of nothing that is read."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from searchapp.backends.outputs import require_output
from searchapp.backends.sqlite import backup
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.lock import Lock
from searchapp.corpus import Corpus
from searchapp.errors import UsageError
from searchapp.testing import HashEncoder
from tests.builders.house import HereCorpus

OUTPUTS: dict[str, Callable[[Corpus, Path], object]] = {
    "export": Corpus.export,
    "backup": Corpus.back_up,
    "pages": Corpus.require_output,
}
OWN = ("corpus.db", "corpus.db-wal", "lock", "reserve", "vectors", "classifier.npz")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents in a folder, one in an archive, and their corpus; no test changes them."""
    folder = tmp_path_factory.mktemp("outputs")
    documents = folder / "docs"
    documents.mkdir()
    (documents / "plain.txt").write_text("a document")
    (documents / "un[read].txt").write_bytes(b"")
    with zipfile.ZipFile(documents / "packed.zip", "w") as archive:
        archive.writestr("inner.txt", "a document in an archive")
    (folder / "link.txt").symlink_to("docs/plain.txt")
    corpus = HereCorpus(SqliteBackend(folder / "corpus"), encoder=HashEncoder())
    corpus.ingest([documents])
    for name in ("classifier.npz", "corpus.db-wal"):
        (folder / "corpus" / name).touch()
    return folder


def corpus_of(made: Path) -> Corpus:
    return Corpus(SqliteBackend(made / "corpus"), encoder=HashEncoder())


def unchanged(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith("-shm")
    }


@pytest.mark.parametrize("write", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize("name", OWN)
def test_the_files_of_a_corpus_are_refused(
    made: Path, write: Callable[[Corpus, Path], object], name: str
) -> None:
    vectors = next((made / "corpus").glob("vectors-*")).name
    before = unchanged(made)
    file = made / "corpus" / (vectors if name == "vectors" else name)
    with pytest.raises(UsageError, match="is a file of a corpus"):
        write(corpus_of(made), file)
    assert unchanged(made) == before


@pytest.mark.parametrize("write", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize("name", ["docs/plain.txt", "link.txt", "docs/packed.zip", "docs/../docs"])
def test_a_document_and_a_folder_are_refused(
    made: Path, write: Callable[[Corpus, Path], object], name: str
) -> None:
    before = unchanged(made)
    with pytest.raises(UsageError, match=r"is a document of the corpus|it is a folder"):
        write(corpus_of(made), made / name)
    assert unchanged(made) == before


def test_a_corpus_that_is_not_asked_is_safe_too(made: Path) -> None:
    with pytest.raises(UsageError, match="is a file of a corpus"):
        require_output(made / "corpus/corpus.db")


def test_what_is_read_is_refused_and_a_text_is_no_file(made: Path) -> None:
    read = made / "docs/un[read].txt"
    require_output(read, inputs=[Path("a text " * 1000), made / "none"])
    with pytest.raises(UsageError, match="is what is read"):
        require_output(read, inputs=[read])


def test_a_file_beside_documents_may_be_replaced(made: Path, tmp_path: Path) -> None:
    require_output(made / "docs/un[read].txt", SqliteBackend(made / "corpus"))
    require_output(made / "corpus/mine.zip", SqliteBackend(made / "corpus"))
    require_output(made / "corpus/mine.zip", SqliteBackend(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_an_export_to_standard_output_is_one(
    made: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert corpus_of(made).export(Path("-")) == 2
    lines = gzip.decompress(capfdbinary.readouterr().out).splitlines()
    assert json.loads(lines[-1])["documents"] == 2


def test_a_backup_to_standard_output_is_one(
    made: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    names = set((made / "corpus").iterdir())
    corpus_of(made).back_up(Path("/dev/stdout"))
    assert set((made / "corpus").iterdir()) == names
    (tmp_path / "backup").write_bytes(capfdbinary.readouterr().out)
    lock = Lock(tmp_path / "restored")
    backup.restore(tmp_path / "backup", tmp_path / "restored")
    lock.release()
