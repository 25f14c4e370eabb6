"""What native code inside a reader could try, each by the C library and told as its error number.

    python -m tests.builders.attacks LAYER FOLDER PARENT

confines itself by a layer (`confine` for all of them), tries everything below the folder and
against the parent, and prints one JSON object: the number of `errno` by attack, 0 for success.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import platform
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from searchapp.extract.sandbox import confinement, landlock, system_calls

C = ctypes.CDLL(None, use_errno=True)
C.syscall.restype = ctypes.c_long
C.open.restype = ctypes.c_int
READ, WRITE, CREATE = os.O_RDONLY, os.O_WRONLY, os.O_CREAT
MODE = ctypes.c_int(0o600)
MACHINE = platform.machine()
# of x86_64, and of aarch64 where it has other numbers
NUMBERS = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "execve": (59, 221),
    "execveat": (322, 281),
    "tkill": (200, 130),
    "pidfd_open": (434, 434),
    "openat2": (437, 437),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "fchmodat2": (452, 452),
    "process_vm_readv": (310, 270),
}


def call(name: str, *arguments: object) -> int:
    number = NUMBERS[name][MACHINE != "x86_64"]
    wide = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    return int(C.syscall(ctypes.c_long(number), *wide))


def old_32_bit_call() -> int:
    """getpid by the gate of 32-bit programs, where the same call has another number."""
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\x53\xb8\x14\x00\x00\x00\xcd\x80\x5b\xc3")  # push rbx; eax = 20; int 0x80; ...
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    result = function()
    if result < 0:
        ctypes.set_errno(-result)
        return -1
    return int(result)


def forked(start: Callable[[], int]) -> int:
    """Start a process, which ends at once."""
    process = start()
    if process == 0:
        os._exit(0)
    if process > 0:
        os.waitpid(process, 0)
    return process


def attacks(folder: Path, parent: int) -> dict[str, Callable[[], int]]:
    """Each attack on files of its own below the folder, by name; -1 with errno where it fails."""

    def file(name: str) -> bytes:
        return bytes(folder / name)

    opened = os.open(folder / "fchmod", READ)
    empty = (ctypes.c_uint64 * 32)()
    limits = (ctypes.c_uint64 * 2)(2**64 - 1, 2**64 - 1)
    no_core = (ctypes.c_uint64 * 2)()  # where it succeeds, the parent must not leave its memory
    times = (ctypes.c_long * 4)()
    mapped = int(Path(f"/proc/{parent}/maps").read_text().partition("-")[0], 16)
    here = (ctypes.c_uint64 * 2)(ctypes.addressof(empty), 8)
    there = (ctypes.c_uint64 * 2)(mapped, 8)
    how = (ctypes.c_uint64 * 3)(WRITE, 0, 0)
    tried = {
        "write": lambda: C.open(file("write"), WRITE),
        "append": lambda: C.open(file("append"), os.O_RDWR | os.O_APPEND),
        "create": lambda: C.open(file("created"), WRITE | CREATE, MODE),
        "openat2": lambda: call("openat2", -100, file("openat2"), how, 24),
        "truncate": lambda: C.truncate(file("truncate"), ctypes.c_long(0)),
        "rename": lambda: C.rename(file("rename"), file("renamed")),
        "unlink": lambda: C.unlink(file("unlink")),
        "link": lambda: C.link(file("link"), file("linked")),
        "symlink": lambda: C.symlink(file("link"), file("symlinked")),
        "mkdir": lambda: C.mkdir(file("made"), MODE),
        "rmdir": lambda: C.rmdir(file("rmdir")),
        "chmod": lambda: C.chmod(file("chmod"), 0o777),
        "fchmod": lambda: C.fchmod(opened, 0o777),
        "chown": lambda: C.chown(file("chown"), os.getuid(), os.getgid()),
        "utime": lambda: C.utimensat(-100, file("utime"), times, 0),
        "lock": lambda: C.flock(opened, 2),
        "read": lambda: C.open(file("read"), READ),
        "list": lambda: C.open(bytes(folder), READ | os.O_DIRECTORY),
        "memory of the parent": lambda: C.open(f"/proc/{parent}/mem".encode(), READ),
        "environment of the parent": lambda: C.open(f"/proc/{parent}/environ".encode(), READ),
        "process_vm_readv": lambda: call("process_vm_readv", parent, here, 1, there, 1, 0),
        "kill": lambda: C.kill(parent, signal.SIGCONT),
        "tkill": lambda: call("tkill", parent, signal.SIGCONT),
        "pidfd_open": lambda: call("pidfd_open", parent, 0),
        "F_SETOWN": lambda: C.fcntl(opened, 8, parent),
        "prlimit": lambda: C.prlimit(parent, 4, no_core, None),  # RLIMIT_CORE
        "setrlimit": lambda: C.prlimit(0, 1, limits, None),  # RLIMIT_FSIZE, which is 0
        "setpriority": lambda: C.setpriority(0, parent, os.getpriority(os.PRIO_PROCESS, parent)),
        "outlive": lambda: C.prctl(1, 0, 0, 0, 0),  # PR_SET_PDEATHSIG
        "fork": lambda: forked(C.fork),
        "clone": lambda: forked(lambda: call("clone", signal.SIGCHLD, 0, 0, 0, 0)),
        "clone3": lambda: forked(lambda: call("clone3", _clone_arguments(), 88)),
        "unix socket": lambda: C.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0),
        "internet socket": lambda: C.socket(socket.AF_INET, socket.SOCK_STREAM, 0),
        "socketpair": lambda: C.socketpair(socket.AF_UNIX, socket.SOCK_STREAM, 0, empty),
        "io_uring_setup": lambda: call("io_uring_setup", 1, empty),
        "memfd_create": lambda: call("memfd_create", b"x", 0),
        "userfaultfd": lambda: call("userfaultfd", 1),
        "add_key": lambda: call("add_key", b"user", b"x", b"x", 1, -5),
        "unshare": lambda: C.unshare(0x20000),
        "chroot": lambda: C.chroot(b"/"),
        "setsid": lambda: C.setpgid(0, 0),
        "shared memory": lambda: C.shmget(0, 4096, 0o1600),
    }
    if MACHINE == "x86_64":
        tried["x32"] = lambda: int(C.syscall(ctypes.c_long(0x40000000 + 39)))
        tried["32-bit"] = old_32_bit_call
    tried["ptrace"] = lambda: int(C.ptrace(0x4206, parent, None, None))  # PTRACE_SEIZE
    # last, as it would end this program
    tried["execve"] = lambda: call(
        "execve", b"/bin/true", (ctypes.c_char_p * 2)(b"true", None), None
    )
    return tried


def _clone_arguments() -> ctypes.Array[ctypes.c_uint64]:
    return (ctypes.c_uint64 * 11)(0, 0, 0, 0, signal.SIGCHLD)


def work(given: int) -> None:
    """What readers do all day; raises where they cannot any more."""
    assert os.read(given, 10) == b"given"
    assert Path(json.__file__).read_bytes()
    threads = [threading.Thread(target=len, args=("",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert C.kill(os.getpid(), 0) == 0  # as aborting does
    from xml.etree import ElementTree

    import numpy as np

    assert np.ones((300, 300), np.float32).dot(np.ones((300, 300), np.float32))[0, 0] == 300
    assert ElementTree.fromstring("<a/>").tag == "a"


def main(layer: str, folder: Path, parent: int) -> None:
    """Confine this process and try everything; the results so far are printed before each."""
    given = os.open(folder / "given", READ)
    tried = attacks(folder, parent)
    if layer == "confine":
        confinement.confine(2**31, parent)
    elif layer == "landlock":
        assert landlock.restrict_files(confinement._readable())
    elif layer == "system calls":
        assert system_calls.restrict_calls()
    elif layer == "audit hook":
        sys.addaudithook(confinement._forbid)
    if layer != "none":
        work(given)
    failures: dict[str, int] = {}
    for name, attack in tried.items():
        failures[name] = 0  # told so where it ends this program
        if name == "execve":
            print(json.dumps(failures), flush=True)
        failures[name] = ctypes.get_errno() or errno.EIO if attack() == -1 else 0
    print(json.dumps(failures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
