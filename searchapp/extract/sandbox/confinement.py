"""What a process that reads files gives up before it sees the first one, and which of these layers
this machine has.

Each layer stands alone: the kernel's (`landlock`, `system_calls`, a network of its own) hold native
code too, the audit hook holds Python code wherever it runs.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp.extract.sandbox import landlock, system_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

_NICENESS = 5  # the encoder goes first
_FORBIDDEN = (
    "socket.",
    "subprocess.",
    "os.chmod",
    "os.chown",
    "os.exec",
    "os.fork",
    "os.kill",
    "os.link",
    "os.mkdir",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.setxattr",
    "os.removexattr",
    "os.symlink",
    "os.system",
    "os.truncate",
    "os.utime",
    "pty.spawn",
    "signal.pthread_kill",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
# programs and libraries, what they ask of the machine, and the fonts of pages that are drawn
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/dev/null",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/meminfo",
    "/proc/self",
    "/proc/stat",
    "/proc/sys/vm",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
)


def confine(memory_bytes: int, parent: int) -> int:
    """Limit this process for good to reading what is open already, Python and its libraries, and
    the system's; each layer that the kernel lacks is left out. Returns the bytes of memory that it
    may take, fewer than were given where the account has a limit of its own.
    """
    import resource

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(parent)
    _leave_network()
    os.nice(_NICENESS)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    memory_bytes = _limit(resource.RLIMIT_AS, memory_bytes)
    sys.dont_write_bytecode = True
    landlock.restrict_files(_readable())
    sys.addaudithook(_forbid)
    system_calls.restrict_calls()
    return memory_bytes


def layers() -> dict[str, str]:
    """What holds native code inside a reader here, by what it holds; "" where nothing does."""
    version = landlock.version()
    return {
        "files": f"Landlock {version}: reads no other file" if version else "",
        "system calls": "seccomp: writes nothing, starts nothing, reaches nothing"
        if system_calls.is_available()
        else "",
    }


def _readable() -> Iterator[str]:
    """The files and folders that the readers' own code is loaded from, or asks of the machine."""
    yield from _SYSTEM
    yield str(Path(__file__).parents[2])  # an import hook of an installer may find it elsewhere
    if sys.pycache_prefix:
        yield sys.pycache_prefix
    yield from {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}
    yield from filter(os.path.isabs, sys.path)
    yield from filter(os.path.isabs, os.environ.get("LD_LIBRARY_PATH", "").split(":"))


def _limit(what: int, most: int) -> int:
    """Lower a limit of this process for good, and return it; one that is lower already stays, and
    so does one that the system does not let it set, as macOS that of memory.
    """
    import resource

    already = resource.getrlimit(what)[1]
    if already != resource.RLIM_INFINITY:
        most = min(most, already)
    with suppress(OSError, ValueError):
        resource.setrlimit(what, (most, most))
    return most


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, where it can; elsewhere the closed
    pipe ends it.
    """
    import ctypes

    library = ctypes.CDLL(None)
    if hasattr(library, "prctl"):
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _leave_network() -> None:
    """Give this process a network without a way out, where the kernel lets it have one."""
    import ctypes

    library = ctypes.CDLL(None)
    if hasattr(library, "unshare") and library.unshare(_CLONE_NEWNET) != 0 and os.geteuid() != 0:
        library.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _forbid(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: no parser opens a socket, starts a program, changes a file or signals."""
    is_writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
    if is_writing or event.startswith(_FORBIDDEN):
        raise PermissionError(f"not allowed while reading a file: {event}")
