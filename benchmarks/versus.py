"""searchapp against what a user would pick instead: the same files, whole processes, in turn.

    make bench [COLLECTION=DIR]     or: python -m benchmarks.versus [--documents N] [--runs R] [--collection DIR] [FOLDER]

Ingests N texts (of a folder, else of the collection, else made of the project's own sample
documents) and asks cold questions, each tool R times in turn; medians, peak memory, and, of a
judged collection in BEIR form, nDCG@10 over all of it: each tool's own once, kept under
benchmarks/results/ as long as its version stays, searchapp's until --anew. Writes a table and the
raw figures there. The rivals run in an environment of their own, .bench-venv, made from
benchmarks/rivals/requirements.txt; all use the one model that comes with searchapp. For an idle
machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import ir_measures

from benchmarks.keeping import RESULTS, keep, processor
from benchmarks.texts import write_texts
from searchapp.evaluation.qrels import collection_judgements, collection_questions

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RIVALS = HERE / "rivals"
ENVIRONMENT = ROOT / ".bench-venv"
QUESTIONS = (
    "how do I bleed a radiator",
    "which decision did the board take back",
    "what keeps mould away",
)
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
}
NOT_HERE = {
    "semble": "tried: needs a static model from a hub, which cannot be had offline",
    "qmd": "not tried: its search by meaning takes models from a hub",
    "haiku.rag": "not tried: it takes an embedding model that is served",
}
REMARKS = (
    "llm and chromadb embed a file's first 256 tokens, txtai its first 512; the program written by "
    "hand cuts passages of 180 words at 256 "
    "tokens (on SciFact 7.7 % of the tokens are lost); searchapp embeds all of it. txtai's index "
    "is approximate from 5,000 rows on; on "
    "SciFact, made to look at all of its lists, its nDCG@10 is .6541."
)


@dataclass(frozen=True)
class Tool:
    """One that is compared: its name, its program, and the package whose version is told."""

    name: str
    program: str
    package: str

    def command(self, *words: str) -> list[str]:
        """The program with arguments."""
        return [str(ENVIRONMENT / "bin/python"), str(RIVALS / self.program), *words]

    def version(self) -> str:
        """The installed version of its package."""
        code = f"from importlib.metadata import version; print(version({self.package!r}))"
        done = subprocess.run(
            [str(ENVIRONMENT / "bin/python"), "-c", code],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


OURS = "searchapp"
MODES = ("cosine", "hybrid", "best")
TOOLS = (
    Tool("by hand: sentence-transformers + FAISS", "by_hand.py", "sentence-transformers"),
    Tool("llm + llm-sentence-transformers", "llm_.py", "llm"),
    Tool("chromadb", "chroma.py", "chromadb"),
    Tool("txtai", "txtai_.py", "txtai"),
)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help="a folder of .txt files")
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--collection", type=Path, help="a judged collection in BEIR form")
    parser.add_argument("--anew", action="store_true", help="measure searchapp's own quality again")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        folder = options.folder or write_texts(
            Path(work) / "docs", options.documents, options.collection
        )
        files = len(list(folder.rglob("*.txt")))
        measured = _measure(folder, Path(work), options.runs)
        quality = (
            _quality(options.collection, Path(work), is_anew=options.anew)
            if options.collection
            else {}
        )
    table = _table(measured, quality, files, options.runs)
    words = [
        "python -m benchmarks.versus",
        f"--documents {options.documents} --runs {options.runs}",
    ]
    command = " ".join(
        words
        + ["--collection COLLECTION"] * bool(options.collection)
        + ["FOLDER"] * bool(options.folder)
    )
    path = keep(
        "versus",
        {"tools": measured, "ndcg_at_10": quality, "not_here": NOT_HERE, "remarks": REMARKS},
        command,
    )
    path.with_suffix(".md").write_text(
        f"{table}\n`{command}`; {processor()}, {os.cpu_count()} cores, "
        f"{time.strftime('%Y-%m-%d')}.\n"
    )
    print(table)


# ---- time and memory -----------------------------------------------------------------------------


def _measure(folder: Path, work: Path, runs: int) -> dict[str, dict[str, object]]:
    """Each tool's times in s and peak memory in MB, medians of runs in turn."""
    warm = work / "warm"
    warm.mkdir()
    (warm / "one.txt").write_text("one small file", encoding="utf-8")
    _run(
        _ours("ingest", str(warm), "--corpus", str(work / "warm-corpus"))
    )  # the one-time conversion of the model
    names = [tool.name for tool in TOOLS] + [OURS]
    raw: dict[str, dict[str, list[float]]] = {
        name: {"ingest_s": [], "query_s": [], "ingest_mb": [], "query_mb": []} for name in names
    }
    for run in range(runs):
        for number, tool in enumerate(TOOLS):
            store = str(work / f"{number}-{run}")
            _take(raw[tool.name], "ingest", tool.command("ingest", str(folder), store))
            for question in QUESTIONS:
                _take(raw[tool.name], "query", tool.command("query", store, question))
        corpus = ("--corpus", str(work / f"corpus-{run}"))
        _take(raw[OURS], "ingest", _ours("ingest", str(folder), *corpus))
        for question in QUESTIONS:
            _take(raw[OURS], "query", _ours("query", question, "--json", *corpus))
    versions = {tool.name: tool.version() for tool in TOOLS} | {OURS: version("searchapp")}
    medians = {
        name: {key: round(statistics.median(found), 3) for key, found in each.items()}
        for name, each in raw.items()
    }
    return {name: {**medians[name], "version": versions[name], "raw": raw[name]} for name in names}


