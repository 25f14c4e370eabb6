"""A second encoding of a corpus while it is built, and the moment when it takes the place of the
current one.

The encoding is a corpus of its own in a folder inside the corpus's, as `shadow` says; `swap` puts
it in place. Knows neither models nor documents' files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.backends.sqlite import shadow, swap
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.types.encodings import SwapStep

if TYPE_CHECKING:
    from searchapp.types.vectors import EncoderIdentity


class SqliteNewEncoding:
    """Implements `types.encodings.NewEncoding`."""

    def __init__(self, corpus: Path, identity: EncoderIdentity) -> None:
        self._corpus = corpus
        self._folder = shadow.folder_of(corpus, identity.fingerprint)
        self.backend = SqliteBackend(self._folder)

    def require_room(self, *, keep: bool) -> None:
        """Raise CorpusUnwritable where the disk has too little room for another encoding."""
        swap.require_room(self._corpus, copies=3 if keep else 2)

    def contents(self) -> dict[bytes, tuple[bytes, bool]]:
        """The content hash of each document of the corpus, and whether it is stale, by path."""
        with SqliteReader(self._corpus) as current:
            rows = current.database.execute(
                "SELECT path, content_hash, is_stale FROM document ORDER BY path"
            )
            return {path: (content_hash, bool(is_stale)) for path, content_hash, is_stale in rows}

    def reserve_ids(self) -> None:
        """Have the encoding number its next documents and passages behind the corpus's."""
        with _locked(self._folder):
            swap.count_on(self._folder, self._corpus)

    def require_sound(self) -> None:
        """Check every byte of the encoding; raises CorpusDamaged."""
        swap.require_sound(self._folder, full=True)

    def lock(self) -> SqliteEncodingSwap:
        """Keep other writers out of the corpus; raises CorpusLocked while one is at work."""
        return SqliteEncodingSwap(self._corpus, self._folder)


class SqliteEncodingSwap:
    """Implements `types.encodings.EncodingSwap`."""

    def __init__(self, corpus: Path, folder: Path) -> None:
        self._lock = Lock(corpus)
        self._corpus = corpus
        self._folder = folder

    def put_in_place(self, *, keep: bool, on_step: Callable[[SwapStep], None]) -> None:
        """Have the corpus answer from the new encoding, in one transaction."""
        with _locked(self._folder):
            swap.make_ready(self._folder, self._corpus)
            swap.require_sound(self._folder, full=False)
            if keep:
                on_step("keeping the former one")
                swap.keep(self._corpus)
            on_step("switching")
            swap.put_in_place(self._folder, self._corpus)
            shadow.delete(self._folder)

    def publish(self) -> list[str]:
        """Write the derived files of the corpus, and let other writers in; returns notes."""
        from searchapp.backends.sqlite.writer import SqliteWriter

        with SqliteWriter(self._corpus, self._lock) as writer:
            writer.finish()
        return writer.notes

    def release(self) -> None:
        """Let other writers in; once is enough."""
        self._lock.release()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = Lock(folder)
    try:
        yield
    finally:
        lock.release()
