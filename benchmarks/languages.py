"""How well questions and documents in other languages than English find each other, with the default
model and with the multilingual one.

    python -m benchmarks.languages LANGUAGE=COLLECTION... [--every N]

The collections, in BEIR form, are translations of one another, with the same names of questions and
documents, as XQuAD's. Asks each in its own language, and each but the first with the documents of
the first; `--every 5` asks each fifth question. Writes nDCG@10 to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collection_corpus import collection_corpus
from benchmarks.keeping import keep
from benchmarks.typos import ndcg
from searchapp import config
from searchapp.evaluation.qrels import collection_questions
from searchapp.search.languages import TRUSTED_WEIGHT
from searchapp.search.ranking import WEIGHT

if TYPE_CHECKING:
    from searchapp.encoders.text_encoder import TextEncoder

config.use_one_thread_for_small_products()  # before what imports NumPy

# by model, the ways to ask: the mode, and the weight of the keyword leg; words need no model
WAYS: Mapping[str, Mapping[str, tuple[str, float | None]]] = {
    "default": {
        "cosine": ("cosine", None),
        "keyword": ("keyword", None),
        "hybrid": ("hybrid", WEIGHT),
        "hybrid, words trusted": ("hybrid", TRUSTED_WEIGHT),
    },
    "multilingual": {"cosine": ("cosine", None), "hybrid": ("hybrid", None)},
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collections", nargs="+", metavar="LANGUAGE=COLLECTION")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args(arguments)
    collections = {
        language: Path(folder)
        for language, _, folder in (each.partition("=") for each in options.collections)
    }
    questions = {
        language: dict(islice(collection_questions(folder).items(), 0, None, options.every))
        for language, folder in collections.items()
    }
    models = {
        model: dict(_measured(collections, questions, _encoder(model), ways))
        for model, ways in WAYS.items()
    }
    asked = len(next(iter(questions.values())))
    names = " ".join(f"{language}={folder.name}" for language, folder in collections.items())
    command = f"python -m benchmarks.languages {names} --every {options.every}"
    keep("languages", {"questions": asked, "models": models}, command)


def _encoder(model: str) -> TextEncoder:
    """The encoder of a model, which makes the vector of a question once."""
    from searchapp.encoders.loading import load_encoder

    encoder = load_encoder(model, cache=config.load().cache, device="cpu")
    encoder.encode_query = cache(encoder.encode_query)  # type: ignore[method-assign]
    return encoder


def _measured(
    collections: Mapping[str, Path],
    questions: Mapping[str, Mapping[str, str]],
    encoder: TextEncoder,
    ways: Mapping[str, tuple[str, float | None]],
) -> Iterator[tuple[str, dict[str, float]]]:
    """nDCG@10 of each way to ask, by the language asked in and that of the documents."""
    first = next(iter(collections))
    for language, folder in collections.items():
        with collection_corpus(folder, encoder) as corpus:
            for asked in collections if language == first else [language]:
                figures = {
                    name: round(
                        ndcg(collections[asked], corpus, mode, questions[asked], weight=weight),
                        4,
                    )
                    for name, (mode, weight) in ways.items()
                }
                print(asked, language, figures, file=sys.stderr, flush=True)
                yield f"{asked} → {language}", figures


if __name__ == "__main__":
    main(sys.argv[1:])
