"""A server of a small corpus in a process of its own, for tests that look at it as people do.

The corpus is made with the HashEncoder, so that no model is opened.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT


@dataclass(frozen=True)
class Server:
    """A server that listens."""

    url: str  # ends in a stroke
    open_url: str  # lets one browser in, once
    token: str
    corpus: Path
    process: int


@contextmanager
def served(folder: Path, *documents: Path, **variables: str) -> Iterator[Server]:
    """A server of the documents, with its corpus and everything else in a folder; `variables` are
    of its environment.
    """
    folder.mkdir(exist_ok=True)
    command = (sys.executable, "-P", "-m", "tests.builders.server", *map(str, (folder, *documents)))
    environment = os.environ | {
        "SEARCHAPP_CACHE": str(folder / "cache"),
        "XDG_RUNTIME_DIR": "",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        **variables,
    }
    log = folder / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as child,
    ):
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line, log.read_text(encoding="utf-8", errors="replace")
        said = json.loads(line)
        yield Server(said["url"], said["open"], said["token"], folder / "corpus", child.pid)
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0, log.read_text(encoding="utf-8", errors="replace")


def _serve(folder: Path, documents: list[str]) -> None:
    from searchapp import config
    from searchapp.corpus import Corpus
    from searchapp.testing import HashEncoder
    from searchapp.web.server import Listening, ServeOptions, serve
    from searchapp.web.state_file import read_state

    def announce(listening: Listening) -> None:
        state = read_state(listening.state)
        assert state is not None
        said = {"url": listening.url, "open": listening.open_url, "token": state.token}
        sys.stdout.write(f"{json.dumps(said)}\n")
        sys.stdout.flush()

    settings = config.load(corpus=str(folder / "corpus"))
    corpus = Corpus.open(settings, encoder=HashEncoder(dim=512))
    if documents:
        corpus.ingest(documents)
    options = ServeOptions(port=0)
    run = config.runtime_folder(settings.cache)
    serve(corpus, settings, run, options, announce, lambda _: {})


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2:])
