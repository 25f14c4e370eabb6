"""A corpus made before the modules moved into rooms is taken as it is: with readers of the versions
of then no file is read again, and nothing is embedded.

It holds a file of every kind, and is made by `tests.builders.before_rooms`. The files are put back
in a folder of the test's own, and the corpus is told through its writer that they have always been
there: what it recorded of how they were read stays as it was.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.extract import registry
from searchapp.extract.sandbox.pool import ExtractionPool
from searchapp.extract.sandbox.reading import Extracted
from searchapp.ingest.pipeline import Ingest
from searchapp.testing import HashEncoder
from searchapp.types.documents import FileIdentity, Root, Source, Unindexed, containers_of
from searchapp.types.protocols import Encoder, Writer
from searchapp.types.results import IngestReport
from tests.paths import TEST_DATA

BEFORE = TEST_DATA / "corpora" / "before_rooms"
MADE_AT = b"/before-rooms/files"
UNREADABLE = {"broken.docx": "failed", "empty.txt": "skipped", "noise.bin": "skipped"}
_READERS_SINCE = {  # that were made
    *("roff", "bibtex", "calendar", "contacts", "hangul", "drawings", "fixed"),
    *("iwork", "mobi", "svg", "sqlite", "parquet", "heic", "evernote", "djvu", "plist"),
}
UNREADABLE_MEMBERS = {"lamps.zip!/empty.md": "skipped"}


class CountingExtractor:
    """Reads as ever, and remembers what it was asked for."""

    def __init__(self, pool: ExtractionPool) -> None:
        self.pool, self.asked = pool, list[bytes]()
        self.lost_s = 0.0

    def submit(
        self, path: bytes, refused: Mapping[bytes, Unindexed], *, with_secrets: bool = False
    ) -> Future[list[Extracted]]:
        self.asked.append(path)
        return self.pool.submit(path, refused, with_secrets=with_secrets)


class Opened:
    """Opens an encoder, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *, bulk: bool) -> Encoder:  # noqa: ARG002 - the seam's name
        self.times += 1
        return HashEncoder(dim=16)


