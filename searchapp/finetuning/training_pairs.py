"""What a model is trained on: pairs of a question and the text that answers it; and which questions
are held out to evaluate it.

Reads tables of pairs, and parts questions so that none is learned from that is nearly one of those
held out, or has its answer. Pure but for reading; knows nothing of models or corpora.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from searchapp.errors import CollectionError
from searchapp.evaluation.qrels import COLUMNS
from searchapp.evaluation.tabular import rows
from searchapp.lexical import words_of

# of each question, the texts or documents that answer it, by any name
Answers: TypeAlias = Mapping[str, Collection[str]]

_ALIKE = 0.75  # of the words of both, from which on two questions are nearly the same
_COLUMNS = (COLUMNS, ("question", "text"))
_FORM = (
    "give a header and rows of question and path, of documents of the corpus, or of question and "
    "text, separated by commas, "
    'semicolons or tabs; or lines of {"question": ..., "path": ...} or {"question": ..., "text": '
    "...}"
)


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A question, and a text that answers it."""

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class QuestionSplit:
    """The questions to learn from and those held out, each in the order given; `dropped` are
    neither: nearly the same as one held out.
    """

    learned: tuple[str, ...]
    held_out: tuple[str, ...]
    dropped: tuple[str, ...] = ()


# ---- splitting questions -------------------------------------------------------------------------


def split_questions(answers: Answers, *, share: float, seed: int) -> QuestionSplit:
    """Some questions held out, up to that share of them, the rest to learn from: no answer is of
    both, and nearly the same stay together.

    The same questions are parted in the same way, in whatever order they come.
    """
    groups = sorted(_groups(answers), key=lambda group: _lot(min(group), seed))
    room = math.floor(len(answers) * share)
    held_out: set[str] = set()
    for group in groups:
        if len(held_out) + len(group) <= room:
            held_out.update(group)
    return QuestionSplit(
        tuple(question for question in answers if question not in held_out),
        tuple(question for question in answers if question in held_out),
    )


def exclude_held_out(questions: Sequence[str], held_out: Sequence[str]) -> QuestionSplit:
    """The questions to learn from where others are given as held out: all but those that are nearly
    one of them.
    """
    distinct = list(dict.fromkeys(questions))
    wanted = list(dict.fromkeys(held_out))
    both = [*wanted, *distinct]
    near = {
        both[b] for a, b in _alike([words(question) for question in both]) if a < len(wanted) <= b
    }
    return QuestionSplit(
        tuple(question for question in distinct if question not in near),
        tuple(wanted),
        tuple(question for question in distinct if question in near),
    )


def familiar(split: QuestionSplit, learned: Answers, asked: Answers) -> int:
    """How many of the questions held out have an answer that is learned from, too, with other
    questions.
    """
    met = {answer for question in split.learned for answer in learned[question]}
    return sum(not met.isdisjoint(asked[question]) for question in split.held_out)


def is_alike(a: frozenset[str], b: frozenset[str]) -> bool:
    """Whether two questions, as their words, are nearly the same: they share three of four words of
    both.
    """
    return len(a & b) >= _ALIKE * len(a | b)


def words(text: str) -> frozenset[str]:
    """The words of a question, casefolded; of scripts without spaces, its characters."""
    return frozenset(word for word, _ in words_of(text.casefold()))


def _groups(answers: Answers) -> list[list[str]]:
    """The questions in groups, such that any two that are nearly the same, or have an answer in
    common, are in one group.
    """
    questions = list(answers)
    parents = list(range(len(questions)))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = at = parents[parents[at]]
        return at

    first: dict[str, int] = {}
    common = [
        (first.setdefault(answer, at), at)
        for at, question in enumerate(questions)
        for answer in answers[question]
    ]
    for a, b in chain(_alike([words(question) for question in questions]), common):
        parents[root(a)] = root(b)
    groups = defaultdict(list)
    for at, question in enumerate(questions):
        groups[root(at)].append(question)
    return list(groups.values())


def _alike(bags: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """Each pair of bags that are nearly the same, as positions a < b, found by their rarest words.

    Of two that share so much, one's rarest words, a quarter and one more, hold a word of the
    other's (Bayardo et al. 2007).
    """
    counts = Counter(word for bag in bags for word in bag)
    seen: dict[str, list[int]] = defaultdict(list)
    for b, bag in enumerate(bags):
        rarest = sorted(bag, key=lambda word: (counts[word], word))[
            : len(bag) - math.ceil(_ALIKE * len(bag)) + 1
        ]
        for a in sorted({a for word in rarest or [""] for a in seen[word]}):
            if is_alike(bags[a], bag):
                yield a, b
        for word in rarest or [""]:
            seen[word].append(b)


def _lot(question: str, seed: int) -> bytes:
    return hashlib.blake2b(
        f"{seed}\n{question}".encode("utf-8", "surrogatepass"), digest_size=16
    ).digest()


# ---- tables of pairs -----------------------------------------------------------------------------


def holds_pairs(file: Path) -> bool:
    """Whether a file holds pairs of question and text, rather than judgements, which have a path.
    Raises CollectionError for neither.
    """
    row = next((row for _, row in rows(file, _COLUMNS, form=_FORM)), None)
    if row is None:
        raise CollectionError(f"{file} holds no questions", hint=_FORM)
    if "question" not in row or ("path" in row) == ("text" in row):
        raise CollectionError(f"{file} has no question with a path, or with a text", hint=_FORM)
    return "text" in row


def pairs(file: Path) -> list[TrainingPair]:
    """The pairs of a file, each once. Raises CollectionError for a line that is none."""
    unique_pairs: dict[TrainingPair, None] = {}
    for line, row in rows(file, _COLUMNS, form=_FORM):
        values = [row.get(name) for name in ("question", "text")]
        question, text = (value.strip() if isinstance(value, str) else "" for value in values)
        if not question or not text:
            raise CollectionError(
                f"{file}, line {line}: no {'text' if question else 'question'}", hint=_FORM
            )
        unique_pairs[TrainingPair(question, text)] = None
    return list(unique_pairs)


# ---- pairs of headings ---------------------------------------------------------------------------


def heading_pairs(sections: Iterable[tuple[int, Sequence[str], str]]) -> list[TrainingPair]:
    """Titles and headings with what stands below them, from passages in order: document, headings
    (title first) and text.

    Of a section that is several passages, the first counts. A heading that several documents have
    is asked for with those above it.
    """
    first: dict[tuple[int, tuple[str, ...]], str] = {}
    for document, headings, text in sections:
        if headings and text.strip():
            first.setdefault((document, tuple(headings)), text.strip())
    owners: dict[str, set[int]] = defaultdict(set)
    for document, headings in first:
        owners[headings[-1].casefold()].add(document)
    training_pairs: dict[TrainingPair, None] = {}
    for (_, headings), text in first.items():
        asked = headings[-1:] if len(owners[headings[-1].casefold()]) == 1 else headings
        training_pairs[TrainingPair(" ".join(" ".join(asked).split()), text)] = None
    return list(training_pairs)
