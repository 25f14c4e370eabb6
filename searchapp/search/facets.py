"""How the best documents of an answer are spread: by type, folder, year and label.

Counted over the documents of the ranked passages, the first hundred at most, not only over those
shown. Each value can
be asked for as a filter. Knows the seam SearchReader.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from searchapp.types.dates import date_of
from searchapp.types.documents import MEMBER

if TYPE_CHECKING:
    from searchapp.types.documents import Address, DocumentRow
    from searchapp.types.protocols import SearchReader

MOST_DOCUMENTS = 100  # that are counted

Facets = Mapping[str, tuple[tuple[str, int], ...]]  # by name, value and count, the most first


def facets(reader: SearchReader, addresses: Iterable[Address], names: Sequence[str]) -> Facets:
    """How many of the best documents have each value of some facets; `addresses` are those of the
    ranked passages, best first.
    """
    if not names:
        return {}
    ids = list(dict.fromkeys(address.document_id for address in addresses))[:MOST_DOCUMENTS]
    rows = reader.rows_of(ids)
    values = {
        "type": lambda row: [row.type],
        "folder": _folders(rows),
        "year": lambda row: [date_of(row.dated_ns)[:4]],
        "label": lambda row: [label.name for label in row.labels],
    }
    return {name: _counted(rows, values[name]) for name in names}


def _counted(
    rows: Sequence[DocumentRow], values: Callable[[DocumentRow], Iterable[str]]
) -> tuple[tuple[str, int], ...]:
    counts = Counter(value for row in rows for value in values(row))
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _folders(rows: Sequence[DocumentRow]) -> Callable[[DocumentRow], list[str]]:
    """What gives a document the folder that tells it from the others: the first one below the
    folder that all are in, or that one itself.
    """
    folders = {row.id: os.path.dirname(row.path.partition(MEMBER)[0]) for row in rows}  # noqa: PTH120 - bytes
    shared = os.path.commonpath(list(folders.values())) if folders else b""

    def folder(row: DocumentRow) -> list[str]:
        below = os.path.relpath(folders[row.id], shared).split(b"/")[0]
        return [os.fsdecode(shared if below == b"." else os.path.join(shared, below))]  # noqa: PTH118 - bytes

    return folder
