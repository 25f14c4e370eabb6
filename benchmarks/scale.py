"""What a corpus costs at every size: storing, publishing, opening, asking, filtering, and changing
ten documents.

    make scale        or: python -m benchmarks.scale [SIZE...] [--keep FOLDER]

Builds a corpus of so many synthetic passages (default 1,000 to 1,000,000) through the writer
itself, and measures it through the reader, cold questions in fresh processes. Of 10,000,000
passages only the vectors are made: their file, and what stands for the database. Writes all figures
with versions, hardware and command to benchmarks/results/. Needs 24 GiB of memory and 40 GB of disk
for the largest.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import synthetic
from benchmarks.keeping import keep
from searchapp.backends.sqlite import vector_index
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.search import query_parser
from searchapp.types.filters import Filters
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.protocols import Reader

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUESTIONS, DEPTH = 100, 100
VECTORS_ALONE = 5_000_000  # passages, from which on there is no database
ENCODER = EncoderIdentity("synthetic", "5" * 64, synthetic.DIM, 254)
SELECTIVITIES = (0.001, 0.01, 0.5)
BLOCK = 65_536
OPEN = """
import re, sys, time
import numpy as np
from pathlib import Path
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.types.filters import Filters
begin = time.perf_counter()
with SqliteReader(Path(sys.argv[1])) as reader:
    reader.counts(), reader.versions()
    reader.cosine_leg(np.eye(384, dtype=np.float32)[0], Filters(), 100)
took_s = time.perf_counter() - begin
held = dict(re.findall(r"(\\w+):\\s+(\\d+) kB", Path("/proc/self/status").read_text()))
print(took_s, held["RssAnon"], held["RssFile"])
"""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--keep", type=Path, help="build here, and use what was built here before")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        place = options.keep or Path(work)
        found = {
            str(size): (_vectors_alone if size >= VECTORS_ALONE else _measure)(
                place / str(size), size
            )
            for size in options.sizes
        }
    keep(
        "scale",
        {"passages": found},
        f"python -m benchmarks.scale {' '.join(map(str, options.sizes))}",
    )


def _measure(folder: Path, size: int) -> dict[str, object]:
    built = build(folder, size)
    backend = SqliteBackend(folder)
    asked, texts = synthetic.questions(QUESTIONS, next(synthetic.documents(size)))
    with closing(backend.reader()) as reader:
        told = _asked(reader, asked, texts)
    return {**built, **_cold(folder), **told, **_change(backend, asked[0])}


def build(folder: Path, size: int) -> dict[str, object]:
    """Store and publish; what it took is kept beside the corpus."""
    notes = folder.with_suffix(".json")
    if notes.exists():
        found: dict[str, object] = json.loads(notes.read_text(encoding="utf-8"))
        return found
    names = [synthetic.word(rank) for rank in range(synthetic.WORDS)]
    took_s, since_s = 0.0, 0.0
    with closing(SqliteBackend(folder).writer()) as writer:
        writer.set_encoder(ENCODER)
        for made in synthetic.documents(size):
            ends = np.cumsum(made.passages)
            prepared = [
                (
                    *synthetic.as_document(made.first + i, made.words[end - count : end], names),
                    made.vectors[end - count : end],
                )
                for i, (end, count) in enumerate(
                    zip(ends.tolist(), made.passages.tolist(), strict=True)
                )
            ]
            since_s = time.perf_counter()
            for source, document, passages, vectors in prepared:
                writer.replace(source, document, passages, vectors=vectors)
            writer.commit()
            took_s += time.perf_counter() - since_s
        since_s = time.perf_counter()
        writer.finish()
        published_s = time.perf_counter() - since_s
    found = {
        "store_passages_per_s": round(size / took_s),
        "publish_s": round(published_s, 2),
        "writer_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "database_mb": (folder / "corpus.db").stat().st_size >> 20,
        "vectors_file_mb": sum(path.stat().st_size for path in folder.glob("vectors-*")) >> 20,
    }
    notes.write_text(json.dumps(found), encoding="utf-8")
    return found


def _cold(folder: Path) -> dict[str, object]:
    """A fresh process that opens the corpus and asks once; Python's imports do not count."""
    found = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-P", "-c", OPEN, str(folder)],
            check=True,
            capture_output=True,
            text=True,
        )
        found.append([float(each) for each in done.stdout.split()])
    seconds, own_kb, mapped_kb = np.median(found, axis=0)
    return {
        "cold_open_and_ask_ms": _ms(float(seconds)),
        "own_memory_mb": int(own_kb) >> 10,
        "mapped_memory_mb": int(mapped_kb) >> 10,
    }


