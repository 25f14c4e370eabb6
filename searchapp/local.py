"""The Backend on this machine: a folder, written by `store` and read by `snapshot`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.errors import CorpusError
from searchapp.lock import Lock
from searchapp.snapshot import OldSchema, Snapshot

if TYPE_CHECKING:
    from searchapp.store import Store
    from searchapp.types import Finding


@dataclass(frozen=True, slots=True)
class LocalBackend:
    """A corpus folder; implements `types.Backend`. The writer's libraries are imported when a writer is asked for."""

    folder: Path

    def writer(self) -> Store:
        """The one writer; makes the folder where there is none. Raises CorpusLocked while another holds it."""
        lock = Lock(self.folder)
        try:
            from searchapp.store import Store
        except BaseException:
            lock.release()
            raise
        return Store(self.folder, lock)

    def reader(self) -> Snapshot:
        """The newest committed generation; a corpus with an old schema is migrated first, in a child process."""
        try:
            return Snapshot(self.folder)
        except OldSchema:
            self._migrate()
            return Snapshot(self.folder)

    def check(self, *, is_full: bool) -> list[Finding]:
        """What is wrong with the folder; empty when nothing is."""
        from searchapp.check import check

        return check(self.folder, is_full=is_full)

    def _migrate(self) -> None:
        command = [sys.executable, "-P", "-m", "searchapp.store", str(self.folder)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["unknown reason"])[-1]
            raise CorpusError(f"the corpus could not be brought to this program's schema: {reason}", hint="run: searchapp ingest")
