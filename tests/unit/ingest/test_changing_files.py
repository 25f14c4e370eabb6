"""Files that change between the look at the disk and the reading, or while they are read: nothing
of it fails an ingest, and once they stay as they are, the next one gives what a fresh one would.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import pytest

from searchapp.errors import FileFailed
from searchapp.filesystem.safe_open import read_open_file
from tests.builders.house import HereExtractor, House


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside.md").write_text("a text inside")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def link_to_another(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("a.md"))


CHANGES: dict[str, Callable[[Path], object]] = {
    "another text": lambda path: path.write_text("another text, longer than before"),
    "nothing": lambda path: path.write_text(""),
    "a folder": folder,
    "a pipe": pipe,
    "a link to itself": link_to_itself,
    "a link to another": link_to_another,
    "another file": lambda path: path.with_name("a.md").replace(path),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
def test_what_a_file_becomes_before_it_is_read_is_in_the_next_ingest(
    tmp_path: Path, change: Callable[[Path], object], is_known: bool
) -> None:
    house = House(tmp_path)
    house.write(a_md="one", c_md="three")
    if is_known:
        house.write(b_md="two")
        house.ingest()
    house.write(b_md="two words")

    def on_read(path: Path) -> None:
        if path.name == "b.md":
            change(path)

    house.extractor = HereExtractor(on_read=on_read)
    report = house.ingest()
    assert not report.was_interrupted
    house.extractor = HereExtractor()
    house.ingest(prune=True)
    fresh = House(tmp_path)
    fresh.corpus = tmp_path / "fresh"
    fresh.ingest()
    assert house.content() == fresh.content()


class Changing(FileIO):
    """A file that others write over each time that some of it was read: `times` in all."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__(path)
        self.path, self.times = path, times

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self.times:
            self.times -= 1
            status = self.path.stat()
            self.path.write_bytes(data.swapcase())  # as many bytes, at the same time as before
            os.utime(self.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return data


def test_a_file_that_is_written_over_while_it_is_read_is_read_again_or_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.md"
    path.write_text("one")
    os.utime(path, (1, 1))
    with Changing(path, 1) as file:
        assert read_open_file(file, max_bytes=10).data == b"ONE"
    with Changing(path, 9) as file, pytest.raises(FileFailed, match="changes while it is being"):
        read_open_file(file, max_bytes=10)
