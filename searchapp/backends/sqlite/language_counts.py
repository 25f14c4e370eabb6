"""How many documents there are in each language, by what their metadata say. Knows one table."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.backends.sqlite.connection import Database

_COUNT = "SELECT coalesce(json_extract(metadata, '$.language'), ''), count(*) FROM document"
_ALL = f"{_COUNT} GROUP BY 1"
# from each of some places between the first document and the last, the next one
_SOME = f"""
    {_COUNT} WHERE id IN (
        SELECT (SELECT id FROM document WHERE id > last * value / ? ORDER BY id LIMIT 1)
        FROM json_each(?), (SELECT max(id) AS last FROM document)
    ) GROUP BY 1"""


def language_counts(database: Database, sample: int | None) -> Counter[str]:
    """Documents by language; of at most `sample` documents, spread over all, where that is
    given.
    """
    if sample is None:
        return Counter(dict(database.all(_ALL)))
    return Counter(dict(database.all(_SOME, sample, json.dumps(list(range(sample))))))
