"""What gives way to native code inside a reader: nothing that a layer of this machine holds.

Each layer is tried alone too, since machines lack one or another. Whether the kernel has it is
asked of the kernel here, not of the code that is tested.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from errno import EACCES, ENOSYS, EPERM
from functools import cache
from pathlib import Path

import pytest

from searchapp.extract.sandbox import confinement, landlock, system_calls
from tests.paths import ROOT

READS = {"read", "list", "memory of the parent", "environment of the parent"}
WRITES = {
    "write", "append", "create", "openat2", "truncate", "rename", "unlink", "link", "symlink",
    "mkdir", "rmdir",
}  # fmt: skip
FILES = (WRITES - {"create", "symlink", "mkdir", "rmdir"}) | {
    "fchmod",
    "chmod",
    "chown",
    "utime",
    "read",
}
LANDLOCK, FILTER = "Landlock", "seccomp"
HEADERS = Path("/usr/include/asm-generic/unistd.h")
HEADERS_X86 = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


@cache
def kernel_has(layer: str) -> bool:
    """Whether a process can take such a layer on, Landlock from the version on that knows how to
    hold truncation.
    """
    if not sys.platform.startswith("linux"):
        return False
    code = {
        LANDLOCK: "import ctypes; assert ctypes.CDLL(None).syscall(444, None, 0, 1) >= 3",
        FILTER: (
            "import ctypes, struct; library = ctypes.CDLL(None); "
            "program = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7FFF0000)); "
            "fprog = struct.pack('HxxxxxxQ', 1, ctypes.addressof(program)); "
            "assert library.prctl(38, 1, 0, 0, 0) == 0; "
            "assert library.prctl(22, 2, ctypes.create_string_buffer(fprog)) == 0"
        ),
    }[layer]
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def needs(*layers: str) -> None:
    for layer in layers:
        if not kernel_has(layer):
            pytest.skip(f"this kernel has no {layer}")


def tried(layer: str, folder: Path) -> dict[str, int]:
    """The number of `errno` of each attack from a process confined by a layer."""
    for name in FILES:
        (folder / name).write_text("untouched", encoding="utf-8")
    (folder / "rmdir").mkdir()
    (folder / "given").write_text("given", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.builders.attacks", layer, str(folder), str(os.getpid())],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def succeeding(failures: dict[str, int]) -> set[str]:
    assert set(failures.values()) <= {0, EACCES, EPERM, ENOSYS}
    return {name for name, number in failures.items() if number == 0}


def is_untouched(folder: Path) -> bool:
    return {path.name for path in folder.iterdir()} == FILES | {"rmdir", "given"} and all(
        (folder / name).read_text(encoding="utf-8") == "untouched" for name in FILES
    )


@pytest.mark.slow
def test_native_code_in_a_reader_reads_writes_starts_and_reaches_nothing(tmp_path: Path) -> None:
    needs(LANDLOCK, FILTER)
    assert succeeding(tried("confine", tmp_path)) == set()
    assert is_untouched(tmp_path)


@pytest.mark.slow
def test_where_only_calls_are_filtered_readers_can_still_read_but_do_nothing_else(
    tmp_path: Path,
) -> None:
    needs(FILTER)
    assert succeeding(tried("system calls", tmp_path)) == READS
    assert is_untouched(tmp_path)


@pytest.mark.slow
def test_where_only_files_are_held_readers_can_neither_read_nor_write_them(tmp_path: Path) -> None:
    needs(LANDLOCK)
    failures = tried("landlock", tmp_path)
    assert not succeeding(failures) & (READS | WRITES | {"ptrace"})
    assert failures["fork"] == failures["chmod"] == 0  # what Landlock leaves to the filter
    assert is_untouched(tmp_path)


@pytest.mark.slow
def test_a_reader_has_a_network_without_a_way_out_where_processes_may_have_one() -> None:
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*own, "true"], check=False).returncode:
        pytest.skip("this system lets no process have a network of its own")
    code = (
        "import os; from searchapp.extract.sandbox.confinement import confine; "
        "before = os.readlink('/proc/self/ns/net'); confine(2**31, os.getppid()); "
        "print(before != os.readlink('/proc/self/ns/net'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


@pytest.mark.slow
def test_python_code_in_a_reader_is_refused_by_name_without_any_help_of_the_kernel(
    tmp_path: Path,
) -> None:
    code = f"""
