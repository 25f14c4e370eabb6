"""The groups of documents on a map: by the folders that people know them by, or by any other name.
Pure.

There are as many groups as colours and shapes can tell apart; whatever is left over is one more
group without a colour.
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
    """The names of the groups, largest first, and the group of each item; REST where it is in
    none.
    """

    names: tuple[str, ...]
    of: NDArray[np.int64]  # (n,)


def grouped(names: Sequence[str]) -> Groups:
    """Items grouped by their names, "" for none. Where there are too many groups, the smallest are
    left over. Ties in the order of the names.
    """
    sizes = Counter(name for name in names if name)
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST]
    number = {name: i for i, name in enumerate(largest)}
    return Groups(tuple(largest), np.array([number.get(name, REST) for name in names], np.int64))


def base_of(paths: Sequence[bytes]) -> bytes:
    """The folder that holds all the paths."""
    return os.path.commonpath({_folder(path) for path in paths})


def folders(paths: Sequence[bytes]) -> list[bytes]:
    """The folder that each path is grouped by: one right below the folder that holds them all.

    A folder with more than half of the paths is split again, as long as that does not make too many
    groups. What is in an archive counts as being where the archive is.
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
