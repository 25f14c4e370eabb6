"""What a search by words costs in a large corpus, with and without scoring all passages that hold a
common word; and that the answers are the same.

    python -m benchmarks.keywords [PASSAGES] [--keep FOLDER]

Asks 1,000 questions of two to eight words, as frequent as in the made-up passages (default 200,000;
the thirty commonest words left out), in three ways, each question in turn: by FTS5's `rank`, by
`bm25()` of all that is found, and as a query asks. Writes CPU ms to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks import synthetic
from benchmarks.keeping import keep
from benchmarks.scale import DEPTH, build
from searchapp.backends.sqlite import rare_phrases
from searchapp.backends.sqlite import reader as reader_module
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.fts import TOP
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.types.filters import Filters, Term

QUESTIONS, STOP_WORDS = 1_000, 30
BY_RANK = TOP.replace("-bm25(keywords, 2.0, 1.0, 1.0, 1.0, 1.0)", "-rank").replace(
    "{also} ORDER BY score DESC",
    "AND rank MATCH 'bm25(2.0, 1.0, 1.0, 1.0, 1.0)' {also} ORDER BY rank",
)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("passages", nargs="?", type=int, default=200_000)
    parser.add_argument("--keep", type=Path, help="build here, and use what was built here before")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        folder = (options.keep or Path(work)) / str(options.passages)
        build(folder, options.passages)
        with closing(SqliteBackend(folder).reader()) as reader:
            assert isinstance(reader, SqliteReader)
            found = _measure(reader, _questions(options.passages))
    command = f"python -m benchmarks.keywords {options.passages}"
    keep("keywords", {"passages": options.passages, **found}, command)


def _questions(passages: int) -> list[list[Term]]:
    chance = np.random.default_rng(3)
    words = next(synthetic.documents(passages)).words
    asked = []
    for row in chance.integers(0, len(words), QUESTIONS):
        telling = words[row][words[row] >= STOP_WORDS]
        some = chance.choice(telling, min(int(chance.integers(2, 9)), len(telling)), replace=False)
        asked.append([Term((synthetic.word(int(rank)),)) for rank in some])
    return asked


def _measure(reader: SqliteReader, questions: Sequence[list[Term]]) -> dict[str, object]:
    """CPU ms a question, mean, median and 95th of a hundred, each way."""
    statement, least = reader_module._TOP, rare_phrases.LEAST_PASSAGES
    ways = {
        "rank": (statement.replace(TOP, BY_RANK), sys.maxsize),
        "bm25 of all": (statement, sys.maxsize),
        "as a query asks": (statement, least),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    differing = 0
    for terms in questions:
        scores = []
        for way, (reader_module._TOP, rare_phrases.LEAST_PASSAGES) in ways.items():
            begin_s = time.process_time()
            scores.append(reader.keyword_leg(terms, Filters(), DEPTH)[1].tolist())
            times[way].append(time.process_time() - begin_s)
        differing += scores.count(scores[0]) != len(scores)
    return {
        "questions": len(questions),
        "answered_otherwise": differing,
        "cpu_ms": {way: _summary(taken) for way, taken in times.items()},
    }


def _summary(taken_s: Sequence[float]) -> list[float]:
    some = (np.mean(taken_s), np.median(taken_s), np.percentile(taken_s, 95))
    return [round(float(each) * 1000, 1) for each in some]


if __name__ == "__main__":
    main(sys.argv[1:])
