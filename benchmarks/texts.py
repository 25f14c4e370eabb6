"""Text files to measure with: those of a judged collection, or made of the project's own sample
documents.
"""

from __future__ import annotations

import math
import random
import textwrap
from pathlib import Path

from searchapp.evaluation.qrels import collection_records
from searchapp.extract.entries import extract

DATA = Path(__file__).resolve().parents[1] / "data"
_MEAN_SIZE, _SPREAD = 10_000, 0.9  # of ordinary files in bytes; of the logarithms of their sizes
_LARGE_SIZE = 3_500_000


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
    sentences = _sentences()
    chance = random.Random(7)
    for number in range(count):
        words = ". ".join(chance.sample(sentences, 16)).split()[:220]
        (folder / f"{number:05}.txt").write_text(" ".join(words) + ".\n", encoding="utf-8")
    return folder


def write_ordinary_files(folder: Path, count: int, large: int) -> Path:
    """Notes of 10 kB on the average, most of them smaller, with a title and headings, as text and
    as Markdown; and so many changelogs of 3.5 MB beside them.
    """
    folder.mkdir()
    sentences = _sentences()
    chance = random.Random(11)
    for number in range(count):
        size = min(chance.lognormvariate(math.log(_MEAN_SIZE) - _SPREAD**2 / 2, _SPREAD), 2e5)
        text = _note(chance, sentences, int(size))
        ending = ("txt", "md")[number % 2]
        (folder / f"note-{number:05}.{ending}").write_text(text, encoding="utf-8")
    for number in range(large):
        text = _note(chance, sentences, _LARGE_SIZE)
        (folder / f"changes-{number}.txt").write_text(text, encoding="utf-8")
    return folder


def _note(chance: random.Random, sentences: list[str], size: int) -> str:
    """Paragraphs below headings, of about so many characters, at most as wide as a page."""
    parts = [f"# {chance.choice(sentences)[:60]}"]
    length = 0
    while length < size:
        if chance.random() < 0.2:
            parts.append(f"## {chance.choice(sentences)[:40]}")
        paragraph = ". ".join(chance.choices(sentences, k=chance.randint(2, 8))) + "."
        parts.append(textwrap.fill(paragraph[: size - length + 80], 96))
        length += len(parts[-1]) + 2
    return "\n\n".join(parts) + "\n"


def _sentences() -> list[str]:
    """The sentences of the sample documents, each on a line of its own."""
    return [
        sentence.strip()
        for path in sorted(DATA.rglob("*"))
        if path.is_file()
        for sentence in extract(path.read_bytes(), path.name).text.replace("\n", " ").split(". ")
        if len(sentence.split()) > 4
    ]
