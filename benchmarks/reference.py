"""The encoder and the classifier against what one would write by hand, on public collections: the
Spearman correlation on STS-B beside sentence-transformers, the accuracy on SST-2 beside
scikit-learn on the same vectors.

    python -m benchmarks.reference --stsb DIR --sst2 DIR

STS-B is a folder with dev.tsv (score, sentence1, sentence2, ...; one line of names first), SST-2
one with train.tsv and dev.tsv as `classify train` reads them. Neither may be redistributed with
this project. Ends with 1 where ours differs from the reference by more than it may.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.keeping import keep
from searchapp.classification.label_files import read_labels
from searchapp.classification.training import evaluate_classifier, train_classifier
from searchapp.config import load
from searchapp.encoders.encoder import Encoder
from searchapp.encoders.model_folder import find_model

MOST_CORRELATION, MOST_ACCURACY = 1e-3, 0.005  # by which ours may differ


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stsb", type=Path)
    parser.add_argument("--sst2", type=Path)
    options = parser.parse_args(arguments)
    result: dict[str, object] = {}
    if options.stsb:
        result |= _sts(options.stsb)
    if options.sst2:
        result |= _sst(options.sst2)
    keep("reference", result, "python -m benchmarks.reference --stsb DIR --sst2 DIR")
    if not all(value for name, value in result.items() if name.endswith("_agrees")):
        sys.exit("ours differs from the reference")


def _sts(folder: Path) -> dict[str, object]:
    from scipy.stats import spearmanr
    from sentence_transformers import SentenceTransformer

    lines = (folder / "dev.tsv").read_text("utf-8").splitlines()[1:]
    table = [line.split("\t") for line in lines]
    scores = [float(row[0]) for row in table]
    sides = [[row[column] for row in table] for column in (1, 2)]
    cache = load().cache

    def spearman(first: np.ndarray, second: np.ndarray) -> float:
        return float(spearmanr(np.einsum("nd,nd->n", first, second), scores).statistic)

    reference = SentenceTransformer(str(find_model("default", cache=cache).path), device="cpu")
    expected = spearman(
        *(
            reference.encode(texts, normalize_embeddings=True, show_progress_bar=False)
            for texts in sides
        )
    )
    ours = {
        fast: spearman(
            *(
                Encoder.load(fast=fast, cache=cache).encode_sentences(texts, truncate=True)
                for texts in sides
            )
        )
        for fast in (True, False)
    }
    return {
        "sts_spearman": round(ours[False], 5),
        "sts_spearman_fast": round(ours[True], 5),
        "sts_spearman_sentence_transformers": round(expected, 5),
        "sts_agrees": all(abs(value - expected) < MOST_CORRELATION for value in ours.values()),
    }


def _sst(folder: Path) -> dict[str, object]:
    from sklearn.linear_model import LogisticRegression

    encoder = Encoder.load(fast=True, cache=load().cache)
    train, dev = (read_labels(folder / name) for name in ("train.tsv", "dev.tsv"))
    rows, others = (
        encoder.encode_sentences([row.item for row in part], truncate=True) for part in (train, dev)
    )
    labels, had = ([row.label for row in part] for part in (train, dev))
    expected = LogisticRegression(max_iter=1000).fit(rows, labels).score(others, had)
    ours = evaluate_classifier(train_classifier(rows, labels, encoder.identity), others, had)
    return {
        "sst_accuracy": round(ours.accuracy, 4),
        "sst_accuracy_scikit_learn": round(float(expected), 4),
        "sst_calibration_error": ours.calibration_error,
        "sst_agrees": abs(ours.accuracy - float(expected)) < MOST_ACCURACY,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
