"""The tokens of passages between the splitter and the encoder, so that no text is tokenised twice
while there is room for them. Those that do not fit are made again from the stored text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from searchapp.types.tokens import TokenIds

MOST_TOKENS = 8 * 2**20  # in all: 16 MiB of ids, or twice that with a large vocabulary


class TokenMemory:
    """The tokens of texts by their digests: the first that came, up to a number of tokens."""

    def __init__(self, most_tokens: int = MOST_TOKENS) -> None:
        self._room = most_tokens
        self._ids: dict[bytes, TokenIds] = {}

    def keep(self, digest: bytes, ids: TokenIds) -> None:
        """Keep the tokens of a text until they are taken; nothing where there is no room."""
        if 0 < len(ids) <= self._room and digest not in self._ids:
            self._room -= len(ids)
            self._ids[digest] = ids

    def take(self, digest: bytes) -> TokenIds | None:
        """The tokens of a text, which are then forgotten; None where they are not here."""
        ids = self._ids.pop(digest, None)
        self._room += len(ids or ())
        return ids
