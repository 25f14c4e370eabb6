"""The keyword rows of documents in languages that have stems, by these; and which languages they are.

The rows are made again from the stored text, those of other documents stay as they are; nothing is
embedded again. The last revision that changes rows makes them so: a later one takes `_rows` over.

Revision ID: 0008
Revises: 0007
"""

import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

from searchapp.backends.sqlite import fts
from searchapp.lexical import keyword_row
from searchapp.search.stemming import has_stems
from searchapp.types.languages import language_in

revision = "0008"
down_revision = "0007"

_DOCUMENTS = "SELECT id, metadata FROM document WHERE metadata LIKE '%\"language\"%'"
_PASSAGES = """
    SELECT p.id, CAST(d.path AS BLOB), d.title, p.headings,
           substr(t.text, p.start + 1, p."end" - p.start)
    FROM passage p JOIN document d ON d.id = p.document_id
    JOIN document_text t ON t.document_id = d.id
    WHERE d.id = ? ORDER BY p.id
"""


def upgrade() -> None:
    connection = op.get_bind()
    op.execute(
        "CREATE TABLE stemmed_language (language TEXT NOT NULL, passages INTEGER NOT NULL, "
        "PRIMARY KEY (language)) WITHOUT ROWID"
    )
    execute = connection.exec_driver_sql
    for language, rows in _rows(connection):
        fts.take_out(execute, [(*row, "") for row in rows])
        fts.add(execute, [(*row, language) for row in rows])


def _rows(connection: sa.Connection) -> Iterator[tuple[str, list[tuple[int | str, ...]]]]:
    """Of each document in a language that has stems: this, and its rows without it."""
    for document_id, metadata in connection.exec_driver_sql(_DOCUMENTS).all():
        language = language_in(json.loads(metadata))
        if has_stems(language):
            passages = connection.exec_driver_sql(_PASSAGES, (document_id,)).all()
            yield (
                language,
                [
                    (i, *keyword_row(path, title, json.loads(headings), body))
                    for i, path, title, headings, body in passages
                ],
            )
