"""The vectors file: an exact, immutable, memory-mapped FAISS index, a cache of what the database holds.

The only owner of faiss. Knows ids, float16 rows and files; nothing of documents, SQL or generations' meaning. Scores never
depend on whether a row came from the file or from the database: FAISS only proposes candidates, and `rescore` computes what
is shown from the same float16 values either way.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from searchapp.errors import SearchappError
from searchapp.types import FileIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types import Ids, Scores, Vector, Vectors

    HalfVectors: TypeAlias = NDArray[np.float16]  # (n, dim), as stored
    Bitmap: TypeAlias = NDArray[np.uint8]  # bit `i % 8` of byte `i // 8` is passage id i

_MARGIN = 16  # candidates beyond the depth, so that FAISS's float32 rounding never decides who is in
_BLOCK = 4096  # rows made float64 at a time, which bounds memory
_ROUNDING = 1e-5  # more than float32 can be off a cosine


class VectorsFileError(SearchappError):
    """The vectors file is missing, unreadable or not what was recorded; the database has everything in it."""

    code = "vectors_file"


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A vectors file as the database records it."""

    name: str
    generation: int
    digest: bytes  # BLAKE2b-256 of the file
    identity: FileIdentity
    passages: int


# ---- rows ----------------------------------------------------------------------------------------------------------


def to_blob(vectors: Vectors) -> bytes:
    """Rows as stored: little-endian float16, row after row. Raises ValueError for rows that are not finite unit vectors."""
    norms = np.linalg.norm(vectors, axis=1)  # (n,)
    if not np.all(np.abs(norms - 1.0) < 1e-3):  # NaN fails the comparison too
        raise ValueError("vectors must be finite and of unit length")
    return vectors.astype("<f2").tobytes()


def from_blob(blob: bytes, dim: int) -> HalfVectors:
    """The rows in a blob, (n, dim)."""
    return np.frombuffer(blob, dtype="<f2").reshape(-1, dim)


def rescore(rows: HalfVectors, query: Vector) -> Scores:
    """The cosine of each stored row with the query, (n,), summed in float64 so that order and batch do not show."""
    exact = query.astype(np.float64)  # (dim,)
    scores = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        scores[start : start + _BLOCK] = rows[start : start + _BLOCK].astype(np.float64) @ exact
    return scores


def bitmap(ranges: Iterable[tuple[int, int]], highest: int) -> Bitmap:
    """The ids in the ranges (first, count) as bits, wide enough for the highest id."""
    bits = np.zeros(highest + 8, dtype=bool)
    for first, count in ranges:
        bits[first : first + count] = True
    return np.packbits(bits, bitorder="little")


def contains(allowed: Bitmap, ids: Ids) -> NDArray[np.bool_]:
    """Which ids have their bit set, (n,)."""
    known = ids < allowed.size * 8
    bits = allowed[np.where(known, ids, 0) >> 3] >> (ids & 7) & 1
    found: NDArray[np.bool_] = known & (bits == 1)
    return found


def top(rows: HalfVectors, ids: Ids, query: Vector, *, depth: int, allowed: Bitmap | None) -> tuple[Ids, Scores]:
    """The best rows by brute force: at least `depth` (from 1) with all ties at the cut, best first, fewer only when fewer exist."""
    if allowed is not None:
        keep = contains(allowed, ids)
        rows, ids = rows[keep], ids[keep]
    return _cut(ids, rescore(rows, query), depth)


# ---- the file ------------------------------------------------------------------------------------------------------


def publish(folder: Path, generation: int, dim: int, blocks: Iterable[tuple[int, HalfVectors]]) -> PublishedFile:
    """Write all rows, each block with the id of its first row, to a new file that appears whole or not at all.

    Returns what to record; until it is recorded, no reader looks at the file. Raises OSError when the disk does.
    """
    import faiss

    index = faiss.IndexIDMap2(faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT))
    for first, rows in blocks:
        index.add_with_ids(rows.astype(np.float32), np.arange(first, first + len(rows), dtype=np.int64))
    temporary = folder / f".vectors-{os.getpid()}.tmp"
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        faiss.write_index(index, str(temporary))
        _sync(temporary)
        digest = _digest(temporary)
        path = folder / f"vectors-{generation}-{digest.hex()[:16]}.faiss"
        temporary.rename(path)
    except RuntimeError as error:
        raise OSError(errno.EIO, "the disk is full or failing") from error
    finally:
        temporary.unlink(missing_ok=True)
    _sync(folder)
    return PublishedFile(path.name, generation, digest, FileIdentity.of(path.stat()), index.ntotal)


