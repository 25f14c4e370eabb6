"""The program: `searchapp`, or `python -m searchapp`."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

from searchapp import config
from searchapp.encoders import preload


def run() -> NoReturn:
    """Run the command line and leave at once: tearing the libraries down would cost more than
    answering.
    """
    config.use_one_thread_for_small_products()
    preload.guess(sys.argv[1:])
    from searchapp.cli import main

    code = main(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
