"""Learning a classifier from vectors with labels, and how right it is on examples that it has not
seen.

Learning is scikit-learn's, logistic regression on the vectors. Three sets of hyperparameters are
compared on examples left out in turn, and those with the best probabilities are taken: what suits
a thousand examples of two labels does not suit five examples of ten. The only owner of
scikit-learn; knows arrays, and neither texts, files nor a corpus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from searchapp.classification.calibration import fit_inverse_temperature, log_loss, softmax
from searchapp.classification.classifier import (
    Classifier,
    Hyperparameters,
    TrainedClassifier,
    vector_digests,
)
from searchapp.classification.metrics import Metrics, confusion_matrix, measure
from searchapp.errors import ClassifierError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import EncoderIdentity, Vectors

LEAST_LEFT_OUT = 3  # examples of a label, for one to be judged by what the others teach
_FOLDS = 5
_MOST_STEPS = 1000  # of an optimiser that takes some tens

HYPERPARAMETERS = (
    Hyperparameters(1.0, is_balanced=True),
    Hyperparameters(1.0, is_balanced=False),
    Hyperparameters(10.0, is_balanced=False),
)


def train_classifier(
    vectors: Vectors, labels: Sequence[str], encoder: EncoderIdentity, *, seed: int = 0
) -> TrainedClassifier:
    """A classifier for the labels of these examples, (n, dim). The seed decides which examples are
    left out together when hyperparameters are compared.

    Raises ClassifierError for fewer than two labels, a label with a single example, or where
    scikit-learn is missing.
    """
    classes, counts = _count_examples(labels)
    numbers = np.array([classes.index(label) for label in labels])
    folds = _folds(numbers, seed)
    compared = {
        hyperparameters: _left_out_logits(vectors, numbers, folds, hyperparameters)
        for hyperparameters in HYPERPARAMETERS
    }
    inverse_temperature = {
        hyperparameters: fit_inverse_temperature(logits, numbers)
        for hyperparameters, logits in compared.items()
    }
    hyperparameters = min(
        HYPERPARAMETERS,
        key=lambda candidate: log_loss(
            compared[candidate] * inverse_temperature[candidate], numbers
        ),
    )
    weights, bias = _fit(vectors, numbers, hyperparameters)
    return TrainedClassifier(
        encoder=encoder,
        classes=classes,
        counts=counts,
        weights=np.ascontiguousarray(weights, np.float32),
        bias=bias,
        inverse_temperature=inverse_temperature[hyperparameters],
        hyperparameters=hyperparameters,
        metrics=_metrics_left_out(classes, numbers, compared[hyperparameters], folds),
        seen=np.unique(vector_digests(vectors)),
    )


def cross_validate(
    vectors: Vectors,
    labels: Sequence[str],
    encoder: EncoderIdentity,
    *,
    folds: int = _FOLDS,
    seed: int = 0,
) -> Metrics:
    """How often labels are right on unseen examples: each fold is predicted by a classifier trained
    on the others.

    The hyperparameters are chosen anew each time, without the fold. Raises ClassifierError as
    `train_classifier` does, or for a label with too few examples to be left out in turn.
    """
    classes, counts = _count_examples(labels)
    if min(counts) < LEAST_LEFT_OUT:
        rare = classes[counts.index(min(counts))]
        hint = "give each label three or more, so that two are left when one is judged"
        raise ClassifierError(
            f"the label {rare!r} has {min(counts)} examples, too few to leave any out", hint=hint
        )
    numbers = np.array([classes.index(label) for label in labels])
    calibrated, raw = np.zeros((len(labels), len(classes))), np.zeros((len(labels), len(classes)))
    parts = _folds(numbers, seed, folds=folds)
    for part in parts:
        learned = train_classifier(
            vectors[~part], [labels[i] for i in np.flatnonzero(~part).tolist()], encoder, seed=seed
        )
        calibrated[part] = learned.probabilities(vectors[part])
        raw[part] = learned.raw_probabilities(vectors[part])
    return measure(
        classes,
        numbers,
        calibrated,
        raw,
        [float(np.mean(calibrated[part].argmax(1) == numbers[part])) for part in parts],
    )


def evaluate_classifier(classifier: Classifier, vectors: Vectors, labels: Sequence[str]) -> Metrics:
    """How often a classifier is right on examples, (n, dim); labels that it does not know count as
    wrong.
    """
    classes = tuple(sorted({*classifier.classes, *labels}))
    numbers = np.array([classes.index(label) for label in labels], np.int64)
    if isinstance(classifier, TrainedClassifier):
        known = [classes.index(name) for name in classifier.classes]
        calibrated = np.zeros((len(labels), len(classes)))
        calibrated[:, known] = classifier.probabilities(vectors)
        raw = np.zeros_like(calibrated)
        raw[:, known] = classifier.raw_probabilities(vectors)
        return measure(classes, numbers, calibrated, raw)
    given = np.array(
        [classes.index(prediction.label) for prediction in classifier.predict(vectors)], np.int64
    )
    return Metrics(classes, confusion_matrix(numbers, given, len(classes)))


def _count_examples(labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The labels by name, and how many examples each has."""
    counts = Counter(labels)
    classes = tuple(sorted(counts))
    if len(classes) < 2:
        known = f"one label, {classes[0]!r}" if classes else "no label"
        raise ClassifierError(
            f"there is {known}: nothing to tell apart", hint="give examples of two labels or more"
        )
    for name in classes:
        if counts[name] < 2:
            hint = (
                "give each label two examples or more: one is left out to see whether the "
                "others teach it"
            )
            raise ClassifierError(f"the label {name!r} has a single example", hint=hint)
    return classes, tuple(counts[name] for name in classes)


