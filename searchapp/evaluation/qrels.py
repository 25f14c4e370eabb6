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

from searchapp.errors import CollectionError, UsageError
from searchapp.evaluation.tabular import rows
from searchapp.search.query import Query

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
    none, or a question that nobody could ask.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise CollectionError(f"{folder} has no {name}", hint=_FORM)
    judged = {judgement.question for judgement in collection_judgements(folder)}
    path = folder / "queries.jsonl"
    questions = {}
    for number, record in _numbered_records(path):
        if record["_id"] in judged:
            _require_question(f"{path}, line {number}", record["text"])
            questions[record["_id"]] = record["text"]
    if not questions:
        raise CollectionError(
            f"{folder}: no question of queries.jsonl is judged in qrels/test.tsv", hint=_FORM
        )
    return questions


def collection_judgements(folder: Path) -> Iterator[Judgement]:
    """The judgements of a collection, in the order of the file; blank lines are none."""
    path = folder / "qrels" / "test.tsv"
    for number, raw in enumerate(path.read_bytes().splitlines(), start=1):
        where = f"{path}, line {number}"
        try:
            fields = raw.decode("utf-8-sig" if number == 1 else "utf-8").split("\t")
        except UnicodeDecodeError as error:
            raise CollectionError(f"{where}: not UTF-8", hint="save the file as UTF-8") from error
        is_header = number == 1 and not _is_number("".join(fields[2:3]))
        if is_header or not raw.strip():
            continue
        try:
            question, document, grade = fields
            yield Judgement(question, document, _whole(grade))
        except ValueError as error:
            raise CollectionError(
                f"{where}: not `query-id, corpus-id, score`, a whole number", hint=_FORM
            ) from error


def collection_records(path: Path) -> Iterator[dict[str, str]]:
    """The records of a file, a line each, with _id, text and title; blank lines are none."""
    return (record for _, record in _numbered_records(path))


def _numbered_records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The records of a file, each with the number of its line."""
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
            fields["_id"].encode()  # half a character, as JSON can have it, is no text
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CollectionError(
                f"{path}, line {number}: no record with _id and text", hint=_FORM
            ) from error
        if fields["_id"] in seen:
            raise CollectionError(
                f"{path}, line {number}: the _id {fields['_id']!r} is there already", hint=_FORM
            )
        seen.add(fields["_id"])
        yield number, fields


def _require_question(where: str, text: str) -> None:
    """Raise CollectionError for a text that no query takes."""
    try:
        Query(text)
    except UsageError as error:
        raise CollectionError(
            f"{where}: {error}", hint="give the question a text, or take its judgements out"
        ) from error


def _whole(number: str) -> int:
    """A number as a whole one, "1.0" too; raises ValueError for another."""
    value = float(number)
    if not value.is_integer():
        raise ValueError(f"no whole number: {number}")
    return int(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
