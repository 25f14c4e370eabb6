"""The API does what its description says: schemathesis asks it all that the description allows, and
what it does not.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.server import Server, served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("described")
    docs = folder / "docs"
    docs.mkdir()
    for number in range(12):
        text = f"# Note {number}\n\nThe lamp of quay {number} is lit at dusk.\n"
        (docs / f"{number}.md").write_text(text, encoding="utf-8")
    with served(folder / "served", docs, PATH="") as server:  # no program to show folders with
        yield server


def test_every_answer_is_as_described_whatever_is_asked(server: Server, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}openapi.json"),
        *("--header", f"Authorization: Bearer {server.token}"),
        *("--max-examples", "3", "--seed", "1", "--request-timeout", "60"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
