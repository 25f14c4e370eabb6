"""A classifier in a file: arrays and a JSON header, nothing that could run.

A NumPy archive (.npz, itself a ZIP with a checksum a member) of `header` (JSON in UTF-8: `format`,
`encoder`, `classes`, `counts`, `sharpness`, `way`, `figures`), `weights` (k, dim) float32, `bias`
(k,) float64 and `seen` (n,) uint64. It holds the names of labels and no text. Knows neither where
such files belong nor what they are for.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from searchapp.classification.classifier import Hyperparameters, TrainedClassifier
from searchapp.classification.metrics import Bin, Metrics
from searchapp.errors import ClassifierError
from searchapp.filesystem import atomic_write
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "searchapp-classifier/1"
_NONE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    TypeError,
    ValueError,
    EOFError,
    NotImplementedError,
)  # what reading no classifier ends in


def save(classifier: TrainedClassifier, path: Path) -> None:
    """Write a file that appears whole or not at all, for its owner alone. Raises ClassifierError
    where that cannot be.
    """
    header = {
        "format": FORMAT,
        "encoder": classifier.encoder._asdict(),
        "classes": classifier.classes,
        "counts": classifier.counts,
        "sharpness": classifier.inverse_temperature,
        "way": classifier.hyperparameters._asdict(),
        "figures": asdict(classifier.metrics),
    }
    header_bytes = np.frombuffer(json.dumps(header).encode(), np.uint8)
    try:
        with atomic_write.replaced(path) as file:
            np.savez_compressed(
                file,
                header=header_bytes,
                weights=classifier.weights,
                bias=classifier.bias,
                seen=classifier.seen,
            )
    except OSError as error:
        hint = "name a file in a folder that exists and that you may write"
        raise ClassifierError(
            f"cannot write {path}: {error.strerror or error}", hint=hint
        ) from error


def load(path: Path) -> TrainedClassifier:
    """The classifier in a file. Raises ClassifierError where there is no file, or it is damaged, or
    none of ours.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            header: dict[str, Any] = json.loads(file["header"].tobytes())
            if header["format"] != FORMAT:
                raise ClassifierError(f"{path} is of a newer searchapp", hint="upgrade searchapp")
            return _classifier(header, file["weights"], file["bias"], file["seen"])
    except FileNotFoundError as error:
        raise ClassifierError(
            f"there is no classifier at {path}", hint="train one: searchapp classify train LABELS"
        ) from error
    except OSError as error:
        raise ClassifierError(
            f"cannot read {path}: {error.strerror or error}",
            hint="check the permissions of the file",
        ) from error
    except _NONE as error:
        raise ClassifierError(
            f"{path} is damaged, or is no classifier",
            hint="train it anew: searchapp classify train LABELS",
        ) from error


def _classifier(
    header: dict[str, Any],
    weights: NDArray[np.float32],
    bias: NDArray[np.float64],
    seen: NDArray[np.uint64],
) -> TrainedClassifier:
    encoder, classes = EncoderIdentity(**header["encoder"]), tuple(map(str, header["classes"]))
    shapes = (
        weights.shape,
        weights.dtype.str,
        bias.shape,
        bias.dtype.str,
        seen.ndim,
        seen.dtype.str,
    )
    if shapes != ((len(classes), encoder.dim), "<f4", (len(classes),), "<f8", 1, "<u8"):
        raise ValueError("arrays of other shapes")
    return TrainedClassifier(
        encoder=encoder,
        classes=classes,
        counts=tuple(map(int, header["counts"])),
        weights=weights,
        bias=bias,
        inverse_temperature=float(header["sharpness"]),
        hyperparameters=Hyperparameters(**header["way"]),
        metrics=_metrics(header["figures"]),
        seen=seen,
    )


def _metrics(values: dict[str, Any]) -> Metrics:
    tuples = {
        "classes": tuple(values["classes"]),
        "confusion": tuple(map(tuple, values["confusion"])),
        "fold_accuracies": tuple(values["fold_accuracies"]),
        "bins": tuple(Bin(**value) for value in values["bins"]),
    }
    return Metrics(**values | tuples)
