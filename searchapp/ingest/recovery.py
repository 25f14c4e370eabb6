"""What a repair leaves to be done: vectors to make anew, labels to give back."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from searchapp.filesystem.sources import standing_source
from searchapp.ingest.indexer import Indexer
from searchapp.ingest.roots import read_again
from searchapp.types.results import Progress

if TYPE_CHECKING:
    from searchapp.types.documents import Label
    from searchapp.types.protocols import Backend, Encoder, Writer
    from searchapp.types.results import IngestReport, RepairReport


def embed_again(
    backend: Backend,
    report: RepairReport,
    open_encoder: Callable[[Writer], Encoder],
    *,
    on_progress: Callable[[Progress], None],
    is_stopped: Callable[[], bool],
) -> None:
    """Have what the repair did not find be read again, and make the vectors of all documents that
    have none.
    """
    with closing(backend.writer()) as writer:
        read_again(writer, report.to_read)
        if writer.has_pending():
            _embed_pending(writer, open_encoder(writer), on_progress, is_stopped)
        writer.finish()


def files_to_read(report: RepairReport) -> list[str]:
    """The files that stand where what is to be read again came from."""
    files = (standing_source(path) for path in report.to_read)
    return list(dict.fromkeys(os.fsdecode(file) for file in files if file))


def take_found(report: RepairReport, ingested: IngestReport) -> None:
    """Count as found again, of what was lost with its path, as many as the remembered folders had
    that the corpus did not.
    """
    found = ingested.counts().get("indexed", 0)
    unnamed = sum(not path for path in report.lost)
    report.lost = [path for path in report.lost if path] + [b""] * max(0, unnamed - found)
    report.notes += failures(ingested)


def failures(report: IngestReport) -> list[str]:
    """What could not be read, and why, for people."""
    return [
        f"{os.fsdecode(file.path)}: {file.reason}"
        for file in report.files
        if file.outcome == "failed"
    ]


def _embed_pending(
    writer: Writer,
    encoder: Encoder,
    on_progress: Callable[[Progress], None],
    is_stopped: Callable[[], bool],
) -> None:

    def report() -> None:
        on_progress(Progress(0, 0, indexer.embedded, indexer.took_s, math.inf))

    with Indexer(writer, encoder, on_embedded=report, is_stopped=is_stopped) as indexer:
        indexer.close()


def label_again(backend: Backend, labels: Mapping[bytes, Iterable[Label]]) -> None:
    """Give documents that were read again the labels that they had by hand, by path."""
    if not labels:
        return
    with closing(backend.writer()) as writer:
        known = writer.known_files()
        for path in labels.keys() & known.keys():
            writer.set_labels(known[path].document_id, labels[path])
        writer.commit()
