"""How far vectors move where a BERT multiplies in 8 bits: weights with a scale for each output,
then activations with one for each token, too, which no calibration done beforehand betters.

    python -m benchmarks.int8 --collection DIR [--texts N]

DIR is a collection in BEIR form. Rounding is simulated in float32, by torch.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from benchmarks.keeping import keep
from searchapp.config import load
from searchapp.encoders.model_folder import find_model

NEEDED = 0.999  # the least cosine to the vector of full precision


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collection", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=120)
    options = parser.parse_args(arguments)
    lines = (options.collection / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [str(json.loads(line)["text"]) for line in lines[: options.texts]]
    folder = find_model("default", cache=load().cache)
    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder.path))
    model: Any = AutoModel.from_pretrained(str(folder.path)).eval()
    full = _vectors(model, tokenizer, texts, folder.max_length)
    layers = [
        layer
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear) and "pooler" not in name
    ]
    for layer in layers:
        layer.weight.data = _rounded(layer.weight.data)
    weights = _vectors(model, tokenizer, texts, folder.max_length)
    for layer in layers:
        layer.register_forward_pre_hook(lambda _, given: (_rounded(given[0]),))
    both = _vectors(model, tokenizer, texts, folder.max_length)
    result = {
        "texts": len(texts),
        "weights": _cosines(full, weights),
        "weights_and_activations": _cosines(full, both),
    }
    flags = f"--collection {options.collection.name} --texts {options.texts}"
    keep("int8", result, f"python -m benchmarks.int8 {flags}")


def _vectors(model: Any, tokenizer: Any, texts: Sequence[str], most: int) -> Any:
    """The mean-pooled unit vectors of texts, (n, dim)."""
    rows = []
    with torch.no_grad():
        for text in texts:
            tokens = tokenizer(text, truncation=True, max_length=most, return_tensors="pt")
            mean = model(**tokens).last_hidden_state[0].mean(0)
            rows.append((mean / mean.norm()).numpy())
    return np.stack(rows)


def _rounded(rows: torch.Tensor) -> torch.Tensor:
    """The rows in 8 bits, each with a scale of its own, as float32."""
    scale = rows.abs().amax(-1, keepdim=True).clamp(min=1e-8) / 127
    return (rows / scale).round() * scale


def _cosines(full: Any, other: Any) -> dict[str, float]:
    cosines = (full * other).sum(axis=1)
    return {
        "mean": round(float(cosines.mean()), 5),
        "least": round(float(cosines.min()), 5),
        "share_near_enough": round(float((cosines >= NEEDED).mean()), 3),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
