"""The sample documents and what they are judged to answer: well-formed, and fair to a search by
meaning.

A question is *disjoint* from a document if they share no content word: no stem of the question,
stop words aside, occurs anywhere in the document. Such questions cannot be answered by comparing
words, so a third of all must be of that kind.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

from searchapp.extract.entries import extract
from tests.builders import pdfs
from tests.paths import DATA, JUDGEMENTS, TEST_DATA

SOURCES = TEST_DATA / "pdf_sources"
ENDINGS = {".html", ".md", ".pdf", ".py", ".rst", ".txt"}
APART = (DATA / "manuals", DATA / "codenames")  # which have judgements of their own
# Function words, and nothing that could tell one document from another.
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        about after again against all am an and any are as at be because been before between but by can could did do does down during for
        from has have how if in is it its may me must my no not of off on once or our over should that the their then there they this
        through to too up us was we what when where which who whom why will with without would you your
        """,
    )
)


def test_every_question_has_an_id_of_its_own_and_a_text() -> None:
    rows = [
        json.loads(line)
        for line in (JUDGEMENTS / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert all(set(row) == {"_id", "text"} for row in rows)
    assert (
        len({row["_id"] for row in rows}) == len({row["text"] for row in rows}) == len(rows) >= 80
    )


def test_every_question_has_a_full_answer_and_every_answer_a_question() -> None:
    fully_answered = {question for question, _, score in judgements() if score == 2}
    assert fully_answered == set(questions())
    assert {question for question, _, _ in judgements()} == set(questions())


def test_judgements_are_unique_and_graded_one_or_two() -> None:
    pairs = [(question, path) for question, path, _ in judgements()]
    assert len(set(pairs)) == len(pairs)
    assert {score for _, _, score in judgements()} == {1, 2}


def test_every_judged_path_is_a_document_in_posix_form() -> None:
    for _, path, _ in judgements():
        assert str(PurePosixPath(path)) == path
        assert (DATA / path).is_file(), path


def test_the_samples_are_at_least_forty_documents_in_all_six_formats() -> None:
    counts = Counter(path.suffix for path in documents())
    assert set(counts) == ENDINGS
    assert counts.total() >= 40


def test_every_document_answers_a_question() -> None:
    judged = {path for _, path, _ in judgements()}
    assert {path.relative_to(DATA).as_posix() for path in documents()} - judged == set()


def test_one_text_file_is_latin_1_and_all_others_are_utf_8() -> None:
    others = [
        path.name
        for path in documents()
        if path.suffix != ".pdf" and not _is_utf_8(path.read_bytes())
    ]
    assert others == ["tarte-aux-mirabelles.txt"]


def test_a_third_of_the_questions_share_no_content_word_with_their_document() -> None:
    answers = {(question, path) for question, path, score in judgements() if score == 2}
    disjoint = {
        question
        for question, path in answers
        if not content_words(questions()[question]) & content_words(source_text(path))
    }
    assert 3 * len(disjoint) >= len(questions())


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in SOURCES.glob("*.txt")))
def test_each_pdf_reads_as_its_source_renders(name: str) -> None:
    source = pdfs.parse(SOURCES / f"{name}.txt")
    assert extract(source.target.read_bytes(), source.target.name) == extract(
        pdfs.render(source), source.target.name
    )


def test_rendering_a_source_again_gives_the_same_bytes() -> None:
    source = pdfs.parse(SOURCES / "entropy-explained.txt")
    assert pdfs.render(source) == pdfs.render(source)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What do I do if the heating breaks?", {"heati", "break"}),
        ("Boiler fault: call Bram", {"boile", "fault", "call", "bram"}),
        ("stay, stays, STAYING", {"stay", "stayi"}),
        ("longest_pause_s of Gran's", {"longe", "pause", "gran"}),
    ],
)
def test_content_words_are_stems_without_stop_words(text: str, words: set[str]) -> None:
    assert content_words(text) == words


def questions() -> dict[str, str]:
    """The questions by id."""
    lines = (JUDGEMENTS / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["_id"]: row["text"] for row in map(json.loads, lines)}


def judgements() -> list[tuple[str, str, int]]:
    """Question id, path below data/, and score of each judgement."""
    header, *lines = (JUDGEMENTS / "qrels.tsv").read_text(encoding="utf-8").splitlines()
    assert header == "query-id\tpath\tscore"
    rows = [line.split("\t") for line in lines]
    return [(question, path, int(score)) for question, path, score in rows]


def documents() -> list[Path]:
    """The sample documents but those that have judgements of their own."""
    return sorted(
        path for path in DATA.rglob("*") if path.is_file() and not set(APART) & set(path.parents)
    )


def content_words(text: str) -> set[str]:
    """The stems (the first five letters, plural s dropped) of all words but stop words and single
    letters.
    """
    return {
        word.rstrip("s")[:5]
        for word in re.findall(r"[^\W_]{2,}", text.lower())
        if word not in STOP_WORDS
    }


def source_text(path: str) -> str:
    """All words of a document: of a PDF those of its source, of a web page those of its
    menus too.
    """
    if path.endswith(".pdf"):
        return (SOURCES / f"{PurePosixPath(path).stem}.txt").read_text(encoding="utf-8")
    content = (DATA / path).read_bytes()
    text = content.decode("utf-8" if _is_utf_8(content) else "latin-1")
    return html.unescape(re.sub(r"<[^>]+>", " ", text)) if path.endswith(".html") else text


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
