"""How well a confidence tells whether a corpus answers: judged collections in BEIR form.

    python -m benchmarks.confidence COLLECTION COLLECTION... [--mode M]... [--most N]

Each corpus is asked its own questions, with their documents (answered) and without them (near), and
the questions of the other collections (foreign). Tells how many of each are flagged as perhaps not
answered; the area under the curve between answered and near; and how often a confidence is right,
where two questions in three have their answer and the others are near and foreign in equal parts,
every collection counting the same. Each collection is also calibrated by the others alone, which
tells what a calibration is worth where nobody looked. Writes the figures to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.keeping import keep
from searchapp import config
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.encoders.loading import load_encoder
from searchapp.evaluation.qrels import (
    collection_judgements,
    collection_questions,
    collection_records,
)
from searchapp.search.confidence import THRESHOLD
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHARES = {"answered": 2 / 3, "near": 1 / 6, "foreign": 1 / 6}
_TENTHS = 10


class Shelf(NamedTuple):
    """A collection and its corpus, a file a document."""

    name: str
    docs: Path
    corpus: Corpus
    questions: dict[str, str]
    relevant: dict[str, set[str]]


class Asked(NamedTuple):
    """A question put to a corpus, and the best confidence of its answer."""

    corpus: str
    kind: str  # one of _SHARES
    confidence: float


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collections", nargs="+", type=Path)
    parser.add_argument("--mode", action="append", default=[])
    parser.add_argument("--most", type=int, default=100, help="questions a collection and kind")
    options = parser.parse_args(arguments)
    figures = {}
    with tempfile.TemporaryDirectory(prefix="searchapp-bench-") as work:
        folders: list[Path] = options.collections  # which come first
        shelves = [_shelf(folder, Path(work)) for folder in folders]
        for mode in options.mode or ["cosine", "hybrid", "best"]:
            figures[mode] = _figures(list(_asked(shelves, mode, options.most)))
            print(mode, file=sys.stderr, flush=True)
    keep(
        "confidence",
        {"threshold": THRESHOLD, "modes": figures},
        "python -m benchmarks.confidence "
        + " ".join([*(folder.name for folder in folders), *arguments[len(folders) :]]),
    )


def _shelf(folder: Path, work: Path) -> Shelf:
    docs = work / folder.name
    docs.mkdir()
    for record in collection_records(folder / "corpus.jsonl"):
        (docs / f"{record['_id']}.md").write_text(
            f"# {record['title']}\n\n{record['text']}\n", encoding="utf-8"
        )
    cache = config.load().cache
    backend = SqliteBackend(work / f"{folder.name}-corpus")
    Corpus(backend, cache=cache).ingest([docs])
    relevant: dict[str, set[str]] = {}
    for judgement in collection_judgements(folder):
        if judgement.grade > 0:
            relevant.setdefault(judgement.question, set()).add(judgement.document)
    corpus = Corpus(backend, encoder=load_encoder(cache=cache, bulk=False))
    return Shelf(folder.name, docs, corpus, collection_questions(folder), relevant)


def _asked(shelves: Sequence[Shelf], mode: str, most: int) -> Iterator[Asked]:
    """Every question that is put to any corpus."""
    random = np.random.default_rng(0)
    for shelf in shelves:
        others = [other for other in shelves if not other.questions.keys() & shelf.questions.keys()]
        for name in _some(random, list(shelf.questions), most):
            text, relevant = shelf.questions[name], shelf.relevant[name]
            yield Asked(shelf.name, "answered", _best(shelf, text, mode))
            yield Asked(shelf.name, "near", _best(shelf, text, mode, relevant))
        for other in others:
            for name in _some(random, list(other.questions), most // len(others)):
                yield Asked(shelf.name, "foreign", _best(shelf, other.questions[name], mode))


def _some(random: np.random.Generator, names: Sequence[str], most: int) -> list[str]:
    return [names[i] for i in random.permutation(len(names))[:most]]


def _best(shelf: Shelf, text: str, mode: str, removed: set[str] | None = None) -> float:
    """The best confidence of any match."""
    outside = tuple(str(shelf.docs / f"{name}.md") for name in removed or ())
    answer = shelf.corpus.query(
        text, mode=mode, filters=Filters(outside=outside), literal=True, k=20
    )
    return max((match.confidence or 0.0 for match in answer.matches), default=0.0)


# ---- figures -------------------------------------------------------------------------------------


def _figures(asked: Sequence[Asked]) -> dict[str, Any]:
    confidences = np.array([one.confidence for one in asked])
    is_answered = np.array([one.kind == "answered" for one in asked])
    weights, corpora = _weights(asked), np.array([one.corpus for one in asked])
    unseen = confidences.copy()
    for corpus in dict.fromkeys(one.corpus for one in asked):
        others = corpora != corpus
        slope, constant = _calibrated(confidences[others], is_answered[others], weights[others])
        unseen[~others] = 1 / (1 + np.exp(-(slope * _logits(confidences[~others]) + constant)))
    return {
        "corpora": {
            corpus: _of_corpus([one for one in asked if one.corpus == corpus])
            for corpus in dict.fromkeys(one.corpus for one in asked)
        },
        "reliability": _reliability(confidences, is_answered, weights),
        "reliability, calibrated on the others": _reliability(unseen, is_answered, weights),
        "calibration": dict(
            zip(
                ("slope", "constant"),
                np.round(_calibrated(confidences, is_answered, weights), 3).tolist(),
                strict=True,
            )
        ),
    }


def _of_corpus(asked: Sequence[Asked]) -> dict[str, float]:
    by_kind = {
        kind: np.array([one.confidence for one in asked if one.kind == kind]) for kind in _SHARES
    }
    above, below = by_kind["answered"][:, None], by_kind["near"][None, :]
    auc = np.mean((above > below) + 0.5 * (above == below))
    return {
        **{f"{kind} flagged": float(np.mean(some < THRESHOLD)) for kind, some in by_kind.items()},
        "auc": round(float(auc), 4),
        "questions": len(by_kind["answered"]),
    }


def _weights(asked: Sequence[Asked]) -> NDArray[np.float64]:
    """What each counts, (n,), so that kinds have their shares and corpora equal ones."""
    counts = Counter((one.corpus, one.kind) for one in asked)
    return np.array([_SHARES[one.kind] / counts[one.corpus, one.kind] for one in asked])


def _reliability(
    confidences: NDArray[np.float64],
    is_answered: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> list[dict[str, float]]:
    """Of each tenth of confidences: the mean, how many are answered, and the share of all."""
    tenths = np.minimum((confidences * _TENTHS).astype(int), _TENTHS - 1)
    found = []
    for tenth in range(_TENTHS):
        inside = weights * (tenths == tenth)
        if total := float(inside.sum()):
            found.append(
                {
                    "from": tenth / _TENTHS,
                    "mean": round(float(inside @ confidences) / total, 3),
                    "answered": round(float(inside @ is_answered) / total, 3),
                    "share": round(total / float(weights.sum()), 3),
                }
            )
    return found


def _calibrated(
    confidences: NDArray[np.float64],
    is_answered: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> tuple[float, float]:
    """The slope and the constant that make probabilities of the logits (Platt 1999), by Newton's
    method.
    """
    rows = np.stack([_logits(confidences), np.ones(len(confidences))], axis=1)  # (n, 2)
    values = np.array([1.0, 0.0])
    for _ in range(50):
        expected = 1 / (1 + np.exp(-rows @ values))
        slopes = rows.T @ (weights * (expected - is_answered))
        curvature = (rows * (weights * expected * (1 - expected))[:, None]).T @ rows
        values = values - np.linalg.solve(curvature + 1e-9 * np.eye(2), slopes)
    return float(values[0]), float(values[1])


def _logits(confidences: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = np.clip(confidences, 1e-6, 1 - 1e-6)
    logits: NDArray[np.float64] = np.log(kept / (1 - kept))
    return logits


if __name__ == "__main__":
    main(sys.argv[1:])
