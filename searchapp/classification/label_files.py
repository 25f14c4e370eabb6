"""Files that say which label things have, or what a label means: tables with two columns, or a
folder for each label.

A table is CSV, or TSV by its name or its first line. With a header it has a column `label`, and
`path`, `text` or `description`; without one, the label comes last, or first where it is described.
A path is looked for beside the table, then in the working directory. Knows no corpus and reads no
file but the table.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from searchapp.errors import ClassifierError

_PATHS, _TEXTS = ("path", "file", "document"), ("text", "sentence")
_MOST_NAME = 100  # characters
_MOST_CELL = 2**27  # characters


class LabeledItem(NamedTuple):
    """A text, or the absolute path of a file or a document, and its label."""

    item: str
    label: str
    is_path: bool


def read_labels(source: Path) -> list[LabeledItem]:
    """The rows of a table, or of a folder in which each folder is a label. Raises ClassifierError
    for what is neither.
    """
    if source.is_dir():
        return list(_of_folder(source))
    header, rows = _table(source, items=(*_PATHS, *_TEXTS))
    kind = header[0] if header else ""
    items = []
    for number, (item, label) in rows:
        path = _path(item, source, certain=kind in _PATHS) if kind not in _TEXTS else None
        items.append(
            LabeledItem(
                path or item,
                label_name(label, f"line {number} of {source}"),
                is_path=path is not None,
            )
        )
    if not items:
        raise ClassifierError(
            f"{source} holds no rows", hint="give it rows of a text or a path, and a label"
        )
    return items


def read_descriptions(source: Path) -> dict[str, str]:
    """What each label means, in the order of the table. Raises ClassifierError for what is no such
    table, or two rows of one label.
    """
    header, rows = _table(source, items=("description",))
    descriptions: dict[str, str] = {}
    for number, (first, second) in rows:
        description, name = (first, second) if header else (second, first)
        label = label_name(name, f"line {number} of {source}")
        if label in descriptions or not description.strip():
            problem = "again" if label in descriptions else "without a description"
            raise ClassifierError(
                f"line {number} of {source} has the label {label!r} {problem}",
                hint="give each label one row: label,description",
            )
        descriptions[label] = description.strip()
    if len(descriptions) < 2:
        raise ClassifierError(
            f"{source} describes fewer than two labels",
            hint="give it a row a label: label,description",
        )
    return descriptions


def label_name(text: str, where: str) -> str:
    """A label's name without outer white space. Raises ClassifierError for one that is empty, too
    long, or cannot be shown.
    """
    name = text.strip()
    if not name or len(name) > _MOST_NAME or not name.isprintable():
        raise ClassifierError(
            f"{where} has no label that could be one: {name[:40]!r}",
            hint=f"a label is a line of 1 to {_MOST_NAME} characters",
        )
    return name


def _of_folder(folder: Path) -> Iterator[LabeledItem]:
    """The files below each folder in the folder, but for hidden ones."""
    folders = [
        subfolder
        for subfolder in sorted(folder.iterdir())
        if subfolder.is_dir() and not subfolder.name.startswith(".")
    ]
    if not folders:
        raise ClassifierError(
            f"{folder} has no folders in it", hint="make a folder for each label, with files in it"
        )
    for subfolder in folders:
        for path in sorted(subfolder.rglob("*")):
            is_hidden = any(part.startswith(".") for part in path.relative_to(subfolder).parts)
            if path.is_file() and not is_hidden:
                place = os.path.abspath(path)  # noqa: PTH100 - keeps links
                yield LabeledItem(place, label_name(subfolder.name, str(subfolder)), is_path=True)


def _table(
    source: Path, *, items: Sequence[str]
) -> tuple[tuple[str, str] | None, Iterator[tuple[int, tuple[str, str]]]]:
    """The names of a table's two columns that count, where it has a header, and their cells with
    the line that they end in.
    """
    csv.field_size_limit(_MOST_CELL)
    try:
        text = source.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise ClassifierError(
            f"cannot read {source}: {reason}",
            hint="name a table with a label a row, or a folder with a folder a label",
        ) from error
    lines = text.splitlines(keepends=True)
    is_tabbed = source.suffix.lower() in (".tsv", ".tab") or (
        source.suffix.lower() != ".csv" and "\t" in next(iter(lines), "")
    )
    reader = (
        csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        if is_tabbed
        else csv.reader(lines, strict=True)
    )
    numbered = _numbered(source, reader)
    first = next(numbered, (0, []))
    names = [cell.strip().casefold() for cell in first[1]]
    item = next((name for name in items if name in names), None)
    if item is not None and "label" in names:
        columns = (names.index(item), names.index("label"))
        return (item, "label"), _cells(source, numbered, columns, max(columns) + 1)
    return None, _cells(source, iter([first, *numbered] if first[1] else []), (0, 1), 2, exact=True)


def _numbered(source: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, with the line that each ends in."""
    number = 0
    try:
        for row in reader:
            number = getattr(reader, "line_num", number + 1)
            if any(cell.strip() for cell in row):
                yield number, row
    except csv.Error as error:
        raise ClassifierError(
            f"line {number + 1} of {source} is no row of a table: {error}",
            hint="put cells with commas in double quotes",
        ) from error


def _cells(
    source: Path,
    rows: Iterator[tuple[int, list[str]]],
    columns: tuple[int, int],
    width: int,
    *,
    exact: bool = False,
) -> Iterator[tuple[int, tuple[str, str]]]:
    for number, row in rows:
        if len(row) < width or (exact and len(row) > width):
            hint = (
                "put cells with commas in double quotes, or name the columns in a first "
                "row: text,label"
            )
            raise ClassifierError(
                f"line {number} of {source} has {len(row)} cells, not {width}", hint=hint
            )
        yield number, (row[columns[0]], row[columns[1]])


def _path(item: str, table: Path, *, certain: bool) -> str | None:
    """The absolute path that a cell names, if there is a file, or if it is certain that the cell is
    a path.
    """
    places = [
        os.path.abspath(os.path.join(folder, os.path.expanduser(item)))  # noqa: PTH100, PTH111, PTH118
        for folder in (table.absolute().parent, ".")
    ]
    for place in places:
        if len(item) < 4096 and "\0" not in item and os.path.isfile(place):  # noqa: PTH113 - the text may be too long for a path
            return place
    return places[0] if certain else None
