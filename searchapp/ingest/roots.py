"""What an ingest begins with: the paths it is given, and what it is to read again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from searchapp.errors import PathMissing
from searchapp.types.documents import MEMBER, Root, containers_of, is_within
from searchapp.types.filters import require_path

if TYPE_CHECKING:
    from searchapp.types.protocols import DocumentWriter

_FILE_URL = re.compile(r"file:(?://(?P<host>[^/]*))?(?P<path>/.*)", re.IGNORECASE | re.DOTALL)
# https://host/page, s3://bucket/key, git@host:owner/repository
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:", re.IGNORECASE)


def roots_at(
    paths: Iterable[str | os.PathLike[str]],
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    required: bool,
) -> list[Root]:
    """The roots at some paths, absolute; raises PathMissing for the address of something elsewhere,
    and where one does not exist and all are `required`.
    """
    roots = []
    for path in paths:
        place = os.path.normpath(Path(_local(require_path(path))).absolute())
        if required and not os.path.exists(place):  # noqa: PTH110 - a name may be no text
            raise PathMissing(
                f"no such file or folder: {place}",
                hint="check the spelling; if it is gone for good, --prune removes its documents",
            )
        roots.append(Root(os.fsencode(place), tuple(include), tuple(exclude)))
    return roots


def _local(path: str) -> str:
    """A path as it is, or the one that a file: address names; raises PathMissing for any other
    address, unless there is a file of that name.
    """
    if os.path.lexists(path):
        return path
    if (url := _FILE_URL.fullmatch(path)) and url["host"] in (None, "", "localhost"):
        return os.fsdecode(unquote_to_bytes(url["path"].encode("utf-8", "surrogateescape")))
    if _ADDRESS.match(path) or url:
        raise PathMissing(
            f"{path} is an address; ingest reads files and folders of this machine only",
            hint="save the page, or mirror or clone what is there, and ingest that folder: nothing "
            "is fetched",
        )
    return path


def exclude(writer: DocumentWriter, places: Iterable[str], removed: Iterable[bytes]) -> None:
    """Have no ingest bring back the documents that were removed at some paths or globs, as long as
    one of the roots would.
    """
    named = [os.fsencode(place.rstrip("/")) for place in places]
    roots = [root.path for root in writer.roots()]
    exclusions = set(writer.exclusions())
    for path in removed:
        place = next((place for place in named if is_within(path, place)), path)
        if any(is_within(place, root) for root in roots):
            exclusions.add(place)
        else:
            read_again(writer, [path])
    writer.set_exclusions(
        place
        for place in exclusions
        if not any(other != place and is_within(place, other) for other in exclusions)
    )


def readmit(writer: DocumentWriter, named: Iterable[bytes]) -> list[bytes]:
    """Have ingests take in again what was removed for good at or above the named paths, or in a
    container of that name; returns the paths that it was removed by.
    """
    places = list(named)
    exclusions = writer.exclusions()
    lifted = [
        path
        for path in exclusions
        if any(is_within(place, path) or path.startswith(place + MEMBER) for place in places)
    ]
    if lifted:
        writer.set_exclusions(set(exclusions) - set(lifted))
        read_again(writer, lifted)
    return lifted


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
