"""All that a server answers, behind its guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from searchapp.web import api, command_lines, page
from searchapp.web.guard import HEALTH, METHODS
from searchapp.web.problems import ProblemDetails

if TYPE_CHECKING:
    from starlette.requests import Request

    from searchapp.web.access import Access
    from searchapp.web.command_lines import Written
    from searchapp.web.corpus_service import CorpusService
    from searchapp.web.events import Events
    from searchapp.web.workers import Workers


def application(
    service: CorpusService, workers: Workers, events: Events, access: Access, written: Written
) -> Starlette:
    """Page, API and command lines."""
    return Starlette(
        routes=[
            Route(HEALTH, _health),
            *api.routes(service, workers, events),
            *command_lines.routes(workers, access, written),
            *page.routes(service, workers),
        ],
        exception_handlers={404: _missing, 405: _wrong_method},
    )


def methods_at(app: Starlette, path: str) -> frozenset[str]:
    """Which methods an address has; all of the guard's where nothing is there."""
    for route in app.routes:
        if isinstance(route, Route) and route.path_regex.match(path):
            return frozenset(route.methods or ())
    return METHODS


async def _health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def _missing(request: Request, _: Exception) -> ProblemDetails:
    return ProblemDetails(404, "missing", "there is nothing at this address", request.url.path)


async def _wrong_method(_: Request, error: Exception) -> ProblemDetails:
    allow = getattr(error, "headers", None) or {}
    return ProblemDetails(405, "method", "this address has no such method", headers=allow)
