"""How good the ranking is: on a judged collection in BEIR form, or on a corpus that one has
judgements of one's own about.

A collection becomes a temporary corpus through the same indexer, and is asked through the same
query as everybody else. Of the judgements, only which questions they are about is handed out before
all answers are in. The metrics are those of ir-measures, the test of significance that of SciPy.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from searchapp.corpus import Corpus
from searchapp.errors import CorpusEmpty, UsageError
from searchapp.evaluation.qrels import (
    Judgement,
    collection_judgements,
    collection_questions,
    collection_records,
    name_of,
    own_judgements,
    own_questions,
)
from searchapp.evaluation.rank_fusion import reciprocal_rank_fusion
from searchapp.extract.language import with_language
from searchapp.filesystem import atomic_write, work_files
from searchapp.humanize import pluralize
from searchapp.ingest.indexer import Indexer
from searchapp.search.query import require_mode
from searchapp.search.query_options import MODES
from searchapp.types.documents import Block, Document, FileIdentity, Source
from searchapp.types.filters import Filters
from searchapp.types.protocols import Encoder, Writer
from searchapp.types.results import Comparison, Evaluation, Progress, label_of

WEIGHTED = ("hybrid", "best")  # the modes in which the keyword leg has a weight
_RRF = "rrf"  # reciprocal rank fusion of both legs: no mode, but what a fusion has to beat

_DEPTH = 100  # documents a question
_RESAMPLES = 9_999
_SEED = 0


@dataclass(frozen=True, slots=True)
class _RankingRun:
    """What one mode, with one weight, answered."""

    mode: str
    weight: float | None
    answers: dict[str, list[tuple[str, float]]]  # by question, documents with scores, best first
    times_ms: list[float]  # of each question


def evaluate(
    folder: Path,
    open_encoder: Callable[[], Encoder],
    *,
    modes: Sequence[str] = MODES,
    weights: Sequence[float] = (),
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_note: Callable[[str], None] = lambda _: None,
) -> list[Evaluation]:
    """The metrics of each mode on a collection, in order, each once; a mode of WEIGHTED with each
    weight, if there are any. Beside one of them and both legs, those of "rrf", their reciprocal
    rank fusion.

    `on_note` is told what is done at the moment, for people.
    Raises CollectionError for a folder that is not a judged collection, UnknownMode, UsageError.
    """
    rankings = _rankings(modes, weights)
    questions = collection_questions(folder)
    encoder = open_encoder()
    with work_files.work_folder(Path(tempfile.gettempdir())) as work:
        corpus = Corpus.open(work / "corpus", encoder=encoder)
        with closing(corpus.writer()) as writer:
            writer.set_encoder(encoder.identity)
            index_collection(folder, writer, encoder, on_progress)
            writer.finish()
        runs = _query_all(corpus, questions, bytes.decode, rankings, on_note)
    judgements = list(collection_judgements(folder))
    return [_score(folder.resolve().name, judgements, run) for run in runs]


def evaluate_corpus(
    judgements_file: Path,
    corpus: Corpus,
    *,
    modes: Sequence[str] = MODES,
    weights: Sequence[float] = (),
    on_note: Callable[[str], None] = lambda _: None,
) -> list[Evaluation]:
    """The metrics of each mode on a corpus, which is only read, by a file of judgements about its
    documents; otherwise as `evaluate`.
    """
    rankings = _rankings(modes, weights)
    with closing(corpus.reader()) as reader:
        identity, documents, pending = (
            reader.encoder,
            {row.path for row in reader.rows(Filters())},
            reader.counts()[2],
        )
    if identity is None or not documents:
        raise CorpusEmpty("the corpus holds no documents", hint="run: searchapp ingest PATH")
    if pending:
        on_note(
            f"{pluralize(pending, 'document')} not found by meaning yet: `searchapp ingest` makes "
            "the missing vectors"
        )
    questions = own_questions(judgements_file, documents)
    if any(mode != "keyword" for mode, _ in rankings):  # opens the model before the clock runs
        corpus.query(next(iter(questions.values())), k=1, mode="cosine")
    runs = _query_all(corpus, questions, name_of, rankings, on_note)
    judgements = own_judgements(judgements_file, documents)
    return [_score(judgements_file.stem, judgements, run) for run in runs]


def compare(evaluations: Sequence[Evaluation]) -> list[Comparison]:
    """Each pair of evaluations of the same questions, with the p of a paired randomisation test
    over their nDCG@10.

    The two-sided test flips the sign of each question's difference: all ways of flipping for up to
    13 questions, 9,999 random ones (fixed seed) for more. The p of several pairs are corrected
    after Holm (1979), which bounds the chance of any false alarm.
    """
    pairs = list(combinations(evaluations, 2))
    corrected = _holm([_p_value(a.ndcgs, b.ndcgs) for a, b in pairs])
    return [
        Comparison(a.label, b.label, b.ndcg_at_10 - a.ndcg_at_10, p, len(a.ndcgs))
        for (a, b), p in zip(pairs, corrected, strict=True)
    ]


def write_runs(folder: Path, evaluations: Sequence[Evaluation]) -> None:
    """Write the run of each into a folder, which is made if need be: "hybrid.run",
    "hybrid-w=.3.run"; otherwise as `write_run`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make {folder}: {error.strerror}", hint="name a folder of your own"
        ) from error
    for evaluation in evaluations:
        write_run(folder / f"{_dashed(evaluation.label)}.run", evaluation)


