"""What an output may never take the place of: files of a corpus, documents that it holds, and what
the same command reads.

How each kind of file is written is `atomic_write`'s; this knows what the files mean.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.backends.places import folder_of
from searchapp.backends.sqlite import layout, leftovers
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.errors import SearchappError, UsageError
from searchapp.filesystem import atomic_write
from searchapp.types.documents import MEMBER
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from searchapp.types.protocols import Backend


def require_output(
    path: Path, backend: Backend | None = None, *, inputs: Iterable[Path] = ()
) -> None:
    """Raise UsageError where a path cannot be written to, or where that would take the place of a
    file of a corpus, of a document of the corpus in `backend`, or of one of the inputs.
    """
    try:
        target = atomic_write.real_target(path)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}",
            hint="name a file in a folder that exists",
        ) from error
    if target is None or not target.exists():
        return
    if _is_of_corpus(target):
        raise UsageError(f"{path} is a file of a corpus", hint="choose another place for the file")
    # what is read may be a text that is no path
    if any(os.path.isfile(file) and target.samefile(file) for file in inputs):  # noqa: PTH113
        raise UsageError(f"{path} is what is read", hint="choose another place for the file")
    if backend is not None and _is_document(backend, path, target):
        raise UsageError(
            f"{path} is a document of the corpus, which would be replaced",
            hint="choose another place for the file, or first run: searchapp remove FILE",
        )


def _is_of_corpus(file: Path) -> bool:
    """Whether a file is one of those that a corpus is made of; any corpus counts."""
    for depth, folder in enumerate(file.parents):
        if (folder / layout.DATABASE).is_file():
            return leftovers.is_own(file.relative_to(folder).parts[0], is_folder=depth > 0)
    return False


def _is_document(backend: Backend, *places: Path) -> bool:
    """Whether any of the places is a document of the corpus, or holds some, as an archive does. No
    corpus holds none, nor does one that cannot be read as it is: none is brought up to date here.
    """
    folder = folder_of(backend)
    with (
        suppress(SearchappError),
        closing(SqliteReader(folder) if folder else backend.reader()) as reader,
    ):
        for place in {os.path.abspath(place) for place in places}:  # noqa: PTH100 - keeps links
            raw = os.fsencode(place)
            if any(
                row.path == raw or row.path.startswith(raw + MEMBER)
                for row in reader.rows(Filters(within=(place,)))
            ):
                return True
    return False
