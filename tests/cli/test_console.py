"""What the console writes: while signals come, and to terminals of any width and encoding."""

from __future__ import annotations

import io
import os
import pty
import signal
from collections.abc import Iterator
from typing import TextIO

import pytest

from searchapp.cli import console
from searchapp.output.terminal import PLAIN, PLAIN_QUOTES, QUOTES
from searchapp.types.results import Progress, Seen
from tests.builders.program import chunks


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


@pytest.mark.parametrize(
    ("passages", "took_s", "files_read", "said"),
    [
        (0, 0.0, 0, "text of 0/1,200 files"),
        (0, 3.0, 30, "text of 30/1,200 files, about 30 s left"),
        (40, 0.1, 30, "text of 30/1,200 files"),
        (1, 1.0, 30, "text of 30/1,200 files, 1 passage, 1/s"),
        (4000, 2.0, 1200, "30/1,200 files, 4,000 passages, 2,000/s, about 30 s left"),
    ],
)
def test_the_progress_has_no_rate_before_there_is_one(
    passages: int, took_s: float, files_read: int, said: str
) -> None:
    state = Progress(30, 1200, passages, took_s, 30.0, files_read=files_read)
    assert console._progress_text(state) == said


# ---- terminals -----------------------------------------------------------------------------------


class _Terminal:
    """A terminal, and what is written to it."""

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()

    def stream(self, encoding: str = "utf-8") -> TextIO:
        return open(self._theirs, "w", encoding=encoding, closefd=False)

    def shown(self) -> bytes:
        os.close(self._theirs)  # so that reading ends with what was written
        self._theirs = -1
        return b"".join(chunks(self._ours)).replace(b"\r\n", b"\n")

    def close(self) -> None:
        for descriptor in (self._ours, self._theirs):
            if descriptor >= 0:
                os.close(descriptor)


@pytest.fixture
def terminal() -> Iterator[_Terminal]:
    opened = _Terminal()
    yield opened
    opened.close()


@pytest.mark.parametrize(("columns", "width"), [(40, 40), (120, 120), (200, 120)])
def test_text_takes_at_most_120_columns_of_a_terminal(
    terminal: _Terminal, monkeypatch: pytest.MonkeyPatch, columns: int, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with terminal.stream() as stream:
        assert console.style(stream).width == width
    assert console.style(io.StringIO()) == PLAIN


@pytest.mark.parametrize(
    ("encoding", "quotes"), [("utf-8", QUOTES), ("latin-1", QUOTES), ("ascii", PLAIN_QUOTES)]
)
def test_a_sentence_is_quoted_by_what_the_encoding_of_the_terminal_has(
    terminal: _Terminal, encoding: str, quotes: tuple[str, str]
) -> None:
    with terminal.stream(encoding) as stream:
        assert console.style(stream).quotes == quotes


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("utf-8", "«Kä» …\n".encode()), ("latin-1", b"\xabK\xe4\xbb ?\n"), ("ascii", b"?K?? ?\n")],
)
def test_a_terminal_is_written_to_in_its_own_encoding(
    terminal: _Terminal, monkeypatch: pytest.MonkeyPatch, encoding: str, shown: bytes
) -> None:
    with terminal.stream(encoding) as stream:
        monkeypatch.setattr("sys.stdout", stream)
        console.write("«Kä» …\n")
    assert terminal.shown() == shown


def test_a_note_breaks_at_words_on_a_terminal_unless_it_must_stay_whole(
    terminal: _Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "2 documents out of date: `searchapp ingest` reads them again"
    console.note(long)
    assert capsys.readouterr().err == f"{long}\n"
    monkeypatch.setenv("COLUMNS", "30")
    with terminal.stream() as stream:
        monkeypatch.setattr("sys.stderr", stream)
        console.note(long)
        console.note(long, is_whole=True)
    assert terminal.shown().decode() == (
        f"2 documents out of date:\n`searchapp ingest` reads them\nagain\n{long}\n"
    )
