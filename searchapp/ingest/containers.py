"""Documents that hold others, as mails do: until all that they hold is stored they are recorded as
files to be read again, so that neither a stop nor a crash in between loses an attachment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.types.documents import Source
    from searchapp.types.protocols import Writer


class OpenContainers:
    """The containers of a run, by path."""

    def __init__(self) -> None:
        self._sources: dict[bytes, Source] = {}

    def source_for_now(self, source: Source, *, is_container: bool) -> Source:
        """The source to record for a document that is on its way to the store."""
        if not is_container:
            return source
        self._sources[source.path] = source
        return replace(source, hashed_at_ns=0)

    def settle(self, writer: Writer, is_whole: Callable[[bytes], bool]) -> None:
        """Record those that are stored with all that they hold as they are; call it once nothing
        is on its way to the writer.
        """
        whole = {path: source for path, source in self._sources.items() if is_whole(path)}
        known = writer.known_files(whole) if whole else {}
        for path in known.keys() & whole.keys():
            writer.relocate(known[path].document_id, whole[path])
