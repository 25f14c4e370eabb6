"""axe-core, which finds what keeps people from using a page (https://github.com/dequelabs/axe-core):
for tests only, installed once by npm where that is there.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import time
from typing import Any

import pytest

from tests.builders.browser import Browser
from tests.paths import ROOT

VERSION = "4.10.3"
_FOLDER = ROOT / "build" / "axe"
_SCRIPT = _FOLDER / "node_modules" / "axe-core" / "axe.min.js"
_REFUSED = _FOLDER / "refused"  # why it could not be had, for the tests that follow
_REFUSED_FOR_S = 3600
_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def require_axe() -> None:
    """Get axe-core where it is not there yet; the test is skipped where it cannot be had."""
    npm = shutil.which("npm")
    if not _SCRIPT.is_file() and npm is None:
        pytest.skip("no npm is installed to get axe-core with")
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _REFUSED.is_file() and time.time() - _REFUSED.stat().st_mtime < _REFUSED_FOR_S:
            pytest.skip(_REFUSED.read_text(encoding="utf-8"))
        if not _SCRIPT.is_file():
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"]
            where = ["--prefix", str(_FOLDER)]
            command = [str(npm), "install", *options, *where, f"axe-core@{VERSION}"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            if done.returncode:
                reason = next(iter(done.stderr.splitlines()), "for no reason that it tells")
                _REFUSED.write_text(f"npm cannot get axe-core: {reason}", encoding="utf-8")
                pytest.skip(_REFUSED.read_text(encoding="utf-8"))


def violations(browser: Browser) -> list[str]:
    """What is wrong with the page that is open: rule, element, and why."""
    options = {"runOnly": {"type": "tag", "values": list(_TAGS)}}
    browser.run(_SCRIPT.read_text(encoding="utf-8") + "; undefined")
    result: Any = browser.run(
        f"(await axe.run(document, {json.dumps(options)})).violations.flatMap((rule) => rule.nodes"
        ".map((node) => [rule.id, node.target.join(' '), node.failureSummary].join(': ')))"
    )
    return list(map(str, result))
