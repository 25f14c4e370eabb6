"""Hyphens at the ends of lines: the typesetter's go, the author's stay.

"thunder-/storm" is one word, "well-/known" keeps its hyphen, "Nord-/und Ostsee" its hyphen and a
space. How the same document writes the word elsewhere decides first, then what the halves are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LINE_END = "\ufffe"  # a hyphen between two lines that is not decided yet, as pdfium marks it
_NO_WORDS: frozenset[str] = frozenset()
_FIRST_HALF = re.compile(r"[\w-]*[^\W\d_]$")
_SECOND_HALF = re.compile(r"[^\W\d_]+")
_LONGEST = 40  # letters of a half that is looked at
_LINKS = frozenset(str.split("of to the in by and a on or at up out off"))
# what goes on with a hyphen of its own: "mother-/in-law"
_LINKED = re.compile(rf"(?:{'|'.join(sorted(_LINKS))})-[^\W\d_]")
_BEHIND = ("", ",", ".", ";", ":", ")")
# "Nord- und Ostsee", "pre- and postwar"
_CONJUNCTIONS = frozenset(
    str.split("und oder bzw sowie and or et ou y o e i og eller och of lub oraz ja tai és")
)
# English words after which the hyphen is the author's, but for a few endings
_FIRST_WORDS = frozenset(
    str.split("well self half twenty thirty forty fifty sixty seventy eighty ninety")
)
_ENDINGS = frozenset(str.split("ness being come way time ish less hood same fold eth some"))
# and words before which it is, where the first half is one of these or hyphened already
_QUALITIES = frozenset(
    str.split(
        "long short high low full part old new open hard soft real cross first second third last "
        "one two three four five six seven eight nine ten single double large small wide narrow "
        "good bad best better fast slow blue red green white black state data user time cost risk"
    )
)
_SECOND_WORDS = frozenset(
    str.split(
        "based known free friendly oriented related aware driven specific dependent made defined "
        "fashioned eyed handed minded sized shaped bound term level scale class quality depth "
        "making century year old style type wide time year day week month hour page sided tailed "
        "haired legged wheel way step fold piece part speed range lived lasting distance"
    )
)
_ALWAYS_SECOND = frozenset(str.split("based oriented friendly minded fashioned eyed handed"))


def with_hyphens_decided(texts: Sequence[str]) -> list[str]:
    """The texts of a document's pages, each hyphen at the end of a line dropped or kept."""
    if not any(LINE_END in text for text in texts):
        return list(texts)
    words = {word for text in texts for word in text.lower().split()}
    return [_decided(text, words) if LINE_END in text else text for text in texts]


def hyphen_between(first: str, second: str, words: frozenset[str] | set[str] = _NO_WORDS) -> str:
    """What stands between the two halves of a word that a line's end divides at a hyphen: "", "-"
    or "- ". `words` are those of the document, in lower case, with the marks
    behind them.
    """
    if not second[:1].islower():
        return "-"
    if second in _CONJUNCTIONS:
        return "- "
    first = first.lower()
    if any(first + second + mark in words for mark in _BEHIND):
        return ""
    if any(f"{first}-{second}{mark}" in words for mark in _BEHIND) or _is_compound(first, second):
        return "-"
    return ""


def joined(line: str, following: str) -> str | None:
    """A line that ends with a hyphen, ready for the next one to be put behind it; None where the
    hyphen divides no word.
    """
    if not line.endswith("-"):
        return None
    first, second = _FIRST_HALF.search(line[-_LONGEST:-1]), _SECOND_HALF.match(following)
    if first is None or second is None or not following[0].islower():
        return None
    if _LINKED.match(following):
        return line
    return line[:-1] + hyphen_between(first[0], second[0])


def _decided(text: str, words: set[str]) -> str:
    first_line, *lines = text.split(LINE_END)
    pieces = [first_line]
    for line in lines:
        first, second = _FIRST_HALF.search(pieces[-1][-_LONGEST:]), _SECOND_HALF.match(line)
        if first and second and not _LINKED.match(line):
            pieces += [hyphen_between(first[0], second[0], words), line]
        else:
            pieces += ["-", line]
    return "".join(pieces)


def _is_compound(first: str, second: str) -> bool:
    """Whether two halves look like the words of a compound that English writes with a hyphen."""
    own = first.rpartition("-")[2]
    if len(own) == 1 or second in _ALWAYS_SECOND:  # "e-mail", "x-ray"
        return True
    if "-" in first:  # "state-of-the-art", "up-to-date"
        return second in _SECOND_WORDS or own in _LINKS
    if first in _FIRST_WORDS:
        return second not in _ENDINGS
    return first in _QUALITIES and second in _SECOND_WORDS
