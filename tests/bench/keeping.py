"""How a benchmark's raw results are kept: with the command, the versions and the machine, under tests/bench/results/."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


def keep(name: str, result: Mapping[str, object], command: str) -> None:
    """Print a result and write it to a file of the bench's name and today's date; `command` names inputs, and no path of this machine."""
    whole = {
        **result,
        "command": command,
        "versions": {each: version(each) for each in ("searchapp", "openvino", "faiss-cpu", "numpy")},
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    text = json.dumps(whole, indent=2) + "\n"
    (RESULTS / f"{name}-{time.strftime('%Y-%m-%d')}.json").write_text(text, encoding="utf-8")
    print(text, end="")
