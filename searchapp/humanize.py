"""Counts, sizes and durations for people, and text on one harmless line. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

# Controls other than white space, C1 controls, what reorders text (bidi embeddings, overrides,
# isolates), lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NEAR = 0.65  # of 1, the likeness of a name that may be meant: two letters of six swapped
_BLANKS = str.maketrans(dict.fromkeys("\t\v\f\r\u2028\u2029", " "))


def one_line(text: str) -> str:
    """The text on one harmless line, white space as single spaces."""
    return " ".join(safe(text).split())


def pluralize(number: int, noun: str) -> str:
    """A number of things: "1 file", "1,200 files"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def human_bytes(size: int) -> str:
    """A size in decimal units: "999 B", "1.2 kB", "34.0 MB"."""
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:,.1f} TB"


def human_duration(seconds: float) -> str:
    """A duration in its two largest units: "0.4 s", "42 s", "3 min 5 s", "2 h 10 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def did_you_mean(
    word: str, known: Iterable[str], *, shown: Callable[[str], str | None] = lambda name: name
) -> str:
    """What to add to the news that there is no such name: the nearest that there is, as it is
    `shown`; "" where none is near. The ending of a file's name does not make it near.
    """
    import difflib

    by_fold = {_stem(name): name for name in sorted(known, reverse=True)}
    near = difflib.get_close_matches(_stem(word), by_fold, n=1, cutoff=_NEAR)
    meant = shown(by_fold[near[0]]) if near else None
    return f"; did you mean {one_line(meant)}?" if meant else ""


def _stem(name: str) -> str:
    stem, dot, ending = name.casefold().rpartition(".")
    return stem if stem and dot and len(ending) <= 4 else name.casefold()


def safe(text: str) -> str:
    """The text, offset for offset, without anything a terminal would obey."""
    return _UNSAFE.sub("\ufffd", text.translate(_BLANKS))


_PLACES = {"date": "{}", "page": "p. {}", "slide": "slide {}", "sheet": "{}"}
_RANGES = {
    "row": ("row {}", "rows {}-{}"),
    "cell": ("cell {}", "cells {}-{}"),
    "time": ("{}", "{}-{}"),
    "line": ("line {}", "lines {}-{}"),
}


def place_text(place_of: Iterable[tuple[str, int | str]]) -> str:
    """Where a passage stands in its file, for people; what its path or title says already is left
    out.
    """
    place = {name: one_line(str(value)) for name, value in place_of}
    parts = [word.format(place[name]) for name, word in _PLACES.items() if name in place]
    for name, (one, many) in _RANGES.items():
        if start := place.get(f"{name}_start"):
            end = place.get(f"{name}_end", start)
            parts.append(one.format(start) if end == start else many.format(start, end))
    return ", ".join(parts)
