"""Mutation testing: which small changes of the code no test notices.

    python -m tests.mutants [ROOM...] [--count N] [--seed N] [--slow] [--again [--tests FILE...]]

Of each room a sample of mutants is drawn, by the operators of cosmic-ray; the quick tests of the
room run against each, in a copy of the tree, and with `--slow` the slow ones, too, where those pass.
What came of it is kept under torture/results/, with the survivors; `--again` tries those anew, with
all tests of the room or those named. A survivor that changes nothing that a test could see is one
of `data/equivalent_mutants.toml`, with the reason. Needs the extra `mutants`.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmarks.keeping import keep
from tests.paths import ROOT, TEST_DATA

RESULTS = Path(__file__).resolve().parent / "torture" / "results"
EQUIVALENT = TEST_DATA / "equivalent_mutants.toml"

ROOMS = {  # files, and the tests that hold them
    "search": (
        ["search"],
        [
            "unit/search",
            "integration/test_exact_words.py",
            "integration/test_typos.py",
            "integration/test_corpus.py",
        ],
    ),
    "ingest": (["ingest"], ["unit/ingest", "integration/test_corpus.py"]),
    "backends": (["backends"], ["unit/backends", "contract"]),
    "limits": (
        ["extract/archives/limits.py", "extract/members.py", "extract/working_time.py"],
        [
            "unit/extract/test_limits.py",
            "unit/extract/test_archives.py",
            "unit/extract/test_working_time.py",
            "unit/extract/test_out_of_time.py",
            "unit/extract/test_partly_read.py",
        ],
    ),
    "secrets": (
        ["extract/secrets.py", "filesystem/secret_names.py"],
        [
            "unit/extract/test_secrets.py",
            "unit/filesystem/test_secret_names.py",
            "unit/ingest/test_secrets.py",
        ],
    ),
}
LEFT_OUT = (
    "core/RemoveDecorator",
    "core/ReplaceBinaryOperator_BitOr_",  # nearly all of them stand in types
    "core/VariableInserter",
    "core/VariableReplacer",
)
QUICK, SLOW = "not model and not slow", "not model and slow"
LONGEST = 4  # times what the tests take without a mutant; one that makes them hang is killed, too
LEAST_S = 60.0  # that they have all the same


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file: which operator, and at which of the places that it could change."""

    path: str  # below the root
    operator: str
    occurrence: int


@dataclass(slots=True)
class Room:
    """What came of the mutants of a room."""

    room: str
    seed: int
    places: int  # that could be changed
    mutants: int
    killed: int = 0
    killed_by_slow_tests: int = 0  # of these
    survivors: list[dict[str, Any]] = field(default_factory=list)
    took_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """All of it, with the share of those that change what a test could see."""
        equivalent = _equivalent()
        same = sum((each["path"], each["change"]) in equivalent for each in self.survivors)
        share = self.killed / max(self.mutants - same, 1)
        return {**asdict(self), "equivalent": same, "share": round(share, 4)}


