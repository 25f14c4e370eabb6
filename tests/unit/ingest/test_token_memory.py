"""Tokens are kept until they are taken, and no more of them than there is room for."""

from __future__ import annotations

from array import array

from searchapp.ingest.token_memory import TokenMemory


def test_tokens_are_taken_once() -> None:
    memory = TokenMemory()
    memory.keep(b"a", array("H", [1, 2]))
    assert memory.take(b"a") == array("H", [1, 2])
    assert memory.take(b"a") is None


def test_what_comes_when_it_is_full_is_not_kept_and_room_comes_back() -> None:
    memory = TokenMemory(most_tokens=3)
    memory.keep(b"a", array("H", [1, 2]))
    memory.keep(b"b", array("H", [3, 4]))
    assert memory.take(b"b") is None
    memory.take(b"a")
    memory.keep(b"b", array("H", [3, 4]))
    assert memory.take(b"b") == array("H", [3, 4])


def test_passages_without_tokens_take_no_entry() -> None:
    memory = TokenMemory()
    memory.keep(b"a", array("H"))
    assert memory.take(b"a") is None
