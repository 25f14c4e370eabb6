"""What a server does for the command line of this user alone: answers as it would write them
itself, and codes that let a browser in.

Private to one version of the program, which the state file names; and to programs: a browser has no
token.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from searchapp.errors import SearchappError, UsageError
from searchapp.web.api import BASE, guarded, json_response
from searchapp.web.problems import ProblemDetails

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from searchapp.web.access import Access
    from searchapp.web.state_file import ServerState
    from searchapp.web.workers import Workers

WRITTEN, CODES = f"{BASE}/written", f"{BASE}/codes"
_WITHIN_S = 10.0
# what is asked, to text, notes and exit code by name
Written = Callable[[Mapping[str, Any]], Mapping[str, object]]


def routes(workers: Workers, access: Access, written: Written) -> list[Route]:
    """What Starlette serves."""

    async def answered(request: Request) -> Response:
        async def answer() -> Response:
            try:
                asked = json.loads(await request.body())
            except ValueError as error:
                raise UsageError("the request is no JSON") from error
            return json_response(await workers.run(request, lambda: written(asked)))

        return await guarded(answer)

    async def admitted(_: Request) -> Response:
        return json_response({"code": access.new_code()})

    return [
        Route(WRITTEN, _of_programs(answered), methods=["POST"]),
        Route(CODES, _of_programs(admitted), methods=["POST"]),
    ]


def new_code(state: ServerState) -> str:
    """A code of a living server that lets one browser in. Raises SearchappError."""
    connection = HTTPConnection(state.host, state.port, timeout=_WITHIN_S)
    headers = {"Authorization": f"Bearer {state.token}", "Content-Type": "application/json"}
    try:
        with closing(connection):
            connection.request("POST", CODES, body=b"{}", headers=headers)
            return str(json.loads(connection.getresponse().read())["code"])
    except (OSError, HTTPException, ValueError, KeyError) as error:
        raise SearchappError(
            f"the server of process {state.pid} does not answer",
            hint=f"end it with: kill {state.pid}",
        ) from error


def _of_programs(answer: Callable[[Request], Awaitable[Response]]) -> Any:  # an endpoint
    async def answered(request: Request) -> Response:
        if request.state.caller != "program":
            return ProblemDetails(403, "no_program", "this address is for programs")
        return await answer(request)

    return answered
