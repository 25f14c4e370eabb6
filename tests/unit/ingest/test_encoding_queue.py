"""What is encoded together, in which order documents leave, and that no text is queued twice."""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from searchapp.ingest.encoding_queue import EncodingQueue
from searchapp.types.documents import PendingDocument

if TYPE_CHECKING:
    from searchapp.types.vectors import Vector


def item(number: int, texts: Sequence[str]) -> PendingDocument:
    return PendingDocument(number, tuple(texts), tuple(text.encode() for text in texts))


def queue_of(*documents: Sequence[str]) -> EncodingQueue:
    queue = EncodingQueue()
    for number, texts in enumerate(documents):
        queue.add(item(number, texts), {}, lambda _: None)
    return queue


def vector_of(digest: bytes) -> Vector:
    return np.frombuffer(digest.ljust(8)[:8], np.uint8).astype(np.float32)


def settle(queue: EncodingQueue, characters: int) -> list[str]:
    """Embed what is taken; the texts, in order."""
    taken = queue.take(characters)
    digests = [each.digest for each in taken]
    queue.settle(digests, [vector_of(digest) for digest in digests])
    return [each.text for each in taken]


def left(queue: EncodingQueue) -> list[int]:
    return [each.document_id for each, _ in queue.leaving() if isinstance(each, PendingDocument)]


def test_a_job_is_the_oldest_text_and_those_nearest_to_it_in_length() -> None:
    queue = queue_of(["a" * 40, "b" * 400], ["c" * 44, "d" * 4], ["e" * 396])
    assert [text[0] for text in settle(queue, 84)] == ["a", "c"]
    assert [text[0] for text in settle(queue, 401)] == ["b", "e"]
    assert [text[0] for text in settle(queue, 1)] == ["d"]
    assert (queue.take(1), queue.characters) == ([], 0)


def test_the_length_of_a_text_is_that_of_its_tokens_where_they_are_known() -> None:
    queue = EncodingQueue()
    tokens = {b"aaaa": array("H", [1]), b"bbbb": array("H", range(90)), b"cc": array("H", [1, 2])}
    queue.add(item(0, ["aaaa", "bbbb", "cc"]), {}, tokens.get)
    taken = queue.take(6)
    assert [(each.text, each.tokens) for each in taken] == [
        ("aaaa", tokens[b"aaaa"]),
        ("cc", tokens[b"cc"]),
    ]


def test_documents_leave_whole_and_in_the_order_in_which_they_came() -> None:
    queue = queue_of(["a" * 40, "b" * 400], ["c" * 40])
    settle(queue, 80)
    assert left(queue) == []  # the second is complete, and waits for the first
    settle(queue, 1)
    [(first, vectors), (second, _)] = queue.leaving()
    assert (first.texts[0][0], second.texts[0][0]) == ("a", "c")
    assert np.array_equal(vectors, [vector_of(b"a" * 40), vector_of(b"b" * 400)])
    assert queue.items == []


def test_a_text_is_queued_once_and_forgotten_with_the_last_that_holds_it() -> None:
    queue = EncodingQueue()
    assert queue.add(item(0, ["one", "two", "one"]), {}, lambda _: None) == ["one"]
    assert queue.add(item(1, ["two", "three"]), {}, lambda _: None) == ["two"]
    assert sorted(settle(queue, 100)) == ["one", "three", "two"]
    assert queue.add(item(2, ["three"]), {}, lambda _: None) == ["three"]  # made, not left yet
    assert left(queue) == [0, 1, 2]
    assert queue.add(item(3, ["three"]), {}, lambda _: None) == []


def test_vectors_that_are_known_are_not_made_again() -> None:
    queue = EncodingQueue()
    known = {b"one": vector_of(b"known")}
    assert queue.add(item(0, ["one"]), known, lambda _: None) == ["one"]
    [(_, [vector])] = queue.leaving()
    assert list(vector) == list(vector_of(b"known"))


def test_what_a_stopped_job_has_not_made_stays() -> None:
    queue = queue_of(["one"], ["two"])
    taken = queue.take(100)
    queue.settle([each.digest for each in taken], [vector_of(taken[0].digest)])
    assert left(queue) == [0]
    assert [each.texts for each in queue.items] == [("two",)]


def test_however_jobs_are_cut_each_document_gets_the_vectors_of_its_texts() -> None:
    chance = random.Random(3)
    words = ["w" * length + str(i) for i, length in enumerate(chance.choices(range(1, 900), k=60))]
    documents = [chance.choices(words, k=chance.randint(1, 9)) for _ in range(80)]
    queue = EncodingQueue()
    found: list[int] = []
    embedded: list[str] = []
    for number, texts in enumerate(documents):
        queue.add(item(number, texts), {}, lambda _: None)
        if chance.random() < 0.5:
            embedded += settle(queue, chance.randint(1, 3_000))
        for each, vectors in queue.leaving():
            assert isinstance(each, PendingDocument)
            found.append(each.document_id)
            expected = [vector_of(text.encode()) for text in documents[each.document_id]]
            assert np.array_equal(np.stack(vectors), np.stack(expected))
    while queue.characters:
        embedded += settle(queue, 3_000)
    assert found + left(queue) == list(range(80))
    assert queue.items == []
    assert set(embedded) == {text for texts in documents for text in texts}
