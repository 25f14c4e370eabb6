"""The texts of all passages of a document, which is read once: for each that SQLite cuts out, it
goes through the document's text from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

# The last columns of a statement that gives whole documents, in order of passages' ids.
COLUMNS = 'p.start, p."end", CASE WHEN p.id = d.first_passage_id THEN t.text END'


def with_bodies(rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of such a statement, each with its passage's text at the end."""
    text = ""
    for *columns, start, end, whole in rows:
        text = text if whole is None else whole
        yield (*columns, start, end, text[start:end])
