"""Tunings killed at random moments: the model is whole or not there, the corpus is as it was, and in
the end the model is that of a tuning that nobody killed.

    python -m tests.torture.tunings [--kills N] [--seed N]

The command line teaches the default model, in processes of its own, some names that it cannot know.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from safetensors.numpy import load_file

from searchapp.backends.sqlite.integrity import check
from searchapp.encoders.model_folder import find_model
from searchapp.errors import EncoderError
from searchapp.finetuning import checkpoint
from tests.torture.scenes import listing
from tests.torture.telling import progress

NAMES = 40  # of documents, each with a question
TUNE = ("tune", "judged.csv", "--epochs", "2", "--batch", "8", "--force")
ALIKE = 1e-5  # between weights


def main() -> None:
    """Kill, and print what came of it as JSON; ends with 1 where something is wrong."""
    parser = argparse.ArgumentParser(description="Kill the tuning of a model, over and over.")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tunings-") as folder:
        place = Place(Path(folder))
        place.prepare()
        rng, tell = random.Random(arguments.seed), progress("kills", arguments.kills)
        while place.killed.total() < arguments.kills:
            place.kill(rng.uniform(0, place.took_s))
            if place.killed:
                tell(place.killed.total())
        place.finish()
    told = {
        "kills": place.killed.total(),
        "ended before": place.ended,
        "phases": place.killed,
        "defects": place.defects,
        "seed": arguments.seed,
    }
    print(json.dumps({**told, "took_s": round(time.monotonic() - began, 1)}, indent=2))
    sys.exit(bool(place.defects))


class Place:
    """A folder with documents, their corpus, a cache and a folder for temporary files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.killed: Counter[str] = Counter()  # by what was left of the run
        self.ended = 0
        self.defects: list[str] = []

    def prepare(self) -> None:
        """Make the corpus, and tune once without a kill."""
        (self.folder / "docs").mkdir()
        (self.folder / "tmp").mkdir()
        with (self.folder / "judged.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["question", "path"])
            for number in range(NAMES):
                document = self.folder / "docs" / f"{number}.md"
                document.write_text(f"The gear of machine {number * 37 % 1009} turns a pump.\n")
                rows.writerow([f"what is a velo{number}brix", str(document)])
        self.run("ingest", "docs")
        self.before = listing(self.folder / "corpus")
        began = time.monotonic()
        self.run(*TUNE, "--out", "whole")
        self.took_s = time.monotonic() - began
        self.weights = load_file(self.folder / "whole/model.safetensors")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """The command line, begun in a group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "searchapp", *words, "--corpus", "corpus"],
            cwd=self.folder,
            env=os.environ
            | {
                "SEARCHAPP_CACHE": str(self.folder / "cache"),
                "TMPDIR": str(self.folder / "tmp"),
                "OMP_NUM_THREADS": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str) -> None:
        """Run the command line; RuntimeError where it fails."""
        running = self.start(*words)
        told, _ = running.communicate()
        if running.returncode:
            raise RuntimeError(f"{words[0]} ends with {running.returncode}: {told[-1500:]}")

    def kill(self, moment_s: float) -> None:
        """Tune, kill it after so long, and judge what is left; one that ended begins anew."""
        running = self.start(*TUNE, "--out", "model")
        try:
            told, _ = running.communicate(timeout=moment_s)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
            self.killed[self.phase()] += 1
            self.judge()
            return
        self.ended += 1
        if running.returncode:
            self.defects.append(f"ends with {running.returncode}: {told[-500:]}")
        self.judge()
        shutil.rmtree(self.folder / "model", ignore_errors=True)

    def phase(self) -> str:
        """How far the run that was killed had come."""
        if (self.folder / "model").exists():
            return "model in place"
        work = self.folder / "model.tuning"
        if (work / checkpoint.MODEL).exists():
            return "model made"
        return "checkpoint" if (work / checkpoint.CHECKPOINT).exists() else "before a checkpoint"

    def judge(self) -> None:
        """Note what is wrong with what is there."""
        if (model := self.folder / "model").exists():
            self.judge_model(model)
        self.defects += [finding.what for finding in check(self.folder / "corpus", full=True)]
        if listing(self.folder / "corpus") != self.before:
            self.defects.append("the corpus has changed")

    def judge_model(self, model: Path) -> None:
        """Note where a model is not whole, or is another than that of the tuning without a kill."""
        try:
            find_model(str(model), cache=self.folder / "cache")
            weights = load_file(model / "model.safetensors")
        except (EncoderError, OSError) as error:
            self.defects.append(f"a model that is not whole is in place: {error}")
            return
        furthest = max(
            float(abs(self.weights[name] - weights[name]).max()) for name in self.weights
        )
        if furthest > ALIKE:
            self.defects.append(f"the weights differ by {furthest:.2g}")

    def finish(self) -> None:
        """Tune to the end, and look for what is left in the making once the corpus was written to."""
        self.run(*TUNE, "--out", "model")
        self.judge()
        self.run("ingest", "docs")  # a tuning writes nothing to it, and sweeps no notes
        for folder in (self.folder, self.folder / "corpus", self.folder / "tmp"):
            self.defects += [
                f"left: {path.name}"
                for path in folder.iterdir()
                if path.name.endswith(".tuning") or path.name.startswith(".searchapp-")
            ]


if __name__ == "__main__":
    main()
