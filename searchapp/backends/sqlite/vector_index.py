"""The vectors file: an immutable, memory-mapped FAISS index, a cache of what the database holds.

With `faiss_search` the only owner of faiss. Knows ids, float16 rows and files; nothing of
documents, SQL or generations' meaning. Scores never depend on whether a row came from the file or
from the database: FAISS only proposes candidates, and `rescore` computes what is shown from the
same float16 values either way. Up to APPROXIMATE_FROM passages the file holds those values, and a
search of it is exact; beyond, it holds a byte a value in inverted lists, looks at the nearest lists
alone, and the values come from the database.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from searchapp.backends.sqlite import faiss_search, layout
from searchapp.errors import SearchappError
from searchapp.filesystem import atomic_write
from searchapp.linalg import are_unit
from searchapp.types.documents import FileIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import Ids, Scores, Vector, Vectors

    HalfVectors: TypeAlias = NDArray[np.float16]  # (n, dim), as stored
    Bitmap: TypeAlias = NDArray[np.uint8]  # bit `i % 8` of byte `i // 8` is passage id i
    RowsOf: TypeAlias = Callable[[Ids], HalfVectors]  # the stored rows of ids, in their order

# passages: an exact scan takes 30 ms a million, the lists a few ms whatever the size
APPROXIMATE_FROM = 2_000_000
_OVERSAMPLING = 4  # candidates to a passage that is wanted, where values are a byte each
_TRAINING = 64  # vectors to a list
_WRITTEN = 2**20  # bytes given to the disk at a time
_ADDED = 16_384  # rows given to FAISS at a time, which bounds memory
# candidates beyond the depth, so that FAISS's float32 rounding never decides who is in
_MARGIN = 16
_FEW_RANGES = 1024
_MOST_FOLDERS = 4  # whose newest files stay mapped
_BLOCK = 4096  # rows made float64 at a time, which bounds memory
_ROUNDING = 1e-5  # more than float32 can be off a cosine
DAMAGED, REBUILT = "the vectors file is damaged", "the next ingest rebuilds it"


class VectorsFileError(SearchappError):
    """The vectors file is missing, unreadable or not what was recorded; the database has everything
    in it.
    """

    code = "vectors_file"


class PublishedFile(NamedTuple):
    """A vectors file as the database records it."""

    name: str
    generation: int
    digest: bytes  # BLAKE2b-256 of the file
    identity: FileIdentity
    passages: int


# ---- rows ----------------------------------------------------------------------------------------


def to_blob(vectors: Vectors) -> bytes:
    """Rows as stored: little-endian float16, row after row. Raises ValueError for rows that are not
    finite unit vectors.
    """
    if not are_unit(vectors):
        raise ValueError("vectors must be finite and of unit length")
    return vectors.astype("<f2").tobytes()


def from_blob(blob: bytes, dim: int) -> HalfVectors:
    """The rows in a blob, (n, dim)."""
    return np.frombuffer(blob, dtype="<f2").reshape(-1, dim)


def rescore(rows: HalfVectors, query: Vector) -> Scores:
    """The cosine of each stored row with the query, (n,), summed in float64 so that order and batch
    do not show.
    """
    exact = query.astype(np.float64)  # (dim,)
    scores = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        scores[start : start + _BLOCK] = rows[start : start + _BLOCK].astype(np.float64) @ exact
    return scores


def bitmap(ranges: Iterable[tuple[int, int]], highest: int) -> Bitmap:
    """The ids in the ranges (first, count) as bits, wide enough for the highest id."""
    bounds = np.array(list(ranges), dtype=np.int64).reshape(-1, 2)
    if len(bounds) < _FEW_RANGES:
        bits = np.zeros(highest + 8, dtype=bool)
        for first, count in bounds.tolist():
            bits[first : first + count] = True
        return np.packbits(bits, bitorder="little")
    # how many ranges begin at an id, less those that end before it
    steps = np.zeros(highest + 9, dtype=np.int32)
    np.add.at(steps, bounds[:, 0], 1)
    np.add.at(steps, np.minimum(bounds.sum(axis=1), highest + 8), -1)
    return np.packbits(np.cumsum(steps[:-1]) > 0, bitorder="little")


def contains(allowed: Bitmap, ids: Ids) -> NDArray[np.bool_]:
    """Which ids have their bit set, (n,)."""
    known = ids < allowed.size * 8
    bits = allowed[np.where(known, ids, 0) >> 3] >> (ids & 7) & 1
    contained: NDArray[np.bool_] = known & (bits == 1)
    return contained


def top(
    rows: HalfVectors, ids: Ids, query: Vector, *, depth: int, allowed: Bitmap | None
) -> tuple[Ids, Scores]:
    """The best rows by brute force: at least `depth` (from 1) with all ties at the cut, best first,
    fewer only when fewer exist.
    """
    if allowed is not None:
        keep = contains(allowed, ids)
        rows, ids = rows[keep], ids[keep]
    return _cut(ids, rescore(rows, query), depth)


# ---- the file ------------------------------------------------------------------------------------


def publish(
    folder: Path,
    generation: int,
    dim: int,
    passages: int,
    blocks: Callable[[], Iterable[tuple[int, HalfVectors]]],
    *,
    approximate_from: int = APPROXIMATE_FROM,
) -> PublishedFile:
    """Write all rows, `passages` of them, each block with the id of its first row, to a new file
    that appears whole or not at all.

    `blocks` gives them anew each time. Returns what to record; until it is recorded, no reader
    looks at the file. Raises OSError when the disk does.
    """
    import faiss as typed

    faiss: Any = typed  # its types lack what Python adds
    if passages < approximate_from:
        index: Any = faiss.IndexIDMap(
            faiss.IndexScalarQuantizer(
                dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
            )
        )
    else:
        index = _trained_lists(dim, passages, blocks())
    for ids, rows in _gathered(blocks()):
        index.add_with_ids(rows.astype(np.float32), ids)
    temporary = folder / layout.unfinished_vectors_file(os.getpid())
    temporary.unlink(missing_ok=True)
    try:
        with atomic_write.created(
            temporary
        ) as file:  # not by name: FAISS does not tell of a write that fails when it closes its file
            faiss.write_index(index, faiss.PyCallbackIOWriter(file.write, _WRITTEN))
        digest = _digest(temporary)
        path = folder / layout.vectors_file(generation, digest)
        temporary.rename(path)
    except RuntimeError as error:
        raise OSError(errno.EIO, "the disk is full or failing") from error
    finally:
        temporary.unlink(missing_ok=True)
    atomic_write.sync(folder)
    return PublishedFile(path.name, generation, digest, FileIdentity.of(path.stat()), index.ntotal)


def _trained_lists(
    dim: int, passages: int, blocks: Iterable[tuple[int, HalfVectors]]
) -> Any:  # a faiss index
    """Empty inverted lists, as many as suit so many passages, trained on an even sample of them;
    FAISS's own seed is fixed.
    """
    import faiss

    lists = 2 ** round(math.log2(1.3 * math.sqrt(passages)))
    step = max(1, passages // (_TRAINING * lists))
    sample = np.concatenate(
        [rows[-int(ids[0]) % step :: step] for ids, rows in _gathered(blocks)]
    ).astype(np.float32)
    quantizer = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(
        quantizer, dim, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    index.train(sample)
    return index


def _gathered(blocks: Iterable[tuple[int, HalfVectors]]) -> Iterator[tuple[Ids, HalfVectors]]:
    """The rows with their ids, many small blocks at a time."""
    firsts: list[int] = []
    waiting: list[HalfVectors] = []
    count = 0
    for first, rows in blocks:
        firsts.append(first)
        waiting.append(rows)
        count += len(rows)
        if count >= _ADDED:
            yield _joined(firsts, waiting)
            firsts, waiting, count = [], [], 0
    if waiting:
        yield _joined(firsts, waiting)


def _joined(firsts: Sequence[int], blocks: Sequence[HalfVectors]) -> tuple[Ids, HalfVectors]:
    ids = [
        np.arange(first, first + len(rows), dtype=np.int64)
        for first, rows in zip(firsts, blocks, strict=True)
    ]
    return np.concatenate(ids), np.concatenate(blocks)


def generation_of(path: Path) -> int:
    """The generation of a vectors file, by its name; -1 where it has none."""
    number = path.name.split("-")[1]
    return int(number) if number.isdecimal() else -1


def remove_others(folder: Path, keep: str) -> None:
    """Delete all vectors files and leftovers but the one named; readers that have one mapped keep
    reading it.
    """
    with contextlib.suppress(OSError):  # a folder that cannot be listed
        for path in [
            *folder.glob(layout.VECTORS_FILES),
            *folder.glob(layout.UNFINISHED_VECTORS_FILES),
        ]:
            if path.name != keep:
                with contextlib.suppress(OSError):
                    path.unlink()


def verify(folder: Path, published: PublishedFile, *, is_whole: bool = False) -> None:
    """Raise VectorsFileError unless the file is the one that was published.

    Equal identity is enough, as the file is never written again; where it differs (a copied
    corpus), or with `is_whole`, its digest decides.
    """
    path = folder / published.name
    try:
        is_same = not is_whole and FileIdentity.of(path.stat()) == published.identity
        if not is_same and _digest(path) != published.digest:
            raise VectorsFileError(DAMAGED, hint=REBUILT)
    except FileNotFoundError as error:
        raise VectorsFileError("the vectors file is missing", hint=REBUILT) from error
    except OSError as error:
        raise VectorsFileError(
            f"the vectors file cannot be read: {error.strerror}", hint=REBUILT
        ) from error


def open_file(folder: Path, published: PublishedFile) -> VectorsFile:
    """The published file, checked and mapped; the newest of each of a few folders stays mapped, as
    touching its pages anew costs more than a search.

    Raises VectorsFileError where it is missing or not the one published.
    """
    verify(folder, published)
    return _mapped(folder, published)


class VectorsFile:
    """A published file, memory-mapped; searched exactly, unless it `is_approximate`."""

    def __init__(self, folder: Path, published: PublishedFile) -> None:
        """Map the file, which `open_file` has checked. Raises VectorsFileError where FAISS cannot
        read it.
        """
        try:
            self._index = faiss_search.read(folder / published.name)
            self._ids = self._index.ids()  # ascending
        except RuntimeError as error:
            raise VectorsFileError("the vectors file cannot be read", hint=REBUILT) from error
        self.is_approximate = self._index.is_approximate
        if self._index.total != published.passages:
            raise VectorsFileError(DAMAGED, hint=REBUILT)

    def search(
        self, query: Vector, *, depth: int, allowed: Bitmap | None, rows_of: RowsOf | None = None
    ) -> tuple[Ids, Scores]:
        """The best rows: at least `depth` (from 1) with all ties at the cut, best first, fewer only
        when fewer exist.

        An approximate file may miss some, and needs `rows_of` for the values that it rescores.
        """
        if self.is_approximate:
            ids = self._candidates(query, max(_OVERSAMPLING * depth, depth + _MARGIN), allowed)
            return _cut(ids, rescore((rows_of or self.rows)(ids), query), depth)
        wanted = depth
        while True:
            ids = self._candidates(query, wanted + _MARGIN, allowed)
            scores = rescore(self.rows(ids), query)
            chosen, best = _cut(ids, scores, depth)
            if len(ids) < wanted + _MARGIN or scores.min() < best[-1] - _ROUNDING:
                return chosen, best
            wanted *= 4  # a tie, or nearly one, longer than the margin: look further

    def _candidates(self, query: Vector, count: int, allowed: Bitmap | None) -> Ids:
        if self._index.dim != len(query):
            raise VectorsFileError(DAMAGED, hint=REBUILT)
        count = min(count, self._index.total)
        if count == 0:
            return np.empty(0, dtype=np.int64)
        return self._index.candidates(query, count, allowed)

    def rows(self, ids: Ids) -> HalfVectors:
        """The stored rows of ids that are in the file, (n, dim); an approximate file has none.
        Raises VectorsFileError where its ids are damaged.
        """
        if not len(ids):
            return np.empty((0, self._index.dim), dtype=np.float16)
        # a map of FAISS's own would take longer to build than a search
        places = np.searchsorted(self._ids, ids)
        if places.max() >= len(self._ids) or not np.array_equal(self._ids[places], ids):
            raise VectorsFileError(DAMAGED, hint=REBUILT)
        return self._index.rows(places)


def _mapped(folder: Path, published: PublishedFile) -> VectorsFile:
    newest = _newest(folder)
    file = newest.get(published)
    if file is None:
        file = VectorsFile(folder, published)
        newest.clear()  # nobody opens an older one again
        newest[published] = file
    return file


@lru_cache(maxsize=_MOST_FOLDERS)
def _newest(_folder: Path) -> dict[PublishedFile, VectorsFile]:
    """The file of a folder that was opened last."""
    return {}


# ---- private -------------------------------------------------------------------------------------


def _cut(ids: Ids, scores: Scores, depth: int) -> tuple[Ids, Scores]:
    order = np.lexsort((ids, -scores))
    if len(order) > depth:
        order = order[scores[order] >= scores[order[depth - 1]]]
    return ids[order], scores[order]


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).digest()
