"""What an ingest begins with: the paths it is given, and what it is to read again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

from searchapp.errors import PathMissing
from searchapp.types.documents import Root, containers_of
from searchapp.types.places import require_path

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
    """The roots at some paths, absolute; of a member, the file that holds it. Raises PathMissing
    for the address of something elsewhere, and where one does not exist and all are `required`.
    """
    roots = []
    for place in map(os.fsdecode, named_paths(paths)):
        if not os.path.exists(place):  # noqa: PTH110 - a name may be no text
            place = next(filter(os.path.isfile, _containers(place)), place)
        if required and not os.path.exists(place):  # noqa: PTH110
            raise PathMissing(
                f"no such file or folder: {place}",
                hint="check the spelling; if it is gone for good, --prune removes its documents",
            )
        roots.append(Root(os.fsencode(place), tuple(include), tuple(exclude)))
    return roots


def named_paths(paths: Iterable[str | os.PathLike[str]]) -> list[bytes]:
    """The paths as they are written, absolute; accents as they are on the disk. Raises PathMissing
    for the address of something elsewhere.
    """
    absolute = (os.path.normpath(Path(_local(require_path(p))).absolute()) for p in paths)
    listed: dict[str, dict[str, str]] = {}
    return [os.fsencode(_as_on_disk(path, listed)) for path in absolute]


def _containers(path: str) -> Iterator[str]:
    return map(os.fsdecode, containers_of(os.fsencode(path)))


def _as_on_disk(path: str, listed: dict[str, dict[str, str]]) -> str:
    """A path that exists but for the form of its accents, as it is on the disk; else as it is.
    Folders that it has to look into are `listed`: each name by its NFC form.
    """
    if path.isascii() or os.path.lexists(path):
        return path
    place = "/"
    for part in path.split("/")[1:]:
        following = os.path.join(place, part)  # noqa: PTH118 - a name may be no text
        if not os.path.lexists(following) and not part.isascii():
            if place not in listed:
                listed[place] = _names_in(place)
            name = listed[place].get(normalize("NFC", part), part)
            following = os.path.join(place, name)  # noqa: PTH118
        place = following
    return place


def _names_in(folder: str) -> dict[str, str]:
    """The names in a folder that are not ASCII, by their NFC form; none where it cannot be read."""
    with suppress(OSError):
        return {normalize("NFC", n): n for n in os.listdir(folder) if not n.isascii()}  # noqa: PTH208
    return {}


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
