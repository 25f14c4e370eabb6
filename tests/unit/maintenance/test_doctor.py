"""The doctor tells what is, finds what is wrong with its cure, and changes nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.config import Settings
from searchapp.encoders import bert_kernel
from searchapp.errors import CorpusUnwritable
from searchapp.filesystem import atomic_write
from searchapp.maintenance.doctor import diagnose
from searchapp.output.reports import diagnosis_json, diagnosis_text
from searchapp.testing import MemoryBackend
from searchapp.types.results import Diagnosis
from tests.builders.corpora import add, document, unit

SECTIONS = ["program", "sqlite", "processor", "isolation", "model", "corpus", "disk"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with SqliteWriter(tmp_path / "corpus") as writer:
        add(writer, "/nowhere/1.txt", document(3), unit(3))
        add(writer, "/nowhere/2.txt", document(3))
        writer.finish()
    return tmp_path / "corpus"


def diagnosis(folder: Path, model_cache: Path) -> Diagnosis:
    return diagnose(Settings(str(folder), "default", model_cache))


def facts(found: Diagnosis, section: str) -> dict[str, str]:
    return dict(found.sections[section])


def test_everything_there_is_to_know_is_on_one_page(folder: Path, model_cache: Path) -> None:
    found = diagnosis(folder, model_cache)
    assert list(found.sections) == SECTIONS
    why_not = bert_kernel.why_not()
    kernel = f"not used: {why_not}" if why_not else "BERT in bf16"
    assert facts(found, "processor")["kernel"] == kernel
    assert facts(found, "sqlite")["version"] == sqlite3.sqlite_version
    assert list(facts(found, "isolation")) == ["files", "system calls"]
    assert all(facts(found, "isolation").values())
    assert facts(found, "corpus")["documents"] == "2, 6 passages (generation 1)"
    assert facts(found, "corpus")["waiting"] == "1 pending, 0 stale"
    assert facts(found, "model")["model.safetensors"].startswith("SHA-256 53aa51172d")
    assert facts(found, "disk")["file system"] == atomic_write.filesystem(folder)
    assert [problem.what[:36] for problem in found.problems] == [
        "the model 'default' is not the one t"
    ]
    assert diagnosis_text(found).count("\n") < 60
    assert list(diagnosis_json(found)) == [*SECTIONS, "problems"]


def test_where_there_is_no_corpus_yet_nothing_is_wrong_and_nothing_is_made(
    tmp_path: Path, model_cache: Path
) -> None:
    found = diagnosis(tmp_path / "none", model_cache)
    assert (facts(found, "corpus")["state"], found.problems) == ("there is none yet", [])
    assert list(tmp_path.iterdir()) == []
    assert diagnosis_text(found).endswith("nothing is wrong\n")


@pytest.mark.damages_corpus
def test_a_damaged_corpus_is_a_problem_with_its_cure(folder: Path, model_cache: Path) -> None:
    with closing(sqlite3.connect(folder / "corpus.db")) as database, database:
        database.execute("DELETE FROM document_text WHERE document_id = 1")
    assert ("/nowhere/1.txt: passages or vectors are missing", "run: searchapp check --repair") in [
        (problem.what, problem.hint) for problem in diagnosis(folder, model_cache).problems
    ]


@pytest.mark.damages_corpus
def test_a_database_that_is_none_does_not_stop_the_rest(folder: Path, model_cache: Path) -> None:
    (folder / "corpus.db").write_bytes(b"no database " * 1000)
    found = diagnosis(folder, model_cache)
    assert list(found.sections) == SECTIONS
    assert any("damaged" in problem.what and problem.hint for problem in found.problems)


def test_a_kernel_that_was_not_asked_for_is_not_used(
    folder: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCHAPP_ENGINE", "openvino")
    told = facts(diagnosis(folder, model_cache), "processor")["kernel"]
    assert told == "not used: SEARCHAPP_ENGINE is openvino"


def test_a_corpus_that_others_may_read_is_a_problem(folder: Path, model_cache: Path) -> None:
    (folder / "corpus.db").chmod(0o644)
    assert any(
        "searchapp doctor --fix" in problem.hint
        for problem in diagnosis(folder, model_cache).problems
    )


def test_a_model_that_is_not_there_is_a_problem(folder: Path, tmp_path: Path) -> None:
    found = diagnose(Settings(str(folder), str(tmp_path / "gone"), tmp_path))
    assert any(problem.what.startswith("model: ") and problem.hint for problem in found.problems)


def mounts(monkeypatch: pytest.MonkeyPatch, *pairs: tuple[Path, str]) -> None:
    """Have the system say what is mounted where."""
    partition = type("partition", (), {})
    told = []
    for mountpoint, fstype in ((Path("/"), "ext4"), *pairs):
        one = partition()
        one.mountpoint, one.fstype = str(mountpoint), fstype
        told.append(one)
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: told)


@pytest.mark.parametrize(
    "kind", ["nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone", "ceph"]
)
def test_a_corpus_on_a_network_file_system_is_refused_with_the_cure(
    folder: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    mounts(monkeypatch, (folder.parent, kind))
    with pytest.raises(CorpusUnwritable, match=kind) as caught:
        Lock(folder)
    assert "--corpus" in caught.value.hint
    with SqliteReader(folder) as snapshot:  # to read it is safe
        assert snapshot.counts()[0] == 2
    assert any(kind in problem.what for problem in diagnosis(folder, model_cache).problems)


def test_the_innermost_mount_counts_and_the_last_of_several_at_one_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts(
        monkeypatch, (folder.parent.parent, "nfs"), (folder.parent, "nfs"), (folder.parent, "xfs")
    )
    assert atomic_write.filesystem(folder / "not" / "there") == "xfs"
    assert not atomic_write.is_network("xfs")
    assert not atomic_write.is_network("fuse.ntfs-3g")


def test_the_kind_of_file_system_is_what_the_system_says() -> None:
    if not os.path.isdir("/proc/self"):  # noqa: PTH112 - not everywhere
        pytest.skip("no /proc here")
    assert atomic_write.filesystem(Path("/proc/self")) == "proc"


def test_of_a_backend_that_cannot_be_checked_the_doctor_says_so_and_never_that_nothing_is_wrong(
    model_cache: Path,
) -> None:
    backend = MemoryBackend()
    with closing(backend.writer()) as writer:
        add(writer, "/nowhere/1.txt", document(3), unit(3))
        writer.finish()
    found = diagnose(Settings("memory:doctor", "default", model_cache), backend)
    assert list(found.sections) == ["program", "processor", "isolation", "model", "corpus", "disk"]
    assert facts(found, "corpus")["documents"] == "1, 3 passages (generation 1)"
    assert "nothing tells whether a corpus in MemoryBackend is sound" in [
        problem.what for problem in found.problems
    ]
    assert all(problem.hint for problem in found.problems)
