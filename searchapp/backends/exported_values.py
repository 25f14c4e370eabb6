"""What an export says of documents, as values: each field as a walk and a reader would give it, or
ValueError. An export may come from anybody.
"""

from __future__ import annotations

import base64
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from searchapp.linalg import are_unit
from searchapp.types.documents import (
    MEMBER,
    Document,
    FileIdentity,
    Label,
    Origin,
    Passage,
    Place,
    Root,
    Source,
    StoredDocument,
)
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from searchapp.types.vectors import Vectors

_MOST = 2**63 - 1  # that a database holds
_MOST_DIM = 2**16
_MOST_PATH, _MOST_NAME = 2**16, 1000  # characters
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_HASH = re.compile(r"[0-9a-f]{64}")


def encoder_of(values: dict[str, Any]) -> EncoderIdentity:
    """The encoder of an export."""
    identity = EncoderIdentity(**values)
    _text(identity.model)
    if _HASH.fullmatch(_text(identity.fingerprint)) is None:
        raise ValueError("a fingerprint that is none")
    _number(identity.dim, least=1, most=_MOST_DIM)
    _number(identity.max_tokens, least=1)
    return identity


def root_of(values: dict[str, Any]) -> Root:
    """A folder that the corpus of an export ingests."""
    globs = (tuple(map(_text, _list(values[name]))) for name in ("include", "exclude"))
    return Root(_path(values["path"]), *globs)


def document_of(
    values: dict[str, Any], encoder: EncoderIdentity, moved: Callable[[bytes], bytes]
) -> StoredDocument:
    """A document of an export, at the path that `moved` makes of its own."""
    document = Document(
        _text(values["text"]),
        _name(values["type"]),
        _text(values["title"]),
        has_lines=_is(values["has_lines"]),
        metadata={
            _text(name): _text(value) for name, value in _mapping(values["metadata"]).items()
        },
    )
    passages = tuple(map(_passage, _list(values["passages"])))
    if not passages or any(passage.end > len(document.text) for passage in passages):
        raise ValueError("passages that are not in the text")
    if any(before.start > after.start for before, after in pairwise(passages)):
        raise ValueError("passages that are not in order")
    vectors = _vectors(values["vectors"], len(passages), encoder.dim)
    # exports of earlier programs have none
    labels = tuple(map(_label, _list(values.get("labels", []))))
    if len({label.name for label in labels}) < len(labels):
        raise ValueError("a label that is there twice")
    return StoredDocument(_source(values, moved), document, passages, vectors, labels)


def _source(values: dict[str, Any], moved: Callable[[bytes], bytes]) -> Source:
    # of another disk: the next ingest looks at the bytes
    size, mtime_ns = _number(values["size"]), _number(values["mtime_ns"], least=-_MOST)
    if _HASH.fullmatch(_text(values["content_hash"])) is None:
        raise ValueError("a hash that is none")
    return Source(
        _path(os.fsdecode(moved(_path(values["path"])))),
        FileIdentity(size, mtime_ns, 0, 0),
        bytes.fromhex(values["content_hash"]),
        0,
        _name(values["extractor"]),
        _name(values["splitter"]),
    )


def _path(value: object) -> bytes:
    """A path as a walk gives it, absolute and without detours; of a member, its file's is so."""
    if not isinstance(value, str) or "\0" in value or len(value) > _MOST_PATH:
        raise ValueError("a path that is none")
    raw = os.fsencode(value)
    file = raw.partition(MEMBER)[0]
    if not file.startswith(b"/") or file.startswith(b"//") or os.path.normpath(file) != file:
        raise ValueError("a path that is not absolute")
    return raw


def _passage(value: Sequence[Any]) -> Passage:
    start, end, headings, place = value
    if _number(start) >= _number(end):
        raise ValueError("a passage without text")
    return Passage(start, end, tuple(map(_text, _list(headings))), _place(_mapping(place)))


def _place(values: Mapping[str, Any]) -> Place:
    return tuple(
        (_name(name), _text(value) if isinstance(value, str) else _number(value, least=-_MOST))
        for name, value in values.items()
    )


def _vectors(value: object, passages: int, dim: int) -> Vectors | None:
    if value is None:
        return None
    blob = base64.b64decode(_text(value), validate=True)
    vectors = np.frombuffer(blob, "<f2").reshape(passages, dim).astype(np.float32)
    if not are_unit(vectors):
        raise ValueError("vectors that are not of unit length")
    return vectors


def _label(value: object) -> Label:
    fields = _list(value)
    if len(fields) != len(Label._fields):
        raise ValueError("a label that is none")
    name, origin, probability = fields
    if probability is not None and not (
        isinstance(probability, (int, float))
        and math.isfinite(probability)
        and 0 <= probability <= 1
    ):
        raise ValueError("a probability that is none")
    for known in get_args(Origin):
        if origin == known:
            return Label(_name(name), known, None if probability is None else float(probability))
    raise ValueError("a label that is none")


# ---- one value -----------------------------------------------------------------------------------


def _text(value: object) -> str:
    """A text that a database can hold."""
    if not isinstance(value, str) or _UNSTORABLE.search(value):
        raise ValueError("a text that is none")
    return value


def _name(value: object) -> str:
    """A short text of one line."""
    text = _text(value)
    if not text or not text.isprintable() or len(text) > _MOST_NAME:
        raise ValueError("a name that is none")
    return text


def _number(value: object, *, least: int = 0, most: int = _MOST) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError("a number that is none")
    return value


def _is(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")  # noqa: TRY004 - of an export, as all else
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list that is none")  # noqa: TRY004
    return value


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object that is none")  # noqa: TRY004
    return value
