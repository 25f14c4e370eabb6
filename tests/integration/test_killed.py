"""Whatever command is killed, at whatever rename or deletion: forgetting leaves no byte of the text
in the corpus, in the temporary folder, or beside what was written.

The victims are forked, and end without a word at one of the calls that name or unname files. What a
command was asked to write is its user's, and not looked into.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.cli import console
from searchapp.testing import HashEncoder
from searchapp.types.filters import Filters
from searchapp.types.vectors import EncoderIdentity
from tests.builders.house import HereCorpus

pytestmark = pytest.mark.slow

SECRET = b"zyzzyva"
CALLS = ("rename", "replace", "unlink", "remove", "rmdir")
KILLED = 9  # what a victim returns


def corpus_at(place: Path) -> HereCorpus:
    return HereCorpus(SqliteBackend(place / "corpus"), encoder=HashEncoder())


def restore(place: Path) -> None:
    shutil.rmtree(place / "corpus")
    SqliteBackend(place / "corpus").restore(place / "made.backup")


def take_in(place: Path) -> None:
    shutil.rmtree(place / "corpus")
    corpus_at(place).import_documents(place / "made.export")


def repair(place: Path) -> None:
    with (place / "corpus/corpus.db").open("r+b") as file:
        file.seek(4096 * 3)
        file.write(bytes(2000))
    corpus_at(place).repair()


def swap(place: Path) -> None:
    """Another encoding is built and takes the place of the current one, which is kept."""
    identity = EncoderIdentity("other", "a" * 64, 24, 256)
    new = SqliteBackend(place / "corpus").new_encoding(identity)
    with closing(new.backend.writer()) as writer:
        writer.set_encoder(identity)
        with closing(SqliteBackend(place / "corpus").reader()) as reader:
            for stored in reader.stored(Filters()):
                writer.replace(stored.source, stored.document, stored.passages)
        writer.commit()
    new.lock().put_in_place(keep=True, on_step=lambda _: None)


COMMANDS: dict[str, Callable[[Path], object]] = {
    "backup": lambda place: corpus_at(place).back_up(place / "out/made"),
    "export": lambda place: corpus_at(place).export(place / "out/made"),
    "map": lambda place: console.write_page(
        place / "out/made", SECRET.decode(), corpus=place / "corpus"
    ),
    "restore": restore,
    "import": take_in,
    "repair": repair,
    "remove": lambda place: corpus_at(place).remove([str(place / "docs/0.md")]),
    "forget": lambda place: corpus_at(place).forget([str(place / "docs/secret.md")]),
    "ingest": lambda place: (
        (place / "docs/0.md").write_text("changed"),
        corpus_at(place).ingest([place / "docs"]),
    ),
    "model": swap,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, a backup and an export of it, that hold a secret, to be copied to `place`."""
    place = tmp_path_factory.mktemp("killed") / "place"
    place.mkdir()
    for name in ("docs", "out", "tmp"):
        (place / name).mkdir()
    for i in range(3):
        (place / f"docs/{i}.md").write_text(f"# Plain {i}\n\nwords of document {i}\n")
    (place / "docs/secret.md").write_text("the zyzzyva is a weevil\n\n" * 30)
    (place / "out/made").write_text("from before")
    corpus = corpus_at(place)
    corpus.ingest([place / "docs"])
    corpus.back_up(place / "made.backup")
    corpus.export(place / "made.export")
    return place.rename(place.with_name("kept"))


def killed(command: Callable[[Path], object], place: Path, call: int) -> bool:
    """Run a command in a process that ends at that call of those in CALLS, if there are as many;
    whether it did.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with patch.dict(os.environ, TMPDIR=str(place / "tmp")):
                tempfile.tempdir = None
                _arm(call)
                command(place)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in {0, KILLED}, "the command failed of itself"
    return code == KILLED


def _arm(call: int) -> None:
    left = call

    def counted(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def counting(*words: object, **options: object) -> object:
            nonlocal left
            if left == 0:
                os._exit(KILLED)
            left -= 1
            return real(*words, **options)

        return counting

    for name in CALLS:
        setattr(os, name, counted(name))


def traces(place: Path) -> list[str]:
    """The files that hold the secret, or are still in the making."""
    return [
        str(path.relative_to(place))
        for path in _below(place / "corpus", place / "out", place / "tmp")
        if path != place / "out/made"
        and (".searchapp-" in str(path) or SECRET in path.read_bytes().lower())
    ]


def _below(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.damages_corpus
@pytest.mark.parametrize("name", COMMANDS)
def test_forgetting_after_a_kill_leaves_no_byte(made: Path, name: str) -> None:
    place = made.with_name("place")  # where its documents are known to be
    for call in range(1000):
        shutil.copytree(made, place)
        try:
            is_over = not killed(COMMANDS[name], place, call)
            corpus = corpus_at(place)
            if name == "repair":
                corpus.repair()
            corpus.init()  # where there is none yet
            corpus.forget([os.fsdecode(row.path) for row in corpus.documents(name="secret")])
            assert traces(place) == []
            assert check(place / "corpus", full=True) == []
        finally:
            shutil.rmtree(place)
        if is_over:
            assert call > 0, "the command names and deletes no file"
            return
