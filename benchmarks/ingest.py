"""How soon the documents of a new corpus are found by their words, what that costs, and how well
the ingest tells what is left of it.

    python -m benchmarks.ingest [--files N] [--large N] [--whole] [--folder DIR]

Ingests ordinary files (of 10 kB on the average, with some of 3.5 MB), made of the sentences of the
sample documents and the same each time. Every ten seconds it counts the documents that a search
finds by their words; it ends once all of them are, or with `--whole` once all are embedded, too.
What was told to be left is then held against what was. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from benchmarks.keeping import keep
from benchmarks.texts import write_ordinary_files
from searchapp.corpus import Corpus
from searchapp.errors import CorpusError

EVERY_S = 10.0
LOOK_S = 0.5
_LEFT = re.compile(r"about (.+) left")
_UNITS = {"s": 1, "min": 60, "h": 3600}


@dataclass
class Run:
    """What was seen of an ingest, in seconds since it began."""

    begun_s: float = field(default_factory=time.perf_counter)
    stored: dict[int, int] = field(default_factory=dict)  # documents, by second
    text_s: float | None = None  # when all of them were found by their words
    told: list[tuple[float, float]] = field(default_factory=list)  # when, and what was left then

    @property
    def now_s(self) -> float:
        return time.perf_counter() - self.begun_s


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=3_100)
    parser.add_argument("--large", type=int, default=6)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--folder", type=Path, help="ingest this folder, and keep no result")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        folder = options.folder or write_ordinary_files(
            Path(work) / "docs", options.files, options.large
        )
        result = measure(folder, Path(work) / "corpus", is_whole=options.whole)
    if options.folder:
        print(json.dumps(result, indent=2))
        return
    flags = f"--files {options.files} --large {options.large}{' --whole' * options.whole}"
    keep("ingest", result, f"python -m benchmarks.ingest {flags}")


def measure(folder: Path, corpus: Path, *, is_whole: bool) -> dict[str, object]:
    """Ingest a folder in a process of its own, and look at the corpus meanwhile."""
    files = sum(path.is_file() for path in folder.rglob("*"))
    before_s = _children_s()
    run = Run()
    command = [sys.executable, "-m", "searchapp", "ingest", str(folder), "--corpus", str(corpus)]
    with (
        tempfile.TemporaryFile() as told,  # a pipe might fill up before it is read
        subprocess.Popen(
            [*command, "--json", "--timings"], stdout=told, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        listener = Thread(target=_listen, args=(process, run))
        listener.start()
        _look(process, corpus, run, files, is_whole=is_whole)
        listener.join()
        told.seek(0)
        report = json.load(told)
    took_s = run.now_s
    return {
        "files": files,
        "megabytes": round(sum(path.stat().st_size for path in folder.rglob("*")) / 1e6, 1),
        "documents_found_by_words": run.stored,
        "all_found_by_words_s": run.text_s and round(run.text_s, 1),
        "cpu_s": round(_children_s() - before_s, 1),
        "took_s": round(took_s, 1),
        "stages_s": report["timings_s"],
        "was_whole": is_whole,
        "told_left_s": [
            (round(at_s, 1), round(left_s), round(took_s - at_s)) for at_s, left_s in run.told
        ],
    }


def _look(
    process: subprocess.Popen[str], corpus: Path, run: Run, files: int, *, is_whole: bool
) -> None:
    """Count what is found by its words until the ingest has ended, or may be ended."""
    while process.poll() is None:
        time.sleep(LOOK_S)
        found = _documents(corpus)
        at_s = int(run.now_s // EVERY_S * EVERY_S)
        if at_s and at_s not in run.stored and run.text_s is None:
            run.stored[at_s] = found
        if found >= files and run.text_s is None:
            run.text_s = run.now_s
            if not is_whole:
                process.send_signal(signal.SIGINT)


def _documents(corpus: Path) -> int:
    try:
        return Corpus.open(corpus).status().documents
    except CorpusError:
        return 0  # it is just being made


def _listen(process: subprocess.Popen[str], run: Run) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if left := _LEFT.search(line):
            run.told.append((run.now_s, _seconds(left[1])))


def _seconds(duration: str) -> float:
    """What `human_duration` has written, as "2 min 10 s"."""
    parts = re.findall(r"([\d.]+)\s*(h|min|s)\b", duration)
    return sum(float(count) * _UNITS[unit] for count, unit in parts)


def _children_s() -> float:
    """The processor time of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.environ.pop("SEARCHAPP_CORPUS", None)
    main(sys.argv[1:])
