"""The rows of a file that people write: a table with a header, separated by commas, semicolons or
tabs, or a JSON object a line.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from searchapp.errors import CollectionError


def rows(
    file: Path, columns: Sequence[tuple[str, ...]], *, form: str
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """The rows of a file, each with its line and by column; its content says whether it is JSON or
    a table.

    The header of a table names, in any case, all of one of the `columns`. Raises CollectionError
    for what cannot be read, with `form` as the hint.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CollectionError(f"cannot read {file}: {error.strerror}", hint=form) from error
    except UnicodeDecodeError as error:
        raise CollectionError(
            f"{file} is not UTF-8", hint="save it as UTF-8; Excel calls that `CSV UTF-8`"
        ) from error
    return (
        _json_rows(file, text, form)
        if text.lstrip().startswith("{")
        else _table_rows(file, text, columns, form)
    )


def _json_rows(file: Path, text: str, form: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise CollectionError(f"{file}, line {number}: no JSON", hint=form) from error
        if not isinstance(row, dict):
            raise CollectionError(f"{file}, line {number}: no JSON object", hint=form)
        yield number, row


def _table_rows(
    file: Path, text: str, columns: Sequence[tuple[str, ...]], form: str
) -> Iterator[tuple[int, Mapping[str, object]]]:
    named = {delimiter: set(_columns(_table(text, delimiter))) for delimiter in ",;\t"}
    delimiter = next(
        (
            candidate
            for candidate in named
            if any(named[candidate].issuperset(wanted) for wanted in columns)
        ),
        None,
    )
    if delimiter is None:
        wanted = ", or ".join(" and ".join(names) for names in columns)
        raise CollectionError(f"{file}, line 1: no header with the columns {wanted}", hint=form)
    table = _table(text, delimiter, strict=True)
    table.fieldnames = _columns(table)
    try:
        for row in table:
            if None in row:
                hint = (
                    "put a field that holds "
                    f"{'a tab' if delimiter == chr(9) else repr(delimiter)} in double quotes"
                )
                raise CollectionError(
                    f"{file}, line {table.line_num}: more fields than the header has", hint=hint
                )
            if any(row.values()):
                yield table.line_num, row
    except csv.Error as error:
        raise CollectionError(
            f"{file}, from line {table.line_num + 1} on: {error}", hint=form
        ) from error


def _table(text: str, delimiter: str, *, strict: bool = False) -> csv.DictReader[str]:
    return csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=strict
    )


def _columns(table: csv.DictReader[str]) -> list[str]:
    """The columns that the header names; none where it cannot be read."""
    try:
        return [name.strip().casefold() for name in table.fieldnames or ()]
    except csv.Error:
        return []
