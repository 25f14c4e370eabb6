"""The engine that runs a converted model's graph with OpenVINO, which opens it in a tenth of a
second.

The only module that opens OpenVINO graphs. Nothing here knows torch or text.
"""

from __future__ import annotations

import hashlib
import math
import os
import sys
import time
from collections import deque
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from searchapp.encoders import cache_entry
from searchapp.encoders.cache_entry import (
    BATCH_TOKENS,
    LARGE,
    Batch,
    ConversionDamaged,
    disagreement,
    golden_batch,
    model_inputs,
)
from searchapp.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from searchapp.encoders.cache_entry import ConvertedModel, EncoderConfig, Precision

DEVICE = "CPU"
# how far a vector may be from torch's float32 one, as 1 - cosine: rounding only
TOLERANCES: dict[Precision, float] = {"bf16": 1e-3, "f32": 1e-6}
_CLEARLY = 0.9  # of the time: what is nearly equal is bf16 whenever a model is converted
_NEGLIGIBLE_S = 0.005  # for a batch of the trial: of a model so small any noise would decide
_TRIAL_TEXTS, _TRIAL_LENGTH, _TRIAL_S = 4, 128, 0.5  # texts, tokens of each, seconds

# ---- entries -------------------------------------------------------------------------------------


def entry_path(fingerprint: str, cache: Path) -> Path:
    """Where a model's entry is for this OpenVINO and this processor; programs that write entries in
    another form have theirs beside it.
    """
    version = import_openvino().__version__.partition("-releases")[0]
    name = f"{fingerprint[:16]}-{cache_entry.FORMAT}-{version}-{_processor()}"
    return cache_entry.folder_of(cache) / name


def read_entry(
    fingerprint: str, cache: Path, *, unhashed: Collection[str] = LARGE
) -> ConvertedModel:
    """The entry of a model for this OpenVINO and this processor; raises ConversionDamaged as
    `cache_entry.read` does.
    """
    return cache_entry.read(entry_path(fingerprint, cache), fingerprint, unhashed=unhashed)


def _processor() -> str:
    """A short digest of what this processor is and can do: compiled graphs and bf16 results belong
    to one kind of it.
    """
    import platform

    try:
        lines = (
            Path("/proc/cpuinfo")
            .read_text(encoding="utf-8", errors="replace")
            .partition("\n\n")[0]
            .splitlines()
        )
        features = "\n".join(
            line
            for line in lines
            if line.startswith(("model name", "flags", "Features", "CPU part"))
        )
    except OSError:
        features = platform.processor()
    return hashlib.sha256(f"{platform.machine()}\n{features}".encode()).hexdigest()[:8]


# ---- OpenVINO ------------------------------------------------------------------------------------


# of openvino: what converts and builds graphs
_LEFT_OUT = ("tools.ovc", *(f"opset{number}" for number in range(1, 18)))
_importing = Lock()  # what is left out is missed by whoever imports at the same time


def import_openvino(*, full: bool = False) -> Any:  # openvino is untyped
    """OpenVINO without its telemetry and, unless it is to convert a model, without what builds
    graphs: a third of the time.
    """
    with _importing:
        is_there = full or "openvino" in sys.modules
        absent = [] if is_there else [f"openvino.{name}" for name in _LEFT_OUT]
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # reads as "not installed": it has its own stub
        sys.modules.update({name: ModuleType(name) for name in absent})
        try:
            import openvino
        finally:
            for name in absent:
                del sys.modules[name]
    if full:
        for name in _LEFT_OUT:
            import_module(f"openvino.{name}")
    return openvino