def _take(found: Mapping[str, list[float]], kind: str, command: Sequence[str]) -> None:
    seconds, megabytes = _run(command)
    found[f"{kind}_s"].append(round(seconds, 3))
    found[f"{kind}_mb"].append(megabytes)


def _run(command: Sequence[str]) -> tuple[float, int]:
    """How long a process took, in s, and the most memory that it held, in MB."""
    with tempfile.TemporaryFile() as said:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, **OFFLINE}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{command[1]} failed: {said.read().decode(errors='replace')[-500:]}")
    return seconds, usage.ru_maxrss >> 10


def _ours(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "searchapp", *words]


# ---- quality -------------------------------------------------------------------------------------


def _quality(collection: Path, work: Path, *, is_anew: bool) -> dict[str, float]:
    """nDCG@10 of each tool over a whole collection; what was measured before is not measured again,
    searchapp itself unless told to.
    """
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
        if key not in known:
            store = str(work / f"whole-{number}")
            _run(tool.command("ingest", str(folder), store))
            done = subprocess.run(
                tool.command("questions", store, str(asked)),
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, **OFFLINE},
            )
            known[key] = _ndcg(collection, done.stdout.splitlines())
    for mode in MODES:
        if f"{OURS} {mode}" in known and not is_anew:
            continue
        done = subprocess.run(
            _ours("evaluate", str(collection), "--mode", mode, "--json"),
            check=True,
            capture_output=True,
            text=True,
        )
        (figures,) = json.loads(done.stdout)["evaluations"]
        known[f"{OURS} {mode}"] = round(figures["ndcg@10"], 4)
    path.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    return known


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


# ---- tables --------------------------------------------------------------------------------------


def _table(
    measured: Mapping[str, Mapping[str, object]],
    quality: Mapping[str, float],
    files: int,
    runs: int,
) -> str:
    """The figures in Markdown, ratios against searchapp beside them."""
    head = (
        f"| | ingest of {files:,} files | cold query | peak memory: ingest, query | nDCG@10 "
        "|\n|---|---|---|---|---|\n"
    )
    return (
        head
        + "".join(_row(name, found, measured[OURS], quality) for name, found in measured.items())
        + f"\nMedians of {runs} runs in turn. {REMARKS}\n"
    )


def _row(
    name: str, found: Mapping[str, object], ours: Mapping[str, object], quality: Mapping[str, float]
) -> str:
    def told(key: str) -> str:
        took, base = float(str(found[key])), float(str(ours[key]))
        return f"{took:.2f} s" if name == OURS else f"{took:.2f} s ({took / base:.1f} times)"

    qualities = {
        key.removeprefix(name).strip(): each
        for key, each in quality.items()
        if key.startswith(name)
    }
    figures = [
        f"{each:.3f}{f' ({kind})' if name == OURS else ''}" for kind, each in qualities.items()
    ]
    memory = f"{float(str(found['ingest_mb'])):.0f} MB, {float(str(found['query_mb'])):.0f} MB"
    return (
        f"| {name} {found['version']} | {told('ingest_s')} | {told('query_s')} | {memory} | "
        f"{', '.join(figures)} |\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
