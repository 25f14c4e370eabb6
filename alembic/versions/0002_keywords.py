"""Keyword rows.

Contentless: the index holds terms and positions only, as the text stands in document_text already.
Deleting a row means giving FTS5 its values again, which `lexical.keyword_row` derives. Rows are
derived too, so only the last revision that changes them all makes them: 0007, and
0008 those in languages with stems of their own.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        "CREATE VIRTUAL TABLE keywords USING fts5(title, headings, body, content='', "
        "tokenize='porter unicode61 remove_diacritics 2')"
    )
