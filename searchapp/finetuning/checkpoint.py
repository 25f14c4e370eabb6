"""What of a training survives an interruption: one safetensors file of weights and moments, and the
key of the run in a finished model's folder.

The trainer's own checkpoints hold pickles, and are neither written nor read. Knows tensors by name,
and nothing of models or training.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchapp.filesystem import atomic_write

MODEL, CHECKPOINT = "model", "checkpoint.safetensors"  # in the folder of a run
ACCOUNT = "tuning.json"  # in the model's folder: how it came about
FORMAT = "searchapp-tuning/1"
_WEIGHTS, _MOMENTS = "weights.", "moments."  # before the names of a checkpoint's tensors


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Weights by name, and of each parameter, by number, the optimiser's moments by name."""

    weights: Mapping[str, Any]  # tensors
    moments: Mapping[int, Mapping[str, Any]]


def write_checkpoint(file: Path, checkpoint: Checkpoint, *, key: str, step: int) -> None:
    """Write a checkpoint in place of the one before. Raises OSError."""
    from safetensors.torch import save_file

    tensors = {f"{_WEIGHTS}{name}": value for name, value in checkpoint.weights.items()}
    for at, moments in checkpoint.moments.items():
        tensors |= {f"{_MOMENTS}{at}.{name}": value for name, value in moments.items()}
    temporary = file.with_suffix(".tmp")
    try:
        save_file(
            {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()},
            temporary,
            {"format": FORMAT, "key": key, "step": str(step)},
        )
        atomic_write.sync(temporary)
        temporary.replace(file)
    except Exception as error:  # safetensors raises nothing narrower for a full disk
        temporary.unlink(missing_ok=True)
        raise OSError(getattr(error, "errno", None) or 0, str(error)) from error
    atomic_write.sync(file.parent)


def read_checkpoint(file: Path) -> Checkpoint | None:
    """The checkpoint in a file; None where it is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(file)
    except (SafetensorError, OSError):
        return None
    moments: dict[int, dict[str, Any]] = {}
    for name, value in _below(_MOMENTS, tensors):
        at, _, moment = name.partition(".")
        moments.setdefault(int(at), {})[moment] = value
    return Checkpoint(dict(_below(_WEIGHTS, tensors)), moments)


def steps_done(work: Path, key: str) -> int:
    """How many steps an earlier call with this key has done in a run's folder; 0 for none."""
    header = _header(work / CHECKPOINT)
    return int(header["step"]) if header.get("key") == key else 0


def is_trained(work: Path, key: str) -> bool:
    """Whether the folder of a run holds the model that a call with this key makes."""
    try:
        account = json.loads((work / MODEL / ACCOUNT).read_text(encoding="utf-8"))
        return str(account["key"]) == key
    except (OSError, ValueError, KeyError, TypeError):
        return False


def is_progress(work: Path) -> bool:
    """Whether the folder of a run holds anything to go on from."""
    return (work / MODEL).exists() or (work / CHECKPOINT).exists()


def _below(prefix: str, tensors: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in tensors.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), value


def _header(file: Path) -> Mapping[str, str]:
    """What a checkpoint says of itself; nothing where there is none, or it is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as opened:
            header: Mapping[str, str] = opened.metadata() or {}
            return header if header.get("format") == FORMAT else {}
    except (OSError, SafetensorError):
        return {}
