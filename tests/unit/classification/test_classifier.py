"""Learning labels from vectors, and how right and how sure that is: against scikit-learn by hand,
and figures computed in the head.
"""

from __future__ import annotations

import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp.classification import classifier_file
from searchapp.classification.classifier import (
    Hyperparameters,
    TrainedClassifier,
    ZeroShotClassifier,
)
from searchapp.classification.metrics import Metrics
from searchapp.classification.training import (
    HYPERPARAMETERS,
    cross_validate,
    evaluate_classifier,
    train_classifier,
)
from searchapp.errors import ClassifierError
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.linear_model import LogisticRegression

    from searchapp.types.vectors import Vectors

DIM = 8
ENCODER = EncoderIdentity("test", "f" * 64, DIM, 16)

pytestmark = pytest.mark.slow  # scikit-learn alone takes seconds to import


def clusters(
    counts: dict[str, int], *, spread: float = 0.4, seed: int = 0
) -> tuple[Vectors, list[str]]:
    """Unit rows around an axis a label, shuffled."""
    random = np.random.default_rng(seed)
    labels = [name for name, count in counts.items() for _ in range(count)]
    rows = (
        np.eye(DIM)[[list(counts).index(name) for name in labels]]
        + random.normal(size=(len(labels), DIM)) * spread
    )
    order = random.permutation(len(labels))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(unit[order], np.float32), [labels[i] for i in order]


def by_hand(
    vectors: Vectors, labels: list[str], hyperparameters: Hyperparameters
) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        C=hyperparameters.strength,
        class_weight="balanced" if hyperparameters.is_balanced else None,
        max_iter=1000,
    ).fit(vectors, labels)


def with_logits(logits: NDArray[np.float64], inverse_temperature: float = 1.0) -> TrainedClassifier:
    """A classifier that gives axis i these logits, (dim, k)."""
    classes = tuple("abcdefgh"[: logits.shape[1]])
    metrics = Metrics(classes, ((0,) * len(classes),) * len(classes))
    weights, bias = np.ascontiguousarray(logits.T, np.float32), np.zeros(len(classes))
    return TrainedClassifier(
        ENCODER,
        classes,
        (1,) * len(classes),
        weights,
        bias,
        inverse_temperature,
        HYPERPARAMETERS[0],
        metrics,
        np.empty(0, np.uint64),
    )


# ---- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [{"a": 30, "b": 25}, {"a": 30, "b": 12, "c": 9}])
def test_labels_and_raw_probabilities_are_those_of_scikit_learn_by_hand(
    counts: dict[str, int],
) -> None:
    vectors, labels = clusters(counts)
    others, _ = clusters(counts, seed=1)
    learned = train_classifier(vectors, labels, ENCODER)
    expected = by_hand(vectors, labels, learned.hyperparameters)
    assert learned.classes == tuple(expected.classes_)
    assert learned.raw_probabilities(others) == pytest.approx(
        expected.predict_proba(others), abs=1e-6
    )
    assert [prediction.label for prediction in learned.predict(others)] == expected.predict(
        others
    ).tolist()
    assert learned.counts == tuple(counts[name] for name in learned.classes)


def test_the_way_with_the_least_loss_on_examples_left_out_is_taken() -> None:
    few, few_labels = clusters({"common": 40, "rare": 4, "rarer": 3}, spread=0.25)
    many, many_labels = clusters({"a": 300, "b": 30}, spread=0.6)
    assert train_classifier(few, few_labels, ENCODER).hyperparameters.is_balanced
    assert not train_classifier(many, many_labels, ENCODER).hyperparameters.is_balanced


