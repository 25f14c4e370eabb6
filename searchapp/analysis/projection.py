"""Vectors in the plane: where each stands on a map, its true nearest neighbors, and how many of
them the map keeps near. Pure.

PCA shows the two directions in which the vectors differ most, and nothing else. UMAP keeps
neighbors together and tears the rest apart; it is an extra, and only this module uses it. It is
taken where it is installed and there are points enough. Equal vectors give equal places: seeds and
signs are fixed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from searchapp.errors import UsageError
from searchapp.linalg import clipped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import Ids, Vectors

    Places = NDArray[np.float64]  # (n, 2)

METHODS = ("pca", "umap")
MIN_UMAP_POINTS = 15  # from which on UMAP is taken unless a method is named

_SEED = 42
_NEIGHBOURS = 15  # of a point that UMAP keeps near, its own default
_FEWEST = 3  # points of which UMAP makes a map
_BLOCK = 512  # rows compared with all at a time, which bounds memory
_STRANDS = 64  # columns of which one stands for all until the best are sought
_MARGIN = 8  # candidates beyond those wanted, so that float32 rounding does not decide who is in
_LOOKED_AT = 1000  # rows, evenly spread, by which it is told how much a map keeps
_WIDEST_GAP = 0.1  # between islands of UMAP, as a part of the middle 80 % of an axis
_PROGRESS_S = 5.0  # between reports of how far UMAP is
_NOTHING = 1e-12  # of the variance: what a direction has less of is rounding
# what importing UMAP raises where a part of it is missing or finds no folder for what it compiles
_NOT_LOADING = (ImportError, AttributeError, RuntimeError, SystemError)


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Where each vector stands and, for PCA, the share of the variance that each axis shows; the
    axes of UMAP mean nothing.
    """

    method: str
    places: Places  # (n, 2) float64
    shares: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """The method of a map, and why UMAP was not taken: there are "few" points, it is "missing" or
    "broken"; "" where a method was named, or it is UMAP.
    """

    method: str
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors:
    """The nearest other rows of each row, nearest first, and their cosines."""

    rows: Ids  # (n, k)
    cosines: NDArray[np.float64]  # (n, k)


def require_method(method: str) -> None:
    """Raise UsageError for a method that is not known or not installed."""
    if method not in METHODS:
        raise UsageError(f"there is no method {method!r}", hint=f"methods: {', '.join(METHODS)}")
    if method == "umap" and not _is_installed():
        raise UsageError(
            "UMAP takes umap-learn, which is not installed",
            hint="pip install 'searchapp[map]', or use --method pca",
        )


def choose_method(named: str | None, count: int) -> MethodChoice:
    """The method that was named; without one UMAP if it is installed and there are points enough,
    PCA otherwise. Imports nothing.
    """
    if named is not None:
        return MethodChoice(named)
    if count < MIN_UMAP_POINTS:
        return MethodChoice("pca", "few")
    return MethodChoice("umap") if _is_installed() else MethodChoice("pca", "missing")


def project(
    vectors: Vectors, method: str, on_progress: Callable[[float], None] = lambda _: None
) -> Projection:
    """The vectors, (n, dim), in the plane. UMAP calls `on_progress` with the share that is done
    every few seconds. Raises UsageError as `require_method` does, or if there are too few vectors
    for UMAP.
    """
    require_method(method)
    return pca(vectors) if method == "pca" else _umap(vectors, on_progress)


def pca(vectors: Vectors) -> Projection:
    """The vectors along the two directions in which they differ most, in float64; the largest part
    of each direction is positive.

    The directions are those of the largest eigenvalues of the scatter matrix (Pearson 1901), which
    are the variances along them.
    """
    mean = vectors.mean(axis=0, dtype=np.float64) if len(vectors) else np.zeros(vectors.shape[1])
    scatter = np.zeros((vectors.shape[1], vectors.shape[1]))  # (dim, dim)
    for start in range(0, len(vectors), _BLOCK):
        rows = vectors[start : start + _BLOCK] - mean
        scatter += rows.T @ rows
    variances, directions = np.linalg.eigh(scatter)  # ascending
    variances, axes = variances[:-3:-1], directions[:, :-3:-1]  # (2,), (dim, 2)
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1.0, 1.0)
    shares = variances / max(float(np.trace(scatter)), np.finfo(np.float64).tiny)
    seen = (shares > _NOTHING) & (variances > _NOTHING)
    places = np.zeros((len(vectors), 2))
    for start in range(0, len(vectors), _BLOCK):
        places[start : start + _BLOCK, : len(seen)] = (
            (vectors[start : start + _BLOCK] - mean) @ axes
        ) * seen
    first, second = [*np.where(seen, shares, 0.0).tolist(), 0.0][:2]
    return Projection("pca", places, (first, second))


