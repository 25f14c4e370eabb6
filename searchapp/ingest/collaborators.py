"""What an ingest is given to work with: its options, who reads files, and who opens the encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol, TypedDict

if TYPE_CHECKING:
    from searchapp.extract.sandbox.reading import Extracted
    from searchapp.types.documents import Unindexed
    from searchapp.types.protocols import Encoder
    from searchapp.types.results import Progress


class IngestOptions(TypedDict, total=False):
    """How an ingest goes about it."""

    prune: bool  # remove the documents of missing or emptied folders, too
    retry: bool  # read what failed before again, too
    on_progress: Callable[[Progress], None]
    is_stopped: Callable[[], bool]


class Extractor(Protocol):
    """Reads files, each to the text of all that it holds, or the reasons why not."""

    def submit(
        self, path: bytes, refused: Mapping[bytes, Unindexed], *, with_secrets: bool = False
    ) -> Future[list[Extracted]]:
        """Begin to read a file; `refused` says which contents were refused before."""

    @property
    def lost_s(self) -> float:
        """The seconds that went into files that came to nothing for want of time or memory."""


class OpenEncoder(Protocol):
    """Opens the encoder of a corpus, tuned for many passages or opened quickly for a few; its
    vectors are the same.
    """

    def __call__(self, *, bulk: bool) -> Encoder:
        """The encoder; `bulk` tunes it for many passages."""
