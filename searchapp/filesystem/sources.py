"""Where the file of a document stands."""

from __future__ import annotations

import os

from searchapp.types.documents import containers_of


def standing_source(path: bytes) -> bytes | None:
    """The file on the disk that a document was read from, itself or the archive or mail that holds
    it; None where it is gone.
    """
    return next((file for file in (*containers_of(path), path) if os.path.isfile(file)), None)  # noqa: PTH113 - paths are bytes
