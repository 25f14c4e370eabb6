"""Draw what a command prints on a terminal as a picture: `python -m tools.picture [--corpus DIR]`.

Runs the program on a terminal of its own and keeps the colours that it really writes. The picture
asks for no font of the network.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "pictures" / "answer.svg"
COLUMNS = 90
QUESTION = "appliance vibrating violently during rinse"
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def answer(question: str, *, corpus: Path) -> str:
    """What `searchapp query` writes to a terminal, with its escapes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    words = ["query", question, "-k", "2", "--corpus", str(corpus)]
    with subprocess.Popen(
        [sys.executable, "-m", "searchapp", *words],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        env={**os.environ, "TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"},
    ):
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # EIO: the other side of the terminal is closed
            while chunk := os.read(ours, 65536):
                shown += chunk
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def drawn(escapes: str, *, title: str) -> str:
    """Text with escapes as a picture in SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(escapes.rstrip("\n")))
    svg = console.export_svg(title=title, unique_id="answer")
    return _FONTS.sub("", svg).replace("Fira Code", "ui-monospace, DejaVu Sans Mono")


def main() -> None:
    """Draw the picture of the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=ROOT / ".demo")
    corpus = parser.parse_args().corpus
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(
        drawn(answer(QUESTION, corpus=corpus), title=f'searchapp query "{QUESTION}"'),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
