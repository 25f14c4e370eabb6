"""How classifiers, their figures and their labels look: tables for people, values for JSON. Pure,
as `answers` is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from searchapp.humanize import human_duration, one_line, pluralize
from searchapp.output.terminal import (
    BOLD,
    DIM,
    PLAIN,
    TerminalStyle,
    display_path,
    display_width,
    joined,
    truncate,
)

if TYPE_CHECKING:
    from searchapp.classification.classifier import Classifier, Prediction, TrainedClassifier
    from searchapp.classification.labeling import LabelingReport
    from searchapp.classification.metrics import Metrics

_WIDEST_NAME = 24  # columns
_MOST_LABELS = 12  # of a confusion matrix; of more, the commonest confusions are told
_MOST_CONFUSIONS = 10
_MOST_NAMED = 12  # labels with their counts on one line


# ---- what was learned ----------------------------------------------------------------------------


def classifier_json(classifier: TrainedClassifier, place: str) -> dict[str, object]:
    """A classifier for programs; its figures are of examples left out in turn."""
    identity = classifier.encoder
    return {
        "classifier": place,
        "labels": dict(zip(classifier.classes, classifier.counts, strict=True)),
        "encoder": {"model": identity.model, "fingerprint": identity.fingerprint},
        "temperature": round(1 / classifier.inverse_temperature, 6),
        "way": {
            "C": classifier.hyperparameters.strength,
            "is_balanced": classifier.hyperparameters.is_balanced,
        },
        "left_out": metrics_json(classifier.metrics),
    }


def classifier_text(
    classifier: TrainedClassifier,
    place: str,
    style: TerminalStyle = PLAIN,
    *,
    took_s: float | None = None,
) -> str:
    """What a classifier has learned, and how right it is on examples left out in turn."""
    metrics = classifier.metrics
    took = "" if took_s is None else f" in {human_duration(took_s)}"
    heading = (
        f"{pluralize(len(classifier.classes), 'label')} learned from "
        f"{pluralize(sum(classifier.counts), 'example')}{took}"
    )
    return joined(
        [
            style.paint(heading, BOLD),
            _fact("labels", _named(zip(classifier.classes, classifier.counts, strict=True)), style),
            _fact(
                "left out",
                f"accuracy {metrics.accuracy:.3f}, macro F1 {metrics.macro_f1:.3f}, on examples "
                "left out in turn",
                style,
            ),
            _fact("calibration", _calibration(metrics), style),
            _fact("encoder", one_line(classifier.encoder.model), style),
            _fact("file", one_line(place), style),
        ]
    )


# ---- how right it is -----------------------------------------------------------------------------


def metrics_json(metrics: Metrics) -> dict[str, object]:
    """Figures for programs: `confusion[i][j]` counts examples of label i that were given label j,
    in order of `labels`.
    """
    return {
        "labels": list(metrics.classes),
        "examples": metrics.examples,
        "accuracy": round(metrics.accuracy, 6),
        "macro_f1": round(metrics.macro_f1, 6),
        "fold_accuracies": [round(accuracy, 6) for accuracy in metrics.fold_accuracies],
        "confusion": [list(row) for row in metrics.confusion],
        "by_label": [
            {
                "label": name,
                "precision": round(precision, 6),
                "recall": round(recall, 6),
                "f1": round(f1, 6),
                "examples": sum(row),
            }
            for name, (precision, recall, f1), row in zip(
                metrics.classes, metrics.by_label, metrics.confusion, strict=True
            )
        ],
        "calibration_error": _rounded(metrics.calibration_error),
        "raw_calibration_error": _rounded(metrics.raw_calibration_error),
        "bins": [
            {
                "count": interval.count,
                "probability": round(interval.probability, 6),
                "right": round(interval.right, 6),
            }
            for interval in metrics.bins
        ],
    }


def metrics_text(metrics: Metrics, what: str, style: TerminalStyle = PLAIN) -> str:
    """How right labels are: overall, label by label, what is taken for what, and whether
    probabilities are what they say.
    """
    spread = ""
    if metrics.fold_accuracies:
        folds = ", ".join(f"{accuracy:.3f}" for accuracy in metrics.fold_accuracies)
        spread = f" (by fold {folds})"
    heading = (
        f"accuracy {metrics.accuracy:.3f}, macro F1 {metrics.macro_f1:.3f}, "
        f"{pluralize(metrics.examples, 'example')} {what}"
    )
    lines = [
        style.paint(heading, BOLD) + style.paint(spread, DIM),
        "",
        *_by_label(metrics, style),
        "",
        *_confusions(metrics, style),
    ]
    if metrics.calibration_error is not None:
        lines += ["", f"calibration: {_calibration(metrics)}", *_bins(metrics, style)]
    return joined(lines)


def _by_label(metrics: Metrics, style: TerminalStyle) -> Iterable[str]:
    yield style.paint(_row("label", ("examples", "precision", "recall", "F1"), metrics), DIM)
    for name, values, row in zip(metrics.classes, metrics.by_label, metrics.confusion, strict=True):
        yield _row(name, (f"{sum(row):,}", *(f"{value:.3f}" for value in values)), metrics)


def _confusions(metrics: Metrics, style: TerminalStyle) -> Iterable[str]:
    names, counts = metrics.classes, metrics.confusion
    if len(names) <= _MOST_LABELS:
        yield style.paint(
            "confusion: a row has the examples of a label, a column those that were given it", DIM
        )
        yield style.paint(_row("", [truncate(one_line(name), 9) for name in names], metrics), DIM)
        for name, row in zip(names, counts, strict=True):
            yield _row(name, [f"{count:,}" for count in row], metrics)
        return
    wrong = sorted(
        (-counts[i][j], i, j)
        for i in range(len(names))
        for j in range(len(names))
        if i != j and counts[i][j]
    )
    yield style.paint(
        f"confusion: the commonest of {pluralize(len(wrong), 'pair')}; --json has the whole matrix",
        DIM,
    )
    for count, i, j in wrong[:_MOST_CONFUSIONS]:
        yield f"{-count:>6,}  {one_line(names[i])} called {one_line(names[j])}"


def _bins(metrics: Metrics, style: TerminalStyle) -> Iterable[str]:
    yield style.paint(_row("", ("examples", "said", "right"), metrics), DIM)
    for interval in metrics.bins:
        yield _row(
            "",
            (f"{interval.count:,}", f"{interval.probability:.3f}", f"{interval.right:.3f}"),
            metrics,
        )


def _row(name: str, cells: Iterable[str], metrics: Metrics) -> str:
    wide = min(
        _WIDEST_NAME, max([8, *(display_width(one_line(label)) for label in metrics.classes)])
    )
    shown = truncate(one_line(name), wide)
    return (
        shown
        + " " * (wide - display_width(shown))
        + "".join(f"{' ' * max(1, 11 - display_width(cell))}{cell}" for cell in cells)
    )


def _calibration(metrics: Metrics) -> str:
    if metrics.calibration_error is None or metrics.raw_calibration_error is None:
        return "no probabilities"
    was = f"it was {metrics.raw_calibration_error:.3f} before calibration"
    return (
        f"probabilities miss the share that is right by {metrics.calibration_error:.3f} on "
        f"average; {was}"
    )


# ---- what was said -------------------------------------------------------------------------------


def predictions_json(
    items: Sequence[str], predictions: Sequence[Prediction], classifier: Classifier
) -> dict[str, object]:
    """The label of each text or file, and what it was chosen by: probabilities of a classifier,
    cosines of descriptions.
    """
    chosen_by = "cosines" if classifier.origin == "descriptions" else "probabilities"
    return {
        "labels": list(classifier.classes),
        "items": [
            {
                "item": item,
                **_prediction_json(prediction),
                chosen_by: [round(score, 6) for score in prediction.scores],
            }
            for item, prediction in zip(items, predictions, strict=True)
        ],
    }


def predictions_text(
    items: Sequence[str], predictions: Sequence[Prediction], style: TerminalStyle = PLAIN
) -> str:
    """A line each: label, probability or cosine, and the text; in a pipe with tabs between."""
    if style.width is None:
        return joined(
            f"{one_line(prediction.label)}\t{_figure(prediction)}\t{one_line(item)}"
            for item, prediction in zip(items, predictions, strict=True)
        )
    wide = max((display_width(one_line(prediction.label)) for prediction in predictions), default=0)
    room = max(20, style.width - wide - 10)
    return joined(
        f"{style.paint(_padded(prediction.label, wide), BOLD)}  "
        f"{style.paint(_figure(prediction), DIM)}  "
        f"{truncate(one_line(item), room)}"
        for item, prediction in zip(items, predictions, strict=True)
    )


def applied_json(
    applied: LabelingReport, classifier: Classifier, *, stored: bool
) -> dict[str, object]:
    """What became of each document: its prediction, or the labels that a person gave it."""
    counts = _counts(applied)
    documents = []
    for document in applied.documents:
        prediction = document.prediction
        said: dict[str, object] = {"by_hand": list(document.by_hand)}
        if prediction is not None:
            said = _prediction_json(prediction) | {
                "origin": classifier.origin,
                "given": applied.is_given(prediction),
            }
        documents.append({"path": os.fsdecode(document.path), **said})
    return {"stored": stored, "counts": counts, "documents": documents}


def applied_text(applied: LabelingReport, style: TerminalStyle = PLAIN) -> str:
    """A line a document: path, label, and how sure that is; "by hand" where a person has said it,
    "unsure" where it was not given.
    """
    lines = []
    for document in applied.documents:
        if document.prediction is None:
            label, certainty = ", ".join(map(one_line, document.by_hand)), "by hand"
        else:
            is_given = applied.is_given(document.prediction)
            label, certainty = (
                one_line(document.prediction.label),
                _figure(document.prediction) + ("" if is_given else " unsure"),
            )
        path = display_path(document.path, style.base)
        lines.append(
            f"{path}\t{label}\t{certainty}"
            if style.width is None
            else f"{style.path(document.path)}  {label}  {style.paint(certainty, DIM)}"
        )
    return joined(lines)


def applied_note(applied: LabelingReport, *, stored: bool) -> str:
    """What to say of a run beside the labels themselves."""
    counts = _counts(applied)
    parts = [
        f"{pluralize(counts['labelled'], 'document')} labelled"
        if stored
        else f"{pluralize(counts['labelled'], 'document')} to be labelled"
    ]
    reasons = (
        ("unsure", "too unsure to be labelled"),
        ("by_hand", "labelled by hand, left as they are"),
        ("pending", "without vectors yet"),
    )
    return "; ".join(
        [*parts, *(f"{counts[name]:,} {what}" for name, what in reasons if counts[name])]
    )


def _counts(applied: LabelingReport) -> dict[str, int]:
    predictions = [
        document.prediction for document in applied.documents if document.prediction is not None
    ]
    given = sum(map(applied.is_given, predictions))
    by_hand = len(applied.documents) - len(predictions)
    return {
        "labelled": given,
        "unsure": len(predictions) - given,
        "by_hand": by_hand,
        "pending": applied.pending,
    }


def _prediction_json(prediction: Prediction) -> dict[str, object]:
    return {"label": prediction.label, "probability": _rounded(prediction.probability)}


def _figure(prediction: Prediction) -> str:
    by = max(prediction.scores) if prediction.probability is None else prediction.probability
    return f"{by:.3f}"


def _fact(name: str, value: str, style: TerminalStyle) -> str:
    return f"{style.paint(f'{name:<12}', DIM)} {value}"


def _named(counts: Iterable[tuple[str, int]]) -> str:
    """Labels with how many examples each has, the most first."""
    ranked = sorted(counts, key=lambda label_count: (-label_count[1], label_count[0]))
    shown = ", ".join(f"{one_line(name)} {count:,}" for name, count in ranked[:_MOST_NAMED])
    return shown + (f" and {len(ranked) - _MOST_NAMED} more" if len(ranked) > _MOST_NAMED else "")


def _padded(text: str, columns: int) -> str:
    shown = truncate(one_line(text), columns)
    return shown + " " * (columns - display_width(shown))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
