"""What is left of a corpus when its writer is killed, or its disk fails, at any call: a fault
injector on strace.

    python -m tests.torture.faults [--every N]

A run without faults tells how many calls there are of each kind that changes files. Then, at every
one of them, the `victim` of a scene is killed before the call, or the call fails: once with EIO, once with ENOSPC,
and with ENOSPC from then on. Each time `check --full` must find nothing, what was acknowledged must
be there, a query must be answered, and the next ingest must come to what a fresh one makes; so must
the same command where the victim labels, goes over to another model or migrates. Victims
are forked from a process that has imported everything, and strace attaches to them: that makes
thousands of runs affordable. Only the main thread is traced, as no other writes to a corpus.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.connection import OldSchema, open_read_only
from searchapp.backends.sqlite.integrity import check
from searchapp.corpus import Corpus
from searchapp.errors import CorpusEmpty, CorpusMissing
from searchapp.types.results import Answer
from tests.torture import victim
from tests.torture.scenes import Listing, Scene, listing, names, scenes
from tests.torture.telling import progress

CALLS = (
    "pwrite64",
    "write",
    "fallocate",
    "fsync",
    "fdatasync",
    "ftruncate",
    "mkdir",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
)
KILL = "KILL"
KINDS = (KILL, "EIO", "ENOSPC", "ENOSPC+")
OURS = (0, 4, 5)  # exit codes of a run whose disk failed
DEFECTS = ("unclean", "lost", "tracebacks", "not completed", "other")
PATIENCE_S = 60.0
MOST_TOLD = 20
_SET_PTRACER, _ANY = (
    0x59616D61,
    ctypes.c_ulong(-1),
)  # prctl(2): who may attach where only parents may


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at one call."""

    call: str
    number: int  # of the calls of this name, from 1
    kind: str  # one of KINDS; with a +: it and all later ones of its name

    def __str__(self) -> str:
        return f"{self.kind} at {self.call} {self.number}"

    @property
    def expression(self) -> str:
        """The fault in strace's language."""
        what = "signal=KILL" if self.kind == KILL else f"error={self.kind.rstrip('+')}"
        return (
            f"inject={self.call}:{what}:when={self.number}{'+' if self.kind.endswith('+') else ''}"
        )


Defect = tuple[str, str]  # one of DEFECTS, description


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run with a fault ended, and what is wrong with that: (kind of defect, description)."""

    scene: str
    fault: Fault
    is_hit: bool
    exit_code: int
    where: str  # the call as strace saw it
    told: str  # by the victim, to whoever runs it
    defects: Sequence[Defect]
    litter: Sequence[str]  # files that outlive the completed ingest


# ---- one run -------------------------------------------------------------------------------------


def reason_against() -> str:
    """Why no faults can be injected here; "" where they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(
        ["strace", "-o", os.devnull, "true"], capture_output=True, text=True, check=False
    )
    return f"strace may not trace: {done.stderr.strip()}" if done.returncode else ""


def calls(scene: Scene) -> dict[str, int]:
    """How many calls of each name a run without faults makes."""
    with tempfile.TemporaryDirectory() as folder:
        work = _prepared(scene, Path(folder))
        code, _ = _traced(scene, work, ())
        if code:
            raise RuntimeError(f"the victim fails without a fault: {(work / 'errors').read_text()}")
        names = Counter(line.split("(")[0] for line in (work / "trace").read_text().splitlines())
    return {name: names[name] for name in CALLS if names[name]}


def every(counts: Mapping[str, int], kinds: Sequence[str] = KINDS) -> list[Fault]:
    """Every kind of fault at every call."""
    return [
        Fault(call, number, kind)
        for kind in kinds
        for call, count in counts.items()
        for number in range(1, count + 1)
    ]


