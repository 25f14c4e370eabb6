"""How figures and labels look: exact tables, and nothing hostile in them."""

from __future__ import annotations

import numpy as np

from searchapp.classification.classifier import Prediction, ZeroShotClassifier
from searchapp.classification.labeling import DocumentPrediction, LabelingReport
from searchapp.classification.metrics import Bin, Metrics
from searchapp.output import classification
from searchapp.output.terminal import TerminalStyle
from searchapp.types.vectors import EncoderIdentity

FIGURES = Metrics(
    ("bill", "letter"),
    ((3, 1), (0, 2)),
    (1.0, 2 / 3),
    0.05,
    0.25,
    (Bin(2, 0.55, 0.5), Bin(4, 0.9, 1.0)),
)
JUDGE = ZeroShotClassifier(
    EncoderIdentity("test", "f" * 64, 2, 16), ("bill", "letter"), np.eye(2, dtype=np.float32)
)
SURE, UNSURE, NEAR = (
    Prediction("bill", 0.9, (0.9, 0.1)),
    Prediction("letter", 0.6, (0.4, 0.6)),
    Prediction("letter", None, (0.125, 0.25)),
)
APPLIED = LabelingReport(
    (
        DocumentPrediction(1, b"/d/a", SURE, ()),
        DocumentPrediction(2, b"/d/\x1b[2J", UNSURE, ()),
        DocumentPrediction(3, b"/d/c", None, ("mine", "old")),
    ),
    0.8,
    2,
)


def test_figures_are_tables_of_labels_confusions_and_probabilities() -> None:
    assert classification.metrics_text(FIGURES, "left out in turn").splitlines() == [
        "accuracy 0.833, macro F1 0.829, 6 examples left out in turn (by fold 1.000, 0.667)",
        "",
        "label      examples  precision     recall         F1",
        "bill              4      1.000      0.750      0.857",
        "letter            2      0.667      1.000      0.800",
        "",
        "confusion: a row has the examples of a label, a column those that were given it",
        "               bill     letter",
        "bill              3          1",
        "letter            0          2",
        "",
        (
            "calibration: probabilities miss the share that is right by 0.050 on average; it was "
            "0.250 "
            "before calibration"
        ),
        "           examples       said      right",
        "                  2      0.550      0.500",
        "                  4      0.900      1.000",
    ]


def test_of_many_labels_the_commonest_confusions_are_told() -> None:
    names = tuple(f"label {i:02}" for i in range(13))
    rows = [[0] * 13 for _ in names]
    rows[2][5], rows[12][0], rows[7][7] = 3, 9, 20
    lines = classification.metrics_text(
        Metrics(names, tuple(map(tuple, rows))), "judged"
    ).splitlines()
    assert lines[-3:] == [
        "confusion: the commonest of 2 pairs; --json has the whole matrix",
        "     9  label 12 called label 00",
        "     3  label 02 called label 05",
    ]


def test_figures_for_programs_have_every_promised_key() -> None:
    found = classification.metrics_json(FIGURES)
    assert found["confusion"] == [[3, 1], [0, 2]]
    assert found["by_label"] == [
        {"label": "bill", "precision": 1.0, "recall": 0.75, "f1": 0.857143, "examples": 4},
        {"label": "letter", "precision": 0.666667, "recall": 1.0, "f1": 0.8, "examples": 2},
    ]
    assert found["bins"] == [
        {"count": 2, "probability": 0.55, "right": 0.5},
        {"count": 4, "probability": 0.9, "right": 1.0},
    ]
    assert set(found) == {
        *("labels", "examples", "accuracy", "macro_f1", "fold_accuracies", "confusion", "by_label"),
        *("calibration_error", "raw_calibration_error", "bins"),
    }


def test_labels_of_documents_say_who_gave_them_and_which_were_not_given() -> None:
    assert (
        classification.applied_text(APPLIED)
        == "/d/a\tbill\t0.900\n/d/\\x1b[2J\tletter\t0.600 unsure\n/d/c\tmine, old\tby hand\n"
    )
    assert classification.applied_note(APPLIED, stored=True) == (
        "1 document labelled; 1 too unsure to be labelled; 1 labelled by hand, left as they are; 2 "
        "without vectors yet"
    )
    assert classification.applied_note(APPLIED, stored=False).startswith(
        "1 document to be labelled; "
    )
    assert classification.applied_json(APPLIED, JUDGE, stored=True) == {
        "stored": True,
        "counts": {"labelled": 1, "unsure": 1, "by_hand": 1, "pending": 2},
        "documents": [
            {
                "path": "/d/a",
                "label": "bill",
                "probability": 0.9,
                "origin": "descriptions",
                "given": True,
            },
            {
                "path": "/d/\x1b[2J",
                "label": "letter",
                "probability": 0.6,
                "origin": "descriptions",
                "given": False,
            },
            {"path": "/d/c", "by_hand": ["mine", "old"]},
        ],
    }


def test_labels_of_texts_are_a_line_each_and_fit_a_terminal() -> None:
    texts = ["a\x1b[2J text\nof two lines", "word " * 40]
    assert (
        classification.predictions_text(texts[:1], [SURE])
        == "bill\t0.900\ta\ufffd[2J text of two lines\n"
    )
    first, second = classification.predictions_text(
        texts, [SURE, NEAR], TerminalStyle(width=50)
    ).splitlines()
    assert first == "bill    0.900  a\ufffd[2J text of two lines"
    assert (second[:20], len(second) <= 50, second[-1]) == ("letter  0.250  word ", True, "…")
    assert classification.predictions_json(texts[:1], [NEAR], JUDGE)["items"] == [
        {"item": texts[0], "label": "letter", "probability": None, "cosines": [0.125, 0.25]}
    ]