import os, signal, socket, subprocess
from pathlib import Path
from searchapp.extract.sandbox import confinement, landlock, system_calls
landlock.restrict_files = system_calls.restrict_calls = lambda *_: False
confinement.confine(2**31, os.getppid())
file = Path({str(tmp_path / "file")!r})
for attempt in (
    socket.socket, lambda: subprocess.Popen(["true"]), os.fork, lambda: os.system("true"),
    lambda: os.kill(os.getppid(), 0), lambda: file.write_text(""), file.unlink,
    lambda: file.rename("x"), lambda: file.chmod(0), lambda: os.truncate(file, 0),
    lambda: os.open(file, os.O_RDWR), lambda: os.utime(file), file.with_name("new").mkdir,
):
    try:
        attempt()
    except PermissionError as error:
        print(error)
"""
    (tmp_path / "file").write_text("untouched", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [line.rpartition(" ")[2] for line in done.stdout.splitlines()] == [
        "socket.__new__", "subprocess.Popen", "os.fork", "os.system", "os.kill", "open",
        "os.remove", "os.rename", "os.chmod", "os.truncate", "open", "os.utime", "os.mkdir",
    ]  # fmt: skip
    assert (tmp_path / "file").read_text() == "untouched"


@pytest.mark.parametrize(
    ("already", "is_refused", "limit"),
    [(resource.RLIM_INFINITY, False, 2000), (1000, False, 1000), (1000, True, 1000)],
    ids=["none", "lower", "that the system lets nobody set, as macOS"],
)
def test_a_limit_that_the_account_has_already_ends_no_reader(
    monkeypatch: pytest.MonkeyPatch, already: int, is_refused: bool, limit: int
) -> None:
    def change(_: int, limits: tuple[int, int]) -> None:
        assert already == resource.RLIM_INFINITY or limits[1] <= already
        if is_refused:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (already, already))
    monkeypatch.setattr(resource, "setrlimit", change)
    assert confinement._limit(resource.RLIMIT_AS, 2000) == limit


def test_readers_may_load_what_an_installer_has_put_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    assert {str(ROOT / "searchapp"), str(tmp_path)} <= set(confinement._readable())


@pytest.mark.skipif(not HEADERS.exists(), reason="the kernel's headers are not installed")
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_calls_have_the_numbers_of_the_kernels_headers(machine: str) -> None:
    headers = HEADERS_X86 if machine == "x86_64" else HEADERS
    if not headers.exists():
        pytest.skip("the kernel's headers are those of another processor")
    known = {
        name.removeprefix("3264_"): int(number)
        for name, number in re.findall(r"#define __NR_?(\w+) (\d+)", headers.read_text())
    }
    known |= {"newfstatat": known.get("fstatat", known.get("newfstatat", 0))}
    numbers = system_calls.numbers(machine)
    assert numbers == {name: known[name] for name in numbers}
    assert max(known[name] for name in ("io_pgetevents", "rseq")) < system_calls._FIRST_NEW


def test_newer_calls_do_not_exist_and_those_of_other_programs_are_refused() -> None:
    program = system_calls._filter("x86_64", 7)
    last = [(step.code, step.operand) for step in program[-3:]]
    assert last == [(0x35, 424), (6, 0x50000 | EPERM), (6, 0x50000 | ENOSYS)]
    assert [(step.code, step.operand) for step in program[1:3]] == [
        (0x15, 0xC000003E),
        (6, 0x50000 | EPERM),
    ]


def test_the_page_of_the_doctor_tells_which_layers_hold() -> None:
    layers = confinement.layers()
    assert list(layers) == ["files", "system calls"]
    if sys.platform.startswith("linux"):
        version = ctypes.CDLL(None).syscall(444, None, 0, 1)
        assert bool(layers["files"]) == (version > 0) == bool(landlock.version())
