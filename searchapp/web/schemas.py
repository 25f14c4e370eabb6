"""What the API gives, as JSON Schema (2020-12), by name.

Keys are only ever added: programs must take keys that they do not know. Every answer of the tests
is held against these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
ID: Schema = {"type": "integer", "minimum": 1}


def ref(name: str) -> Schema:
    """The schema of a name."""
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _map(of: Schema) -> Schema:
    return {"type": "object", "additionalProperties": of}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties}


_SPAN = {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2}
_PLACED = {
    "page": _or_null(COUNT),
    "line_start": _or_null(COUNT),
    "line_end": _or_null(COUNT),
    "place": {"type": "object"},
    "start": COUNT,
    "end": COUNT,
    "heading": TEXT,
    "text": TEXT,
}
_LEG = _object(score=NUMBER, rank={"type": "integer", "minimum": 1})
_EXCERPT = _object(text=TEXT, marks=_list(_SPAN))

SCHEMAS: Mapping[str, Schema] = {
    "Problem": _object(type=TEXT, title=TEXT, status={"type": "integer"}, code=TEXT),
    "Match": _object(
        rank={"type": "integer", "minimum": 1},
        score=NUMBER,
        cosine=_or_null(NUMBER),
        confidence=_or_null(NUMBER),
        legs=_map(_LEG),
        path=TEXT,
        title=TEXT,
        type=TEXT,
        **_PLACED,
        parts=_map(NUMBER),
        copies=_list(TEXT),
        sentence=_or_null(_SPAN),
        shares=_or_null({"type": "object"}),
        highlights=_list({"type": "array", "items": NUMBER}),
        excerpt=_EXCERPT,
    ),
    "Answer": _object(
        query=TEXT,
        mode=TEXT,
        legs=_list(TEXT),
        generation=COUNT,
        pending=COUNT,
        stale=COUNT,
        approximate=FLAG,
        took_ms=NUMBER,
        matches=_list(ref("Match")),
        notes=_list(TEXT),
    ),
    "Progress": _object(
        state={"enum": ["looking", "reading", "embedding", "done", "failed", "stopped"]},
        files_done=COUNT,
        files_total=COUNT,
        passages=COUNT,
        left_s=_or_null(NUMBER),
        detail=TEXT,
    ),
    "Now": _object(
        version=TEXT,
        generation=COUNT,
        documents=COUNT,
        passages=COUNT,
        pending=COUNT,
        stale=COUNT,
        ingest=_or_null(ref("Progress")),
    ),
    "Status": _object(
        path=TEXT,
        generation=COUNT,
        documents=COUNT,
        passages=COUNT,
        pending=COUNT,
        stale=COUNT,
        outdated=COUNT,
        encoder=_or_null({"type": "object"}),
        languages=_map(COUNT),
        roots=_list({"type": "object"}),
        ingested_at=_or_null(TEXT),
        read_only=FLAG,
        ingest=_or_null(ref("Progress")),
    ),
}
