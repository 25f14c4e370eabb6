"""Named values to parts of a text: "name: value" lines, one record together.

JSON and XML come here as fields; this module does not know which of the two they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from searchapp.extract.builder import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from searchapp.types.documents import Place


FieldPath: TypeAlias = tuple[str, ...]
_MAX_PART = 1000  # characters of a record after which its next field starts a new part
MAX_NAMES = 8  # in a path; the innermost are kept
_MAX_LISTED = 60  # characters of a value that shares a line with its neighbours


@dataclass(frozen=True, slots=True)
class Field:
    """A named value: the names above it, outermost first, its line, and the number of the record
    that it belongs to.
    """

    path: FieldPath
    value: str
    line: int
    record: int
    # false for what stands beside the records: a title of the whole, say
    is_in_record: bool = False

    @property
    def text(self) -> str:
        """The field on a line of its own."""
        name = ".".join(self.path)
        return f"{name}: {self.value}" if name else self.value


def record_parts(fields: Iterable[Field], *, numbered: bool) -> Iterator[Part]:
    """A part a record; a long record takes several. Places are the lines where parts begin."""
    lines: list[str] = []
    first = last = None
    for field in fields:
        if first and last and (field.record != last.record or sum(map(len, lines)) > _MAX_PART):
            yield Part("table", "\n".join(lines), place=_line(first, numbered))
            lines, first, last = [], None, None
        if last and _is_listed(last, field):
            lines[-1] += f", {field.value}"
        else:
            lines.append(field.text)
        first, last = first or field, field
    if first:
        yield Part("table", "\n".join(lines), place=_line(first, numbered))


def _is_listed(before: Field, field: Field) -> bool:
    """True for short values under one name, which share a line."""
    return (
        before.path == field.path != () and max(len(before.value), len(field.value)) <= _MAX_LISTED
    )


def _line(field: Field, numbered: bool) -> Place:
    return (("line", field.line),) if numbered else ()


def title_of(fields: Sequence[Field]) -> str:
    """The first field named "title" beside the records, on one line; "" where there is none."""
    return next(
        (
            " ".join(field.value.split())
            for field in fields
            if field.path[-1:] == ("title",) and not field.is_in_record
        ),
        "",
    )