def test_calibration_gives_the_sharpness_of_the_least_smoothed_loss() -> None:
    vectors, labels = clusters({"a": 60, "b": 40, "c": 30}, spread=0.8)
    learned = train_classifier(vectors, labels, ENCODER, seed=3)
    numbers = np.array([learned.classes.index(label) for label in labels])
    logits = np.zeros((len(labels), 3))
    random = np.random.default_rng(3)
    fold, given = np.empty(len(labels), np.int64), 0
    for number in range(3):
        places = random.permutation(np.flatnonzero(numbers == number))
        fold[places], given = (given + np.arange(len(places))) % 5, given + len(places)
    for each in range(5):
        taught = by_hand(
            vectors[fold != each],
            [labels[i] for i in np.flatnonzero(fold != each)],
            learned.hyperparameters,
        )
        logits[fold == each] = taught.decision_function(vectors[fold == each])
    target = np.full(logits.shape, 1 / (132 * 2))
    target[np.arange(130), numbers] = 1 - 1 / 132

    def loss(inverse_temperature: float) -> float:
        scaled = logits * inverse_temperature
        logs = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-(target * logs).sum())

    grid = np.exp(
        np.linspace(
            np.log(learned.inverse_temperature) - 1, np.log(learned.inverse_temperature) + 1, 4001
        )
    )
    assert grid[np.argmin([loss(each) for each in grid])] == pytest.approx(
        learned.inverse_temperature, rel=1e-3
    )
    assert learned.probabilities(vectors).sum(axis=1) == pytest.approx(np.ones(130), abs=1e-12)


def test_few_examples_that_are_all_right_do_not_make_certain() -> None:
    vectors, labels = clusters({"a": 4, "b": 4}, spread=0.01)
    learned = train_classifier(vectors, labels, ENCODER)
    assert learned.metrics.accuracy == 1
    assert 0.8 < learned.probabilities(vectors).max(axis=1).mean() < 0.95


def test_figures_while_learning_are_of_examples_left_out() -> None:
    vectors, _ = clusters({"a": 100, "b": 100})
    labels = np.random.default_rng(5).permutation(["a", "b"] * 100).tolist()
    for metrics in (
        train_classifier(vectors, labels, ENCODER).metrics,
        cross_validate(vectors, labels, ENCODER),
    ):
        assert metrics.accuracy < 0.6
        assert metrics.examples == 200
        assert len(metrics.fold_accuracies) == 5
        assert metrics.accuracy == pytest.approx(np.mean(metrics.fold_accuracies), abs=1e-9)


def test_calibration_brings_probabilities_nearer_to_the_share_that_is_right() -> None:
    vectors, labels = clusters(dict.fromkeys("abcdefgh", 12), spread=0.3)
    metrics = cross_validate(vectors, labels, ENCODER, folds=3)
    assert len(metrics.fold_accuracies) == 3
    assert metrics.calibration_error is not None
    assert metrics.raw_calibration_error is not None
    assert metrics.calibration_error < 0.12 < 0.2 < metrics.raw_calibration_error