def write_run(path: Path, evaluation: Evaluation) -> None:
    """Write the run in TREC form: `qid Q0 docid rank score tag`. Raises UsageError where the file
    cannot be written.

    In a corpus of one's own, questions are numbered as they appear in the judgements, and documents
    are percent-encoded paths.
    """
    tag = f"searchapp-{_dashed(evaluation.label)}"
    lines = (
        f"{query} Q0 {document} {rank} {score:.6f} {tag}\n"
        for query, documents in evaluation.run.items()
        for rank, (document, score) in enumerate(documents, start=1)
    )
    try:
        with atomic_write.replaced(path) as file:
            file.write("".join(lines).encode())
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}", hint="name a file in a folder that exists"
        ) from error


def _dashed(label: str) -> str:
    return label.replace(" ", "-")


def _rankings(modes: Iterable[str], weights: Sequence[float]) -> list[tuple[str, float | None]]:
    """The rankings to measure: each mode with every weight that it can have."""
    modes = list(dict.fromkeys(modes))
    for mode in modes:
        require_mode(mode)
    if weights and not set(modes) & set(WEIGHTED):
        raise UsageError(
            f"none of the modes has a weight: {', '.join(modes)}",
            hint=f"modes with one: {', '.join(WEIGHTED)}",
        )
    return [
        (mode, weight)
        for mode in modes
        for weight in (dict.fromkeys(weights) if weights and mode in WEIGHTED else (None,))
    ]


# ---- a collection as a corpus --------------------------------------------------------------------


