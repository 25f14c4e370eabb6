"""Which names and paths are left out: secrets, caches and hidden files by name, others by rules.

Rule files are .gitignore and .searchappignore, with git's meaning; --include and --exclude are
patterns of the same form. Whether a folder's contents make it a cache or a profile is asked of
`walk`, which sees them.
"""

from __future__ import annotations

import fnmatch
import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from searchapp.errors import BadFilter, FileError
from searchapp.filesystem.ignore_pattern import (
    IgnorePattern,
    last_match,
    parse_pattern,
    parse_patterns,
)
from searchapp.filesystem.safe_open import read_file
from searchapp.filesystem.secret_names import is_secret_name
from searchapp.types.documents import Unindexed

_log = logging.getLogger(__name__)

_RULE_FILES = (b".gitignore", b".searchappignore")  # weakest first
_RULE_FILE_BYTES = 2**20
_CACHE_FOLDERS = tuple(
    (
        b"node_modules bower_components __pycache__ __pypackages__ site-packages *.egg-info .cache "
        b".tox .nox .eggs .mypy_cache .pytest_cache .ruff_cache .hypothesis .ipynb_checkpoints "
        b".gradle .terraform .next .nuxt .parcel-cache __macosx"
    ).split()
)
_FILE_NAMES = {  # lower case, by reason
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
    "version control": (b".git", b".hg", b".svn", b".bzr", b".jj", b"_darcs"),
    "cache folder": _CACHE_FOLDERS,
    "trash": (b".trash", b".trash-*", b"$recycle.bin", b"lost+found"),
    "hidden": (b".*",),
}
SECRET = "secret"  # how the reason begins where a file is left out for its secrets
BROWSER_PROFILE = "browser profile"
FOLDER_MARKS = {  # what only such a folder holds
    b"key4.db": BROWSER_PROFILE,
    b"Login Data": BROWSER_PROFILE,
    b"pyvenv.cfg": "virtual environment",
    b"conda-meta": "virtual environment",
}
_CACHE_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"  # https://bford.info/cachedir/


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The patterns of one rule file, in its order; they speak of what is below `folder`."""

    folder: str  # with a slash at the end
    name: str
    patterns: tuple[IgnorePattern, ...]


@dataclass(frozen=True, slots=True)
class WalkScope:
    """What holds in the whole of one walk."""

    root: bytes
    real_root: bytes
    include: tuple[IgnorePattern, ...]  # () for all
    exclude: IgnoreRules | None
    with_secrets: bool = False  # they are found, too


def is_cache_tag(path: bytes) -> bool:
    """Whether a CACHEDIR.TAG is a real one."""
    try:
        return read_file(path, max_bytes=_RULE_FILE_BYTES).data.startswith(_CACHE_TAG)
    except FileError:
        return False


def reason_of_name(name: bytes, *, folder: bool, with_secrets: bool = False) -> str:
    """Why nothing of that name is ingested, "" where it may be."""
    if is_secret_name(name, folder=folder):
        return "" if with_secrets else SECRET
    known = _names(folder=folder).fullmatch(name.lower())
    return (known.lastgroup or "").replace("_", " ") if known else ""


@cache
def _names(*, folder: bool) -> re.Pattern[bytes]:
    """One pattern of all names that are left out; the group that matches is the reason, with
    underscores.
    """
    groups = (
        b"(?P<"
        + reason.replace(" ", "_").encode()
        + b">"
        + b"|".join(_as_regex(glob) for glob in globs)
        + b")"
        for reason, globs in (_FOLDER_NAMES if folder else _FILE_NAMES).items()
    )
    return re.compile(b"|".join(groups))


def _as_regex(glob: bytes) -> bytes:
    return fnmatch.translate(glob.decode()).encode()


def reason_of_rules(
    scope: WalkScope, rules: tuple[IgnoreRules, ...], path: bytes, *, folder: bool
) -> str:
    """Which rule leaves a path out, "" where none does. The last pattern that matches in the
    strongest file decides.
    """
    if not rules and scope.exclude is None:
        return ""
    text = _text(path)
    for rule in rules:
        verdict = _verdict(rule, text, folder=folder)
        if verdict:
            return f"ignored by {rule.name}"
        if verdict is False:
            break
    return "excluded" if scope.exclude and _verdict(scope.exclude, text, folder=folder) else ""


def reason_of_include(scope: WalkScope, path: bytes) -> str:
    """Why a path is left out by --include, "" where it is not."""
    if not scope.include:
        return ""
    relative = _text(path)[len(folder_prefix(scope.root)) :]
    folders = [relative[:i] for i, character in enumerate(relative) if character == "/"]
    for pattern in reversed(scope.include):
        if pattern.matches(relative, folder=False) or any(
            pattern.matches(folder, folder=True) for folder in folders
        ):
            return "not included" if pattern.is_negative else ""
    return "not included"


def rules_above(root: bytes) -> tuple[IgnoreRules, ...]:
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
    rules: list[IgnoreRules] = []
    for folder in above:
        own, unreadable = rules_in(
            folder,
            {name for name in _RULE_FILES if os.path.lexists(os.path.join(folder, name))},  # noqa: PTH118
        )
        rules += own
        for problem in unreadable.values():
            _log.warning("%s: %s", os.fsdecode(problem.path), problem.reason)
    return strongest_first(rules)


def rules_in(folder: bytes, names: set[bytes]) -> tuple[list[IgnoreRules], dict[bytes, Unindexed]]:
    """A folder's own rules, and those of its rule files that cannot be read, by path."""
    rules: list[IgnoreRules] = []
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
            patterns = tuple(parse_patterns(_text(content.data)))
            rules.append(IgnoreRules(folder_prefix(folder), _text(name), patterns))
    return rules, unreadable


def strongest_first(rules: Iterable[IgnoreRules]) -> tuple[IgnoreRules, ...]:
    """.searchappignore before .gitignore, then the deeper before the higher."""
    return tuple(sorted(rules, key=lambda rule: (rule.name, len(rule.folder)), reverse=True))


def user_patterns(lines: Sequence[str]) -> tuple[IgnorePattern, ...]:
    """Patterns from the command line; raises BadFilter for one that could match nothing."""
    patterns = []
    for line in lines:
        pattern = parse_pattern(line)
        if pattern is None:
            raise BadFilter(
                f"{line!r} matches nothing",
                hint="Write patterns as in .gitignore: '*.md', 'drafts/', 'notes/**/*.txt'.",
            )
        patterns.append(pattern)
    return tuple(patterns)


def _verdict(rules: IgnoreRules, path: str, *, folder: bool) -> bool | None:
    """Whether a rule file leaves a path out, None where it says nothing about it."""
    return last_match(rules.patterns, path[len(rules.folder) :], folder=folder)


def folder_prefix(folder: bytes) -> str:
    """How the paths of all that is below a folder begin, as text."""
    return _text(os.path.join(folder, b""))  # noqa: PTH118


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
