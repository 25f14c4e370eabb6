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
    from searchapp.classification.classifier import Classifier, Judge, Metrics, Verdict
    from searchapp.classification.labeling import Applied

_WIDEST_NAME = 24  # columns
_MOST_LABELS = 12  # of a confusion matrix; of more, the commonest confusions are told
_MOST_CONFUSIONS = 10
_MOST_NAMED = 12  # labels with their counts on one line


# ---- what was learned ----------------------------------------------------------------------------


def classifier_json(classifier: Classifier, place: str) -> dict[str, object]:
    """A classifier for programs; its figures are of examples left out in turn."""
    identity = classifier.encoder
    return {
        "classifier": place,
        "labels": dict(zip(classifier.classes, classifier.counts, strict=True)),
        "encoder": {"model": identity.model, "fingerprint": identity.fingerprint},
        "temperature": round(1 / classifier.sharpness, 6),
        "way": {"C": classifier.way.strength, "is_balanced": classifier.way.is_balanced},
        "left_out": figures_json(classifier.figures),
    }


def classifier_text(
    classifier: Classifier, place: str, style: TerminalStyle = PLAIN, *, took_s: float | None = None
) -> str:
    """What a classifier has learned, and how right it is on examples left out in turn."""
    figures = classifier.figures
    took = "" if took_s is None else f" in {human_duration(took_s)}"
    heading = (
        f"{pluralize(len(classifier.classes), 'label')} learned from "
        f"{pluralize(sum(classifier.counts), 'example')}{took}"
    )
    return joined(
        [
            style.paint(heading, BOLD),
            _told("labels", _named(zip(classifier.classes, classifier.counts, strict=True)), style),
            _told(
                "left out",
                f"accuracy {figures.accuracy:.3f}, macro F1 {figures.macro_f1:.3f}, on examples "
                "left out in turn",
                style,
            ),
            _told("calibration", _calibration(figures), style),
            _told("encoder", one_line(classifier.encoder.model), style),
            _told("file", one_line(place), style),
        ]
    )


# ---- how right it is -----------------------------------------------------------------------------


def figures_json(figures: Metrics) -> dict[str, object]:
    """Figures for programs: `confusion[i][j]` counts examples of label i that were given label j,
    in order of `labels`.
    """
    return {
        "labels": list(figures.classes),
        "examples": figures.examples,
        "accuracy": round(figures.accuracy, 6),
        "macro_f1": round(figures.macro_f1, 6),
        "fold_accuracies": [round(each, 6) for each in figures.fold_accuracies],
        "confusion": [list(row) for row in figures.confusion],
        "by_label": [
            {
                "label": name,
                "precision": round(precision, 6),
                "recall": round(recall, 6),
                "f1": round(f1, 6),
                "examples": sum(row),
            }
            for name, (precision, recall, f1), row in zip(
                figures.classes, figures.by_label, figures.confusion, strict=True
            )
        ],
        "calibration_error": _rounded(figures.calibration_error),
        "raw_calibration_error": _rounded(figures.raw_calibration_error),
        "bins": [
            {
                "count": each.count,
                "probability": round(each.probability, 6),
                "right": round(each.right, 6),
            }
            for each in figures.bins
        ],
    }


def figures_text(figures: Metrics, what: str, style: TerminalStyle = PLAIN) -> str:
    """How right labels are: overall, label by label, what is taken for what, and whether
    probabilities are what they say.
    """
    spread = ""
    if figures.fold_accuracies:
        folds = ", ".join(f"{each:.3f}" for each in figures.fold_accuracies)
        spread = f" (by fold {folds})"
    heading = (
        f"accuracy {figures.accuracy:.3f}, macro F1 {figures.macro_f1:.3f}, "
        f"{pluralize(figures.examples, 'example')} {what}"
    )
    lines = [
        style.paint(heading, BOLD) + style.paint(spread, DIM),
        "",
        *_by_label(figures, style),
        "",
        *_confusions(figures, style),
    ]
    if figures.calibration_error is not None:
        lines += ["", f"calibration: {_calibration(figures)}", *_bins(figures, style)]
    return joined(lines)


def _by_label(figures: Metrics, style: TerminalStyle) -> Iterable[str]:
    yield style.paint(_row("label", ("examples", "precision", "recall", "F1"), figures), DIM)
    for name, values, row in zip(figures.classes, figures.by_label, figures.confusion, strict=True):
        yield _row(name, (f"{sum(row):,}", *(f"{value:.3f}" for value in values)), figures)


def _confusions(figures: Metrics, style: TerminalStyle) -> Iterable[str]:
    names, counts = figures.classes, figures.confusion
    if len(names) <= _MOST_LABELS:
        yield style.paint(
            "confusion: a row has the examples of a label, a column those that were given it", DIM
        )
        yield style.paint(_row("", [truncate(one_line(name), 9) for name in names], figures), DIM)
        for name, row in zip(names, counts, strict=True):
            yield _row(name, [f"{count:,}" for count in row], figures)
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


def _bins(figures: Metrics, style: TerminalStyle) -> Iterable[str]:
    yield style.paint(_row("", ("examples", "said", "right"), figures), DIM)
    for each in figures.bins:
        yield _row("", (f"{each.count:,}", f"{each.probability:.3f}", f"{each.right:.3f}"), figures)


