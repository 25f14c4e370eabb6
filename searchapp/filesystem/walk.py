"""Which files: what a walk finds below a folder and what it leaves out, each with its reason, and
how one file is read safely.

Paths are bytes, as the system keeps them: a name may be invalid UTF-8 or hold a line break. Links
are never followed, except one that is named as the root; so a walk ends, and each file has one
name. Nothing here knows of formats, documents or a corpus beyond how to recognise its folder.
"""
# pathlib cannot hold a path that is bytes:

from __future__ import annotations

import errno
import fnmatch
import logging
import os
import re
import stat
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from searchapp.errors import BadFilter, FileError, PathMissing
from searchapp.filesystem.safe_open import _plain, _special_kind, read_file
from searchapp.types.documents import FileIdentity, Unindexed

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_log = logging.getLogger(__name__)

_RULE_FILES = (b".gitignore", b".searchappignore")  # weakest first
_RULE_FILE_BYTES = 2**20

_SECRET_FILES = (
    *(
        b".env",
        b".env.*",
        b"*.env",
        b".envrc",
        b".netrc",
        b"_netrc",
        b".pgpass",
        b".pypirc",
        b".npmrc",
        b".dockercfg",
    ),
    *(
        b".htpasswd",
        b".git-credentials",
        b".vault-token",
        b".*_history",
        b"*.pem",
        b"*.key",
        b"*.p12",
        b"*.pfx",
        b"*.ppk",
    ),
    *(
        b"*.jks",
        b"*.keystore",
        b"*.kdb",
        b"*.kdbx",
        b"*.keychain",
        b"*.keychain-db",
        b"*.keyring",
        b"*.ovpn",
        b"wallet.dat",
    ),
    *(
        b"id_rsa",
        b"id_dsa",
        b"id_ecdsa",
        b"id_ecdsa_sk",
        b"id_ed25519",
        b"id_ed25519_sk",
        b"credentials",
    ),
    *(
        b"credentials.json",
        b"client_secret*.json",
        b"service[-_]account*.json",
        b"secrets.json",
        b"secrets.toml",
    ),
    *(
        b"secrets.yaml",
        b"secrets.yml",
        b"key3.db",
        b"key4.db",
        b"logins.json",
        b"signons.sqlite",
        b"cookies.sqlite",
    ),
)
_SECRET_FOLDERS = (
    *(
        b".ssh",
        b".gnupg",
        b".gpg",
        b".aws",
        b".azure",
        b".gcloud",
        b".kube",
        b".docker",
        b".password-store",
        b".pki",
    ),
    *(b".mozilla", b".thunderbird", b"keyrings", b"*.agilekeychain", b"*.opvault"),
)
_CACHE_FOLDERS = (
    *(
        b"node_modules",
        b"bower_components",
        b"__pycache__",
        b"__pypackages__",
        b"site-packages",
        b"*.egg-info",
        b".cache",
    ),
    *(
        b".tox",
        b".nox",
        b".eggs",
        b".mypy_cache",
        b".pytest_cache",
        b".ruff_cache",
        b".hypothesis",
        b".ipynb_checkpoints",
    ),
    *(b".gradle", b".terraform", b".next", b".nuxt", b".parcel-cache", b"__macosx"),
)
_FILE_NAMES = {  # lower case, by reason
    "secret": _SECRET_FILES,
    "temporary file": (
        b"~$*",
        b"*~",
        b"#*#",
        b".#*",
        b"*.swp",
        b"*.crdownload",
        b"thumbs.db",
        b"desktop.ini",
        b".ds_store",
    ),
    "hidden": (b".*",),
}
_FOLDER_NAMES = {
    "corpus": (b".searchapp",),
    "secret": _SECRET_FOLDERS,
    "version control": (b".git", b".hg", b".svn", b".bzr", b".jj", b"_darcs"),
    "cache folder": _CACHE_FOLDERS,
    "trash": (b".trash", b".trash-*", b"$recycle.bin", b"lost+found"),
    "hidden": (b".*",),
}
_FOLDER_MARKS = {  # what only such a folder holds
    b"key4.db": "browser profile",
    b"Login Data": "browser profile",
    b"pyvenv.cfg": "virtual environment",
    b"conda-meta": "virtual environment",
}
_CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"  # https://bford.info/cachedir/


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file to ingest."""

    path: bytes  # absolute
    identity: FileIdentity


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one rule file, strongest first; they speak of what is below `folder`."""

    folder: str  # with a slash at the end
    name: str
    patterns: tuple[GitIgnoreSpecPattern, ...]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What holds in the whole of one walk."""

    root: bytes
    real_root: bytes
    include: GitIgnoreSpec | None
    exclude: _Rules | None


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be listed, and the rules from above it, strongest first."""

    path: bytes
    rules: tuple[_Rules, ...]