class OpenVinoEngine:
    """Runs a converted model on the processor, in the precision that was the faster one when it was
    converted. Several threads may use it at once.

    For questions: one stream with all cores, compiled in advance. For passages: two streams at
    least, requests in flight.
    """

    def __init__(self, entry: ConvertedModel, *, bulk: bool) -> None:
        """Open the entry and prove it by a golden vector. Raises ConversionDamaged where it cannot
        be run or is wrong.
        """
        self.batch_tokens = BATCH_TOKENS
        self._config = entry.config
        self._idle: SimpleQueue[Any] = SimpleQueue()  # requests; openvino is untyped
        try:
            compiled = compile_graph(entry.path, entry.config, bulk=bulk)
            for _ in range(2 * compiled.get_property("NUM_STREAMS") if bulk else 1):
                self._idle.put(compiled.create_infer_request())
        except (RuntimeError, ValueError) as error:
            raise ConversionDamaged(f"{entry.path}: {error}") from error
        golden = entry.config.golden[0]
        [[vector]] = self.run([golden_batch(golden, entry.config)])
        if disagreement(vector, golden) > TOLERANCES[entry.config.precision]:
            raise ConversionDamaged(f"{entry.path} gives wrong vectors")

    def run(
        self, batches: Iterable[Batch], *, token_states: bool = False
    ) -> list[NDArray[np.float32]]:
        """Each batch's vectors, (b, dim), or with `token_states` its token states, (b, t, dim), in
        order.
        """
        running: deque[Any] = deque()  # requests, in the order of their batches
        results: list[NDArray[np.float32]] = []

        def take_first() -> None:
            request = running.popleft()
            try:
                request.wait()
                results.append(request.get_output_tensor(int(token_states)).data.copy())
            finally:
                self._idle.put(request)

        try:
            for batch in batches:
                while (
                    running and self._idle.empty()
                ):  # who holds a request gives one back before asking for another
                    take_first()
                running.append(self._idle.get())
                running[-1].start_async(
                    model_inputs(*batch, self._config.inputs), share_inputs=False
                )
            while running:
                take_first()
        except RuntimeError as error:
            raise EncoderError(
                "The model could not be run.", hint="Make room in memory, and try again."
            ) from error
        finally:
            for request in running:  # where a batch could not be made, or run
                with suppress(RuntimeError):
                    request.wait()
                self._idle.put(request)
        return results


def compile_graph(path: Path, config: EncoderConfig, *, bulk: bool) -> Any:  # openvino is untyped
    """The graph in a folder, ready to run; for questions from its compiled form where the folder
    has one.
    """
    openvino = import_openvino()
    core = openvino.Core()
    if bulk:
        streams = 1 if config.is_single_stream else max(2, (os.cpu_count() or 2) // 4)
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": config.precision,
        }
        return core.compile_model(str(path / "graph.xml"), DEVICE, settings)
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": config.precision,
        "CACHE_MODE": "OPTIMIZE_SIZE",
    }
    blob = path / "query.blob"
    if not blob.exists():
        return core.compile_model(str(path / "graph.xml"), DEVICE, settings)
    tensor = openvino.Tensor(_bytes(blob))
    return core.import_model(tensor, DEVICE, {**settings, "WEIGHTS_PATH": str(path / "graph.bin")})


def processor() -> tuple[str, tuple[str, ...]]:
    """The name of the processor, and what it computes in, as "FP32" and "BF16"."""
    core = import_openvino().Core()
    return core.get_property(DEVICE, "FULL_DEVICE_NAME").strip(), tuple(
        core.get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")
    )


def has_bf16() -> bool:
    """Whether this processor computes in bf16."""
    return "BF16" in processor()[1]


def choose_precision(graph: Any, config: EncoderConfig) -> Precision:  # an OpenVINO model
    """The precision in which this processor runs a graph faster, by running it for half a second:
    bf16 where the processor has it, unless that is clearly slower or misses a golden vector.
    """
    if not has_bf16():
        return "f32"
    core = import_openvino().Core()
    compiled = {
        precision: core.compile_model(
            graph,
            DEVICE,
            {
                "PERFORMANCE_HINT": "LATENCY",
                "NUM_STREAMS": 1,
                "INFERENCE_PRECISION_HINT": precision,
            },
        )
        for precision in TOLERANCES
    }
    for golden in config.golden:
        vectors = compiled["bf16"](model_inputs(*golden_batch(golden, config), config.inputs))[0]
        if not disagreement(vectors[0], golden) <= TOLERANCES["bf16"]:
            return "f32"
    paces = _paces(compiled, config)
    is_clear = paces["f32"] < _CLEARLY * paces["bf16"] and paces["bf16"] > _NEGLIGIBLE_S
    return "f32" if is_clear else "bf16"


def _paces(compiled: Mapping[Precision, Any], config: EncoderConfig) -> dict[Precision, float]:
    """The least seconds that each compiled graph took for a batch, in turn."""
    import numpy as np

    length = min(_TRIAL_LENGTH, config.max_length)
    ids = np.resize(np.array(config.golden[0].ids, np.int64), (_TRIAL_TEXTS, length))
    batch = model_inputs(ids, np.ones_like(ids), config.inputs)
    paces: dict[Precision, float] = dict.fromkeys(compiled, math.inf)
    for graph in compiled.values():
        graph(batch)  # a first run of a shape prepares it
    begin_s = time.perf_counter()
    while time.perf_counter() - begin_s < _TRIAL_S or math.inf in paces.values():
        for precision, graph in compiled.items():
            since_s = time.perf_counter()
            graph(batch)
            paces[precision] = min(paces[precision], time.perf_counter() - since_s)
    return paces


def _bytes(path: Path) -> NDArray[np.uint8]:
    import numpy as np

    return np.fromfile(path, np.uint8)
