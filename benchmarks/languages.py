"""How well questions and documents in other languages than English find each other, with the default
model and with the multilingual one.

    python -m benchmarks.languages LANGUAGE=COLLECTION...

The collections, in BEIR form, are translations of one another, with the same names of questions and
documents, as XQuAD's. Asks each in its own language, and each but the first with the documents of
the first; writes nDCG@10 to benchmarks/results/.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.keeping import keep
from searchapp import config

if TYPE_CHECKING:
    from searchapp.encoders.text_encoder import TextEncoder

config.use_one_thread_for_small_products()  # before what imports NumPy

MODELS = ("default", "multilingual")
MODES = ("cosine", "keyword", "hybrid")


def main(arguments: Sequence[str]) -> None:
    collections = {
        language: Path(folder)
        for language, _, folder in (argument.partition("=") for argument in arguments)
    }
    models = {}
    for model in MODELS:
        encoder = _encoder(model)
        models[model] = {
            f"{asked} → {read}": _measured(collections[asked], collections[read], encoder)
            for asked, read in _pairs(list(collections))
        }
    names = " ".join(f"{language}={folder.name}" for language, folder in collections.items())
    keep("languages", {"models": models}, f"python -m benchmarks.languages {names}")


def _pairs(languages: Sequence[str]) -> list[tuple[str, str]]:
    """The language of the questions, and that of the documents."""
    first, *others = languages
    return [(each, each) for each in languages] + [(each, first) for each in others]


def _encoder(model: str) -> TextEncoder:
    """The encoder of a model, which makes the vector of a question once."""
    from searchapp.encoders.loading import load_encoder

    encoder = load_encoder(model, cache=config.load().cache, device="cpu")
    encoder.encode_query = cache(encoder.encode_query)  # type: ignore[method-assign]
    return encoder


def _measured(questions: Path, documents: Path, encoder: TextEncoder) -> Mapping[str, float]:
    """nDCG@10 of each mode."""
    from searchapp.evaluation.evaluator import evaluate

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "collection"
        shutil.copytree(questions / "qrels", folder / "qrels")
        shutil.copy(questions / "queries.jsonl", folder)
        shutil.copy(documents / "corpus.jsonl", folder)
        evaluations = evaluate(folder, lambda: encoder, modes=MODES)
    figures = {each.mode: round(each.ndcg_at_10, 4) for each in evaluations}
    print(questions.name, documents.name, figures, file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
