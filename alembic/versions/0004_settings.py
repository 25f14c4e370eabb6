"""What a corpus is told to do otherwise than by default, its ranking mode, say; and what it is like
as a whole.

An index answers which versions made the documents, which every query asks.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.Text(), primary_key=True, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
    )
    op.create_table(
        "background",
        sa.Column("id", sa.Integer(), primary_key=True, nullable=False),
        sa.Column("scale", sa.REAL(), nullable=False),
        sa.Column("mean", sa.LargeBinary(), nullable=False),
    )
    op.create_index("document_version", "document", ["type", "extractor", "splitter"])
