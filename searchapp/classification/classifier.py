"""Which of some labels a text has, told from its vector: learned from examples, or from what each
label's description says.

Learning is scikit-learn's, logistic regression on the vectors; what was learned is a matrix, so
that telling needs NumPy alone. Three ways of learning are compared on examples that each has not
seen, and the one whose probabilities are the best is taken: what suits a thousand examples of two
labels does not suit five examples of ten. Knows arrays, and neither texts, files nor a corpus.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from searchapp.errors import ClassifierError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.documents import Origin
    from searchapp.types.vectors import EncoderIdentity, Vectors

LEAST_LEFT_OUT = 3  # examples of a label, for one to be judged by what the others teach
_FOLDS = 5
_BINS = 10  # of a calibration error
_LEAST, _MOST = 1e-3, 1e3  # between which the sharpness of probabilities is looked for
_MOST_STEPS = 1000  # of an optimiser that takes some tens
# nearer to texts than a bare description: SST-2 dev .689 to .727, the sample documents .45 to .52
_DESCRIBED = "This text is about {}"


class Hyperparameters(NamedTuple):
    """A way of learning: how closely the examples are followed, and whether a rare label counts as
    much as a frequent one.
    """

    strength: float  # C of scikit-learn
    is_balanced: bool


WAYS = (
    Hyperparameters(1.0, is_balanced=True),
    Hyperparameters(1.0, is_balanced=False),
    Hyperparameters(10.0, is_balanced=False),
)


class Verdict(NamedTuple):
    """The label of one text, how sure that is where it can be told, and what it was chosen by: a
    probability, or a cosine.
    """

    label: str
    probability: float | None
    scores: tuple[float, ...]  # of all labels, in order of `classes`


class Judge(Protocol):
    """Vectors to labels."""

    @property
    def encoder(self) -> EncoderIdentity:
        """Whose vectors it judges."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels that it gives."""

    @property
    def origin(self) -> Origin:
        """What its labels are said to come from."""

    def verdicts(self, vectors: Vectors) -> list[Verdict]:
        """The label of each row, (n, dim)."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of about the same probability: how many, how probable they were on average, and
    which share was right.
    """

    count: int
    probability: float
    right: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """How often labels are right. `confusion[i][j]` counts the examples of label i that were given
    label j.
    """

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    fold_accuracies: tuple[float, ...] = ()
    calibration_error: float | None = None  # None where no probabilities were given
    raw_calibration_error: float | None = None  # of the same predictions before calibration
    bins: tuple[Bin, ...] = ()

    @property
    def examples(self) -> int:
        """How many there were."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """The share that got their own label."""
        return sum(row[i] for i, row in enumerate(self.confusion)) / max(self.examples, 1)

    @property
    def macro_f1(self) -> float:
        """The labels' F1 on average, each counting alike; of those that an example has or was
        given.
        """
        told = [
            f1
            for i, (*_, f1) in enumerate(self.by_label)
            if sum(self.confusion[i]) or any(row[i] for row in self.confusion)
        ]
        return sum(told) / max(len(told), 1)

    @property
    def by_label(self) -> tuple[tuple[float, float, float], ...]:
        """Each label's precision, recall and F1; 0 where there is nothing to divide by."""
        found = []
        for i, row in enumerate(self.confusion):
            right, given, had = row[i], sum(other[i] for other in self.confusion), sum(row)
            found.append(
                (right / max(given, 1), right / max(had, 1), 2 * right / max(given + had, 1))
            )
        return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """What was learned: a `Judge` whose probabilities are calibrated."""

    encoder: EncoderIdentity
    classes: tuple[str, ...]  # in order of their names
    counts: tuple[int, ...]  # how many examples of each it has learned from
    weights: NDArray[np.float32]  # (k, dim)
    bias: NDArray[np.float64]  # (k,)
    sharpness: (
        float  # what the logits are multiplied by before they become probabilities: 1 / temperature
    )
    way: Hyperparameters
    figures: Metrics  # on examples left out in turn
    seen: NDArray[np.uint64]  # digests of the vectors it has learned from, ascending
    origin: Origin = "classifier"

    def probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """How probable each label is for each row, (n, k)."""
        return _softmax(self._logits(vectors) * self.sharpness)

    def raw_probabilities(self, vectors: Vectors) -> NDArray[np.float64]:
        """The same before calibration."""
        return _softmax(self._logits(vectors))

    def verdicts(self, vectors: Vectors) -> list[Verdict]:
        """The most probable label of each row, (n, dim); probabilities have six digits, which do
        not depend on a row's company.
        """
        found = self.probabilities(vectors).round(6)
        return [
            Verdict(self.classes[int(np.argmax(row))], float(row.max()), tuple(row.tolist()))
            for row in found
        ]

    def count_seen(self, vectors: Vectors) -> int:
        """How many of the rows it has learned from."""
        return int(np.isin(_digests(vectors), self.seen).sum())

    def _logits(self, vectors: Vectors) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = (
            vectors.astype(np.float64) @ self.weights.T.astype(np.float64) + self.bias
        )
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class Descriptions:
    """A `Judge` that has learned nothing: the label whose description is nearest by cosine. How
    sure that is it cannot say.
    """

    encoder: EncoderIdentity
    classes: tuple[str, ...]
    vectors: Vectors  # (k, dim), of what `described` makes of the descriptions
    origin: Origin = "descriptions"

    def verdicts(self, vectors: Vectors) -> list[Verdict]:
        """The label of the description nearest to each row, (n, dim)."""
        cosines = vectors.astype(np.float64) @ self.vectors.T.astype(np.float64)
        return [
            Verdict(self.classes[int(np.argmax(row))], None, tuple(row.tolist())) for row in cosines
        ]


