"""An engine that is opened when it is first needed, which for most questions is never.

Knows no other engine.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from searchapp.encoders.cache_entry import Batch
    from searchapp.encoders.text_encoder import Engine


class LateEngine:
    """Another engine, once it is needed. Several threads may use it at once."""

    def __init__(self, opened: Callable[[], Engine], *, batch_tokens: int) -> None:
        """`opened` opens the engine, which has this many padded tokens to a batch."""
        self.batch_tokens = batch_tokens
        self._opened = opened
        self._engine: Engine | None = None
        self._lock = Lock()

    def open(self) -> Engine:
        """The engine, open; raises what opening it raises, at every call."""
        with self._lock:
            if self._engine is None:
                self._engine = self._opened()
            return self._engine

    def run(
        self, batches: Iterable[Batch], *, token_states: bool = False
    ) -> list[NDArray[np.float32]]:
        """What the engine makes of them."""
        return self.open().run(batches, token_states=token_states)
