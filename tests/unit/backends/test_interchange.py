"""An export carries documents and vectors to another corpus, whole or refused, and nothing is
embedded again.
"""

from __future__ import annotations

import gzip
import json
import random
import shutil
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from searchapp.backends.exported_values import _label
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.corpus import Corpus
from searchapp.errors import BackupError, CorpusEmpty, OtherEncoder
from searchapp.testing import HashEncoder
from searchapp.types.documents import Label, Root
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
    shown: list[bytes] = []

    def wanted(roots: Sequence[Root]) -> bool:
        shown.extend(root.path for root in roots)
        return True

    assert other.import_documents(
        made / "e",
        moved=moved(made / "docs", there),
        wants_roots=wanted,
    ) == {
        "imported": 7,
        "unchanged": 0,
        "kept": 0,
    }
    assert shown == [bytes(there)]
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


CHANGES: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "a path with NUL": lambda lines: lines[1].update(path="/a\0b"),
    "an empty path": lambda lines: lines[1].update(path=""),
    "a relative path": lambda lines: lines[1].update(path="docs/a.md"),
    "a path with a detour": lambda lines: lines[1].update(path="/docs/../etc/a.md"),
    "a path that is a surrogate": lambda lines: lines[1].update(path="/a\ud800"),
    "a path that is no text": lambda lines: lines[1].update(path=["/a"]),
    "a time too late": lambda lines: lines[1].update(mtime_ns=2**63),
    "a size below nothing": lambda lines: lines[1].update(size=-1),
    "a size that is true": lambda lines: lines[1].update(size=True),
    "a size that is a text": lambda lines: lines[1].update(size="7"),
    "a hash of two bytes": lambda lines: lines[1].update(content_hash="abcd"),
    "a text with a surrogate": lambda lines: lines[1].update(text="word \ud800 " * 9),
    "a text with NUL": lambda lines: lines[1].update(text="word \0 " * 99),
    "a title with a surrogate": lambda lines: lines[1].update(title="\udfff"),
    "a title that is a list": lambda lines: lines[1].update(title=["x"]),
    "a type with a line break": lambda lines: lines[1].update(type="a\nb"),
    "metadata with NUL": lambda lines: lines[1].update(metadata={"author": "\0"}),
    "metadata of numbers": lambda lines: lines[1].update(metadata={"author": 3}),
    "metadata that are a list": lambda lines: lines[1].update(metadata=[["author", "x"]]),
    "lines that may be": lambda lines: lines[1].update(has_lines="yes"),
    "a place that is a list": lambda lines: lines[1]["passages"][0].__setitem__(3, [[1]]),
    "a place too far": lambda lines: lines[1]["passages"][0].__setitem__(3, {"page": 2**64}),
    "a heading with a surrogate": lambda lines: lines[1]["passages"][0].__setitem__(2, ["\ud800"]),
    "a passage of fractions": lambda lines: lines[1]["passages"][0].__setitem__(1, 2.5),
    "passages from behind": lambda lines: lines[1]["passages"].reverse(),
    "vectors of nothing": lambda lines: lines[1].update(vectors="A" * len(lines[1]["vectors"])),
    "vectors in a list": lambda lines: lines[1].update(vectors=[1.0]),
    "a label that is sure beyond": lambda lines: lines[1].update(labels=[["a", "hand", 1e300]]),
    "a label that is not sure": lambda lines: lines[1].update(labels=[["a", "hand", float("nan")]]),
    "a label with a surrogate": lambda lines: lines[1].update(labels=[["\ud800", "hand", None]]),
    "no line of a document": lambda lines: lines.__setitem__(1, {}),
    "a model of no size": lambda lines: lines[0]["encoder"].update(dim=0),
    "a model with a NUL": lambda lines: lines[0]["encoder"].update(model="a\0"),
    "a fingerprint that is none": lambda lines: lines[0]["encoder"].update(fingerprint="../x"),
    "a folder that is relative": lambda lines: lines[0].update(roots=[a_root("")]),
    "a folder with NUL": lambda lines: lines[0].update(roots=[a_root("/a\0")]),
    "a folder with a glob of numbers": lambda lines: lines[0].update(roots=[a_root("/a", 3)]),
}


def a_root(path: str, glob: object = "*.md") -> dict[str, object]:
    return {"path": path, "include": [glob], "exclude": []}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of two documents; no test changes it."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "docs").mkdir()
    for i in range(2):
        text = "\n\n".join(f"# Title {j}\n\nword{i}{j} of many" for j in range(3))
        (folder / f"docs/{i}.md").write_text(text)
    corpus_at(folder / "corpus").ingest([folder / "docs"])
    Corpus.open(folder / "corpus").export(folder / "e")
    return folder / "e"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_no_ingest_gives_is_refused_before_anything_is_changed(
    exported: Path, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None]
) -> None:
    shutil.copy(exported, tmp_path / "e")
    rewritten(tmp_path / "e", change)
    with pytest.raises(BackupError, match="holds what no ingest gives, in line"):
        corpus_at(tmp_path / "other").import_documents(tmp_path / "e")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("new", [b"there/docs", b"/there/../docs", b"/a\0b"])
def test_a_move_to_no_place_is_refused(exported: Path, tmp_path: Path, new: bytes) -> None:
    with pytest.raises(BackupError, match="a path that"):
        corpus_at(tmp_path / "other").import_documents(exported, moved=lambda _: new)


def test_deep_values_end(exported: Path, tmp_path: Path) -> None:
    lines = gzip.decompress(exported.read_bytes()).splitlines()
    lines[1] = b'{"text":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    (tmp_path / "e").write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    with pytest.raises(BackupError):
        corpus_at(tmp_path / "other").import_documents(tmp_path / "e")


def test_folders_of_an_export_are_shown_and_ingested_only_where_that_is_wanted(
    exported: Path, tmp_path: Path
) -> None:
    shutil.copy(exported, tmp_path / "e")
    rewritten(tmp_path / "e", lambda lines: lines[0].update(roots=[a_root("/"), a_root("/etc")]))
    corpus = corpus_at(tmp_path / "other")
    assert corpus.import_documents(tmp_path / "e")["imported"] == 2
    assert corpus.status().roots == ()
    shown: list[bytes] = []

    def refuse(roots: Sequence[Root]) -> bool:
        shown.extend(root.path for root in roots)
        return False

    corpus.import_documents(tmp_path / "e", wants_roots=refuse)
    assert (shown, corpus.status().roots) == ([b"/"], ())
    corpus.import_documents(tmp_path / "e", wants_roots=lambda _: True)
    assert [root.path for root in corpus.status().roots] == [b"/"]


def test_an_import_changes_no_folder_that_is_ingested_already(
    exported: Path, tmp_path: Path
) -> None:
    corpus = corpus_at(tmp_path / "other")
    corpus.ingest([exported.parent / "docs"])
    shutil.copy(exported, tmp_path / "e")
    path = str(exported.parent / "docs")
    rewritten(tmp_path / "e", lambda lines: lines[0].update(roots=[a_root(path, "*.no")]))
    before = corpus.status().roots
    corpus.import_documents(tmp_path / "e", wants_roots=lambda _: pytest.fail("it is known"))
    assert corpus.status().roots == before


@pytest.mark.parametrize("probability", [None, 0, 0.5, 1])
def test_a_label_has_a_probability_or_none(probability: float | None) -> None:
    assert _label(["bill", "hand", probability]) == Label("bill", "hand", probability)
    for wrong in (-0.1, 1.1, float("nan"), "much"):
        with pytest.raises(ValueError, match="probability"):
            _label(["bill", "hand", wrong])
