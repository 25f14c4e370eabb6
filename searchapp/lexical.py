"""What a word is, for questions, the keyword index and comparing texts. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Scripts written without spaces between words: each character becomes a word of its own in the
# keyword rows.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def spaced(text: str) -> str:
    """The text as the keyword index takes it: with spaces around each character of scripts that
    write none.
    """
    return _UNSPACED.sub(r" \1 ", text)


def words_of(text: str) -> list[tuple[str, tuple[int, int]]]:
    """Runs of letters, digits and marks with their spans; of scripts without spaces, each
    character.
    """
    found: list[tuple[str, tuple[int, int]]] = []
    start = None
    for i, character in enumerate(f"{text} "):
        is_unspaced = spaced(character) != character
        is_word = not is_unspaced and (
            character.isalnum() or (start is not None and is_mark(character))
        )
        if start is not None and not is_word:
            found.append((text[start:i], (start, i)))
            start = None
        if is_unspaced and character.isalnum():
            found.append((character, (i, i + 1)))
        elif is_word and start is None:
            start = i
    return found


def is_mark(character: str) -> bool:
    """Whether a character joins the letter before it, as accents of some scripts do."""
    return unicodedata.category(character)[0] == "M"


def keyword_row(title: str, headings: Sequence[str], body: str) -> tuple[str, str, str]:
    """A passage's row in the keyword index: title, headings below it, body."""
    below = headings[1:] if headings and headings[0] == title else headings
    return (spaced(title), spaced("\n".join(below)), spaced(body))
