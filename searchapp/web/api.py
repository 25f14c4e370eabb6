"""The API for programs: what is at which address, and what it takes and gives.

One table makes the routes and the description that programs read (`openapi`). Handlers turn what
is said into calls of the corpus, in threads, and errors into problems.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response
from starlette.routing import Route

from searchapp.errors import SearchappError
from searchapp.output.serialization import json_text
from searchapp.search.query_options import IN_REQUESTS, MOST_INTEGER, NOT_BLANK, Option
from searchapp.web.corpus_service import CURSOR, FILTERS, MOST_TEXT, CorpusService
from searchapp.web.openapi import description
from searchapp.web.originals import original, picture, reveal
from searchapp.web.parameters import checked, said_in
from searchapp.web.problems import ProblemDetails, problem_of
from searchapp.web.workers import Busy, ClientLeft, Workers

if TYPE_CHECKING:
    from starlette.requests import Request

    from searchapp.web.events import Events

BASE = "/api/v1"
Work = Callable[["CorpusService", Mapping[str, Any]], Mapping[str, Any] | Response]
_log = logging.getLogger(__name__)


class _Count(Convertor[int]):
    """A number in an address: of no more digits than Python reads."""

    regex = "[0-9]{1,30}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("count", _Count())

QUESTION = {
    "q": Option("q", "texts", "text", "What you want to know.", pattern=NOT_BLANK),
    **IN_REQUESTS,
}


class Endpoint(NamedTuple):
    """One address of the API."""

    path: str  # below BASE, with the names of its own parameters in braces
    summary: str
    work: Work  # what it gives, of what was said
    schema: str  # the name of what it gives, in `schemas`
    options: Mapping[str, Option] = {}
    methods: tuple[str, ...] = ("GET",)
    required: tuple[str, ...] = ()  # options that an address has to have
    path_options: Mapping[str, Option] = {}
    failures: tuple[int, ...] = ()  # beside those that every address may have
    status: int = 200
    media_type: str = "application/json"
    is_of_generation: bool = False  # names its generation, and is the same as long as that is


def _search(service: CorpusService, said: Mapping[str, Any]) -> Mapping[str, object]:
    return service.search(said)[1]


_ID = {"id": Option("id", "id", "integer", "As answers give it.", least=1, most=MOST_INTEGER)}
_AROUND = {
    name: Option(name, name, "integer", f"How many neighbours {name} it.", least=0, most=50)
    for name in ("before", "after")
}
_EXPLAINED = {name: QUESTION[name] for name in ("q", "mode", "weight", "not", "literal")}
_LIKENESS = {name: option for name, option in IN_REQUESTS.items() if name != "like"}
_PAGE_NUMBER = {
    "page": Option("page", "page", "integer", "The number of a page.", least=1, most=100_000)
}
_ON_PAGE = {
    "passage": Option(
        "passage", "passage", "integer", "The id of a passage.", least=1, most=MOST_INTEGER
    )
}
_SCALE = {"scale": Option("scale", "scale", "number", "Pixels a point.", least=0.1, most=4)}
_FILTERS = {name: IN_REQUESTS[name] for name in FILTERS}
_PAGE = {
    "limit": Option("limit", "limit", "integer", "How many, at most.", least=1, most=1000),
    "cursor": Option("cursor", "cursor", "text", "Where the page before ended.", pattern=CURSOR),
}
_RANGE = {
    name: Option(name, name, "integer", f"{what}, in code points.", least=0, most=2**31)
    for name, what in (("from", "Where it begins"), ("to", "Where it ends"))
}

ENDPOINTS = (
    Endpoint(
        "/search",
        "The passages that answer a question, best first.",
        _search,
        "Answer",
        QUESTION,
        ("GET", "POST"),
        required=("q",),
        failures=(404, 409, 410),
        is_of_generation=True,
    ),
    Endpoint(
        "/passages/{id}",
        "A passage between its neighbours, with its citation.",
        CorpusService.passage,
        "PassageContext",
        _AROUND,
        path_options=_ID,
        failures=(404, 409, 410),
        is_of_generation=True,
    ),
    Endpoint(
        "/passages/{id}/why",
        "Why a passage is a match: its legs, its sentence, and what each word adds.",
        CorpusService.why,
        "Match",
        _EXPLAINED,
        ("GET", "POST"),
        required=("q",),
        path_options=_ID,
        failures=(404, 409, 410),
    ),
    Endpoint(
        "/passages/{id}/similar",
        "The passages that are like a passage.",
        CorpusService.similar,
        "Answer",
        _LIKENESS,
        path_options=_ID,
        failures=(404, 409, 410),
        is_of_generation=True,
    ),
    Endpoint(
        "/documents",
        "The documents by path, a page at a time.",
        CorpusService.documents,
        "Documents",
        _FILTERS | _PAGE,
        failures=(409,),
    ),
    Endpoint(
        "/documents/{id}",
        "A document and its metadata.",
        CorpusService.document,
        "OpenDocument",
        path_options=_ID,
        failures=(404, 409, 410),
        is_of_generation=True,
    ),
    Endpoint(
        "/documents/{id}/text",
        f"A part of a document's text, of {MOST_TEXT:,} characters at most.",
        CorpusService.text,
        "Text",
        _RANGE,
        path_options=_ID,
        failures=(404, 409, 410),
    ),
    Endpoint(
        "/documents/{id}/similar",
        "The passages that are like a document.",
        CorpusService.similar_documents,
        "Answer",
        _LIKENESS,
        path_options=_ID,
        failures=(404, 409, 410),
        is_of_generation=True,
    ),
    Endpoint(
        "/documents/{id}/pages/{page}",
        "How large a page of a PDF is, in points, and where a passage stands on it.",
        CorpusService.pdf_page,
        "Page",
        _ON_PAGE,
        path_options=_ID | _PAGE_NUMBER,
        failures=(404, 409, 410),
    ),
    Endpoint(
        "/documents/{id}/pages/{page}.png",
        "A page of a PDF as a picture.",
        picture,
        "",
        _SCALE,
        path_options=_ID | _PAGE_NUMBER,
        failures=(404, 409, 410),
        media_type="image/png",
    ),
    Endpoint(
        "/documents/{id}/original",
        "The file that a document was read from, to be saved.",
        lambda service, said: original(service.corpus, said["id"]),
        "",
        path_options=_ID,
        failures=(404, 409, 410),
        media_type="application/octet-stream",
    ),
    Endpoint(
        "/documents/{id}/reveal",
        "Show a document's file in its folder, on the machine of the server.",
        lambda service, said: reveal(service.corpus, said["id"]),
        "Revealed",
        methods=("POST",),
        path_options=_ID,
        failures=(404, 409, 410),
    ),
    Endpoint(
        "/status",
        "The corpus at a glance.",
        lambda service, _: service.status(),
        "Status",
        failures=(409,),
    ),
    Endpoint(
        "/ingest",
        "Begin to bring the remembered folders up to date; /events tells how far it is.",
        lambda service, _: service.ingest(),
        "Now",
        methods=("POST",),
        failures=(409,),
        status=202,
    ),
)


def routes(service: CorpusService, workers: Workers, events: Events) -> list[Route]:
    """What Starlette serves."""
    described = json_response(description(ENDPOINTS, BASE))

    async def streamed(_: Request) -> Response:
        return await events.answer()

    async def openapi(_: Request) -> Response:
        return described

    return [
        Route("/openapi.json", openapi),
        Route(f"{BASE}/events", streamed),
        *(
            Route(
                BASE
                + endpoint.path.replace("{id}", "{id:count}").replace("{page}", "{page:count}"),
                partial(_answered, service, workers, endpoint),
                methods=list(endpoint.methods),
                name=endpoint.path,
            )
            for endpoint in ENDPOINTS
        ),
    ]


async def _answered(
    service: CorpusService, workers: Workers, endpoint: Endpoint, request: Request
) -> Response:
    """The answer of an endpoint, or the problem that kept it from answering."""

    async def answer() -> Response:
        said = await said_in(request, endpoint.options, endpoint.required) | path_values(
            request, endpoint
        )
        known = request.headers.get("if-none-match") if endpoint.is_of_generation else None
        if known:
            now = await workers.run(request, service.now)
            if f'"{now["version"]}"' in known:
                return Response(status_code=304, headers={"ETag": f'"{now["version"]}"'})
        values = await workers.run(request, lambda: endpoint.work(service, said))
        if isinstance(values, Response):
            return values
        headers = {}
        if endpoint.is_of_generation:
            headers["ETag"] = f'"{values["version"]}"'
        return json_response(values, headers, endpoint.status)

    return await guarded(answer)


def path_values(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    """The values in an address; raises UsageError for one out of bounds."""
    return {
        name: checked(endpoint.path_options[name], value)
        for name, value in request.path_params.items()
    }


def json_response(
    values: Mapping[str, object], headers: Mapping[str, str] = {}, status: int = 200
) -> Response:
    """Values for programs, in ASCII, so that any path comes back exactly."""
    return Response(json_text(values), status, dict(headers), "application/json")


async def guarded(answer: Callable[[], Awaitable[Response]]) -> Response:
    """The answer, or the problem that an error of ours or of the server's is."""
    try:
        return await answer()
    except Busy as busy:
        return busy.answer()
    except ClientLeft:
        return Response(status_code=499)
    except SearchappError as error:
        return problem_of(error)
    except Exception as error:  # noqa: BLE001 - the end of the line: whatever failed becomes an answer
        _log.exception("an answer failed")
        return ProblemDetails(500, "internal", "the server failed", f"{type(error).__name__}")
