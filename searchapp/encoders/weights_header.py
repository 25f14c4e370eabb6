"""What a safetensors file says it holds, and whether it does: read before any model is built, so
that a cut file, or a config of a million layers, is refused at once.

The form: eight bytes, the length of a JSON object; the object, of each tensor its shape and where
its bytes are; then the bytes, to the end of the file (github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from searchapp.errors import EncoderError

_MOST_HEADER = 100_000_000  # bytes, as safetensors has it
_SLACK = 2  # times what weights hold: those that lack a tensor or two are refused by its name


def tensors_in(file: Path) -> Mapping[str, Mapping[str, Any]]:
    """The `dtype` and `shape` of every tensor in a weights file, by name. Raises EncoderError where
    the file is none, is cut, or cannot be read.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            if not 0 < length <= min(size, _MOST_HEADER):
                raise ValueError("it does not begin as one")
            header = json.loads(opened.read(length))
        header.pop("__metadata__", None)
        end = 8 + length + max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        if end != size:
            raise ValueError(f"it has {size:,} bytes instead of {end:,}")
        tensors = {
            str(name): {"dtype": tensor["dtype"], "shape": [int(n) for n in tensor["shape"]]}
            for name, tensor in header.items()
        }
        if numbers_of(tensors) > size:
            raise ValueError("its tensors are larger than it")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise EncoderError(
            f"{file} is no whole file of weights: {error}.", hint="Use a whole copy of the model."
        ) from error
    return tensors


def numbers_of(tensors: Mapping[str, Mapping[str, Any]]) -> int:
    """How many numbers tensors have in all."""
    return sum(math.prod(tensor["shape"]) for tensor in tensors.values())


def require_size(config: dict[str, Any], *, family: str, held: int, path: Path) -> None:
    """Raise EncoderError where a config describes a model of far more numbers than its weights
    hold.

    Counted are those that every family has: the words, the positions, and of each layer its
    attention and its two other matrices.
    """
    width = count(config, path, "hidden_size", "dim")
    inner = count(config, path, "intermediate_size", "hidden_dim")
    layers = count(config, path, "num_hidden_layers", "n_layers")
    words = count(config, path, "vocab_size")
    positions = 0 if family == "modernbert" else count(config, path, "max_position_embeddings")
    embedded = count(config, path, "embedding_size") or width
    least = (words + positions) * embedded + layers * (4 * width + 2 * inner) * width
    if least > _SLACK * held or layers > held:
        raise EncoderError(
            f"The model in {path} is not what its config.json says: a model of {layers:,} layers "
            f"and {words:,} words has more than {held:,} numbers.",
            hint="Use its publisher's copy of config.json and of the weights.",
        )


def count(config: dict[str, Any], path: Path, *names: str) -> int:
    """A number of a config by the first of the names that it has, 0 where it has none. Raises
    EncoderError for what is no such number.
    """
    value = next((config[name] for name in names if config.get(name) is not None), 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise EncoderError(
            f"{path}: {names[0]} in config.json is no number: {str(value)[:50]}.",
            hint="Use its publisher's copy of config.json.",
        )
    return value
