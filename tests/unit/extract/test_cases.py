"""Small files of kinds that people have, one kind a folder: what the text of each must and must not
hold.

`tests/data/cases/CASES.tsv` has a line a file; its last column is what a person reads in it.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from searchapp.errors import FileError
from searchapp.extract.entries import Entry, entries
from tests.paths import TEST_DATA

CASES = TEST_DATA / "cases"


def _rows() -> list[tuple[str, str, str]]:
    """Each file, what its text must hold and what it must not, parts divided by "||"."""
    lines = (CASES / "CASES.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    return [(name, hold, lack) for name, hold, lack, _ in rows if hold or lack]


@pytest.mark.parametrize(
    ("name", "hold", "lack"),
    [pytest.param(*row, id=row[0]) for row in _rows()],
)
def test_a_case_is_read_as_its_owner_sees_it(name: str, hold: str, lack: str) -> None:
    text = _text_of(CASES / name)
    assert [part for part in hold.split("||") if part and part not in text] == []
    assert [part for part in lack.split("||") if part and part in text] == []


def test_every_case_has_a_line() -> None:
    lines = (CASES / "CASES.tsv").read_text(encoding="utf-8").splitlines()[1:]
    files = {path.relative_to(CASES).as_posix() for path in CASES.glob("*/*")}
    assert files == {line.partition("\t")[0] for line in lines}


def _text_of(path: Path) -> str:
    """All that can be found of a file and its members, on one line."""
    pieces = [
        piece for entry in entries(path.read_bytes(), path.name) for piece in _pieces_of(entry)
    ]
    return " ".join(unicodedata.normalize("NFC", "\n".join(pieces)).split())


def _pieces_of(entry: Entry) -> list[str]:
    """A document's name, title, headings and blocks; nothing for what is refused or only holds
    others.
    """
    if entry.is_container:
        return []
    try:
        document = entry.read()
    except FileError:
        return []
    pieces = [entry.member, document.title]
    for block in document.blocks:
        pieces += [*block.headings, document.text[block.start : block.end]]
    return pieces
