"""A corpus of four notes in memory, served in the test's process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from searchapp.corpus import Corpus
from searchapp.testing import HashEncoder, MemoryBackend
from tests.builders.asgi import Served
from tests.builders.house import HereCorpus

NOTES = {
    "harbour/lamp.md": "# The lamp\n\nThe lamp of the quay is lit at dusk and put out at dawn.\n",
    "harbour/tide.md": "# The tide\n\nThe tide turns twice a day, and the ferry goes with it.\n",
    "kitchen/bread.md": "# Bread\n\nBread is baked at dawn; the oven is lit at night.\n",
    "kitchen/<script>.txt": "A name that tries to be more than a name. lamp\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes")
    for name, text in NOTES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def corpus(folder: Path) -> Corpus:
    corpus = HereCorpus(MemoryBackend(), encoder=HashEncoder(dim=512))
    corpus.ingest([folder])
    return corpus


@pytest.fixture
def served(corpus: Corpus) -> Iterator[Served]:
    served = Served(corpus)
    yield served
    served.workers.close()
