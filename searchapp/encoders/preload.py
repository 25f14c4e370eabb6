"""The encoder of a question, opened in the background as early as possible, and kept.

To open an encoder takes a part of a cold query and needs little of Python: it costs nothing where
it runs beside the imports, if it begins before them. So the program calls `begin` with a guess
before it imports the command line; what fails in the background is met again by `opened`, where
there is someone to tell. Opened encoders are kept: closing one costs as much as a search.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.encoders.text_encoder import TextEncoder
    from searchapp.types.vectors import EncoderIdentity

_opening: dict[tuple[EncoderIdentity, Path], Future[TextEncoder]] = {}
_beginning, _mending = Lock(), Lock()  # so that several first questions open one encoder


def begin(identity: EncoderIdentity, cache: Path, *, token_states: bool = False) -> None:
    """Begin to open an encoder for questions, once, and with `token_states` what gives those of
    passages, too.
    """
    from searchapp.encoders.loading import open_cached

    key = (identity, cache)
    with _beginning:
        if key in _opening and not token_states:
            return
        thread = ThreadPoolExecutor(1, thread_name_prefix="open-encoder")
        if key not in _opening:
            _opening[key] = thread.submit(open_cached, identity, cache)
        if token_states:
            thread.submit(lambda opening: opening.result().prepare(), _opening[key])
        thread.shutdown(wait=False)


def opened(identity: EncoderIdentity, cache: Path) -> TextEncoder:
    """An encoder for questions, once it is open; raises EncoderError as `open_encoder` does."""
    from searchapp.encoders.loading import open_encoder

    begin(identity, cache)
    if _opening[identity, cache].exception() is not None:
        with _mending:  # not converted yet, for one: now there is someone to tell
            if _opening[identity, cache].exception() is not None:
                mended: Future[TextEncoder] = Future()
                mended.set_result(open_encoder(identity, cache=cache))
                _opening[identity, cache] = mended
    return _opening[identity, cache].result()
