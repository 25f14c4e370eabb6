"""Which documents are judged to answer which questions: a collection in BEIR form, or a file of
one's own about a corpus.

Reads and checks, line by line; knows nothing of rankings. Questions and judgements are asked for
apart, so that whoever asks the questions never holds the answers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes

from searchapp.errors import CollectionError
from searchapp.evaluation.tabular import rows

COLUMNS = ("question", "path")  # that a file of judgements of one's own has

FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")
_FORM = (
    "give a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv, as the BEIR collections "
    "have it; "
    "or judgements of your own, with --corpus DIR"
)
_OWN_FORM = (
    "give a header and rows of question, path and, where answers differ in worth, grade (0 for "
    "none, else 1 or more), "
    'separated by commas, semicolons or tabs; or lines of {"question": ..., "path": ..., "grade": '
    "...}"
)
_WHERE = (
    "give a path as `searchapp list` shows it, absolute or relative to the folder of the "
    "judgements file; "
    "if it is not there, `searchapp ingest` it first"
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a document is worth as an answer to a question; both by the name that they have in a
    run.
    """

    question: str
    document: str
    grade: int  # 0 for no answer


# ---- a collection in BEIR form -------------------------------------------------------------------


def collection_questions(folder: Path) -> dict[str, str]:
    """The judged questions of a collection, by id. Raises CollectionError for a folder that is
    none.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise CollectionError(f"{folder} has no {name}", hint=_FORM)
    judged = {judgement.question for judgement in collection_judgements(folder)}
    questions = {
        record["_id"]: record["text"]
        for record in collection_records(folder / "queries.jsonl")
        if record["_id"] in judged
    }
    if not questions:
        raise CollectionError(
            f"{folder}: no question of queries.jsonl is judged in qrels/test.tsv", hint=_FORM
        )
    return questions


def collection_judgements(folder: Path) -> Iterator[Judgement]:
    """The judgements of a collection, in the order of the file."""
    path = folder / "qrels" / "test.tsv"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            question, document, grade = line.split("\t")
            yield Judgement(question, document, int(grade))
        except ValueError as error:
            if number > 1:  # the first line may be a header
                raise CollectionError(
                    f"{path}, line {number}: not `query-id, corpus-id, score`", hint=_FORM
                ) from error


def collection_records(path: Path) -> Iterator[dict[str, str]]:
    """The records of a file, a line each, with _id, text and title; blank lines are none."""
    seen: set[str] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if record["_id"] is None or record["text"] is None:
                raise ValueError(f"no _id or no text: {record!r}")
            fields = {
                "_id": str(record["_id"]),
                "text": str(record["text"]),
                "title": str(record.get("title") or ""),
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CollectionError(
                f"{path}, line {number}: no record with _id and text", hint=_FORM
            ) from error
        if fields["_id"] in seen:
            raise CollectionError(
                f"{path}, line {number}: the _id {fields['_id']!r} is there already", hint=_FORM
            )
        seen.add(fields["_id"])
        yield fields


# ---- judgements of one's own ---------------------------------------------------------------------


def own_questions(file: Path, documents: Container[bytes]) -> dict[str, str]:
    """The questions of a file, by number in the order in which they first appear; all of the file
    is checked.

    Raises CollectionError for a line that is no judgement, or that judges what is not among the
    documents, which are paths.
    """
    return _own(file, documents)[0]


def own_judgements(file: Path, documents: Container[bytes]) -> list[Judgement]:
    """The judgements of a file, each pair of question and document once; raises as
    `own_questions`.
    """
    return _own(file, documents)[1]


def name_of(path: bytes) -> str:
    """The name in a run of a document that has a path: percent-encoded, as in an address, so that
    it is one word of ASCII.
    """
    return quote_from_bytes(path, safe="/!")


def _own(file: Path, documents: Container[bytes]) -> tuple[dict[str, str], list[Judgement]]:
    numbers: dict[str, str] = {}
    grades: dict[tuple[str, str], int] = {}
    first_lines: dict[str, int] = {}
    for line, row in rows(file, [COLUMNS], form=_OWN_FORM):
        where = f"{file}, line {line}"
        question, path, grade = _fields(where, row)
        document = os.fsencode(os.path.normpath(file.parent.absolute() / path))
        if document not in documents:
            raise CollectionError(f"{where}: {path} is not a document of the corpus", hint=_WHERE)
        number = numbers.setdefault(question, str(len(numbers) + 1))
        first_lines.setdefault(number, line)
        if grades.setdefault((number, name_of(document)), grade) != grade:
            raise CollectionError(
                f"{where}: {path} is judged already for this question, with another grade",
                hint="keep one of the two",
            )
    answered = {number for (number, _), grade in grades.items() if grade > 0}
    for number, line in first_lines.items():
        if number not in answered:
            hint = (
                "give it a document with a grade of 1 or more, or leave it out: no ranking "
                "can be right or wrong about it"
            )
            raise CollectionError(f"{file}, line {line}: the question has no answer", hint=hint)
    if not numbers:
        raise CollectionError(f"{file} holds no judgements", hint=_OWN_FORM)
    return {number: question for question, number in numbers.items()}, [
        Judgement(number, document, grade) for (number, document), grade in grades.items()
    ]


def _fields(where: str, row: Mapping[str, object]) -> tuple[str, str, int]:
    """The question, path and grade of a row, which is one of a table or an object of JSON."""
    question, path, grade = (row.get(name) for name in ("question", "path", "grade"))
    if not isinstance(question, str) or not question.strip():
        raise CollectionError(f"{where}: no question", hint=_OWN_FORM)
    if not isinstance(path, str) or not path.strip():
        raise CollectionError(f"{where}: no path", hint=_OWN_FORM)
    try:
        worth = 1 if grade is None or grade == "" else int(str(grade))
    except ValueError as error:
        raise CollectionError(
            f"{where}: the grade {grade!r} is no whole number", hint=_OWN_FORM
        ) from error
    if worth < 0:
        raise CollectionError(f"{where}: the grade {worth} is below 0", hint=_OWN_FORM)
    return question.strip(), path, worth
