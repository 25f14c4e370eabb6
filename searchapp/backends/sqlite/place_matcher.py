"""The documents at or below many places, found in one pass over all documents.

An aggregate function of SQLite. It decides as the conditions of `filter_sql` do, which cost each
document a comparison with each place. Knows no tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from unicodedata import normalize

from searchapp.types.documents import above
from searchapp.types.places import is_glob

NAME, PARAMETERS = "ids_within", 4

_GLOB = re.compile(r"\*|\?|\[(\^?\]?[^\]]*)\]|.", re.DOTALL)
_NOTHING = "(?!)"  # matches no text
_GLOB_SIGN = re.compile(r"[*?[]")


class PlaceMatcher:
    """Which documents are at or below any of some places. A place is what has its path; where there
    is none, what has it but for the form of its accents; else, if it is a glob, what it matches.
    """

    def __init__(self) -> None:
        self._places: list[_Place] | None = None
        self._by_path: dict[bytes, list[_Place]] = {}
        self._by_text: dict[bytes, list[_Place]] = {}

    def step(self, document_id: int, path: bytes, display: str, places: str) -> None:
        """Look at a document; `places` is the JSON of all places, the same for each document."""
        if self._places is None:
            self._places = [_Place(place) for place in json.loads(places)]
            for place in self._places:
                self._by_path.setdefault(place.path, []).append(place)
                if place.text is not None:
                    self._by_text.setdefault(place.text.encode(), []).append(place)
        _find(self._by_path, path, document_id, exactness=0)
        composed = normalize("NFC", display)
        if self._by_text:
            _find(self._by_text, composed.encode(), document_id, exactness=1)
        for place in self._places:
            if place.glob and not place.ids_by_exactness[0]:
                place.add_matching(document_id, composed, display)

    def finalize(self) -> str:
        """The ids of the documents, as JSON."""
        return json.dumps([i for place in self._places or () for i in place.best()])


class _Place:
    """One place, and the documents found by its path, by its text, and as a glob."""

    def __init__(self, place: str) -> None:
        self.path = place.encode("utf-8", "surrogateescape").rstrip(b"/")
        self.ids_by_exactness: tuple[list[int], list[int], list[int]] = ([], [], [])
        shown = self.path.decode("utf-8", "replace")
        has_signs, is_text = _GLOB_SIGN.search(shown) is not None, shown.encode() == self.path
        self._is_composed = is_text and (has_signs or not shown.isascii())
        pattern = normalize("NFC", shown) if self._is_composed else shown
        self.text = pattern if self._is_composed else None
        is_absolute = place.startswith("/")
        start = "" if is_absolute else "*/"
        # a path that is whole and no glob is found by its bytes or its text
        self.glob = None if is_absolute and not is_glob(place) else _compiled(start + pattern)
        is_exact = not is_absolute and has_signs and is_text
        self._exact = _compiled(start + _GLOB_SIGN.sub(r"[\g<0>]", pattern)) if is_exact else None

    def add_matching(self, document_id: int, composed: str, display: str) -> None:
        """Add a document that is at or below what the place matches: as the end of a path to the
        letter, or as a glob.
        """
        text = composed if self._is_composed else display
        for exactness, pattern in ((1, self._exact), (2, self.glob)):
            if pattern is not None and pattern.fullmatch(text):
                self.ids_by_exactness[exactness].append(document_id)

    def best(self) -> Sequence[int]:
        """The documents found in the most exact way that finds any."""
        return next((ids for ids in self.ids_by_exactness if ids), [])


def _find(
    places: dict[bytes, list[_Place]], path: bytes, document_id: int, *, exactness: int
) -> None:
    """Give a document to the places that it is at or below."""
    for at in (*above(path), b""):
        for place in places.get(at, ()):
            place.ids_by_exactness[exactness].append(document_id)


def _compiled(glob: str) -> re.Pattern[str]:
    """A pattern of what SQLite's GLOB matches, and of what is below that."""
    try:
        return re.compile(_regex(glob), re.DOTALL)
    except re.error:  # a range from high to low, which holds nothing
        return re.compile(_NOTHING)


def _regex(glob: str) -> str:
    """The regular expression of a glob; of nothing where a class has no end."""
    stretches = [""]  # between stars
    for piece in _GLOB.finditer(glob):
        sign, inside = piece[0], piece[1]
        if sign == "*":
            stretches += [""] if stretches[-1] or len(stretches) == 1 else []
        elif sign == "?":
            stretches[-1] += "."
        elif inside is not None:
            negation, members = ("^", inside[1:]) if inside[:1] == "^" else ("", inside)
            if not members:
                return _NOTHING
            escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", members)
            stretches[-1] += f"[{negation}{escaped}]"
        elif sign == "[":
            return _NOTHING
        else:
            stretches[-1] += re.escape(sign)
    first, *others = stretches
    # the first place of a stretch is as good as any later one: no star takes back what it took
    between = "".join(f"(?>.*?{stretch})" for stretch in others[:-1])
    return f"{first}{between}{f'.*{others[-1]}' if others else ''}(?:!?/.*)?"
