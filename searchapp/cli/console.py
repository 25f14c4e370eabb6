"""What people see: answers to stdout, notes and progress to stderr, signals that ask for an end."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from searchapp import config
from searchapp.errors import SearchappError
from searchapp.humanize import human_duration, pluralize
from searchapp.output import terminal

if TYPE_CHECKING:
    from types import FrameType
    from typing import TextIO

    from searchapp.output.terminal import TerminalStyle
    from searchapp.types.results import Progress

_PLAIN_PROGRESS_S = 5.0  # between progress lines where stderr is no terminal
# of the work, and of time: what is left is a guess before both have passed
_TELLING_SHARE, _TELLING_S = (0.02, 2.0)
_RATE_S = 0.5  # of work, before which its rate says nothing


class Exit(IntEnum):
    """What a command returns to the shell, beside the exit codes of errors."""

    DONE = 0
    NOTHING = 1
    USAGE = 2
    PARTLY = 3
    FAILED = 4
    DAMAGED = 5
    LOST = 6
    INTERRUPTED = 130


def show_log() -> None:
    """Let the library's own log reach stderr: the rare things that take time or went otherwise than
    expected.
    """
    log = logging.getLogger("searchapp")
    if not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)


def write(text: str) -> None:
    """Write an answer; names that are not valid UTF-8 come out as the bytes that they are. A
    terminal of another encoding gets a ? for what that cannot write.
    """
    sys.stdout.buffer.write(
        text.encode("utf-8", "surrogateescape")
        if _is_utf8(sys.stdout) or not sys.stdout.isatty()
        else text.encode(sys.stdout.encoding, "replace")
    )


def tell(text: str, beside: Path | None) -> None:
    """Write what is said of a file that was written: an answer, but a note where that file is
    standard output.
    """
    from searchapp.filesystem import atomic_write

    if beside is not None and atomic_write.is_standard_output(beside):
        note(text.rstrip("\n"), is_whole=True)
    else:
        write(text)


def write_page(path: Path, page: str, *, corpus: Path | None = None) -> int:
    """Write a page to a file, whole or not at all, for its owner alone; returns its size in bytes.
    `corpus` is the folder of the corpus that it is about. Raises SearchappError.
    """
    from searchapp.filesystem import atomic_write

    content = page.encode()
    with writing(path), atomic_write.replaced(path, notes=corpus) as file:
        file.write(content)
    return len(content)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say what keeps a file from being written: raises SearchappError for an OSError."""
    try:
        yield
    except OSError as error:
        hint = "name a file in a folder that exists, that you may write and that has room"
        raise SearchappError(
            f"cannot write {path}: {error.strerror or error}", hint=hint
        ) from error


def note(text: str, *, is_whole: bool = False) -> None:
    """Write a line to stderr, which breaks at words on a terminal unless it must stay whole."""
    if not is_whole:
        text = terminal.broken(text, style(sys.stderr).width)
    sys.stderr.write(f"{text}\n")


def note_stages(stages_s: Mapping[str, float], *, as_json: bool) -> None:
    """Tell where the time went, unless JSON tells it."""
    if stages_s and not as_json:
        from searchapp.output.reports import stages_text

        note(stages_text(stages_s, style(sys.stderr)).rstrip("\n"))


def since_start_s() -> float:
    """How long this process has been running, within a hundredth of a second; 0 where the system
    does not tell.
    """
    try:
        began_ticks = int(
            Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        )
        return max(
            0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - began_ticks / os.sysconf("SC_CLK_TCK")
        )
    except (OSError, ValueError, AttributeError, IndexError):
        return 0.0


def style(stream: TextIO) -> TerminalStyle:
    """What suits a stream: colour and links on a terminal, plain text elsewhere."""
    if not stream.isatty():
        return terminal.PLAIN
    return terminal.style_for(**config.terminal_facts(stream))


def _is_utf8(stream: TextIO) -> bool:
    return stream.encoding.lower().replace("-", "").replace("_", "") == "utf8"


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask the work to stop after its next commit; a second one ends
    it at once.
    """
    stop = threading.Event()

    def ask(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        _note_from_signal("finishing the current commit; once more to stop at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _note_from_signal(text: str) -> None:
    """Write a line to stderr past its buffer: a signal may come while that is being written."""
    with suppress(OSError, ValueError):
        os.write(sys.stderr.fileno(), f"{text}\n".encode())


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends the work as Ctrl-C does: what is temporary is cleared away."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress(stream: TextIO) -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; elsewhere a line now and then."""
    if stream.isatty():
        with _bar() as on_progress:
            yield on_progress
    else:
        yield _plain_progress(stream)


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich import progress as bars
    from rich.console import Console

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TextColumn("{task.fields[progress]}"),
    )
    with bars.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, progress="")

        def show(state: Progress) -> None:
            bar.update(
                task,
                description=_work(state),
                total=1.0 if state.share else None,
                completed=state.share,
                progress=_progress_text(state),
            )

        yield show


def _plain_progress(stream: TextIO) -> Callable[[Progress], None]:
    last = time.monotonic()

    def show(state: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _PLAIN_PROGRESS_S:
            return
        last = now
        stream.write(f"{_progress_text(state)}\n")
        stream.flush()

    return show


def _work(state: Progress) -> str:
    """What is being done, in a word."""
    if state.seen:
        return ""
    return "reading" if _is_reading(state) else "embedding"


def _is_reading(state: Progress) -> bool:
    return state.files_read is not None and state.files_read < state.files_total


def _progress_text(state: Progress) -> str:
    """How far the work is; at what rate, and how long the rest takes, once enough is done to
    tell.
    """
    if state.seen:
        files = pluralize(state.seen.files, "file")
        return f"looking: {files} in {pluralize(state.seen.folders, 'folder')}"
    parts = [
        f"text of {state.files_read:,}/{state.files_total:,} files"
        if _is_reading(state)
        else f"{state.files_done:,}/{state.files_total:,} files"
    ]
    if state.passages and state.took_s >= _RATE_S:
        rate = state.passages / state.took_s
        parts.append(f"{pluralize(state.passages, 'passage')}, {rate:,.0f}/s")
    if state.share >= _TELLING_SHARE and state.took_s >= _TELLING_S:
        parts.append(f"about {human_duration(state.left_s)} left")
    return ", ".join(parts)
