"""Writes the script that makes the tables of a new corpus at once, from the migrations: after each
new one,

    python -m tests.builders.blank
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from searchapp.backends.sqlite import blank, schema
from tests.paths import PACKAGE


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = schema.connect(Path(folder))
        schema.migrate(engine, "head")
        with engine.connect() as connection:
            text = blank.script(connection)
        engine.dispose()
    (PACKAGE / "backends/sqlite/blank.sql").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
