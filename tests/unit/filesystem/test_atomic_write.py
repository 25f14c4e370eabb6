"""What stands at a path decides how it is written: files are replaced whole, links followed, devices
and pipes never replaced.
"""

from __future__ import annotations

import gzip
import os
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from searchapp.filesystem import atomic_write

TEXT = b"the output"


def write(path: Path) -> None:
    with atomic_write.replaced(path) as file:
        file.write(TEXT)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[tuple[Path, list[bytes]]]:
    """A pipe with a name, and what comes out of it."""
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    thread = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    thread.start()
    yield pipe, heard
    if thread.is_alive():  # nobody wrote: let it end
        os.close(os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
    thread.join(10)


def test_a_file_is_replaced_whole_and_never_half(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_bytes(b"before")
    with pytest.raises(TypeError), atomic_write.replaced(file) as output:
        output.writelines([TEXT, None])  # type: ignore[list-item]
    assert file.read_bytes() == b"before"
    write(file)
    assert file.read_bytes() == TEXT
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names(tmp_path) == ["out"]


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/next")
    (tmp_path / "there/next").symlink_to("file")
    for _ in range(2):  # to nothing, then to a file
        write(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there/next").is_symlink()
        assert (tmp_path / "there/file").read_bytes() == TEXT


def test_links_that_lead_nowhere_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels"):
        write(tmp_path / "a")


def test_a_pipe_is_written_into_and_stays(reading: tuple[Path, list[bytes]]) -> None:
    pipe, heard = reading
    write(pipe)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    while not heard:
        pass
    assert heard == [TEXT]
    assert names(pipe.parent) == ["pipe"]


def test_a_terminal_is_written_into_and_stays() -> None:
    master, slave = os.openpty()
    try:
        path = Path(os.ttyname(slave))
        kind = path.stat().st_rdev
        write(path)
        assert os.read(master, 100) == TEXT
        assert path.stat().st_rdev == kind
    finally:
        os.close(master)
        os.close(slave)


def test_a_device_is_never_replaced(tmp_path: Path) -> None:
    null = tmp_path / "null"  # not the machine's
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        null.write_bytes(b"")
    except PermissionError:
        pytest.skip("devices take root here")
    (tmp_path / "link").symlink_to("null")
    for path in (null, tmp_path / "link"):
        write(path)
        assert stat.S_ISCHR(null.lstat().st_mode)
        assert null.stat().st_rdev == os.makedev(1, 3)


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "/proc/{pid}/fd/{}"])
def test_an_open_file_of_the_process_is_written_on(tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    with file.open("wb", buffering=0) as opened:
        opened.write(b"before, ")
        path = Path(name.format(opened.fileno(), pid=os.getpid()))
        (tmp_path / "link").symlink_to(path)
        inode = file.stat().st_ino
        write(path)
        opened.write(b", ")
        write(tmp_path / "link")
    assert file.read_bytes() == b"before, the output, the output"
    assert file.stat().st_ino == inode


def test_standard_output_is_a_name(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    for path in (Path("-"), Path("/dev/stdout"), tmp_path / "link"):
        assert atomic_write.is_standard_output(path)
        write(path)
    assert capfdbinary.readouterr().out == TEXT * 3
    assert not atomic_write.is_standard_output(tmp_path / "-")
    assert not atomic_write.is_standard_output(Path("/dev/stderr"))


def test_a_folder_and_a_socket_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mknod(tmp_path / "socket", 0o600 | stat.S_IFSOCK)
    for name in ("folder", "socket"):
        with pytest.raises(OSError, match="it is "), atomic_write.replaced(tmp_path / name):
            pytest.fail("the block was entered")
    assert names(tmp_path) == ["folder", "socket"]


def test_what_likes_to_seek_is_whole_in_a_pipe(reading: tuple[Path, list[bytes]]) -> None:
    """An archive writes its sizes behind what it packs where it cannot seek."""
    pipe, heard = reading
    with atomic_write.replaced(pipe) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("name", TEXT)
    while not heard:
        pass
    packed = pipe.with_name("packed")
    packed.write_bytes(heard[0])
    assert zipfile.ZipFile(packed).read("name") == TEXT


def test_what_likes_to_seek_is_whole_behind_what_was_written_before(tmp_path: Path) -> None:
    """A file that is opened to be added to takes no seeking, whatever it says."""
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, b"before")
    with (
        atomic_write.replaced(Path(f"/dev/fd/{descriptor}")) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.writestr("name", TEXT)
    os.close(descriptor)
    assert zipfile.ZipFile(tmp_path / "log").read("name") == TEXT


def test_gzip_goes_to_a_stream(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with atomic_write.replaced(Path("-")) as file, gzip.GzipFile("", "wb", 1, file) as packed:
        packed.write(TEXT)
    assert gzip.decompress(capfdbinary.readouterr().out) == TEXT
