"""How documents are counted by the language that their metadata name."""

from __future__ import annotations

_COUNT = (
    "SELECT coalesce(json_extract(metadata, '$.language'), '') AS language, count(*) AS documents "
    "FROM document"
)
_AS_OBJECT = "SELECT json_group_object(language, documents) FROM ({count} GROUP BY 1)"
# Each a JSON object of documents by language: of all documents; and of about a hundred, from each
# of so many places between the first document and the last the next one.
ALL = _AS_OBJECT.format(count=_COUNT)
SOME = _AS_OBJECT.format(
    count=f"""
    WITH RECURSIVE place(number) AS (
        SELECT 0 UNION ALL SELECT number + 1 FROM place WHERE number < 99
    )
    {_COUNT} WHERE id IN (
        SELECT (SELECT id FROM document WHERE id > last * number / 100 ORDER BY id LIMIT 1)
        FROM place, (SELECT max(id) AS last FROM document)
    )"""
)
