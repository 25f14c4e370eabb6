"""What the server knows of its corpus: answers for every face, made in one place.

Values of the library in, plain values out, for JSON. Knows neither requests nor pages.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from searchapp.errors import BadFilter, CorpusMissing, Unsupported
from searchapp.output.answers import answer_json, answer_notes
from searchapp.output.corpus import status_json
from searchapp.output.excerpts import excerpt
from searchapp.search.query import Query
from searchapp.search.query_options import IN_REQUESTS
from searchapp.types.places import is_glob
from searchapp.web.ingests import Ingests

if TYPE_CHECKING:
    from searchapp.corpus import Corpus
    from searchapp.types.results import Answer


class CorpusService:
    """One corpus, asked by many."""

    def __init__(self, corpus: Corpus, *, read_only: bool = False) -> None:
        """`read_only`: no request may begin an ingest."""
        self.corpus = corpus
        self.read_only = read_only
        self.ingests = Ingests(corpus)
        self._start = secrets.token_hex(4)  # tells the generations of one server from another's

    def warm_up(self) -> None:
        """Open what the first question needs; a corpus that cannot be asked yet says so later."""
        try:
            self.corpus.query("warm up", k=1)
        except Exception:  # noqa: BLE001 - every question says it to whom it concerns
            return

    def version(self) -> str:
        """What changes whenever the corpus does, and is of this server alone."""
        return str(self.now()["version"])

    def _version(self, generation: int, counts: Sequence[int]) -> str:
        return "-".join(map(str, (self._start, generation, *counts)))

    def now(self) -> dict[str, Any]:
        """What changes while people look: the corpus in numbers, and the ingest that runs or ran
        last.
        """
        generation, counts = 0, (0, 0, 0, 0)
        try:
            with closing(self.corpus.reader()) as reader:
                generation, counts = reader.generation, reader.counts()
        except CorpusMissing:
            pass
        documents, passages, pending, stale = counts
        return {
            "version": self._version(generation, counts),
            "generation": generation,
            "documents": documents,
            "passages": passages,
            "pending": pending,
            "stale": stale,
            "ingest": self.ingests.progress,
        }

    def status(self) -> dict[str, object]:
        """The corpus at a glance; of what is not indexed, how much for which reason."""
        values = status_json(self.corpus.status())
        unindexed = Counter(entry["outcome"] for entry in values.pop("unindexed"))  # type: ignore[attr-defined]
        ingest = {"read_only": self.read_only, "ingest": self.ingests.progress}
        return values | {"unindexed": dict(unindexed)} | ingest

    def ingest(self) -> dict[str, Any]:
        """Begin to bring the remembered roots up to date. Raises CorpusLocked while an ingest runs,
        and Unsupported where the server only reads.
        """
        if self.read_only:
            raise Unsupported("this server only reads", hint="run: searchapp ingest")
        self.ingests.begin()
        return self.now()

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
