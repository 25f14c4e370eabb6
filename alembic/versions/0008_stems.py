"""Which languages' documents stand in the keyword index by their stems, and the rows of these.

They are made again from the stored text, those of other documents stay as they are; nothing is
embedded again.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

from searchapp.backends.sqlite import stemmed_rows

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE stemmed_language (language TEXT NOT NULL, PRIMARY KEY (language)) WITHOUT ROWID"
    )
    stemmed_rows.settle(op.get_bind())
