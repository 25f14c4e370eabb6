"""How much an archive may unpack to before it is refused as a bomb.

Sizes are in bytes; this module has never seen an archive.
"""

from __future__ import annotations

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.members import MAX_MEMBER_BYTES

BOMB_MEMBER = (10 * 2**20, 1000)  # bytes, and how many times as many as the packed ones
BOMB_ARCHIVE = (64 * 2**20, 200)


def refuse_bomb(unpacked: int, packed: int, limit: tuple[int, int]) -> None:
    """Raise FileFailed for more bytes, and more times the packed ones, than `limit` allows."""
    size, ratio = limit
    if unpacked > size and unpacked > packed * ratio:
        raise FileFailed(f"zip bomb: {packed:,} bytes unpack to {unpacked:,} or more")


def too_large(size: int) -> FileSkipped:
    """The refusal of a member of so many bytes."""
    return FileSkipped(f"larger than {MAX_MEMBER_BYTES >> 20} MiB ({size >> 20:,} MiB)")
