"""What the console writes while signals come."""

from __future__ import annotations

import io
import os
import signal
from typing import TYPE_CHECKING

from searchapp.cli import console
from searchapp.types.results import Progress, Seen

if TYPE_CHECKING:
    import pytest


class _Interrupted(io.RawIOBase):
    """A stream that is interrupted while it is first written."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.is_first = True

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor

    def write(self, data: object) -> int:
        if self.is_first:
            self.is_first = False
            signal.raise_signal(signal.SIGINT)
        assert isinstance(data, memoryview | bytes)
        return os.write(self.descriptor, data)


def test_ctrl_c_while_a_line_is_written_stops_the_work_and_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, writing = os.pipe()
    raw = io.BufferedWriter(_Interrupted(writing))
    monkeypatch.setattr("sys.stderr", io.TextIOWrapper(raw, line_buffering=True))
    with console.stop_signals() as is_stopped:
        console.note("half of a line")
        assert is_stopped()
    os.close(writing)
    with open(reading, encoding="ascii") as written:  # noqa: PTH123 - a descriptor
        assert sorted(written.read().splitlines()) == [
            "finishing the current commit; once more to stop at once",
            "half of a line",
        ]


def test_a_look_at_the_disk_is_told_as_what_it_has_met_so_far() -> None:
    seen = Progress(0, 0, 0, 0.0, float("inf"), seen=Seen(12_340, 1))
    assert console._progress_text(seen) == "looking: 12,340 files in 1 folder"


def test_the_progress_tells_of_which_files_the_text_is_there_then_which_are_done() -> None:
    reading = Progress(3, 40, 30, 10.0, 30.0, files_read=20)
    assert console._progress_text(reading) == (
        "text of 20/40 files, 30 passages, 3/s, about 30 s left"
    )
    embedding = Progress(30, 40, 300, 10.0, 30.0, files_read=40)
    assert console._progress_text(embedding) == ("30/40 files, 300 passages, 30/s, about 30 s left")
