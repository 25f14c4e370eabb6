"""What is read from a file of one's own judgements, and what is refused, line by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from searchapp.errors import CollectionError
from searchapp.evaluation.qrels import Judgement, name_of, own_judgements, own_questions

TABLE = (
    "question,path,grade\nwho pays?,lease.md,2\nwhen?,deep/plan.pdf,1\nwho pays?,deep/plan.pdf,0\n"
)


def documents(folder: Path) -> set[bytes]:
    return {
        str(folder / name).encode() for name in ("lease.md", "deep/plan.pdf", "mail.zip!/a, b.eml")
    }


def written(folder: Path, text: str | bytes, name: str = "mine.csv") -> Path:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / name


def read(file: Path) -> list[tuple[str, str, int]]:
    """Question, path below the file's folder, and grade of each judgement."""
    known = documents(file.parent)
    questions, prefix = own_questions(file, known), name_of(f"{file.parent}/".encode())
    return [
        (questions[each.question], each.document.removeprefix(prefix), each.grade)
        for each in own_judgements(file, known)
    ]


def test_a_table_gives_questions_by_number_and_their_judgements(tmp_path: Path) -> None:
    file = written(tmp_path, TABLE)
    assert own_questions(file, documents(tmp_path)) == {"1": "who pays?", "2": "when?"}
    assert own_judgements(file, documents(tmp_path)) == [
        Judgement("1", f"{tmp_path}/lease.md", 2),
        Judgement("2", f"{tmp_path}/deep/plan.pdf", 1),
        Judgement("1", f"{tmp_path}/deep/plan.pdf", 0),
    ]


@pytest.mark.parametrize(
    "text",
    [
        TABLE.replace(",", "\t"),
        TABLE.replace(",", ";"),
        TABLE.replace(",", ", "),
        TABLE.replace("\n", "\r\n"),
        TABLE.replace("\n", "\n\n") + ",,\n",
        "\ufeff" + TABLE,
        TABLE.replace("question,path,grade", "Question , PATH,Grade"),
        TABLE.replace("who pays?", '"who pays?"'),
        "".join(
            json.dumps(row) + "\n \n"
            for row in (
                {"question": "who pays?", "path": "lease.md", "grade": 2},
                {"question": "when?", "path": "deep/plan.pdf"},
                {"question": "who pays?", "path": "deep/plan.pdf", "grade": 0},
            )
        ),
    ],
    ids=["tabs", "semicolons", "blanks", "crlf", "empty lines", "bom", "header", "quotes", "jsonl"],
)
def test_every_form_of_the_same_judgements_reads_the_same(tmp_path: Path, text: str) -> None:
    assert read(written(tmp_path, text)) == [
        ("who pays?", "lease.md", 2),
        ("when?", "deep/plan.pdf", 1),
        ("who pays?", "deep/plan.pdf", 0),
    ]


def test_the_name_of_the_file_does_not_matter(tmp_path: Path) -> None:
    assert read(written(tmp_path, TABLE, "mine.jsonl")) == read(written(tmp_path, TABLE))


@pytest.mark.parametrize("rest", ["", ",", ", "])
def test_a_grade_that_is_not_given_is_one(tmp_path: Path, rest: str) -> None:
    header = "question,path,grade" if rest else "question,path"
    assert read(written(tmp_path, f"{header}\nwhen?,lease.md{rest}\n")) == [
        ("when?", "lease.md", 1)
    ]


def test_columns_may_stand_in_any_order_among_others(tmp_path: Path) -> None:
    assert read(written(tmp_path, "note,path,question\nx,lease.md,when?\n")) == [
        ("when?", "lease.md", 1)
    ]


@pytest.mark.parametrize("path", ["{}/lease.md", "./lease.md", "deep/../lease.md"])
def test_a_path_is_absolute_or_relative_to_the_folder_of_the_file(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert read(written(tmp_path, f"question,path\nwhen?,{path.format(tmp_path)}\n")) == [
        ("when?", "lease.md", 1)
    ]


def test_a_file_named_from_its_own_folder_is_read_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, TABLE)
    monkeypatch.chdir(tmp_path)
    assert own_questions(Path("mine.csv"), documents(tmp_path)) == {"1": "who pays?", "2": "when?"}


def test_a_member_of_an_archive_is_a_document(tmp_path: Path) -> None:
    assert read(written(tmp_path, 'question,path\nwhen?,"mail.zip!/a, b.eml"\n')) == [
        ("when?", "mail.zip!/a%2C%20b.eml", 1)
    ]


def test_a_path_that_is_no_text_can_be_judged(tmp_path: Path) -> None:
    path = bytes(tmp_path) + b"/\xff.md"
    line = json.dumps({"question": "when?", "path": "\udcff.md"})
    (found,) = own_judgements(written(tmp_path, line), {path})
    assert found.document == f"{tmp_path}/%FF.md"


def test_a_judgement_given_twice_counts_once(tmp_path: Path) -> None:
    assert read(written(tmp_path, "question,path\nwhen?,lease.md\nwhen?,./lease.md\n")) == [
        ("when?", "lease.md", 1)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no header"),
        ("query,path\n", "line 1: no header"),
        ('question,path,g,"\0)\n', "holds no judgements"),
        ("question,path\n", "holds no judgements"),
        ("question,path\nwhen?,lease.md\nwhen?,none.md\n", r"line 3: none\.md is not a document"),
        ("question,path\n\nwhen?,none.md\n", "line 3: none"),
        ('question,path\n"two\nlines",none.md\n', "line 3: none"),
        ("question,path\nwhen?\n", "line 2: no path"),
        ("question,path\n,lease.md\n", "line 2: no question"),
        ("question,path\nwhen, then?,lease.md\n", "line 2: more fields than the header"),
        ('question,path\n"when?,lease.md\n', "line 2 on: unexpected end of data"),
        (
            "question,path,grade\nwhen?,lease.md,good\n",
            "line 2: the grade 'good' is no whole number",
        ),
        ("question,path,grade\nwhen?,lease.md,-1\n", "line 2: the grade -1 is below 0"),
        (
            "question,path,grade\nwhen?,lease.md,1\nwhen?,lease.md,2\n",
            r"line 3: lease\.md is judged already",
        ),
        (
            "question,path,grade\nwho?,lease.md,1\nwhen?,lease.md,0\n",
            "line 3: the question has no answer",
        ),
        ('{"question": "when?"}\n', "line 1: no path"),
        ('{"question": 3, "path": "lease.md"}\n', "line 1: no question"),
        ('{"question": "when?", "path": "lease.md", "grade": true}\n', "line 1: the grade True"),
        ('{"question": "when?", "path": "lease.md"}\nnot json\n', "line 2: no JSON"),
        ('{"question": "when?", "path": "lease.md"}\n[]\n', "line 2: no JSON object"),
        (b"question,path\n\xff,lease.md\n", "is not UTF-8"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_a_cure(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(CollectionError, match=message) as caught:
        own_questions(written(tmp_path, text), documents(tmp_path))
    assert caught.value.hint


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(CollectionError, match="cannot read"):
            own_questions(path, set())
