"""Text runs ahead of its vectors: what is stored when, what is held, and that nothing is embedded
twice however jobs overlap.
"""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.errors import EncoderError, SearchappError
from searchapp.ingest.indexer import Indexer
from searchapp.ingest.jobs import BusyClock
from searchapp.ingest.splitting import Splitting
from searchapp.testing import HashEncoder
from searchapp.types.documents import Block, Document, FileIdentity, Source
from searchapp.types.filters import Filters, Term
from searchapp.types.tokens import Tokens

if TYPE_CHECKING:
    from searchapp.types.protocols import Writer
    from searchapp.types.vectors import TokenVectors, Vector, Vectors


class Encoder:
    """A HashEncoder that remembers what it embeds, and does what it is told before."""

    def __init__(
        self,
        before: Callable[[Sequence[str]], object] = lambda _: None,
        *,
        before_tokens: Callable[[Sequence[str]], object] = lambda _: None,
    ) -> None:
        self._inner = HashEncoder()
        self.identity = self._inner.identity
        self.before = before
        self.before_tokens = before_tokens
        self.embedded: list[str] = []

    def tokenize(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        self.before_tokens(texts)
        return self._inner.tokenize(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.before(texts)
        self.embedded += texts
        return self._inner.encode_passages(texts)

    def encode_query(self, text: str) -> Vector:
        return self._inner.encode_query(text)

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        return self._inner.token_vectors(texts)


@pytest.fixture
def backend(tmp_path: Path) -> SqliteBackend:
    return SqliteBackend(tmp_path / "corpus")


@pytest.fixture
def writer(backend: SqliteBackend) -> Iterator[Writer]:
    with closing(backend.writer()) as opened:
        opened.set_encoder(HashEncoder().identity)
        yield opened


def source(name: str) -> Source:
    return Source(
        f"/{name}".encode(), FileIdentity(1, 1, 1, 1), name.encode().ljust(32), 0, "text/2", "1"
    )


def text(number: int) -> str:
    """A page of words of its own, larger than the smallest job."""
    return " ".join(f"w{number}x{i}" for i in range(2_000))


def counts(backend: SqliteBackend) -> tuple[int, int]:
    """How many documents a reader sees, and how many of them are pending."""
    with closing(backend.reader()) as reader:
        documents, _, pending, _ = reader.counts()
        return documents, pending


def wait_until(is_so: Callable[[], bool], indexer: Indexer) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        indexer.poll()
        time.sleep(0.01)


@pytest.mark.slow
def test_all_text_is_found_by_its_words_while_the_encoder_is_still_at_the_first(
    backend: SqliteBackend, writer: Writer
) -> None:
    gate = threading.Event()
    encoder = Encoder(before=lambda _: gate.wait(20))
    with Indexer(writer, encoder) as indexer:
        for number in range(8):
            indexer.add(source(str(number)), Document(text(number), "txt"), new=True)
        wait_until(lambda: counts(backend) == (8, 8), indexer)
        with closing(backend.reader()) as reader:
            assert len(reader.keyword_leg([Term(("w7x9",))], Filters(), 10)[0]) == 1
        assert encoder.embedded == []
        gate.set()
        indexer.close()
    assert counts(backend) == (8, 0)
    assert len(encoder.embedded) == len(set(encoder.embedded)) == indexer.embedded


@pytest.mark.slow
def test_where_text_goes_first_the_encoder_gets_a_sample_until_all_of_it_is_there(
    backend: SqliteBackend, writer: Writer
) -> None:
    encoder = Encoder(before=lambda _: time.sleep(0.5))
    with Indexer(writer, encoder, text_first=True) as indexer:
        for number in range(120):
            indexer.add(source(str(number)), Document(text(number), "txt"), new=True)
        sample = len(encoder.embedded)
        wait_until(lambda: counts(backend)[0] == 120, indexer)
        indexer.close()
    assert 0 < sample < len(encoder.embedded) / 4
    assert counts(backend) == (120, 0)


@pytest.mark.slow
def test_where_text_goes_first_the_encoder_works_while_no_document_comes(writer: Writer) -> None:
    encoder = Encoder(before=lambda _: time.sleep(0.2))
    with Indexer(writer, encoder, text_first=True) as indexer:
        for number in range(8):
            indexer.add(source(str(number)), Document(text(number), "txt"), new=True)
        wait_until(lambda: indexer.characters_done == indexer.characters, indexer)
        indexer.close()


@pytest.mark.slow
def test_changed_documents_do_not_fill_the_memory_though_text_goes_first(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("searchapp.ingest.indexer._HELD_CHARACTERS", 10_000)
    monkeypatch.setattr("searchapp.ingest.indexer._LARGEST_JOB", 10_000)
    monkeypatch.setattr("searchapp.ingest.splitting._LOT_CHARACTERS", 10_000)
    texts = [" ".join(f"x{i}y{j}" for j in range(150)) for i in range(120)]
    waiting = []
    with Indexer(writer, Encoder(), text_first=True) as indexer:
        for i, text in enumerate(texts):
            indexer.add(source(str(i)), Document(text, "txt"), new=False)
            waiting.append(indexer.characters - indexer.characters_done)
        indexer.close()
    assert indexer.characters > 90_000
    assert max(waiting) < 50_000


@pytest.mark.slow
def test_a_new_document_that_repeats_a_stored_passage_is_found_by_its_words_at_once(
    backend: SqliteBackend, writer: Writer
) -> None:
    with Indexer(writer, Encoder()) as indexer:
        indexer.add(source("a"), Document("the licence", "txt"), new=True)
        indexer.close()
    gate = threading.Event()
    blocks = (Block(0, 11, "prose"), Block(13, 20, "heading", ("another",)))
    with Indexer(writer, encoder := Encoder(before=lambda _: gate.wait(20))) as indexer:
        document = Document("the licence\n\nanother", "txt", blocks=blocks)
        indexer.add(source("b"), document, new=True)
        wait_until(lambda: counts(backend) == (2, 1), indexer)
        gate.set()
        indexer.close()
    assert counts(backend) == (2, 0)
    assert (len(encoder.embedded), indexer.reused) == (1, 1)


@pytest.mark.slow
def test_what_came_before_a_document_that_takes_long_to_split_is_found_meanwhile(
    backend: SqliteBackend, writer: Writer
) -> None:
    seen: list[int] = []

    def be_slow(texts: Sequence[str]) -> None:
        if any("slow" in each for each in texts):
            time.sleep(1.1)
            seen.append(counts(backend)[0])

    with Indexer(writer, Encoder(before_tokens=be_slow)) as indexer:
        indexer.add(source("a"), Document("fast", "txt"), new=True)
        indexer.add(source("b"), Document("slow " * 100_000, "txt"), new=True)
        indexer.close()
    assert seen[-1] == 1


@pytest.mark.slow
def test_a_stop_ends_a_document_that_takes_long_to_split(
    backend: SqliteBackend, writer: Writer
) -> None:
    begun: list[int] = []

    def be_slow(texts: Sequence[str]) -> None:
        begun.append(len(texts))
        time.sleep(0.6)

    encoder = Encoder(before_tokens=be_slow)
    with Indexer(writer, encoder, is_stopped=lambda: bool(begun)) as indexer:
        indexer.add(source("a"), Document("one two three", "txt"), new=True)
        indexer.close()
    assert [each.path for each in indexer.abandoned] == [b"/a"]
    assert len(begun) == 1
    assert counts(backend) == (0, 0)


def test_a_document_that_cannot_be_split_is_named(writer: Writer) -> None:
    def fail(texts: Sequence[str]) -> None:
        if any("bad" in each for each in texts):
            raise ValueError("no tokens")

    with Indexer(writer, Encoder(before_tokens=fail)) as indexer:
        for name, content in (("a", "good"), ("b", "bad"), ("c", "good too")):
            indexer.add(source(name), Document(content, "txt"), new=True)
        with pytest.raises(SearchappError, match="/b cannot be split: ValueError: no tokens"):
            indexer.close()


def test_two_jobs_are_with_the_encoder_at_a_time(writer: Writer) -> None:
    both = threading.Barrier(2, timeout=10)
    with Indexer(writer, Encoder(before=lambda _: both.wait())) as indexer:
        indexer.add(source("a"), Document(text(1), "txt"), new=True)
        indexer.add(source("b"), Document(text(2), "txt"), new=True)
        indexer.close()  # a lone job would break the barrier
    assert indexer.unfinished == []


def test_a_copy_that_comes_while_the_first_is_being_embedded_is_not_embedded_again(
    backend: SqliteBackend, writer: Writer
) -> None:
    gate = threading.Event()
    encoder = Encoder(before=lambda _: gate.wait(20))
    with Indexer(writer, encoder) as indexer:
        indexer.add(source("a"), Document(text(1), "txt"), new=True)
        indexer.poll()
        indexer.add(source("b"), Document(text(1), "txt"), new=True)
        indexer.poll()
        gate.set()
        indexer.close()
    assert counts(backend) == (2, 0)
    assert len(encoder.embedded) == len(set(encoder.embedded)) == indexer.embedded == indexer.reused
    assert indexer.characters_done == indexer.characters


@pytest.mark.slow
def test_a_changed_document_keeps_its_earlier_version_until_its_vectors_are_there(
    backend: SqliteBackend, writer: Writer
) -> None:
    with Indexer(writer, Encoder()) as indexer:
        indexer.add(source("a"), Document("the earlier one", "txt"), new=True)
        indexer.close()
    gate = threading.Event()
    with Indexer(writer, Encoder(before=lambda _: gate.wait(20))) as indexer:
        indexer.add(source("a"), Document("the later one", "txt"), new=False)
        indexer.add(source("b"), Document("another", "txt"), new=True)
        wait_until(lambda: counts(backend) == (2, 1), indexer)
        with closing(backend.reader()) as reader:
            [first, _] = sorted(reader.rows(Filters()), key=lambda row: row.path)
            assert (first.path, first.is_pending) == (b"/a", False)
            assert [hit.text for hit in reader.show(1)[1]] == ["the earlier one"]
        gate.set()
        indexer.close()
    assert counts(backend) == (2, 0)


def test_texts_that_moved_from_a_replaced_document_are_not_embedded_again(writer: Writer) -> None:
    encoder = Encoder()
    with Indexer(writer, encoder) as indexer:
        indexer.add(source("a"), Document(text(1), "txt"), new=True)
        indexer.close()
        before = len(encoder.embedded)
        indexer.add(source("a"), Document("nothing of the sort", "txt"), new=False)
        indexer.close()
        indexer.add(source("b"), Document(text(1), "txt"), new=True)
        indexer.close()
    assert encoder.embedded[before:] == ["nothing of the sort"]


def test_when_the_encoder_breaks_what_came_before_it_stands(
    backend: SqliteBackend, writer: Writer
) -> None:
    def break_at_last(texts: Sequence[str]) -> None:
        if any("w3x" in each for each in texts):
            raise EncoderError("broken")

    def take_all() -> None:
        with Indexer(writer, Encoder(before=break_at_last)) as indexer:
            for number in range(4):
                indexer.add(source(str(number)), Document(text(number), "txt"), new=True)
            indexer.close()

    with pytest.raises(EncoderError, match="broken"):
        take_all()
    writer.close()
    documents, pending = counts(backend)
    assert (documents, pending > 0) == (4, True)


def test_a_stopped_intake_leaves_new_documents_pending_and_changed_ones_as_they_were(
    backend: SqliteBackend, writer: Writer
) -> None:
    with Indexer(writer, Encoder()) as indexer:
        indexer.add(source("a"), Document("the earlier one", "txt"), new=True)
        indexer.close()
    with Indexer(writer, Encoder(), is_stopped=lambda: True) as indexer:
        indexer.add(source("a"), Document("the later one", "txt"), new=False)
        indexer.add(source("b"), Document("another", "txt"), new=True)
        indexer.close()
    assert (
        [each.path for each in indexer.abandoned],
        [each.path for each in indexer.unfinished],
    ) == ([b"/a"], [b"/b"])
    assert counts(backend) == (2, 1)
    with Indexer(writer, encoder := Encoder()) as indexer:
        indexer.close()
    assert counts(backend) == (2, 0)
    assert encoder.embedded == ["another"]


def test_what_an_earlier_run_left_pending_counts_from_the_start(writer: Writer) -> None:
    with Indexer(writer, Encoder(), is_stopped=lambda: True) as indexer:
        indexer.add(source("a"), Document(text(1), "txt"), new=True)
        indexer.close()
    with Indexer(writer, Encoder()) as indexer:
        assert indexer.encoding().left == len(text(1))
        indexer.close()
        assert indexer.encoding().left == 0


def test_what_an_earlier_run_left_pending_does_not_multiply_what_is_left(writer: Writer) -> None:
    earlier = " ".join(f"x{i}" for i in range(20_000))
    with Indexer(writer, Encoder(), is_stopped=lambda: True) as indexer:
        indexer.add(source("a"), Document(earlier, "txt"), new=True)
        indexer.close()
    left: list[float] = []
    with Indexer(
        writer, Encoder(), on_embedded=lambda: left.append(indexer.encoding(100).left)
    ) as indexer:
        indexer.add(source("b"), Document("a few words", "txt"), new=True)
        indexer.close()
    assert 0 < max(left) < 1.1 * (len(earlier) + 200)


def test_what_an_earlier_run_left_pending_comes_last(writer: Writer) -> None:
    with Indexer(writer, Encoder(), is_stopped=lambda: True) as indexer:
        for number in (1, 2):
            indexer.add(source(f"{number}"), Document(text(number), "txt"), new=True)
        indexer.close()
    with Indexer(writer, encoder := Encoder()) as indexer:
        indexer.add(source("3"), Document(text(3), "txt"), new=True)
        indexer.close()
    assert encoder.embedded[0].startswith("w3x0 ")


def test_what_comes_is_counted_with_the_headings_that_texts_have_had(writer: Writer) -> None:
    heading = ("A long heading above every passage",)
    document = Document("A few words", "md", blocks=(Block(0, 11, "prose", heading),))
    with Indexer(writer, Encoder()) as indexer:
        indexer.add(source("a"), document, new=True)
        indexer.close()
        assert indexer.characters == len(heading[0]) + 1 + 11
        assert indexer.encoding(100).left == pytest.approx(100 * indexer.characters / 11, rel=1e-9)


def test_half_of_what_the_encoder_is_at_counts_as_done(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("searchapp.ingest.indexer._COMMIT_S", 0.0)  # nothing waits for others
    begun, go_on = threading.Event(), threading.Event()

    def before(_: Sequence[str]) -> None:
        begun.set()
        go_on.wait(10)

    with Indexer(writer, Encoder(before)) as indexer:
        indexer.add(source("a"), Document("a few words", "txt"), new=True)
        wait_until(begun.is_set, indexer)
        left = indexer.encoding().left
        go_on.set()
        indexer.close()
    assert left == len("a few words") / 2


def test_what_was_added_is_split_once_a_commit_is_due_and_waited_for_as_long_as_is_said(
    backend: SqliteBackend, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    splitting = Splitting(
        Encoder(before_tokens=lambda _: time.sleep(0.02)), is_stopped=lambda: False
    )
    splitting.add(source("a"), Document("a few words", "txt"), new=True)
    splitting.submit()
    assert splitting.take() is None
    assert splitting.take(timeout_s=10) is not None
    splitting.close()
    monkeypatch.setattr("searchapp.ingest.indexer._COMMIT_S", 0.0)
    with Indexer(writer, Encoder(), text_first=True) as indexer:
        indexer.add(source("a"), Document("a few words", "txt"), new=True)
        wait_until(lambda: counts(backend) == (1, 1), indexer)
        indexer.close()


def test_the_encoder_s_time_counts_once_for_two_threads_and_not_beside_them() -> None:
    clock = BusyClock()
    assert clock.busy_s == 0
    with clock.working(), clock.working():
        time.sleep(0.01)
    busy_s = clock.busy_s
    assert 0.01 <= busy_s < 1
    assert clock.busy_s == busy_s


def test_an_encoder_that_gives_tokens_away_gets_them_back(
    backend: SqliteBackend, writer: Writer
) -> None:
    given: list[object] = []

    class Reuser(Encoder):
        def tokens(self, texts: Sequence[str]) -> list[Tokens]:
            made = []
            for spans in self.tokenize(texts):
                starts = array("I", [start for start, _ in spans])
                ends = array("I", [end for _, end in spans])
                ids = array("I", range(len(spans)))
                made.append(Tokens(starts, ends, ids, bytes(len(spans))))
            return made

        def encode_passages(
            self, texts: Sequence[str], *, tokens: Sequence[object] = ()
        ) -> Vectors:
            given.extend(tokens)
            return super().encode_passages(texts)

    with Indexer(writer, Reuser()) as indexer:
        indexer.add(source("a"), Document("one two three", "txt"), new=True)
        indexer.close()
    assert given == [array("I", [0, 1, 2])]
    assert counts(backend) == (1, 0)
