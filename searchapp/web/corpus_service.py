"""What the server knows of its corpus: answers for every face, made in one place.

Values of the library in, plain values out, for JSON. Knows neither requests nor pages.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from searchapp.errors import CorpusMissing, EmptyQuery, EmptyRange, Unsupported
from searchapp.output.answers import answer_json, answer_notes, match_json, passage_json
from searchapp.output.citations import citation
from searchapp.output.corpus import row_json, status_json
from searchapp.output.excerpts import excerpt
from searchapp.search.query import Query
from searchapp.search.query_options import IN_REQUESTS
from searchapp.types.filters import Filters
from searchapp.types.results import Answer, Match
from searchapp.web.ingests import Ingests

if TYPE_CHECKING:
    from searchapp.corpus import Corpus
    from searchapp.types.results import OpenDocument


FILTERS = ("in", "type", "since", "before", "where", "label")
CURSOR = r"^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$"
MOST_TEXT = 200_000  # characters of one answer


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

    def version(self, corpus_id: str, generation: int) -> str:
        """What names a generation of a corpus, among those that this server has served."""
        return f"{self._start}-{corpus_id[:8]}-{generation}"

    def now(self) -> dict[str, Any]:
        """What changes while people look: the corpus in numbers, and the ingest that runs or ran
        last.
        """
        corpus_id, generation, counts = "", 0, (0, 0, 0, 0)
        try:
            with closing(self.corpus.reader()) as reader:
                corpus_id, generation = reader.corpus_id, reader.generation
                counts = reader.counts()
        except CorpusMissing:
            pass
        documents, passages, pending, stale = counts
        return {
            "version": self.version(corpus_id, generation),
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
        try:
            answer = self.corpus.query(query_of(said))
        except (EmptyRange, EmptyQuery) as error:
            answer = self._nothing(said, str(error))
        return answer, self._answer_values(answer)

    def _answer_values(self, answer: Answer) -> dict[str, object]:
        """An answer for programs, each match with its excerpt."""
        matches: list[Any] = []
        values = answer_json(answer)
        for match, shown in zip(answer.matches, values["matches"], strict=True):  # type: ignore[call-overload]
            part = excerpt(match.text, answer.query, sentence=match.sentence)
            matches.append(
                shown | {"excerpt": {"text": part.text, "marks": list(map(list, part.marks))}}
            )
        version = self.version(answer.corpus_id, answer.generation)
        return values | {"matches": matches, "notes": answer_notes(answer), "version": version}

    def _nothing(self, said: Mapping[str, Any], note: str) -> Answer:
        """The answer to a question that nothing can answer."""
        with closing(self.corpus.reader()) as reader:
            generation, corpus_id = reader.generation, reader.corpus_id
        question, mode = str(said.get("q", "")), said.get("mode", "")
        return Answer(question, mode, (), generation, (), 0.0, notes=(note,), corpus_id=corpus_id)

    # -- documents and passages

    def passage(self, said: Mapping[str, Any]) -> dict[str, object]:
        """A passage between its neighbours."""
        around = {name: said.get(name, 2) for name in ("before", "after")}
        context = self.corpus.passage(said["id"], **around)
        return {
            "passage": passage_json(context.hit),
            "before": list(map(passage_json, context.before)),
            "after": list(map(passage_json, context.after)),
            "document": row_json(context.document.row),
            "metadata": dict(context.document.metadata),
            "citation": citation(context.hit, context.document.metadata),
            "generation": context.document.generation,
            "version": self._version_of(context.document),
        }

    def _version_of(self, document: OpenDocument) -> str:
        return self.version(document.corpus_id, document.generation)

    def why(self, said: Mapping[str, Any]) -> dict[str, object]:
        """A passage as the match of a question, with all that can be told of it."""
        try:
            match = self.corpus.why(query_of(said), said["id"])
        except EmptyQuery:
            hit = self.corpus.passage(said["id"], before=0, after=0).hit
            match = Match(rank=0, score=0.0, cosine=None, legs={}, hit=hit)
        return match_json(match)

    def similar(self, said: Mapping[str, Any]) -> dict[str, object]:
        """What is like a passage."""
        question = {"like_passages": [(said["id"], "")]}
        return self._similar(said, question)

    def similar_documents(self, said: Mapping[str, Any]) -> dict[str, object]:
        """What is like a document."""
        return self._similar(said, {"like_documents": [said["id"]]})

    def _similar(self, said: Mapping[str, Any], examples: Mapping[str, Any]) -> dict[str, object]:
        try:
            answer = self.corpus.query(query_of({"mode": "cosine", **said}, **examples))
        except EmptyRange as error:
            answer = self._nothing(said, str(error))
        return self._answer_values(answer)

    def pdf_page(self, said: Mapping[str, Any]) -> dict[str, object]:
        """A page of a PDF, and where a passage stands on it."""
        page = self.corpus.pdf_page(said["id"], said["page"], passage_id=said.get("passage"))
        return page._asdict()

    def documents(self, said: Mapping[str, Any]) -> dict[str, object]:
        """A page of the list of documents, and where the next one begins."""
        try:
            filters = filters_of(said)
        except EmptyRange:
            return {"documents": [], "cursor": None}
        most = said.get("limit", 100)
        rows = self.corpus.documents_after(_path_at(said.get("cursor", "")), filters, most=most + 1)
        cursor = _cursor(rows[most - 1].path) if len(rows) > most else None
        return {"documents": list(map(row_json, rows[:most])), "cursor": cursor}

    def document(self, said: Mapping[str, Any]) -> dict[str, object]:
        """A document, without its text."""
        document = self.corpus.document(said["id"])
        return {
            "document": row_json(document.row),
            "metadata": dict(document.metadata),
            "generation": document.generation,
            "version": self._version_of(document),
        }

    def text(self, said: Mapping[str, Any]) -> dict[str, object]:
        """A part of a document's text."""
        start = said.get("from", 0)
        end = min(said.get("to", start + MOST_TEXT), start + MOST_TEXT)
        text = self.corpus.text(said["id"], start, end)
        return {"text": text, "from": start, "to": start + len(text)}


def filters_of(said: Mapping[str, Any]) -> Filters:
    """The filters in what a request says; raises as `query_of` does."""
    options: dict[str, Any] = {
        IN_REQUESTS[name].keyword: said[name] for name in FILTERS if name in said
    }
    return Filters.parse(**options)


def _cursor(path: bytes) -> str:
    return urlsafe_b64encode(path).decode()


def _path_at(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor.encode("ascii"))


def query_of(said: Mapping[str, Any], **examples: Any) -> Query:
    """The question in what a request says, with examples to find the like of; raises as `Query`
    does.
    """
    options: dict[str, Any] = dict(examples)
    for name, value in said.items():
        if name in IN_REQUESTS:
            options[IN_REQUESTS[name].keyword] = value
    if "collapse" in options:  # asked for as copies
        options["collapse"] = not options["collapse"]
    if "like" in said:
        options["like_passages"] = [(i, "") for i in said["like"]]
    return Query.parse(said.get("q") or (), **options)
