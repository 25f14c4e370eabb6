"""What victims do, and what it is to come to: two ingests, labels, another model, a migration; each
from the corpus in a folder, or from none.

Knows what a corpus holds, and nothing of faults.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from searchapp.backends.sqlite import connection
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.types.documents import Label
from tests.paths import TEST_DATA
from tests.torture import victim

OLD_SCHEMA = "0003"  # of the corpus that is migrated
_DOCUMENTS = """
    SELECT d.id, d.path, d.content_hash, v.vectors FROM document d LEFT JOIN vectors v ON v.document_id = d.id"""
_PASSAGES = (
    'SELECT start, "end", place, headings, text_digest FROM passage WHERE document_id '
    "= ? ORDER BY id"
)
_LABELS = "SELECT name, origin FROM label WHERE document_id = ? ORDER BY name, origin"
_HAS_LABELS = "SELECT 1 FROM sqlite_master WHERE name = 'label'"


@dataclass(frozen=True, slots=True)
class Version:
    """A document as a corpus has it."""

    content_hash: str
    passages: str  # digest
    vectors: str  # digest; "" while pending
    labels: tuple[tuple[str, str], ...] = ()  # names and origins


Listing = Mapping[str, Version]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a victim is to do: from the corpus in a folder, or from none, to a corpus that is known;
    the documents may be as before or as after one by one, or all of them alone.
    """

    name: str
    docs: Path
    start: Path | None
    before: Listing
    after: Listing
    names: Mapping[str, int]  # of the corpus's files in the end, digits left out
    took_s: float
    command: str = ""  # of the victim's; "": an ingest

    @property
    def is_whole(self) -> bool:
        """Whether the corpus changes in one moment."""
        return self.command in ("use", "migrate")

    def complete(self, corpus: Path) -> Listing:
        """Do what is left to do, as whoever comes next does; returns what the corpus then holds."""
        if self.command:
            victim.COMMANDS[self.command](corpus)
        else:
            ingest(corpus, self.docs)
        return listing(corpus)


def scenes(folder: Path) -> list[Scene]:
    """A first ingest; one of a tree in which files were edited, moved, copied, removed and added
    since, of which some are labelled; labels by hand and by a classifier; another model; a corpus
    of an earlier schema.
    """
    docs, start = folder / "docs", folder / "start"
    docs.mkdir(parents=True)
    for number in range(12):
        _write(docs / f"{number:02}.md", _text(number))
    _write(docs / "empty.txt", "")
    ingest(start, docs)
    _label(start)
    _change(docs)
    first, following = _scene("first", docs, None), _scene("next", docs, start)
    assert _without_labels(first.after) == _without_labels(following.after)
    labelled = {labels for version in following.after.values() if (labels := version.labels)}
    assert labelled == {(("kept", "hand"),), (("heron", "classifier"),)}
    few = folder / "few"  # the more documents, the longer the list of calls
    for name in ("00.md", "07.md", "08.md"):
        _copy(docs / name, few / name)
    ingest(folder / "small", few)
    _label(folder / "small")
    return [
        first,
        following,
        _scene("classify", docs, start, "classify"),
        _scene("use", few, folder / "small", "use"),
        _scene("migrate", docs, _golden(folder / "golden"), "migrate"),
    ]


def ingest(corpus: Path, docs: Path) -> Listing:
    """Ingest some documents; returns what the corpus then holds."""
    Corpus(SqliteBackend(corpus), encoder=victim.ENCODER).ingest([docs])
    return listing(corpus)


def listing(corpus: Path) -> Listing:
    """Every document that a corpus holds, by path, whatever its schema is; nothing of one that is
    blank. Raises CorpusMissing.
    """
    found: dict[str, Version] = {}
    with closing(connection.open_read_only(corpus)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'document'").fetchone():
            return found
        has_labels = database.execute(_HAS_LABELS).fetchone() is not None
        for document_id, path, content_hash, vectors in database.execute(_DOCUMENTS).fetchall():
            of = (document_id,)
            found[os.fsdecode(path)] = Version(
                content_hash.hex(),
                _digest(repr(database.execute(_PASSAGES, of).fetchall()).encode()),
                _digest(vectors) if vectors else "",
                tuple(database.execute(_LABELS, of).fetchall()) if has_labels else (),
            )
    return found


def names(corpus: Path) -> Counter[str]:
    """How many files of each name a corpus has in its folder, digits left out."""
    return Counter(re.sub(r"[0-9a-f]*\d[0-9a-f]*", "N", path.name) for path in corpus.iterdir())


# ---- private -------------------------------------------------------------------------------------


def _scene(name: str, docs: Path, start: Path | None, command: str = "") -> Scene:
    """A scene, played once on a copy of where it starts."""
    place = docs.with_name(f"{name}.played")
    if start is not None:
        shutil.copytree(start, place)
    scene = Scene(name, docs, start, listing(start) if start else {}, {}, {}, 0.0, command)
    began = time.monotonic()
    after = scene.complete(place)
    return replace(scene, after=after, names=names(place), took_s=time.monotonic() - began)


def _text(number: int) -> str:
    parts = (
        f"## Part {part}\n\nIn river{number} a heron{part} waits, and stone{number * 7 + part} is "
        "cold.\n"
        for part in range(3)
    )
    return f"# Document {number}\n\n" + "\n".join(parts)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_000_000_000, 1_000_000_000))


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.copy2(path, target)


def _change(docs: Path) -> None:
    """Edit, move, remove, add and copy."""
    for number in (0, 1, 2):
        _write(docs / f"{number:02}.md", _text(number) + f"\nEdited into the meadow{number}.\n")
    (docs / "moved").mkdir()
    for number in (3, 4):
        (docs / f"{number:02}.md").rename(docs / "moved" / f"{number:02}.md")
    for number in (5, 6):
        (docs / f"{number:02}.md").unlink()
    _write(docs / "12.md", _text(12))
    shutil.copy2(docs / "07.md", docs / "copy.md")


def _label(corpus: Path) -> None:
    """Label some documents by hand, and two as a classifier does: of one the file will be edited,
    which takes that label.
    """
    of = {**dict.fromkeys((0, 3, 5, 9), Label("kept")), 1: Label("heron", "classifier", 0.5)}
    of[8] = of[1]
    with closing(SqliteBackend(corpus).writer()) as writer:
        for path, known in writer.known_files().items():
            if (label := of.get(int(path[-5:-3]))) is not None:
                writer.set_labels(known.document_id, [label])
        writer.commit()


def _golden(corpus: Path) -> Path:
    """A corpus of an earlier schema."""
    corpus.mkdir(mode=0o700)
    (corpus / "lock").touch()
    kept = TEST_DATA / "corpora" / f"corpus-{OLD_SCHEMA}.db.gz"
    (corpus / "corpus.db").write_bytes(gzip.decompress(kept.read_bytes()))
    with closing(sqlite3.connect(corpus / "corpus.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")  # which a vacuumed copy has lost
    return corpus


def _without_labels(found: Listing) -> Listing:
    return {path: replace(version, labels=()) for path, version in found.items()}


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
