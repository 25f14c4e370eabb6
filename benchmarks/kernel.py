"""What our compiled kernel saves where it runs: processor time to embed tokens and to ingest files,
against OpenVINO, in turn.

    python -m benchmarks.kernel [--documents N] [--collection DIR] [--runs N]

Texts of one length at a time, of random tokens of the default model, some thousand together, both
engines open; then whole processes that ingest the same files into a new corpus, and their largest
memory. Of each the least of several runs counts, and all are kept: other work on the machine only
adds to them. DIR is a collection in BEIR form, whose first documents are ingested.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.keeping import keep
from benchmarks.texts import write_texts
from searchapp.config import load
from searchapp.encoders import bert_kernel
from searchapp.encoders.bert_kernel import BertKernelEngine
from searchapp.encoders.cache_entry import BATCH_TOKENS, Batch
from searchapp.encoders.loading import load_encoder
from searchapp.encoders.model_folder import find_model
from searchapp.encoders.openvino_engine import OpenVinoEngine, read_entry

if TYPE_CHECKING:
    from searchapp.encoders.text_encoder import Engine

LENGTHS = (16, 64, 128, 200, 256)
BATCHES = 4
WORDS = (1_000, 30_000)  # of the vocabulary


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=1_000)
    parser.add_argument("--collection", type=Path)
    parser.add_argument("--runs", type=int, default=4)
    options = parser.parse_args(arguments)
    if bert_kernel.why_not():
        sys.exit(f"The kernel does not run here: {bert_kernel.why_not()}.")
    result = {
        "cpu_us_a_token": _embedding(10 * options.runs),
        "ingest": _ingest(options.documents, options.collection, options.runs),
    }
    flags = f"--documents {options.documents} --runs {options.runs}"
    named = f" --collection {options.collection.name}" if options.collection else ""
    keep("kernel", result, f"python -m benchmarks.kernel {flags}{named}")


def _embedding(runs: int) -> dict[int, dict[str, float]]:
    """The processor time of each engine, by the length of texts."""
    cache = load().cache
    load_encoder(cache=cache, engine="openvino")  # converted, where it was not
    entry = read_entry(find_model("default", cache=cache).fingerprint, cache)
    engines: dict[str, Engine] = {
        "kernel": BertKernelEngine(entry),
        "openvino": OpenVinoEngine(entry, bulk=True),
    }
    draw = np.random.default_rng(0)
    result = {}
    for length in LENGTHS:
        shape = (BATCH_TOKENS // length, length)
        ids = [draw.integers(*WORDS, shape) for _ in range(BATCHES)]
        batches = [Batch(each, np.ones_like(each)) for each in ids]
        best = dict.fromkeys(engines, float("inf"))
        for _ in range(runs):
            for name, engine in engines.items():
                begun_s = time.process_time()
                engine.run(batches)
                best[name] = min(best[name], time.process_time() - begun_s)
        tokens = sum(each.size for each in ids)
        result[length] = {name: round(1e6 * best_s / tokens, 1) for name, best_s in best.items()}
    return result


def _ingest(documents: int, collection: Path | None, runs: int) -> dict[str, object]:
    """What whole ingests take, with the kernel and without."""
    environments = {
        "kernel": {"SEARCHAPP_ENGINE": "auto"},
        "openvino": {"SEARCHAPP_ENGINE": "openvino"},
    }
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in environments}
    with tempfile.TemporaryDirectory() as work:
        folder = write_texts(Path(work) / "docs", documents, collection)
        for run in range(runs):
            for name, environment in environments.items():
                corpus = Path(work) / f"{name}-{run}"
                measured[name].append(_one_ingest(folder, corpus, environment))
    return {
        name: {
            "cpu_s": min(run["cpu_s"] for run in all_runs),
            "took_s": min(run["took_s"] for run in all_runs),
            "peak_mb": min(run["peak_mb"] for run in all_runs),
            "runs": all_runs,
        }
        for name, all_runs in measured.items()
    }


def _one_ingest(folder: Path, corpus: Path, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, "-m", "searchapp", "ingest", str(folder), "--corpus", str(corpus)]
    begun_s = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)  # its own readers of files included
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"The ingest failed with exit code {process.returncode}.")
    return {
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "took_s": round(time.perf_counter() - begun_s, 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
