"""Documents that are ZIP files (docx, pptx, xlsx, odt, epub): opened only where they unpack to a
sane size.

What is declared is judged before anything is unpacked, and unpacking never goes past what is
declared. This module knows nothing of what the members mean.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from searchapp.errors import FileFailed
from searchapp.extract.office.flat import is_flat, packaged

MAX_TOTAL_BYTES = 512 * 2**20  # of all members, unpacked
MAX_MEMBER_BYTES = 128 * 2**20
MAX_MEMBERS = 50_000

_ORDINARY_BYTES = 64 * 2**20  # up to this total, any ratio will do
_MAX_RATIO = 200  # unpacked to packed
_IS_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def checked_package(data: bytes) -> zipfile.ZipFile:
    """The ZIP file in the bytes, with nothing unpacked yet; a flat document as one.

    Raises FileFailed for a broken one, an encrypted one, and one that declares to unpack to too
    much.
    """
    try:
        package = zipfile.ZipFile(io.BytesIO(packaged(data) if is_flat(data) else data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise FileFailed(f"not a readable file: {_reason(error)}") from error
    members = package.infolist()
    if any(member.flag_bits & _IS_ENCRYPTED for member in members):
        raise FileFailed("encrypted: needs a password")
    if len(members) > MAX_MEMBERS:
        raise FileFailed(f"not a readable file: holds more than {MAX_MEMBERS:,} members")
    total = sum(member.file_size for member in members)
    if total > MAX_TOTAL_BYTES or total > max(_ORDINARY_BYTES, _MAX_RATIO * len(data)):
        raise FileFailed(f"zip bomb: unpacks to {total >> 20:,} MiB")
    return package


def member_bytes(
    package: zipfile.ZipFile, name: str, *, max_bytes: int = MAX_MEMBER_BYTES
) -> bytes:
    """The bytes of a member; raises KeyError where there is none, FileFailed where it is broken or
    larger than `max_bytes`.
    """
    member = package.getinfo(name)
    if member.file_size > max_bytes:
        raise FileFailed(f"not a readable file: {name} unpacks to {member.file_size >> 20:,} MiB")
    if member.compress_type not in _METHODS:
        raise FileFailed(f"not a readable file: {name} is packed in an unusual way")
    try:
        return package.read(member)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        raise FileFailed(f"not a readable file: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error)[:100] or type(error).__name__
