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
_PASSAGE = {
    "id": ID,
    "document_id": ID,
    "path": TEXT,
    "title": TEXT,
    "type": TEXT,
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

SCHEMAS: Mapping[str, Schema] = {
    "Problem": _object(type=TEXT, title=TEXT, status={"type": "integer"}, code=TEXT),
    "Match": _object(
        rank=COUNT,
        score=NUMBER,
        cosine=_or_null(NUMBER),
        confidence=_or_null(NUMBER),
        legs=_map(_LEG),
        **_PASSAGE,
        parts=_map(NUMBER),
        copies=_list(TEXT),
        sentence=_or_null(_SPAN),
        shares=_or_null({"type": "object"}),
        highlights=_list({"type": "array", "items": NUMBER}),
        # and `excerpt`, in the answers of a search
    ),
    "Passage": _object(**_PASSAGE),
    "Document": _object(
        id=ID,
        path=TEXT,
        title=TEXT,
        type=TEXT,
        passages=COUNT,
        size=COUNT,
        modified=TEXT,
        pending=FLAG,
        stale=FLAG,
        labels=_list({"type": "object"}),
    ),
    "PassageContext": _object(
        passage=ref("Passage"),
        before=_list(ref("Passage")),
        after=_list(ref("Passage")),
        document=ref("Document"),
        metadata=_map(TEXT),
        citation=TEXT,
        generation=COUNT,
        version=TEXT,
    ),
    "OpenDocument": _object(
        document=ref("Document"), metadata=_map(TEXT), generation=COUNT, version=TEXT
    ),
    "Documents": _object(documents=_list(ref("Document")), cursor=_or_null(TEXT)),
    "Text": _object(text=TEXT, **{"from": COUNT, "to": COUNT}),
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
        version=TEXT,
    ),
    "Page": _object(
        width=NUMBER,
        height=NUMBER,
        boxes=_list({"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 4}),
        pages=COUNT,
    ),
    "Revealed": _object(revealed=TEXT),
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
