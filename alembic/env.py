"""Runs the migrations on the connection that backends/sqlite/schema hands over, inside its transaction.

By hand, for writing a new revision: `alembic -x database=/path/to/corpus.db revision --autogenerate
-m "..."`. Without an explicit database it refuses to run, so that nobody migrates a corpus by
accident.
"""

import sqlalchemy as sa
from alembic import context

from searchapp.backends.sqlite.schema import Base, is_ours


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transactional_ddl=True,
        include_object=is_ours,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
path = context.get_x_argument(as_dictionary=True).get("database")
if given is not None:
    run(given)
elif path:
    with sa.create_engine(f"sqlite:///{path}").begin() as opened:
        run(opened)
else:
    raise SystemExit("which database? alembic -x database=/path/to/corpus.db ...")
