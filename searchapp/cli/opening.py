"""The command that opens a match of the last answer at its place."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from searchapp import config
from searchapp.cli import console, last_answer, openers
from searchapp.cli.options import CorpusOption
from searchapp.errors import PathMissing, SearchappError
from searchapp.filesystem.sources import standing_source
from searchapp.humanize import one_line
from searchapp.output.answers import has_controls, quoted
from searchapp.output.terminal import display_path
from searchapp.types.filters import Filters

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAILING_S = 2.0  # within which a program that cannot open a file says so


def open_(
    number: Annotated[
        int, typer.Argument(metavar="[N]", min=1, help="The number before the match.")
    ] = 1,
    is_printed: Annotated[
        bool, typer.Option("--print", help="Print the command in place of running it.")
    ] = False,
    corpus: CorpusOption = None,
) -> int:
    """Open match N of the last answer at its place.

    A line of a text in the editor that $VISUAL or $EDITOR names, a page of a PDF in the desktop's
    viewer, anything else as the desktop opens it. What is in an archive is opened as the archive.
    """
    settings = config.load(corpus=corpus)
    path, line, page = last_answer.recall_place(number, settings.place, settings.cache)
    file = _standing(path)
    _note_changes(path, file, settings)
    if os.fsencode(path) != file:
        console.note(f"opens {display_path(file)}, which holds {display_path(os.fsencode(path))}")
        line = page = None
    command, is_editor = _command(os.fsdecode(file), line, page)
    if is_printed:
        console.write(" ".join(_shell_word(word) for word in command) + "\n")
    elif is_editor:
        _edit(command)
    else:
        _view(command)
    return console.Exit.DONE


# ---- the file ------------------------------------------------------------------------------------


def _standing(path: str) -> bytes:
    """The file that a document was read from. Raises PathMissing where it is gone."""
    file = standing_source(os.fsencode(path))
    if file is None:
        raise PathMissing(
            f"{display_path(os.fsencode(path))} is gone",
            hint="`searchapp ingest` takes it out of the corpus; then ask again",
        )
    return file


def _note_changes(path: str, file: bytes, settings: config.Settings) -> None:
    """Say so where the file is another than the one that the corpus holds; a corpus that cannot be
    read keeps nobody from opening a file.
    """
    from searchapp.corpus import Corpus

    try:
        rows = Corpus.open(settings).documents(Filters(within=(path,)))
    except SearchappError as error:
        console.note(f"whether the file has changed is not known: {one_line(str(error))}")
        return
    row = next((row for row in rows if row.path == os.fsencode(path)), None)
    if row is None:
        console.note("the document has left the corpus since")
    elif os.stat(file).st_mtime_ns != row.modified_ns:  # noqa: PTH116 - paths are bytes
        console.note(
            "the file has changed since it was read, and the match may stand elsewhere: "
            "`searchapp ingest` reads it again"
        )


# ---- the command ---------------------------------------------------------------------------------


def _command(file: str, line: int | None, page: int | None) -> tuple[list[str], bool]:
    """The words that open a file at its place, as near as that can be said, and whether they are an
    editor's. Raises SearchappError where nothing opens it.
    """
    editor, viewer = config.editor(), None
    if line is not None and editor:
        command, is_there = openers.editor_command(editor, file, line)
        _require_program(command[0], file)
        if not is_there:
            console.note(f"the match is at line {line}, which {command[0]} is not known to take")
        return command, True
    if line is not None:
        console.note(f"the match is at line {line}; set $VISUAL or $EDITOR to open it there")
    if page is not None:
        viewer = _default_viewer()
        if viewer is None:
            console.note(f"the match is on page {page}")
        else:
            return openers.viewer_command(viewer, file, page), False
    return [*_desktop_opener(file), file], False


def _require_program(name: str, file: str) -> None:
    if shutil.which(name) is None:
        raise SearchappError(
            f"there is no program {name} to open {file}",
            hint="set $VISUAL or $EDITOR to an editor that is installed",
        )


def _default_viewer() -> str | None:
    """The desktop's viewer of PDF, where it is installed and known to open a page."""
    if sys.platform == "win32":
        return "sumatrapdf" if shutil.which("sumatrapdf") else None
    if shutil.which("xdg-mime") is None:
        return None
    words = ["xdg-mime", "query", "default", "application/pdf"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    viewer = openers.viewer_named(done.stdout)
    return viewer if viewer and shutil.which(viewer) else None


def _desktop_opener(file: str) -> list[str]:
    """What opens a file as a double click does; nothing on Windows, where the system itself does.
    Raises SearchappError where there is no such program.
    """
    if sys.platform == "win32":
        return []
    name = "open" if sys.platform == "darwin" else "xdg-open"
    if shutil.which(name) is None:
        raise SearchappError(
            f"no program here opens {file}",
            hint=f"install {name}, or set $VISUAL or $EDITOR for text",
        )
    return [name]


# ---- running it, never through a shell -----------------------------------------------------------


def _edit(command: Sequence[str]) -> None:
    """Run an editor in this terminal until it ends; Ctrl-C is its own meanwhile."""
    try:
        with subprocess.Popen(command) as process:
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                code = process.wait()
            finally:
                signal.signal(signal.SIGINT, before)
    except OSError as error:
        raise _failed(command, error.strerror or str(error)) from error
    if code:
        raise _failed(command, f"exit code {code}")


def _view(command: Sequence[str]) -> None:
    """Start a program of the desktop and leave it running."""
    if sys.platform == "win32" and len(command) == 1:
        os.startfile(command[0])
        return
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        code = process.wait(timeout=_FAILING_S)
    except subprocess.TimeoutExpired:
        return
    except OSError as error:
        raise _failed(command, error.strerror or str(error)) from error
    if code:
        raise _failed(command, f"exit code {code}")


def _failed(command: Sequence[str], why: str) -> SearchappError:
    return SearchappError(
        f"{command[0]} could not open {command[-1]}: {why}",
        hint="`searchapp open --print` prints the command, to be tried by hand",
    )


def _shell_word(word: str) -> str:
    """A word as a shell takes it, without what a terminal would obey."""
    return quoted(word) if has_controls(word) else shlex.quote(word)
