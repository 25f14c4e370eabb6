"""What one model is: its family, size, limits, prompts, licence and digests.

All of it is read from the folder's JSON and from the header of the weights, so that torch is not
needed. Nothing is imported, converted or changed; a hub's name may use the network, as `find_model`
says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchapp.encoders import openvino_engine
from searchapp.encoders.cache_entry import ConversionDamaged
from searchapp.encoders.model_folder import find_model
from searchapp.encoders.weights_header import numbers_of, tensors_in

if TYPE_CHECKING:
    from searchapp.encoders.model_folder import ModelFolder


_MASKED_HEAD = re.compile(
    r"^(?:cls\.predictions|lm_head|vocab_(?:transform|projector)"
    r"|generator_(?:predictions|lm_head)|decoder)\."
)
_LICENCE = re.compile(r"^licen[sc]e:[ \t]*['\"]?([^\s'\"#]+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model is."""

    model: str  # its name: "default", a folder or a hub name
    path: Path
    family: str
    layers: int
    heads: int
    dim: int
    max_length: int  # tokens, special tokens included
    vocabulary: int
    pooling: str
    query_prompt: str
    document_prompt: str
    parameters: int
    precision: str  # of its numbers, as "F32"
    weights: tuple[tuple[str, int, str], ...]  # file, bytes, SHA-256
    fingerprint: str
    licence: str  # "" where it says none
    has_masked_head: bool  # it can fill in a missing word

    @property
    def size(self) -> int:
        """The bytes of its weights."""
        return sum(size for _, size, _ in self.weights)


def read_model_info(model: str, cache: Path) -> ModelInfo:
    """What the model of that name is. Raises EncoderError as `find_model` does."""
    return model_info(find_model(model, cache=cache))


def converted_size(info: ModelInfo, cache: Path) -> int | None:
    """The bytes of the model as it was converted for this processor, None where it was not, or has
    to be again.
    """
    try:
        entry = openvino_engine.read_entry(info.fingerprint, cache)
    except ConversionDamaged:
        return None
    return sum(file.stat().st_size for file in entry.path.iterdir())


def model_info(folder: ModelFolder) -> ModelInfo:
    """What the model in a folder is. Raises EncoderError where its weights are not whole."""
    config = json.loads((folder.path / "config.json").read_text(encoding="utf-8"))
    weights = tensors(folder)
    kinds = {str(tensor["dtype"]) for tensor in weights.values()}
    return ModelInfo(
        model=folder.model,
        path=folder.path,
        family=folder.family,
        layers=folder.depth,
        heads=int(config.get("num_attention_heads") or config.get("n_heads") or 0),
        dim=folder.dim,
        max_length=folder.max_length,
        vocabulary=int(config.get("vocab_size") or 0),
        pooling=folder.pooling,
        query_prompt=folder.query_prompt,
        document_prompt=folder.document_prompt,
        parameters=numbers_of(weights),
        precision=", ".join(sorted(kind for kind in kinds if kind[0] != "I")),
        weights=tuple(
            (name, (folder.path / name).stat().st_size, digest) for name, digest in folder.weights
        ),
        fingerprint=folder.fingerprint,
        licence=_licence(folder.path),
        has_masked_head=any(_MASKED_HEAD.match(name) for name in weights),
    )


def tensors(folder: ModelFolder) -> Mapping[str, Mapping[str, Any]]:  # JSON
    """Every tensor's `dtype`, `shape` and `data_offsets` by name; raises EncoderError where the
    weights are not whole.
    """
    tensors_by_name: dict[str, Mapping[str, Any]] = {}
    for name, _ in folder.weights:
        tensors_by_name |= tensors_in(folder.path / name)
    return tensors_by_name


def _licence(folder: Path) -> str:
    """The licence that a model's card names, else the file that states it; "" where there is
    neither.
    """
    for place in (folder, folder.parent):
        with suppress(OSError):
            card = (place / "README.md").read_text(encoding="utf-8", errors="replace")
            if card.startswith("---") and (stated := _LICENCE.search(card.split("\n---", 1)[0])):
                return stated[1]
    return next((f"see {path}" for path in sorted(folder.glob("LICEN[CS]E*"))), "")
