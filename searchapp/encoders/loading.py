"""Encoders opened by a model's name, or by what a corpus records of its encoder: from the cache,
after converting the model where the cache lacks it, or with torch on a GPU.

An encoder has an engine for questions and one for passages, each the first of a list that runs the
model: NumPy or else the one for passages; torch on a GPU, our compiled kernel, or else OpenVINO. A
question opens the converted model by its fingerprint and never imports torch; the engine for
passages waits until there are any. A conversion runs in a child process. Knows neither texts nor
corpora.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from searchapp.config import processor_engine
from searchapp.encoders import cache_entry
from searchapp.encoders.cache_entry import (
    BATCH_TOKENS,
    LARGE,
    QUESTION_WEIGHTS,
    ConversionDamaged,
)
from searchapp.encoders.late_engine import LateEngine
from searchapp.encoders.text_encoder import TextEncoder
from searchapp.errors import EncoderError
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenizers import Tokenizer

    from searchapp.encoders.cache_entry import ConvertedModel, EncoderConfig
    from searchapp.encoders.model_folder import ModelFolder
    from searchapp.encoders.text_encoder import Engine
    from searchapp.types.vectors import Device, EngineName


Opened = TypeVar("Opened")

CONVERSION_TIMEOUT_S = 1800

_log = logging.getLogger(__name__)


def load_encoder(
    model: str = "default",
    *,
    cache: Path,
    bulk: bool = True,
    engine: EngineName = "auto",
    device: Device = "auto",
) -> TextEncoder:
    """The encoder of a model: "default", a folder or a hub name; converted for this processor the
    first time.

    `bulk` tunes it for many passages rather than one question. "auto" is torch where there is a
    GPU and many passages, else the fastest on the processor, if the environment asks for no other.
    Raises EncoderError where the model cannot be found, verified, converted or run, or the device
    is not there.
    """
    from searchapp.encoders.model_folder import find_model

    folder = find_model(model, cache=cache)
    on_gpu = engine != "openvino" and bulk and _is_on_gpu(device)
    if engine == "torch" or on_gpu:
        return _torch_encoder(folder, on_gpu=on_gpu)
    return _mended(
        lambda: _open(folder.model, folder.fingerprint, cache, bulk=bulk, engine=engine),
        lambda: folder,
        cache,
    )


def load_exact(
    model: str = "default",
    *,
    cache: Path,
    layers: str = "last",
    pooling: str | None = None,
    normalize: bool = True,
    device: Device = "auto",
) -> TextEncoder:
    """The encoder of a model in float32, as its authors run it, its vectors read out as asked; with
    torch, which takes a second to load.

    Raises EncoderError as `load_encoder` does, and UsageError for layers or a pooling that the
    model has not.
    """
    from searchapp.encoders.model_folder import find_model
    from searchapp.encoders.torch_engine import TorchEngine, read_model

    folder = find_model(model, cache=cache).read_out(
        layers=layers, pooling=pooling, normalize=normalize
    )
    config, tokenizer = read_model(folder)
    engine = TorchEngine(folder, device="cuda" if _is_on_gpu(device) else "cpu", bf16=False)
    return TextEncoder(config, tokenizer, engine)


def open_encoder(
    identity: EncoderIdentity, *, cache: Path, bulk: bool = False, device: Device = "auto"
) -> TextEncoder:
    """The encoder that made a corpus, by fingerprint, from the cache alone; for questions, or with
    `bulk` for passages.

    The model is found again by its name where there is a GPU for many passages, and where the cache
    lacks it or it is damaged: then it is converted in a child process. Raises EncoderError where
    the model is gone or is no longer the same. May be called in a thread of its own.
    """
    model, fingerprint = identity.model, identity.fingerprint
    if bulk and _is_on_gpu(device):
        return _torch_encoder(_same_model(model, fingerprint, cache), on_gpu=True)
    return _mended(
        lambda: _open(model, fingerprint, cache, bulk=bulk),
        lambda: _same_model(model, fingerprint, cache),
        cache,
    )


def open_cached(identity: EncoderIdentity, cache: Path) -> TextEncoder:
    """The encoder that made a corpus, for questions, where its converted model is in the cache and
    sound; raises ConversionDamaged elsewhere.
    """
    return _open(identity.model, identity.fingerprint, cache, bulk=False)


def _open(
    model: str, fingerprint: str, cache: Path, *, bulk: bool, engine: EngineName = "auto"
) -> TextEncoder:
    """The encoder in the cache; raises ConversionDamaged. With `bulk` its engine for passages is
    opened now, otherwise that for questions, and the other when it is first needed.

    It goes by the name it was asked for: one entry serves every name of the same model.
    """
    if not bulk and (cached := _numpy_engine(fingerprint, cache)) is not None:
        entry, question_engine = cached
        engine_for_passages: Engine = LateEngine(
            lambda: _mended(
                lambda: _passage_engine(fingerprint, cache, engine, bulk=False)[1],
                lambda: _same_model(model, fingerprint, cache),
                cache,
            ),
            batch_tokens=BATCH_TOKENS,
        )
    else:
        entry, engine_for_passages = _passage_engine(fingerprint, cache, engine, bulk=bulk)
        question_engine = LateEngine(
            lambda: _question_engine(entry, engine_for_passages), batch_tokens=1
        )
    return TextEncoder(
        _named(entry, model),
        _read_tokenizer(entry),
        engine_for_passages,
        question_engine=question_engine,
    )


# ---- engines -------------------------------------------------------------------------------------


def _numpy_engine(fingerprint: str, cache: Path) -> tuple[ConvertedModel, Engine] | None:
    """The first sound engine of a model's entries, with its entry; None where none of them is for
    NumPy. Raises ConversionDamaged where all that are give wrong vectors.
    """
    damage = None
    for entry in cache_entry.with_question_weights(fingerprint, cache):
        from searchapp.encoders.numpy_engine import NumpyEngine

        try:
            return entry, NumpyEngine(entry)
        except ConversionDamaged as error:
            damage = error
    if damage is not None:
        raise damage
    return None


def _question_engine(entry: ConvertedModel, engine_for_passages: Engine) -> Engine:
    """NumPy where it runs the model, else the engine for passages."""
    if not entry.has_question_weights:
        return engine_for_passages
    from searchapp.encoders.numpy_engine import NumpyEngine

    try:
        return NumpyEngine(entry)
    except ConversionDamaged as damage:
        _log.debug("questions are not encoded by NumPy: %s", damage)
        return engine_for_passages


def _passage_engine(
    fingerprint: str, cache: Path, engine: EngineName, *, bulk: bool
) -> tuple[ConvertedModel, Engine]:
    """The engine of a model for passages, with its entry: our kernel where it runs here, and runs
    the model, else OpenVINO. Raises ConversionDamaged.
    """
    if engine == "auto" == processor_engine():
        kernel = _kernel_engine(fingerprint, cache, bulk=bulk)
        if kernel is not None:
            return kernel
    from searchapp.encoders.openvino_engine import OpenVinoEngine, read_entry

    entry = read_entry(fingerprint, cache, unhashed=(QUESTION_WEIGHTS,) if bulk else LARGE)
    return entry, OpenVinoEngine(entry, bulk=bulk)


def _kernel_engine(
    fingerprint: str, cache: Path, *, bulk: bool
) -> tuple[ConvertedModel, Engine] | None:
    """The kernel's engine for the first of a model's entries that is for it; None where none is."""
    from searchapp.encoders import bert_kernel

    if bert_kernel.why_not():
        return None
    unhashed = () if bulk else LARGE
    for entry in cache_entry.with_question_weights(fingerprint, cache, unhashed=unhashed):
        try:
            return entry, bert_kernel.BertKernelEngine(entry)
        except (ConversionDamaged, bert_kernel.KernelUnfit) as error:
            _log.debug("the kernel does not run the model: %s", error)
    return None


def _named(entry: ConvertedModel, model: str) -> EncoderConfig:
    """The config of an entry under the name that its model was asked for by."""
    identity = entry.config.identity._replace(model=model)
    return entry.config._replace(identity=identity)


def _same_model(model: str, fingerprint: str, cache: Path) -> ModelFolder:
    """The folder of the model that made a corpus; raises EncoderError where it is gone or another
    by now.
    """
    from searchapp.encoders.model_folder import find_model

    folder = find_model(model, cache=cache)
    if folder.fingerprint != fingerprint:
        raise EncoderError(
            f"The model {model} is no longer the one that made this corpus.",
            hint="Put the earlier model back, or ingest into a new corpus with the model as it is "
            "now.",
        )
    return folder


def _read_tokenizer(entry: ConvertedModel) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(entry.path / "tokenizer.json"))
    except Exception as error:  # tokenizers raises nothing narrower
        raise ConversionDamaged(f"{entry.path}: {error}") from error


def _mended(
    opened: Callable[[], Opened], model_folder: Callable[[], ModelFolder], cache: Path
) -> Opened:
    """What is opened of a converted model, after converting it again where its entry is missing or
    wrong. Raises EncoderError where that fails, or the entry is damaged all the same.
    """
    try:
        return opened()
    except ConversionDamaged as damage:
        folder = model_folder()
        _log.info(
            "converting the model %s for this processor; this happens once and takes some seconds",
            folder.model,
        )
        _log.debug("because of %s", damage)
        _convert(folder.model, cache)
    try:
        return opened()
    except ConversionDamaged as error:
        raise EncoderError(
            f"The converted model cannot be opened: {error}",
            hint=f"Check that {cache} is writable, has room and is on a sound disk.",
        ) from error


def _convert(model: str, cache: Path) -> None:
    """Convert a model in a child process, which alone meets torch; where OpenVINO crashes in it,
    once more for a single stream.
    """
    child = _conversion(model, cache)
    if child.returncode < 0:
        _log.debug("the conversion of %s died of signal %d", model, -child.returncode)
        child = _conversion(model, cache, "single-stream")
    if child.returncode == 0:
        return
    try:
        failure = json.loads(child.stdout)
        message, hint = str(failure["message"]), str(failure["hint"])
    except (ValueError, LookupError, TypeError):
        said = child.stderr.decode(errors="replace").strip().splitlines() or [
            f"exit code {child.returncode}"
        ]
        message, hint = (
            f"The model {model} could not be converted: {said[-1]}",
            "Check the free memory and disk space, then try again.",
        )
    raise EncoderError(message, hint=hint)


def _conversion(model: str, cache: Path, *how: str) -> subprocess.CompletedProcess[bytes]:
    """The end of a child process that converts; `-P` keeps the working directory off its import
    path.
    """
    command = [
        sys.executable,
        "-P",
        "-m",
        "searchapp.encoders.torch_engine",
        model,
        str(cache.absolute()),
        *how,
    ]
    try:
        return subprocess.run(
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=CONVERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"The model {model} could not be converted: {error}."
        raise EncoderError(message, hint="Try again when the machine is less busy.") from error


def _torch_encoder(folder: ModelFolder, *, on_gpu: bool) -> TextEncoder:
    from searchapp.encoders.torch_engine import TorchEngine, read_model

    config, tokenizer = read_model(folder)
    return TextEncoder(config, tokenizer, TorchEngine(folder, device="cuda" if on_gpu else "cpu"))


def _is_on_gpu(device: Device) -> bool:
    """Whether a device means the GPU here; raises EncoderError where it is asked for by name and
    there is none.
    """
    has_gpu = device != "cpu" and _has_gpu()
    if device == "cuda" and not has_gpu:
        hint = (
            "Leave --device out to use the processor; or install a build of torch for CUDA, "
            "where there is an NVIDIA GPU."
        )
        raise EncoderError("There is no GPU that torch can use.", hint=hint)
    return has_gpu


def _has_gpu() -> bool:
    """Whether torch can use a GPU; torch is imported only where the machine seems to have one."""
    if not Path("/dev/nvidiactl").exists():
        return False
    from searchapp.encoders.torch_engine import has_gpu

    return has_gpu()
