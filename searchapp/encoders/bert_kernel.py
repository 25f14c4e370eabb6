"""The engine that runs a BERT on the processor with `bert_kernel.c`, our own compiled kernel.

It is there where a C compiler was when searchapp was installed, and runs where the processor
multiplies tiles of bfloat16 (AMX); `why_not` says what is lacking. It runs the models that
`numpy_engine` runs, from the same weights, and no others: OpenVINO has those. Knows no text.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from searchapp.encoders.cache_entry import (
    BATCH_TOKENS,
    QUESTION_WEIGHTS,
    ConversionDamaged,
    disagreement,
    golden_batch,
)
from searchapp.encoders.numpy_engine import mapped_weights
from searchapp.linalg import unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from searchapp.encoders.cache_entry import Batch, ConvertedModel

    Numbers: TypeAlias = NDArray[np.float32]

LIBRARY = Path(__file__).with_name("libbert_kernel.so")
TOLERANCE = 1e-4  # 1 - cosine between its vectors and torch's: what bfloat16 rounds
PART_TOKENS = 512  # that a thread runs together: what it computes of them stays in its cache
_BLOCK = 32  # of which all sizes of a model are multiples


class KernelUnfit(Exception):
    """The kernel does not run here, or not this model: its sizes are others, or bfloat16 is too
    coarse for it.
    """


class BertKernelEngine:
    """Runs texts without padding, in bfloat16, on all cores. Several threads may use it at once."""

    batch_tokens = BATCH_TOKENS

    def __init__(self, entry: ConvertedModel) -> None:
        """Pack the weights of an entry that has them, and prove them by its golden texts. Raises
        KernelUnfit where the kernel does not run them, and ConversionDamaged where they cannot be
        read.
        """
        if reason := why_not():  # asked before anything is run: it also gets the tiles lent
            raise KernelUnfit(reason)
        path = entry.path / QUESTION_WEIGHTS
        try:
            self._bert = _Bert.of(path)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ConversionDamaged(f"{path}: {error}") from error
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="bert-kernel")
        self._own = local()  # a workspace of each thread
        golden = entry.config.golden
        vectors = self.run([golden_batch(text, entry.config) for text in golden])
        worst = max(disagreement(rows[0], text) for rows, text in zip(vectors, golden, strict=True))
        if not worst <= TOLERANCE:
            raise KernelUnfit(f"in bfloat16 its vectors are too coarse (1 - cosine {worst:.1e})")

    def run(self, batches: Iterable[Batch], *, token_states: bool = False) -> list[Numbers]:
        """Each batch's vectors, (b, dim), or with `token_states` its token states, (b, t, dim), 0
        where it is padded, in order. Raises ValueError for a token or a position that the model
        has not.
        """
        whole = list(batches)
        if not whole:
            return []
        is_real = [batch.mask == 1 for batch in whole]  # (b, t) each
        real_ids = [batch.ids[real] for batch, real in zip(whole, is_real, strict=True)]
        ids = np.concatenate(real_ids).astype(np.int32)
        lengths = np.concatenate([real.sum(axis=1) for real in is_real]).astype(np.int32)
        vectors = np.empty((len(lengths), self._bert.width), np.float32)
        states = np.empty((len(ids) if token_states else 0, self._bert.width), np.float32)

        def run_part(part: tuple[slice, slice]) -> None:
            texts, tokens = part
            self._run(ids[tokens], lengths[texts], vectors[texts], states[tokens])

        for _ in self._threads.map(run_part, _parts(lengths)):
            pass
        if token_states:
            return list(_padded(states, is_real))
        ends = np.cumsum([len(batch.ids) for batch in whole])[:-1]
        return np.split(unit(vectors), ends)

    def _run(
        self, ids: NDArray[np.int32], lengths: NDArray[np.int32], vectors: Numbers, states: Numbers
    ) -> None:
        """Put the vectors of some texts, and their token states where there is room for them, into
        these arrays.
        """
        if not hasattr(self._own, "workspace"):
            tokens = max(PART_TOKENS, self._bert.positions)
            size = _library().bert_workspace(self._bert, tokens, self._bert.positions)
            self._own.workspace = _pages(size)
        is_whole = _library().bert_run(
            self._bert,
            _address(ids),
            _address(lengths),
            len(lengths),
            _address(self._own.workspace),
            _address(vectors),
            _address(states) if len(states) else None,
        )
        if not is_whole:
            raise ValueError("the model has no such token, or no such position")


@cache
def why_not() -> str:
    """Why the kernel does not run here; "" where it does."""
    if not LIBRARY.exists():
        return "it was not compiled, as searchapp was installed without a C compiler for it"
    try:
        is_runnable = _library().bert_is_runnable()
    except (OSError, AttributeError) as error:
        return f"its library cannot be loaded: {error}"
    return "" if is_runnable else "the processor has no AMX, or the system does not lend it"


# ---- texts and memory ----------------------------------------------------------------------------


def _parts(lengths: NDArray[np.int32]) -> Iterator[tuple[slice, slice]]:
    """Texts that run together, and their tokens: one text at least."""
    ends = np.cumsum(lengths).tolist()
    begin = first = 0
    for text, end in enumerate(ends):
        if text > begin and end - first > PART_TOKENS:
            yield slice(begin, text), slice(first, ends[text - 1])
            begin, first = text, ends[text - 1]
    yield slice(begin, len(ends)), slice(first, ends[-1])


def _padded(states: Numbers, is_real: list[NDArray[np.bool_]]) -> Iterator[Numbers]:
    """The token states of each batch, (b, t, dim)."""
    start = 0
    for real in is_real:
        padded = np.zeros((*real.shape, states.shape[1]), np.float32)
        padded[real] = states[start : (start := start + int(real.sum()))]
        yield padded


def _pages(size: int) -> NDArray[np.uint8]:
    """Memory of zeros, at least so many bytes, that begins with a page."""
    return np.frombuffer(mmap.mmap(-1, size), np.uint8)


def _address(array: NDArray[Any]) -> int:
    if not array.flags.c_contiguous:
        raise ValueError("the kernel reads rows one behind the other")
    return array.ctypes.data


# ---- the library, as bert_kernel.c declares it ---------------------------------------------------


class _Linear(ctypes.Structure):
    _fields_ = (("weight", ctypes.c_void_p), ("bias", ctypes.c_void_p))


class _Norm(ctypes.Structure):
    _fields_ = (("scale", ctypes.c_void_p), ("shift", ctypes.c_void_p))


class _Layer(ctypes.Structure):
    _fields_ = (
        ("in", _Linear),
        ("out", _Linear),
        ("up", _Linear),
        ("down", _Linear),
        ("attention", _Norm),
        ("layer", _Norm),
    )


class _Bert(ctypes.Structure):
    """A model whose weights are packed; it keeps what its addresses point at."""

    _fields_ = (
        ("width", ctypes.c_int32),
        ("inner", ctypes.c_int32),
        ("heads", ctypes.c_int32),
        ("layers", ctypes.c_int32),
        ("words", ctypes.c_int32),
        ("positions", ctypes.c_int32),
        ("epsilon", ctypes.c_float),
        ("words_are_halves", ctypes.c_int32),
        ("word", ctypes.c_void_p),
        ("position", ctypes.c_void_p),
        ("embeddings", _Norm),
        ("layer", ctypes.POINTER(_Layer)),
    )

    @classmethod
    def of(cls, path: Path) -> _Bert:
        """A model by a file of its weights, as `question_weights` arranges them. Raises KernelUnfit
        where its sizes are not those that the kernel knows, and OSError, ValueError, LookupError,
        TypeError or AttributeError where the file is damaged.
        """
        weights, facts = mapped_weights(path)
        words, positions = weights["words"], weights["positions"]
        layers, heads = int(facts["layers"]), int(facts["heads"])
        width, inner = words.shape[1], weights["0.up.weight"].shape[1]
        if heads < 1 or width % heads or width // heads % _BLOCK or inner % _BLOCK:
            raise KernelUnfit(f"{heads} heads of {width} numbers, and {inner} inside")
        bert = cls(width, inner, heads, layers, len(words), len(positions))
        bert.epsilon = float(facts["epsilon"])
        bert._copy(weights)
        # mapped once more, so that what was copied is let go
        bert._words = mapped_weights(path)[0]["words"]
        bert.words_are_halves = bert._words.dtype == np.float16
        bert.word = _address(bert._words)
        return bert

    def _copy(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Copy all but the words, matrices packed, and point at it."""
        width, inner = self.width, self.inner
        shapes = {
            "in": (width, 3 * width),
            "out": (width, width),
            "up": (width, inner),
            "down": (inner, width),
        }
        self._copies: list[NDArray[Any]] = []

        def copied(name: str, *shape: int) -> int:
            self._copies.append(np.array(weights[name], np.float32).reshape(shape))
            return _address(self._copies[-1])

        def norm(name: str) -> _Norm:
            return _Norm(copied(f"{name}.scale", width), copied(f"{name}.shift", width))

        def linear(name: str, depth: int, columns: int) -> _Linear:
            matrix = np.ascontiguousarray(weights[f"{name}.weight"], np.float32)
            if matrix.shape != (depth, columns):
                raise ValueError(f"{name} has another shape")
            self._copies.append(_pages(2 * matrix.size))
            packed = _address(self._copies[-1])
            _library().bert_pack(_address(matrix), depth, columns, packed)
            return _Linear(packed, copied(f"{name}.bias", columns))

        def layer(number: int) -> _Layer:
            products = (linear(f"{number}.{name}", *shape) for name, shape in shapes.items())
            return _Layer(*products, norm(f"{number}.attention"), norm(f"{number}.layer"))

        self.position = copied("positions", self.positions, width)
        self.embeddings = norm("embeddings")
        self.layer = (_Layer * self.layers)(*map(layer, range(self.layers)))


@cache
def _library() -> ctypes.CDLL:
    """The library, whose functions run without holding Python's lock; raises OSError where it
    cannot be loaded, and AttributeError where it is empty.
    """
    library, model, address, size = (
        ctypes.CDLL(str(LIBRARY)),
        ctypes.POINTER(_Bert),
        ctypes.c_void_p,
        ctypes.c_size_t,
    )
    library.bert_is_runnable.argtypes = ()
    library.bert_pack.argtypes = (address, size, size, address)
    library.bert_pack.restype = None
    library.bert_workspace.argtypes = (model, size, size)
    library.bert_workspace.restype = size
    library.bert_run.argtypes = (model, address, address, size, address, address, address)
    return library