def remove_others(folder: Path, keep: str) -> None:
    """Delete all vectors files and leftovers but the one named; readers that have one mapped keep reading it."""
    for path in [*folder.glob("vectors-*.faiss"), *folder.glob(".vectors-*.tmp")]:
        if path.name != keep:
            with contextlib.suppress(OSError):
                path.unlink()


def verify(folder: Path, published: PublishedFile, *, is_whole: bool = False) -> None:
    """Raise VectorsFileError unless the file is the one that was published.

    Equal identity is enough, as the file is never written again; where it differs (a copied corpus), or with `is_whole`, its
    digest decides.
    """
    path = folder / published.name
    try:
        is_same = not is_whole and FileIdentity.of(path.stat()) == published.identity
        if not is_same and _digest(path) != published.digest:
            raise VectorsFileError("the vectors file is damaged", hint="the next ingest rebuilds it")
    except FileNotFoundError as error:
        raise VectorsFileError("the vectors file is missing", hint="the next ingest rebuilds it") from error
    except OSError as error:
        raise VectorsFileError(f"the vectors file cannot be read: {error.strerror}", hint="the next ingest rebuilds it") from error


def open_file(folder: Path, published: PublishedFile) -> VectorsFile:
    """The published file, checked and mapped; the one opened last stays mapped, as touching its pages anew costs more than a search.

    Raises VectorsFileError where it is missing or not the one published.
    """
    verify(folder, published)
    return _mapped(folder, published)


class VectorsFile:
    """A published file, memory-mapped and searched exactly."""

    def __init__(self, folder: Path, published: PublishedFile) -> None:
        """Map the file, which `open_file` has checked. Raises VectorsFileError where FAISS cannot read it."""
        import faiss

        try:
            index = faiss.read_index(str(folder / published.name), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise VectorsFileError("the vectors file cannot be read", hint="the next ingest rebuilds it") from error
        self._faiss: Any = faiss
        self._index: Any = index

    def search(self, query: Vector, *, depth: int, allowed: Bitmap | None) -> tuple[Ids, Scores]:
        """The best rows: at least `depth` (from 1) with all ties at the cut, best first, fewer only when fewer exist."""
        wanted = depth
        while True:
            ids = self._candidates(query, wanted + _MARGIN, allowed)
            scores = rescore(self.rows(ids), query)
            chosen, best = _cut(ids, scores, depth)
            if len(ids) < wanted + _MARGIN or scores.min() < best[-1] - _ROUNDING:
                return chosen, best
            wanted *= 4  # a tie, or nearly one, longer than the margin: look further

    def _candidates(self, query: Vector, count: int, allowed: Bitmap | None) -> Ids:
        count = min(count, self._index.ntotal)
        if count == 0:
            return np.empty(0, dtype=np.int64)
        parameters = None
        if allowed is not None:
            selector = self._faiss.IDSelectorBitmap(allowed.size, self._faiss.swig_ptr(allowed))
            parameters = self._faiss.SearchParameters(sel=selector)
        _, ids = self._index.search(query[np.newaxis], count, params=parameters)
        found: Ids = ids[0][ids[0] >= 0]
        return found

    def rows(self, ids: Ids) -> HalfVectors:
        """The stored rows of ids that are in the file, (n, dim)."""
        rows = self._index.reconstruct_batch(ids) if len(ids) else np.empty((0, self._index.d), dtype=np.float32)
        half: HalfVectors = rows.astype(np.float16)  # exact: the index stores float16
        return half


@lru_cache(maxsize=1)
def _mapped(folder: Path, published: PublishedFile) -> VectorsFile:
    return VectorsFile(folder, published)


# ---- private -------------------------------------------------------------------------------------------------------


def _cut(ids: Ids, scores: Scores, depth: int) -> tuple[Ids, Scores]:
    order = np.lexsort((ids, -scores))
    if len(order) > depth:
        order = order[scores[order] >= scores[order[depth - 1]]]
    return ids[order], scores[order]


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).digest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
