"""Files that change while they are read: no ingest fails or hangs over them, every file is accounted
for, and once they stay as they are, the next ingest gives what a fresh one would.

    python -m tests.torture.changing [--ingests N] [--seed N]

One process writes some files without a pause, in all the ways in which programs do that; ingests
follow each other beside it. Each file says in every line which version it is of.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from multiprocessing.synchronize import Event
from pathlib import Path

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.corpus import Corpus
from searchapp.ingest.changes import _RACY_NS
from searchapp.testing import HashEncoder
from searchapp.types.filters import Filters
from tests.torture.scenes import Listing, listing
from tests.torture.telling import progress

FILES, LINES = 16, 1_500
ENCODER = HashEncoder(dim=32, max_tokens=200)
_PATIENCE_S = 60.0


def run(ingests: int, seed: int = 0) -> Counter[str]:
    """What so many ingests beside a writer came to, and what is wrong with it: all but FINE."""
    spawning = multiprocessing.get_context("spawn")
    seen: Counter[str] = Counter()
    tell = progress("ingests", ingests)
    with tempfile.TemporaryDirectory(prefix="changing-") as folder:
        docs, corpus, is_over = Path(folder, "docs"), Path(folder, "corpus"), spawning.Event()
        docs.mkdir()
        writer = spawning.Process(target=write, args=(docs, is_over, seed), daemon=True)
        writer.start()
        for number in range(ingests):
            try:
                report = Corpus(SqliteBackend(corpus), encoder=ENCODER).ingest([docs])
                outcomes = Counter(f"{file.outcome} {file.reason}".strip() for file in report.files)
                seen["changes while it is being read"] += sum(
                    count for reason, count in outcomes.items() if "changes while" in reason
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what this looks for
                seen[f"{type(error).__name__}: {error}"] += 1
            seen["ingests"] += 1
            seen.update(finding.what for finding in check(corpus, full=True))
            seen["documents of two versions"] += mixed(corpus)
            tell(number + 1)
        is_over.set()
        writer.join(_PATIENCE_S)
        time.sleep(2 * _RACY_NS / 10**9)  # until what was changed last is known for good
        if writer.exitcode:
            seen["the writer failed"] += 1
        if settled(corpus, docs) != settled(Path(folder, "fresh"), docs):
            seen["differs from a fresh ingest"] += 1
        seen["files in the end"] = len(list(docs.iterdir()))
    return seen


def settled(corpus: Path, docs: Path) -> Listing:
    """What a corpus holds after one more ingest."""
    Corpus(SqliteBackend(corpus), encoder=ENCODER).ingest([docs], prune=True)
    return {path: replace(version, labels=()) for path, version in listing(corpus).items()}


def mixed(corpus: Path) -> int:
    """How many documents hold lines of several versions: a file was read in the middle of a write
    within one tick of the clock, which the next ingest mends.
    """
    with closing(SqliteBackend(corpus).reader()) as reader:
        return sum(
            # but for the last line, of which there may be less than a word
            len({line.split()[0] for line in stored.document.text.splitlines()[:-1] if line}) > 1
            for stored in reader.stored(Filters())
        )


def write(docs: Path, is_over: Event, seed: int) -> None:
    """Write files in every way, until that is over."""
    rng, version = random.Random(seed), 0
    ways = (replaced, in_place, in_parts, appended, cut, gone, other_kind)
    while not is_over.is_set():
        version += 1
        path = docs / f"{rng.randrange(FILES)}.txt"
        with suppress(OSError):  # of another kind, as one before left it
            rng.choice(ways)(path, text(version, rng.randint(1, LINES)))
    for path in docs.iterdir():
        if not path.is_file() or path.is_symlink():
            clear(path)


def text(version: int, lines: int) -> str:
    """A text that says in every line which version it is of."""
    return "".join(f"v{version} line {line} of a file\n" for line in range(lines))


def replaced(path: Path, made: str) -> None:
    """Write a file beside it, and rename."""
    temporary = path.with_suffix(".tmp~")
    temporary.write_text(made)
    temporary.replace(path)


def in_place(path: Path, made: str) -> None:
    """Cut the file, and write it."""
    path.write_text(made)


def in_parts(path: Path, made: str) -> None:
    """Cut the file, and write it slowly."""
    with path.open("w") as file:
        for begin in range(0, len(made), 8192):
            file.write(made[begin : begin + 8192])
            file.flush()
            time.sleep(0.001)


def appended(path: Path, made: str) -> None:
    """Write more lines of the same version."""
    first = path.read_text().split(maxsplit=1)[0]
    with path.open("a") as file:
        for line in made.splitlines(keepends=True)[:200]:
            file.write(f"{first} {line.split(maxsplit=1)[1]}")
            file.flush()


def cut(path: Path, _: str) -> None:
    """Cut the file behind one of its lines, or to nothing."""
    data = path.read_bytes()
    os.truncate(path, data.rfind(b"\n", 0, len(data) // 2) + 1)


def gone(path: Path, _: str) -> None:
    """Delete it."""
    path.unlink()


def other_kind(path: Path, _: str) -> None:
    """Put a folder, a pipe or a link in its place for a moment."""
    clear(path)
    kinds: Sequence[Callable[[], object]] = (
        path.mkdir,
        lambda: os.mkfifo(path),
        lambda: path.symlink_to(path),
    )
    random.choice(kinds)()
    time.sleep(0.005)
    clear(path)


def clear(path: Path) -> None:
    """Delete whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


FINE = {
    "ingests",
    "changes while it is being read",
    "documents of two versions",
    "files in the end",
}


def main() -> None:
    """Ingest, and print what was seen as JSON; ends with 1 where something is wrong."""
    parser = argparse.ArgumentParser(description="Ingest files that change meanwhile.")
    parser.add_argument("--ingests", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    seen = run(arguments.ingests, arguments.seed)
    defects = sorted((+seen).keys() - FINE)
    told = {**seen, "defects": defects, "seed": arguments.seed}
    print(json.dumps({**told, "took_s": round(time.monotonic() - began, 1)}, indent=2))
    sys.exit(bool(defects))


if __name__ == "__main__":
    main()
