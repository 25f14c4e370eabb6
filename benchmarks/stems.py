"""What the stems of other languages than English are worth to questions in them, and what they cost
questions in others, on judged collections in BEIR form.

    python -m benchmarks.stems ASKED[+OTHER...]... [--model M]

Asks the questions of each collection with its documents, and with those of others beside them; with
the keyword index by stems, and without. Writes nDCG@10, with the p of a paired randomisation test,
to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collection_corpus import collection_corpus
from benchmarks.keeping import keep
from searchapp import config
from searchapp.search import stemming
from searchapp.search.languages import TRUSTED_WEIGHT
from searchapp.search.ranking import WEIGHT

if TYPE_CHECKING:
    from searchapp.encoders.text_encoder import TextEncoder
    from searchapp.types.results import Evaluation

config.use_one_thread_for_small_products()  # before what imports NumPy

WAYS = {
    "keyword": ("keyword", None),
    "hybrid": ("hybrid", WEIGHT),
    "hybrid, words trusted": ("hybrid", TRUSTED_WEIGHT),
}
_NO_SHARE = 2.0  # more than any language has


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="+", metavar="ASKED[+OTHER...]")
    parser.add_argument("--model", default="default")
    options = parser.parse_args(arguments)
    groups = [[Path(folder) for folder in group.split("+")] for group in options.groups]
    encoder = _encoder(options.model)
    names = ["+".join(folder.name for folder in group) for group in groups]
    measured = {
        name: dict(_compared(group, encoder)) for name, group in zip(names, groups, strict=True)
    }
    command = f"python -m benchmarks.stems {' '.join(names)} --model {options.model}"
    result = {
        "pystemmer": version("pystemmer"),
        "model": options.model,
        "weights": {way: weight for way, (_, weight) in WAYS.items() if weight is not None},
        "collections": measured,
    }
    keep(f"stems-{options.model}", result, command)


def _encoder(model: str) -> TextEncoder:
    """The encoder of a model, which makes the vector of a question once."""
    from searchapp.encoders.loading import load_encoder

    encoder = load_encoder(model, cache=config.load().cache, device="cpu")
    encoder.encode_query = cache(encoder.encode_query)  # type: ignore[method-assign]
    return encoder


def _compared(
    group: Sequence[Path], encoder: TextEncoder
) -> Iterator[tuple[str, dict[str, float]]]:
    """By the way to ask, nDCG@10 without stems and with them, and the p of the difference."""
    from searchapp.evaluation.evaluator import compare

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / group[0].name
        _join(group, folder)
        share = stemming.LEAST_SHARE
        stemming.LEAST_SHARE = _NO_SHARE
        without = _measured(folder, encoder)
        stemming.LEAST_SHARE = share
        for (way, before), after in zip(
            without.items(), _measured(folder, encoder).values(), strict=True
        ):
            (comparison,) = compare([before, after])
            figures = {
                "without": round(before.ndcg_at_10, 4),
                "with": round(after.ndcg_at_10, 4),
                "p": round(comparison.p, 4),
            }
            print("+".join(one.name for one in group), way, figures, file=sys.stderr, flush=True)
            yield way, figures


def _measured(folder: Path, encoder: TextEncoder) -> dict[str, Evaluation]:
    from searchapp.evaluation import evaluator
    from searchapp.evaluation.qrels import collection_judgements, collection_questions

    judgements = list(collection_judgements(folder))
    questions = collection_questions(folder)
    with collection_corpus(folder, encoder) as corpus:
        return {
            way: evaluator._score(
                folder.name,
                judgements,
                evaluator._query_each(corpus, questions, bytes.decode, mode=mode, weight=weight),
            )
            for way, (mode, weight) in WAYS.items()
        }


def _join(group: Sequence[Path], folder: Path) -> None:
    """Make a collection of the first one's questions and of all documents, others' under names of
    their own.
    """
    shutil.copytree(group[0], folder, copy_function=shutil.copyfile)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    with (folder / "corpus.jsonl").open("a", encoding="utf-8") as corpus:
        for other in group[1:]:
            for line in (other / "corpus.jsonl").read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                corpus.write(json.dumps(record | {"_id": f"{other.name}:{record['_id']}"}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
