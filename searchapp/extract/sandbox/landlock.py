"""Landlock: the kernel opens no file for this process but those below given folders, to be read.

Its calls have the same numbers on every processor. A kernel without it, or one that was built or
started without it, has version 0.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # how many each version knows, from bit 0 on
_BIND_AND_CONNECT_TCP = 0b11  # from version 4 on
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # from version 6 on
_QUIET = 1  # from version 7 on: what is refused fills no log of the system


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))  # it reads no padding


def version() -> int:
    """The version of Landlock that the running kernel offers, 0 where it offers none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _call(_CREATE_RULESET, None, 0, _ASK_VERSION))


def restrict_files(readable: Iterable[str]) -> bool:
    """Keep this process from every file but those at and below the paths, which it may read and
    list; returns whether the kernel does so. What is open already stays open.

    Newer kernels also keep it from TCP, and from signals and abstract sockets of other processes.
    """
    offered = version()
    if not offered:
        return False
    attributes = _RulesetAttributes(
        files=(1 << _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= offered)]) - 1,
        network=_BIND_AND_CONNECT_TCP if offered >= 4 else 0,
        scopes=_ABSTRACT_SOCKETS_AND_SIGNALS if offered >= 6 else 0,
    )
    size = 24 if offered >= 6 else 16 if offered >= 4 else 8
    ruleset = _call(_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    if ruleset < 0:
        return False
    for path in readable:
        _let_read(ruleset, path)
    no_new_privileges = ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    quiet = _QUIET if offered >= 7 else 0
    is_restricted = no_new_privileges == 0 and _call(_RESTRICT_SELF, ruleset, quiet) == 0
    os.close(ruleset)
    return is_restricted


def _let_read(ruleset: int, path: str) -> None:
    """Add what is at and below a path, where there is such a thing, to what may be read."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    is_folder = stat.S_ISDIR(os.fstat(place).st_mode)
    rule = _PathBeneath(_READ_FILE | (_READ_DIR if is_folder else 0), place)
    _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(place)


def _call(number: int, *arguments: object) -> int:
    """What a call of the system returns, -1 where it fails."""
    system_call = ctypes.CDLL(None).syscall
    system_call.restype = ctypes.c_long
    wide = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    return int(system_call(ctypes.c_long(number), *wide))
