"""semble, many questions at once by its Python interface; its own command answers one.

semble_.py STORE FILE

It reads no .txt, so that the texts lie in STORE/texts as .md; SEMBLE_MODEL_NAME is its model and
SEMBLE_CACHE_LOCATION its store.
"""

import json
import sys
from pathlib import Path

from semble import SembleIndex
from semble.types import ContentType


def main(store: str, file: str) -> None:
    index = SembleIndex.from_path(Path(store) / "texts", content=[ContentType.DOCS])
    for record in map(json.loads, Path(file).read_text(encoding="utf-8").splitlines()):
        for found in index.search(record["text"], top_k=100):
            print(record["_id"], Path(found.chunk.file_path).stem, found.score)


if __name__ == "__main__":
    main(*sys.argv[1:])
