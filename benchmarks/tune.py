"""What tuning is worth, and what it costs: the default model taught the code names of
`data/codenames`, and asked about other documents.

    python -m benchmarks.tune [--collection DIR]

Learns from the questions of `tests/data/judgements/codenames/learn.tsv` and asks those of
`held-out.tsv`, whose documents are not learned from. A collection in BEIR form tells what has been
forgotten of everything else. Prints the figures, and writes them with versions, hardware and
command to benchmarks/results/. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.keeping import keep
from searchapp import config

if TYPE_CHECKING:
    from searchapp.finetuning.held_out import Score
    from searchapp.finetuning.pipeline import Phase, TuningResult

config.use_one_thread_for_small_products()  # before what imports NumPy
ROOT = Path(__file__).resolve().parents[1]
JUDGEMENTS = ROOT / "tests" / "data" / "judgements" / "codenames"
LEAST_HITS = 0.8  # of the held-out questions, once tuned; .850 was measured
LIBRARIES = ("sentence-transformers", "transformers", "torch")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collection", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="searchapp-bench-") as work:
        result = _measure(Path(work), options.collection)
    command = (
        "python -m "
        f"benchmarks.tune{f' --collection {options.collection.name}' if options.collection else ''}"
    )
    keep("tune", {**result, "libraries": {each: version(each) for each in LIBRARIES}}, command)
    if result["after"]["hits@1"] < LEAST_HITS:
        sys.exit(f"hits@1 {result['after']['hits@1']} is below {LEAST_HITS}")


def _measure(work: Path, collection: Path | None) -> dict[str, Any]:
    from searchapp.corpus import Corpus
    from searchapp.finetuning.pipeline import Callbacks, account_of, tune

    chosen = replace(config.load(), place=str(work / "corpus"), model=None, device="cpu")
    Corpus.open(chosen).ingest([ROOT / "data" / "codenames"])
    watch = _Watch()
    found = tune(
        JUDGEMENTS / "learn.tsv",
        work / "model",
        chosen,
        held_out=JUDGEMENTS / "held-out.tsv",
        callbacks=Callbacks(on_phase=watch.begin),
    )
    watch.begin(None)
    result = {
        **account_of(found),
        "seconds": watch.took_s,
        "questions_of": _hits_by_document(found),
    }
    return (
        result
        if collection is None
        else {**result, "elsewhere": _elsewhere(collection, found.kept or found.output, chosen)}
    )


class _Watch:
    """How long each phase takes."""

    def __init__(self) -> None:
        self.took_s: dict[str, float] = {}
        self._phase: Phase | None = None
        self._begin_s = time.perf_counter()

    def begin(self, phase: Phase | None) -> None:
        """End the phase before, and begin another one, if there is one."""
        if self._phase is not None:
            self.took_s[self._phase] = round(time.perf_counter() - self._begin_s, 1)
        self._phase, self._begin_s = phase, time.perf_counter()


def _hits_by_document(found: TuningResult) -> dict[str, list[int]]:
    """Of each held-out document, how many of its questions it answered in the first place, before
    and after.
    """
    lines = (JUDGEMENTS / "held-out.tsv").read_text(encoding="utf-8").splitlines()[1:]
    answers = [Path(line.partition("\t")[2]).name for line in lines]
    hits = {name: [0, 0] for name in answers}
    for at, score in enumerate((found.before, found.after)):
        for name, first in zip(answers, _firsts(score), strict=True):
            hits[name][at] += name == first
    return hits


def _firsts(score: Score | None) -> list[str]:
    """The document in the first place of each question, in order."""
    assert score is not None
    return [Path(documents[0][0]).name for documents in score.evaluation.run.values()]


def _elsewhere(collection: Path, model: Path, chosen: config.Settings) -> Mapping[str, object]:
    """How the base model and the tuned one do on a judged collection that has nothing to do with
    the tuning.
    """
    from searchapp.encoders.loading import load_encoder
    from searchapp.evaluation.evaluator import compare, evaluate
    from searchapp.types.model_names import DEFAULT_MODEL

    both = [
        evaluate(
            collection,
            partial(load_encoder, name, cache=chosen.cache, device="cpu"),
            modes=["cosine"],
        )[0]
        for name in (DEFAULT_MODEL, str(model))
    ]
    (comparison,) = compare(both)
    figures = {
        name: round(of.ndcg_at_10, 4) for name, of in zip(("before", "after"), both, strict=True)
    }
    return {
        "collection": collection.name,
        "questions": both[0].queries,
        "ndcg@10": figures,
        "p": round(comparison.p, 4),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
