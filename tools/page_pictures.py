"""Take the pictures of the page that the documentation shows, from the corpus of `make demo`:
`python -m tools.page_pictures [--corpus DIR]`.

Serves the corpus and looks at it with Chromium, as the tests do.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from tests.builders.browser import Browser

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
COLOURS = 224  # of a picture, which makes it half as large
QUESTION = "/?q=how+can+eggs+be+kept+for+weeks+without+a+refrigerator"


class Shot(NamedTuple):
    """One picture: where it is taken, and what is done on the page before."""

    name: str
    address: str
    width: int = 1280
    height: int = 800
    is_dark: bool = False
    before: str = ""  # a script


OPEN_FIRST = "document.querySelector('#matches a[data-read]').click()"
OPEN_PAGE = "document.querySelectorAll('.tabs a')[1].click()"
SHOTS = (
    Shot("page", QUESTION, before=OPEN_FIRST),
    Shot("page-why", f"{QUESTION}&why=1", is_dark=True, before=OPEN_FIRST),
    Shot(
        "page-pdf",
        QUESTION,
        before=f"{OPEN_FIRST}; setTimeout(() => {OPEN_PAGE}, 800)",
    ),
    Shot("page-phone", QUESTION, 390, 844),
)


@contextmanager
def served(corpus: Path) -> Iterator[str]:
    """The address that lets one browser into a server of a corpus."""
    command = [sys.executable, "-m", "searchapp", "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--corpus", str(corpus)], stdout=subprocess.PIPE, cwd=ROOT
    ) as server:
        assert server.stdout is not None
        yield str(json.loads(server.stdout.readline())["open"])
        server.send_signal(signal.SIGTERM)


def take(browser: Browser, url: str, shot: Shot) -> None:
    """Write one picture, with few colours."""
    browser.look(width=shot.width, height=shot.height, is_dark=shot.is_dark)
    browser.open_url(url.rstrip("/") + shot.address)
    browser.run(f"{shot.before}; 0")
    browser.run("await new Promise((done) => setTimeout(done, 2500)); 0")
    path = PICTURES / f"{shot.name}.png"
    browser.picture(path)
    with Image.open(path) as picture:
        # an octree keeps small spots of colour, as the sign of a sound corpus
        octree, none = Image.Quantize.FASTOCTREE, Image.Dither.NONE
        few = picture.convert("RGB").quantize(COLOURS, octree, dither=none)
    few.save(path, optimize=True)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=ROOT / ".demo")
    corpus = parser.parse_args().corpus
    PICTURES.mkdir(exist_ok=True)
    with (
        served(corpus) as open_url,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Browser(Path(folder)) as browser,
    ):
        browser.open_url(open_url)
        url = open_url.partition("?")[0]
        for shot in SHOTS:
            take(browser, url, shot)


if __name__ == "__main__":
    main()
