"""Rules of .gitignore by chance, and what git says of them.

    python -m tests.torture.ignoring [--rule-files N]

Names and patterns are drawn from few characters, so that they often meet. Both are compared as
bytes: git counts them so, while searchapp counts characters where the bytes are UTF-8.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from searchapp.filesystem.ignore_pattern import IgnorePattern, last_match, parse_patterns
from tests.torture import telling

_NAMES = ["a", "b", "ab", "ba", "aab", "abab", "a.b", ".a", "a-b", "a]", "[a", "!a", "#a", "a b",
          "a ", "\\a", "A", "1", "^", "a*", "é", "aéb", "a\tb"]  # fmt: skip
_PARTS = ["a", "b", "ab", "*", "*", "**", "***", "?", "/", "/", "/", "\\", "\\a", "\\*", "\\/",
          "[ab]", "[!a]", "[^b]", "[]a]", "[a-c]", "[a/b]", "[/]", "[\\]a]", "[a-]", "[-a]",
          "[b-a]", "[!-~]", "[[:alpha:]]", "[[:space:]x]", "[![:alnum:]]", "[[:nothing:]]", "[[:a]",
          "[[:]a]", "[", "]", "!", "#", " ", ".", "-", "é", "1", "^", "A", "\t"]  # fmt: skip
_WHOLE = ["**/", "/**", "/**/", "*/", "a/", "**/a", "*a", "a*", "*a*b"]


@dataclass(slots=True)
class Compared:
    """What was compared, and where the two differ."""

    rule_files: int = 0
    paths: int = 0
    ignored: int = 0  # of the paths, by git
    differences: list[str] = field(default_factory=list)


def main() -> None:
    """Compare, and print what came of it; ends with 1 where the two differ."""
    parser = argparse.ArgumentParser(description="Compare rules by chance with git's answers.")
    parser.add_argument("--rule-files", type=int, default=10_000)
    rule_files = parser.parse_args().rule_files
    began, compared, tell = time.monotonic(), Compared(), telling.progress("rule files", rule_files)
    for seed in range(0, rule_files, 100):
        run(min(100, rule_files - seed), seed=seed, compared=compared)
        tell(compared.rule_files)
    told = {
        "rule_files": compared.rule_files,
        "paths": compared.paths,
        "ignored": compared.ignored,
        "differences": compared.differences,
        "took_s": round(time.monotonic() - began, 1),
    }
    sys.stdout.write(json.dumps(told))
    sys.exit(bool(compared.differences))


def run(rule_files: int, *, seed: int, compared: Compared) -> None:
    """Compare so many rule files, each with all the paths of a small tree."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        root, rules = Path(folder, "tree"), Path(folder, "rules")
        paths = _grow(root, rng)
        for _ in range(rule_files):
            lines = [_line(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
            rules.write_text("\n".join(lines) + rng.choice(("\n", "", "\r\n")), encoding="utf-8")
            ignored = _ignored_by_git(root, rules, paths)
            patterns = parse_patterns(rules.read_bytes().decode("latin-1"))
            for path, is_folder in paths.items():
                ours = _is_ignored(patterns, path.decode("latin-1"), folder=is_folder)
                if ours != (path in ignored):
                    compared.differences.append(f"{lines!r}: {path!r}, git: {not ours}")
            compared.rule_files += 1
            compared.paths += len(paths)
            compared.ignored += len(ignored)


def _grow(root: Path, rng: random.Random) -> dict[bytes, bool]:
    """A tree by chance: its paths relative to the root, and which are folders."""
    root.mkdir()
    subprocess.run(["git", "init", "-q", root], check=True, env=_environment())
    folders = [root]
    for _ in range(14):
        folder = rng.choice(folders) / rng.choice(_NAMES)
        folder.mkdir(exist_ok=True)
        folders.append(folder)
    for _ in range(50):
        file = rng.choice(folders) / rng.choice(_NAMES)
        if not file.exists():
            file.write_text("", encoding="utf-8")
    return {
        os.fsencode(path.relative_to(root)): path.is_dir()
        for path in sorted(root.rglob("*"))
        if ".git" not in path.parts
    }


def _line(rng: random.Random) -> str:
    parts = chain.from_iterable(
        [rng.choice(_WHOLE if rng.random() < 0.2 else _PARTS)] for _ in iter(int, 1)
    )
    line = "".join(islice(parts, rng.randint(1, 6)))
    return ("!" if rng.random() < 0.1 else "") + line


def _ignored_by_git(root: Path, rules: Path, paths: dict[bytes, bool]) -> set[bytes]:
    done = subprocess.run(
        ["git", "-c", f"core.excludesFile={rules}", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=root, input=b"\0".join(paths), capture_output=True, check=False, env=_environment(),
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    return set(done.stdout.split(b"\0")) - {b""}


def _is_ignored(patterns: list[IgnorePattern], path: str, *, folder: bool) -> bool:
    """As a walk finds it: a path is ignored with the first folder above it that is."""
    names = path.split("/")
    for depth in range(1, len(names) + 1):
        is_folder = folder or depth < len(names)
        if last_match(patterns, "/".join(names[:depth]), folder=is_folder):
            return True
    return False


def _environment() -> dict[str, str]:
    return os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


if __name__ == "__main__":
    main()
