"""Where exactly the limits of archives lie."""

from __future__ import annotations

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.archives.limits import BOMB_ARCHIVE, BOMB_MEMBER, refuse_bomb, too_large
from searchapp.extract.members import MAX_BYTES, MAX_DEPTH, MAX_MEMBER_BYTES, MAX_MEMBERS, Allowance

MIB = 2**20


@pytest.mark.parametrize(
    ("limit", "least", "ratio"), [(BOMB_MEMBER, 10 * MIB, 1000), (BOMB_ARCHIVE, 64 * MIB, 200)]
)
def test_a_bomb_is_larger_and_denser_than_the_limits(
    limit: tuple[int, int], least: int, ratio: int
) -> None:
    packed = least // ratio + 1
    refuse_bomb(least, 1, limit)
    refuse_bomb(packed * ratio, packed, limit)
    for unpacked, size in ((least + 1, 1), (packed * ratio + 1, packed)):
        with pytest.raises(FileFailed, match=f"zip bomb: {size:,} bytes unpack to {unpacked:,} or"):
            refuse_bomb(unpacked, size, limit)


def test_as_many_members_and_bytes_are_taken_as_are_allowed_and_not_one_more() -> None:
    allowance = Allowance(members=2, total_bytes=10)
    for count in (6, 4):
        allowance.take_member()
        allowance.take_bytes(count)
    with pytest.raises(FileFailed, match="holds more than"):
        allowance.take_member()
    with pytest.raises(FileFailed, match="unpacks to more than"):
        allowance.take_bytes(1)


def test_the_limits_are_these() -> None:
    limits = (MAX_MEMBERS, MAX_BYTES // MIB, MAX_MEMBER_BYTES // MIB, MAX_DEPTH)
    assert limits == (100_000, 1024, 200, 4)
    assert str(too_large(7 * MIB)).endswith("MiB (7 MiB)")
