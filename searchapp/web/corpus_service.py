"""What the server knows of its corpus: answers for every face, made in one place.

Values of the library in, plain values out, for JSON. Knows neither requests nor pages.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from searchapp.errors import BadFilter, CorpusMissing
from searchapp.output.answers import answer_json, answer_notes
from searchapp.output.excerpts import excerpt
from searchapp.search.query import Query
from searchapp.search.query_options import IN_REQUESTS
from searchapp.types.filters import is_glob

if TYPE_CHECKING:
    from searchapp.corpus import Corpus
    from searchapp.types.results import Answer


class CorpusService:
    """One corpus, asked by many."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self._start = secrets.token_hex(4)  # tells the generations of one server from another's

    def warm_up(self) -> None:
        """Open what the first question needs; a corpus that cannot be asked yet says so later."""
        try:
            self.corpus.query("warm up", k=1)
        except Exception:  # noqa: BLE001 - every question says it to whom it concerns
            return

    def version(self) -> str:
        """What changes whenever the corpus does, and is of this server alone."""
        try:
            with closing(self.corpus.reader()) as reader:
                return "-".join(map(str, (self._start, reader.generation, *reader.counts())))
        except CorpusMissing:
            return f"{self._start}-0"

    def search(self, said: Mapping[str, Any]) -> tuple[Answer, dict[str, object]]:
        """The answer to what a request says, as it is and for programs."""
        answer = self.corpus.query(query_of(said))
        matches: list[Any] = []
        values = answer_json(answer)
        for match, shown in zip(answer.matches, values["matches"], strict=True):  # type: ignore[call-overload]
            part = excerpt(match.text, answer.query, sentence=match.sentence)
            matches.append(
                shown | {"excerpt": {"text": part.text, "marks": list(map(list, part.marks))}}
            )
        return answer, values | {"matches": matches, "notes": answer_notes(answer)}


def query_of(said: Mapping[str, Any]) -> Query:
    """The question in what a request says; raises as `Query` does, and BadFilter for a path that is
    not absolute: the server stands in no folder.
    """
    options: dict[str, Any] = {}
    for name, value in said.items():
        if name in IN_REQUESTS:
            options[IN_REQUESTS[name].keyword] = value
    for place in options.get("within", ()):
        require_absolute(place)
    if "collapse" in options:  # asked for as copies
        options["collapse"] = not options["collapse"]
    options["like_passages"] = [(i, "") for i in options.get("like_passages", ())]
    texts = said.get("q", "")
    return Query.parse(texts if texts or not options["like_passages"] else (), **options)


def require_absolute(place: str) -> None:
    """Raise BadFilter for a path that only means something in a folder."""
    if not place.startswith("/") and not is_glob(place):
        raise BadFilter(
            f"in: {place!r} is no absolute path", hint="write it from / on, or as a glob"
        )
