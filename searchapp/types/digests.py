"""What identifies an embedded text, whichever backend keeps its vector. Pure."""

from __future__ import annotations

import hashlib


def text_digest(fingerprint: str, text: str) -> bytes:
    """What identifies a vector: the text exactly as embedded and the encoder; BLAKE2b-128."""
    return hashlib.blake2b(
        text.encode("utf-8", "surrogatepass"), digest_size=16, key=fingerprint[:64].encode()
    ).digest()
