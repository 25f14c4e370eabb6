"""Compiles `searchapp/encoders/bert_kernel.c`, where there is a C compiler for it.

    python -m tools.build_kernel

Hatchling runs the same when searchapp is installed, from here or from a source distribution.
Without a compiler, or with one that does not know the processor's instructions, searchapp is
installed all the same: OpenVINO then does the work, in more time, and `searchapp doctor` says so.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_ENCODERS = Path("searchapp", "encoders")
LIBRARY = _ENCODERS / "libbert_kernel.so"
SOURCE = _ENCODERS / "bert_kernel.c"
FLAGS = ("-std=c11", "-O3", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra")


class KernelHook(BuildHookInterface[Any]):
    """What hatchling calls before it builds a wheel, also one for an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile the kernel and put it into the wheel, which then is one for this platform."""
        if self.target_name == "wheel" and build(Path(self.root)):
            system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{system}"
            build_data["artifacts"].append(LIBRARY.as_posix())


def build(root: Path) -> bool:
    """Whether the kernel was compiled for this platform; where it was not, there is none after."""
    new = root / LIBRARY.with_suffix(".new")
    is_compiled = _compile(root / SOURCE, new)
    if is_compiled:
        new.replace(root / LIBRARY)  # one that is in use is not written to
    else:
        (root / LIBRARY).unlink(missing_ok=True)
    return is_compiled


def _compile(source: Path, library: Path) -> bool:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler or sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    command = [*compiler.split(), *FLAGS, "-o", str(library), str(source), "-lm"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and library.exists()


if __name__ == "__main__":
    is_built = build(Path(__file__).parents[1])
    sys.exit(None if is_built else "not compiled: there is no C compiler that can")
