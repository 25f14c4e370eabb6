"""A tree of a million files: how long an ingest takes, how much memory, and that it always says how
far it is.

    python -m tests.torture.tree [--files N] [--documents N] [--hidden] [--empty]

Most files are of no kind that is read, or, with `--hidden`, of names that are left out unread, or,
with `--empty`, have no bytes; the documents are short. A thousand files are in each folder. Two ingests follow each other, each in a
process of its own; nothing has changed before the second.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.testing import HashEncoder
from searchapp.types.results import Progress
from tests.torture.telling import progress

IN_A_FOLDER = 1_000
MOST_SILENT_S = 30.0  # without a word of how far it is


def main() -> None:
    """Make the tree, ingest it twice, and print what that took as JSON; ends with 1 where something
    is wrong.
    """
    parser = argparse.ArgumentParser(description="Ingest a tree of very many files.")
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--documents", type=int, default=10_000, help="of the files")
    parser.add_argument("--hidden", action="store_true", help="have the others left out unread")
    parser.add_argument("--empty", action="store_true", help="have nothing in the others")
    arguments = parser.parse_args()
    prefix, content = "." if arguments.hidden else "", b"" if arguments.empty else b"\0\1\2"
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="tree-", dir=memory) as folder:
        root = Path(folder, "tree")
        make(root, arguments.files, arguments.documents, prefix=prefix, content=content)
        ingests = [ingested(Path(folder, "corpus"), root) for _ in range(2)]
    told = {
        "files": arguments.files,
        "documents": arguments.documents,
        "hidden": arguments.hidden,
        "empty": arguments.empty,
        "first": ingests[0],
        "second": ingests[1],
        "defects": list(defects(arguments.files, arguments.documents, *ingests)),
    }
    print(json.dumps(told, indent=2))
    sys.exit(bool(told["defects"]))


def make(root: Path, files: int, documents: int, *, prefix: str, content: bytes) -> None:
    """Make the tree, with a document at every so many files; the others are one file of a folder by
    many names, as that takes less time; the names begin with a prefix, and what they hold, if
    anything, with some content.
    """
    root.mkdir()
    every, tell = max(1, files // max(documents, 1)), progress("files made", files)
    for number in range(files):
        if number % IN_A_FOLDER == 0:
            folder = root / f"{number // IN_A_FOLDER:04}"
            folder.mkdir()
            first = folder / f"{prefix}{number}.bin"
            tell(number)
        if number % every == 0 and number // every < documents:
            (folder / f"{number}.txt").write_text(f"note {number}: gear {number % 997} turns\n")
        elif not first.exists():
            first.write_bytes(content and content + number.to_bytes(4))
        else:
            os.link(first, f"{folder}/{prefix}{number}.bin")


def ingested(corpus: Path, root: Path) -> dict[str, Any]:
    """What an ingest in a process of its own took and told."""
    spawning = multiprocessing.get_context("spawn")
    receiver, sender = spawning.Pipe(duplex=False)
    process = spawning.Process(target=_ingest, args=(corpus, root, sender))
    process.start()
    told: dict[str, Any] = receiver.recv()
    process.join()
    return told


def _ingest(corpus: Path, root: Path, sender: Connection) -> None:
    began = last = time.monotonic()
    longest_s, reports = 0.0, 0

    def on_progress(_: Progress) -> None:
        nonlocal last, longest_s, reports
        now = time.monotonic()
        longest_s, last, reports = max(longest_s, now - last), now, reports + 1

    report = Corpus(SqliteBackend(corpus), encoder=HashEncoder()).ingest(
        [root], on_progress=on_progress
    )
    silent_s = max(longest_s, time.monotonic() - last)
    own, workers = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    sender.send(
        {
            "counts": report.counts(),
            "took_s": round(time.monotonic() - began, 1),
            "cpu_s": round(own.ru_utime + own.ru_stime, 1),
            "workers_cpu_s": round(workers.ru_utime + workers.ru_stime, 1),
            "memory_mb": round(own.ru_maxrss / 1024),
            "stages_s": {name: round(took_s, 1) for name, took_s in report.stages_s.items()},
            "reports": reports,
            "longest_silence_s": round(silent_s, 1),
        }
    )


def defects(files: int, documents: int, first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """What is wrong with two ingests."""
    found = []
    if sum(first["counts"].values()) != files:
        found.append("not every file is accounted for")
    if (first["counts"]["indexed"], second["counts"]["unchanged"]) != (documents, documents):
        found.append("not every document was taken in, and kept")
    for name, each in (("first", first), ("second", second)):
        if each["longest_silence_s"] > MOST_SILENT_S:
            found.append(f"the {name} says nothing for {each['longest_silence_s']} s")
    return found


if __name__ == "__main__":
    main()
