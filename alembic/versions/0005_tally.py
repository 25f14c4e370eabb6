"""How many documents there are, of which kinds, kept by the database itself: counting a million
takes longer than answering.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ADD = """
    INSERT INTO tally (type, extractor, splitter, documents, passages, stale, ids)
    VALUES (new.type, new.extractor, new.splitter, 1, new.passages, new.is_stale, new.id)
    ON CONFLICT (type, extractor, splitter) DO UPDATE SET
        documents = documents + 1, passages = passages + excluded.passages, stale = stale + excluded.stale, ids = ids + excluded.ids;"""
_TAKE = """
    UPDATE tally SET documents = documents - 1, passages = passages - old.passages, stale = stale - old.is_stale, ids = ids - old.id
    WHERE type = old.type AND extractor = old.extractor AND splitter = old.splitter;
    DELETE FROM tally WHERE documents = 0;"""
_TRIGGERS = {
    "document_added AFTER INSERT ON document": _ADD,
    "document_removed AFTER DELETE ON document": _TAKE,
    "document_changed AFTER UPDATE OF id, type, extractor, splitter, passages, is_stale ON "
    "document": _TAKE + _ADD,
    "vectors_added AFTER INSERT ON vectors": "UPDATE corpus SET embedded = embedded + 1;",
    "vectors_removed AFTER DELETE ON vectors": "UPDATE corpus SET embedded = embedded - 1;",
}


def upgrade() -> None:
    names = [
        sa.Column(name, sa.Text(), primary_key=True, nullable=False)
        for name in ("type", "extractor", "splitter")
    ]
    numbers = [
        sa.Column(name, sa.Integer(), nullable=False)
        for name in ("documents", "passages", "stale", "ids")
    ]
    op.create_table("tally", *names, *numbers)
    op.execute(
        "INSERT INTO tally SELECT type, extractor, splitter, count(*), sum(passages), "
        "sum(is_stale), sum(id) FROM document GROUP BY 1, 2, 3"
    )
    op.add_column("corpus", sa.Column("embedded", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE corpus SET embedded = (SELECT count(*) FROM vectors)")
    op.drop_index(
        "document_version", "document", if_exists=True
    )  # the first corpora of 0004 have none
    for event, actions in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {event} BEGIN {actions} END")
