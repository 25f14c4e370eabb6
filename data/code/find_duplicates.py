"""List files with identical content below a folder, so that the surplus can be deleted by hand.

    python find_duplicates.py ~/Pictures

Files are first grouped by length, which costs nothing, and only groups of two or more are read.
Symbolic links are ignored; two hard links to one file count as one.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

BLOCK = 1 << 20


def duplicates(root: Path) -> Iterator[list[Path]]:
    """Groups of at least two paths with equal content, the largest files first."""
    by_size: dict[int, dict[int, Path]] = defaultdict(dict)
    for path in _files(root):
        status = path.stat()
        if status.st_size:
            by_size[status.st_size].setdefault(status.st_ino, path)
    for size in sorted(by_size, reverse=True):
        yield from _equal(by_size[size].values())


def _equal(paths: Iterable[Path]) -> Iterator[list[Path]]:
    by_digest: dict[bytes, list[Path]] = defaultdict(list)
    candidates = list(paths)
    if len(candidates) > 1:
        for path in candidates:
            by_digest[_digest(path)].append(path)
    return (sorted(group) for group in by_digest.values() if len(group) > 1)


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _digest(path: Path) -> bytes:
    digest = hashlib.blake2b()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.digest()


if __name__ == "__main__":
    for group in duplicates(Path(sys.argv[1])):
        print(*group, sep="\n", end="\n\n")
