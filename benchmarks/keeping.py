"""How a benchmark's raw results are kept: with the command, the versions and the machine, under
benchmarks/results/.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
CLASSES = (
    ("amx_bf16", "AMX"),
    ("avx512_bf16", "AVX-512 with bf16"),
    ("avx512f", "AVX-512"),
    ("avx2", "AVX2"),
)
FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


def keep(name: str, result: Mapping[str, object], command: str, *, folder: Path = RESULTS) -> Path:
    """Print a result and write it to a file of the bench's name and today's date; `command` names
    inputs, and no path of this machine.
    """
    whole = {
        **result,
        "command": command,
        "versions": {
            each: version(each) for each in ("searchapp", "openvino", "faiss-cpu", "numpy")
        },
        "python": platform.python_version(),
        "machine": f"{processor()}, {platform.machine()}, {os.cpu_count()} cores",
    }
    text = json.dumps(whole, indent=2) + "\n"
    path = folder / f"{name}-{time.strftime('%Y-%m-%d')}.json"
    path.write_text(text, encoding="utf-8")
    print(text, end="")
    return path


def processor() -> str:
    """The processor's name, and which of the features that matter here it has."""
    found = _cpuinfo()
    if not found:
        return platform.processor()
    features = [feature for feature in FEATURES if feature in found.get("flags", "").split()]
    return f"{found.get('model name', platform.processor())} ({', '.join(features)})"


def processor_class(flags: str | None = None) -> str:
    """Which of the classes that figures are told for it is in, by what it multiplies with best;
    `flags` are those of /proc/cpuinfo, by default this machine's.
    """
    known = (_cpuinfo().get("flags", "") if flags is None else flags).split()
    return next((name for feature, name in CLASSES if feature in known), platform.machine())


def _cpuinfo() -> dict[str, str]:
    """What Linux says of the last processor, nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
