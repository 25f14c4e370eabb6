"""How well a confidence tells that a corpus does not answer: two judged collections (BEIR form)
asked each other's questions.

    python -m benchmarks.confidence COLLECTION COLLECTION [--mode M]...

Easy: each collection's questions asked of its own corpus (answerable) and of the other's (not),
flagged where the best confidence is below one half. Hard: the first collection's questions asked of
its corpus with and without their own relevant documents, as the area under the curve of the best
confidence, beside that of the best cosine. Prints the figures and writes them to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.keeping import keep
from searchapp import config
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.encoders.loading import load_encoder
from searchapp.evaluation.qrels import (
    collection_judgements,
    collection_questions,
    collection_records,
)
from searchapp.search.confidence import THRESHOLD
from searchapp.types.filters import Filters


class Shelf(NamedTuple):
    """A collection and its corpus, a file a document."""

    name: str
    docs: Path
    corpus: Corpus
    questions: dict[str, str]
    relevant: dict[str, set[str]]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collections", nargs=2, type=Path)
    parser.add_argument("--mode", action="append", default=[])
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        shelves = [_shelf(folder, Path(work)) for folder in options.collections]
        figures = {mode: _measure(shelves, mode) for mode in options.mode or ["cosine", "hybrid"]}
    keep(
        "confidence",
        figures,
        "python -m benchmarks.confidence "
        + " ".join(folder.name for folder in options.collections),
    )


def _shelf(folder: Path, work: Path) -> Shelf:
    docs = work / folder.name
    docs.mkdir()
    for record in collection_records(folder / "corpus.jsonl"):
        (docs / f"{record['_id']}.md").write_text(
            f"# {record['title']}\n\n{record['text']}\n", encoding="utf-8"
        )
    cache = config.load().cache
    backend = SqliteBackend(work / f"{folder.name}-corpus")
    Corpus(backend, cache=cache).ingest([docs])
    relevant: dict[str, set[str]] = {}
    for judgement in collection_judgements(folder):
        if judgement.grade > 0:
            relevant.setdefault(judgement.question, set()).add(judgement.document)
    corpus = Corpus(backend, encoder=load_encoder(cache=cache, bulk=False))
    return Shelf(folder.name, docs, corpus, collection_questions(folder), relevant)


def _measure(shelves: Sequence[Shelf], mode: str) -> dict[str, object]:
    flagged = {
        f"{asked.name} asked of {shelf.name}": round(
            float(
                np.mean(
                    [_best(shelf, text, mode)[0] < THRESHOLD for text in asked.questions.values()]
                )
            ),
            4,
        )
        for shelf in shelves
        for asked in shelves
    }
    first = shelves[0]
    there = np.array([_best(first, text, mode) for text in first.questions.values()])  # (n, 2)
    gone = np.array(
        [_best(first, text, mode, first.relevant[name]) for name, text in first.questions.items()]
    )
    return {
        "flagged": flagged,
        "questions": {shelf.name: len(shelf.questions) for shelf in shelves},
        f"auc, {first.name} without its relevant documents": round(
            _auc(there[:, 0], gone[:, 0]), 4
        ),
        "auc of the best cosine": round(_auc(there[:, 1], gone[:, 1]), 4),
    }


def _best(
    shelf: Shelf, text: str, mode: str, removed: Sequence[str] | set[str] = ()
) -> tuple[float, float]:
    """The best confidence and the best cosine of any match."""
    outside = tuple(str(shelf.docs / f"{name}.md") for name in removed)
    answer = shelf.corpus.query(
        text, mode=mode, filters=Filters(outside=outside), literal=True, k=20
    )
    return max(match.confidence or 0.0 for match in answer.matches), max(
        match.cosine or -1.0 for match in answer.matches
    )


def _auc(
    above: np.ndarray[tuple[int], np.dtype[np.float64]],
    below: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> float:
    """The share of pairs in which the first is larger, ties counting half."""
    return float(
        np.mean((above[:, None] > below[None, :]) + 0.5 * (above[:, None] == below[None, :]))
    )


if __name__ == "__main__":
    main(sys.argv[1:])
