"""What an ingest begins with: the paths it is given, and what it is to read again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.errors import PathMissing
from searchapp.types.documents import Root, containers_of
from searchapp.types.filters import require_path

if TYPE_CHECKING:
    from searchapp.types.protocols import DocumentWriter


def roots_at(
    paths: Iterable[str | os.PathLike[str]],
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    required: bool,
) -> list[Root]:
    """The roots at some paths, absolute; raises PathMissing where one does not exist and all are
    `required`.
    """
    roots = []
    for path in paths:
        place = os.path.normpath(Path(require_path(path)).absolute())
        if required and not os.path.exists(place):  # noqa: PTH110 - a name may be no text
            raise PathMissing(
                f"no such file or folder: {place}",
                hint="check the spelling; if it is gone for good, --prune removes its documents",
            )
        roots.append(Root(os.fsencode(place), tuple(include), tuple(exclude)))
    return roots


def read_again(writer: DocumentWriter, members: Iterable[bytes]) -> None:
    """Have the containers of documents that were removed read again by the next ingest, which
    brings them back.
    """
    containers = {container for path in members for container in containers_of(path)}
    known = writer.known_files() if containers else {}
    for container in containers:
        writer.set_unindexed([container], [])
        if file := known.get(container):
            writer.relocate(file.document_id, replace(file.source, hashed_at_ns=0))
