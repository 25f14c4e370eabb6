"""What a word is, for questions, the keyword index and comparing texts; and which ways to write it
are the same. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

# Scripts written without spaces between words: each character becomes a word of its own in the
# keyword rows.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
# What stands in a word unseen: soft hyphens, zero-width characters, marks of direction.
_UNSEEN = (
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
)
# Vowel marks that Arabic and Hebrew may leave out, and the Arabic stroke that only lengthens.
_VOWELS = (
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
)
_DROPPED = re.compile(f"[{_UNSEEN}{_VOWELS}]")
_IGNORED = re.compile(f"[{_UNSEEN}]")
# Letters that are also written otherwise, and which no normal form of Unicode takes apart.
_TWO_LETTERS = {
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "þ": "th",
    "Þ": "TH",
}
_LETTERS = str.maketrans("øØłŁđĐðÐħĦıёЁ", "oOlLdDdDhHiеЕ") | str.maketrans(_TWO_LETTERS)
# each from the beginning of a word on, and without a way back: a long word takes no longer
_CONNECTED = re.compile(r"(?<![^\W_])[^\W_]++(?:[-‐‑_.@/:+#][^\W_]++)++")
_CAPITAL_WITHIN = re.compile(r"(?<![^\W_])[^\W_][^\WA-Z_]*+[A-Z][^\W_]*+")
_ABBREVIATION = re.compile(r"[^\W\d_](?:\.[^\W\d_])+|[a-z]?[A-Z]+s")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|\d+")
_PLAIN_WORD = re.compile(r"[^\W_]+")  # where there are no marks
_MOST_JOINED = 40  # characters of a compound that is also looked for written as one word
_MOST_PARTS = 4


def fold(text: str) -> str:
    """The text as it is compared: one form of each way to write the same letters, nothing unseen.
    Case and accents are the index's business.
    """
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", text)
    plain = composed.translate({ord(c): _plain(c) for c in set(composed) if c > "\x7f"})
    return _DROPPED.sub("", unicodedata.normalize("NFC", plain))


@lru_cache(maxsize=10_000)
def _plain(character: str) -> str:
    """What a letter or digit is a variant of, as `fi` of a ligature; itself where that is no word,
    as of fractions.
    """
    if not (character.isalnum() or is_mark(character)):
        return character
    plain = unicodedata.normalize("NFKC", character).translate(_LETTERS)
    return plain if all(c.isalnum() or is_mark(c) for c in plain) else character


def spaced(text: str) -> str:
    """The text as the keyword index takes it: with spaces around each character of scripts that
    write none.
    """
    return text if text.isascii() else _UNSPACED.sub(r" \1 ", text)


def words_of(text: str) -> list[tuple[str, tuple[int, int]]]:
    """Runs of letters, digits and marks, folded, with their spans in the text; of scripts without
    spaces, each character.
    """
    if text.isascii():
        return [(word[0], word.span()) for word in _PLAIN_WORD.finditer(text)]
    words_at: list[tuple[str, tuple[int, int]]] = []
    start = None
    for i, character in enumerate(f"{text} "):
        is_unspaced = _UNSPACED.match(character) is not None
        is_word = not is_unspaced and (
            character.isalnum() or (start is not None and is_mark(character))
        )
        if start is not None and not is_word:
            words_at.append((fold(text[start:i]), (start, i)))
            start = None
        if is_unspaced and character.isalnum():
            words_at.append((fold(character), (i, i + 1)))
        elif is_word and start is None:
            start = i
    return words_at


def is_mark(character: str) -> bool:
    """Whether a character joins the letter before it: accents of some scripts do, and what is not
    seen.
    """
    return unicodedata.category(character)[0] == "M" or _IGNORED.match(character) is not None


def compounds(text: str) -> Iterator[str]:
    """The words of a folded text that are written together of several: `e-mail`, `PT-6610`,
    `v2.3.1`, `tide_table`, `tideTable`, paths and addresses.
    """
    yield from _CONNECTED.findall(text)
    for word in _CAPITAL_WITHIN.findall(text):
        if camel_parts(word):
            yield word


@lru_cache(maxsize=10_000)
def camel_parts(word: str) -> tuple[str, ...]:
    """What a word in camel case is made of; nothing where it is in none, as DNA, iPhone and
    Domino are not.
    """
    if not (word.isascii() and word.isalnum()) or word.islower() or word[1:].islower():
        return ()
    parts = tuple(part for part in _CAMEL.findall(word) if len(part) > 1)
    letters = [part for part in parts if part.isalpha()]
    return parts if len(letters) > 1 and any(part[-1].islower() for part in letters) else ()


def is_code_like(compound: str) -> bool:
    """Whether people mean the thing itself by a compound: it has a digit, or what ordinary words
    are not joined by, or is in camel case. Abbreviations, as `i.e` and `DVDs`, are ordinary words.
    """
    if _ABBREVIATION.fullmatch(compound):
        return False
    return compound.isalnum() or any(c.isdigit() or c in "_@/.:#+" for c in compound)


def joined(compound: str) -> str:
    """A compound of few parts written as one word, as `email`; "" where nobody writes it so."""
    parts = re.split(r"[-‐‑_]", compound)
    is_short = len(compound) <= _MOST_JOINED and 1 < len(parts) <= _MOST_PARTS
    return "".join(parts) if is_short and all(map(str.isalnum, parts)) else ""


def keyword_row(
    path: bytes, title: str, headings: Sequence[str], body: str
) -> tuple[str, str, str, str, str]:
    """A passage's row in the keyword index: title, headings below it, body, the file's name, and
    the other ways to write the compounds of all these.
    """
    below = headings[1:] if headings and headings[0] == title else headings
    columns = [fold(text) for text in (title, "\n".join(below), body, file_name(path))]
    spaced_columns = [spaced(column) for column in columns]
    return (*spaced_columns, " ".join(_other_forms(columns)))  # type: ignore[return-value]


def file_name(path: bytes) -> str:
    """The last part of a path, as text; of a member, behind it those of what it is in."""
    files = path.decode("utf-8", "replace").split("!/")
    return " ".join(file.rpartition("/")[2] for file in reversed(files))


def _other_forms(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        for compound in compounds(text):
            if other := " ".join(camel_parts(compound)) or joined(compound):
                yield other