def described(description: str) -> str:
    """What is embedded of a label's description."""
    return _DESCRIBED.format(description)


# ---- learning ------------------------------------------------------------------------------------


def learn(
    vectors: Vectors, labels: Sequence[str], encoder: EncoderIdentity, *, seed: int = 0
) -> Classifier:
    """What tells these labels apart, from examples (n, dim). The seed says which are left out
    together when ways are compared.

    Raises ClassifierError for fewer than two labels, a label with a single example, or where
    scikit-learn is missing.
    """
    classes, counts = _counted(labels)
    numbers = np.array([classes.index(label) for label in labels])
    folds = _folds(numbers, seed)
    compared = {way: _left_out(vectors, numbers, folds, way) for way in WAYS}
    sharpness = {way: _sharpness(logits, numbers) for way, logits in compared.items()}
    way = min(WAYS, key=lambda each: _loss(compared[each] * sharpness[each], numbers))
    weights, bias = _fitted(vectors, numbers, way)
    return Classifier(
        encoder=encoder,
        classes=classes,
        counts=counts,
        weights=np.ascontiguousarray(weights, np.float32),
        bias=bias,
        sharpness=sharpness[way],
        way=way,
        figures=_figures_left_out(classes, numbers, compared[way], folds),
        seen=np.unique(_digests(vectors)),
    )


def cross_validate(
    vectors: Vectors,
    labels: Sequence[str],
    encoder: EncoderIdentity,
    *,
    folds: int = _FOLDS,
    seed: int = 0,
) -> Metrics:
    """How often labels are right on examples that nothing was learned from: each fold is judged by
    what the others teach.

    Each time the way of learning is chosen anew, without the fold. Raises ClassifierError as
    `learn` does, or for a label with too few examples to be left out in turn.
    """
    classes, counts = _counted(labels)
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
        learned = learn(
            vectors[~part], [labels[i] for i in np.flatnonzero(~part).tolist()], encoder, seed=seed
        )
        calibrated[part], raw[part] = (
            learned.probabilities(vectors[part]),
            learned.raw_probabilities(vectors[part]),
        )
    return _figures(
        classes,
        numbers,
        calibrated,
        raw,
        [float(np.mean(calibrated[part].argmax(1) == numbers[part])) for part in parts],
    )


def judged(judge: Judge, vectors: Vectors, labels: Sequence[str]) -> Metrics:
    """How often a judge is right on examples, (n, dim); labels that it does not know count as
    wrong.
    """
    classes = tuple(sorted({*judge.classes, *labels}))
    numbers = np.array([classes.index(label) for label in labels], np.int64)
    if isinstance(judge, Classifier):
        known = [classes.index(each) for each in judge.classes]
        calibrated, raw = (
            np.zeros((len(labels), len(classes))),
            np.zeros((len(labels), len(classes))),
        )
        calibrated[:, known], raw[:, known] = (
            judge.probabilities(vectors),
            judge.raw_probabilities(vectors),
        )
        return _figures(classes, numbers, calibrated, raw)
    given = np.array(
        [classes.index(verdict.label) for verdict in judge.verdicts(vectors)], np.int64
    )
    return Metrics(classes, _confusion(numbers, given, len(classes)))


# ---- private -------------------------------------------------------------------------------------


