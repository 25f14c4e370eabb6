"""How a server listens."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from searchapp.errors import SearchappError
from searchapp.web.server import ServeOptions, _listener


def test_answers_are_sent_at_once() -> None:
    with closing(_listener(ServeOptions(port=0))) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # asyncio sets TCP_NODELAY for no other


def test_a_port_is_one_servers() -> None:
    with (
        closing(_listener(ServeOptions(port=0))) as listener,
        pytest.raises(SearchappError, match="cannot listen"),
    ):
        _listener(ServeOptions(port=listener.getsockname()[1]))
