"""Tables and folders that say which label things have, and what labels mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from searchapp.classification.label_files import (
    LabeledItem,
    label_name,
    read_descriptions,
    read_labels,
)
from searchapp.errors import ClassifierError


def written(folder: Path, text: str, name: str = "labels.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_without_a_header_the_label_comes_last_and_what_is_a_file_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "bill.pdf").touch()
    table = written(tmp_path, '\ufeffbill.pdf,invoice\n\n"Dear Anna, hello", letter \n')
    assert read_labels(table) == [
        LabeledItem(str(tmp_path / "bill.pdf"), "invoice", is_path=True),
        LabeledItem("Dear Anna, hello", "letter", is_path=False),
    ]


@pytest.mark.parametrize("name", ["labels.tsv", "labels.txt"])
def test_a_table_with_tabs_takes_quotes_as_they_are(tmp_path: Path, name: str) -> None:
    table = written(tmp_path, 'a "good" film , really\t1\nbad"\t0\n', name)
    assert read_labels(table) == [
        LabeledItem('a "good" film , really', "1", is_path=False),
        LabeledItem('bad"', "0", is_path=False),
    ]


def test_a_header_names_the_columns_that_count(tmp_path: Path) -> None:
    table = written(tmp_path, "id,Label,PATH\n7,invoice,gone.pdf\n")
    assert read_labels(table) == [LabeledItem(str(tmp_path / "gone.pdf"), "invoice", is_path=True)]
    (tmp_path / "word").touch()
    assert read_labels(written(tmp_path, "text,label\nword,x\n")) == [
        LabeledItem("word", "x", is_path=False)
    ]


def test_a_path_is_looked_for_beside_the_table_then_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "here.txt").touch()
    monkeypatch.chdir(tmp_path)
    table = written(tmp_path / "there", "here.txt,x\n")
    assert read_labels(table) == [LabeledItem(str(tmp_path / "here.txt"), "x", is_path=True)]
    (tmp_path / "there/here.txt").touch()
    assert read_labels(table) == [LabeledItem(str(tmp_path / "there/here.txt"), "x", is_path=True)]


def test_a_folder_with_a_folder_a_label_has_the_files_below_each(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a/deep/1.txt", "a/.hidden", ".git/x", "loose.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [(os.path.relpath(row.item, tmp_path), row.label) for row in read_labels(tmp_path)] == [
        ("a/deep/1.txt", "a"),
        ("b/2.txt", "b"),
    ]
    with pytest.raises(ClassifierError, match="no folders in it"):
        read_labels(tmp_path / "b")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b,c\n", "line 1 of .* has 3 cells, not 2"),
        ("text,label\n\nonly one\n", "line 3 of .* has 1 cells, not 2"),
        ("word, \n", "line 1 of .* has no label"),
        ('"open,x\n', "line 1 of .* is no row"),
        ("", "holds no rows"),
        ("text,label\n", "holds no rows"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_line(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(ClassifierError, match=told) as caught:
        read_labels(written(tmp_path, text))
    assert caught.value.hint


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"caf\xe9,x\n")
    for name in ("latin.csv", "none.csv"):
        with pytest.raises(ClassifierError, match="cannot read"):
            read_labels(tmp_path / name)


def test_descriptions_come_behind_their_labels_or_as_the_header_says(tmp_path: Path) -> None:
    expected = {"bill": "an invoice, to be paid", "letter": "a letter to a friend"}
    assert (
        read_descriptions(
            written(tmp_path, 'bill,"an invoice, to be paid"\nletter,a letter to a friend\n')
        )
        == expected
    )
    assert (
        read_descriptions(
            written(
                tmp_path,
                'description,label\n"an invoice, to be paid",bill\na letter to a friend,letter\n',
            )
        )
        == expected
    )


@pytest.mark.parametrize("text", ["a,one\n", "a,one\na,two\n", "a,one\nb,\n"])
def test_descriptions_that_tell_nothing_apart_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ClassifierError):
        read_descriptions(written(tmp_path, text))


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\x1b[2Jb", "\udcff"])
def test_a_label_is_a_line_that_can_be_shown(name: str) -> None:
    with pytest.raises(ClassifierError, match="no label that could be one"):
        label_name(name, "the command line")
    assert label_name(" to pay ", "here") == "to pay"