def _counted(labels: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
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
    """Masks, (n,) each, of examples that are left out together: of each label as near to equally
    many as can be, and never all.
    """
    random = np.random.default_rng(seed)
    fold = np.empty(len(numbers), np.int64)
    given = 0
    for number in np.unique(numbers):
        places = random.permutation(np.flatnonzero(numbers == number))
        fold[places] = (given + np.arange(len(places))) % folds
        given += len(places)
    return [fold == each for each in range(folds) if (fold == each).any()]


def _left_out(
    vectors: Vectors,
    numbers: NDArray[np.int64],
    folds: Sequence[NDArray[np.bool_]],
    way: Hyperparameters,
) -> NDArray[np.float64]:
    """Each example's logits, (n, k), by what was learned from the folds without it."""
    logits = np.zeros((len(numbers), int(numbers.max()) + 1))
    for fold in folds:
        weights, bias = _fitted(vectors[~fold], numbers[~fold], way)
        logits[fold] = vectors[fold].astype(np.float64) @ weights.T + bias
    return logits


def _fitted(
    vectors: Vectors, numbers: NDArray[np.int64], way: Hyperparameters
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A row of weights and a bias a label, (k, dim) and (k,), the one owner of scikit-learn; of two
    labels the first has zeros.
    """
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
        C=way.strength, class_weight="balanced" if way.is_balanced else None, max_iter=_MOST_STEPS
    )
    with threadpool_limits(
        1, "blas"
    ):  # its products are small: threads wait for one another, five times as long on a busy machine
        model.fit(vectors, numbers)
    weights, bias = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    if len(weights) == 1:
        weights, bias = (
            np.concatenate([np.zeros_like(weights), weights]),
            np.concatenate([np.zeros_like(bias), bias]),
        )
    return weights, bias


def _sharpness(logits: NDArray[np.float64], numbers: NDArray[np.int64]) -> float:
    """What the logits of examples left out, (n, k), are multiplied by to become the best
    probabilities: 1 / temperature.

    Guo et al. 2017, On Calibration of Modern Neural Networks, with the smoothed targets of Platt
    1999, by which few examples that are all right do not make certain. The loss is convex, so that
    its slope has one zero, looked for by halving.
    """
    n, k = logits.shape
    target = np.full((n, k), 1 / ((n + 2) * (k - 1)))
    target[np.arange(n), numbers] = 1 - 1 / (n + 2)
    wanted = float((target * logits).sum())
    low, high = np.log(_LEAST), np.log(_MOST)
    for _ in range(50):
        middle = (low + high) / 2
        if float((_softmax(logits * np.exp(middle)) * logits).sum()) < wanted:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def _figures_left_out(
    classes: tuple[str, ...],
    numbers: NDArray[np.int64],
    logits: NDArray[np.float64],
    folds: Sequence[NDArray[np.bool_]],
) -> Metrics:
    """The figures of examples left out; each fold's probabilities are made without it, too, so that
    their error is an honest one.
    """
    calibrated = np.zeros_like(logits)
    for fold in folds:
        calibrated[fold] = _softmax(logits[fold] * _sharpness(logits[~fold], numbers[~fold]))
    right = logits.argmax(1) == numbers
    return _figures(
        classes,
        numbers,
        calibrated,
        _softmax(logits),
        [float(right[fold].mean()) for fold in folds],
    )


def _figures(
    classes: tuple[str, ...],
    numbers: NDArray[np.int64],
    calibrated: NDArray[np.float64],
    raw: NDArray[np.float64],
    fold_accuracies: Sequence[float] = (),
) -> Metrics:
    bins = tuple(_bins(calibrated, numbers))
    return Metrics(
        classes=classes,
        confusion=_confusion(numbers, calibrated.argmax(1), len(classes)),
        fold_accuracies=tuple(fold_accuracies),
        calibration_error=_error(bins),
        raw_calibration_error=_error(tuple(_bins(raw, numbers))),
        bins=bins,
    )


def _bins(probabilities: NDArray[np.float64], numbers: NDArray[np.int64]) -> Iterator[Bin]:
    """Predictions by their probability, in tenths, lowest first; tenths without any are
    left out.
    """
    best = probabilities.max(axis=1, initial=0)
    is_right = probabilities.argmax(1) == numbers
    place = np.clip(np.ceil(best * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    for each in np.unique(place):
        here = place == each
        yield Bin(int(here.sum()), float(best[here].mean()), float(is_right[here].mean()))


def _error(bins: Sequence[Bin]) -> float:
    """The expected calibration error: by how much the probabilities miss the share that is right,
    on average.
    """
    return sum(each.count * abs(each.probability - each.right) for each in bins) / max(
        sum(each.count for each in bins), 1
    )


def _confusion(
    had: NDArray[np.int64], given: NDArray[np.int64], k: int
) -> tuple[tuple[int, ...], ...]:
    counts = np.zeros((k, k), np.int64)
    np.add.at(counts, (had, given), 1)
    return tuple(tuple(row) for row in counts.tolist())


def _loss(logits: NDArray[np.float64], numbers: NDArray[np.int64]) -> float:
    """The mean of the labels' negative log probabilities."""
    found = _softmax(logits)[np.arange(len(numbers)), numbers]
    return float(-np.log(np.maximum(found, 1e-300)).mean())


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return probabilities


def _digests(vectors: Vectors) -> NDArray[np.uint64]:
    """What tells vectors apart, (n,): 64 bits of BLAKE2b over each row."""
    rows = np.ascontiguousarray(vectors, "<f4")
    return np.frombuffer(
        b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in rows), "<u8"
    ).astype(np.uint64)
