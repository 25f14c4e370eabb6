"""Text to unit vectors: tokenise, batch by length, run the model, and make the rows right.

A text is padded to its own length rounded up to 8, and runs only beside texts of that length, so
its vector is the same bit for bit alone, in any company and in any order. What runs is an engine:
OpenVINO on a processor, torch on a GPU; neither is known here by more than `run`. A question opens
the converted model by its fingerprint and never meets torch.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np

from searchapp.encoders.model_folder import find_model
from searchapp.encoders.openvino_engine import (
    Batch,
    Entry,
    EntryDamaged,
    OpenVinoEngine,
    Recipe,
    import_openvino,
    read_entry,
)
from searchapp.errors import EncoderError
from searchapp.linalg import unit
from searchapp.types.documents import Span
from searchapp.types.vectors import EncoderIdentity, ForwardPass, TokenVectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

    from searchapp.encoders.model_folder import ModelFolder
    from searchapp.types.vectors import Device, Vector, Vectors

EngineName: TypeAlias = Literal["auto", "openvino", "torch"]

BUCKET = 8  # tokens; padding adds 2 % to passages of about 200 tokens
WINDOW = 1024  # texts tokenised at a time at least, which bounds memory
CONVERSION_TIMEOUT_S = 1800

_log = logging.getLogger(__name__)


class Engine(Protocol):
    """Runs a model on batches of tokens; several threads may use it at once."""

    batch_tokens: int  # padded tokens to a batch

    def run(
        self, batches: Iterable[Batch], *, has_states: bool = False
    ) -> list[NDArray[np.float32]]:
        """Each batch's vectors, (b, dim), or with `has_states` its token states, (b, t, dim), in
        order.
        """


class TextEncoder:
    """The real Encoder: one model's tokenizer, prompts and limit, around an engine. Several threads
    may use it at once.
    """

    def __init__(self, recipe: Recipe, tokenizer: Tokenizer, engine: Engine) -> None:
        self._recipe = recipe
        self._tokenizer = tokenizer
        self._engine = engine

    @property
    def identity(self) -> EncoderIdentity:
        """Which encoder this is."""
        return self._recipe.identity

    def tokenize(self, texts: Sequence[str]) -> list[list[Span]]:
        """Each text's content tokens as code point spans, in order, never truncated; no special
        tokens, no prompts.
        """
        return [
            encoding.offsets
            for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    def encode_passages(self, texts: Sequence[str], *, is_cut: bool = False) -> Vectors:
        """One unit row a text, in order, (n, dim); raises ValueError for a text over `max_tokens`,
        unless it may be cut there.

        Rows are as long as they come where the model is read out so.
        """
        rows = np.empty((len(texts), self.identity.dim), np.float32)
        for start, encodings in self._windows(texts):
            if is_cut:
                encodings = [
                    self._shortened(encoding, texts[start + i])
                    for i, encoding in enumerate(encodings)
                ]
            self._refuse_long(encodings, start)
            groups = list(_groups(encodings, self._engine.batch_tokens))
            results = self._engine.run(
                self._batch([encodings[i] for i in group]) for group in groups
            )
            for group, vectors in zip(groups, results, strict=True):
                rows[[start + i for i in group]] = vectors
        return self._made_right(rows)

    def _made_right(self, rows: NDArray[np.float32]) -> Vectors:
        return _unit_rows(rows) if self._recipe.is_normalised else _finite(rows)

    def _windows(self, texts: Sequence[str]) -> Iterator[tuple[int, list[Encoding]]]:
        """The texts tokenised, some at a time, each part while the one before it is being run; with
        where each begins.
        """
        size = max(WINDOW, self._engine.batch_tokens // 16)
        prompted = (
            [self._recipe.document_prompt + text for text in texts[start : start + size]]
            for start in range(0, len(texts), size)
        )
        with ThreadPoolExecutor(1, thread_name_prefix="tokenise") as thread:
            coming = [
                thread.submit(self._tokenizer.encode_batch, part) for part in islice(prompted, 1)
            ]
            for start in range(0, len(texts), size):
                encodings = coming.pop().result()
                coming += [
                    thread.submit(self._tokenizer.encode_batch, part)
                    for part in islice(prompted, 1)
                ]
                yield start, encodings

    def encode_query(self, text: str) -> Vector:
        """The unit vector of a question, (dim,); a question over the limit is cut at it."""
        encoding = self._cut(self._recipe.query_prompt + text)
        vector: Vector = self._made_right(self._engine.run([self._batch([encoding])])[0])[0]
        return vector

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Each text's token states as a passage, cut at the limit; a prompt's tokens count as
        special.

        The states' mean, normalised, is the text's vector where the model pools by mean.
        """
        prompt = self._recipe.document_prompt
        encodings = [self._cut(prompt + text) for text in texts]
        groups = list(_groups(encodings, self._engine.batch_tokens))
        results = self._engine.run(
            (self._batch([encodings[i] for i in group]) for group in groups), has_states=True
        )
        found: dict[int, TokenVectors] = {}
        for group, states in zip(groups, results, strict=True):
            for i, one in zip(group, states, strict=True):
                offsets = _offsets(encodings[i], len(prompt))
                found[i] = TokenVectors(offsets, _finite(one[: len(offsets)]))
        return [found[i] for i in range(len(texts))]

    def look_inside(self, text: str) -> ForwardPass:
        """All that the model makes of a text, cut at the limit. Raises EncoderError where the
        engine shows no more than vectors.
        """
        from searchapp.encoders.torch_engine import TorchEngine

        if not isinstance(self._engine, TorchEngine):
            raise EncoderError(
                "A converted model does not show its layers.", hint="Load it without `is_fast`."
            )
        encoding = self._cut(self._recipe.document_prompt + text)
        hidden, attentions = self._engine.look_inside(self._batch([encoding]))
        size = max(1, len(encoding))
        return ForwardPass(
            tokens=tuple(encoding.tokens),
            offsets=_offsets(encoding, len(self._recipe.document_prompt)),
            hidden_states=_finite(hidden[:, :size]),
            attentions=_finite(attentions[:, :, :size, :size]),
        )

    def token_names(self, text: str) -> list[str]:
        """The tokens of a text by their names in the vocabulary, cut at the limit, in step with
        `token_vectors`.
        """
        return list(self._cut(self._recipe.document_prompt + text).tokens)

    def _refuse_long(self, encodings: Sequence[Encoding], start: int) -> None:
        for index, encoding in enumerate(encodings, start):
            if len(encoding) > self._recipe.max_length:
                excess = len(encoding) - self._recipe.max_length
                raise ValueError(
                    f"text {index} is {excess} tokens over the limit of {self.identity.max_tokens}"
                )

    def _shortened(self, encoding: Encoding, text: str) -> Encoding:
        return (
            encoding
            if len(encoding) <= self._recipe.max_length
            else self._cut(self._recipe.document_prompt + text)
        )

    def _cut(self, text: str) -> Encoding:
        """The text's tokens between special tokens, cut at the model's limit."""
        whole = self._tokenizer.encode(text)
        if len(whole) <= self._recipe.max_length:
            return whole
        content = self._tokenizer.encode(text, add_special_tokens=False)
        content.truncate(self._recipe.max_length - (len(whole) - len(content)))
        return self._tokenizer.post_process(content)

    def _batch(self, encodings: Sequence[Encoding]) -> Batch:
        """Tokens side by side, padded to their common bucket, (b, t); a text without any token gets
        one padding token.
        """
        tokens = min(
            _bucket(encodings[0]), self._recipe.max_length
        )  # a model may have no positions beyond its limit
        ids = np.full((len(encodings), tokens), self._recipe.padding_id, np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : max(1, len(encoding))] = 1
        return Batch(ids, mask)


