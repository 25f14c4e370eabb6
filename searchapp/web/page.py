"""The page for people: where its parts are, and how their answers are sent.

What is shown is gathered in `page_views`, and what it looks like is made in `output.html`. Without
scripts, forms and links do all of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from searchapp.errors import SearchappError
from searchapp.output.html.page import asset
from searchapp.output.html.search_address import READING, SEARCH, SearchAddress
from searchapp.output.html.search_page import (
    MAP,
    PageProblem,
    SearchView,
    reading_fragment,
    search_fragment,
    search_html,
)
from searchapp.search.query_options import Option
from searchapp.web.api import QUESTION, guarded
from searchapp.web.page_views import PageViews
from searchapp.web.parameters import said_in
from searchapp.web.problems import BUSY_S, ProblemDetails
from searchapp.web.workers import Busy

if TYPE_CHECKING:
    from starlette.requests import Request

    from searchapp.web.corpus_service import CorpusService
    from searchapp.web.workers import Workers

_ASSETS = ("base.css", "search.css", "map.css", "search.js", "labels.js", "map.js", "icon.svg")
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_MOST_AROUND = 200

PARAMETERS = {
    **{
        name: QUESTION[name]
        for name in ("q", "mode", "in", "type", "since", "before", "label", "like", "k")
    },
    **{
        option.name: option
        for option in (
            Option("match", "match", "integer", "The passage to read.", least=1, most=2**63 - 1),
            Option("tab", "tab", "text", "What to read.", choices=("text", "page")),
            Option("page", "page", "integer", "A page of a PDF.", least=1, most=1_000_000),
            Option("above", "above", "integer", "Passages before.", least=0, most=_MOST_AROUND),
            Option("below", "below", "integer", "Passages after.", least=0, most=_MOST_AROUND),
            Option("why", "why", "integer", "1: tell why.", least=0, most=1),
        )
    },
}
_Look = Callable[[PageViews, SearchAddress], SearchView]


def routes(service: CorpusService, workers: Workers) -> list[Route]:
    """What Starlette serves."""
    views = PageViews(service, version=_version())
    parts: tuple[tuple[str, _Look, Callable[[SearchView], str]], ...] = (
        ("/", PageViews.search, search_html),
        (SEARCH, PageViews.search, search_fragment),
        (READING, PageViews.reading, reading_fragment),
    )
    return [
        *(
            Route(path, partial(_shown, views, workers, look, render), name=path)
            for path, look, render in parts
        ),
        Route(MAP, partial(_map, views, workers), name=MAP),
        Route("/static/{name}", _static),
    ]


async def _shown(
    views: PageViews,
    workers: Workers,
    look: _Look,
    render: Callable[[SearchView], str],
    request: Request,
) -> Response:
    """A part of the page; what is wrong stands in it, with the status that says so."""

    async def answer() -> Response:
        address, view = SearchAddress(), SearchView()
        try:
            address = SearchAddress.of(await said_in(request, PARAMETERS))
            view = await workers.run(request, lambda: look(views, address))
        except Busy:
            problem = PageProblem(
                "busy", "Too many questions at once", "Ask again in a moment.", 503
            )
            view = SearchView(address, problem=problem, version=views.version)
        except SearchappError as error:
            view = await workers.run(request, partial(views.failed, address, error))
        status = _status(view)
        headers = {"Retry-After": str(BUSY_S)} if status == 503 else None
        return HTMLResponse(render(view), status, headers)

    answered = await guarded(answer)
    if not isinstance(answered, ProblemDetails):
        return answered
    problem = PageProblem("failed", "The server failed", "Its log says why. Ask again.", 500)
    view = SearchView(problem=problem, version=views.version)
    return HTMLResponse(render(view), answered.status_code)


async def _map(views: PageViews, workers: Workers, request: Request) -> Response:
    """The map of the corpus."""

    async def answer() -> Response:
        return HTMLResponse(await workers.run(request, views.map))

    return await guarded(answer)


def _status(view: SearchView) -> int:
    """The HTTP status of what is shown."""
    problem = view.problem or view.reading_problem
    return 200 if problem is None else problem.status


async def _static(request: Request) -> Response:
    """A style or script of the page; of a fixed list, so that no name reaches a file."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        return Response("there is nothing at this address", 404, media_type="text/plain")
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    # its address changes whenever it does
    headers = {"Cache-Control": "private, max-age=31536000, immutable"}
    return Response(asset(name), headers=headers, media_type=media_type)


@cache
def _version() -> str:
    """What changes whenever a style or script does."""
    whole = "".join(map(asset, _ASSETS))
    return hashlib.blake2b(whole.encode(), digest_size=6).hexdigest()
