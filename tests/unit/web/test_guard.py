"""What the guard lets in, and what it says to everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from searchapp.web.access import Access, cookie_name
from searchapp.web.guard import HEADERS, MOST_BODY, Allowed
from tests.builders.asgi import HOST, PORT, Served

SEARCH = "/api/v1/search?q=lamp"


def with_token(served: Served, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [HOST, ("authorization", f"Bearer {served.access.token}"), *more]


def test_a_program_with_the_token_is_let_in(served: Served) -> None:
    assert served.ask(SEARCH).status == 200


@pytest.mark.parametrize(
    "headers", [(), (("authorization", "Bearer x"),), (("cookie", "searchapp-8765=x"),)]
)
def test_nobody_else_is(served: Served, headers: Sequence[tuple[str, str]]) -> None:
    reply = served.ask(SEARCH, headers=[HOST, *headers])
    assert (reply.status, reply.json["code"]) == (401, "no_token")
    assert reply.headers["www-authenticate"] == "Bearer"


def test_the_health_check_needs_no_token_but_the_right_host(served: Served) -> None:
    assert served.ask("/health", headers=[HOST]).json == {"status": "ok"}
    assert served.ask("/health", headers=[("host", "evil.example")]).status == 421


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8765",
        "127.0.0.1",
        "127.0.0.1:1",
        "0.0.0.0:8765",
        "localhost.:8765",
        "",
        "LOCALHOST:8765 ",
    ],
)
def test_another_name_is_not_this_server(served: Served, host: str) -> None:
    token = ("authorization", f"Bearer {served.access.token}")
    assert served.ask(SEARCH, headers=[("host", host), token]).status == 421


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_it_has_three_names_of_its_own(served: Served, host: str) -> None:
    token = ("authorization", f"Bearer {served.access.token}")
    assert served.ask(SEARCH, headers=[("host", f"{host}:{PORT}"), token]).status == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:3000", "https://127.0.0.1:8765", "file://"],
)
def test_another_page_is_refused(served: Served, origin: str) -> None:
    reply = served.ask(SEARCH, headers=with_token(served, ("origin", origin)))
    assert (reply.status, reply.json["code"]) == (403, "other_origin")
    assert not any("access-control" in name for name in reply.headers)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_began_is_refused(served: Served, site: str) -> None:
    assert served.ask(SEARCH, headers=with_token(served, ("sec-fetch-site", site))).status == 403


def test_its_own_page_is_let_in(served: Served) -> None:
    own = [("origin", f"http://127.0.0.1:{PORT}"), ("sec-fetch-site", "same-origin")]
    assert served.ask(SEARCH, headers=with_token(served, *own)).status == 200


@pytest.mark.parametrize(
    "name", ["host", "origin", "cookie", "authorization", "content-length", "sec-fetch-site"]
)
def test_a_header_that_comes_twice_is_refused(served: Served, name: str) -> None:
    twice = [(name, "x"), (name, "y")]
    assert served.ask(SEARCH, headers=with_token(served, *twice)).json["code"] == "header_twice"


def test_long_addresses_and_headers_are_refused(served: Served) -> None:
    assert served.ask(f"{SEARCH}&x={'a' * 9000}").status == 414
    assert served.ask(SEARCH, headers=with_token(served, ("x", "a" * 17_000))).status == 431


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_only_json_is_written(served: Served, kind: str) -> None:
    headers = with_token(served, ("content-type", kind))
    assert served.ask("/api/v1/search", {"q": "lamp"}, headers=headers).status == 415


def test_a_large_body_is_refused_before_and_while_it_is_read(served: Served) -> None:
    json = ("content-type", "application/json")
    declared = with_token(served, json, ("content-length", str(MOST_BODY + 1)))
    assert served.ask("/api/v1/search", b"{}", headers=declared).status == 413
    assert served.ask("/api/v1/search", b" " * (MOST_BODY + 1)).status == 413


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_a_method_that_an_address_lacks_is_named_with_those_it_has(
    served: Served, method: str
) -> None:
    reply = served.ask("/api/v1/ingest", method=method)
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_every_answer_carries_the_headers_of_the_guard(served: Served) -> None:
    for reply in (served.ask("/"), served.ask("/nothing"), served.ask(SEARCH, headers=[])):
        assert reply.headers.items() >= HEADERS.items()


def test_a_code_lets_one_browser_in_once(served: Served) -> None:
    code = served.access.new_code()
    first = served.ask(f"/?code={code}", headers=[HOST])
    assert (first.status, first.headers["location"]) == (303, "/")
    cookie, *flags = first.headers["set-cookie"].split("; ")
    assert flags == ["HttpOnly", "SameSite=Strict", "Path=/"]
    assert served.ask("/", headers=[HOST, ("cookie", cookie)]).status == 200
    assert served.ask(f"/?code={code}", headers=[HOST]).json["code"] == "code_used"
    again = served.ask(f"/?code={code}", headers=[HOST, ("cookie", cookie)])
    assert (again.status, again.headers["location"]) == (303, "/")


def test_the_cookie_is_not_the_token_and_holds_at_its_port_alone() -> None:
    access = Access()
    cookie = access.cookie(80).partition(";")[0]
    assert access.token not in cookie
    assert access.known("", cookie, 80) == "page"
    assert access.known("", cookie, 81) == ""
    assert access.known("", f"{cookie_name(80)}={access.token}", 80) == ""


def test_a_page_is_no_program(served: Served) -> None:
    cookie = ("cookie", served.access.cookie(PORT).partition(";")[0])
    json = ("content-type", "application/json")
    reply = served.ask("/api/v1/written", {}, headers=[HOST, cookie, json])
    assert (reply.status, reply.json["code"]) == (403, "no_program")


def test_a_name_behind_a_proxy_may_leave_the_usual_port_out() -> None:
    allowed = Allowed.on(8765, ("search.example:443",), is_encrypted=True)
    assert allowed.hosts == {"search.example:443", "search.example"}
    assert "https://search.example" in allowed.origins


def test_websockets_are_closed(served: Served) -> None:
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        sent.append(message)

    asyncio.run(served.app({"type": "websocket", "path": "/"}, receive, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]
