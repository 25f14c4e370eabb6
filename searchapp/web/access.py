"""Who may ask: programs with the server's token, browsers with the cookie that a one-time code gave
them.

The token is in one file that only its owner may read, and in no address, log or process list. Knows
nothing of what is asked.
"""

from __future__ import annotations

import hmac
import secrets
import time
from http.cookies import CookieError, SimpleCookie
from typing import Literal

CODE_LIVES_S = 3600.0
_MOST_CODES = 100  # that wait at once; the oldest goes first


class Access:
    """The token of one server, and the codes that open a browser once each."""

    def __init__(self, token: str | None = None) -> None:
        """With a token that was chosen before, or a new one."""
        self.token = token or secrets.token_urlsafe(32)
        # The cookie is another secret: who sees one cannot use the other.
        self._session = secrets.token_urlsafe(32)
        self._codes: dict[str, float] = {}  # when each ends

    def new_code(self) -> str:
        """A code that lets one browser in, once, within an hour."""
        while len(self._codes) >= _MOST_CODES:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(24)
        self._codes[code] = time.monotonic() + CODE_LIVES_S
        return code

    def redeem(self, code: str) -> bool:
        """Use a code up; whether it was one that still holds."""
        return self._codes.pop(code, 0.0) > time.monotonic()

    def cookie(self, port: int) -> str:
        """The header that lets a browser in from now on. Its name has the port, as cookies of one
        host are shared by all its ports.
        """
        return f"{cookie_name(port)}={self._session}; HttpOnly; SameSite=Strict; Path=/"

    def known(self, authorization: str, cookie: str, port: int) -> Literal["program", "page", ""]:
        """Who is let in by these headers; "" for nobody."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and _is_same(token.strip(), self.token):
            return "program"
        if _is_same(_cookie_value(cookie, cookie_name(port)), self._session):
            return "page"
        return ""


def cookie_name(port: int) -> str:
    """The name of the cookie of the server at a port."""
    return f"searchapp-{port}"


def _cookie_value(header: str, name: str) -> str:
    try:
        return value.value if (value := SimpleCookie(header).get(name)) else ""
    except CookieError:
        return ""


def _is_same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
