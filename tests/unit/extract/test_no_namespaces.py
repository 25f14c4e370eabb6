"""A reader where the system lets no process have namespaces of its own, as hardened ones do: the
other layers hold as much, and reading goes on.

That needs no rights and no such system: `unshare` is asked for what no kernel has, and fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.unit.extract.test_confinement import FILES, FILTER, LANDLOCK, is_untouched, needs

pytestmark = pytest.mark.slow

CODE = """
import os, sys
from pathlib import Path
from searchapp.extract.sandbox import confinement
from tests.builders import attacks

network = os.readlink("/proc/self/ns/net")
confinement._CLONE_NEWNET = confinement._CLONE_NEWUSER = 1  # neither is a kind of namespace
confine = confinement.confine
def confine_and_look(*arguments):
    confine(*arguments)
    assert os.readlink("/proc/self/ns/net") == network, "unshare did not fail"
confinement.confine = confine_and_look
attacks.main("confine", Path(sys.argv[1]), int(sys.argv[2]))
"""


def test_without_namespaces_native_code_in_a_reader_is_held_by_the_other_layers(
    tmp_path: Path,
) -> None:
    needs(LANDLOCK, FILTER)
    for name in FILES:
        (tmp_path / name).write_text("untouched", encoding="utf-8")
    (tmp_path / "rmdir").mkdir()
    (tmp_path / "given").write_text("given", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path), str(os.getpid())],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    failures = json.loads(done.stdout.splitlines()[-1])
    assert {name for name, number in failures.items() if number == 0} == set()
    assert is_untouched(tmp_path)
