"""All tortures, or those named, one after another; what came of each is kept under results/.

make torture            (or TORTURES="powerloss flips", say)

    python -m tests.torture faults -- --every 40

runs a part of one: what follows `--` is for it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.keeping import keep

HERE = Path(__file__).resolve().parent
PROPERTIES = {  # tests of Hypothesis, with a thousand examples of each
    "history": ["integration/test_history.py"],
    "questions": ["unit/search/test_query_parser.py", "unit/extract/test_text.py"],
}
TORTURES = (
    *("powerloss", "faults", "kills", "readers", "flips", "mutations", "parsers"),
    *("ignoring", "changing", "tunings", "tree"),
    *PROPERTIES,
)


def main() -> None:
    """Run them, keep what they print, and end with 1 where one found a defect."""
    parser = argparse.ArgumentParser(
        description="Cut the power, fail the disk, kill, flip and wound, at length."
    )
    parser.add_argument("tortures", nargs="*", default=TORTURES, help=", ".join(TORTURES))
    ours, _, options = " ".join(sys.argv[1:]).partition(" -- ")
    chosen = parser.parse_args(ours.split()).tortures
    if unknown := set(chosen) - set(TORTURES):
        parser.error(f"unknown: {', '.join(unknown)}")
    if options and (len(chosen) > 1 or chosen[0] in PROPERTIES):
        parser.error("options are for one torture, which is none of Hypothesis")
    failed = [
        name
        for name in chosen
        if not (_properties(name) if name in PROPERTIES else _module(name, options.split()))
    ]
    if failed:
        sys.exit(f"defects were found by: {', '.join(failed)}")


def _module(name: str, options: list[str]) -> bool:
    sys.stderr.write(f"{name}\n")
    done = subprocess.run(
        [sys.executable, "-m", f"tests.torture.{name}", *options],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if not done.stdout:
        return False
    command = f"make torture TORTURES={name}"
    if options:
        command = f"python -m tests.torture {name} -- {' '.join(options)}"
    keep(name, json.loads(done.stdout), command, folder=HERE / "results")
    return done.returncode == 0


def _properties(name: str) -> bool:
    """The property tests of a name, by Hypothesis."""
    sys.stderr.write(f"{name}\n")
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:xdist",
        "--timeout=0",
        "--hypothesis-show-statistics",
    ]
    done = subprocess.run(
        [
            *command,
            "--hypothesis-profile=torture",
            *(str(HERE.parent / path) for path in PROPERTIES[name]),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    counts = [int(count) for count in re.findall(r"(\d+) passing", done.stdout)]
    told = {
        "histories" if name == "history" else "examples": sum(counts),
        "passed": done.returncode == 0,
        "took_s": round(time.monotonic() - began, 1),
    }
    keep(
        name,
        told | ({} if done.returncode == 0 else {"told": done.stdout[-3000:]}),
        f"make torture TORTURES={name}",
        folder=HERE / "results",
    )
    return done.returncode == 0


if __name__ == "__main__":
    main()
