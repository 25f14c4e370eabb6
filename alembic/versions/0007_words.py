"""Keyword rows with one form of each way to write a word, the file's name, and other forms of what is
written together.

All rows are made again from the stored text; nothing is embedded again. The last revision that
changes rows makes them: a later one takes `_fill` over.

Revision ID: 0007
Revises: 0006
"""

import json

import sqlalchemy as sa
from alembic import op

from searchapp.lexical import keyword_row

revision = "0007"
down_revision = "0006"

_COLUMNS = "title, headings, body, name, forms"
_AT_ONCE = 1000
_PASSAGES = """
    SELECT p.id, CAST(d.path AS BLOB), d.title, p.headings,
           substr(t.text, p.start + 1, p."end" - p.start)
    FROM passage p JOIN document d ON d.id = p.document_id
    JOIN document_text t ON t.document_id = d.id
    WHERE p.id > ? ORDER BY p.id LIMIT ?
"""


def upgrade() -> None:
    connection = op.get_bind()
    op.execute("DROP TABLE keywords")
    op.execute(
        f"CREATE VIRTUAL TABLE keywords USING fts5({_COLUMNS}, content='', "
        "tokenize='porter unicode61 remove_diacritics 2')"
    )
    _fill(connection)


def _fill(connection: sa.Connection) -> None:
    last = 0
    while passages := connection.exec_driver_sql(_PASSAGES, (last, _AT_ONCE)).all():
        connection.exec_driver_sql(
            f"INSERT INTO keywords(rowid, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (i, *keyword_row(path, title, json.loads(headings), body))
                for i, path, title, headings, body in passages
            ],
        )
        last = passages[-1][0]
