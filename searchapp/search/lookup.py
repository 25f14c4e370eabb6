"""One document of many, by its path, a glob, its file's name or its id; and one passage by its id.

Knows the seams CatalogReader and DocumentReader.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from searchapp.errors import DocumentMissing, Gone, PassageMissing, SearchappError
from searchapp.humanize import did_you_mean, one_line
from searchapp.types.filters import Filters
from searchapp.types.places import is_glob

if TYPE_CHECKING:
    from searchapp.types.documents import DocumentRow, Hit
    from searchapp.types.protocols import CatalogReader, DocumentReader
    from searchapp.types.results import OpenDocument

_EXAMPLES = 3  # of several documents, that an error names


def one_document(reader: CatalogReader, place: str, name: str | None = None) -> DocumentRow:
    """The document at a path or glob, else the one whose file has a name. Raises DocumentMissing
    unless there is exactly one.
    """
    rows = list(reader.rows(Filters(within=(place,))))
    if not rows and name:
        rows = _named(reader.rows(Filters()), name, is_literal=not is_glob(place))
    if len(rows) != 1:
        raise no_document(reader, place, rows, name)
    return rows[0]


def has_name(path: bytes, name: str) -> bool:
    """Whether a file's name has a text in it, or matches it as a glob; case and the form of accents
    do not count.
    """
    own, wanted = _comparable(_file_name(path)), _comparable(name)
    return wanted in own or fnmatchcase(own, wanted)


def _named(rows: Iterable[DocumentRow], name: str, *, is_literal: bool) -> list[DocumentRow]:
    """The documents whose file has a name: to the letter; where there is none, but for its ending;
    else with it in theirs or, unless it is literal, as a glob.
    """
    wanted = _comparable(name)
    names = [(row, _comparable(_file_name(row.path))) for row in rows if has_name(row.path, name)]
    exact = [row for row, own in names if own == wanted]
    return (
        exact
        or [row for row, own in names if os.path.splitext(own)[0] == wanted]  # noqa: PTH122 - a name alone
        or [row for row, own in names if not is_literal or wanted in own]
    )


def _file_name(path: bytes) -> str:
    return path.decode("utf-8", "replace").rpartition("/")[2]


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def no_document(
    reader: CatalogReader, place: str, rows: Sequence[DocumentRow] = (), name: str | None = None
) -> DocumentMissing:
    """The error of a place where there is no document, with the nearest name there is, or where
    there are several.
    """
    if rows:
        first = ", ".join(one_line(os.fsdecode(row.path)) for row in rows[:_EXAMPLES])
        rest = f", and {len(rows) - _EXAMPLES:,} more" if len(rows) > _EXAMPLES else ""
        return DocumentMissing(
            f"{len(rows):,} documents at {place}", hint=f"name one of them: {first}{rest}"
        )
    asked = name or place.rpartition("/")[2]
    paths = {_file_name(row.path): os.fsdecode(row.path) for row in reader.rows(Filters())}
    meant = did_you_mean(asked, paths, shown=lambda near: paths[near] if near == asked else near)
    return DocumentMissing(
        f"no document at {place}{meant}", hint="name one document, as `searchapp list` shows it"
    )


# ---- by id ---------------------------------------------------------------------------------------


def document_of(reader: DocumentReader, document_id: int) -> OpenDocument:
    """The document of an id. Raises Gone where it has left the corpus, and DocumentMissing where it
    was never there.
    """
    document = reader.document(document_id)
    if document is None:
        raise no_document_of(reader, document_id)
    return document


def passage_of(reader: DocumentReader, passage_id: int) -> Hit:
    """The passage of an id. Raises Gone where it has left the corpus, and PassageMissing where it
    was never there.
    """
    hits = reader.passages_around(passage_id, 0, 0)
    if not hits:
        raise no_passage_of(reader, passage_id)
    return hits[0]


def no_document_of(reader: DocumentReader, document_id: int) -> SearchappError:
    """The error of an id that no document has."""
    if 0 < document_id <= reader.highest_ids()[0]:
        return _gone("document", document_id)
    return DocumentMissing(f"there is no document {document_id}", hint="ids are in each answer")


def no_passage_of(reader: DocumentReader, passage_id: int) -> SearchappError:
    """The error of an id that no passage has."""
    if 0 < passage_id <= reader.highest_ids()[1]:
        return _gone("passage", passage_id)
    return PassageMissing(f"there is no passage {passage_id}", hint="ids are in each answer")


def _gone(what: str, number: int) -> Gone:
    return Gone(
        f"{what} {number} has left the corpus",
        hint="its file was changed, moved or removed since: ask again",
    )
