"""What commands that were killed have left of a corpus's text: the next writer deletes it, as no
text may outlive its removal in a file that nobody uses.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from searchapp.backends.sqlite import layout
from searchapp.filesystem import work_files


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