def _asked(reader: Reader, asked: NDArray[np.float32], texts: Sequence[str]) -> dict[str, object]:
    """Warm questions to one reader: meaning and words, without and under filters."""
    found: dict[str, object] = {
        "cosine_ms": _times(lambda i: reader.cosine_leg(asked[i], Filters(), DEPTH))
    }
    terms = [query_parser.literal(text).terms for text in texts]
    found["keyword_ms"] = _times(lambda i: reader.keyword_leg(terms[i], Filters(), DEPTH))
    for share in SELECTIVITIES:
        filters = Filters(
            before_ns=max(2, round(share * reader.counts()[0]))
        )  # a document's number is its time

        def by_cosine(i: int, only: Filters = filters) -> object:
            return reader.cosine_leg(asked[i], only, DEPTH)

        def by_keyword(i: int, only: Filters = filters) -> object:
            return reader.keyword_leg(terms[i], only, DEPTH)

        found[f"cosine_{share:.1%}_ms"] = _times(by_cosine, 20)
        found[f"keyword_{share:.1%}_ms"] = _times(by_keyword, 20)
    return found


def _vectors_alone(folder: Path, size: int) -> dict[str, object]:
    """The vectors file of so many passages, published from rows on the disk, which stand for the
    database when candidates are rescored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rows.f2"
    if not path.exists():
        with path.open("wb") as file:
            for made in synthetic.documents(size, has_words=False):
                made.vectors.astype("<f2").tofile(file)
    rows = np.memmap(path, dtype="<f2", mode="r").reshape(-1, synthetic.DIM)

    def blocks() -> Iterator[tuple[int, NDArray[np.float16]]]:
        for first in range(0, len(rows), BLOCK):
            yield first, np.asarray(rows[first : first + BLOCK])

    begin = time.perf_counter()
    published = vector_index.publish(folder, 1, synthetic.DIM, len(rows), blocks)
    published_s = time.perf_counter() - begin
    begin = time.perf_counter()
    index = vector_index.open_file(folder, published)
    opened_s = time.perf_counter() - begin
    asked, _ = synthetic.questions(QUESTIONS, next(synthetic.documents(size)))
    found: dict[str, object] = {
        "publish_s": round(published_s, 1),
        "writer_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "vectors_file_mb": published.identity.size >> 20,
        "is_approximate": index.is_approximate,
        "open_ms": _ms(opened_s),
    }
    for share in (1.0, *SELECTIVITIES):
        allowed = (
            None
            if share == 1
            else np.packbits(np.random.default_rng(5).random(len(rows)) < share, bitorder="little")
        )
        found[f"recall_at_10_{share:.1%}"] = _recall(index, rows, asked, allowed)
        ask = partial(index.search, depth=DEPTH, allowed=allowed, rows_of=rows.__getitem__)
        found[f"cosine_{share:.1%}_ms"] = _times(lambda i, ask=ask: ask(asked[i]))  # type: ignore[misc]
    return found


def _recall(
    index: vector_index.VectorsFile,
    rows: NDArray[np.float16],
    asked: NDArray[np.float32],
    allowed: NDArray[np.uint8] | None,
) -> float:
    """How many of the ten best rows are found, by an exact scan in float32."""
    best_ids, best = np.empty((len(asked), 0), np.int64), np.empty((len(asked), 0), np.float32)
    for first in range(0, len(rows), BLOCK):
        ids = np.arange(first, min(first + BLOCK, len(rows)))
        ids = ids if allowed is None else ids[vector_index.contains(allowed, ids)]
        cosines = asked @ rows[ids].astype(np.float32).T
        best, best_ids = (
            np.hstack((best, cosines)),
            np.hstack((best_ids, np.tile(ids, (len(asked), 1)))),
        )
        top = np.argsort(-best, axis=1, kind="stable")[:, :10]
        best, best_ids = np.take_along_axis(best, top, 1), np.take_along_axis(best_ids, top, 1)
    found = [
        index.search(query, depth=10, allowed=allowed, rows_of=rows.__getitem__)[0].tolist()
        for query in asked
    ]
    hits = sum(
        len(set(ids) & set(expected))
        for ids, expected in zip(found, best_ids.tolist(), strict=True)
    )
    return round(hits / best_ids.size, 4)


def _change(backend: SqliteBackend, vector: NDArray[np.float32]) -> dict[str, object]:
    """Ten documents replaced: from the first change to the answer of a new reader, which does not
    rewrite the vectors file.
    """
    made = next(synthetic.documents(1_000))
    names = [synthetic.word(rank) for rank in range(synthetic.WORDS)]
    begin = time.perf_counter()
    with closing(backend.writer()) as writer:
        for number in range(10):
            source, document, passages = synthetic.as_document(
                number, made.words[number : number + 1], names
            )
            writer.replace(source, document, passages, vectors=made.vectors[number : number + 1])
        writer.finish()
    with closing(backend.reader()) as reader:
        reader.cosine_leg(vector, Filters(), DEPTH)
    return {"change_ten_documents_and_ask_ms": _ms(time.perf_counter() - begin)}


def _times(ask: Callable[[int], object], count: int = QUESTIONS) -> list[float]:
    """Median and 95th percentile in ms, once what is asked for is in memory."""
    for i in range(count):
        ask(i)
    seconds = []
    for i in range(count):
        begin = time.perf_counter()
        ask(i)
        seconds.append(time.perf_counter() - begin)
    return [_ms(float(np.percentile(seconds, share))) for share in (50, 95)]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


if __name__ == "__main__":
    main(sys.argv[1:])
