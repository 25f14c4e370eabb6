"""One document of a corpus, or a part of it, by its id. Knows nothing of searching."""

from __future__ import annotations

import json
from collections.abc import Sequence

from searchapp.backends.sqlite.catalog import HIT_WITH, ROWS, SqliteCatalog, as_hit, as_row
from searchapp.backends.sqlite.filter_sql import document_condition
from searchapp.types.documents import DocumentRow, Hit
from searchapp.types.filters import Filters
from searchapp.types.results import OpenDocument

_FACTS = "SELECT metadata, content_hash FROM document WHERE id = ?"
_OF_IDS = ROWS.format(where="d.id IN (SELECT value FROM json_each(?))")
# The text of all of them comes with the first: SQLite goes through the document's for each that it
# cuts out.
_BODY = """p.start, p."end", CASE WHEN p.id = (SELECT min(id) FROM near)
    THEN substr(t.text, p.start + 1, (SELECT max("end") FROM near) - p.start) END"""
_AROUND = f"""
    WITH near AS (
        SELECT id, "end" FROM passage
        WHERE document_id = (SELECT document_id FROM passage WHERE id = ?1)
        AND id BETWEEN ?1 - ?2 AND ?1 + ?3)
    {HIT_WITH.format(body=_BODY)} WHERE p.id IN (SELECT id FROM near) ORDER BY p.id"""
_TEXT = "SELECT substr(text, ? + 1, ?) FROM document_text WHERE document_id = ?"
_MOST = 2**31 - 2  # characters, more than a text has: SQLite cuts greater numbers


class SqliteDocuments(SqliteCatalog):
    """A corpus as its last commit left it; implements `protocols.DocumentReader`."""

    def document(self, document_id: int) -> OpenDocument | None:
        """A document and its metadata; None where there is none of that id."""
        row = self._database.one(ROWS.format(where="d.id = ?"), document_id)
        if row is None:
            return None
        metadata, content_hash = self._database.one(_FACTS, document_id)
        return OpenDocument(
            as_row(row), json.loads(metadata), self.generation, content_hash, self.corpus_id
        )

    def rows_of(self, document_ids: Sequence[int]) -> list[DocumentRow]:
        """The documents of these ids that there are, by path."""
        return list(map(as_row, self._database.each(_OF_IDS, json.dumps(list(document_ids)))))

    def passages_around(self, passage_id: int, before: int, after: int) -> list[Hit]:
        """A passage between as many others of its document, in order; nothing where there is none
        of that id.
        """
        rows = self._database.all(
            _AROUND, passage_id, *(min(most, _MOST) for most in (before, after))
        )
        if not rows:
            return []
        begin, texts = rows[0][-3], rows[0][-1]
        return [
            as_hit((*columns, start, end, texts[start - begin : end - begin]))
            for *columns, start, end, _ in rows
        ]

    def text(self, document_id: int, start: int, end: int) -> str | None:
        """The part of a document's text between two offsets; None where there is none of that
        id.
        """
        start, end = min(start, _MOST), min(end, _MOST)
        row = self._database.one(_TEXT, start, max(0, end - start), document_id)
        return row and str(row[0])

    def rows_after(self, path: bytes, filters: Filters, most: int) -> list[DocumentRow]:
        """At most so many of the documents that pass the filters, by path, from behind a path
        on.
        """
        where, values = document_condition(filters)
        statement = f"{ROWS.format(where=f'({where}) AND d.path > ?')} LIMIT ?"
        return list(map(as_row, self._database.each(statement, *values, path, most)))

    def highest_ids(self) -> tuple[int, int]:
        """The highest id that a document ever had, and a passage."""
        if self.is_blank:
            return 0, 0
        given = dict(self._database.all("SELECT name, seq FROM sqlite_sequence"))
        return given.get("document", 0), given.get("passage", 0)
