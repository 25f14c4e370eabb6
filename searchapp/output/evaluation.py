"""How evaluations look: a table for people, values for JSON. Pure, as `answers` is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from searchapp.humanize import one_line, pluralize
from searchapp.output.serialization import rounded
from searchapp.output.terminal import (
    BOLD,
    DIM,
    PLAIN,
    WIDEST,
    TerminalStyle,
    display_width,
    joined,
    wrapped,
)

if TYPE_CHECKING:
    from searchapp.types.results import Comparison, Evaluation

_COLUMNS = ("nDCG@10", "Recall@100", "MRR@10", "ms a query", "95 % within")
_TEST = "two-sided paired randomisation test over the questions' nDCG@10"
_GAP = 3


def evaluation_json(
    evaluations: Iterable[Evaluation], comparisons: Sequence[Comparison] = ()
) -> dict[str, object]:
    """The figures for programs: each mode, and each pair of modes; `ndcg@10` of a comparison is
    that of b minus that of a.
    """
    return {
        "evaluations": [_evaluation_json(evaluation) for evaluation in evaluations],
        "comparisons": [
            {
                "a": comparison.a,
                "b": comparison.b,
                "ndcg@10": rounded(comparison.ndcg_at_10),
                "p": rounded(comparison.p),
                "questions": comparison.queries,
            }
            for comparison in comparisons
        ],
        "test": _test(comparisons),
    }


def evaluation_text(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison] = (),
    style: TerminalStyle = PLAIN,
) -> str:
    """The figures as a table with a row for each mode, and below it each pair of modes with their
    difference and its p.
    """
    name, queries = (evaluations[0].collection, evaluations[0].queries) if evaluations else ("", 0)
    first = max([10, *(display_width(evaluation.label) + _GAP for evaluation in evaluations)])
    lines = [
        style.paint(f"{one_line(name)}, {pluralize(queries, 'question')}", BOLD),
        style.paint(_row("mode", _COLUMNS, first), DIM),
        *(_row(evaluation.label, _figures(evaluation), first) for evaluation in evaluations),
    ]
    return joined([*lines, *_comparison_lines(comparisons, style)])


def _evaluation_json(evaluation: Evaluation) -> dict[str, object]:
    return {
        "collection": evaluation.collection,
        "mode": evaluation.mode,
        **({} if evaluation.weight is None else {"weight": evaluation.weight}),
        "queries": evaluation.queries,
        "ndcg@10": rounded(evaluation.ndcg_at_10),
        "recall@100": rounded(evaluation.recall_at_100),
        "mrr@10": rounded(evaluation.mrr_at_10),
        "query_ms": round(evaluation.query_ms, 3),
        "query_ms_p95": round(evaluation.query_ms_p95, 3),
    }


def _figures(evaluation: Evaluation) -> tuple[str, ...]:
    qualities = (evaluation.ndcg_at_10, evaluation.recall_at_100, evaluation.mrr_at_10)
    return (
        *(f"{quality:.4f}" for quality in qualities),
        *(f"{ms:.1f}" for ms in (evaluation.query_ms, evaluation.query_ms_p95)),
    )


def _row(label: str, fields: Sequence[str], first: int) -> str:
    return f"{label:<{first}}" + (" " * _GAP).join(
        f"{field:>{len(name)}}" for field, name in zip(fields, _COLUMNS, strict=True)
    )


def _comparison_lines(comparisons: Sequence[Comparison], style: TerminalStyle) -> list[str]:
    if not comparisons:
        return []
    pairs = [f"{comparison.a} → {comparison.b}" for comparison in comparisons]
    first = max(len(pair) for pair in pairs) + _GAP
    note = f"p: {_test(comparisons)}"
    return [
        "",
        style.paint(f"{'from → to':<{first}}{'nDCG@10':>7}{'p':>{_GAP + 6}}", DIM),
        *(
            f"{pair:<{first}}{comparison.ndcg_at_10:>+7.4f}{comparison.p:>{_GAP + 6}.4f}"
            for pair, comparison in zip(pairs, comparisons, strict=True)
        ),
        *(
            style.paint(note[start:end], DIM)
            for start, end in wrapped(note, min(style.width or WIDEST, WIDEST))
        ),
    ]


def _test(comparisons: Sequence[Comparison]) -> str:
    """The test that the p of the comparisons come from."""
    return (
        f"{_TEST}, corrected for {len(comparisons)} comparisons (Holm)"
        if len(comparisons) > 1
        else _TEST
    )
