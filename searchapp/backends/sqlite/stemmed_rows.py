"""In which languages documents stand in the keyword index by their stems: those of a share of the
corpus's documents. The rows of a language that comes to have it, or loses it, are made again.

The table `stemmed_language` and the rows always agree: both change in one transaction.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from searchapp.backends.sqlite import bodies, fts, language_counts
from searchapp.backends.sqlite.bodies import with_bodies
from searchapp.lexical import keyword_row
from searchapp.search.stemming import languages_to_stem
from searchapp.types.languages import language_in

if TYPE_CHECKING:
    import sqlalchemy as sa

_LANGUAGES = "SELECT language FROM stemmed_language"
_ADD = "INSERT INTO stemmed_language(language) VALUES (?)"
_REMOVE = "DELETE FROM stemmed_language WHERE language = ?"
_IN_SOME = """
    SELECT id, metadata FROM document
    WHERE coalesce(json_extract(metadata, '$.language'), '') <> '' ORDER BY id"""
_PASSAGES = f"""
    SELECT p.id, CAST(d.path AS BLOB), d.title, p.headings, {bodies.COLUMNS}
    FROM passage p JOIN document d ON d.id = p.document_id
    JOIN document_text t ON t.document_id = d.id
    WHERE d.id = ? ORDER BY p.id"""


def stemmed_languages(connection: sa.Connection) -> frozenset[str]:
    """The languages, by code, in which documents stand in the index by their stems."""
    return frozenset(connection.exec_driver_sql(_LANGUAGES).scalars())


def begin(connection: sa.Connection, rows: Iterable[Sequence[int | str]]) -> frozenset[str]:
    """Choose the languages of a corpus without documents by the first rows that it is to have, so
    that they need not be made twice; returns them.
    """
    languages = languages_to_stem(Counter(str(row[-1]) for row in rows))
    for language in sorted(languages):
        connection.exec_driver_sql(_ADD, (language,))
    return languages


def settle(connection: sa.Connection) -> bool:
    """Choose the languages by all documents, and make the rows again that are to be otherwise;
    returns whether any are.
    """
    before = stemmed_languages(connection)
    (counts,) = connection.exec_driver_sql(language_counts.ALL).one()
    after = languages_to_stem(json.loads(counts), before)
    changed = before ^ after
    for language in sorted(changed):
        connection.exec_driver_sql(_ADD if language in after else _REMOVE, (language,))
    for document_id, metadata in connection.exec_driver_sql(_IN_SOME).all() if changed else ():
        language = language_in(json.loads(metadata))
        if language in changed:
            rows = _rows(connection, document_id, language)
            fts.take_out(connection.exec_driver_sql, rows, before)
            fts.add(connection.exec_driver_sql, rows, after)
    return bool(changed)


def _rows(
    connection: sa.Connection, document_id: int, language: str
) -> list[tuple[int | str, ...]]:
    passages = with_bodies(connection.exec_driver_sql(_PASSAGES, (document_id,)))
    return [
        (i, *keyword_row(path, title, json.loads(headings), body), language)
        for i, path, title, headings, _, _, body in passages
    ]