_Found: TypeAlias = FoundFile | Unindexed | _Folder


def walk(
    root: bytes, *, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[FoundFile | Unindexed]:
    """What stands below a folder, in the order of path bytes: each file, or why it is left out; an
    ignored folder is one entry.

    A root is what the user names, so it is taken whatever its name or the rules say: a single file,
    hidden or not, is found alone. Only a corpus is never walked. `include` and `exclude` are
    patterns as in .gitignore, relative to the root; with `include` only files that match one are
    found. What vanishes during the walk is left out silently. Raises PathMissing for a root that
    does not exist and BadFilter for a pattern that means nothing, both at once.
    """
    path = os.path.abspath(root)  # noqa: PTH100
    included, excluded = _user_patterns(include), _user_patterns(exclude)
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
                else FoundFile(path, FileIdentity.of(status))
            ]
        )
    scope = _Scope(
        root=path,
        real_root=os.path.realpath(path),
        include=included,
        exclude=_Rules(_prefix(path), "--exclude", tuple(reversed(excluded.patterns)))
        if excluded
        else None,
    )
    return _walk(scope, _Folder(path, _rules_above(path)))


# ---- folders -------------------------------------------------------------------------------------


def _walk(scope: _Scope, top: _Folder) -> Iterator[FoundFile | Unindexed]:
    pending: list[_Found] = [top]
    while pending:
        item = pending.pop()
        if isinstance(item, _Folder):
            pending.extend(reversed(_list(scope, item)))
        else:
            yield item


def _list(scope: _Scope, folder: _Folder) -> list[_Found]:
    """What stands in a folder itself, in order; the folder as one entry where it cannot or must not
    be walked.
    """
    try:
        with os.scandir(folder.path) as scan:
            entries = sorted(scan, key=_order)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        return [Unindexed(folder.path, "failed", _plain(error))]
    names = {entry.name for entry in entries}
    if reason := _reason_of_contents(folder.path, names, is_root=folder.path == scope.root):
        return [_left_out(folder.path, reason)]
    own, unreadable = _rules_in(folder.path, names)
    rules = _strongest_first((*own, *folder.rules))
    found = (unreadable.get(entry.path) or _classify(scope, rules, entry) for entry in entries)
    return [item for item in found if item is not None]


def _order(entry: os.DirEntry[bytes]) -> bytes:
    """By this, names sort as the paths of all that is below them."""
    return entry.name + b"/" if _is_folder(entry) else entry.name


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False  # its stat fails again, and is reported then


def _classify(scope: _Scope, rules: tuple[_Rules, ...], entry: os.DirEntry[bytes]) -> _Found | None:
    """What an entry of a folder is to the walk; None where it has vanished."""
    is_folder = _is_folder(entry)
    reason = reason_of_name(entry.name, is_folder=is_folder) or _reason_of_rules(
        scope, rules, entry.path, is_folder=is_folder
    )
    if is_folder:
        return _left_out(entry.path, reason) if reason else _Folder(entry.path, rules)
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Unindexed(entry.path, "failed", _plain(error))
    reason = (
        reason
        or _reason_of_kind(scope, entry.path, status.st_mode)
        or _reason_of_include(scope, entry.path)
    )
    return (
        Unindexed(entry.path, "skipped", reason)
        if reason
        else FoundFile(entry.path, FileIdentity.of(status))
    )


