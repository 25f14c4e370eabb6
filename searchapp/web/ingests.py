"""The ingest that a server runs beside its answers: one at a time, of the remembered roots, with
its progress for whoever looks.

Knows the corpus, and no request.
"""

from __future__ import annotations

import logging
import math
import threading
from typing import TYPE_CHECKING, Any

from searchapp.errors import CorpusLocked, SearchappError

if TYPE_CHECKING:
    from searchapp.corpus import Corpus
    from searchapp.types.results import IngestReport, Progress

_log = logging.getLogger(__name__)


class Ingests:
    """At most one ingest of a corpus, in a thread of its own."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._taken = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.progress: dict[str, Any] | None = None  # of the one that runs, or of the last one

    @property
    def is_running(self) -> bool:
        """Whether one is at work."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self) -> None:
        """Begin to bring the remembered roots up to date. Raises CorpusLocked while one runs."""
        with self._taken:
            if self.is_running:
                raise CorpusLocked(
                    "an ingest of this server is running", hint="wait until it has ended"
                )
            self.progress = _state("looking")
            self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
            self._thread.start()

    def end(self, *, within_s: float) -> None:
        """Have the one that runs end after its next commit, and wait so long for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(within_s)

    def _run(self) -> None:
        try:
            report = self._corpus.ingest(on_progress=self._note, is_stopped=self._stop.is_set)
            self.progress = _ended(report)
        except SearchappError as error:
            self.progress = _state("failed", detail=str(error))
        except Exception as error:  # noqa: BLE001 - nobody is there to catch it
            _log.exception("the ingest failed")
            self.progress = _state("failed", detail=f"{type(error).__name__}: {error}")

    def _note(self, progress: Progress) -> None:
        is_reading = progress.files_read is not None and progress.files_read < progress.files_total
        state = "looking" if progress.seen else "reading" if is_reading else "embedding"
        self.progress = _state(
            state,
            files_done=progress.seen.files if progress.seen else progress.files_done,
            files_total=progress.files_total,
            passages=progress.passages,
            left_s=round(progress.left_s, 1) if math.isfinite(progress.left_s) else None,
        )


def _ended(report: IngestReport) -> dict[str, Any]:
    counts = report.counts()
    said = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)
    return _state(
        "stopped" if report.was_interrupted else "done",
        files_done=sum(counts.values()),
        files_total=sum(counts.values()),
        passages=report.passages_embedded + report.passages_reused,
        detail=said,
    )


def _state(state: str, **values: object) -> dict[str, Any]:
    nothing = {"files_done": 0, "files_total": 0, "passages": 0, "left_s": None, "detail": ""}
    return {"state": state} | nothing | values
