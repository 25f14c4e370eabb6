"""What documents are labelled, by hand or by a classifier; how many labels there are is kept by the
database itself, as the check needs it.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_TRIGGERS = {
    "label_added AFTER INSERT ON label": "UPDATE corpus SET labels = labels + 1;",
    "label_removed AFTER DELETE ON label": "UPDATE corpus SET labels = labels - 1;",
}


def upgrade() -> None:
    op.create_table(
        "label",
        sa.Column(
            "document_id",
            sa.Integer(),
            sa.ForeignKey("document.id", ondelete="CASCADE"),
            primary_key=True,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), primary_key=True, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("probability", sa.REAL(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
    )
    op.create_index("label_name", "label", ["name"])
    op.add_column("corpus", sa.Column("labels", sa.Integer(), nullable=False, server_default="0"))
    for event, actions in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {event} BEGIN {actions} END")
