"""Readers beside an ingest: no read may see half a document, meet a lock, or answer anything but a
committed generation.

    python -m tests.torture.readers [--reads N]

One process adds, replaces and removes documents without a pause; three others read until they have
read so often. Each document says in its text which version it is of, in every passage, and its
vectors say it too.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.search.query_parser import literal
from searchapp.types.filters import Filters
from tests.builders.corpora import DIM, add, axis, document

READERS, DOCUMENTS, PASSAGES = 3, 12, 40
_LEFT_S = 300.0


def run(reads: int, *, is_torn: bool = False) -> Counter[str]:
    """What readers saw in so many reads beside a writer; one that tears documents on purpose
    commits between two halves of them.
    """
    spawning = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="readers-") as work:
        folder = Path(work) / "corpus"
        SqliteBackend(folder).writer().close()
        is_over = spawning.Event()
        told = spawning.Queue()
        writer = spawning.Process(target=_write, args=(folder, is_over, is_torn), daemon=True)
        readers = [
            spawning.Process(
                target=_read, args=(folder, reads // READERS, number, told), daemon=True
            )
            for number in range(READERS)
        ]
        writer.start()
        while _generation(folder) < DOCUMENTS and writer.is_alive():
            time.sleep(0.01)
        for process in readers:
            process.start()
        seen: Counter[str] = Counter()
        for _ in readers:
            seen += told.get(timeout=_LEFT_S)
        is_over.set()
        writer.join(_LEFT_S)
        seen["generations written"] = _generation(folder)
        if writer.exitcode:
            seen["the writer failed"] += 1
    return seen


def _generation(folder: Path) -> int:
    with SqliteReader(folder) as reader:
        return reader.generation


def _read(folder: Path, reads: int, seed: int, told: multiprocessing.Queue[Counter[str]]) -> None:
    """Read so often, and say what was seen."""
    rng, seen, generations = random.Random(seed), Counter[str](), set()
    for _ in range(reads):
        try:
            with SqliteBackend(folder).reader() as reader:
                generations.add(reader.generation)
                seen.update(_seen(reader, rng))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what this looks for
            seen[f"{type(error).__name__}: {error}"] += 1
        seen["reads"] += 1
    seen["generations read"] = len(generations)
    told.put(seen)


def _seen(reader: SqliteReader, rng: random.Random) -> Iterator[str]:
    """What is wrong with what a reader finds."""
    rows = list(reader.rows(Filters()))
    if sum(row.passages for row in rows) != reader.counts()[1] or len(rows) != reader.counts()[0]:
        yield "counts differ from rows"
    for document_id in (
        rng.sample(ids, min(3, len(ids))) if (ids := reader.document_ids(Filters())) else []
    ):
        _, hits = reader.show(document_id)
        versions = {hit.text.split()[0] for hit in hits}
        if len(hits) != PASSAGES or len(versions) != 1:
            yield "half a document"
    found, _ = reader.cosine_leg(axis(rng.randrange(DIM)), Filters(), 1000)
    by_document: Counter[bytes] = Counter(hit.path for hit in reader.hydrate(found))
    if set(by_document.values()) - {PASSAGES}:
        yield "half a document's vectors"
    for hit, vector in zip(reader.hydrate(found[:20]), reader.vectors_of(found[:20]), strict=True):
        if int(np.argmax(vector)) != int(hit.text.split()[0][1:]) % DIM:
            yield "a vector of another version"
    words, _ = reader.keyword_leg(literal("word").terms, Filters(), 2000)
    if len(words) != reader.counts()[1]:
        yield "half a document's words"


def _write(folder: Path, is_over: Event, is_torn: bool) -> None:  # noqa: FBT001, RUF100
    rng, version = random.Random(99), 0
    with SqliteBackend(folder).writer() as writer:
        while not is_over.is_set():
            version += 1
            path = f"/nowhere/{rng.randrange(DOCUMENTS)}.txt"
            made = document(PASSAGES, word=f"v{version} word")
            vectors = np.repeat(axis(version % DIM)[np.newaxis], PASSAGES, axis=0)
            if is_torn:
                half = document(PASSAGES // 2, word=f"v{version} word")
                add(writer, path, half, vectors[: PASSAGES // 2])
                writer.commit()
            if version % 3:
                add(writer, path, made, vectors)
            else:
                number = add(writer, path, made)
                writer.attach(number, vectors)
            if version % 7 == 0 and (known := writer.known_files()):
                writer.remove([rng.choice(list(known.values())).document_id])
            writer.commit()
            if version % 20 == 0:
                writer.publish(is_due=True)


def main() -> None:
    """Read, and print what was seen as JSON."""
    parser = argparse.ArgumentParser(description="Read beside a writer, over and over.")
    parser.add_argument("--reads", type=int, default=10_000)
    began = time.monotonic()
    seen = run(parser.parse_args().reads)
    print(json.dumps({**seen, "took_s": round(time.monotonic() - began, 1)}, indent=2))
    sys.exit(bool(seen.keys() - FINE))


FINE = {"reads", "generations read", "generations written"}


if __name__ == "__main__":
    main()
