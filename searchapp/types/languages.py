"""The code of a language, whatever else says which it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from searchapp.types.language_codes import TWO_LETTERS

_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_][\w-]*)?")
# codes of the same language: former ones, and the two of Norwegian
_SAME = {"iw": "he", "jw": "jv", "in": "id", "nb": "no", "nn": "no", "mo": "ro", "sh": "sr"}
# of no language that is known: undetermined, several, none at all, one without a code; a detector's
_UNKNOWN = frozenset({"und", "mul", "zxx", "mis", "un"})


def code_of(language: str) -> str:
    """The code that a language begins with, as "de" of "de-AT" and of "deu"; "" where it is none,
    or one that says that the language is not known.
    """
    code = _first_part(language)
    code = TWO_LETTERS.get(code, code)
    return "" if code in _UNKNOWN else _SAME.get(code, code)


def is_unknown(language: str) -> bool:
    """Whether a code says that the language is not known, as "und" does."""
    return _first_part(language) in _UNKNOWN


def _first_part(language: str) -> str:
    """The letters that a code begins with; "" of what is no code."""
    match = _CODE.fullmatch(language)
    return match[1].lower() if match else ""


def language_in(metadata: Mapping[str, str]) -> str:
    """The code of the language that a document's metadata name; "" where they name none."""
    return code_of(metadata.get("language", ""))


def by_code(documents: Mapping[str, int]) -> Counter[str]:
    """Documents by what they say is their language, by its code."""
    counts: Counter[str] = Counter()
    for language, count in documents.items():
        counts[code_of(language)] += count
    return counts
