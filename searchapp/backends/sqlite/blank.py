"""The tables of a new corpus at once, as the migrations leave them: running all of them costs half
a second of processor time, most of it for importing alembic.

`blank.sql` beside this module is generated, by `python -m tests.builders.blank`; a test holds it
against the migrations. Knows nothing of locks or of documents.
"""

from __future__ import annotations

import time
import uuid
from importlib.resources import files
from typing import TYPE_CHECKING

from searchapp.backends.sqlite import layout

if TYPE_CHECKING:
    import sqlalchemy as sa

_SEPARATOR = ";\n\n"  # a statement of a trigger holds semicolons, and no empty line


def is_blank(connection: sa.Connection) -> bool:
    """Whether the database holds no table yet."""
    return connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is None


def make_tables(connection: sa.Connection) -> None:
    """Make the tables of the newest schema in a blank database, with a corpus of no documents; its
    digest is for the caller to set, in the same transaction.
    """
    text = (files("searchapp.backends.sqlite") / "blank.sql").read_text("utf-8")
    for statement in text.strip().removesuffix(";").split(_SEPARATOR):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA application_id = {layout.APPLICATION_ID}")
    connection.exec_driver_sql(
        "INSERT INTO corpus (id, uuid, generation, created_at_ns, digest) VALUES (1, ?, 0, ?, x'')",
        (str(uuid.uuid4()), time.time_ns()),
    )
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (layout.REVISIONS[-1],))


def script(connection: sa.Connection) -> str:
    """The script that makes the tables of a migrated database, for `blank.sql`."""
    rows = connection.exec_driver_sql(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
        "AND name NOT LIKE 'keywords_%' ORDER BY rowid"
    )
    return "".join(f"{sql.strip()}{_SEPARATOR}" for (sql,) in rows).rstrip() + "\n"