def load_encoder(
    model: str = "default",
    *,
    cache: Path,
    is_batch: bool = True,
    engine: EngineName = "auto",
    device: Device = "auto",
) -> TextEncoder:
    """The encoder of a model: "default", a folder or a hub name; converted for this processor the
    first time.

    `is_batch` tunes it for many passages rather than one question. "auto" is torch where there is a
    GPU and many passages, OpenVINO otherwise. Raises EncoderError where the model cannot be found,
    verified, converted or run, or the device is not there.
    """
    folder = find_model(model, cache=cache)
    is_on_gpu = engine != "openvino" and is_batch and _is_on_gpu(device)
    if engine == "torch" or is_on_gpu:
        return _torch_encoder(folder, is_on_gpu=is_on_gpu)
    try:
        return _open(folder.model, folder.fingerprint, cache, is_batch=is_batch)
    except EntryDamaged as damage:
        return _reopen(folder, cache, is_batch=is_batch, damage=damage)


def load_exact(
    model: str = "default",
    *,
    cache: Path,
    layers: str = "last",
    pooling: str | None = None,
    is_normalised: bool = True,
    device: Device = "auto",
) -> TextEncoder:
    """The encoder of a model in float32, as its authors run it, its vectors read out as asked; with
    torch, which takes a second to load.

    Raises EncoderError as `load_encoder` does, and UsageError for layers or a pooling that the
    model has not.
    """
    from searchapp.encoders.torch_engine import TorchEngine, read_model

    folder = find_model(model, cache=cache).read_out(
        layers=layers, pooling=pooling, is_normalised=is_normalised
    )
    recipe, tokenizer = read_model(folder)
    engine = TorchEngine(folder, device="cuda" if _is_on_gpu(device) else "cpu", is_bf16=False)
    return TextEncoder(recipe, tokenizer, engine)


