"""What a shell completes: commands, options, and the values that are known in advance."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from searchapp.cli.app import Commands
from searchapp.search.query_options import MODES

pytestmark = pytest.mark.slow  # a process each


def completed(line: str, **environment: str) -> list[str]:
    """What bash is offered for the last word of a command line."""
    words = line.split(" ")
    shell = {
        "_SEARCHAPP_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    return subprocess.run(
        [sys.executable, "-m", "searchapp"],
        env={**os.environ, **shell, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("searchapp ", list(Commands())),
        ("searchapp que", ["query"]),
        ("searchapp --v", ["--version"]),
        ("searchapp query --min-", ["--min-score", "--min-confidence"]),
        ("searchapp query --mode ", list(MODES)),
        ("searchapp query --mode h", ["hybrid"]),
        ("searchapp model v", ["verify"]),
        ("searchapp model use --k", ["--keep"]),
        ("searchapp ingest ", []),  # file names are the shell's own
    ],
)
def test_a_shell_completes_commands_options_and_modes(line: str, expected: list[str]) -> None:
    assert completed(line) == expected


def test_completing_the_name_of_a_command_imports_no_command() -> None:
    script = (
        "import os, sys\n"
        "from searchapp.cli.app import main\n"
        "try:\n    main([])\nexcept SystemExit:\n    pass\n"
        "print(*sorted(name for name in sys.modules if name.startswith('searchapp.cli.')))\n"
    )
    environment = {
        **os.environ,
        "_SEARCHAPP_COMPLETE": "complete_bash",
        "COMP_WORDS": "searchapp q",
        "COMP_CWORD": "1",
    }
    printed = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed == "query\nsearchapp.cli.app searchapp.cli.console\n"
