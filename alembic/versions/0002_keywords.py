"""Keyword rows.

Contentless: the index holds terms and positions only, as the text stands in document_text already.
Deleting a row means giving FTS5 its values again, which `lexical.keyword_row` derives.

Revision ID: 0002
Revises: 0001
"""

import json

import sqlalchemy as sa
from alembic import op

from searchapp.lexical import keyword_row

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql(
        "CREATE VIRTUAL TABLE keywords USING fts5(title, headings, body, content='', "
        "tokenize='porter unicode61 remove_diacritics 2')"
    )
    rows = connection.execute(
        sa.text(
            'SELECT p.id, d.title, p.headings, substr(t.text, p.start + 1, p."end" - p.start) '
            "FROM passage p JOIN document d ON d.id = p.document_id JOIN document_text t ON "
            "t.document_id = d.id"
        )
    )
    for passage_id, title, headings, body in rows:
        connection.exec_driver_sql(
            "INSERT INTO keywords(rowid, title, headings, body) VALUES (?, ?, ?, ?)",
            (passage_id, *keyword_row(title, json.loads(headings), body)),
        )
