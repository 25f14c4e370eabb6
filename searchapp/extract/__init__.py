"""From the bytes of a file to a Document: which format they are, and which reader takes it.

A format is one module with `read(data, document_type)` and one line in `_READERS`. This package knows nothing of paths, corpora or
encoders; it runs inside the killable workers of `searchapp.extract.worker`, and each reader imports its libraries when it
is first needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.detect import CODE_TYPES, type_of
from searchapp.types import Document

if TYPE_CHECKING:
    from collections.abc import Callable

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class _Reader:
    """A module of this package that reads some types; a higher version redoes the documents that it read before."""

    module: str
    version: int


_TEXT = _Reader("text", 1)
_READERS = {
    "md": _Reader("markdown", 1),
    "rst": _Reader("restructured", 1),
    "html": _Reader("html", 1),
    "pdf": _Reader("pdf", 1),
    **dict.fromkeys(CODE_TYPES, _Reader("code", 1)),
}


def extract(data: bytes, name: str) -> Document:
    """The document in a file's bytes. `name` decides only what the bytes leave open.

    Raises FileSkipped for an empty file and a type without a reader, FileFailed for a file that is broken, encrypted or
    holds no text.
    """
    document_type = type_of(data, name)
    reader = _READERS.get(document_type, _TEXT)
    read: Callable[[bytes, str], Document] = import_module(f"searchapp.extract.{reader.module}").read
    document = _storable(read(data, document_type))
    if not any(document.text[block.start : block.end].strip() for block in document.blocks):
        raise FileFailed("no text found")
    return document


def extractor_of(document_type: str) -> str:
    """The reader of a document type and its version, "markdown/1": what `Source.extractor` records."""
    reader = _READERS.get(document_type, _TEXT)
    return f"{reader.module}/{reader.version}"


def _storable(document: Document) -> Document:
    """The document with U+FFFD in place of NULs and lone surrogates, which neither JSON nor SQLite carry; offsets hold."""

    def clean(text: str) -> str:
        return _UNSTORABLE.sub("\ufffd", text)

    return replace(
        document,
        text=clean(document.text),
        title=clean(document.title),
        blocks=tuple(replace(block, headings=tuple(map(clean, block.headings))) for block in document.blocks),
        metadata={clean(key): clean(value) for key, value in document.metadata.items()},
    )
