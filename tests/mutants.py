"""Mutation testing: which small changes of the code no test notices.

    python -m tests.mutants [ROOM...] [--count N] [--seed N]

Of each room a sample of mutants is drawn, by the operators of cosmic-ray; the tests of the room run
against each, in a copy of the tree. Prints a line for each survivor and, as JSON at the end, the
share that was killed. Needs the extra `mutants`.
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
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

ROOMS = {  # files, and the tests that hold them
    "search": (["search"], ["unit/search"]),
    "ingest": (["ingest"], ["unit/ingest"]),
    "backends": (["backends"], ["unit/backends", "contract"]),
    "limits": (
        ["extract/archives/limits.py", "extract/members.py", "extract/working_time.py"],
        [
            "unit/extract/test_limits.py",
            "unit/extract/test_archives.py",
            "unit/extract/test_working_time.py",
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
LONGEST_S = 600.0  # a mutant that makes the tests hang is killed, too


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file: which operator, and at which of the places that it could change."""

    path: Path  # below the root
    operator: str
    occurrence: int


def main() -> None:
    """Draw the mutants, try each, and tell which live."""
    parser = argparse.ArgumentParser(
        description="Change the code a little; see whether tests fail."
    )
    parser.add_argument("rooms", nargs="*", default=[*ROOMS], help=", ".join(ROOMS))
    parser.add_argument("--count", type=int, default=20, help="of each room (20)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.rooms) - set(ROOMS):
        parser.error(f"unknown: {', '.join(unknown)}")
    counts = {}
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary, "tree")
        ignored = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__")
        shutil.copytree(ROOT, tree, ignore=ignored)
        for room in options.rooms:
            counts[room] = _try_room(tree, room, options.count, options.seed)
    total, killed = (sum(count[key] for count in counts.values()) for key in ("mutants", "killed"))
    print(json.dumps({"seed": options.seed, "rooms": counts, "share": killed / max(total, 1)}))


def _try_room(tree: Path, room: str, count: int, seed: int) -> dict[str, int]:
    files, tests = ROOMS[room]
    if not _passes(tree, tests):
        sys.exit(f"{room}: its tests fail without a mutant")
    places = _mutants(files)
    chance = random.Random(seed)
    drawn = [chance.choice(at) for at in chance.sample(places, min(count, len(places)))]
    killed = 0
    for mutant in drawn:
        original = (ROOT / mutant.path).read_text(encoding="utf-8")
        changed = _mutated(original, mutant)
        (tree / mutant.path).write_text(changed, encoding="utf-8")
        if _passes(tree, tests):
            lines = difflib.unified_diff(original.splitlines(), changed.splitlines(), n=0)
            shown = [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
            print(f"{room}: {mutant.path}: {' | '.join(map(str.strip, shown))}", flush=True)
        else:
            killed += 1
        (tree / mutant.path).write_text(original, encoding="utf-8")
    return {"places": len(places), "mutants": len(drawn), "killed": killed}


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
                    mutant = Mutant(path.relative_to(ROOT), name, occurrence)
                    at.setdefault((path, place), []).append(mutant)
    return [*at.values()]


def _mutated(source: str, mutant: Mutant) -> str:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    changed = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    assert isinstance(changed, str)
    return changed


def _passes(tree: Path, tests: list[str]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["-m", "not model and not slow", *(f"tests/{test}" for test in tests)]
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    main()
