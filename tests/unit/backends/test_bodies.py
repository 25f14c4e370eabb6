"""A long document's passages take as long as it is to be read, not its length each."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.testing import HashEncoder
from searchapp.types.documents import Document
from tests.builders.corpora import passages_of, source

LONG, SHORT = 500_000, 2_000  # characters, passages: 5 s where each is cut out by SQLite


def test_the_passages_of_a_long_document_are_shown_and_checked_at_once(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "corpus")
    lines = ["𝄞 é " + "-" * LONG, *(f"𝄞{number}" for number in range(SHORT))]
    with closing(backend.writer()) as writer:
        writer.set_encoder(HashEncoder().identity)
        for path, text in (("/d/before", "one\ntwo"), ("/d/long", "\n".join(lines))):
            made = Document(text, "txt")
            last = writer.replace(source(path), made, passages_of(made), vectors=None)
        writer.finish()
    begin_s = time.process_time()
    with closing(backend.reader()) as reader:
        shown = [hit.text for hit in reader.show(last)[1]]
    assert list(backend.check(full=True)) == []
    assert time.process_time() - begin_s < 1.5
    assert shown == lines
