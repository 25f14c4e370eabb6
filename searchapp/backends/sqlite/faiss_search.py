"""The FAISS index in a vectors file, opened and searched with as little of FAISS as that takes.

`import faiss` runs 15,000 lines of generated wrappers, which costs a cold query more than its
answer does. What they wrap, `faiss._swigfaiss`, can be loaded by itself and has the same functions;
but it is not public. So it is used here alone, for files that are searched exactly, and where it is
not as expected the public one does the same. Knows ids, rows and bits; nothing of a corpus.
"""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.backends.sqlite.vector_index import Bitmap, HalfVectors
    from searchapp.types.vectors import Ids, Vector

# passages: one thread has looked at fewer before others have begun, which then spin for 20 ms
_ONE_THREAD_BELOW = 100_000
# of the inverted lists: recall@10 1.000 at ten million synthetic passages, .991 at 300,000
_LISTS_LOOKED_AT = 1 / 16
_CORE = "faiss._swigfaiss"

_loading = Lock()


class FaissIndex(Protocol):
    """A vectors file, mapped."""

    is_approximate: bool
    total: int
    dim: int

    def ids(self) -> Ids:
        """The ids of its rows, in the order of the rows; none where it is approximate. Raises
        RuntimeError where they are not as many as the rows.
        """

    def candidates(self, query: Vector, count: int, allowed: Bitmap | None) -> Ids:
        """The ids of the best rows, best first, `count` of them (from 1) where so many are
        allowed.
        """

    def rows(self, places: NDArray[np.int64]) -> HalfVectors:
        """The rows at some places, (n, dim)."""


def read(path: Path) -> FaissIndex:
    """Map a file; raises RuntimeError where FAISS cannot read it."""
    core = _core()
    if core is not None:
        try:
            return CoreIndex(core, path)
        except (AttributeError, TypeError):
            pass  # inverted lists, or another FAISS than is known
    return PublicIndex(path)


class CoreIndex:
    """A file that is searched exactly, by the compiled part of FAISS."""

    is_approximate = False

    def __init__(self, core: Any, path: Path) -> None:  # FAISS's compiled part is untyped
        """Raises RuntimeError where FAISS cannot read the file, AttributeError or TypeError where
        it is of another kind.
        """
        self._core = core
        self._index = core.read_index(str(path), core.cvar.IO_FLAG_MMAP_IFC)
        weakref.finalize(self, core.delete_Index, self._index)
        self._rows = core.IndexIDMap_index_get(self._index)
        self.total = core.Index_ntotal_get(self._index)
        self.dim = core.Index_d_get(self._index)

    def ids(self) -> Ids:
        """The ids of its rows, ascending. Raises RuntimeError where they are not as many as the
        rows.
        """
        core, ids = self._core, np.empty(self.total, np.int64)
        held = core.IndexIDMap_id_map_get(self._index)
        if not core.Int64Vector_size(held) == core.Index_ntotal_get(self._rows) == self.total:
            raise RuntimeError("as many ids as rows")
        core.memcpy(core.swig_ptr(ids), core.Int64Vector_data(held), ids.nbytes)
        return ids

    def candidates(self, query: Vector, count: int, allowed: Bitmap | None) -> Ids:
        """As FaissIndex says."""
        core, wanted = self._core, np.ascontiguousarray(query, np.float32)
        scores, ids = np.empty(count, np.float32), np.empty(count, np.int64)
        parameters = core.new_SearchParameters()
        selector = None
        if allowed is not None:
            selector = core.new_IDSelectorBitmap(allowed.size, core.swig_ptr(allowed))
            core.SearchParameters_sel_set(parameters, selector)
        pointers = [core.swig_ptr(array) for array in (wanted, scores, ids)]
        try:
            with _threads(core, self.total):
                core.Index_search(
                    self._index, 1, pointers[0], count, pointers[1], pointers[2], parameters
                )
        finally:
            core.delete_SearchParameters(parameters)
            if selector is not None:
                core.delete_IDSelectorBitmap(selector)
        return ids[ids >= 0]

    def rows(self, places: NDArray[np.int64]) -> HalfVectors:
        """As FaissIndex says."""
        core, vectors = self._core, np.empty((len(places), self.dim), np.float32)
        wanted = np.ascontiguousarray(places, np.int64)
        core.Index_reconstruct_batch(
            self._rows, len(wanted), core.swig_ptr(wanted), core.swig_ptr(vectors)
        )
        return vectors.astype(np.float16)  # exact: the index stores float16


class PublicIndex:
    """Any file, by what FAISS says is to be used."""

    def __init__(self, path: Path) -> None:
        """Raises RuntimeError where FAISS cannot read the file."""
        import faiss

        self._faiss: Any = faiss
        index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        self._index = index
        self.is_approximate = isinstance(index, faiss.IndexIVF)
        if self.is_approximate:
            index.parallel_mode = 1  # one question's lists go to all cores
        self.total: int = self._index.ntotal
        self.dim: int = self._index.d

    def ids(self) -> Ids:
        """The ids of its rows, ascending; none where it is approximate."""
        if self.is_approximate:
            return np.empty(0, np.int64)
        ids: Ids = self._faiss.vector_to_array(self._index.id_map)
        if not len(ids) == self._index.index.ntotal == self.total:
            raise RuntimeError("as many ids as rows")
        return ids

    def candidates(self, query: Vector, count: int, allowed: Bitmap | None) -> Ids:
        """As FaissIndex says; where it is approximate, of the nearest lists."""
        faiss, options = self._faiss, {}
        if allowed is not None:
            options["sel"] = faiss.IDSelectorBitmap(allowed.size, faiss.swig_ptr(allowed))
        if self.is_approximate:
            held = self.total if allowed is None else float(np.bitwise_count(allowed).sum())
            share = max(held / self.total, _LISTS_LOOKED_AT)
            looked_at = math.ceil(self._index.nlist * _LISTS_LOOKED_AT / share)
            parameters = faiss.SearchParametersIVF(nprobe=max(1, looked_at), **options)
        else:
            parameters = faiss.SearchParameters(**options)
        with _threads(faiss, self.total):
            _, ids = self._index.search(query[np.newaxis], count, params=parameters)
        nearest: Ids = ids[0][ids[0] >= 0]
        return nearest

    def rows(self, places: NDArray[np.int64]) -> HalfVectors:
        """As FaissIndex says."""
        rows: HalfVectors = self._index.index.reconstruct_batch(places).astype(np.float16)
        return rows


# ---- private -------------------------------------------------------------------------------------


@contextmanager
def _threads(faiss: Any, passages: int) -> Iterator[None]:  # the compiled part, or all of FAISS
    """Search a small corpus in one thread."""
    if passages >= _ONE_THREAD_BELOW:
        yield
        return
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@cache
def _core() -> Any:  # untyped
    """The compiled part of FAISS; None where it cannot be found by itself, or where there are
    several for different processors, of which FAISS chooses one.
    """
    with _loading:
        if _CORE in sys.modules:
            return sys.modules[_CORE]
        package = find_spec("faiss")
        folders = list(package.submodule_search_locations or ()) if package else []
        variants = [file for folder in folders for file in Path(folder).glob("_swigfaiss*")]
        spec = PathFinder.find_spec(_CORE, folders)
        if len(variants) != 1 or spec is None or spec.loader is None:
            return None
        module = module_from_spec(spec)
        sys.modules[_CORE] = module  # `import faiss` goes on with the same
        spec.loader.exec_module(module)
        return module
