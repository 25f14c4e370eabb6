"""Word and PowerPoint files of before 2007: streams of binary records in an OLE container, read by their published layouts.

[MS-DOC] for Word 97 to 2003, with the few fields of Word 6 and 95 that stand elsewhere; [MS-PPT] for PowerPoint 97 to 2003. Offsets
are looked up, never trusted: what lies outside its stream is empty, and no chain is followed twice.
"""

from __future__ import annotations

import codecs
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.legacy_slides import slide_parts
from searchapp.extract.legacy_word import word_parts
from searchapp.extract.office import furniture, manuscript, real_title

if TYPE_CHECKING:
    from searchapp.types import Document

_MAX_STREAM_BYTES = 256 * 2**20
_STREAMS = ("worddocument", "0table", "1table", "powerpoint document", "current user", "\x05summaryinformation")
_FACTS = {2: "title", 3: "subject", 4: "author", 5: "tags", 6: "description", 12: "date", 13: "saved"}
_BYTES, _WIDE, _TIME = 30, 31, 64  # kinds of values
_LAST_SECOND = 20_000_000_000  # of the year 2234


def read(data: bytes, document_type: str) -> Document:
    """An old Word document by headings, paragraphs and rows of tables, or an old presentation by slides."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            streams = {"/".join(path).lower(): path for path in container.listdir()}
            found = {name: _stream(container, streams, name) for name in _STREAMS}
    except (FileFailed, MemoryError):
        raise
    except Exception as error:  # a broken container makes olefile raise anything
        raise FileFailed(f"not a readable file: {str(error)[:100]}") from error
    title, metadata = _properties(found["\x05summaryinformation"])
    if document_type == "ppt":
        slides = slide_parts(found["powerpoint document"], found["current user"])
        return manuscript(slides, (), document_type, titles=(title,), metadata=metadata)
    parts, notes, edges, styled = word_parts(found["worddocument"], (found["0table"], found["1table"]))
    return manuscript(parts, [*notes, *furniture(edges)], document_type, titles=(styled, title), metadata=metadata)


def _stream(container: Any, streams: dict[str, Any], name: str) -> bytes:
    """The bytes of a stream, b"" where there is none."""
    path = streams.get(name)
    if path is None or container.get_size(path) > _MAX_STREAM_BYTES:
        return b""
    content: bytes = container.openstream(path).read()
    return content


def _properties(stream: bytes) -> tuple[str, dict[str, str]]:
    """The title and metadata in the summary information, [MS-OLEPS]: its first section, and only values of the kinds it should have."""
    section = stream[_number(stream, 44) :]
    count = min(_number(section, 4), len(section) // 8)
    places = {_number(section, 8 + 8 * index): _number(section, 12 + 8 * index) for index in range(count)}
    encoding = _encoding(_number(section, places[1] + 4) & 0xFFFF) if 1 in places else "cp1252"
    values = {name: _value(section[places[key] :], encoding) for key, name in _FACTS.items() if key in places}
    title = real_title(values.pop("title", ""))
    saved = values.pop("saved", "")
    return title, {**values, "date": values.get("date") or saved}


def _value(data: bytes, encoding: str) -> str:
    """A text on one line, or a time; "" for a value of any other kind."""
    kind, size = _number(data, 0), _number(data, 4)
    if kind == _BYTES:
        text = data[8 : 8 + size].decode(encoding, "replace")
    elif kind == _WIDE:
        text = data[8 : 8 + 2 * size].decode("utf-16-le", "replace")
    else:
        return _date(int.from_bytes(data[4:12], "little")) if kind == _TIME else ""
    return " ".join(text.partition("\0")[0].split())


def _date(ticks: int) -> str:
    """A time in tenths of microseconds since 1601 in ISO 8601, UTC; "" for one that was never set."""
    seconds = min(ticks // 10**7, _LAST_SECOND)
    date = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return date.strftime("%Y-%m-%dT%H:%M:%SZ") if 1970 < date.year < 2200 else ""


def _encoding(page: int) -> str:
    name = {65001: "utf-8", 10000: "mac_roman", 1200: "utf-16-le"}.get(page, f"cp{page}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
