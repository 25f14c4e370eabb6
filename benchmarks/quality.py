"""How well each ranking mode finds what it should, on judged collections in BEIR form.

    python -m benchmarks.quality COLLECTION...

Asks the questions of each collection in every mode, as `searchapp evaluate` does, and writes
nDCG@10 and Recall@100 to benchmarks/results/.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.keeping import keep
from searchapp import config

config.use_one_thread_for_small_products()  # before what imports NumPy


def main(arguments: Sequence[str]) -> None:
    from searchapp.encoders.loading import load_encoder
    from searchapp.evaluation.evaluator import evaluate
    from searchapp.search.query_options import MODES
    from searchapp.types.model_names import DEFAULT_MODEL

    load = partial(load_encoder, DEFAULT_MODEL, cache=config.load().cache, device="cpu")
    collections = []
    for folder in map(Path, arguments):
        evaluations = evaluate(folder, load, modes=MODES)
        collections.append(
            {
                "name": folder.name,
                "questions": evaluations[0].queries,
                "modes": {
                    evaluation.mode: {
                        "ndcg@10": round(evaluation.ndcg_at_10, 4),
                        "recall@100": round(evaluation.recall_at_100, 4),
                    }
                    for evaluation in evaluations
                },
            }
        )
    names = " ".join(Path(argument).name for argument in arguments)
    keep("quality", {"collections": collections}, f"python -m benchmarks.quality {names}")


if __name__ == "__main__":
    main(sys.argv[1:])
