"""How many documents there are in each language, by what their metadata say. Knows one table."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.backends.sqlite.connection import Database

_LANGUAGE = "coalesce(json_extract(metadata, '$.language'), '')"
_ALL = f"SELECT {_LANGUAGE}, count(*) FROM document GROUP BY 1"
_SOME = f"""
    SELECT (SELECT {_LANGUAGE} FROM document WHERE id >= value ORDER BY id LIMIT 1), count(*)
    FROM json_each(?) GROUP BY 1"""


def language_counts(database: Database, sample: int | None) -> Counter[str]:
    """Documents by language; of `sample` documents, spread over all, where that is given."""
    if sample is None:
        return Counter(dict(database.all(_ALL)))
    (last,) = database.one("SELECT coalesce(max(id), 0) FROM document")
    # behind the last document there is none
    places = sorted({1 + last * i // sample for i in range(sample)})
    rows = database.all(_SOME, json.dumps(places))
    return Counter({language: count for language, count in rows if language is not None})
