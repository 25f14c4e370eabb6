"""How large an installation becomes, and what it costs: a new environment, filled as the README
says.

    python -m benchmarks.install

Counts what pip downloads, the size of the environment, and the time of all processes (not that of
the network). Writes the figures to benchmarks/results/.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from benchmarks.keeping import keep

ROOT = Path(__file__).resolve().parents[1]
_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place, log = Path(folder) / "venv", Path(folder) / "pip.log"
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        pip = [f"{place}/bin/pip", "install", "--no-cache-dir", "--quiet", "--log", str(log)]
        (torch,) = re.findall(r"^torch==.*$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
        subprocess.run([*pip, torch], check=True)
        subprocess.run([*pip, "--constraint", f"{ROOT}/constraints.txt", str(ROOT)], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = {
            "download_mb": round(sum(downloads(log.read_text(errors="replace")).values()) / 1e6),
            "disk_mb": round(_size(place) / 1e6),
            "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
            "wall_s": round(time.monotonic() - began, 1),
            "dependencies": len(
                tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
            ),
        }
    keep("install", result, "python -m benchmarks.install")


def downloads(log: str) -> dict[str, float]:
    """What pip took from an index or from a folder, by file, in bytes."""
    fetched = {
        name.rpartition("/")[2]: float(size) * _UNITS[unit]
        for name, size, unit in re.findall(
            r"Downloading (\S+) .*?\(([\d.]+) ([kMG]B)\)", log, re.ASCII
        )
    }
    lying = re.findall(r"Processing (/\S+\.whl)", log)
    return fetched | {Path(path).name: Path(path).stat().st_size for path in lying}


def _size(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


if __name__ == "__main__":
    main()
