"""Measure the ranking modes on your own questions: python examples/evaluate.py CORPUS QUESTIONS.csv

The table has the columns `question` and `path`, a line for each document that answers one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from searchapp import Corpus
from searchapp.evaluation.evaluator import evaluate_corpus


def main(place: str, questions: str) -> None:
    """Print nDCG@10 and recall@100 of each mode, and of the rank fusion that they have to beat."""
    for evaluation in evaluate_corpus(Path(questions), Corpus.open(place)):
        print(f"{evaluation.mode:8} {evaluation.ndcg_at_10:.3f} {evaluation.recall_at_100:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
