"""Archives and packed files: their members, taken out one at a time in memory, never written
anywhere.

What an archive declares of itself is used only against it: sizes that cannot be right are refused
before anything is unpacked, and all that is unpacked is counted. A member that cannot be taken out
is a refusal; the others are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from searchapp.extract.archives.compressed import (
    MAGIC,
    DecompressedStream,
)
from searchapp.extract.archives.limits import too_large
from searchapp.extract.archives.names import decoded_name, refusal_of_name, safe_name
from searchapp.extract.archives.tar import TAR_BLOCK, tar_members
from searchapp.extract.archives.zip import zip_members
from searchapp.extract.members import MAX_MEMBER_BYTES, Allowance, Member

_PACKED_ENDINGS = {
    "tgz": "tar",
    "tbz": "tar",
    "tbz2": "tar",
    "txz": "tar",
    "gz": "",
    "bz2": "",
    "xz": "",
    "svgz": "svg",
}


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:
    """The files in an archive, in its order; a packed file is one member, and a packed tar gives
    those of the tar.

    Folders, links and devices are no members. What the rules for names leave out on disk is a
    member that is refused here. Raises FileFailed where the archive is broken, at that point, or is
    made to unpack to far more than it is.
    """
    if document_type == "zip":
        return zip_members(data)
    stream = DecompressedStream(data, document_type)
    if document_type == "tar":
        return tar_members(stream, allowance)
    return _packed_members(stream, _packed_name(data, name), allowance)


def _packed_members(
    stream: DecompressedStream, name: str, allowance: Allowance
) -> Iterator[Member]:
    if stream.head(TAR_BLOCK)[257:262] == b"ustar":
        yield from tar_members(stream, allowance)
        return
    safe = safe_name(name)
    refusal = refusal_of_name(safe)
    if refusal:
        yield Member(safe, refusal=refusal)
        return
    content = stream.read(MAX_MEMBER_BYTES + 1)
    yield (
        Member(safe, refusal=too_large(len(content)))
        if len(content) > MAX_MEMBER_BYTES
        else Member(safe, content)
    )


def _packed_name(data: bytes, name: str) -> str:
    """The name that a gzip header gives, else the archive's own without its ending."""
    if data.startswith(MAGIC["gz"]) and (named := _gzip_name(data)):
        return named
    path = PurePosixPath(name)
    inner = _PACKED_ENDINGS.get(path.suffix[1:].lower())
    if inner is None:
        return path.name
    return f"{path.stem}.{inner}" if inner else path.stem


def _gzip_name(data: bytes) -> str:
    """The file's name in a gzip header (RFC 1952, section 2.3), "" where there is none."""
    has_extra, has_name = len(data) > 10 and data[3] & 4, len(data) > 10 and data[3] & 8
    start = 12 + int.from_bytes(data[10:12], "little") if has_extra else 10
    end = data.find(b"\0", start, start + 1024) if has_name else -1
    return PurePosixPath(decoded_name(data[start:end])).name if end > start else ""
