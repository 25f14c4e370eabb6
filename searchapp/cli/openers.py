"""Which command opens a file at a line or on a page: what editors and viewers call it.

Pure: words in, words out. Nothing here is run, and no shell ever reads the words.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from searchapp.errors import UsageError

_PLUS = ("+{line}", "{file}")
_GOTO = ("--goto", "{file}:{line}")
_COLON = ("{file}:{line}",)
_LINE = ("--line", "{line}", "{file}")
_EDITORS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("vi", "vim", "nvim", "gvim", "view", "nano", "pico", "micro"), _PLUS),
    **dict.fromkeys(("emacs", "emacsclient", "hx", "helix", "kak", "joe", "mg", "gedit"), _PLUS),
    **dict.fromkeys(("editor", "sensible-editor"), _PLUS),  # Debian's names for one of them
    **dict.fromkeys(("code", "code-insiders", "codium", "cursor", "windsurf"), _GOTO),
    **dict.fromkeys(("subl", "zed", "zeditor"), _COLON),
    **dict.fromkeys(("kate", "mate", "idea", "pycharm", "webstorm", "clion", "goland"), _LINE),
}
_EDITOR_NAME = re.compile(r"[a-z]+(?:-[a-z]+)*")  # of vim.basic, emacs-29.1, code.cmd

_INDEX = ("--page-index={page}", "{file}")
_FRAGMENT = ("{url}#page={page}",)
_VIEWERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("evince", "papers", "atril", "xreader"), _INDEX),
    "okular": ("-p", "{page}", "{file}"),
    "zathura": ("-P", "{page}", "{file}"),
    "sioyek": ("--page", "{page}", "{file}"),
    "mupdf": ("{file}", "{page}"),
    "sumatrapdf": ("-page", "{page}", "{file}"),
    **dict.fromkeys(("firefox", "google-chrome", "chromium", "brave-browser"), _FRAGMENT),
}


def editor_command(editor: str, file: str, line: int) -> tuple[list[str], bool]:
    """The words that open an absolute path at a line in an editor, as $EDITOR names it with its
    options, and whether it goes to the line: one that is not known gets the path alone.

    Raises UsageError for what cannot be split into words.
    """
    try:
        words = shlex.split(editor)
    except ValueError as error:
        raise UsageError(
            f"$VISUAL or $EDITOR cannot be read: {error}", hint="close its quotes"
        ) from error
    if not words:
        raise UsageError("$VISUAL or $EDITOR is blank", hint="name an editor, or unset it")
    name = _EDITOR_NAME.match(Path(words[0]).name.lower())
    place = _EDITORS.get(name[0] if name else "")
    if place is None:
        return [*words, file], False
    return [*words, *(word.format(file=file, line=line) for word in place)], True


def viewer_named(text: str) -> str | None:
    """The viewer that a desktop's name for a program means, "org.gnome.Evince.desktop"; None where
    it is not known how that opens a page.
    """
    return next((name for name in _VIEWERS if name in text.lower()), None)


def viewer_command(viewer: str, file: str, page: int) -> list[str]:
    """The words that open an absolute path on a page, counted from 1, in a known viewer."""
    url = Path(file).as_uri()
    return [viewer, *(word.format(file=file, url=url, page=page) for word in _VIEWERS[viewer])]
