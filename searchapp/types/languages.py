"""The code of a language, whatever else says which it is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_][\w-]*)?")
# codes of the same language: former ones, and the two of Norwegian
_SAME = {"iw": "he", "jw": "jv", "in": "id", "nb": "no", "nn": "no"}
_NONE = "un"  # a detector's


def code_of(language: str) -> str:
    """The code that a language begins with, as "de" of "de-AT"; "" where it is none."""
    match = _CODE.fullmatch(language)
    code = match[1].lower() if match else _NONE
    return "" if code == _NONE else _SAME.get(code, code)


def by_code(documents: Mapping[str, int]) -> Counter[str]:
    """Documents by what they say is their language, by its code."""
    counts: Counter[str] = Counter()
    for language, count in documents.items():
        counts[code_of(language)] += count
    return counts
