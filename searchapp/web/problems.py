"""Errors as answers of the server: RFC 9457, `application/problem+json`.

One table says which error has which status; a code is stable and meant for programs, as in
`errors`. Knows nothing of routes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from searchapp import errors

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from searchapp.errors import SearchappError

MEDIA_TYPE = "application/problem+json"
_STATUSES: Mapping[str, int] = {  # by the code of the error
    "corpus_missing": 409,
    "corpus_empty": 409,
    "other_encoder": 409,
    "unsupported": 409,
    "corpus_locked": 409,
    "query_too_large": 413,
    "document_missing": 404,
    "passage_missing": 404,
    "path_missing": 404,
    "gone": 410,
    "page_missing": 404,
    "file_changed": 409,
    "file_failed": 409,
    "file_skipped": 409,
    "encoder": 503,
    "corpus_unwritable": 507,
}
_OF_REQUESTS: Mapping[str, int] = {  # what is wrong with a request, whatever it asks for
    **dict.fromkeys(("usage", "bad_filter", "bad_setting", "empty_query", "header_twice"), 400),
    "no_token": 401,
    **dict.fromkeys(("other_origin", "cross_site", "code_used", "no_program"), 403),
    "missing": 404,
    "method": 405,
    "too_slow": 408,
    "too_large": 413,
    "too_long": 414,
    "not_json": 415,
    "other_host": 421,
    "headers_too_large": 431,
    **dict.fromkeys(("internal", "corpus_damaged"), 500),
    "busy": 503,
}
BUSY_S = 1  # after which another try is worth while


class ProblemDetails(Response):
    """An answer that says what is wrong, and how it is mended."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`title` is the same for each problem of a code; `detail` says what helps in this one."""
        body = {
            "type": f"urn:searchapp:{code}",
            "title": title,
            "status": status,
            "code": code,
            **({"detail": detail} if detail else {}),
        }
        super().__init__(json.dumps(body), status, dict(headers or {}), media_type=MEDIA_TYPE)
        self._said = (title, detail)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it: to a browser that opens an address, as a page."""
        accepted = dict(scope.get("headers", ())).get(b"accept", b"")
        if not accepted.startswith(b"text/html") or self.status_code < 400:
            await super().__call__(scope, receive, send)
            return
        from searchapp.output.html.problem_page import problem_html

        kept = {
            name: value for name, value in self.headers.items() if not name.startswith("content-")
        }
        page = HTMLResponse(problem_html(*self._said), self.status_code, kept)
        await page(scope, receive, send)


def problem_of(error: SearchappError) -> ProblemDetails:
    """The answer for an error of the library: its message as the title, its hint as the detail."""
    status = _STATUSES.get(error.code) or (400 if isinstance(error, errors.UsageError) else 500)
    headers = {"Retry-After": str(BUSY_S)} if status == 503 else None
    return ProblemDetails(status, error.code, str(error), error.hint, headers=headers)


def statuses() -> list[tuple[int, list[str]]]:
    """Every status that a problem may have, with its codes."""
    codes: dict[int, list[str]] = {}
    for code, status in {**_OF_REQUESTS, **_STATUSES}.items():
        codes.setdefault(status, []).append(code)
    return sorted(codes.items())
