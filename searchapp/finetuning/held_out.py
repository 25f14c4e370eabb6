"""What a model is trained on, and the held-out questions that show whether it learned: of a corpus,
or of pairs of texts.

The evaluation is the ordinary one: texts embedded by the model, and asked through the same query as
everybody's. A corpus is only read; for another model than its own, it is copied with passages as
they are and vectors anew. Knows nothing of how a model is taught.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from searchapp.corpus import Corpus
from searchapp.encoders.loading import load_encoder, open_encoder
from searchapp.encoders.model_folder import ModelFolder, find_model
from searchapp.errors import CorpusEmpty, TuningError
from searchapp.evaluation.evaluator import evaluate, evaluate_corpus
from searchapp.evaluation.qrels import collection_judgements, name_of, own_judgements, own_questions
from searchapp.finetuning.training_pairs import (
    Answers,
    QuestionSplit,
    TrainingPair,
    exclude_held_out,
    familiar,
    heading_pairs,
    holds_pairs,
    pairs,
    split_questions,
)
from searchapp.humanize import pluralize
from searchapp.ingest.indexer import Indexer
from searchapp.search.query_options import MODES
from searchapp.types.documents import Document, FileIdentity, Source, embedded_text
from searchapp.types.filters import Filters
from searchapp.types.model_names import DEFAULT_MODEL

if TYPE_CHECKING:
    from searchapp.config import Settings
    from searchapp.evaluation.qrels import Judgement
    from searchapp.types.documents import DocumentRow
    from searchapp.types.protocols import Encoder, Reader, Writer
    from searchapp.types.results import Evaluation

Kind: TypeAlias = Literal["judgements", "pairs", "headings"]
OnEmbedding: TypeAlias = Callable[[int, int, float], None]  # texts done, in all, seconds taken

SHARE = 0.3  # of the questions that are held out, where none are given
_COMMIT_DOCUMENTS = 256


@dataclass(frozen=True, slots=True)
class Score:
    """How a model did: the evaluation, and the share of the questions that had an answer in the
    first place.
    """

    hits_at_1: float
    evaluation: Evaluation


class HeldOutEvaluation(Protocol):
    """Questions held out, answered with the base model and with the tuned one."""

    def evaluate_base(self) -> Score:
        """How the base model does."""

    def evaluate_tuned(self, encoder: Encoder) -> Score:
        """How another model does."""


@dataclass(frozen=True, slots=True)
class Task:
    """A model, what it is trained on, and what it is evaluated on."""

    kind: Kind
    base: ModelFolder
    training_pairs: list[TrainingPair]
    split: QuestionSplit
    familiar: int  # questions held out whose answers are learned from, too, with other questions
    held_out_evaluation: HeldOutEvaluation


def build_task(
    source: Path | None,
    held_out: Path | None,
    mode: str | None,
    chosen: Settings,
    *,
    seed: int,
    work: Path,
    on_embedding: OnEmbedding = lambda *_: None,
) -> Task:
    """The task that a source sets: judgements about the corpus, pairs of texts, or, without one,
    the corpus's own titles and headings.

    The questions of the file `held_out` are asked, of the same form as the source, of judgements
    where there is none; else some of the source's own, drawn by the seed such that no answer to
    them is learned from. `work` is an empty folder for what is temporary.
    """
    if source is not None and holds_pairs(source):
        base = find_model(chosen.model or DEFAULT_MODEL, cache=chosen.cache)
        pairs_evaluation = _PairsEvaluation(
            base, chosen, mode or MODES[0], work / "pairs", on_embedding
        )
        return _pairs_task(
            "pairs", pairs(source), pairs(held_out) if held_out else None, pairs_evaluation, seed
        )
    corpus_source = _CorpusSource(chosen, mode, work, on_embedding)
    if source is not None:
        return _judgements_task(corpus_source, source, held_out, seed)
    training_pairs = corpus_source.headings()
    if held_out is None:
        pairs_evaluation = _PairsEvaluation(
            corpus_source.base, chosen, corpus_source.mode, work / "pairs", on_embedding
        )
        return _pairs_task("headings", training_pairs, None, pairs_evaluation, seed)
    asked = corpus_source.answers(held_out)
    split = exclude_held_out([pair.question for pair in training_pairs], list(asked))
    return Task(
        "headings",
        corpus_source.base,
        _learned(training_pairs, split),
        split,
        len(split.held_out),
        corpus_source.held_out_evaluation(held_out, split.held_out),
    )


def _judgements_task(
    corpus_source: _CorpusSource, source: Path, held_out: Path | None, seed: int
) -> Task:
    given = corpus_source.answers(source)
    asked = corpus_source.answers(held_out) if held_out else given
    split = _split(given, asked, seed)
    held_out_evaluation = corpus_source.held_out_evaluation(held_out or source, split.held_out)
    return Task(
        "judgements",
        corpus_source.base,
        corpus_source.training_pairs(source, split.learned),
        split,
        familiar(split, given, asked),
        held_out_evaluation,
    )


def _pairs_task(
    kind: Kind,
    given: list[TrainingPair],
    held_out: list[TrainingPair] | None,
    pairs_evaluation: _PairsEvaluation,
    seed: int,
) -> Task:
    answers = _answers(given)
    asked = answers if held_out is None else _answers(held_out)
    split = _split(answers, asked, seed)
    pairs_evaluation.write_collection(
        [*given, *(held_out or ())],
        [pair for pair in held_out or given if pair.question in set(split.held_out)],
    )
    return Task(
        kind,
        pairs_evaluation.base,
        _learned(given, split),
        split,
        familiar(split, answers, asked),
        pairs_evaluation,
    )


def _split(given: Answers, asked: Answers, seed: int) -> QuestionSplit:
    """The questions given in two parts; or, where others are asked, apart from those."""
    return (
        split_questions(given, share=SHARE, seed=seed)
        if asked is given
        else exclude_held_out(list(given), list(asked))
    )


def _answers(training_pairs: Iterable[TrainingPair]) -> Answers:
    texts_by_question = defaultdict(set)
    for pair in training_pairs:
        texts_by_question[pair.question].add(pair.text)
    return texts_by_question


def _learned(training_pairs: Iterable[TrainingPair], split: QuestionSplit) -> list[TrainingPair]:
    learned = set(split.learned)
    return [pair for pair in training_pairs if pair.question in learned]


def _scored(evaluation: Evaluation, judgements: Iterable[Judgement]) -> Score:
    answers = defaultdict(set)
    for judgement in judgements:
        if judgement.grade > 0:
            answers[judgement.question].add(judgement.document)
    hits = sum(
        bool(documents) and documents[0][0] in answers[question]
        for question, documents in evaluation.run.items()
    )
    return Score(hits / len(evaluation.run), evaluation)


# ---- a corpus ------------------------------------------------------------------------------------


class _CorpusSource:
    """A corpus that training pairs come from, and that is asked."""

    def __init__(
        self, chosen: Settings, mode: str | None, work: Path, on_embedding: OnEmbedding
    ) -> None:
        self.work, self.on_embedding = work, on_embedding
        corpus = Corpus.open(chosen)
        with closing(corpus.reader()) as reader:
            identity = reader.encoder
            documents, _, pending, _ = reader.counts()
            self.names = {name_of(row.path): row.path for row in reader.rows(Filters())}
            self.mode = mode or reader.settings().get("mode", MODES[0])
        if identity is None or not documents:
            raise CorpusEmpty("the corpus holds no documents", hint="run: searchapp ingest PATH")
        if pending:
            raise TuningError(
                f"{pluralize(pending, 'document')} of the corpus cannot be found by meaning yet",
                hint="run: searchapp ingest",
            )
        self.base = find_model(identity.model, cache=chosen.cache)
        if self.base.fingerprint != identity.fingerprint:
            message = f"the model {identity.model} is no longer the one that made this corpus"
            raise TuningError(
                message,
                hint="put the earlier model back, or have the corpus use the one that is there: "
                "searchapp model use",
            )
        encoder = open_encoder(identity, cache=chosen.cache)
        self.corpus = Corpus.open(chosen, encoder=encoder)

    @property
    def paths(self) -> set[bytes]:
        """The paths of all documents."""
        return set(self.names.values())

    def questions(self, file: Path) -> dict[str, str]:
        """The questions of a file of judgements, by number; raises as `own_questions`, and
        TuningError for pairs.
        """
        if holds_pairs(file):
            raise TuningError(
                f"{file} holds pairs of question and text",
                hint="give judgements, of question and path",
            )
        return own_questions(file, self.paths)

    def answers(self, file: Path) -> Answers:
        """The documents that answer each question of a file of judgements; raises as
        `questions`.
        """
        questions = self.questions(file)
        documents_by_question = defaultdict(set)
        for judgement in own_judgements(file, self.paths):
            if judgement.grade > 0:
                documents_by_question[questions[judgement.question]].add(judgement.document)
        return documents_by_question

    def training_pairs(self, file: Path, learned: Iterable[str]) -> list[TrainingPair]:
        """The judgements of these questions that name an answer: the question, and the passage of
        the document that answers it best.
        """
        questions, wanted = self.questions(file), set(learned)
        unique_pairs: dict[TrainingPair, None] = {}
        for judgement in own_judgements(file, self.paths):
            question = questions[judgement.question]
            if judgement.grade > 0 and question in wanted:
                within = Filters(within=(os.fsdecode(self.names[judgement.document]),))
                answer = self.corpus.query(
                    question, k=1, mode="hybrid", filters=within, literal=True
                )
                passages = (
                    embedded_text(match.hit.passage.headings, match.hit.text)
                    for match in answer.matches
                )
                unique_pairs.update(
                    dict.fromkeys(TrainingPair(question, text) for text in passages)
                )
        return list(unique_pairs)

    def headings(self) -> list[TrainingPair]:
        """The titles and headings, each with what stands below it."""
        with closing(self.corpus.reader()) as reader:
            return heading_pairs(
                (document_id, hit.passage.headings, hit.text)
                for document_id in reader.document_ids(Filters())
                for hit in reader.show(document_id)[1]
            )

    def held_out_evaluation(self, file: Path, held_out: Iterable[str]) -> HeldOutEvaluation:
        """The judgements of these questions, in a file of their own."""
        questions, wanted = self.questions(file), set(held_out)
        rows = [
            {
                "question": questions[judgement.question],
                "path": os.fsdecode(self.names[judgement.document]),
                "grade": judgement.grade,
            }
            for judgement in own_judgements(file, self.paths)
            if questions[judgement.question] in wanted
        ]
        own = self.work / f"{file.stem}.jsonl"
        own.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="ascii")
        return _CorpusEvaluation(self, own)


class _CorpusEvaluation:
    """Judgements about a corpus, asked of it, and of a copy that another model has embedded."""

    def __init__(self, corpus_source: _CorpusSource, judgements: Path) -> None:
        self._corpus_source, self._judgements = corpus_source, judgements

    def evaluate_base(self) -> Score:
        return self._score(self._corpus_source.corpus)

    def evaluate_tuned(self, encoder: Encoder) -> Score:
        copy = Corpus.open(self._corpus_source.work / "corpus", encoder=encoder)
        _copy(self._corpus_source.corpus, copy, encoder, self._corpus_source.on_embedding)
        return self._score(copy)

    def _score(self, corpus: Corpus) -> Score:
        (evaluation,) = evaluate_corpus(self._judgements, corpus, modes=[self._corpus_source.mode])
        return _scored(evaluation, own_judgements(self._judgements, self._corpus_source.paths))


def _copy(corpus: Corpus, copy: Corpus, encoder: Encoder, on_embedding: OnEmbedding) -> None:
    """The corpus's documents and settings in another one, as far as queries see them, with vectors
    by this encoder.
    """
    with closing(corpus.reader()) as reader, closing(copy.writer()) as writer:
        writer.set_encoder(encoder.identity)
        for name, value in reader.settings().items():
            writer.set_setting(name, value)
        documents = zip(reader.document_ids(Filters()), reader.rows(Filters()), strict=True)
        # in the order of the corpus, as sums of scores depend on it in their last digits
        in_order = sorted(documents, key=lambda document: document[0])
        for at, (document_id, row) in enumerate(in_order, start=1):
            _copy_document(reader, writer, document_id, row)
            if at % _COMMIT_DOCUMENTS == 0:
                writer.commit()
        writer.commit()
        begin, total = time.perf_counter(), reader.counts()[1]
        indexer = Indexer(
            writer,
            encoder,
            on_embedded=lambda: on_embedding(indexer.embedded, total, time.perf_counter() - begin),
        )
        with indexer:
            indexer.close()
        writer.finish()


def _copy_document(reader: Reader, writer: Writer, document_id: int, row: DocumentRow) -> None:
    """A document from its passages; what stands between them, white space, is blank."""
    metadata, hits = reader.show(document_id)
    text, at = [], 0
    for hit in hits:
        text += [" " * (hit.passage.start - at), hit.text]
        at = hit.passage.end
    document = Document(text="".join(text), type=row.type, title=row.title, metadata=metadata)
    source = Source(row.path, FileIdentity(row.size, row.modified_ns, 0, 0), bytes(32), 0)
    writer.replace(source, document, [hit.passage for hit in hits])


# ---- pairs of texts ------------------------------------------------------------------------------


class _PairsEvaluation:
    """Questions of pairs, asked of a collection of all texts, each a document."""

    def __init__(
        self,
        base: ModelFolder,
        chosen: Settings,
        mode: str,
        folder: Path,
        on_embedding: OnEmbedding,
    ) -> None:
        self.base = base
        self._chosen, self._mode, self._folder, self._on_embedding = (
            chosen,
            mode,
            folder,
            on_embedding,
        )

    def write_collection(
        self, texts: Iterable[TrainingPair], asked: Sequence[TrainingPair]
    ) -> None:
        """Write the collection, in BEIR form."""
        documents = {
            text: f"d{at}"
            for at, text in enumerate(dict.fromkeys(pair.text for pair in texts), start=1)
        }
        questions = {
            question: f"q{at}"
            for at, question in enumerate(dict.fromkeys(pair.question for pair in asked), start=1)
        }
        (self._folder / "qrels").mkdir(parents=True)
        _write_records(self._folder / "corpus.jsonl", documents)
        _write_records(self._folder / "queries.jsonl", questions)
        judged = "".join(
            f"{questions[pair.question]}\t{documents[pair.text]}\t1\n" for pair in asked
        )
        (self._folder / "qrels" / "test.tsv").write_text(judged, encoding="ascii")

    def evaluate_base(self) -> Score:
        return self._score(
            lambda: load_encoder(
                self.base.model, cache=self._chosen.cache, device=self._chosen.device
            )
        )

    def evaluate_tuned(self, encoder: Encoder) -> Score:
        return self._score(lambda: encoder)

    def _score(self, opened: Callable[[], Encoder]) -> Score:
        (evaluation,) = evaluate(
            self._folder,
            opened,
            modes=[self._mode],
            on_progress=lambda state: self._on_embedding(
                state.files_done, state.files_total, state.took_s
            ),
        )
        return _scored(evaluation, collection_judgements(self._folder))


def _write_records(file: Path, ids: Mapping[str, str]) -> None:
    file.write_text(
        "".join(f"{json.dumps({'_id': name, 'text': text})}\n" for text, name in ids.items()),
        encoding="ascii",
    )
