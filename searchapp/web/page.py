"""The page for people: where its parts are, and which values they show.

What it looks like is made in `output.html`; without scripts, forms and links do all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from searchapp.web.corpus_service import CorpusService
    from searchapp.web.workers import Workers


def routes(service: CorpusService, workers: Workers) -> list[Route]:  # noqa: ARG001 - to come
    """What Starlette serves."""

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>searchapp</title><p>to come")

    return [Route("/", page)]