def test_the_same_examples_and_seed_give_the_same_classifier() -> None:
    vectors, labels = clusters({"a": 20, "b": 20}, spread=0.7)
    first, second = (
        train_classifier(vectors, labels, ENCODER),
        train_classifier(vectors, labels, ENCODER),
    )
    assert first.probabilities(vectors).tolist() == second.probabilities(vectors).tolist()
    assert first.metrics == second.metrics


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([], "no label"),
        (["a", "a"], "one label, 'a'"),
        (["a", "a", "b"], "the label 'b' has a single example"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_cure(labels: list[str], told: str) -> None:
    with pytest.raises(ClassifierError, match=told) as caught:
        train_classifier(np.eye(DIM, dtype=np.float32)[: len(labels)], labels, ENCODER)
    assert "two" in caught.value.hint


def test_two_examples_a_label_can_be_learned_but_not_left_out_in_turn() -> None:
    vectors, labels = clusters({"a": 2, "b": 2}, spread=0.01)
    assert [
        prediction.label
        for prediction in train_classifier(vectors, labels, ENCODER).predict(vectors)
    ] == labels
    with pytest.raises(ClassifierError, match="has 2 examples, too few"):
        cross_validate(vectors, labels, ENCODER)


def test_without_scikit_learn_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    vectors, labels = clusters({"a": 4, "b": 4})
    with pytest.raises(ClassifierError, match="not installed") as caught:
        train_classifier(vectors, labels, ENCODER)
    assert "pip install 'searchapp[classify]'" in caught.value.hint


# ---- figures -------------------------------------------------------------------------------------


def test_figures_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import (
        accuracy_score,
        confusion_matrix,
        f1_score,
        precision_recall_fscore_support,
    )

    vectors, labels = clusters({"a": 40, "b": 30, "c": 5}, spread=0.9)
    others, had = clusters({"a": 20, "b": 20, "c": 20}, spread=0.9, seed=2)
    learned = train_classifier(vectors, labels, ENCODER)
    metrics, given = (
        evaluate_classifier(learned, others, had),
        [prediction.label for prediction in learned.predict(others)],
    )
    assert metrics.accuracy == pytest.approx(accuracy_score(had, given))
    assert metrics.macro_f1 == pytest.approx(f1_score(had, given, average="macro"))
    assert (
        np.array(metrics.confusion).tolist()
        == confusion_matrix(had, given, labels=["a", "b", "c"]).tolist()
    )
    precision, recall, f1, _ = precision_recall_fscore_support(
        had, given, labels=["a", "b", "c"], zero_division=0
    )
    assert np.array(metrics.by_label) == pytest.approx(np.array([precision, recall, f1]).T)


def test_the_calibration_error_is_the_gap_on_average() -> None:
    # Axis 0 says a with .8, axis 1 says b with .6: of ten at .8 five are right, of ten at .6 six.
    classifier = with_logits(np.log([[0.8, 0.2], [0.4, 0.6]]))
    vectors = np.eye(2, dtype=np.float32)[[0] * 10 + [1] * 10]
    metrics = evaluate_classifier(
        classifier, vectors, ["a"] * 5 + ["b"] * 5 + ["b"] * 6 + ["a"] * 4
    )
    assert metrics.calibration_error == pytest.approx((10 * 0.3 + 10 * 0.0) / 20)
    assert [(each.count, round(each.probability, 6), each.right) for each in metrics.bins] == [
        (10, 0.6, 0.6),
        (10, 0.8, 0.5),
    ]
    assert metrics.raw_calibration_error == pytest.approx(0.15)
    assert metrics.confusion == ((5, 4), (5, 6))


def test_a_label_that_a_judge_does_not_know_counts_as_wrong() -> None:
    classifier = with_logits(np.log([[0.8, 0.2], [0.4, 0.6]]))
    metrics = evaluate_classifier(classifier, np.eye(2, dtype=np.float32), ["c", "b"])
    assert (metrics.classes, metrics.accuracy, metrics.confusion) == (
        ("a", "b", "c"),
        0.5,
        ((0, 0, 0), (0, 1, 0), (1, 0, 0)),
    )
    assert metrics.macro_f1 == pytest.approx(1 / 3)


def test_no_examples_have_figures_of_zero() -> None:
    metrics = evaluate_classifier(
        with_logits(np.log([[0.8, 0.2], [0.4, 0.6]])), np.empty((0, 2), np.float32), []
    )
    assert (
        metrics.examples,
        metrics.accuracy,
        metrics.macro_f1,
        metrics.calibration_error,
        metrics.bins,
    ) == (0, 0, 0, 0, ())


def test_a_classifier_knows_what_it_has_learned_from() -> None:
    vectors, labels = clusters({"a": 20, "b": 20})
    others, _ = clusters({"a": 20, "b": 20}, seed=9)
    learned = train_classifier(vectors, labels, ENCODER)
    assert learned.count_seen(np.concatenate([others, vectors[:7]])) == 7


def test_a_description_is_chosen_by_cosine_and_says_no_probability() -> None:
    classifier = ZeroShotClassifier(ENCODER, ("up", "right"), np.eye(2, dtype=np.float32)[[1, 0]])
    first, second = classifier.predict(np.array([[0.6, 0.8], [0.8, -0.6]], np.float32))
    assert (first.label, first.probability, second.label) == ("up", None, "right")
    assert first.scores == pytest.approx((0.8, 0.6))
    metrics = evaluate_classifier(
        classifier, np.array([[0.6, 0.8], [0.8, -0.6]], np.float32), ["up", "up"]
    )
    assert (metrics.accuracy, metrics.calibration_error) == (0.5, None)


# ---- in a file -----------------------------------------------------------------------------------


@pytest.fixture
def learned() -> TrainedClassifier:
    return train_classifier(*clusters({"a": 12, "é b": 12, "c": 6}, spread=0.6), ENCODER)


def test_a_classifier_comes_back_from_its_file_as_it_was(
    learned: TrainedClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "c.npz"
    classifier_file.save(learned, path)
    found, (vectors, _) = classifier_file.load(path), clusters({"a": 5, "b": 5}, seed=4)
    assert found.probabilities(vectors).tolist() == learned.probabilities(vectors).tolist()
    assert (found.encoder, found.classes, found.counts, found.hyperparameters, found.metrics) == (
        *(
            learned.encoder,
            learned.classes,
            learned.counts,
            learned.hyperparameters,
            learned.metrics,
        ),
    )
    assert found.seen.tolist() == learned.seen.tolist()
    assert (path.stat().st_mode & 0o777, [each.name for each in tmp_path.iterdir()]) == (
        0o600,
        ["c.npz"],
    )


def test_a_flipped_bit_is_refused_or_changes_nothing(
    learned: TrainedClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "c.npz"
    classifier_file.save(learned, path)
    whole, (vectors, _), refused = path.read_bytes(), clusters({"a": 5, "b": 5}), 0
    for place in range(0, len(whole), 11):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            found = classifier_file.load(path)
        except ClassifierError:
            refused += 1
            continue
        assert found.probabilities(vectors).tolist() == learned.probabilities(vectors).tolist()
        assert (found.classes, found.encoder) == (learned.classes, learned.encoder)
    assert refused > len(whole) / 11 / 2


def test_what_is_no_classifier_is_refused_and_nothing_in_it_runs(
    learned: TrainedClassifier, tmp_path: Path
) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (str(tmp_path / "sprung"),))

    path = tmp_path / "c.npz"
    np.savez(
        path,
        header=np.array([Trap()], object),
        weights=np.zeros(1),
        bias=np.zeros(1),
        seen=np.zeros(1),
    )
    for spoil in (
        lambda: None,
        lambda: path.write_bytes(b""),
        lambda: path.write_bytes(b"PK\3\4 no"),
        lambda: np.savez(path, header=np.zeros(3)),
    ):
        spoil()
        with pytest.raises(ClassifierError, match="damaged, or is no classifier"):
            classifier_file.load(path)
    assert not (tmp_path / "sprung").exists()
    with pytest.raises(ClassifierError, match="there is no classifier") as caught:
        classifier_file.load(tmp_path / "none.npz")
    assert "classify train" in caught.value.hint
    classifier_file.save(replace(learned, weights=learned.weights[:, :-1]), path)
    with pytest.raises(ClassifierError, match="damaged"):
        classifier_file.load(path)


def test_a_file_of_a_newer_program_is_told_from_a_damaged_one(
    learned: TrainedClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "c.npz"
    classifier_file.save(learned, path)
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes()) | {"format": "searchapp-classifier/2"}
    np.savez(path, **arrays | {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)})
    with pytest.raises(ClassifierError, match="newer"):
        classifier_file.load(path)


def test_a_file_holds_the_names_of_labels_and_nothing_else_of_the_texts(
    learned: TrainedClassifier, tmp_path: Path
) -> None:
    path = tmp_path / "c.npz"
    classifier_file.save(learned, path)
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["bias.npy", "header.npy", "seen.npy", "weights.npy"]
    with pytest.raises(ClassifierError, match="cannot write"):
        classifier_file.save(learned, tmp_path / "no" / "c.npz")
