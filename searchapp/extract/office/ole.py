"""OLE containers, which the office files of before 2007 are: their streams, and the summary
information in them, [MS-OLEPS].
"""

from __future__ import annotations

import codecs
import io
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.office.common import real_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_MAX_STREAM_BYTES = 256 * 2**20
_SUMMARY = "\x05summaryinformation"
_FACTS = {
    2: "title",
    3: "subject",
    4: "author",
    5: "tags",
    6: "description",
    12: "date",
    13: "saved",
}
_BYTES, _WIDE, _TIME = 30, 31, 64  # kinds of values
_LAST_SECOND = 20_000_000_000  # of the year 2234


class Container:
    """An OLE container that is open: streams by their names, in any case."""

    def __init__(self, ole: Any) -> None:
        self._ole = ole
        self._paths = {"/".join(path).lower(): path for path in ole.listdir()}

    def stream(self, name: str) -> bytes:
        """The bytes of a stream, b"" where there is none."""
        path = self._paths.get(name)
        if path is None or self._ole.get_size(path) > _MAX_STREAM_BYTES:
            return b""
        content: bytes = self._ole.openstream(path).read()
        return content

    def presentation(self, name: str = "powerpoint document") -> bytes:
        """The bytes of a stream of a presentation; of a file that serves PowerPoint 95 too, those
        for later ones.
        """
        return self.stream(f"pp97_dualstorage/{name}") or self.stream(name)

    def storage(self, *path: str) -> dict[str, Any]:
        """The streams and storages of a storage by name, b"" for a stream that is too large; empty
        where there is no such storage.
        """
        wanted = [name.lower() for name in path]
        contents: dict[str, Any] = {}
        for stream_path in self._paths.values():
            if [name.lower() for name in stream_path[: len(wanted)]] != wanted:
                continue
            folder = contents
            for name in stream_path[len(wanted) : -1]:
                folder = folder.setdefault(name, {})
            if isinstance(folder, dict) and len(stream_path) > len(wanted):
                folder[stream_path[-1]] = self.stream("/".join(stream_path).lower())
        return contents

    def storages(self, *path: str) -> list[str]:
        """The names of the storages in a storage, or in the container itself."""
        wanted = [name.lower() for name in path]
        return list(
            dict.fromkeys(
                stream_path[len(wanted)]
                for stream_path in self._paths.values()
                if [name.lower() for name in stream_path[: len(wanted)]] == wanted
                and len(stream_path) > len(wanted) + 1
            )
        )

    def summary(self) -> tuple[str, dict[str, str]]:
        """The title and metadata in the summary information."""
        return _properties(self.stream(_SUMMARY))

    def has_circles(self) -> bool:
        """Whether a chain of sectors leads back into itself, on which other programs run without
        end.
        """
        self._ole.loadminifat()
        table, small = self._ole.fat, self._ole.minifat
        entries = [entry for entry in self._ole.direntries if entry is not None]
        root, streams = entries[:1], [entry for entry in entries[1:] if entry.entry_type == 2]
        starts = [
            self._ole.first_dir_sector,
            self._ole.first_mini_fat_sector,
            *(entry.isectStart for entry in root),
        ]
        starts += [
            entry.isectStart for entry in streams if entry.size >= self._ole.minisectorcutoff
        ]
        return _is_circular(starts, table) or _is_circular(
            [e.isectStart for e in streams if e.size < self._ole.minisectorcutoff], small
        )


@contextmanager
def opened(data: bytes) -> Iterator[Container]:
    """The container in the bytes. Raises FileFailed where it is broken."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            yield Container(ole)
    except (FileFailed, MemoryError):
        raise
    except Exception as error:  # a broken container makes olefile raise anything
        raise FileFailed(f"not a readable file: {str(error)[:100]}") from error


def _is_circular(starts: Sequence[int], table: Sequence[int]) -> bool:
    for start in starts:
        sector, steps = start, 0
        while 0 <= sector < len(table):
            sector, steps = table[sector], steps + 1
            if steps > len(table):
                return True
    return False


def _properties(stream: bytes) -> tuple[str, dict[str, str]]:
    """The title and metadata in the summary information, [MS-OLEPS]: its first section, and only
    values of the kinds it should have.
    """
    section = stream[_number(stream, 44) :]
    count = min(_number(section, 4), len(section) // 8)
    places = {
        _number(section, 8 + 8 * index): _number(section, 12 + 8 * index) for index in range(count)
    }
    encoding = _encoding(_number(section, places[1] + 4) & 0xFFFF) if 1 in places else "cp1252"
    values = {
        name: _value(section[places[key] :], encoding)
        for key, name in _FACTS.items()
        if key in places
    }
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
    """A time in tenths of microseconds since 1601 in ISO 8601, UTC; "" for one that was
    never set.
    """
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
