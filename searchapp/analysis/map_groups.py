"""What documents are grouped by on a map: the folders that people know them by, their types, or any
other name. Pure.

There are as many groups as can be told apart by colour and shape; what is left over is one group
more, without a colour.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from searchapp.types.documents import MEMBER

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 24  # groups: eight colours in three shapes
REST = -1


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The groups' names, the largest first, and each thing's group; REST where it is in none of
    them.
    """

    names: tuple[str, ...]
    of: NDArray[np.int64]  # (n,)


def grouped(names: Sequence[str]) -> Groups:
    """Things grouped by their names, "" for none; of too many groups the smallest are left over.
    Ties in order of the names.
    """
    sizes = Counter(name for name in names if name)
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST]
    number = {name: i for i, name in enumerate(largest)}
    return Groups(tuple(largest), np.array([number.get(name, REST) for name in names], np.int64))


def base_of(paths: Sequence[bytes]) -> bytes:
    """The folder that all paths are in."""
    return os.path.commonpath({_folder(path) for path in paths})


def folders(paths: Sequence[bytes]) -> list[bytes]:
    """The folder that each path is grouped by: one right below the folder that all are in.

    A folder that has more than half of the paths is opened in its turn, as long as there are not
    too many. What stands in an archive is where the archive is.
    """
    places = Counter(_folder(path) for path in paths)
    opened = {base_of(paths): dict(places)} if paths else {}
    while True:
        largest = max(
            opened, key=lambda folder: (sum(opened[folder].values()), folder), default=b""
        )
        parts = _parts(largest, opened.get(largest, {}))
        is_first = len(opened) == 1
        has_most = sum(opened.get(largest, {}).values()) * 2 > len(paths)
        if (
            parts.keys() <= {largest}
            or not has_most
            or (not is_first and len(opened) - 1 + len(parts) > MOST)
        ):
            break
        del opened[largest]
        opened |= parts
    group = {place: folder for folder, within in opened.items() for place in within}
    return [group[_folder(path)] for path in paths]


# ---- private -------------------------------------------------------------------------------------


def _folder(path: bytes) -> bytes:
    return os.path.dirname(path.partition(MEMBER)[0])  # noqa: PTH120 - pathlib cannot hold a path that is bytes


def _parts(folder: bytes, places: dict[bytes, int]) -> dict[bytes, dict[bytes, int]]:
    """The places in a folder by the folder right below it that they are in, or by itself."""
    parts: dict[bytes, dict[bytes, int]] = {}
    lead = folder.rstrip(b"/") + b"/"
    for place, count in places.items():
        name = place.removeprefix(lead).partition(b"/")[0] if place != folder else b""
        parts.setdefault(lead + name if name else folder, {})[place] = count
    return parts
