"""What people and programs get to see of an evaluation, character for character."""

from __future__ import annotations

from searchapp.output.evaluation import evaluation_json, evaluation_text
from searchapp.output.terminal import TerminalStyle
from searchapp.types.results import Comparison, Evaluation

COSINE = Evaluation(
    "tiny",
    "cosine",
    1200,
    0.65999999,
    0.935,
    0.5,
    12.34567,
    20.04,
    {"q1": [("d1", 0.5)]},
    {"q1": 1.0},
)
HYBRID = COSINE._replace(mode="hybrid", weight=0.3, ndcg_at_10=1.0, query_ms=1234.5)
BETTER = Comparison("cosine", "hybrid w=.3", 0.34, 0.00123456, 1200)
WORSE = Comparison("hybrid w=.3", "cosine", -0.34, 1.0, 1200)
TEST = "two-sided paired randomisation test over the questions' nDCG@10"


def test_one_mode_is_a_table_of_one_row() -> None:
    assert evaluation_text([COSINE._replace(queries=1)]) == (
        "tiny, 1 question\n"
        "mode      nDCG@10   Recall@100   MRR@10   ms a query   95 % within\n"
        "cosine     0.6600       0.9350   0.5000         12.3          20.0\n"
    )


def test_modes_stand_side_by_side_with_what_tells_them_apart() -> None:
    assert evaluation_text([COSINE, HYBRID], [BETTER]) == (
        "tiny, 1,200 questions\n"
        "mode          nDCG@10   Recall@100   MRR@10   ms a query   95 % within\n"
        "cosine         0.6600       0.9350   0.5000         12.3          20.0\n"
        "hybrid w=.3    1.0000       0.9350   0.5000       1234.5          20.0\n"
        "\n"
        "from → to              nDCG@10        p\n"
        "cosine → hybrid w=.3   +0.3400   0.0012\n"
        f"p: {TEST}\n"
    )


def test_several_comparisons_say_that_they_are_corrected() -> None:
    text = evaluation_text([COSINE, HYBRID], [BETTER, WORSE])
    assert "hybrid w=.3 → cosine   -0.3400   1.0000\n" in text
    assert f"p: {TEST}, corrected for 2 comparisons (Holm)" in " ".join(text.split())


def test_the_note_is_wrapped_to_the_terminal() -> None:
    assert (
        max(
            map(
                len,
                evaluation_text([COSINE, HYBRID], [BETTER], TerminalStyle(width=40)).splitlines()[
                    -2:
                ],
            )
        )
        <= 40
    )


def test_a_name_cannot_send_codes_to_the_terminal() -> None:
    assert "\x1b" not in evaluation_text([COSINE._replace(collection="\x1b[2J")])


def test_colours_are_there_only_where_they_are_wanted() -> None:
    plain = evaluation_text([COSINE, HYBRID], [BETTER])
    painted = evaluation_text([COSINE, HYBRID], [BETTER], TerminalStyle(color=True))
    assert painted != plain
    for code in ("\x1b[1m", "\x1b[2m", "\x1b[0m"):
        painted = painted.replace(code, "")
    assert painted == plain


def test_json_has_a_mode_each_and_a_pair_each() -> None:
    assert evaluation_json([COSINE, HYBRID], [BETTER]) == {
        "evaluations": [
            {
                "collection": "tiny",
                "mode": "cosine",
                "queries": 1200,
                "ndcg@10": 0.66,
                "recall@100": 0.935,
                "mrr@10": 0.5,
                "query_ms": 12.346,
                "query_ms_p95": 20.04,
            },
            {
                "collection": "tiny",
                "mode": "hybrid",
                "weight": 0.3,
                "queries": 1200,
                "ndcg@10": 1.0,
                "recall@100": 0.935,
                "mrr@10": 0.5,
                "query_ms": 1234.5,
                "query_ms_p95": 20.04,
            },
        ],
        "comparisons": [
            {"a": "cosine", "b": "hybrid w=.3", "ndcg@10": 0.34, "p": 0.001235, "questions": 1200}
        ],
        "test": TEST,
    }


def test_json_of_one_mode_compares_nothing() -> None:
    assert evaluation_json([COSINE])["comparisons"] == []


def test_labels_leave_out_the_zero_before_the_point() -> None:
    labels = {weight: HYBRID._replace(weight=weight).label for weight in (None, 0.0, 0.25, 1.0)}
    assert labels == {None: "hybrid", 0.0: "hybrid w=0", 0.25: "hybrid w=.25", 1.0: "hybrid w=1"}
