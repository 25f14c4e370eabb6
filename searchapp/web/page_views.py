"""What the page shows, gathered from the corpus: answers, facets, a passage with its neighbours.

An answer is kept for as long as the corpus stays the same, so that reading its matches one after
another does not ask again. Knows no HTML and no request.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from searchapp.corpus import require_documents
from searchapp.errors import CorpusMissing, SearchappError
from searchapp.output.html.search_facets import FACETS
from searchapp.output.html.search_page import PageProblem, SearchView
from searchapp.output.html.search_reading import ReadingView
from searchapp.types.filters import Filters
from searchapp.web.corpus_service import query_of
from searchapp.web.problems import problem_of

if TYPE_CHECKING:
    from searchapp.output.html.search_address import SearchAddress
    from searchapp.search.query import Query
    from searchapp.types.results import Answer
    from searchapp.web.corpus_service import CorpusService

T = TypeVar("T")

_KEPT = 64  # answers, and the like
_MOST_POINTS = 3_000  # passages on a map that is made while somebody waits
_HINTS = {  # where the library speaks of ids and commands that a reader of the page has not
    "gone": "Its file was changed, moved or removed since. Ask again to find where it is now.",
    "passage_missing": "The address may have been cut, or be of another corpus. Ask again.",
}


class PageViews:
    """What there is to see at each address of the page."""

    def __init__(self, service: CorpusService, *, version: str = "") -> None:
        """`version` is that of the page's styles and script."""
        self._service = service
        self._kept: OrderedDict[object, Any] = OrderedDict()
        self._lock = Lock()
        self.version = version

    def search(self, address: SearchAddress) -> SearchView:
        """The whole page: an answer where something is asked, and the match that is read."""
        view = self._view(address)
        if view.problem is not None or not (address.is_question or address.match):
            return view
        if address.is_question:
            answer = self._answer(address, view.corpus_version)
            view = replace(view, answer=answer, facets=answer.facets)
        return self._with_reading(view)

    def reading(self, address: SearchAddress) -> SearchView:
        """The passage that is read, alone."""
        view = self._view(address)
        if view.problem is not None:
            return replace(view, problem=None, reading_problem=view.problem)
        if address.is_question:  # for the other matches of its document
            view = replace(view, answer=self._answer(address, view.corpus_version))
        return self._with_reading(view)

    def map(self) -> str:
        """The page of the map: of passages where they are few, else of documents."""
        from searchapp.analysis.corpus_map import map_corpus
        from searchapp.output.html.map_page import served_map_html

        def made() -> str:
            with closing(corpus.reader()) as reader:
                require_documents(reader)
                level = "passage" if reader.counts()[1] <= _MOST_POINTS else "document"
                mapped = map_corpus(reader, Filters(), granularity=level, method="pca")
            place = os.fsencode(corpus.folder or "")
            return served_map_html(mapped, place, version=self.version)

        corpus = self._service.corpus
        return self._once(("map", str(self._service.now()["version"])), made)

    def failed(self, address: SearchAddress, error: SearchappError) -> SearchView:
        """The page where a question cannot be answered."""
        problem = problem_on_page(error)
        return replace(self._view(address), problem=problem, reading_problem=None)

    def _view(self, address: SearchAddress) -> SearchView:
        """The page with what it says of the corpus."""
        view = SearchView(address, now_ns=time.time_ns(), version=self.version)
        try:
            version = str(self._service.now()["version"])
            status = self._service.corpus.status()
        except CorpusMissing as error:
            problem = problem_on_page(error) if address.is_question or address.match else None
            return replace(view, problem=problem)
        except SearchappError as error:
            return replace(view, problem=problem_on_page(error))
        return replace(
            view,
            status=status,
            corpus_version=version,
            can_refresh=bool(status.roots) and not self._service.read_only,
        )

    def _answer(self, address: SearchAddress, version: str) -> Answer:
        query = _query(address)
        return self._once((query, version), lambda: self._service.corpus.query(query))

    def _with_reading(self, view: SearchView) -> SearchView:
        """The page with the chosen match, else the first one, to be read."""
        answer, passage_id = view.answer, view.address.match
        if passage_id is None:
            if answer is None or not answer.matches:
                return view
            passage_id = answer.matches[0].passage_id
        try:
            return replace(view, reading=self._reading(view, passage_id))
        except SearchappError as error:
            return replace(view, reading_problem=problem_on_page(error))

    def _reading(self, view: SearchView, passage_id: int) -> ReadingView:
        corpus, address = self._service.corpus, view.address
        context = corpus.passage(passage_id, before=address.above + 1, after=address.below + 1)
        reading = ReadingView(context)
        if address.why and address.is_question and address.tab == "text":
            query = _query(address)
            key = ("why", passage_id, query, view.corpus_version)
            explained = self._once(key, lambda: corpus.why(query, passage_id))
            reading = replace(reading, explained=explained)
        number = address.page or dict(context.hit.passage.place).get("page")
        if address.tab == "page" and context.hit.type == "pdf" and isinstance(number, int):
            try:
                page = corpus.pdf_page(context.hit.document_id, number, passage_id=passage_id)
                return replace(reading, page=page)
            except SearchappError as error:
                return replace(reading, page_problem=f"{error}")
        return reading

    def _once(self, key: object, make: Callable[[], T]) -> T:
        """What was made for a key before, else what is made now."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[no-any-return]  # of this key, a T
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made


def problem_on_page(error: SearchappError) -> PageProblem:
    """What the page says of an error."""
    hint = _HINTS.get(error.code, error.hint)
    return PageProblem(error.code, str(error), hint, problem_of(error).status_code)


def _query(address: SearchAddress) -> Query:
    """The question of an address; raises as `query_of` does."""
    said: dict[str, Any] = {
        "q": address.q,
        "mode": address.mode,
        "k": address.k,
        "in": list(address.in_),
        "type": list(address.type_),
        "since": address.since,
        "before": address.before,
        "label": list(address.label),
        "like": list(address.like),
        "facets": list(FACETS),
    }
    return query_of({name: value for name, value in said.items() if value})