def _left_out(path: bytes, reason: str) -> Unindexed:
    return Unindexed(path, "skipped", reason, files=_count_files(path))


def _count_files(folder: bytes) -> int:
    """How many files stand below a folder, as far as it can be seen; links count and are not
    followed.
    """
    count = 0
    folders = [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as scan:
                for entry in scan:
                    if _is_folder(entry):
                        folders.append(entry.path)
                    else:
                        count += 1
        except OSError:
            continue
    return count


# ---- reasons -------------------------------------------------------------------------------------


def _reason_of_contents(path: bytes, names: set[bytes], *, is_root: bool) -> str:
    """Why a folder with such entries is left out, "" where it is not; of roots only a corpus is."""
    if os.path.basename(path) == b".searchapp" or {b"corpus.db", b"lock"} <= names:  # noqa: PTH119
        return "corpus"
    if is_root:
        return ""
    if b"CACHEDIR.TAG" in names and _is_cache_tag(os.path.join(path, b"CACHEDIR.TAG")):  # noqa: PTH118
        return "cache folder"
    return next((reason for mark, reason in _FOLDER_MARKS.items() if mark in names), "")


def _is_cache_tag(path: bytes) -> bool:
    try:
        return read_file(path, max_bytes=_RULE_FILE_BYTES).data.startswith(_CACHE_TAG)
    except FileError:
        return False


def reason_of_name(name: bytes, *, is_folder: bool) -> str:
    """Why nothing of that name is ingested, "" where it may be."""
    known = _names(is_folder=is_folder).fullmatch(name.lower())
    return (known.lastgroup or "").replace("_", " ") if known else ""


@cache
def _names(*, is_folder: bool) -> re.Pattern[bytes]:
    """One pattern of all names that are left out; the group that matches is the reason, with
    underscores.
    """
    groups = (
        b"(?P<"
        + reason.replace(" ", "_").encode()
        + b">"
        + b"|".join(_as_regex(glob) for glob in globs)
        + b")"
        for reason, globs in (_FOLDER_NAMES if is_folder else _FILE_NAMES).items()
    )
    return re.compile(b"|".join(groups))


def _as_regex(glob: bytes) -> bytes:
    return fnmatch.translate(glob.decode()).encode()


def _reason_of_rules(
    scope: _Scope, rules: tuple[_Rules, ...], path: bytes, *, is_folder: bool
) -> str:
    """Which rule leaves a path out, "" where none does. The last pattern that matches in the
    strongest file decides.
    """
    if not rules and scope.exclude is None:
        return ""
    text = _text(path)
    for rule in rules:
        verdict = _verdict(rule, text, is_folder=is_folder)
        if verdict:
            return f"ignored by {rule.name}"
        if verdict is False:
            break
    return (
        "excluded" if scope.exclude and _verdict(scope.exclude, text, is_folder=is_folder) else ""
    )


def _reason_of_kind(scope: _Scope, path: bytes, mode: int) -> str:
    """Why what is not a regular file is left out, "" for a regular file."""
    return _reason_of_link(scope, path) if stat.S_ISLNK(mode) else _special_kind(mode)


def _reason_of_link(scope: _Scope, path: bytes) -> str:
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


def _reason_of_include(scope: _Scope, path: bytes) -> str:
    if scope.include is None or scope.include.match_file(_text(path)[len(_prefix(scope.root)) :]):
        return ""
    return "not included"


# ---- rule files ----------------------------------------------------------------------------------


def _rules_above(root: bytes) -> tuple[_Rules, ...]:
    """The rules that git would bring from above a folder: those from the top of the repository that
    holds it, if one does.
    """
    above: list[bytes] = []
    folder = root
    while not os.path.lexists(os.path.join(folder, b".git")):  # noqa: PTH118
        parent = os.path.dirname(folder)  # noqa: PTH120
        if parent == folder:
            return ()
        folder = parent
        above.append(folder)
    rules: list[_Rules] = []
    for folder in above:
        own, unreadable = _rules_in(
            folder,
            {name for name in _RULE_FILES if os.path.lexists(os.path.join(folder, name))},  # noqa: PTH118
        )
        rules += own
        for problem in unreadable.values():
            _log.warning("%s: %s", os.fsdecode(problem.path), problem.reason)
    return _strongest_first(rules)


def _rules_in(folder: bytes, names: set[bytes]) -> tuple[list[_Rules], dict[bytes, Unindexed]]:
    """A folder's own rules, and those of its rule files that cannot be read, by path."""
    rules: list[_Rules] = []
    unreadable: dict[bytes, Unindexed] = {}
    for name in _RULE_FILES:
        path = os.path.join(folder, name)  # noqa: PTH118
        if name not in names or os.path.isdir(path):  # noqa: PTH112
            continue
        try:
            content = read_file(path, max_bytes=_RULE_FILE_BYTES)
        except FileError as error:
            unreadable[path] = Unindexed(path, "failed", f"its rules do not apply: {error}")
        else:
            rules.append(_Rules(_prefix(folder), _text(name), _patterns(content.data)))
    return rules, unreadable


def _strongest_first(rules: Iterable[_Rules]) -> tuple[_Rules, ...]:
    """.searchappignore before .gitignore, then the deeper before the higher."""
    return tuple(sorted(rules, key=lambda rule: (rule.name, len(rule.folder)), reverse=True))


def _patterns(data: bytes) -> tuple[GitIgnoreSpecPattern, ...]:
    """The patterns of a rule file, last first; lines that mean nothing count for nothing, as with
    git.
    """
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    patterns: list[GitIgnoreSpecPattern] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of re, for "[[" in a line
        for line in _text(data.removeprefix(b"\xef\xbb\xbf")).split("\n"):
            with suppress(ValueError, re.error):
                patterns.append(GitIgnoreSpecPattern(line))
    return tuple(pattern for pattern in reversed(patterns) if pattern.include is not None)


def _user_patterns(lines: Sequence[str]) -> GitIgnoreSpec | None:
    """Patterns from the command line, None for none."""
    if not lines:
        return None
    from pathspec import GitIgnoreSpec

    for line in lines:
        if not _patterns(os.fsencode(line)):
            raise BadFilter(
                f"{line!r} matches nothing",
                hint="Write patterns as in .gitignore: '*.md', 'drafts/', 'notes/**/*.txt'.",
            )
    return GitIgnoreSpec.from_lines(lines, backend="simple")


def _verdict(rules: _Rules, path: str, *, is_folder: bool) -> bool | None:
    """Whether a rule file leaves a path out, None where it says nothing about it."""
    relative = path[len(rules.folder) :]
    return next(
        (
            pattern.include
            for pattern in rules.patterns
            if _matches(pattern, relative, is_folder=is_folder)
        ),
        None,
    )


def _matches(pattern: GitIgnoreSpecPattern, path: str, *, is_folder: bool) -> bool:
    """Whether a pattern speaks of exactly this path.

    pathspec's own patterns match whatever is below a matching folder too, marked by the group
    `ps_d`, which lets a folder's rule win over a file's; this walk goes from the top down as git
    does, so that only the path itself is in question.
    """
    regex = pattern.regex
    if regex is None:
        return False
    found = regex.search(path)
    if found is not None and not found.groupdict().get("ps_d"):
        return True
    return is_folder and any(
        found.groupdict().get("ps_d") and found.end("ps_d") > len(path)
        for found in regex.finditer(path + "/")
    )


def _prefix(folder: bytes) -> str:
    return _text(os.path.join(folder, b""))  # noqa: PTH118


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


# ---- reading -------------------------------------------------------------------------------------
