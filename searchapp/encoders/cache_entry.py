"""The converted model: a folder in the user's cache, which the engines of this room open.

An entry is `<cache>/encoders/<fingerprint>-<format>-<openvino>-<processor>/` with

    encoder.json          what the encoder is, golden vectors, the size and digest of every file,
                          and the digest of all that
    tokenizer.json        for the `tokenizers` library, without truncation or padding
    graph.xml, .bin       the model: ids and mask in; unit vectors (b, dim) and token states
                          (b, t, dim) out, float32
    query.blob            the graph compiled for this processor and one question at a time; its
                          weights are graph.bin
    question.safetensors  the weights in float32 as `numpy_engine` multiplies them, of models that
                          it runs, words perhaps in float16; they are the same for every OpenVINO
                          and processor

It appears whole or not at all, and it is disposable: what is damaged is made again. Nothing here
knows OpenVINO, torch or text.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from searchapp.filesystem import atomic_folder
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

FORMAT = 4
QUESTION_WEIGHTS = "question.safetensors"
GRAPH = ("graph.xml", "graph.bin", "query.blob")
LAYOUT = ("tokenizer.json", *GRAPH)  # of every entry
# too large to hash for a question: their size is checked, and golden vectors prove them
LARGE = ("graph.bin", QUESTION_WEIGHTS)
BATCH_TOKENS = 2048  # padded, that a processor runs best together


class Golden(NamedTuple):
    """A text's tokens and the vector that torch makes of them, float32."""

    ids: tuple[int, ...]
    vector: tuple[float, ...]


Precision: TypeAlias = Literal["bf16", "f32"]


class EncoderConfig(NamedTuple):
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
    precision: Precision = "f32"  # that OpenVINO computes in


class ConvertedModel(NamedTuple):
    """A converted model that passed its checks."""

    path: Path
    config: EncoderConfig
    has_question_weights: bool = False


class Batch(NamedTuple):
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


def read(
    path: Path,
    fingerprint: str,
    *,
    only: Collection[str] = (),
    unhashed: Collection[str] = LARGE,
) -> ConvertedModel:
    """The entry of a model in a folder; raises ConversionDamaged where it is missing or wrong.

    The size of each file is checked, and its digest but for those that stay `unhashed` (90 MB take
    about 0.1 s). Where `only` names files, the others are not looked at.
    """
    try:
        sealed = json.loads((path / "encoder.json").read_text(encoding="utf-8"))
        content = sealed["content"]
        files = content["files"]
        if (
            sealed["digest"] != _seal(content)
            or content["format"] != FORMAT
            or set(files) - {QUESTION_WEIGHTS} != set(LAYOUT)
        ):
            raise ConversionDamaged(f"{path}: encoder.json is not as it was written")
        for name, (size, digest) in files.items():
            if only and name not in only:
                continue
            if (path / name).stat().st_size != size:
                raise ConversionDamaged(f"{path}: {name} has another size")
            if name not in unhashed and _digest(path / name) != digest:
                raise ConversionDamaged(f"{path}: {name} has changed")
        config = _config(content["recipe"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConversionDamaged(f"{path}: {error}") from error
    if config.identity.fingerprint != fingerprint:
        raise ConversionDamaged(f"{path} holds another model")
    return ConvertedModel(path, config, has_question_weights=QUESTION_WEIGHTS in files)


def with_question_weights(
    fingerprint: str, cache: Path, *, unhashed: Collection[str] = LARGE
) -> Iterator[ConvertedModel]:
    """The entries of a model that hold weights for a question, whichever OpenVINO and processor
    they were made for; of those that cannot be read, none.
    """
    for path in sorted(folder_of(cache).glob(f"{fingerprint[:16]}-*")):
        with suppress(ConversionDamaged):
            only = ("tokenizer.json", QUESTION_WEIGHTS)
            entry = read(path, fingerprint, only=only, unhashed=unhashed)
            if entry.has_question_weights:
                yield entry


def folder_of(cache: Path) -> Path:
    """The folder of all entries."""
    return cache / "encoders"


@contextmanager
def new_entry(config: EncoderConfig, final: Path) -> Iterator[Path]:
    """A fresh folder to write the files of LAYOUT in, and QUESTION_WEIGHTS if there are any; it
    becomes the entry at `final` as `atomic_folder.replaced` has it.
    """
    with atomic_folder.replaced(final) as work:
        yield work
        names = [*LAYOUT, *([QUESTION_WEIGHTS] if (work / QUESTION_WEIGHTS).exists() else [])]
        files = {name: [(work / name).stat().st_size, _digest(work / name)] for name in names}
        recipe = config._asdict() | {
            "identity": config.identity._asdict(),
            "golden": [golden._asdict() for golden in config.golden],
        }
        content = {"format": FORMAT, "recipe": recipe, "files": files}
        (work / "encoder.json").write_text(
            json.dumps({"digest": _seal(content), "content": content}), encoding="utf-8"
        )


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


def model_inputs(ids: Any, mask: Any, inputs: Sequence[str]) -> list[Any]:
    """What a model of these inputs is given, in their order; arrays or tensors, (b, t)."""
    return [ids, mask] if len(inputs) == 2 else [ids, mask, mask * 0]


# ---- golden vectors ------------------------------------------------------------------------------


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
    actual = vector.astype(np.float64)
    return float(1 - actual @ expected / (np.linalg.norm(actual) * np.linalg.norm(expected)))
