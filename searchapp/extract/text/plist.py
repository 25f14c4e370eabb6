"""Property lists of macOS, as XML or binary: bookmarks (.webloc), settings, exports."""

from __future__ import annotations

import datetime
import json
import plistlib
from dataclasses import replace
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.text import structured

if TYPE_CHECKING:
    from searchapp.types.documents import Document

_BINARY = b"bplist"


def read(data: bytes, document_type: str) -> Document:
    """The values of a property list by their names, its bytes left out; what is no whole one is
    read as XML. Raises FileFailed for a broken binary one.
    """
    try:
        value = plistlib.loads(data)
        source = json.dumps(value, default=_said, ensure_ascii=False)
    except MemoryError:
        raise
    except Exception as error:  # a broken one makes plistlib raise anything
        if not data.startswith(_BINARY):
            return structured.read(data, "xml")
        raise FileFailed(f"not a readable property list: {error}"[:200]) from error
    return replace(structured.read(source.encode(), "json"), type=document_type)


def _said(value: object) -> str:
    """What JSON says of a value that it does not know: a date as it is, nothing of bytes."""
    return value.isoformat() if isinstance(value, datetime.datetime) else ""
