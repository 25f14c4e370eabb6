"""Keyword rows with one form of each way to write a word, the file's name, and other forms of what is
written together; a vocabulary beside them, for mistyped words; and what was removed for good.

All rows are made again from the stored text; nothing is embedded again. The last revision that
changes rows makes them: a later one takes `_fill` over.

Revision ID: 0007
Revises: 0006
"""

import json

import sqlalchemy as sa
from alembic import op

from searchapp.lexical import keyword_row
from searchapp.search.spelling import vocabulary

revision = "0007"
down_revision = "0006"

_COLUMNS = "title, headings, body, name, forms"
_COUNT = """
    INSERT INTO vocabulary(word, written, passages) VALUES (?, ?, ?)
    ON CONFLICT(word, written) DO UPDATE SET passages = passages + excluded.passages
"""
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
    op.execute(
        "CREATE TABLE vocabulary (word TEXT NOT NULL, written TEXT NOT NULL, "
        "passages INTEGER NOT NULL, PRIMARY KEY (word, written)) WITHOUT ROWID"
    )
    op.create_table("exclusion", sa.Column("path", sa.LargeBinary, primary_key=True))
    _fill(connection)


def _fill(connection: sa.Connection) -> None:
    last = 0
    while passages := connection.exec_driver_sql(_PASSAGES, (last, _AT_ONCE)).all():
        rows = [
            (i, *keyword_row(path, title, json.loads(headings), body))
            for i, path, title, headings, body in passages
        ]
        connection.exec_driver_sql(
            f"INSERT INTO keywords(rowid, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows
        )
        if words := vocabulary(row[1:] for row in rows):
            connection.exec_driver_sql(_COUNT, words)
        last = passages[-1][0]
