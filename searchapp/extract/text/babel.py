"""The shorthands of German and its neighbours in LaTeX: `f"ur` is für, and `"`so"'` is „so“."""

from __future__ import annotations

import re
import unicodedata

_DECLARED = re.compile(
    r"\\(?:usepackage|RequirePackage|documentclass|setdefaultlanguage|selectlanguage|babelprovide)"
    r"\s*(?:\[[^\]]*\])?\{[^{}]*\}"
)
_LANGUAGE = re.compile(r"n?german|n?austrian|n?swissgerman|dutch|afrikaans|finnish|swedish")
# a straight quotation mark within a word: no one else writes so
_IN_WORD = re.compile(r'[A-Za-z]"[aouAOUs][a-z]')
_LEAST_IN_WORDS = 3
_SHORTHAND = re.compile(
    r"""(?<!\\)"(?:([aeiouAEIOU])|([szSZ])|(ck|ff|ll|mm|nn|pp|rr|tt)|([`'<>=~|"-]))"""
)
_SIGNS = {"`": "„", "'": "“", "<": "«", ">": "»", "=": "-", "~": "-", "|": "", '"': "", "-": ""}


def has_shorthands(text: str) -> bool:
    """Whether a source declares such a language, or writes such words without."""
    if '"' not in text:
        return False
    declared = any(_LANGUAGE.search(match[0]) for match in _DECLARED.finditer(text))
    in_words = sum(1 for _, _ in zip(_IN_WORD.finditer(text), range(_LEAST_IN_WORDS), strict=False))
    return declared or in_words >= _LEAST_IN_WORDS


def without_shorthands(line: str) -> str:
    """A line with the letters and signs that its shorthands stand for."""
    return _SHORTHAND.sub(_letter, line) if '"' in line else line


def _letter(match: re.Match[str]) -> str:
    vowel, sharp, double, sign = match.groups()
    if vowel:
        return unicodedata.normalize("NFC", f"{vowel}\u0308")
    if sharp:
        return "ß" if sharp.islower() else "SS"
    return double or _SIGNS[sign]