def main() -> None:
    """Draw the mutants, try each, and keep which live."""
    parser = argparse.ArgumentParser(
        description="Change the code a little; see whether tests fail."
    )
    parser.add_argument("rooms", nargs="*", default=[*ROOMS], help=", ".join(ROOMS))
    parser.add_argument("--count", type=int, default=20, help="of each room (20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow", action="store_true", help="run the slow tests, too")
    parser.add_argument("--again", action="store_true", help="try the survivors of the last time")
    parser.add_argument("--tests", nargs="*", metavar="FILE", help="run these tests alone")
    options = parser.parse_args()
    if unknown := set(options.rooms) - set(ROOMS):
        parser.error(f"unknown: {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary, "tree")
        ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__")
        shutil.copytree(ROOT, tree, ignore=ignored)
        for name in options.rooms:
            files, tests = ROOMS[name]
            if options.again:
                room, drawn = _earlier(name)
            else:
                room, drawn = _drawn(name, files, options.count, options.seed)
            tests = options.tests or tests
            _try(room, drawn, tree, tests, (QUICK, SLOW) if options.slow else (QUICK,))
            command = f"python -m tests.mutants {name} --count {room.mutants} --seed {room.seed}"
            keep(f"mutants-{name}", room.as_json(), command, folder=RESULTS)


def _drawn(name: str, files: list[str], count: int, seed: int) -> tuple[Room, list[Mutant]]:
    places = _mutants(files)
    chance = random.Random(seed)
    drawn = [chance.choice(at) for at in chance.sample(places, min(count, len(places)))]
    return Room(name, seed, len(places), len(drawn)), drawn


def _earlier(name: str) -> tuple[Room, list[Mutant]]:
    """What came of the last time, and its survivors, to be tried anew."""
    path = max(RESULTS.glob(f"mutants-{name}-20*.json"))
    kept = json.loads(path.read_text(encoding="utf-8"))
    room = Room(**{each.name: kept[each.name] for each in fields(Room)})
    survivors, room.survivors = room.survivors, []
    drawn = [mutant for each in survivors if (mutant := _where_it_is_now(each))]
    room.mutants -= len(survivors) - len(drawn)
    return room, drawn


def _where_it_is_now(survivor: dict[str, Any]) -> Mutant | None:
    """A mutant as it is made of the code of today, in which other places may stand before its own;
    None where what it changed is gone.
    """
    original = (ROOT / survivor["path"]).read_text(encoding="utf-8")
    before: int = survivor["occurrence"]
    for occurrence in sorted(range(before + 200), key=lambda number: abs(number - before)):
        mutant = Mutant(survivor["path"], survivor["operator"], occurrence)
        if _change(original, _mutated(original, mutant)) == survivor["change"]:
            return mutant
    return None


def _try(
    room: Room, drawn: list[Mutant], tree: Path, tests: list[str], kinds: tuple[str, ...]
) -> None:
    """Try mutants, and count which are killed."""
    began = time.monotonic()
    longest_s: dict[str, float] = {}
    for mutant in drawn:
        original = (ROOT / mutant.path).read_text(encoding="utf-8")
        changed = _mutated(original, mutant)
        killer = ""
        for kind in kinds:
            if kind not in longest_s:
                longest_s[kind] = _limit(tree, tests, kind)
            _put(tree / mutant.path, changed)
            passes = _passes(tree, _nearest(tests, mutant.path), kind, longest_s[kind])
            _put(tree / mutant.path, original)
            if not passes:
                killer = kind
                break
        room.killed += bool(killer)
        room.killed_by_slow_tests += killer == SLOW
        if not killer:
            change = _change(original, changed)
            room.survivors.append({**asdict(mutant), "change": change})
        told = "killed" if killer else f"{mutant.path}: {change}"
        sys.stderr.write(f"{room.room} {time.monotonic() - began:.0f} s: {told}\n")
    room.took_s = round(room.took_s + time.monotonic() - began, 1)


def _limit(tree: Path, tests: list[str], kind: str) -> float:
    """How long the tests may take, in seconds. Ends the run where they fail without a mutant."""
    began = time.monotonic()
    if not _passes(tree, tests, kind, 3600):
        sys.exit(f"the tests ({kind}) of {', '.join(tests)} fail without a mutant")
    return max(LEAST_S, LONGEST * (time.monotonic() - began))


def _put(path: Path, source: str) -> None:
    """Write a module, and forget how it was compiled before."""
    path.write_text(source, encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()


def _change(original: str, changed: str) -> str:
    """What is different, on one line."""
    lines = difflib.unified_diff(original.splitlines(), changed.splitlines(), n=0)
    shown = [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    return " | ".join(f"{line[0]} {line[1:].strip()}" for line in shown)


def _equivalent() -> set[tuple[str, str]]:
    """The mutants that change nothing a test could see, by path and change."""
    if not EQUIVALENT.exists():
        return set()
    kept = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))
    return {(each["path"], each["change"]) for each in kept["mutant"]}


def _nearest(tests: list[str], path: str) -> list[str]:
    """The files of tests, those named after the module first: the first failure is enough."""
    stem, root = Path(path).stem, ROOT / "tests"
    found = [
        file
        for test in tests
        for file in sorted(
            (root / test).glob("test_*.py") if (root / test).is_dir() else [root / test]
        )
    ]
    found.sort(key=lambda file: stem not in file.stem and file.stem[5:] not in stem)
    return [str(file.relative_to(root)) for file in found]


def _mutants(files: list[str]) -> list[list[Mutant]]:
    """The mutants of each place in the files that can be changed, in order."""
    from cosmic_ray.ast import ast_nodes, get_ast_from_path
    from cosmic_ray.plugins import get_operator, operator_names

    at: dict[tuple[Path, object], list[Mutant]] = {}
    names = [name for name in sorted(operator_names()) if not name.startswith(LEFT_OUT)]
    for file in files:
        root = ROOT / "searchapp" / file
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            nodes = [*ast_nodes(get_ast_from_path(path))]
            for name in names:
                operator = get_operator(name)()
                places = (place for node in nodes for place in operator.mutation_positions(node))
                for occurrence, place in enumerate(places):
                    mutant = Mutant(str(path.relative_to(ROOT)), name, occurrence)
                    at.setdefault((path, place), []).append(mutant)
    return [*at.values()]


def _mutated(source: str, mutant: Mutant) -> str:
    """The source with the change; as it is where it has no such place."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    changed = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    assert changed is None or isinstance(changed, str)
    return changed or source


def _passes(tree: Path, tests: list[str], kind: str, longest_s: float) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["-m", kind, *(f"tests/{test}" for test in tests)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=longest_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode in {0, 5}  # 5: there are none of that kind


if __name__ == "__main__":
    main()