def index_collection(
    folder: Path,
    writer: Writer,
    encoder: Encoder,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> None:
    """Store a judged collection's documents with their vectors, each at its name as its path."""
    whole = (
        (record["_id"], _document(record["title"], record["text"]))
        for record in collection_records(folder / "corpus.jsonl")
    )
    documents = [(name, document) for name, document in whole if document.text.strip()]
    to_read = sum(len(document.text) for _, document in documents)
    read = stored = 0

    def on_stored(_: Source) -> None:
        nonlocal stored
        stored += 1
        left_s = indexer.encoding(coming=to_read - read).left_s
        on_progress(
            Progress(
                stored, len(documents), indexer.embedded + indexer.reused, indexer.took_s, left_s
            )
        )

    indexer = Indexer(writer, encoder, on_stored=on_stored)
    with indexer:
        for name, document in documents:
            indexer.add(_source(name, document.text), document, new=True)
            read += len(document.text)
        indexer.close()


def _document(title: str, text: str) -> Document:
    """A record as a document, in the language of its text: its title as a heading, then the
    paragraphs.
    """
    whole = f"{title}\n\n{text}" if title else text
    start = len(whole) - len(text)
    blocks = [Block(0, len(title), "heading")] if title else []
    if text.strip():
        blocks.append(Block(start, len(whole), "prose"))
    return with_language(Document(text=whole, type="txt", title=title, blocks=tuple(blocks)))


def _source(name: str, text: str) -> Source:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return Source(name.encode(), FileIdentity(len(text), 0, 0, 0), digest, 0)


# ---- answers and metrics -------------------------------------------------------------------------


def _query_all(
    corpus: Corpus,
    questions: Mapping[str, str],
    named: Callable[[bytes], str],
    rankings: Sequence[tuple[str, float | None]],
    on_note: Callable[[str], None],
) -> list[_RankingRun]:
    runs = []
    for number, (mode, weight) in enumerate(rankings, start=1):
        on_note(
            f"{number}/{len(rankings)}: asking {pluralize(len(questions), 'question')} in mode "
            f"{label_of(mode, weight)}"
        )
        runs.append(_query_each(corpus, questions, named, mode=mode, weight=weight))
    legs = {run.mode: run for run in runs if run.mode in ("cosine", "keyword")}
    if len(legs) == 2 and len(runs) > 2:
        runs.append(_fused_by_rank(*legs.values()))
    return runs


def _fused_by_rank(a: _RankingRun, b: _RankingRun) -> _RankingRun:
    """The reciprocal rank fusion of two runs, which takes the time of both."""
    fused = {
        question: reciprocal_rank_fusion(
            *([document for document, _ in run.answers[question]] for run in (a, b))
        )[:_DEPTH]
        for question in a.answers
    }
    return _RankingRun(
        _RRF, None, fused, [sum(both) for both in zip(a.times_ms, b.times_ms, strict=True)]
    )


def _query_each(
    corpus: Corpus,
    questions: Mapping[str, str],
    named: Callable[[bytes], str],
    *,
    mode: str,
    weight: float | None,
) -> _RankingRun:
    run = _RankingRun(mode, weight, {}, [])
    for question, text in questions.items():
        begin = time.perf_counter()
        answer = corpus.query(
            text,
            k=_DEPTH,
            mode=mode,
            weight=weight,
            per_document=1,
            collapse=False,
            literal=True,
        )
        run.times_ms.append((time.perf_counter() - begin) * 1000)
        run.answers[question] = [(named(match.hit.path), match.score) for match in answer.matches]
    return run


def _score(collection: str, judgements: Iterable[Judgement], run: _RankingRun) -> Evaluation:
    import ir_measures
    from ir_measures import RR, R, nDCG

    judged = [
        ir_measures.Qrel(judgement.question, judgement.document, judgement.grade)
        for judgement in judgements
        if judgement.question in run.answers
    ]
    # The rank decides, so that equal scores count in the order in which they are shown.
    scored = [
        ir_measures.ScoredDoc(question, document, float(-rank))
        for question, ranked in run.answers.items()
        for rank, (document, _) in enumerate(ranked)
    ]
    metrics = ir_measures.calc([nDCG @ 10, R @ 100, RR @ 10], judged, scored)
    return Evaluation(
        collection=collection,
        mode=run.mode,
        queries=len(run.answers),
        ndcg_at_10=metrics.aggregated[nDCG @ 10],
        recall_at_100=metrics.aggregated[R @ 100],
        mrr_at_10=metrics.aggregated[RR @ 10],
        query_ms=float(np.median(run.times_ms)),
        query_ms_p95=float(np.percentile(run.times_ms, 95)),
        run=run.answers,
        ndcgs={
            measured.query_id: measured.value
            for measured in metrics.per_query
            if measured.measure == nDCG @ 10
        },
        weight=run.weight,
    )


# ---- significance --------------------------------------------------------------------------------


def _p_value(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """The chance of a mean difference as large as this one, where each pair might as well be the
    other way round.
    """
    from scipy.stats import permutation_test

    differences = np.array([b[question] - a[question] for question in a])  # (questions,)
    if len(differences) < 2:
        return 1.0  # of one question, both ways are as large
    test = permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=1000,
        rng=_SEED,
    )
    return float(test.pvalue)


def _holm(ps: Sequence[float]) -> list[float]:
    """The p of several tests, each raised so that the chance of any false alarm stays below it
    (Holm 1979).
    """
    corrected = [0.0] * len(ps)
    least = 0.0
    for rank, position in enumerate(sorted(range(len(ps)), key=lambda position: ps[position])):
        least = max(least, min(1.0, ps[position] * (len(ps) - rank)))
        corrected[position] = least
    return corrected