def _folds(
    numbers: NDArray[np.int64], seed: int, *, folds: int = _FOLDS
) -> list[NDArray[np.bool_]]:
    """Masks, (n,) each, of examples that are left out together: of each label about equally many,
    and never all.
    """
    random = np.random.default_rng(seed)
    fold = np.empty(len(numbers), np.int64)
    given = 0
    for number in np.unique(numbers):
        places = random.permutation(np.flatnonzero(numbers == number))
        fold[places] = (given + np.arange(len(places))) % folds
        given += len(places)
    return [fold == index for index in range(folds) if (fold == index).any()]


def _left_out_logits(
    vectors: Vectors,
    numbers: NDArray[np.int64],
    folds: Sequence[NDArray[np.bool_]],
    hyperparameters: Hyperparameters,
) -> NDArray[np.float64]:
    """Each example's logits, (n, k), by a classifier trained on the folds without it."""
    logits = np.zeros((len(numbers), int(numbers.max()) + 1))
    for fold in folds:
        weights, bias = _fit(vectors[~fold], numbers[~fold], hyperparameters)
        logits[fold] = vectors[fold].astype(np.float64) @ weights.T + bias
    return logits


def _fit(
    vectors: Vectors, numbers: NDArray[np.int64], hyperparameters: Hyperparameters
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (k, dim) and bias (k,), a row for each label; of two labels the first has zeros."""
    try:
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits  # which comes with scikit-learn
    except ImportError as error:
        hint = (
            "install it with: pip install 'searchapp[classify]'; --zero-shot LABELS needs "
            "no training"
        )
        raise ClassifierError(
            "training a classifier takes scikit-learn, which is not installed", hint=hint
        ) from error
    model = LogisticRegression(
        C=hyperparameters.strength,
        class_weight="balanced" if hyperparameters.is_balanced else None,
        max_iter=_MOST_STEPS,
    )
    # its products are small: threads wait for one another, five times as long on a busy machine
    with threadpool_limits(1, "blas"):
        model.fit(vectors, numbers)
    weights, bias = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    if len(weights) == 1:
        weights = np.concatenate([np.zeros_like(weights), weights])
        bias = np.concatenate([np.zeros_like(bias), bias])
    return weights, bias


def _metrics_left_out(
    classes: tuple[str, ...],
    numbers: NDArray[np.int64],
    logits: NDArray[np.float64],
    folds: Sequence[NDArray[np.bool_]],
) -> Metrics:
    """The metrics of examples left out; each fold is calibrated without itself, too, so that the
    calibration error is an honest one.
    """
    calibrated = np.zeros_like(logits)
    for fold in folds:
        calibrated[fold] = softmax(
            logits[fold] * fit_inverse_temperature(logits[~fold], numbers[~fold])
        )
    right = logits.argmax(1) == numbers
    return measure(
        classes,
        numbers,
        calibrated,
        softmax(logits),
        [float(right[fold].mean()) for fold in folds],
    )
