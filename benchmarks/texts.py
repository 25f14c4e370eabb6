"""Text files to measure with: those of a judged collection, or made of the project's own sample
documents.
"""

from __future__ import annotations

import random
from pathlib import Path

from searchapp.evaluation.qrels import collection_records
from searchapp.extract.entries import extract

DATA = Path(__file__).resolve().parents[1] / "data"


def write_texts(folder: Path, count: int, collection: Path | None) -> Path:
    """The first documents of a collection, all where the count is 0; else texts of about 220 words,
    drawn from the sample documents.
    """
    folder.mkdir()
    if collection is not None:
        for number, record in enumerate(collection_records(collection / "corpus.jsonl")):
            if number < count or not count:
                (folder / f"{record['_id']}.txt").write_text(
                    f"{record['title']}\n\n{record['text']}\n", encoding="utf-8"
                )
        return folder
    sentences = [
        sentence.strip()
        for path in sorted(DATA.rglob("*"))
        if path.is_file()
        for sentence in extract(path.read_bytes(), path.name).text.replace("\n", " ").split(". ")
        if len(sentence.split()) > 4
    ]
    chance = random.Random(7)
    for number in range(count):
        words = ". ".join(chance.sample(sentences, 16)).split()[:220]
        (folder / f"{number:05}.txt").write_text(" ".join(words) + ".\n", encoding="utf-8")
    return folder