def attempt(scene: Scene, fault: Fault, *, is_hasty: bool = False) -> Outcome:
    """Run the victim into a fault, and judge what is left."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        work = _prepared(scene, Path(folder))
        code, is_stuck = _traced(scene, work, ("-e", fault.expression), is_hasty=is_hasty)
        lines = (work / "trace").read_text().splitlines()
        hits = [line for line in lines if "INJECTED" in line or "killed by SIGKILL" in line]
        told = (work / "errors").read_text()
        defects = _ending(fault, code, told, is_hit=bool(hits), is_stuck=is_stuck)
        left, litter = _in_child(scene, work, code)
        where = "" if not hits else hits[0] if fault.kind != KILL else lines[-2]
        return Outcome(
            scene.name,
            fault,
            bool(hits),
            code,
            _nowhere(where),
            _nowhere(told),
            [(kind, _nowhere(what)) for kind, what in (*defects, *left)],
            litter,
        )


def killed(scene: Scene, moment: float) -> Outcome:
    """Kill the victim after a part of the time that it takes, and judge what is left; its readers'
    workers are killed with it.
    """
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        work = _prepared(scene, Path(folder))
        process, opener = _victim(scene, work)
        opener.send(None)
        process.join(moment)
        process.kill()
        process.join()
        code = process.exitcode or 0
        defects, litter = _in_child(scene, work, code)
        fault = Fault("any", 0, KILL)
        is_hit = code == -signal.SIGKILL
        return Outcome(
            scene.name,
            fault,
            is_hit,
            code,
            f"after {moment:.4f} s",
            _nowhere((work / "errors").read_text()),
            defects,
            litter,
        )


def _nowhere(text: str) -> str:
    """A text without the folders in it."""
    return re.sub(r"/\S*/", "", text)


def _prepared(scene: Scene, folder: Path) -> Path:
    if scene.start is not None:
        shutil.copytree(scene.start, folder / "corpus")
    for name in ("acknowledged", "errors"):
        (folder / name).touch()
    return folder


def _traced(
    scene: Scene, work: Path, options: Sequence[str], *, is_hasty: bool = False
) -> tuple[int, bool]:
    """Run a victim under strace; its exit code, negative for a signal, and whether it had to be
    ended.
    """
    process, opener = _victim(scene, work, is_hasty=is_hasty)
    command = [
        "strace",
        "-y",
        "-s",
        "0",
        "-o",
        str(work / "trace"),
        "-e",
        f"trace={','.join(CALLS)}",
        *options,
        "-p",
        str(process.pid),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        if "attached" not in (line := strace.stderr.readline()):
            process.kill()
            raise RuntimeError(f"strace does not attach: {line.strip()}")
        opener.send(None)
        process.join(PATIENCE_S)
        is_stuck = process.exitcode is None
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode, is_stuck


def _victim(scene: Scene, work: Path, *, is_hasty: bool = False) -> tuple[ForkProcess, Connection]:
    """A victim that waits for a word."""
    forking = multiprocessing.get_context("fork")
    gate, opener = forking.Pipe(duplex=False)
    process = forking.Process(target=_be_victim, args=(scene, work, gate, is_hasty), daemon=True)
    process.start()
    return process, opener


def _be_victim(scene: Scene, work: Path, gate: Connection, is_hasty: bool) -> None:  # noqa: FBT001, RUF100
    ctypes.CDLL(None).prctl(_SET_PTRACER, _ANY, 0, 0, 0)
    os.dup2(os.open(work / "errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    gate.recv()
    places = (work / "corpus", scene.docs, work / "acknowledged")
    sys.exit(victim.run(*places, command=scene.command, is_hasty=is_hasty))


# ---- the verdict ---------------------------------------------------------------------------------


def _ending(fault: Fault, code: int, errors: str, *, is_hit: bool, is_stuck: bool) -> list[Defect]:
    """What is wrong with how the victim ended."""
    told = errors.strip()[-1500:]
    if is_stuck:
        return [("other", f"hangs: {told}")]
    if "Traceback" in errors or code == 1:
        return [("tracebacks", told)]
    if fault.kind == KILL:
        expected: tuple[int, ...] = (-signal.SIGKILL,) if is_hit else (0,)
    else:
        expected = OURS if is_hit else (0,)
    if code not in expected:
        return [("other", f"ends with {code}: {told}")]
    if code > 0 and not re.fullmatch(r"error: .+\nhint: .+\n", errors, re.DOTALL):
        return [("other", f"ends with {code} and no message or hint: {told}")]
    return []


def _in_child(scene: Scene, work: Path, code: int) -> tuple[list[Defect], list[str]]:
    """The verdict, made in a process of its own, as the one that victims are forked from must stay
    fresh.
    """
    forking = multiprocessing.get_context("fork")
    receiver, sender = forking.Pipe(duplex=False)
    process = forking.Process(target=lambda: sender.send(_judge(scene, work, code)), daemon=True)
    process.start()
    try:
        if receiver.poll(PATIENCE_S):
            verdict: tuple[list[Defect], list[str]] = receiver.recv()
            return verdict
        return [("not completed", "the reader or the next ingest hangs")], []
    finally:
        process.kill()
        process.join()


def _judge(scene: Scene, work: Path, code: int) -> tuple[list[Defect], list[str]]:
    """What is wrong with what the victim left, and the files that outlive the next ingest."""
    corpus = work / "corpus"
    defects: list[Defect] = []
    found: Listing = {}
    with _noting(defects, "unclean"):
        defects += [("unclean", what) for what in _unsound(corpus)]
    with _noting(defects, "lost"):
        with contextlib.suppress(CorpusMissing):  # whether it may be missing, `_lost` knows
            found = listing(corpus)
        defects += [("lost", what) for what in _lost(scene, _acknowledged(work), found)]
        if code == 0 and found != scene.after:
            defects.append(("other", "ends with 0, and is not complete"))
    if scene.command != "migrate":  # a query would migrate, too
        with _noting(defects, "other"):
            defects += _unanswered(corpus, found)
    with _noting(defects, "not completed"):
        if scene.complete(corpus) != scene.after:
            defects.append(("not completed", "differs from what a run without faults makes"))
        defects += [("not completed", what) for what in _unsound(corpus)]
        notes = () if scene.command == "migrate" else _asked(corpus).notes  # it has other words
        defects += [("not completed", f"a query notes: {note}") for note in notes]
    return defects, sorted((names(corpus) - Counter(scene.names)).elements())


@contextlib.contextmanager
def _noting(defects: list[Defect], kind: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect
        where = traceback.extract_tb(error.__traceback__)[-1]
        defects.append(
            (
                kind,
                f"{type(error).__name__} in {Path(where.filename).name}, {where.lineno}: {error}",
            )
        )


def _unsound(corpus: Path) -> list[str]:
    """What `check --full` finds; of a corpus of an earlier schema, what SQLite does."""
    try:
        return [finding.what for finding in check(corpus, full=True)]
    except CorpusMissing:
        return []
    except OldSchema:
        with contextlib.closing(open_read_only(corpus)) as database:
            lines = database.execute("PRAGMA integrity_check").fetchall()
        return [line for (line,) in lines if line != "ok"]


def _acknowledged(work: Path) -> dict[str, tuple[str, bool]]:
    """What was said last to be committed: content hashes, and whether they are pending, by path."""
    lines = (work / "acknowledged").read_text(encoding="utf-8").splitlines()
    return json.loads(lines[-1]) if lines else {}


def _lost(
    scene: Scene, acknowledged: Mapping[str, tuple[str, bool]], found: Listing
) -> Iterator[str]:
    """What is not there, or as no commit may have left it. A document may be as before, as after,
    or new and pending.
    """
    if scene.is_whole and found not in (scene.before, scene.after):
        yield "the corpus is neither as before nor as after"
    for path in scene.before.keys() | scene.after.keys() | found.keys():
        before, after, now = scene.before.get(path), scene.after.get(path), found.get(path)
        new = replace(after, vectors="") if after and not before else None
        if now not in (before, after, new):
            yield f"{path} is neither as before nor as after: {now}"
    hashes = [
        {version.content_hash for version in each.values()}
        for each in (scene.before, scene.after, found)
    ]
    if gone := hashes[0] & hashes[1] - hashes[2]:
        yield f"documents that only moved, or not even that: {len(gone)}"
    for path, (content_hash, is_pending) in acknowledged.items():
        after, now = scene.after.get(path), found.get(path)
        if now != after and (
            now is None or now.content_hash != content_hash or (not now.vectors and not is_pending)
        ):
            yield f"{path} was acknowledged, and is {'gone' if now is None else 'as before'}"


def _unanswered(corpus: Path, found: Listing) -> Iterator[Defect]:
    try:
        if not _asked(corpus).matches:
            yield "other", "a query finds nothing"
    except (CorpusEmpty, CorpusMissing) as error:
        if found:
            yield "other", f"a query of {len(found)} documents: {error}"


def _asked(corpus: Path) -> Answer:
    return Corpus(SqliteBackend(corpus), encoder=victim.encoder_of(corpus)).query(
        "heron0 waits", mode="hybrid"
    )


# ---- all of it -----------------------------------------------------------------------------------


@contextlib.contextmanager
def stage() -> Iterator[list[Scene]]:
    """The scenes, in a folder that goes again, in memory where there is a file system for that."""
    with tempfile.TemporaryDirectory(prefix="faults-", dir=_memory()) as folder:
        yield scenes(Path(folder))


def run_all(
    jobs: Sequence[tuple[Scene, Fault]],
    *,
    is_hasty: bool = False,
    is_told: Callable[[int], None] = lambda _: None,
) -> Iterator[Outcome]:
    """The outcomes of runs, two at a time, as they come."""
    yield from at_once([partial(attempt, *job, is_hasty=is_hasty) for job in jobs], is_told=is_told)


def at_once(
    jobs: Sequence[Callable[[], Outcome]], *, is_told: Callable[[int], None] = lambda _: None
) -> Iterator[Outcome]:
    """The outcomes of jobs, two at a time, as they come."""
    with _fresh() as pool:
        for done, future in enumerate(as_completed([pool.submit(job) for job in jobs]), 1):
            is_told(done)
            yield future.result()


def all_calls(made: Sequence[Scene]) -> list[dict[str, int]]:
    """The calls of each scene."""
    with _fresh() as pool:
        return list(pool.map(calls, made))


def _fresh() -> ProcessPoolExecutor:
    """Processes to fork victims from: ones without threads, whatever this one has."""
    return ProcessPoolExecutor(
        2, mp_context=multiprocessing.get_context("spawn"), initializer=_import_everything
    )


def _import_everything() -> None:
    for name in (
        "alembic.command",
        "alembic.config",
        "faiss",
        "psutil",
        "searchapp.extract.sandbox.pool",
        "searchapp.ingest.pipeline",
        "searchapp.search.searcher",
        "searchapp.backends.sqlite.writer",
        "searchapp.classification.labeling",
        "searchapp.maintenance.reembed",
    ):
        importlib.import_module(name)


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


@dataclass
class Summary:
    """How many runs there were of each call and kind of fault, and what came of them."""

    figures: dict[str, Counter[str]] = field(default_factory=dict)
    exit_codes: Counter[int] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    litter: Counter[str] = field(default_factory=Counter)
    described: list[dict[str, str]] = field(default_factory=list)

    def note(self, outcome: Outcome) -> None:
        """Take in how a run ended."""
        figures = self.figures.setdefault(
            f"{outcome.fault.call} {outcome.fault.kind}",
            Counter(dict.fromkeys(("runs", "missed", *DEFECTS), 0)),
        )
        figures.update(["runs"] if outcome.is_hit else ["runs", "missed"])
        figures.update({kind for kind, _ in outcome.defects})
        self.exit_codes[outcome.exit_code] += 1
        self.told.update([outcome.told] if outcome.told else [])
        self.litter.update(outcome.litter)
        if outcome.defects and len(self.described) < MOST_TOLD:
            what = "; ".join(f"{kind}: {text}" for kind, text in outcome.defects)
            self.described.append(
                {
                    "scene": outcome.scene,
                    "fault": str(outcome.fault),
                    "where": outcome.where,
                    "what": what,
                }
            )

    def as_json(self) -> dict[str, object]:
        """All of it."""
        codes = {str(code): count for code, count in sorted(self.exit_codes.items())}
        return {
            "faults": self.figures,
            "exit_codes": codes,
            "told": self.told,
            "litter": self.litter,
            "described": self.described,
        }


def main() -> None:
    """Run into every fault, and print what came of it as JSON."""
    parser = argparse.ArgumentParser(
        description="Kill and fail the writer of a corpus at every call."
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="only every N-th of all faults"
    )
    arguments = parser.parse_args()
    if reason := reason_against():
        sys.exit(f"no faults can be injected: {reason}")
    began = time.monotonic()
    summary = Summary()
    with stage() as made:
        counts = {scene.name: count for scene, count in zip(made, all_calls(made), strict=True)}
        jobs = [(scene, fault) for scene in made for fault in every(counts[scene.name])][
            :: arguments.every
        ]
        for outcome in run_all(jobs, is_told=progress("runs", len(jobs))):
            summary.note(outcome)
    print(
        json.dumps(
            {
                "calls": counts,
                "every": arguments.every,
                **summary.as_json(),
                "took_s": round(time.monotonic() - began, 1),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
