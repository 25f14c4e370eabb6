"""How the page writes paths: from the folder on that was ingested, as its owner knows it. Pure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from searchapp.output.terminal import display_path
from searchapp.types.documents import is_within

if TYPE_CHECKING:
    from searchapp.types.documents import Root


class ShownPaths:
    """The paths of a corpus, seen from the folders that are above its roots."""

    def __init__(self, roots: Sequence[Root] = ()) -> None:
        self._roots = sorted((root.path for root in roots), key=len, reverse=True)

    def path(self, path: bytes) -> str:
        """A path, from the name of its root on; the whole of it where it is below none."""
        root = next((root for root in self._roots if is_within(path, root)), None)
        return display_path(path, None if root is None else root.rpartition(b"/")[0])

    def folder(self, path: bytes) -> str:
        """The folder of a path, "" where that is above its root."""
        return self.path(path).rpartition("/")[0]

    def place(self, place: str) -> str:
        """A folder or glob as an address has it."""
        return self.path(os.fsencode(place)) if place.startswith("/") else place


def file_name(path: bytes) -> str:
    """The last part of a path."""
    return display_path(path.rpartition(b"/")[2])
