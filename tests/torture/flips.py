"""Single bits of a corpus's database, flipped: what changes our data is found, and repaired without
losing what can be had again.

    python -m tests.torture.flips [--flips N] [--seed N]

The corpus has twenty documents; of four of them the files are gone. N flips are counted that change
what a plain reader of the database gets; the others (in pages that are free, say) are tried and not
counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.corpus import Corpus
from searchapp.errors import CorpusDamaged, CorpusError, SearchappError
from searchapp.testing import HashEncoder
from tests.torture.telling import progress

ENCODER = HashEncoder()
GONE = 4
_CONTENTS = """
    SELECT path, text, vectors FROM document d JOIN document_text t ON t.document_id = d.id LEFT JOIN vectors v ON v.document_id = d.id"""
_WORDS = ("title", "about", *(f"word{i}" for i in range(20)))


@dataclass
class Sweep:
    """What became of flips that change our data."""

    outcomes: Counter[str] = field(default_factory=Counter)
    defects: list[str] = field(default_factory=list)


def make(folder: Path) -> Path:
    """A corpus of twenty documents in `corpus`, of `docs`, of which the last four are gone; returns
    its folder.
    """
    documents = folder / "docs"
    documents.mkdir()
    for i in range(20):
        paragraphs = "\n\n".join(
            f"Paragraph {j} about word{i} and things{i * j} of many kinds." * 3 for j in range(8)
        )
        (documents / f"{i:02}.md").write_text(f"# Title {i}\n\n{paragraphs}\n", encoding="utf-8")
    corpus = corpus_at(folder / "corpus")
    corpus.ingest([documents])
    corpus.configure("mode", "hybrid")
    (documents / "00.md").write_text("# Changed\n\nword0 again\n", encoding="utf-8")
    corpus.ingest()
    for i in range(20 - GONE, 20):
        (documents / f"{i:02}.md").unlink()
    return folder / "corpus"


def corpus_at(folder: Path) -> Corpus:
    """The corpus in a folder."""
    return Corpus(SqliteBackend(folder), encoder=ENCODER)


def contents(folder: Path) -> dict[bytes, tuple[str, bytes | None]]:
    """Each document's text and vectors by path."""
    with closing(sqlite3.connect(folder / "corpus.db")) as database:
        return {path: (text, vectors) for path, text, vectors in database.execute(_CONTENTS)}


def dump(database: Path) -> object:
    """All that a plain reader of the database gets; None where it cannot be read."""
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.text_factory = bytes
            schema = connection.execute(
                "SELECT type, name, tbl_name, sql FROM sqlite_master"
            ).fetchall()
            names = [
                name.decode()
                for kind, name, *_ in schema
                if kind == b"table" and name != b"keywords" and b"keywords_d" not in name
            ]
            rows: dict[str, object] = {
                name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names
            }
            for word in _WORDS:
                statement = (
                    "SELECT rowid, bm25(keywords) FROM keywords WHERE keywords MATCH ? "
                    "ORDER BY rowid"
                )
                rows[f"word {word}"] = connection.execute(statement, (word,)).fetchall()
            return rows | {"schema": schema}
    except (sqlite3.DatabaseError, UnicodeError):
        return None


def sweep(count: int, *, seed: int = 0, is_told: Callable[[int], None] = lambda _: None) -> Sweep:
    """So many flips that change our data: each must be found, and repaired."""
    found, rng = Sweep(), random.Random(seed)
    with tempfile.TemporaryDirectory(
        prefix="flips-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None
    ) as work:
        sound = make(Path(work))
        whole, before = (sound / "corpus.db").read_bytes(), dump(sound / "corpus.db")
        held = contents(sound)
        while found.outcomes["changing"] < count:
            place, bit = rng.randrange(len(whole)), rng.randrange(8)
            folder = Path(work) / "flipped"
            shutil.copytree(sound, folder)
            (folder / "corpus.db").write_bytes(
                whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
            )
            shutil.copy(folder / "corpus.db", Path(work) / "looked-at.db")
            if dump(Path(work) / "looked-at.db") == before:
                found.outcomes["changing nothing"] += 1
            else:
                found.outcomes["changing"] += 1
                outcome, defect = _judged(folder, held)
                found.outcomes[outcome] += 1
                found.defects += [f"bit {bit} of byte {place}: {defect}"] if defect else []
                is_told(found.outcomes["changing"])
            shutil.rmtree(folder)
    return found


def _judged(folder: Path, held: dict[bytes, tuple[str, bytes | None]]) -> tuple[str, str]:
    """What became of a flip, and what is wrong with that."""
    try:
        if not check(folder, full=True):
            return "missed", "not found"
    except CorpusError:  # of a newer schema, by its number, say: told at every opening
        return "refused", ""
    try:
        repaired = corpus_at(folder).repair()
    except CorpusDamaged as error:
        return "not repairable", str(error)
    except SearchappError as error:
        return "not repaired", f"{type(error).__name__}: {error}"
    assert repaired is not None
    after = contents(folder)
    standing = {path: content for path, content in held.items() if os.path.exists(path)}  # noqa: PTH110 - paths are bytes
    if findings := check(folder, full=True):
        return "not sound", findings[0].what
    if not standing.items() <= after.items():
        return (
            "not restored",
            f"{len(standing.items() - after.items())} documents whose files stand",
        )
    if not held.keys() - after.keys() <= {*repaired.lost} and b"" not in repaired.lost:
        return "lost in silence", str(held.keys() - after.keys())
    return ("lost and listed" if repaired.lost else "repaired"), ""


def main() -> None:
    """Flip, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(description="Flip bits of a corpus, over and over.")
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    found = sweep(arguments.flips, seed=arguments.seed, is_told=progress("flips", arguments.flips))
    told = {"outcomes": found.outcomes, "defects": found.defects, "seed": arguments.seed}
    print(json.dumps({**told, "took_s": round(time.monotonic() - began, 1)}, indent=2))
    sys.exit(bool(found.defects))


if __name__ == "__main__":
    main()
