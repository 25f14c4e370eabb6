"""An export carries documents and vectors to another corpus, whole or refused, and nothing is
embedded again.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.corpus import Corpus
from searchapp.errors import BackupError, CorpusEmpty, OtherEncoder
from searchapp.testing import HashEncoder
from searchapp.types.filters import Filters
from tests.builders.house import HereCorpus

FLIPS = 40


class Stubborn(HashEncoder):
    """An encoder that answers questions and embeds no passage."""

    def encode_passages(self, texts: Any) -> Any:
        raise AssertionError(f"{len(texts)} passages were embedded again")


def corpus_at(folder: Path, encoder: HashEncoder | None = None) -> Corpus:
    return HereCorpus(SqliteBackend(folder), encoder=encoder or HashEncoder())


@pytest.fixture
def made(tmp_path: Path) -> Path:
    documents = tmp_path / "docs"
    documents.mkdir()
    for i in range(6):
        (documents / f"{i}.md").write_text(
            f"---\nauthor: Ann\n---\n# Title {i}\n\nword{i} of many\n\nword{i + 1}\n",
            encoding="utf-8",
        )
    (documents / "caf\udce9.txt").write_text("a name that is no text", encoding="utf-8")
    corpus_at(tmp_path / "corpus").ingest([documents])
    return tmp_path


def moved(old: Path, new: Path) -> Callable[[bytes], bytes]:
    return lambda path: path.replace(bytes(old), bytes(new))


def test_documents_answer_at_their_new_place_and_the_next_ingest_finds_them_unchanged(
    made: Path,
) -> None:
    assert Corpus.open(made / "corpus").export(made / "e") == 7
    assert (made / "e").stat().st_mode & 0o777 == 0o600
    there = made / "there"
    shutil.copytree(made / "docs", there)
    other = corpus_at(made / "other", Stubborn())
    assert other.import_documents(made / "e", moved=moved(made / "docs", there)) == {
        "imported": 7,
        "unchanged": 0,
        "kept": 0,
    }
    here = corpus_at(made / "corpus")
    for question in ("word3", "many", "name"):
        before = [
            (match.hit.path.replace(b"/docs/", b"/there/"), match.score)
            for match in here.query(question).matches
        ]
        assert [(match.hit.path, match.score) for match in other.query(question).matches] == before
    assert [row.path for row in other.documents(Filters(where=(("author", "ann"),)))] == [
        bytes(there / f"{i}.md") for i in range(6)
    ]
    report = other.ingest()
    assert report.counts() == {"unchanged": 7}


def test_importing_twice_changes_nothing_and_a_later_file_is_kept(made: Path) -> None:
    Corpus.open(made / "corpus").export(made / "e")
    other = corpus_at(made / "other", Stubborn())
    other.import_documents(made / "e")
    generation = other.status().generation
    assert other.import_documents(made / "e") == {"imported": 0, "unchanged": 7, "kept": 0}
    assert other.status().generation == generation
    (made / "docs/3.md").write_text("changed since", encoding="utf-8")
    here = corpus_at(made / "corpus")
    here.ingest()
    assert here.import_documents(made / "e") == {"imported": 0, "unchanged": 6, "kept": 1}
    Corpus.open(made / "corpus").export(made / "e")
    assert other.import_documents(made / "e") == {"imported": 1, "unchanged": 6, "kept": 0}
    assert other.query("changed since").matches[0].hit.text == "changed since"


def test_a_pending_document_arrives_pending(made: Path) -> None:
    from tests.builders.corpora import add, document

    with SqliteWriter(made / "pending") as writer:
        add(writer, "/x.txt", document(2))
        writer.commit()
    Corpus.open(made / "pending").export(made / "e")
    corpus = Corpus(SqliteBackend(made / "other"), cache=made)
    corpus.import_documents(made / "e")
    assert corpus.status().pending == 1


def test_another_encoder_is_refused_and_nothing_is_changed(made: Path) -> None:
    Corpus.open(made / "corpus").export(made / "e")
    other = corpus_at(made / "other", HashEncoder(dim=32))
    other.ingest([made / "docs"])
    generation = other.status().generation
    with pytest.raises(OtherEncoder):
        other.import_documents(made / "e")
    assert other.status().generation == generation


def is_same(data: bytes, whole: bytes) -> bool:
    """Whether damaged gzip data still unpacks to the same."""
    try:
        return gzip.decompress(data) == gzip.decompress(whole)
    except (OSError, EOFError, zlib.error):
        return False


def test_an_export_that_is_not_whole_is_refused_before_anything_is_changed(made: Path) -> None:
    Corpus.open(made / "corpus").export(made / "e")
    whole = (made / "e").read_bytes()
    rng = random.Random(4)
    damaged = [whole[:length] for length in (0, 1, 20, len(whole) // 2, -1)]
    for _ in range(FLIPS):
        flipped = bytearray(whole)
        flipped[rng.randrange(10, len(whole))] ^= 1 << rng.randrange(8)
        damaged.append(bytes(flipped))
    damaged.append(b"no gzip at all")
    for data in damaged:
        (made / "e").write_bytes(data)
        if is_same(data, whole):  # a bit that fills up the last byte, say
            continue
        with pytest.raises(BackupError) as caught:
            corpus_at(made / "other").import_documents(made / "e")
        assert caught.value.hint
    assert not (made / "other").exists()


def test_a_changed_line_is_told_by_the_checksum_though_the_file_unpacks(made: Path) -> None:
    Corpus.open(made / "corpus").export(made / "e")
    (made / "e").write_bytes(
        gzip.compress(gzip.decompress((made / "e").read_bytes()).replace(b"word3", b"word9", 1))
    )
    with pytest.raises(BackupError, match="damaged"):
        corpus_at(made / "other").import_documents(made / "e")
    assert not (made / "other").exists()


def rewritten(file: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the lines of an export and seal it anew, as a program that means harm would."""
    import hashlib

    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()][:-1]
    change(lines)
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    last = {
        "documents": len(lines) - 1,
        "blake2b": hashlib.blake2b(data, digest_size=32).hexdigest(),
    }
    file.write_bytes(gzip.compress(data + json.dumps(last).encode() + b"\n"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1].update(vectors="AAAA"),
        lambda lines: lines[1].update(passages=[[0, 10**9, [], {}]]),
        lambda lines: lines[1].update(passages=[]),
        lambda lines: lines[1].pop("path"),
        lambda lines: lines[0].update(format="searchapp-export/2"),
        lambda lines: lines[0].update(format="else"),
        lambda lines: lines[0].pop("encoder"),
        lambda lines: lines[0]["encoder"].update(evil=1),
        lambda lines: lines[1].update(content_hash="zz"),
        lambda lines: lines[1].update(size="big"),
    ],
)
def test_an_export_that_makes_no_sense_is_refused_though_its_checksum_holds(
    made: Path, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    Corpus.open(made / "corpus").export(made / "e")
    rewritten(made / "e", change)
    with pytest.raises(BackupError):
        corpus_at(made / "other").import_documents(made / "e")


def test_what_cannot_be_exported_or_read_is_said(made: Path) -> None:
    with pytest.raises(BackupError, match="cannot write"):
        Corpus.open(made / "corpus").export(made / "no/folder/e")
    with pytest.raises(BackupError, match="no file"):
        corpus_at(made / "other").import_documents(made / "absent")
    SqliteWriter(made / "empty").close()
    with pytest.raises(CorpusEmpty):
        Corpus.open(made / "empty").export(made / "e")
