"""The files below a folder: which a walk finds and which it leaves out, each with its reason.

Paths are bytes, as the system keeps them: a name may be invalid UTF-8 or hold a line break. Links
are never followed, except one that is named as the root; so a walk ends, and each file has one
name. Nothing here knows of formats, documents or a corpus beyond how to recognise its folder.
"""
# pathlib cannot hold a path that is bytes:

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from searchapp.errors import FileError, PathMissing
from searchapp.filesystem.ignore_rules import (
    BROWSER_PROFILE,
    FOLDER_MARKS,
    SECRET,
    IgnoreRules,
    WalkScope,
    folder_prefix,
    is_cache_tag,
    reason_of_include,
    reason_of_name,
    reason_of_rules,
    rules_above,
    rules_in,
    strongest_first,
    user_patterns,
)
from searchapp.filesystem.safe_open import _plain, _special_kind, open_file
from searchapp.types.documents import WITH_SECRETS, FileIdentity, Unindexed

_ZIP = b"PK\3\4"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file to ingest."""

    path: bytes  # absolute
    identity: FileIdentity
    with_secrets: bool = False  # they are read, too


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be listed, and the rules from above it, strongest first."""

    path: bytes
    rules: tuple[IgnoreRules, ...]


_Listed: TypeAlias = FoundFile | Unindexed | _Folder
# makes a call that may hang, or gives what stands in its place
Guard: TypeAlias = Callable[
    [Callable[[], list[_Listed]], Callable[[], list[_Listed]]], list[_Listed]
]


class WalkProgress:
    """How far walks have come, and whether they are to stop; one may serve several walks."""

    def __init__(
        self,
        on_progress: Callable[[int, int], None] = lambda _, __: None,
        is_stopped: Callable[[], bool] = lambda: False,
        *,
        every_s: float = 0.5,
    ) -> None:
        """`on_progress` gets the files and the folders seen so far, every so many seconds;
        `is_stopped` is asked at every entry of a folder.
        """
        self.files = 0  # seen, also those that are left out
        self.folders = 0  # listed, also those that are left out
        self.was_stopped = False  # a walk ended before it had seen all
        self._on_progress = on_progress
        self._is_stopped = is_stopped
        self._every_s = every_s
        self._reported_s = time.monotonic()

    def see(self, *, files: int = 0, folders: int = 0) -> bool:
        """Count what was seen; returns whether to go on."""
        self.files += files
        self.folders += folders
        now = time.monotonic()
        if now - self._reported_s >= self._every_s:
            self._reported_s = now
            self._on_progress(self.files, self.folders)
        self.was_stopped = self.was_stopped or self._is_stopped()
        return not self.was_stopped


def walk(
    root: bytes,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    progress: WalkProgress | None = None,
    guard: Guard = lambda work, _: work(),
) -> Iterator[FoundFile | Unindexed]:
    """What stands below a folder, in the order of path bytes: each file, or why it is left out; an
    ignored folder is one entry.

    A root is what the user names, so it is taken whatever its name or the rules say: a single file,
    hidden or not, is found alone. Only a corpus is never walked. `include` and `exclude` are
    patterns as in .gitignore, relative to the root; with `include` only files that match one are
    found. What vanishes during the walk is left out silently. A walk that `progress` stops ends
    early, and `progress.was_stopped` says so. `guard` makes each look at a folder; it may give up
    one that hangs, as on a disk that does not answer: the folder has failed then. Raises
    PathMissing for a root that does not exist and BadFilter for a pattern that means nothing, both
    at once.
    """
    path = os.path.abspath(root)  # noqa: PTH100
    included, excluded = user_patterns(include), user_patterns(exclude)
    try:
        status = os.stat(path)  # noqa: PTH116
    except FileNotFoundError as error:
        raise PathMissing(f"{os.fsdecode(path)} does not exist") from error
    except OSError as error:
        return iter([Unindexed(path, "failed", _plain(error))])
    if not stat.S_ISDIR(status.st_mode):
        reason = _special_kind(status.st_mode)
        return iter(
            [
                Unindexed(path, "skipped", reason)
                if reason
                else FoundFile(path, FileIdentity.of(status), WITH_SECRETS in exclude)
            ]
        )
    scope = WalkScope(
        root=path,
        real_root=os.path.realpath(path),
        include=included,
        exclude=IgnoreRules(folder_prefix(path), "--exclude", excluded) if excluded else None,
        with_secrets=WITH_SECRETS in exclude,
    )
    return _walk(scope, _Folder(path, rules_above(path)), progress or WalkProgress(), guard)


def unanswered(path: bytes) -> Unindexed:
    """What is said of a folder whose disk does not answer."""
    return Unindexed(path, "failed", "its disk does not answer", is_passing=True)


# ---- folders -------------------------------------------------------------------------------------


def _walk(
    scope: WalkScope, top: _Folder, progress: WalkProgress, guard: Guard
) -> Iterator[FoundFile | Unindexed]:
    pending: list[_Listed] = [top]
    while pending:
        item = pending.pop()
        if isinstance(item, _Folder):
            failed: list[_Listed] = [unanswered(item.path)]
            listed = guard(partial(_list, scope, item, progress), failed.copy)
            if progress.was_stopped:
                return
            pending.extend(reversed(listed))
        else:
            yield item


