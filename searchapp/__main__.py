"""The program: `searchapp`, or `python -m searchapp`."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from searchapp import config
from searchapp.cli import thin_client

# new objects before Python looks for garbage; it looks through all that is imported, in vain
_LITTLE_GARBAGE = 50_000


def run() -> NoReturn:
    """Run the command line and leave at once: tearing the libraries down would cost more than
    answering.
    """
    gc.set_threshold(_LITTLE_GARBAGE)
    code = thin_client.run(sys.argv[1:])
    if code is None:
        code = _run_here()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # None where it is closed
            stream.flush()
    config.remove_temporary_cache()
    os._exit(code)


def _run_here() -> int:
    """The exit code of the command line, run by this process."""
    config.use_one_thread_for_small_products()
    begin_opening_encoder(sys.argv[1:])
    from searchapp.cli.app import main  # while the encoder is being opened

    return main(sys.argv[1:])


def begin_opening_encoder(arguments: Sequence[str]) -> None:
    """Begin to open the encoder that a command line needs, where it seems to be a question about
    meaning.

    It is a guess from the bare words: a wrong one costs time that was idle.
    """
    if arguments[:1] != ["query"] or {"keyword", "--mode=keyword", "-h", "--help"} & set(arguments):
        return
    from searchapp.backends.places import encoder_at
    from searchapp.encoders import preload
    from searchapp.errors import SearchappError

    try:
        settings = config.load(corpus=_corpus(arguments))
        encoder = encoder_at(settings.place)
        if encoder is not None:
            preload.begin(encoder, settings.cache, token_states=_is_looked_at(arguments))
    except (SearchappError, OSError):
        return  # the command itself will say so


def _is_looked_at(arguments: Sequence[str]) -> bool:
    """Whether passages will be looked at token by token: for `best`, for `--explain`, and to mark
    what answers in a terminal.
    """
    words = set(arguments)
    is_marked = sys.stdout is not None and sys.stdout.isatty() and not {"--json", "--paths"} & words
    return is_marked or bool({"best", "--mode=best", "--explain"} & words)


def _corpus(arguments: Sequence[str]) -> str | None:
    """The place that `--corpus` names, near enough."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--corpus" and following:
            return following
        if word.startswith("--corpus="):
            return word.removeprefix("--corpus=")
    return None


if __name__ == "__main__":
    run()
