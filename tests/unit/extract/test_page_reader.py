"""Pages are drawn by processes that a hostile file cannot break out of, of the files that were read
and of no others.
"""

from __future__ import annotations

import hashlib
import os
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from searchapp.errors import FileChanged, FileFailed, PageMissing
from searchapp.extract.pdf.page_picture import page_png
from searchapp.extract.sandbox.page_reader import PageReader, ReadFile
from tests.builders.pdfs import pages_pdf

pytestmark = pytest.mark.slow  # a worker is a process

PDF = pages_pdf(("The heron stands by the low weir.",), ("Another page.",))


def as_read(path: Path, data: bytes = PDF, *, member: str = "") -> ReadFile:
    inner = f"!/{member}" if member else ""
    return ReadFile(os.fsencode(f"{path}{inner}"), hashlib.blake2b(data, digest_size=32).digest())


@pytest.fixture
def file(tmp_path: Path) -> ReadFile:
    (tmp_path / "a.pdf").write_bytes(PDF)
    return as_read(tmp_path / "a.pdf")


@pytest.fixture(scope="module")
def reader() -> Iterator[PageReader]:
    with closing(PageReader()) as made:
        yield made


def test_a_page_is_measured_and_drawn(reader: PageReader, file: ReadFile) -> None:
    found = reader.boxes(file, 1, "The heron stands by the low weir.", span=(4, 9))
    assert (found.width, found.height, len(found.boxes), found.pages) == (612, 792, 1, 2)
    assert reader.boxes(file, 2).boxes == ()
    assert reader.picture(file, 2, 1.0) == page_png(PDF, 2, 1.0)
    with ThreadPoolExecutor(6) as threads:
        pictures = list(threads.map(lambda _: reader.picture(file, 1, 0.5), range(12)))
    assert pictures == [page_png(PDF, 1, 0.5)] * 12
    for number in (0, 3):
        with pytest.raises(PageMissing, match=f"no page {number}"):
            reader.boxes(file, number)
        with pytest.raises(PageMissing, match=f"no page {number}"):
            reader.picture(file, number, 1.0)


def test_a_member_is_drawn_as_a_file_is(reader: PageReader, tmp_path: Path) -> None:
    folder = tmp_path / "x.zip!"  # a folder may have such a name
    folder.mkdir()
    (folder / "a.pdf").write_bytes(PDF)
    assert reader.boxes(as_read(folder / "a.pdf"), 1).pages == 2
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as outer:
        outer.writestr("deep/größe.pdf", PDF)
        outer.writestr("b.pdf", pages_pdf(("One page.",)))
    member = as_read(tmp_path / "y.zip", member="deep/größe.pdf")
    assert reader.boxes(member, 1, "The heron").boxes != ()
    assert reader.boxes(as_read(tmp_path / "y.zip", pages_pdf(("One page.",)), member="b.pdf"), 1)
    with pytest.raises(FileChanged):
        reader.boxes(as_read(tmp_path / "y.zip", member="none.pdf"), 1)


def test_only_the_file_that_was_read_is_drawn(reader: PageReader, file: ReadFile) -> None:
    path = Path(os.fsdecode(file.path))
    path.touch()  # another time, the same bytes
    assert reader.picture(file, 1, 0.1)
    path.write_bytes(pages_pdf(("Something else.",)))
    for ask in (lambda: reader.boxes(file, 1), lambda: reader.picture(file, 1, 0.1)):
        with pytest.raises(FileChanged, match=r"a\.pdf is not the file any more") as refusal:
            ask()
        assert (refusal.value.code, refusal.value.hint) == ("file_changed", "run: searchapp ingest")
    path.unlink()
    with pytest.raises(FileFailed, match=r"a\.pdf: no such file"):
        reader.boxes(file, 1)
    path.symlink_to("/etc/passwd")
    with pytest.raises(FileChanged):
        reader.boxes(file, 1)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileFailed, match="named pipe"):
        reader.boxes(file, 1)


def test_a_broken_file_fails_and_the_next_one_is_read(reader: PageReader, tmp_path: Path) -> None:
    for data in (b"%PDF-1.7 and nothing", b"no PDF"):
        (tmp_path / "b.pdf").write_bytes(data)
        with pytest.raises(FileFailed, match="cannot be drawn"):
            reader.picture(as_read(tmp_path / "b.pdf", data), 1, 1.0)
    (tmp_path / "a.pdf").write_bytes(PDF)
    assert reader.boxes(as_read(tmp_path / "a.pdf"), 1).pages == 2


def test_a_page_that_needs_too_much_memory_fails(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    with closing(PageReader(memory_bytes=2**25)) as reader, pytest.raises(FileFailed):
        reader.picture(as_read(tmp_path / "a.pdf"), 1, 1.0)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("os.kill(os.getpid(), 11)", r"crashed \(signal 11\)"),
        ("time.sleep(60)", "took longer than 1 s"),
        ("say({'boxes': [], 'width': 1, 'height': 1})", "nonsense answer"),
        ("say({'boxes': [[1, 2, 3]], 'width': 1, 'height': 1, 'pages': 1})", "nonsense answer"),
        ("say({'boxes': [], 'width': float('nan'), 'height': 1, 'pages': 1})", "nonsense answer"),
        ("say({'boxes': [[0] * 4] * 2000, 'width': 1, 'height': 1, 'pages': 1})", "nonsense"),
        ("say({'source': 1}); say([])", "nonsense answer"),
        ("say({'picture': 'PHNjcmlwdD4='})", "nonsense answer"),
    ],
)
def test_a_worker_that_answers_nonsense_is_not_believed(
    file: ReadFile, code: str, reason: str
) -> None:
    program = (
        "import json, os, sys, time; os.read(0, 65536)\n"
        "def say(value):\n"
        "    body = json.dumps(value).encode()\n"
        "    os.write(1, len(body).to_bytes(4, 'big') + body)\n"
        f"{code}; time.sleep(60)"
    )
    command = (sys.executable, "-c", program)
    with (
        closing(PageReader(timeout_s=1.0, command=command)) as reader,
        pytest.raises(FileFailed, match=reason),
    ):
        _ = reader.picture(file, 1, 1.0) if "picture" in code else reader.boxes(file, 1, "The")
