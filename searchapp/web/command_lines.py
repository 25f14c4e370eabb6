"""Answers for the command line of this user, as it would write them itself.

Private to one version of the program, which the state file names; and to programs: a browser has no
token.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from searchapp.web.api import BASE, guarded, json_response
from searchapp.web.problems import ProblemDetails

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from searchapp.web.workers import Workers

# what is asked, to text, notes and exit code by name
Written = Callable[[Mapping[str, Any]], Mapping[str, object]]


def route(workers: Workers, written: Written) -> Route:
    """Where `thin_client` asks."""

    async def answered(request: Request) -> Response:
        if request.state.caller != "program":
            return ProblemDetails(403, "no_program", "this address is for programs")

        async def answer() -> Response:
            asked = json.loads(await request.body())
            return json_response(await workers.run(request, lambda: written(asked)))

        return await guarded(answer)

    return Route(f"{BASE}/written", answered, methods=["POST"])
