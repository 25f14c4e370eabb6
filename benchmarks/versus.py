"""searchapp against what a user would pick instead: the same files, whole processes, in turn.

    make bench [COLLECTION=DIR]     or: python -m benchmarks.versus [--documents N] [--runs R] [--minutes M] [--collection DIR] [FOLDER]

Ingests N texts (of a folder, else of the collection, else made of the project's own sample
documents) and asks cold questions, each tool in turn, R times or as often as M minutes allow, but
once at least; medians, processor time, peak memory, and, of a judged collection in BEIR form,
each rival's nDCG@10 over all of it, measured once and kept under benchmarks/results/ as long as its
version stays (`benchmarks.quality` measures ours). A rival that is not installed, or fails, is told in a line and left
out. `python -m tools.figures` makes the tables of the results. For an idle machine: how much other
programs compute meanwhile is kept with the results.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import ir_measures

from benchmarks.embedding_server import processor_seconds, served
from benchmarks.keeping import RESULTS, keep, processor_class
from benchmarks.rival_tools import TOOLS, Command, Ours, Place, Tool
from benchmarks.texts import write_texts
from searchapp.evaluation.qrels import collection_judgements, collection_questions

QUESTIONS = (
    "how do I bleed a radiator",
    "which decision did the board take back",
    "what keeps mould away",
)
REMARKS = (
    "llm and chromadb embed a file's first 256 tokens, txtai its first 512; the program written by "
    "hand cuts passages of 180 words at 256 "
    "tokens (on SciFact 7.7 % of the tokens are lost); searchapp embeds all of it. txtai's index "
    "is approximate from 5,000 rows on; on "
    "SciFact, made to look at all of its lists, its nDCG@10 is .6541."
)
MEASURED = Path(__file__).resolve().with_name("measured.py")
LIMIT_S, QUALITY_LIMIT_S = 600, 7200  # of one process, before it counts as hung


class Failed(Exception):
    """A process that failed or hung, with what it said last."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="a folder of .txt files")
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3, help="at most")
    parser.add_argument(
        "--minutes", type=float, default=8, help="no run begins that would end later"
    )
    parser.add_argument("--collection", type=Path, help="a judged collection in BEIR form")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work, served() as server:
        folder = options.folder or write_texts(
            Path(work) / "docs", options.documents, options.collection
        )
        result = {
            "documents": len(list(folder.rglob("*.txt"))),
            "texts": _texts(options),
            **Measurement(folder, Path(work), server).of_all(options.runs, options.minutes),
            "remarks": REMARKS,
        }
        keep("versus", result, " ".join(["python -m benchmarks.versus", *_words(options)]))
        if options.collection:
            _keep_quality(options.collection, Path(work), server)


def _texts(options: argparse.Namespace) -> str:
    """What was read, for a sentence."""
    if options.folder:
        return "files"
    if options.collection:
        return f"documents of {options.collection.name}"
    return "texts of 220 words"


def _words(options: argparse.Namespace) -> list[str]:
    """The arguments, without a path of this machine."""
    return [
        f"--documents {options.documents} --runs {options.runs} --minutes {options.minutes:g}",
        *["--collection COLLECTION"] * bool(options.collection),
        *["FOLDER"] * bool(options.folder),
    ]


# ---- time and memory -----------------------------------------------------------------------------


