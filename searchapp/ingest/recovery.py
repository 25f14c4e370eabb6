"""What a repair leaves to be done: vectors to make anew, labels to give back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from searchapp.ingest.indexer import Indexer
from searchapp.types.results import Progress

if TYPE_CHECKING:
    from searchapp.types.documents import Label
    from searchapp.types.protocols import Encoder, Writer


def embed_pending(
    writer: Writer,
    encoder: Encoder,
    on_progress: Callable[[Progress], None],
    is_stopped: Callable[[], bool],
) -> None:
    """Make the vectors of all documents that have none."""

    def report() -> None:
        on_progress(Progress(0, 0, indexer.embedded, indexer.took_s, math.inf))

    with Indexer(writer, encoder, on_embedded=report, is_stopped=is_stopped) as indexer:
        indexer.close()


def label_again(writer: Writer, labels: Mapping[bytes, Iterable[Label]]) -> None:
    """Give documents that were read again the labels that they had by hand, by path."""
    known = writer.known_files()
    for path in labels.keys() & known.keys():
        writer.set_labels(known[path].document_id, labels[path])
    writer.commit()
