"""What `numpy_engine` needs of a model: which models it runs, and a file of their weights as it
multiplies them, written when a model is converted.

Models are transformers', whose config has all that a model's own leaves to its defaults; neither
torch nor transformers is imported here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from searchapp.encoders.cache_entry import QUESTION_WEIGHTS, ConversionDamaged
from searchapp.encoders.numpy_engine import NumpyEngine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from searchapp.encoders.cache_entry import ConvertedModel
    from searchapp.encoders.model_folder import ModelFolder

    Numbers: TypeAlias = NDArray[np.floating[Any]]

# in layers; those of BERT-base, 85 million, still take half the time of opening OpenVINO
MOST_WEIGHTS = 100_000_000

_log = logging.getLogger(__name__)


def is_runnable(transformer: Any, folder: ModelFolder) -> bool:  # transformers is untyped
    """Whether the engine runs a model: a BERT with GELU by the error function and absolute
    positions, small enough, whose vectors are the mean of its last states.
    """
    config = transformer.config
    return (
        folder.family == "bert"
        and folder.pooling == "mean"
        and folder.layers.numbers == (folder.depth,)
        and folder.is_normalised
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", "absolute") == "absolute"
        and not config.is_decoder
        and sum(parameter.numel() for parameter in transformer.encoder.parameters()) <= MOST_WEIGHTS
    )


def save(transformer: Any, entry: ConvertedModel) -> None:  # transformers is untyped
    """Write a model's weights into its entry, and prove them; where they are wrong all the same,
    it stays without, and OpenVINO encodes its questions.
    """
    from safetensors.numpy import save_file

    config = transformer.config
    facts = {
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "epsilon": config.layer_norm_eps,
    }
    state = {name: tensor.numpy() for name, tensor in transformer.state_dict().items()}
    path = entry.path / QUESTION_WEIGHTS
    save_file(
        _arranged(state, config.num_hidden_layers),
        path,
        {name: str(value) for name, value in facts.items()},
    )
    try:
        NumpyEngine(entry, thorough=True)
    except ConversionDamaged as damage:
        _log.warning("questions are left to OpenVINO: %s", damage)
        path.unlink()


def _arranged(state: Mapping[str, Numbers], layers: int) -> dict[str, Numbers]:
    """The weights of a BERT by the names that transformers has for them, as the engine multiplies
    them: rows of the input, columns of the output. Raises KeyError where one is missing.

    The rows of words, of which a question needs a few, are in float16 where nothing is lost by it.
    """
    arrays = {
        "words": state["embeddings.word_embeddings.weight"],
        "positions": state["embeddings.position_embeddings.weight"]
        + state["embeddings.token_type_embeddings.weight"][0],  # a question is of one type
    }
    norms = {"embeddings": "embeddings.LayerNorm"}
    for layer in range(layers):
        place = f"encoder.layer.{layer}"
        parts = [f"{place}.attention.self.{name}" for name in ("query", "key", "value")]
        products = {
            f"{layer}.in": parts,
            f"{layer}.out": [f"{place}.attention.output.dense"],
            f"{layer}.up": [f"{place}.intermediate.dense"],
            f"{layer}.down": [f"{place}.output.dense"],
        }
        for name, sources in products.items():
            weight = np.concatenate([state[f"{source}.weight"] for source in sources])
            arrays[f"{name}.weight"] = weight.T
            arrays[f"{name}.bias"] = np.concatenate([state[f"{source}.bias"] for source in sources])
        norms[f"{layer}.attention"] = f"{place}.attention.output.LayerNorm"
        norms[f"{layer}.layer"] = f"{place}.output.LayerNorm"
    for name, source in norms.items():
        arrays[f"{name}.scale"], arrays[f"{name}.shift"] = (
            state[f"{source}.weight"],
            state[f"{source}.bias"],
        )
    weights: dict[str, Numbers] = {
        name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()
    }
    with np.errstate(over="ignore"):
        halved = weights["words"].astype(np.float16)
    if np.array_equal(halved.astype(np.float32), weights["words"]):
        weights["words"] = halved
    return weights
