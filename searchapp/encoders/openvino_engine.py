"""The engine that runs a converted model's graph with OpenVINO, which opens it in a tenth of a
second.

The only module that opens OpenVINO graphs. Nothing here knows torch or text.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import deque
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import TYPE_CHECKING, Any

from searchapp.encoders import cache_entry
from searchapp.encoders.cache_entry import (
    BATCH_TOKENS,
    LARGE,
    ConversionDamaged,
    disagreement,
    golden_batch,
)
from searchapp.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from searchapp.encoders.cache_entry import Batch, ConvertedModel

DEVICE = "CPU"

# ---- entries -------------------------------------------------------------------------------------


def entry_path(fingerprint: str, cache: Path) -> Path:
    """Where a model's entry is for this OpenVINO and this processor."""
    version = import_openvino().__version__.partition("-releases")[0]
    return cache_entry.folder_of(cache) / f"{fingerprint[:16]}-{version}-{_processor()}"


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


def import_openvino(*, full: bool = False) -> Any:  # openvino is untyped
    """OpenVINO without its telemetry and, unless it is to convert a model, without what builds
    graphs: a third of the time.
    """
    absent = [] if full or "openvino" in sys.modules else [f"openvino.{name}" for name in _LEFT_OUT]
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
    """Runs a converted model on the processor; bf16 where it has bf16, f32 otherwise. Several
    threads may use it at once.

    For questions: one stream with all cores, compiled in advance. For passages: two streams at
    least, requests in flight.
    """

    def __init__(self, entry: ConvertedModel, *, bulk: bool) -> None:
        """Open the entry and prove it by a golden vector. Raises ConversionDamaged where it cannot
        be run or is wrong.
        """
        self.batch_tokens = BATCH_TOKENS
        self._inputs = entry.config.inputs
        self._idle: SimpleQueue[Any] = SimpleQueue()  # requests; openvino is untyped
        try:
            compiled = compile_graph(
                entry.path, bulk=bulk, single_stream=entry.config.is_single_stream
            )
            for _ in range(2 * compiled.get_property("NUM_STREAMS") if bulk else 1):
                self._idle.put(compiled.create_infer_request())
        except (RuntimeError, ValueError) as error:
            raise ConversionDamaged(f"{entry.path}: {error}") from error
        golden = entry.config.golden[0]
        if disagreement(self.run([golden_batch(golden, entry.config)])[0][0], golden) > tolerance():
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
                running[-1].start_async(self._feed(batch), share_inputs=False)
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

    def _feed(self, batch: Batch) -> list[NDArray[np.int64]]:
        inputs = [batch.ids, batch.mask]
        return inputs if len(self._inputs) == len(inputs) else [*inputs, batch.mask * 0]


def compile_graph(
    path: Path, *, bulk: bool, single_stream: bool = False
) -> Any:  # openvino is untyped
    """The graph in a folder, ready to run; for questions from its compiled form where the folder
    has one.
    """
    openvino = import_openvino()
    core = openvino.Core()
    precision = "bf16" if has_bf16() else "f32"
    if bulk:
        streams = 1 if single_stream else max(2, (os.cpu_count() or 2) // 4)
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": precision,
        }
        return core.compile_model(str(path / "graph.xml"), DEVICE, settings)
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": precision,
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


def tolerance() -> float:
    """How far a vector may be from torch's float32 one, as 1 - cosine: rounding only."""
    return 1e-3 if has_bf16() else 1e-6


def _bytes(path: Path) -> NDArray[np.uint8]:
    import numpy as np

    return np.fromfile(path, np.uint8)
