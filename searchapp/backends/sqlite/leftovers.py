"""What commands that were killed have left of a corpus's text: the next writer deletes it, as no
text may outlive its removal in a file that nobody uses.
"""

from __future__ import annotations

import contextlib
import fnmatch
import shutil
from collections.abc import Iterable
from pathlib import Path

from searchapp.backends.sqlite import layout
from searchapp.filesystem import work_files

# what stands beside the database: of a user's labels, of migrations and of repairs
_BESIDE = (
    layout.LOCK,
    "classifier.npz",
    f"{layout.DATABASE}.backup-*",
    f".{layout.DATABASE}-*",
    work_files.PATTERN,
)
_FOLDERS = (
    f"{layout.BEFORE_REPAIR}*",
    f"{layout.ENCODING}*",
    ".repair-*",
    work_files.PATTERN,
)


def is_own(name: str, *, is_folder: bool) -> bool:
    """Whether a file, or a folder, of that name in the folder of a corpus is the corpus's."""
    return _matches(name, _FOLDERS if is_folder else (*layout.FILES, *_BESIDE))


def is_leftover(name: str) -> bool:
    """Whether a file or folder of that name is what a command that was killed left."""
    return _matches(name, (*layout.LEFTOVERS, work_files.PATTERN))


def sweep(folder: Path) -> list[Path]:
    """Delete what is left, in the folder of a corpus and where its notes say, under the corpus's
    lock; returns what could not be deleted.
    """
    for pattern in layout.LEFTOVERS:
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    left = [path for pattern in layout.LEFTOVERS for path in folder.glob(pattern)]
    return left + work_files.sweep(folder)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
