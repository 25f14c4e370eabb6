"""Places of any kind, and files that need not be read again to be left out again.

A passage's page and lines become one JSON object, `place`, which takes slides, sheets, rows and
times too; the digests that cover passages are made anew. What is not indexed keeps what its file
was, so that an unchanged one is not read again.

Revision ID: 0003
Revises: 0002
"""

import json

import sqlalchemy as sa
from alembic import op

from searchapp.backends.sqlite.layout import content_digest

revision = "0003"
down_revision = "0002"

_CONTENT = "type, title, metadata, extractor, splitter, has_lines, first_passage_id, generation"


def upgrade() -> None:
    connection = op.get_bind()
    connection.exec_driver_sql("ALTER TABLE passage ADD COLUMN place TEXT NOT NULL DEFAULT '{}'")
    for passage_id, *values in connection.exec_driver_sql(
        "SELECT id, page, line_start, line_end FROM passage"
    ).all():
        place = {
            name: value
            for name, value in zip(("page", "line_start", "line_end"), values, strict=True)
            if value is not None
        }
        connection.exec_driver_sql(
            "UPDATE passage SET place = ? WHERE id = ?", (json.dumps(place), passage_id)
        )
    for column in ("page", "line_start", "line_end"):
        connection.exec_driver_sql(f"ALTER TABLE passage DROP COLUMN {column}")
    for document_id, *columns in connection.exec_driver_sql(
        f"SELECT id, {_CONTENT} FROM document"
    ).all():
        text = (
            connection.exec_driver_sql(
                "SELECT text FROM document_text WHERE document_id = ?", (document_id,)
            ).scalar()
            or ""
        )
        statement = (
            'SELECT start, "end", place, headings, text_digest FROM passage WHERE '
            "document_id = ? ORDER BY id"
        )
        rows = [tuple(row) for row in connection.exec_driver_sql(statement, (document_id,))]
        digest = content_digest(columns, text, rows)
        connection.exec_driver_sql(
            "UPDATE document SET content_digest = ? WHERE id = ?", (digest, document_id)
        )
    for name in ("size", "mtime_ns", "ctime_ns", "inode", "hashed_at_ns"):
        op.add_column("unindexed", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("unindexed", sa.Column("content_hash", sa.LargeBinary(), nullable=True))
    op.add_column("unindexed", sa.Column("extractor", sa.Text(), nullable=True))
