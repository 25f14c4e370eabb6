"""Which language a document is in: what its text shows, else what it says of itself.

Code is in none. The detector is Chromium's, in native code, and so runs where readers do; where it
is not installed, documents count for what they say.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from searchapp.types.languages import code_of, is_unknown

if TYPE_CHECKING:
    from searchapp.types.documents import Document

LANGUAGE = "language"  # in a document's metadata

_MOST = 4000  # characters that are looked at
_LEAST = 40  # fewer show too little
_LEAST_SHARE = 60  # per cent of the text that is in the language
# what the detector takes for damage: control characters, and code points that are no characters
_DAMAGE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def with_language(document: Document) -> Document:
    """The document with its language among its metadata: what it says, unless its text shows
    another; as it is where neither tells.
    """
    said = document.metadata.get(LANGUAGE, "")
    if said and not code_of(said) and not is_unknown(said):
        return document  # of a notebook, the language of its code
    code = language_of(_sample(document))
    if not code or code == code_of(said):
        return document
    return replace(document, metadata={**document.metadata, LANGUAGE: code})


def language_of(text: str) -> str:
    """The code of the language that a text is in, as "de"; "" where that is not clear."""
    try:
        import pycld2
    except ImportError:  # no build for this platform
        return ""
    if len(text) < _LEAST:
        return ""
    try:
        is_reliable, _, guesses = pycld2.detect(text)
    except pycld2.error:
        clean = _DAMAGE.sub(" ", text)  # not before: it takes longer than detecting
        return language_of(clean) if clean != text else ""
    _, code, share, _ = guesses[0]
    return code_of(code) if is_reliable and share >= _LEAST_SHARE else ""


def _sample(document: Document) -> str:
    """The beginning of a document's text without its code."""
    parts: list[str] = []
    left = _MOST
    for block in document.blocks:
        if left <= 0:
            break
        if block.kind != "code":
            part = document.text[block.start : min(block.end, block.start + left)]
            parts.append(part)
            left -= len(part)
    return "\n".join(parts)
