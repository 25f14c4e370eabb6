"""Folders that appear whole or not at all, as `atomic_write` has it of files, for what can be made
again: a cache.

Knows nothing of what is in them.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from searchapp.filesystem import atomic_write

DAY_S = 86_400


@contextmanager
def replaced(final: Path) -> Iterator[Path]:
    """A fresh folder, which only its owner may enter; it takes the place of the one at `final`,
    durably, when the block ends well.

    A kill leaves a `tmp-` folder beside it, which the next call sweeps after a day. Of two that
    race, one folder stays. Raises as `require_place`, before the block begins.
    """
    require_place(final)
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _sweep(final.parent)
    work = Path(tempfile.mkdtemp(prefix="tmp-", dir=final.parent))  # 0700
    try:
        yield work
        for place in (*work.rglob("*"), work):
            atomic_write.sync(place)
        _publish(work, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def require_place(final: Path) -> None:
    """Raise NotADirectoryError, with the path in the way, where no folder can be put: at a file or
    a link, neither of which is replaced, or below a file.
    """
    standing = next(place for place in (final, *final.parents) if os.path.lexists(place))
    if not standing.is_dir() or (standing == final and final.is_symlink()):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(standing))


def _sweep(folder: Path) -> None:
    """Remove what programs that were killed left more than a day ago."""
    for place in folder.glob("tmp-*"):
        with suppress(FileNotFoundError):  # another program has just finished
            if place.stat().st_mtime < time.time() - DAY_S:
                shutil.rmtree(place, ignore_errors=True)


def _publish(work: Path, final: Path) -> None:
    """Put a folder in place of what stands there, if anything does; where another program is
    faster, its folder stays.
    """
    aside = Path(tempfile.mkdtemp(prefix="tmp-", dir=final.parent))
    try:
        with suppress(FileNotFoundError):
            final.rename(aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    try:
        work.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    atomic_write.sync(final.parent)