def _list(scope: WalkScope, folder: _Folder, progress: WalkProgress) -> list[_Listed]:
    """What stands in a folder itself, in order; the folder as one entry where it cannot or must not
    be walked. Not all of it where the walk is to stop.
    """
    progress.see(folders=1)
    try:
        with os.scandir(folder.path) as scan:
            entries = sorted((entry for entry in scan if progress.see()), key=_order)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        return [Unindexed(folder.path, "failed", _plain(error))]
    names = {entry.name for entry in entries}
    if reason := _reason_of_contents(scope, folder.path, names):
        return [_left_out(folder.path, reason, progress)]
    own, unreadable = rules_in(folder.path, names)
    rules = strongest_first((*own, *folder.rules))
    listed: list[_Listed] = []
    for entry in entries:
        item = unreadable.get(entry.path) or _classify(scope, rules, entry, progress)
        listed += [item] if item else []
        if not progress.see(files=not _is_folder(entry)):
            break
    return listed


def _order(entry: os.DirEntry[bytes]) -> bytes:
    """By this, names sort as the paths of all that is below them."""
    return entry.name + b"/" if _is_folder(entry) else entry.name


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False  # its stat fails again, and is reported then


def _classify(
    scope: WalkScope,
    rules: tuple[IgnoreRules, ...],
    entry: os.DirEntry[bytes],
    progress: WalkProgress,
) -> _Listed | None:
    """What an entry of a folder is to the walk; None where it has vanished."""
    is_folder = _is_folder(entry)
    reason = _reason_of_name(scope, entry, folder=is_folder) or reason_of_rules(
        scope, rules, entry.path, folder=is_folder
    )
    if is_folder:
        return _left_out(entry.path, reason, progress) if reason else _Folder(entry.path, rules)
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Unindexed(entry.path, "failed", _plain(error))
    reason = (
        reason
        or _reason_of_kind(scope, entry.path, status.st_mode)
        or reason_of_include(scope, entry.path)
    )
    return (
        Unindexed(entry.path, "skipped", reason)
        if reason
        else FoundFile(entry.path, FileIdentity.of(status), scope.with_secrets)
    )


def _left_out(path: bytes, reason: str, progress: WalkProgress) -> Unindexed:
    return Unindexed(path, "skipped", reason, files=_count_files(path, progress))


def _count_files(folder: bytes, progress: WalkProgress) -> int:
    """How many files stand below a folder, as far as it can be seen before the walk is to stop;
    links count and are not followed.
    """
    count = 0
    folders = [folder]
    while folders and progress.see(folders=1):
        try:
            with os.scandir(folders.pop()) as scan:
                for entry in scan:
                    is_folder = _is_folder(entry)
                    if is_folder:
                        folders.append(entry.path)
                    else:
                        count += 1
                    if not progress.see(files=not is_folder):
                        break
        except OSError:
            continue
    return count


# ---- reasons -------------------------------------------------------------------------------------


def _reason_of_name(scope: WalkScope, entry: os.DirEntry[bytes], *, folder: bool) -> str:
    """Why nothing of that name is read, "" where it may be: a presentation for Keynote has the
    ending of a key.
    """
    reason = reason_of_name(entry.name, folder=folder, with_secrets=scope.with_secrets)
    is_presentation = (
        reason == SECRET
        and entry.name.lower().endswith(b".key")
        and entry.is_file(follow_symlinks=False)
        and _is_zip(entry.path)
    )
    return "" if is_presentation else reason


def _is_zip(path: bytes) -> bool:
    try:
        with open_file(path, max_bytes=sys.maxsize) as file:
            return file.read(len(_ZIP)) == _ZIP
    except (FileError, OSError):
        return False


def _reason_of_contents(scope: WalkScope, path: bytes, names: set[bytes]) -> str:
    """Why a folder with such entries is left out, "" where it is not; of roots only a corpus is."""
    if os.path.basename(path) == b".searchapp" or {b"corpus.db", b"lock"} <= names:  # noqa: PTH119
        return "corpus"
    if path == scope.root:
        return ""
    if b"CACHEDIR.TAG" in names and is_cache_tag(os.path.join(path, b"CACHEDIR.TAG")):  # noqa: PTH118
        return "cache folder"
    reason = next((reason for mark, reason in FOLDER_MARKS.items() if mark in names), "")
    return "" if scope.with_secrets and reason == BROWSER_PROFILE else reason


def _reason_of_kind(scope: WalkScope, path: bytes, mode: int) -> str:
    """Why what is not a regular file is left out, "" for a regular file."""
    return _reason_of_link(scope, path) if stat.S_ISLNK(mode) else _special_kind(mode)


def _reason_of_link(scope: WalkScope, path: bytes) -> str:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError as error:
        return {errno.ENOENT: "link to nothing", errno.ELOOP: "link in a loop"}.get(
            error.errno or 0, f"link: {_plain(error)}"
        )
    if stat.S_ISREG(mode):
        is_inside = os.path.realpath(path).startswith(os.path.join(scope.real_root, b""))  # noqa: PTH118
        return (
            "link to a file inside the folder" if is_inside else "link to a file outside the folder"
        )
    return f"link to a {_special_kind(mode)}"
