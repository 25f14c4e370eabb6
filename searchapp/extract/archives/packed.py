"""7z and RAR: their members by libarchive, where it and its binding are installed.

All that is unpacked is counted, as for other archives; nothing is written anywhere.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.archives.limits import BOMB_ARCHIVE, BOMB_MEMBER, refuse_bomb, too_large
from searchapp.extract.archives.names import MemberNames, refusal_of_name
from searchapp.extract.members import MAX_BYTES, MAX_MEMBER_BYTES, Allowance, Member

_LIBRARIES = (
    "libarchive.so.13",
    "libarchive.so",
    "libarchive.13.dylib",
    "libarchive.dylib",
    "/opt/homebrew/opt/libarchive/lib/libarchive.dylib",
    "/usr/local/opt/libarchive/lib/libarchive.dylib",
)
_RAR5 = b"Rar!\x1a\x07\x01\0"
_PLACE = "LIBARCHIVE"  # where the binding looks first; it would start a program to search


def members(data: bytes, document_type: str, _name: str, _allowance: Allowance) -> Iterator[Member]:
    """The files in an archive, in its order. Raises FileSkipped where nothing here unpacks it,
    FileFailed where it is broken, at that point, or unpacks to far more than it is.
    """
    libarchive = library(document_type)
    names = MemberNames()
    total = 0
    try:
        with libarchive.memory_reader(
            data, format_name=_format(data, document_type), filter_name="none"
        ) as archive:
            for entry in archive:
                if not entry.isfile:
                    continue
                member = _member(entry, names, len(data))
                total += len(member.data)
                refuse_bomb(total, len(data), BOMB_ARCHIVE)
                if total > MAX_BYTES:
                    raise FileFailed(f"unpacks to more than {MAX_BYTES >> 20:,} MiB")
                yield member
    except libarchive.ArchiveError as error:
        raise FileFailed(_reason(error)) from error


def _format(data: bytes, document_type: str) -> str:
    """The one format that libarchive may look for: others have readers and checks of their own."""
    if document_type == "7z":
        return "7zip"
    return "rar5" if data.startswith(_RAR5) else "rar"


def library(document_type: str) -> Any:  # a module without types
    """The binding of libarchive; raises FileSkipped where it or the library is missing."""
    if find_spec("libarchive") is None:
        raise FileSkipped(f"an archive (.{document_type}): searchapp[archives] reads it")
    if _PLACE not in os.environ:
        for file in _LIBRARIES:
            with suppress(OSError):
                ctypes.CDLL(file)
                os.environ[_PLACE] = file
                break
        else:
            raise FileSkipped(
                f"an archive (.{document_type}): the system's libarchive reads it, and is missing"
            )
    import libarchive

    return libarchive


def _member(entry: Any, names: MemberNames, packed: int) -> Member:
    name = names.of(entry.pathname or "unnamed")
    refusal = refusal_of_name(name)
    size = entry.size or 0
    if refusal is None and size > MAX_MEMBER_BYTES:
        refusal = too_large(size)
    if refusal:
        return Member(name, refusal=refusal)
    content = bytearray()
    try:
        for block in entry.get_blocks():
            content += block
            refuse_bomb(len(content), packed, BOMB_MEMBER)
            if len(content) > MAX_MEMBER_BYTES:
                return Member(name, refusal=too_large(len(content)))
    except FileFailed as error:
        return Member(name, refusal=error)
    except Exception as error:
        if type(error).__name__ != "ArchiveError":
            raise
        return Member(name, refusal=FileFailed(_reason(error)))
    return Member(name, bytes(content))


def _reason(error: Exception) -> str:
    text = str(error).partition(" (errno")[0]
    if "assphrase" in text or "ncrypt" in text:
        return "encrypted: needs a password"
    detail = "" if text == "None" else f": {text[:200]}"
    return f"not a readable archive{detail}"
