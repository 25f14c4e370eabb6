"""A program to be killed and failed at any of its calls: it ingests a folder and says what is
committed, or does another work on a corpus.

    python -m tests.torture.victim CORPUS DOCS [ACKNOWLEDGED [--hasty]]

After each commit of an ingest it adds a line of JSON to the file ACKNOWLEDGED: every document's path, content
hash, and whether it is pending. It speaks by `writev` alone, so that what fails of the calls it is
traced for is never its own speaking.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.lock import Lock
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.writer import SqliteWriter, migrate
from searchapp.classification import labeling
from searchapp.classification.classifier import ZeroShotClassifier
from searchapp.corpus import Corpus
from searchapp.errors import SearchappError
from searchapp.ingest import indexer
from searchapp.maintenance.reembed import reembed
from searchapp.testing import HashEncoder
from searchapp.types.filters import Filters

ENCODER = HashEncoder(dim=32, max_tokens=48)
OTHER = HashEncoder(dim=48, max_tokens=24)  # that a corpus goes over to
GOLDEN = HashEncoder(dim=16)  # that made the corpora of earlier schemas
_LISTED = (
    "SELECT d.path, d.content_hash, v.document_id IS NULL FROM document d LEFT JOIN "
    "vectors v ON v.document_id = d.id"
)


class _Telling(SqliteWriter):
    """A writer that says after each commit what a reader finds."""

    def __init__(self, folder: Path, lock: Lock, acknowledged: Path, *, is_hasty: bool) -> None:
        self._acknowledged, self._is_hasty = acknowledged, is_hasty
        super().__init__(folder, lock)

    def commit(self) -> int:
        if self._is_hasty:
            rows = self.known_files().values()
            self._say((row.source.path, row.source.content_hash, row.is_pending) for row in rows)
        generation = super().commit()
        with SqliteReader(self.folder) as reader:
            self._say(reader.database.execute(_LISTED))
        return generation

    def _say(self, rows: Iterable[tuple[bytes, bytes, int]]) -> None:
        listed = {
            os.fsdecode(path): [content_hash.hex(), bool(is_pending)]
            for path, content_hash, is_pending in rows
        }
        descriptor = os.open(self._acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.writev(descriptor, [json.dumps(listed).encode() + b"\n"])
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Backend(SqliteBackend):
    acknowledged: Path
    is_hasty: bool

    def writer(self, *, for_removal: bool = False) -> SqliteWriter:  # noqa: ARG002 - an ingest is none
        return _Telling(self.folder, Lock(self.folder), self.acknowledged, is_hasty=self.is_hasty)


def classify(corpus: Path) -> None:
    """Label one document by hand, and all that nobody has labelled by what the labels mean."""
    backend = SqliteBackend(corpus)
    labeling.label(backend, "kept", ["*07.md"])
    names = ("heron1", "stone")
    described = ENCODER.encode_passages(["In river1 a heron1 waits", "stone14 is cold"])
    labeling.apply(backend, ZeroShotClassifier(ENCODER.identity, names, described), Filters())


def use(corpus: Path) -> None:
    """Go over to the other encoder, and keep the encoding by the first; does nothing where that is
    done.
    """
    backend = SqliteBackend(corpus)
    if encoder_of(corpus) is not OTHER:
        reembed(backend, OTHER, keep=True)


COMMANDS: dict[str, Callable[[Path], object]] = {
    "classify": classify,
    "use": use,
    "migrate": migrate,
}


def encoder_of(corpus: Path) -> HashEncoder:
    """The encoder that made a corpus, the first where there is none yet."""
    with closing(SqliteBackend(corpus).reader()) as reader:
        identity = reader.encoder
    return next((each for each in (OTHER, GOLDEN) if each.identity == identity), ENCODER)


def run(
    corpus: Path, docs: Path, acknowledged: Path, *, command: str = "", is_hasty: bool = False
) -> int:
    """Ingest, or run one of COMMANDS, and return the exit code; hastily: documents are acknowledged
    before they are committed, which is a lie.

    The world's failures end as in the command line, with message and hint; anything else is raised.
    """
    indexer._COMMIT_S = 0.0  # a commit at every chance, as in an ingest of hours
    labeling._COMMIT_DOCUMENTS = 1
    try:
        if command:
            COMMANDS[command](corpus)
        else:
            Corpus(_Backend(corpus, acknowledged, is_hasty), encoder=ENCODER).ingest([docs])
    except SearchappError as error:
        os.writev(2, [f"error: {error}\nhint: {error.hint}\n".encode()])
        return error.exit_code
    return 0


def main() -> None:
    """Ingest, as the arguments say."""
    parser = argparse.ArgumentParser(description="Ingest a folder, and say what is committed.")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("docs", type=Path)
    parser.add_argument("acknowledged", type=Path, nargs="?", default=Path(os.devnull))
    parser.add_argument("--hasty", action="store_true", help="acknowledge before committing")
    arguments = parser.parse_args()
    sys.exit(
        run(arguments.corpus, arguments.docs, arguments.acknowledged, is_hasty=arguments.hasty)
    )


if __name__ == "__main__":
    main()