class Measurement:
    """Of one folder: each tool's times in s and peak memory in MB, in turn."""

    def __init__(self, folder: Path, work: Path, server: str) -> None:
        self.folder, self.work, self.server = folder, work, server
        self.tools = {tool.name: tool for tool in TOOLS if tool.version()}
        self.left_out = {tool.name: "not installed" for tool in TOOLS if not tool.version()}
        kinds = ("ingest", "query")
        units = ("s", "cpu_s", "mb")
        self.raw: dict[str, dict[str, list[float]]] = {
            name: {f"{kind}_{unit}": [] for kind in kinds for unit in units} for name in self.tools
        }

    def of_all(self, runs: int, minutes: float) -> dict[str, object]:
        """All figures, of as many runs as the time allows."""
        self._warm_up()
        begin, busy_s, done = time.perf_counter(), _busy_s(), 0
        while done < runs:
            for number, tool in enumerate(list(self.tools.values())):
                self._try(tool, self.work / f"{number}-{done}")
            done += 1
            if (time.perf_counter() - begin) / 60 * (done + 1) / done > minutes:
                break
        took_s = time.perf_counter() - begin
        others_s = _busy_s() - busy_s - sum(sum(each) for each in self._processor_times())
        for name, why in self.left_out.items():
            print(f"left out: {name}: {why}", file=sys.stderr)
        return {
            "tools": {name: self._figures(tool) for name, tool in self.tools.items()},
            "left_out": self.left_out,
            "runs": done,
            "minutes": round(took_s / 60, 1),
            "others_cores": round(max(others_s, 0) / took_s, 2),
        }

    def _warm_up(self) -> None:
        """The model is converted once, whoever asks first; that is no part of an ingest."""
        warm = self.work / "warm"
        warm.mkdir()
        (warm / "one.txt").write_text("one small file", encoding="utf-8")
        place = Place(warm, self.work / "warm-corpus", self.server)
        run(Ours("searchapp", "", "").ingest(place), LIMIT_S)

    def _try(self, tool: Tool, store: Path) -> None:
        """One ingest and its cold questions; a rival that fails is left out from then on."""
        try:
            place = Place(self.folder, store, self.server)
            tool.prepare(place)
            self._take(tool, "ingest", tool.ingest(place))
            for question in QUESTIONS:
                self._take(tool, "query", tool.query(place, question))
        except (Failed, OSError) as error:
            if isinstance(tool, Ours):
                raise
            self.left_out[tool.name] = str(error)
            del self.tools[tool.name]

    def _take(self, tool: Tool, kind: str, command: Command) -> None:
        served_s = processor_seconds(self.server)
        seconds, computed_s, megabytes = run(command, LIMIT_S)
        computed_s += processor_seconds(self.server) - served_s
        raw = self.raw[tool.name]
        raw[f"{kind}_s"].append(round(seconds, 3))
        raw[f"{kind}_cpu_s"].append(round(computed_s, 3))
        raw[f"{kind}_mb"].append(megabytes)

    def _processor_times(self) -> Iterable[list[float]]:
        for each in self.raw.values():
            yield each["ingest_cpu_s"]
            yield each["query_cpu_s"]

    def _figures(self, tool: Tool) -> dict[str, object]:
        medians = {
            key: round(statistics.median(values), 3) for key, values in self.raw[tool.name].items()
        }
        return {
            "version": tool.version(),
            "model": tool.model,
            "finds_by": tool.finds_by,
            "processor": processor_class(),
            **medians,
            "raw": self.raw[tool.name],
        }


def run(command: Command, limit_s: float) -> tuple[float, float, int]:
    """How long a process and its children took and computed, in s, and the most memory that one of
    them held, in MB; raises Failed where it fails or takes longer than the limit.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(MEASURED), *command.words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=command.whole_environment(),
        start_new_session=True,
    )
    try:
        measured, said = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Failed(f"it was ended after {limit_s:.0f} s") from None
    if process.returncode:
        raise Failed(_last_words(said) or f"it ended with status {process.returncode}")
    seconds, computed_s, megabytes = json.loads(measured)
    return seconds, computed_s, megabytes


def _last_words(said: str) -> str:
    """The line that says most likely why a program failed: the last that names an error."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "rror" in line]
    return (errors or lines or [""])[-1][:300]


def _busy_s() -> float:
    """How long this machine's cores have computed since it started, 0 where that is not told."""
    try:
        line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    except OSError:
        return 0
    user, nice, system, _idle, _waiting, *rest = map(int, line.split()[1:8])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


# ---- quality -------------------------------------------------------------------------------------


def _keep_quality(collection: Path, work: Path, server: str) -> None:
    """Measure the nDCG@10 of each rival over a whole collection, where its version is not known."""
    path = RESULTS / f"quality-{collection.name}.json"
    known: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    folder, asked = write_texts(work / "whole", 0, collection), work / "questions.jsonl"
    questions = collection_questions(collection)
    asked.write_text(
        "".join(json.dumps({"_id": name, "text": text}) + "\n" for name, text in questions.items()),
        encoding="utf-8",
    )
    for number, tool in enumerate(TOOLS):
        key = f"{tool.name} {tool.version()}"
        if key in known or not tool.version() or isinstance(tool, Ours):
            continue
        try:
            place = Place(folder, work / f"whole-{number}", server)
            tool.prepare(place)
            run(tool.ingest(place), QUALITY_LIMIT_S)
            known[key] = _ndcg(collection, _answers(tool.questions(place, asked)))
        except (Failed, OSError) as error:
            print(f"left out: the quality of {tool.name}: {error}", file=sys.stderr)
        path.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")


def _answers(command: Command) -> list[str]:
    """The lines that a process prints; raises Failed."""
    done = subprocess.run(
        command.words,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=command.whole_environment(),
    )
    if done.returncode:
        raise Failed(_last_words(done.stderr))
    return done.stdout.splitlines()


def _ndcg(collection: Path, lines: Iterable[str]) -> float:
    """Of lines of question, document and score; a document counts once, with its best passage."""
    best: dict[tuple[str, str], float] = {}
    for line in lines:
        question, document, score = line.split()
        best[question, document] = max(best.get((question, document), float("-inf")), float(score))
    run = [
        ir_measures.ScoredDoc(question, document, score)
        for (question, document), score in best.items()
    ]
    measure = ir_measures.nDCG @ 10
    judged = [
        ir_measures.Qrel(each.question, each.document, each.grade)
        for each in collection_judgements(collection)
    ]
    return round(float(ir_measures.calc_aggregate([measure], judged, run)[measure]), 4)


if __name__ == "__main__":
    main(sys.argv[1:])
