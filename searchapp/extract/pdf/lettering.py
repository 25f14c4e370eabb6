"""Pages whose fonts say no letters: what comes out of them are the numbers of glyphs.

Such a page looks right and reads "7KHIHUU\\OHDYHV". The fonts are asked first: characters that they
map to no letter, and that make no words, are the author's only by their shapes. Some fonts claim
that the numbers are letters: counted from the space again, these make words.
"""

from __future__ import annotations

import re
from typing import Any

_SAMPLED = 12  # characters of a page of which the font is asked
_GARBLED = 0.3  # of a page's characters: from here on the page is not read
_FEW = 8  # characters: too few to tell by
_SHIFTS = (29, 31)  # between the glyphs of most fonts, which begin with the space, and ASCII
_SPACES = 0.05  # of a text in Latin letters; a garbled one has fewer
_VOWELS = (0.27, 0.62)  # of Latin letters
_WORDLIKE = 0.7  # of a text's letters, figures and signs
_LONGEST = 22  # letters of what looks like a word
_PRIVATE = re.compile("[\ue000-\uf8ff\ufffd]")
_NO_SPACE = re.compile(r"\S")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_VOWEL = re.compile(
    "[aeiouy\u00e0-\u00e6\u00e8-\u00ef\u00f2-\u00f6\u00f8-\u00fd\u0101\u0103\u0105\u0113\u0117"
    "\u0119\u011b\u012b\u012f\u014d\u0151\u0153\u016b\u016f\u0171\u0173]",
    re.IGNORECASE,
)
_USUAL = re.compile("[etaoinsr]", re.IGNORECASE)
_MOST_USUAL = 0.45  # of Latin letters
_SMALL = re.compile("[a-z ]")
_WORD = re.compile(r"(?:[^\W\d_][a-z\u00df-\u024f]*|[A-Z\u00c0-\u00de]+)(?![^\W_])")


def is_garbled_page(text_page: Any, text: str) -> bool:
    """Whether the text of a page are the numbers of its glyphs, by what its fonts say of them and
    by what they read as.
    """
    return is_garbled(text) or _is_unmapped(text_page)


def has_shapes(text_page: Any) -> bool:
    """Whether the fonts of a page are in its file; others are drawn with letters of other fonts."""
    import pypdfium2.raw as pdfium

    count = text_page.count_chars()
    fonts = [
        pdfium.FPDFTextObj_GetFont(pdfium.FPDFText_GetTextObject(text_page, index))
        for index in range(0, count, max(1, count // _SAMPLED))
        if not chr(pdfium.FPDFText_GetUnicode(text_page, index)).isspace()
    ]
    embedded = sum(bool(font) and pdfium.FPDFFont_GetIsEmbedded(font) == 1 for font in fonts)
    return bool(2 * embedded >= len(fonts))


def is_garbled(text: str) -> bool:
    """Whether a text of a PDF is none: private characters, or the numbers of glyphs."""
    if not text.isascii():
        private = len(_PRIVATE.findall(text))
        return private >= _FEW and private >= _GARBLED * len(_NO_SPACE.findall(text))
    if len(text) < 2 * _FEW or text.count(" ") >= _SPACES * len(text):
        return False
    return not _is_language(text) and any(_is_prose(_shifted(text, by)) for by in _SHIFTS)


def _is_unmapped(text_page: Any) -> bool:
    """Whether the fonts of a page map many of its characters to no letter, and these make no words
    either.
    """
    import pypdfium2.raw as pdfium

    handle = text_page.raw
    count = pdfium.FPDFText_CountChars(handle)
    step = max(1, count // _SAMPLED)
    if not any(
        pdfium.FPDFText_HasUnicodeMapError(handle, index) == 1
        for index in range(step // 2, count, step)
    ):
        return False
    unmapped = [pdfium.FPDFText_HasUnicodeMapError(handle, index) == 1 for index in range(count)]
    codes = [pdfium.FPDFText_GetUnicode(handle, index) for index in range(count)]
    solid = sum(not chr(code).isspace() for code in codes)
    lost = sum(unmapped)
    if lost < _FEW or lost < _GARBLED * solid:
        return False
    return not _is_language(
        "".join(
            chr(code) if is_lost else " " for code, is_lost in zip(codes, unmapped, strict=True)
        )
    )


def _shifted(text: str, by: int) -> str:
    return "".join(chr(ord(character) + by) for character in text if character not in "\r\n")


def _is_language(text: str) -> bool:
    """Whether a text in Latin letters looks like words of some language."""
    words = [word for word in _WORD.findall(text) if len(word) <= _LONGEST]
    enough = _WORDLIKE * len(_NO_SPACE.findall(text))
    return sum(map(len, words)) >= enough and _has_usual_letters(text)


def _is_prose(text: str) -> bool:
    """Whether a text, of which the spaces may be lost, is nearly all small letters of some
    language.
    """
    return len(_SMALL.findall(text)) >= _WORDLIKE * len(text) and _has_usual_letters(text)


def _has_usual_letters(text: str) -> bool:
    """Whether the Latin letters of a text are as frequent as in languages."""
    letters = len(_LATIN.findall(text))
    usual = len(_USUAL.findall(text))
    vowels = len(_VOWEL.findall(text))
    return (
        letters > 0
        and usual >= _MOST_USUAL * letters
        and _VOWELS[0] * letters <= vowels <= _VOWELS[1] * letters
    )
