"""Paths and globs as people write them, made absolute. `is_glob` is the only word on what is a
pattern. Light: a query that only asks a living server imports it.
"""

from __future__ import annotations

import os

from searchapp.errors import BadFilter

_GLOB_SIGNS = "*?["


def resolve_place(place: str | os.PathLike[str]) -> str:
    """A path made absolute; a glob that is no path stays as it is. Raises BadFilter for "", which
    would be the working directory.
    """
    text, absolute = require_path(place), resolve_path(place)
    return text if is_glob(absolute) and not text.startswith(("./", "../", "~")) else absolute


def resolve_path(path: str | os.PathLike[str]) -> str:
    """A path, which may be no text, made absolute; never a glob. Raises BadFilter for ""."""
    return os.path.abspath(os.path.expanduser(require_path(path)))  # noqa: PTH100, PTH111 - pathlib fails at a user it does not know


def is_glob(place: str) -> bool:
    """Whether a place has the signs of a glob, and is not the path of a file or folder on the disk
    or in an archive there: such a path is no pattern.
    """
    last = max(map(place.rfind, _GLOB_SIGNS))
    if last < 0:
        return False
    end = place.find("!/", last)
    archive = place[:end] if end > 0 else place  # in whose name all the signs are
    return not (place.startswith("/") and (os.path.lexists(place) or os.path.lexists(archive)))


def require_path(path: str | os.PathLike[str]) -> str:
    """The path as it is; raises BadFilter for "", which would be the working directory."""
    text = os.fspath(path)
    if not text:
        raise BadFilter(
            "an empty path",
            hint="name a file, a folder or a glob; '.' is the working directory",
        )
    return text