def open_encoder(
    identity: EncoderIdentity, *, cache: Path, is_batch: bool = False, device: Device = "auto"
) -> TextEncoder:
    """The encoder that made a corpus, by fingerprint, from the cache alone; for questions, or with
    `is_batch` for passages.

    The model is found again by its name where there is a GPU for many passages, and where the cache
    lacks it or it is damaged: then it is converted in a child process. Raises EncoderError where
    the model is gone or is no longer the same. May be called in a thread of its own.
    """
    if is_batch and _is_on_gpu(device):
        return _torch_encoder(_same_model(identity, cache), is_on_gpu=True)
    try:
        return _open(identity.model, identity.fingerprint, cache, is_batch=is_batch)
    except EntryDamaged as damage:
        return _reopen(_same_model(identity, cache), cache, is_batch=is_batch, damage=damage)


def open_cached(identity: EncoderIdentity, cache: Path) -> TextEncoder:
    """The encoder that made a corpus, for questions, where its converted model is in the cache and
    sound; raises EntryDamaged elsewhere.
    """
    return _open(identity.model, identity.fingerprint, cache, is_batch=False)


# ---- opening -------------------------------------------------------------------------------------


def _open(model: str, fingerprint: str, cache: Path, *, is_batch: bool) -> TextEncoder:
    """The encoder in the cache, engine and tokenizer opened side by side; raises EntryDamaged.

    It goes by the name it was asked for: one entry serves every name of the same model.
    """
    import_openvino()
    entry = read_entry(fingerprint, cache, is_thorough=is_batch)
    with ThreadPoolExecutor(1) as threads:
        engine = threads.submit(OpenVinoEngine, entry, is_batch=is_batch)
        tokenizer = _read_tokenizer(entry)
        recipe = replace(entry.recipe, identity=replace(entry.recipe.identity, model=model))
        return TextEncoder(recipe, tokenizer, engine.result())


def _same_model(identity: EncoderIdentity, cache: Path) -> ModelFolder:
    """The folder of the model that made a corpus; raises EncoderError where it is gone or another
    by now.
    """
    folder = find_model(identity.model, cache=cache)
    if folder.fingerprint != identity.fingerprint:
        raise EncoderError(
            f"The model {identity.model} is no longer the one that made this corpus.",
            hint="Put the earlier model back, or ingest into a new corpus with the model as it is "
            "now.",
        )
    return folder


def _read_tokenizer(entry: Entry) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(entry.path / "tokenizer.json"))
    except Exception as error:  # tokenizers raises nothing narrower
        raise EntryDamaged(f"{entry.path}: {error}") from error


def _reopen(
    folder: ModelFolder, cache: Path, *, is_batch: bool, damage: EntryDamaged
) -> TextEncoder:
    """The encoder after converting its model."""
    _log.info(
        "converting the model %s for this processor; this happens once and takes some seconds",
        folder.model,
    )
    _log.debug("because of %s", damage)
    _convert(folder.model, cache)
    try:
        return _open(folder.model, folder.fingerprint, cache, is_batch=is_batch)
    except EntryDamaged as error:
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


def _torch_encoder(folder: ModelFolder, *, is_on_gpu: bool) -> TextEncoder:
    from searchapp.encoders.torch_engine import TorchEngine, read_model

    recipe, tokenizer = read_model(folder)
    return TextEncoder(
        recipe, tokenizer, TorchEngine(folder, device="cuda" if is_on_gpu else "cpu")
    )


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
    import torch

    return torch.cuda.is_available()


# ---- batches and rows ----------------------------------------------------------------------------


def _bucket(encoding: Encoding) -> int:
    """A text's padded length, in tokens."""
    return max(1, -(-len(encoding) // BUCKET)) * BUCKET


def _groups(encodings: Sequence[Encoding], batch_tokens: int) -> Iterator[list[int]]:
    """The positions of texts that run together: of one bucket, about so many padded tokens at most,
    longest first.
    """
    buckets: dict[int, list[int]] = {}
    for i, encoding in enumerate(encodings):
        buckets.setdefault(_bucket(encoding), []).append(i)
    for length in sorted(buckets, reverse=True):
        size = max(1, batch_tokens // length)
        for start in range(0, len(buckets[length]), size):
            yield buckets[length][start : start + size]


def _offsets(encoding: Encoding, prompt: int) -> tuple[Span, ...]:
    """Each token's span in the text behind a prompt of that many code points; (0, 0) for special
    and prompt tokens.
    """
    if not len(encoding):
        return ((0, 0),)
    spans = zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
    return tuple(
        (0, 0) if special or end <= prompt else (max(0, start - prompt), end - prompt)
        for (start, end), special in spans
    )


def _unit_rows(vectors: NDArray[np.float32]) -> Vectors:
    """The one place where rows are made right: (n, dim) float32, C-contiguous, finite, of unit
    length.
    """
    rows = _finite(vectors)
    if not rows.any(axis=1).all():
        raise EncoderError(
            "The model gave a vector without direction.",
            hint="Use another model; this one is broken.",
        )
    return unit(rows)


def _finite(array: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(rows).all():
        raise EncoderError(
            "The model gave numbers that are not finite.",
            hint="Use another model; this one is broken.",
        )
    return rows
