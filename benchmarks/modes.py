"""What each ranking mode costs: warm, question after question in one process, and cold, a whole
process for each.

    python -m benchmarks.modes CORPUS QUESTIONS.jsonl [--runs R]

Asks the first hundred questions (`{"text"}` a line) of an existing corpus, k = 10, as the program
does; prints medians and 95th percentiles in ms, and writes them with versions, hardware and command
to benchmarks/results/. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.keeping import keep
from searchapp import config

if TYPE_CHECKING:
    from searchapp.corpus import Corpus

config.use_one_thread_for_small_products()  # before what imports NumPy
MODES = ("cosine", "keyword", "hybrid", "best")
WARM, COLD = 100, 5  # questions


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    lines = options.questions.read_text(encoding="utf-8").splitlines()
    texts = [str(json.loads(line)["text"]) for line in lines[:WARM]]
    keep(
        "modes",
        _measure(options.corpus, texts, options.runs),
        "python -m benchmarks.modes CORPUS QUESTIONS.jsonl",
    )


def _measure(folder: Path, texts: Sequence[str], runs: int) -> dict[str, object]:
    from searchapp.backends.sqlite.backend import SqliteBackend
    from searchapp.corpus import Corpus
    from searchapp.encoders.loading import load_encoder

    corpus = Corpus(
        SqliteBackend(folder), encoder=load_encoder(cache=config.load().cache, bulk=False)
    )
    status = corpus.status()
    cold: dict[str, list[float]] = {mode: [] for mode in MODES}
    for _ in range(runs):
        for text in texts[:COLD]:
            for mode in MODES:  # in turn, so that a slow moment of the machine meets all of them
                command = [
                    sys.executable,
                    "-P",
                    "-m",
                    "searchapp",
                    "query",
                    text,
                    "--mode",
                    mode,
                    "--json",
                    "--corpus",
                    str(folder),
                ]
                begin = time.perf_counter()
                subprocess.run(
                    command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
                cold[mode].append((time.perf_counter() - begin) * 1000)
    warm = {mode: _warm(corpus, texts, mode) for mode in MODES}
    return {
        "documents": status.documents,
        "passages": status.passages,
        "warm_ms": {
            mode: {"median": round(statistics.median(found), 1), "p95": _p95(found)}
            for mode, found in warm.items()
        },
        "cold_ms": {
            mode: {"median": round(statistics.median(found), 1), "p95": _p95(found)}
            for mode, found in cold.items()
        },
        "raw_ms": {
            name: {mode: [round(each, 1) for each in found] for mode, found in times.items()}
            for name, times in (("warm", warm), ("cold", cold))
        },
    }


def _warm(corpus: Corpus, texts: Sequence[str], mode: str) -> list[float]:
    corpus.query(texts[0], mode=mode)
    times = []
    for text in texts:
        begin = time.perf_counter()
        corpus.query(text, mode=mode)
        times.append((time.perf_counter() - begin) * 1000)
    return times


def _p95(times: Sequence[float]) -> float:
    return round(sorted(times)[int(0.95 * (len(times) - 1))], 1)


if __name__ == "__main__":
    main(sys.argv[1:])
