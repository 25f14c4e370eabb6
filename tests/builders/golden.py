"""Makes the golden corpus of a schema, for `test_upgrades`: run once with the program of each
released schema, and never again.

    git worktree add /tmp/then COMMIT && PYTHONPATH=/tmp/then python -m tests.builders.golden tests/data/corpora

Commits: 7683364 for 0002, ccac5a4 for 0003, 98a7be5 for 0004, 2425468 for 0005, ead076a for 0006, 345ed5a for 0007, b1e8a70 for 0008.
(0001 was never the newest of a commit.)
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from searchapp.backends.sqlite import layout
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.testing import HashEncoder
from searchapp.types.documents import Label

ROOT = Path("/golden")
GERMAN = "Die alten Häuser der Leuchtturmwärter an den Küsten der Insel wurden verlassen."
QUESTIONS = ("keeper of light", "oil burns hours", "café", "Lamp 3")


def main(target: Path) -> None:
    """Ingest some documents, change and delete some, and keep the database and its answers."""
    revision = layout.REVISIONS[-1]
    documents = ROOT / "docs"
    documents.mkdir(parents=True)
    for i in range(5):
        text = (
            f"# Lamp {i}\n\nThe keeper of light {i} trims the wick at dusk.\n\n## "
            f"Oil\n\nOil number {i} burns for {i} hours.\n"
        )
        (documents / f"{i}.md").write_text(text, encoding="utf-8")
    (documents / "plain.txt").write_text(
        "Café au lait\n\n灯台の光は遠くまで届く\n\nthe keeper sleeps by day", encoding="utf-8"
    )
    if revision >= "0008":
        (documents / "german.txt").write_text(GERMAN, encoding="utf-8")
    (documents / "empty.txt").write_text("", encoding="utf-8")
    corpus = Corpus(SqliteBackend(ROOT / "corpus"), encoder=HashEncoder(dim=16))
    corpus.ingest([documents])
    (documents / "1.md").write_text(
        "# Lamp 1\n\nThe keeper of light 1 has gone.\n", encoding="utf-8"
    )
    (documents / "2.md").unlink()
    corpus.ingest([documents])
    if revision >= "0004":
        corpus.configure("mode", "cosine")
    labels = {
        "/golden/docs/0.md": [Label("lamp")],
        "/golden/docs/3.md": [Label("lamp"), Label("oil", "classifier", 0.75)],
    }
    if revision >= "0006":
        with closing(SqliteBackend(ROOT / "corpus").writer()) as writer:
            for path, known in writer.known_files().items():
                writer.set_labels(known.document_id, labels.get(os.fsdecode(path), ()))
            writer.commit()
    if revision >= "0007":
        corpus.remove(["/golden/docs/4.md"])
    answers = {
        question: [
            [os.fsdecode(match.hit.path), match.hit.passage.start, round(match.score, 6)]
            for match in corpus.query(question, k=20).matches
        ]
        for question in (*QUESTIONS, *(("Häusern", '"altes Haus"') if revision >= "0008" else ()))
    }
    with closing(sqlite3.connect(ROOT / "corpus" / "corpus.db")) as database:
        database.execute("VACUUM INTO ?", (str(ROOT / "copy.db"),))
    (target / f"corpus-{revision}.db.gz").write_bytes(
        gzip.compress((ROOT / "copy.db").read_bytes(), 9, mtime=0)
    )
    told: dict[str, object] = {
        "documents": sorted(os.fsdecode(row.path) for row in corpus.documents()),
        "answers": answers,
    }
    if revision >= "0006":
        told["labels"] = {path: [tuple(each) for each in some] for path, some in labels.items()}
    if revision >= "0007":
        told["exclusions"] = [os.fsdecode(path) for path in corpus.status().exclusions]
    (target / f"corpus-{revision}.json").write_text(
        json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    shutil.rmtree(ROOT)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
