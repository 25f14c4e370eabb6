"""Documents, passages and vectors.

Revision ID: 0001
Revises:
"""

import time
import uuid

import sqlalchemy as sa
from alembic import op

from searchapp.backends.sqlite.layout import APPLICATION_ID

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    corpus = op.create_table(
        "corpus",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("created_at_ns", sa.Integer(), nullable=False),
        sa.Column("ingested_at_ns", sa.Integer(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
    )
    row = {
        "id": 1,
        "uuid": str(uuid.uuid4()),
        "generation": 0,
        "created_at_ns": time.time_ns(),
        "ingested_at_ns": None,
        "digest": b"",
    }
    op.bulk_insert(corpus, [row])
    op.create_table(
        "encoding",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("dim", sa.Integer(), nullable=False),
        sa.Column("max_tokens", sa.Integer(), nullable=False),
    )
    op.create_table(
        "root",
        sa.Column("path", sa.LargeBinary(), primary_key=True),
        sa.Column("include", sa.Text(), nullable=False),
        sa.Column("exclude", sa.Text(), nullable=False),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("path", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.Column("ctime_ns", sa.Integer(), nullable=False),
        sa.Column("inode", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hashed_at_ns", sa.Integer(), nullable=False),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("source_digest", sa.LargeBinary(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("dated_ns", sa.Integer(), nullable=False),
        sa.Column("extractor", sa.Text(), nullable=False),
        sa.Column("splitter", sa.Text(), nullable=False),
        sa.Column("has_lines", sa.Boolean(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("first_passage_id", sa.Integer(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("document_content_hash", "document", ["content_hash"])
    op.create_table(
        "document_text",
        sa.Column(
            "document_id",
            sa.Integer(),
            sa.ForeignKey("document.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_table(
        "passage",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "document_id",
            sa.Integer(),
            sa.ForeignKey("document.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("line_start", sa.Integer(), nullable=True),
        sa.Column("line_end", sa.Integer(), nullable=True),
        sa.Column("headings", sa.Text(), nullable=False),
        sa.Column("text_digest", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("passage_document_id", "passage", ["document_id"])
    op.create_index("passage_text_digest", "passage", ["text_digest"])
    op.create_table(
        "vectors",
        sa.Column(
            "document_id",
            sa.Integer(),
            sa.ForeignKey("document.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("first_passage_id", sa.Integer(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
    )
    op.create_index("vectors_generation", "vectors", ["generation"])
    op.create_table(
        "tombstone",
        sa.Column("first_passage_id", sa.Integer(), primary_key=True),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
    )
    op.create_table(
        "published",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("mtime_ns", sa.Integer(), nullable=False),
        sa.Column("ctime_ns", sa.Integer(), nullable=False),
        sa.Column("inode", sa.Integer(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
    )
    op.create_table(
        "unindexed",
        sa.Column("path", sa.LargeBinary(), primary_key=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
    )
