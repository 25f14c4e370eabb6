"""What the tests of ingests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty corpus, to be copied: to make one takes longer than most of these tests."""
    folder = tmp_path_factory.mktemp("blank") / "corpus"
    SqliteBackend(folder).writer().close()
    return folder