def nearest_neighbors(vectors: Vectors, k: int) -> Neighbors:
    """The k nearest other rows of each row by cosine, fewer where there are no more; ties in the
    order of the rows.
    """
    k = min(k, max(len(vectors) - 1, 0))
    rows, cosines = np.zeros((len(vectors), k), np.int64), np.zeros((len(vectors), k))
    for start in range(0, len(vectors) if k else 0, _BLOCK):
        block = vectors[start : start + _BLOCK]
        own = np.arange(start, start + len(block))
        rough = block @ vectors.T  # (b, n) float32: proposes; float64 decides
        rough[own - start, own] = -np.inf
        candidates = np.sort(_highest(rough, min(k + _MARGIN, len(vectors) - 1)), axis=1)  # (b, c)
        exact = np.einsum(
            "bcd,bd->bc", vectors[candidates].astype(np.float64), block.astype(np.float64)
        )
        order = np.argsort(-exact, axis=1, kind="stable")[:, :k]
        rows[own], cosines[own] = (
            np.take_along_axis(candidates, order, 1),
            clipped(np.take_along_axis(exact, order, 1)),
        )
    return Neighbors(rows, cosines)


def neighbors_kept(places: Places, true: Neighbors) -> float:
    """The share of the true nearest neighbors that are among the nearest on the map, from 0 to 1,
    measured at up to a thousand points.
    """
    n, k = true.rows.shape
    if not k:
        return 1.0
    looked_at = np.unique(np.linspace(0, n - 1, min(n, _LOOKED_AT)).round().astype(np.int64))
    count = 0
    for row in looked_at.tolist():
        apart = np.square(places - places[row]).sum(axis=1)  # (n,)
        apart[row] = np.inf
        count += len(np.intersect1d(np.argpartition(apart, k - 1)[:k], true.rows[row]))
    return float(count / (k * len(looked_at)))


def sample(total: int, most: int) -> Ids:
    """Which of `total` items to take if at most `most` may be: all, or a sample drawn with a fixed
    seed; ascending.
    """
    if total <= most:
        return np.arange(total, dtype=np.int64)
    return np.sort(np.random.default_rng(_SEED).choice(total, most, replace=False)).astype(np.int64)


# ---- private -------------------------------------------------------------------------------------


def _is_installed() -> bool:
    return find_spec("umap") is not None


def _umap(vectors: Vectors, on_progress: Callable[[float], None]) -> Projection:
    """The vectors as UMAP lays them out (McInnes 2018), from the places that PCA gives; equal each
    time on a machine.
    """
    if len(vectors) < _FEWEST:
        raise UsageError(
            f"UMAP takes {_FEWEST} points at least; there are {len(vectors)}",
            hint="use --method pca",
        )
    if pca(vectors).shares == (0.0, 0.0):  # all are equal
        return Projection("umap", np.zeros((len(vectors), 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts of the library that are not used here
        try:
            from umap import UMAP
        except _NOT_LOADING as error:
            hint = "pip install --upgrade 'searchapp[map]', or use --method pca"
            raise UsageError(f"UMAP does not load: {error}", hint=hint) from error

        neighbours = min(_NEIGHBOURS, len(vectors) - 1)
        made = UMAP(
            n_neighbors=neighbours,
            metric="cosine",
            init="pca",
            random_state=_SEED,
            n_jobs=1,
            tqdm_kwds={
                "disable": False,
                "file": _PercentReader(on_progress),
                "bar_format": "{percentage:f}",
                "mininterval": _PROGRESS_S,
                "delay": _PROGRESS_S,
            },
        ).fit_transform(vectors)
    return Projection("umap", _closer(np.asarray(made, np.float64)))


class _PercentReader:
    """A file to which the bar of UMAP writes how many per cent are done."""

    def __init__(self, on_progress: Callable[[float], None]) -> None:
        self._on_progress = on_progress

    def write(self, text: str) -> None:
        with suppress(ValueError):  # what clears the line is no number
            self._on_progress(float(text) / 100)

    def flush(self) -> None:
        """Nothing is held back."""


def _closer(places: Places) -> Places:
    """The places with no wide gaps along an axis: UMAP throws islands far out, and how far means
    nothing, but takes the room from all others. The order along each axis stays.
    """
    drawn = np.zeros_like(places)
    for axis in range(2):
        along = places[:, axis]
        order = np.argsort(along, kind="stable")
        low, high = np.percentile(along, [10, 90])
        widest = _WIDEST_GAP * float(high - low or np.ptp(along))
        drawn[order[1:], axis] = np.cumsum(np.minimum(np.diff(along[order]), widest))
    return drawn


def _highest(matrix: NDArray[np.float32], count: int) -> Ids:
    """The columns of the highest values of each row, (b, count), in no order.

    A column in every _STRANDS stands for the others with their maximum: the highest values are in
    the `count` highest of those.
    """
    rows, columns = matrix.shape
    width = columns // _STRANDS
    if width <= count:
        return np.argpartition(matrix, columns - count, axis=1)[:, columns - count :]
    strands = matrix[:, : width * _STRANDS].reshape(rows, _STRANDS, width).max(axis=1)  # (b, width)
    best = np.argpartition(strands, width - count, axis=1)[:, width - count :]
    # (b, count * _STRANDS)
    among = (best[:, :, None] + width * np.arange(_STRANDS)).reshape(rows, -1)
    rest = np.broadcast_to(np.arange(width * _STRANDS, columns), (rows, columns - width * _STRANDS))
    candidates = np.concatenate((among, rest), axis=1)
    values = np.take_along_axis(matrix, candidates, 1)
    return np.take_along_axis(
        candidates, np.argpartition(values, values.shape[1] - count, axis=1)[:, -count:], 1
    )
