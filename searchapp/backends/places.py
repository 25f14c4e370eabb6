"""Which backend keeps the corpus at a place: the only module that chooses one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.config import is_url
from searchapp.errors import Unsupported

if TYPE_CHECKING:
    from searchapp.types.protocols import Backend
    from searchapp.types.vectors import EncoderIdentity


def backend_at(place: str) -> Backend:
    """The backend of a folder, or of a URL; raises Unsupported for a URL that none serves."""
    if place.startswith("memory:"):
        from searchapp.testing import MemoryBackend

        return MemoryBackend.named(place)
    if is_url(place):
        raise Unsupported(
            f"no backend of this program keeps a corpus at {place.partition('://')[0]}://",
            hint="name a folder",
        )
    from searchapp.backends.sqlite.backend import SqliteBackend

    return SqliteBackend(Path(place))


def folder_of(backend: Backend) -> Path | None:
    """The folder that a backend keeps its corpus in, where it has one."""
    folder = getattr(backend, "folder", None)
    return folder if isinstance(folder, Path) else None


def encoder_at(place: str) -> EncoderIdentity | None:
    """The encoder of the corpus in a folder, None elsewhere and before the first document; changes
    nothing. Raises CorpusError where the corpus cannot be read as it is.
    """
    if is_url(place):
        return None
    from searchapp.backends.sqlite.reader import SqliteReader

    with SqliteReader(Path(place)) as reader:
        return reader.encoder
