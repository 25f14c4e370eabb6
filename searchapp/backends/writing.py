"""Writing that leaves no corpus behind where it fails before the first commit, in any backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from searchapp.types.protocols import Discardable

if TYPE_CHECKING:
    from searchapp.types.protocols import Backend, Writer


@contextmanager
def writing(backend: Backend) -> Iterator[Writer]:
    """The one writer, closed behind the block; where that fails, a corpus that it has made and not
    committed to is gone again.
    """
    writer = backend.writer()
    try:
        yield writer
    except BaseException:
        discard(writer)
        raise
    finally:
        writer.close()


def discard(writer: Writer) -> None:
    """Close a writer; nothing is left of a corpus that it has made and not committed to."""
    if isinstance(writer, Discardable):
        writer.discard()
