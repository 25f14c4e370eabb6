"""The converted model: a folder in the user's cache that OpenVINO opens in a tenth of a second, and
the engine that runs it.

The only module that opens OpenVINO graphs. An entry is
`<cache>/encoders/<fingerprint>-<openvino>-<processor>/` with

    encoder.json    what the encoder is, golden vectors, the size and digest of every file, and the
                    digest of all that
    tokenizer.json  for the `tokenizers` library, without truncation or padding
    graph.xml, .bin the model: ids and mask in; unit vectors (b, dim) and token states (b, t, dim)
                    out, float32
    query.blob      the graph compiled for this processor and one question at a time; its weights
                    are graph.bin

It appears whole or not at all, and it is disposable: what is damaged is made again. Nothing here
knows torch or text.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import TYPE_CHECKING, Any

from searchapp.errors import EncoderError
from searchapp.filesystem import atomic_write
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

FORMAT = 2
BATCH_TOKENS = 2048  # padded, that a processor runs best together
LAYOUT = ("tokenizer.json", "graph.xml", "graph.bin", "query.blob")
# too large to hash for a question: its size is checked, and golden vectors prove it
UNDIGESTED = "graph.bin"
DEVICE = "CPU"
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Golden:
    """A text's tokens and the vector that torch makes of them, float32."""

    ids: tuple[int, ...]
    vector: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """How an encoder turns text into its model's input."""

    identity: EncoderIdentity
    inputs: tuple[str, ...]
    max_length: int  # tokens, special tokens included
    padding_id: int
    query_prompt: str
    document_prompt: str
    golden: tuple[Golden, ...]
    is_normalised: bool = True  # vectors have unit length
    # more at a time crash OpenVINO with this model on this processor
    is_single_stream: bool = False


@dataclass(frozen=True, slots=True)
class ConvertedModel:
    """A converted model that passed its checks."""

    path: Path
    config: EncoderConfig


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts of one padded length: token ids and the mask that is 1 where a token is real, both (b,
    t) int64.
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]


class ConversionDamaged(Exception):
    """A cache entry is missing, incomplete or wrong; it never leaves the encoder, which makes the
    entry again.
    """


# ---- entries -------------------------------------------------------------------------------------


def entry_path(fingerprint: str, cache: Path) -> Path:
    """Where a model's entry is for this OpenVINO and this processor."""
    version = import_openvino().__version__.partition("-releases")[0]
    return cache / "encoders" / f"{fingerprint[:16]}-{version}-{_processor()}"


def read_entry(fingerprint: str, cache: Path, *, thorough: bool = False) -> ConvertedModel:
    """The entry of a model; raises ConversionDamaged where it is missing or wrong.

    Digests are checked of everything but the weights, whose size is; `thorough` hashes those too
    (about 0.1 s for 90 MB).
    """
    path = entry_path(fingerprint, cache)
    try:
        sealed = json.loads((path / "encoder.json").read_text(encoding="utf-8"))
        content = sealed["content"]
        if (
            sealed["digest"] != _seal(content)
            or content["format"] != FORMAT
            or set(content["files"]) != set(LAYOUT)
        ):
            raise ConversionDamaged(f"{path}: encoder.json is not as it was written")
        for name, (size, digest) in content["files"].items():
            if (path / name).stat().st_size != size:
                raise ConversionDamaged(f"{path}: {name} has another size")
            if (thorough or name != UNDIGESTED) and _digest(path / name) != digest:
                raise ConversionDamaged(f"{path}: {name} has changed")
        config = _config(content["recipe"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConversionDamaged(f"{path}: {error}") from error
    if config.identity.fingerprint != fingerprint:
        raise ConversionDamaged(f"{path} holds another model")
    return ConvertedModel(path, config)


@contextmanager
def new_entry(config: EncoderConfig, cache: Path) -> Iterator[Path]:
    """A fresh folder to write the files of LAYOUT in; it becomes the model's entry, durably, when
    the block ends well.

    A crash leaves a `tmp-` folder, which the next conversion sweeps after a day. Of two that race,
    one entry stays.
    """
    final = entry_path(config.identity.fingerprint, cache)
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(final.parent)
    work = Path(tempfile.mkdtemp(prefix="tmp-", dir=final.parent))  # 0700
    try:
        yield work
        files = {name: [(work / name).stat().st_size, _digest(work / name)] for name in LAYOUT}
        content = {"format": FORMAT, "recipe": asdict(config), "files": files}
        (work / "encoder.json").write_text(
            json.dumps({"digest": _seal(content), "content": content}), encoding="utf-8"
        )
        for place in (*work.iterdir(), work):
            atomic_write.sync(place)
        _publish(work, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what conversions that were killed left more than a day ago."""
    for place in folder.glob("tmp-*"):
        with suppress(FileNotFoundError):  # another conversion has just finished
            if place.stat().st_mtime < time.time() - DAY_S:
                shutil.rmtree(place, ignore_errors=True)


def _publish(work: Path, final: Path) -> None:
    """Put an entry in place of what stands there, if anything does; where another conversion is
    faster, its entry stays.
    """
    aside = Path(tempfile.mkdtemp(prefix="tmp-", dir=final.parent))
    with suppress(FileNotFoundError):
        final.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
    try:
        work.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    atomic_write.sync(final.parent)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seal(content: Any) -> str:  # any JSON
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _config(content: dict[str, Any]) -> EncoderConfig:
    identity = EncoderIdentity(**content["identity"])
    golden = tuple(Golden(tuple(one["ids"]), tuple(one["vector"])) for one in content["golden"])
    return EncoderConfig(
        **{**content, "identity": identity, "inputs": tuple(content["inputs"]), "golden": golden}
    )


def _processor() -> str:
    """A short digest of what this processor is and can do: compiled graphs and bf16 results belong
    to one kind of it.
    """
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


def golden_batch(golden: Golden, config: EncoderConfig) -> Batch:
    """A golden text as a batch of one, padded so that a wrong mask shows."""
    import numpy as np

    padding = 16 - len(golden.ids) % 8
    ids = np.array([[*golden.ids, *[config.padding_id] * padding]], np.int64)
    mask = np.array([[1] * len(golden.ids) + [0] * padding], np.int64)
    return Batch(ids, mask)


def disagreement(vector: NDArray[np.float32], golden: Golden) -> float:
    """1 - cosine between a vector (dim,) and the golden one; infinite where they cannot be
    compared.
    """
    import numpy as np

    expected = np.array(golden.vector, np.float64)
    if vector.shape != expected.shape or not np.isfinite(vector).all() or not vector.any():
        return float("inf")
    found = vector.astype(np.float64)
    return float(1 - found @ expected / (np.linalg.norm(found) * np.linalg.norm(expected)))


def _bytes(path: Path) -> NDArray[np.uint8]:
    import numpy as np

    return np.fromfile(path, np.uint8)
