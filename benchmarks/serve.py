"""What a server costs and how soon it answers, beside the same questions in process and by cold
command lines.

    python -m benchmarks.serve --collection DIR [--questions N] [--clients N]

DIR is a collection in BEIR form. Processor time is that of the server's own process, by its
account; the questions are asked in turn, each mode's by one client and then by many at once. Run it
on an idle machine: times of waiting say nothing elsewhere.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from benchmarks.collection_corpus import collection_corpus
from benchmarks.keeping import keep
from searchapp.config import load, use_one_thread_for_small_products

MODES = ("cosine", "keyword", "hybrid")
WARM_UP = 10
THIN_RUNS = 15


class Server(NamedTuple):
    """A server that listens."""

    pid: int
    port: int
    token: str
    ready_cpu_s: float

    def cpu_s(self) -> float:
        """The processor time that it has taken so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        """The most memory that it has held."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--collection", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args(arguments)
    use_one_thread_for_small_products()
    lines = (options.collection / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [str(json.loads(line)["text"]) for line in lines][: options.questions]
    from searchapp.encoders.loading import load_encoder

    with collection_corpus(options.collection, load_encoder(cache=load().cache)) as corpus:
        assert corpus.folder is not None
        result = _measured(corpus.folder, questions, options.clients)
    flags = f"--questions {options.questions} --clients {options.clients}"
    keep(
        "serve",
        result,
        f"python -m benchmarks.serve --collection {options.collection.name} {flags}",
    )


def _measured(corpus: Path, questions: Sequence[str], clients: int) -> dict[str, object]:
    in_process = {mode: _in_process(corpus, mode, questions) for mode in MODES}
    modes: dict[str, object] = {}
    with _serving(corpus) as server:
        for mode in MODES:
            one = _asked(server, mode, questions, 1)
            many = _asked(server, mode, [*questions, *questions], clients)
            modes[mode] = {"in_process": in_process[mode], "one_client": one, "many_clients": many}
        thin = _command_lines(corpus, questions)
        return {
            "load": os.getloadavg()[0],
            "documents": _documents(corpus),
            "ready_cpu_s": round(server.ready_cpu_s, 2),
            "peak_mb": round(server.peak_mb()),
            "modes": modes,
            "command_line": thin,
        }


def _documents(corpus: Path) -> int:
    from searchapp.corpus import Corpus

    with closing(Corpus.open(corpus).reader()) as reader:
        return reader.counts()[0]


@contextmanager
def _serving(corpus: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "searchapp", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--corpus", str(corpus)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        state = json.loads(Path(said["state"]).read_text())
        server = Server(process.pid, state["port"], state["token"], 0.0)
        yield server._replace(ready_cpu_s=server.cpu_s())
        process.send_signal(signal.SIGTERM)


def _in_process(corpus: Path, mode: str, questions: Sequence[str]) -> dict[str, float]:
    """The same questions to the library, warm."""
    from searchapp.corpus import Corpus

    opened = Corpus.open(corpus)
    for question in questions[:WARM_UP]:
        opened.query(question, mode=mode)
    begun_s, took_ms = time.process_time(), []
    for question in questions:
        asked_s = time.perf_counter()
        opened.query(question, mode=mode)
        took_ms.append(1000 * (time.perf_counter() - asked_s))
    cpu_ms = 1000 * (time.process_time() - begun_s) / len(questions)
    return {"cpu_ms": round(cpu_ms, 2), **_percentiles(took_ms)}


def _asked(server: Server, mode: str, questions: Sequence[str], clients: int) -> dict[str, float]:
    """The questions to a server, by so many clients at once."""
    headers = {"Authorization": f"Bearer {server.token}"}
    took_ms: list[float] = []

    def ask(some: Sequence[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for question in some:
            asked_s = time.perf_counter()
            target = f"/api/v1/search?q={quote(question)}&mode={mode}"
            connection.request("GET", target, headers=headers)
            reply = connection.getresponse()
            body = reply.read()
            assert reply.status == 200, body
            took_ms.append(1000 * (time.perf_counter() - asked_s))
        connection.close()

    ask(questions[:WARM_UP])
    took_ms.clear()
    cpu_s, begun_s = server.cpu_s(), time.perf_counter()
    threads = [
        threading.Thread(target=ask, args=(questions[number::clients],))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - begun_s
    return {
        "cpu_ms": round(1000 * (server.cpu_s() - cpu_s) / len(questions), 2),
        **_percentiles(took_ms),
        "answers_a_second": round(len(questions) / wall_s, 1),
    }


def _percentiles(took_ms: Sequence[float]) -> dict[str, float]:
    ordered = sorted(took_ms)
    return {
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[int(0.95 * len(ordered))], 1),
    }


def _command_lines(corpus: Path, questions: Sequence[str]) -> dict[str, object]:
    """Whole command lines that ask the server, and those that do not, in turn."""
    cpu_ms: dict[str, list[float]] = {"thin": [], "cold": []}
    for question in questions[:THIN_RUNS]:
        for name, flags in (("thin", []), ("cold", ["--no-server"])):
            command = [sys.executable, "-m", "searchapp", "query", question, *flags]
            before = os.times()
            subprocess.run(
                [*command, "--corpus", str(corpus)], stdout=subprocess.DEVNULL, check=False
            )
            after = os.times()
            taken_s = sum(after[2:4]) - sum(before[2:4])
            cpu_ms[name].append(1000 * taken_s)
    return {f"{name}_cpu_ms": round(statistics.median(each), 1) for name, each in cpu_ms.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