def _row(name: str, cells: Iterable[str], figures: Metrics) -> str:
    wide = min(_WIDEST_NAME, max([8, *(display_width(one_line(each)) for each in figures.classes)]))
    shown = truncate(one_line(name), wide)
    return (
        shown
        + " " * (wide - display_width(shown))
        + "".join(f"{' ' * max(1, 11 - display_width(cell))}{cell}" for cell in cells)
    )


def _calibration(figures: Metrics) -> str:
    if figures.calibration_error is None or figures.raw_calibration_error is None:
        return "no probabilities"
    was = f"it was {figures.raw_calibration_error:.3f} before calibration"
    return (
        f"probabilities miss the share that is right by {figures.calibration_error:.3f} on "
        f"average; {was}"
    )


# ---- what was said -------------------------------------------------------------------------------


def verdicts_json(
    items: Sequence[str], verdicts: Sequence[Verdict], judge: Judge
) -> dict[str, object]:
    """The label of each text or file, and what it was chosen by: probabilities of a classifier,
    cosines of descriptions.
    """
    chosen_by = "cosines" if judge.origin == "descriptions" else "probabilities"
    return {
        "labels": list(judge.classes),
        "items": [
            {
                "item": item,
                **_verdict_json(verdict),
                chosen_by: [round(score, 6) for score in verdict.scores],
            }
            for item, verdict in zip(items, verdicts, strict=True)
        ],
    }


def verdicts_text(
    items: Sequence[str], verdicts: Sequence[Verdict], style: TerminalStyle = PLAIN
) -> str:
    """A line each: label, probability or cosine, and the text; in a pipe with tabs between."""
    if style.width is None:
        return joined(
            f"{one_line(each.label)}\t{_figure(each)}\t{one_line(item)}"
            for item, each in zip(items, verdicts, strict=True)
        )
    wide = max((display_width(one_line(each.label)) for each in verdicts), default=0)
    room = max(20, style.width - wide - 10)
    return joined(
        f"{style.paint(_padded(each.label, wide), BOLD)}  {style.paint(_figure(each), DIM)}  "
        f"{truncate(one_line(item), room)}"
        for item, each in zip(items, verdicts, strict=True)
    )


def applied_json(applied: Applied, judge: Judge, *, is_stored: bool) -> dict[str, object]:
    """What became of each document: what a judge said of it, or what a person had said."""
    counts = _counts(applied)
    documents = []
    for each in applied.told:
        verdict = each.verdict
        said: dict[str, object] = {"by_hand": list(each.by_hand)}
        if verdict is not None:
            said = _verdict_json(verdict) | {
                "origin": judge.origin,
                "given": applied.is_given(verdict),
            }
        documents.append({"path": os.fsdecode(each.path), **said})
    return {"stored": is_stored, "counts": counts, "documents": documents}


def applied_text(applied: Applied, style: TerminalStyle = PLAIN) -> str:
    """A line a document: path, label, and how sure that is; "by hand" where a person has said it,
    "unsure" where it was not given.
    """
    lines = []
    for each in applied.told:
        if each.verdict is None:
            label, told = ", ".join(map(one_line, each.by_hand)), "by hand"
        else:
            is_given = applied.is_given(each.verdict)
            label, told = (
                one_line(each.verdict.label),
                _figure(each.verdict) + ("" if is_given else " unsure"),
            )
        path = display_path(each.path, style.base)
        lines.append(
            f"{path}\t{label}\t{told}"
            if style.width is None
            else f"{style.path(each.path)}  {label}  {style.paint(told, DIM)}"
        )
    return joined(lines)


def applied_note(applied: Applied, *, is_stored: bool) -> str:
    """What to say of a run beside the labels themselves."""
    counts = _counts(applied)
    parts = [
        f"{pluralize(counts['labelled'], 'document')} labelled"
        if is_stored
        else f"{pluralize(counts['labelled'], 'document')} to be labelled"
    ]
    told = (
        ("unsure", "too unsure to be labelled"),
        ("by_hand", "labelled by hand, left as they are"),
        ("pending", "without vectors yet"),
    )
    return "; ".join([*parts, *(f"{counts[name]:,} {what}" for name, what in told if counts[name])])


def _counts(applied: Applied) -> dict[str, int]:
    verdicts = [each.verdict for each in applied.told if each.verdict is not None]
    given = sum(map(applied.is_given, verdicts))
    by_hand = len(applied.told) - len(verdicts)
    return {
        "labelled": given,
        "unsure": len(verdicts) - given,
        "by_hand": by_hand,
        "pending": applied.pending,
    }


def _verdict_json(verdict: Verdict) -> dict[str, object]:
    return {"label": verdict.label, "probability": _rounded(verdict.probability)}


def _figure(verdict: Verdict) -> str:
    return f"{max(verdict.scores) if verdict.probability is None else verdict.probability:.3f}"


def _told(name: str, value: str, style: TerminalStyle) -> str:
    return f"{style.paint(f'{name:<12}', DIM)} {value}"


def _named(counts: Iterable[tuple[str, int]]) -> str:
    """Labels with how many examples each has, the most first."""
    ranked = sorted(counts, key=lambda each: (-each[1], each[0]))
    shown = ", ".join(f"{one_line(name)} {count:,}" for name, count in ranked[:_MOST_NAMED])
    return shown + (f" and {len(ranked) - _MOST_NAMED} more" if len(ranked) > _MOST_NAMED else "")


def _padded(text: str, columns: int) -> str:
    shown = truncate(one_line(text), columns)
    return shown + " " * (columns - display_width(shown))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