@pytest.fixture
def corpus(tmp_path: Path) -> SqliteBackend:
    """The corpus of then and its files, the files in another folder than they were in."""
    with zipfile.ZipFile(BEFORE / "files.zip") as archive:
        archive.extractall(tmp_path / "files")
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "corpus.db").write_bytes(gzip.decompress((BEFORE / "corpus.db.gz").read_bytes()))
    with closing(sqlite3.connect(folder / "corpus.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")  # which a vacuumed copy has lost
    return SqliteBackend(folder)


@pytest.fixture
def readers_of_then(corpus: SqliteBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The readers have the versions that the corpus has recorded."""
    with closing(corpus.writer()) as writer:
        sources = [known.source for known in writer.known_files().values()]
        sources += [entry.source for entry in writer.unindexed().values() if entry.source]
        recorded = dict(source.extractor.split("+")[0].split("/") for source in sources)
    for kind, reader in list(registry.READERS.items()):
        if version := recorded.get(reader.name):
            then = replace(reader, version=int(version))
            monkeypatch.setitem(registry.READERS, kind, then)
    text = replace(registry._TEXT, version=int(recorded["text"]))
    monkeypatch.setattr(registry, "_TEXT", text)
    monkeypatch.setattr(registry, "DETECTOR_VERSION", int(recorded["detect"]))
    monkeypatch.setattr(registry, "_current_extractors", registry._current_extractors.__wrapped__)


def put_back(writer: Writer, files: Path) -> None:
    """Have the corpus remember the files where they are now, otherwise as it does."""
    for known in writer.known_files().values():
        writer.relocate(known.document_id, moved(known.source, files))
    refused = [
        replace(entry, path=moved(entry.source, files).path, source=moved(entry.source, files))
        for entry in writer.unindexed().values()
        if entry.source
    ]
    writer.set_unindexed([MADE_AT, os.fsencode(files)], refused)
    writer.forget_roots(MADE_AT)
    writer.set_root(Root(os.fsencode(files)))
    writer.commit()


def moved(source: Source, files: Path) -> Source:
    """A source with the path and the identity of its file in another folder."""
    path = source.path.replace(MADE_AT, os.fsencode(files))
    on_disk = next((place for place in (path, *containers_of(path)) if os.path.exists(place)), path)  # noqa: PTH110 - bytes
    extractor = source.extractor if find_spec("rapidocr") else source.extractor.split("+")[0]
    identity = FileIdentity.of(os.stat(on_disk))  # noqa: PTH116 - bytes
    return replace(source, path=path, identity=identity, extractor=extractor)


def ingest_again(
    backend: SqliteBackend, files: Path, *, move: bool = True
) -> tuple[IngestReport, list[str], int]:
    """Ingest the folder: the report, the files that were read, by name, and how often an encoder
    was opened.
    """
    opened = Opened()
    with ExtractionPool(2) as pool, closing(backend.writer()) as writer:
        if move:
            put_back(writer, files)
        extractor = CountingExtractor(pool)
        report = Ingest(writer, extractor, opened).run([Root(os.fsencode(files))])
    return report, [name(path, files) for path in extractor.asked], opened.times


def name(path: bytes, files: Path) -> str:
    return os.fsdecode(path).removeprefix(f"{files}/")


@pytest.mark.slow
@pytest.mark.usefixtures("readers_of_then")
def test_a_corpus_made_before_is_not_read_again(corpus: SqliteBackend, tmp_path: Path) -> None:
    files = tmp_path / "files"
    report, read, opened = ingest_again(corpus, files)
    assert (read, opened) == ([], 0)
    assert report.passages_embedded == 0
    outcomes = {name(file.path, files): file.outcome for file in report.files}
    left_out = UNREADABLE | UNREADABLE_MEMBERS
    assert {path: outcome for path, outcome in outcomes.items() if outcome != "unchanged"} == (
        left_out
    )
    on_disk = {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()}
    assert on_disk <= outcomes.keys()


@pytest.mark.slow
@pytest.mark.usefixtures("readers_of_then")
def test_a_reader_of_a_higher_version_reads_its_files_again(
    corpus: SqliteBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = registry.READERS
    raised = replace(readers["rst"], version=readers["rst"].version + 1)
    monkeypatch.setitem(readers, "rst", raised)
    report, read, _ = ingest_again(corpus, tmp_path / "files")
    assert read == ["lamps.rst"]
    assert report.passages_embedded == 0


@pytest.mark.slow  # a reader migrates in a process of its own
def test_the_corpus_made_before_has_a_document_of_every_reader(corpus: SqliteBackend) -> None:
    with closing(corpus.reader()) as reader:
        recorded = {extractor.split("/")[0] for _, extractor, _, _ in reader.versions()}
    wanted = {reader.name for reader in registry.READERS.values() if reader.is_document}
    assert recorded == (wanted - _READERS_SINCE) | {"text"}


@pytest.mark.slow
@pytest.mark.usefixtures("readers_of_then")
def test_of_files_that_were_copied_elsewhere_archives_alone_are_read(
    corpus: SqliteBackend, tmp_path: Path
) -> None:
    files = tmp_path / "files"
    report, read, _ = ingest_again(corpus, files, move=False)
    assert set(read) == {"letters.mbox", "lamps.zip", "lamps.tar", "note.md.gz"}
    assert report.passages_embedded == 0
    outcomes = Counter(file.outcome for file in report.files)
    containers = 4  # which are no documents: they are "indexed" anew, their members have moved
    assert outcomes == {
        "moved": len(report.files) - containers - 4,
        "indexed": containers,
        "skipped": 3,
        "failed": 1,
    }
