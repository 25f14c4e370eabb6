"""What every backend promises, asked of each: the local one and the one in memory, against an exact
NumPy oracle.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from unicodedata import normalize

import numpy as np
import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.errors import CorpusLocked
from searchapp.search import query_parser
from searchapp.testing import MemoryBackend
from searchapp.types.digests import text_digest
from searchapp.types.documents import (
    Address,
    Document,
    DocumentRow,
    KnownFile,
    Label,
    Passage,
    PendingDocument,
    Root,
    Unindexed,
)
from searchapp.types.filters import Filters, Term
from searchapp.types.protocols import Backend, Maintainable, Reader, Writer
from tests.builders.corpora import (
    DAY_NS,
    DIM,
    ENCODER,
    EVERYTHING,
    add,
    axis,
    digests_of,
    document,
    expected_leg,
    passages_of,
    paths,
    source,
    unit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from searchapp.types.vectors import Vector, Vectors

FOLDERS = ("/home/ann", "/home/ann/notes", "/home/ann.old", "/srv/data [x]*", "/srv")
KINDS = ("txt", "md", "pdf")


@pytest.fixture(params=["local", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    made: Backend = (
        SqliteBackend(tmp_path / "corpus") if request.param == "local" else MemoryBackend()
    )
    made.writer().close()
    return made


@pytest.fixture
def writer(backend: Backend) -> Iterator[Writer]:
    with closing(backend.writer()) as opened:
        yield opened


class Place(NamedTuple):
    """What a filter may ask of a document."""

    path: str
    kind: str
    day: int  # unix ns


class Oracle:
    """Many documents of 1 to 300 passages, and what a search over them must give."""

    def __init__(self, writer: Writer) -> None:
        self.stored: dict[int, tuple[bytes, str, int, Document, Vectors]] = {}
        counts = [1, 300, 2, 17, *np.random.default_rng(3).integers(1, 9, 56).tolist()]
        for number, count in enumerate(counts):
            self.add(writer, number, count)

    def add(self, writer: Writer, number: int, count: int, *, seed: int = 0) -> int:
        path = f"{FOLDERS[number % 5]}/{number:02}.{'x' * (number % 3)}"
        made = document(count, kind=KINDS[number % 3], word=f"d{number}")
        rows = unit(count, seed=1000 * seed + number)
        document_id = add(writer, path, made, rows, mtime_ns=number * DAY_NS)
        self.drop(path.encode())
        self.stored[document_id] = (path.encode(), made.type, number * DAY_NS, made, rows)
        return document_id

    def drop(self, path: bytes) -> None:
        self.stored = {i: one for i, one in self.stored.items() if one[0] != path}

    def cosine_leg(
        self, query: Vector, depth: int, keeps: Callable[[Place], bool]
    ) -> tuple[list[tuple[bytes, int]], list[float]]:
        """The places of the best passages, as path and start, and their scores."""
        rows = [
            (path, passage.start, row)
            for path, kind, dated_ns, made, vectors in self.stored.values()
            if keeps(Place(path.decode(), kind, dated_ns))
            for passage, row in zip(passages_of(made), vectors, strict=True)
        ]
        numbered = [(path, start, i, row) for i, (path, start, row) in enumerate(rows)]
        best, scores = expected_leg(numbered, query, depth)
        return [rows[i][:2] for i in best], scores

    def agrees(
        self, reader: Reader, filters: Filters, keeps: Callable[[Place], bool], *, seed: int = 7
    ) -> None:
        query = unit(1, seed)[0]
        for depth in (1, 2, 10, 100, 5000):
            ids, scores = reader.cosine_leg(query, filters, depth)
            expected, expected_scores = self.cosine_leg(query, depth, keeps)
            assert [(each.path, each.start) for each in reader.addresses(ids)] == expected
            assert np.allclose(scores, expected_scores, atol=1e-6, rtol=0)
            assert (ids.dtype.name, scores.dtype.name) == ("int64", "float32")
        assert np.allclose(reader.vectors_of(ids) @ query, scores, atol=1e-6, rtol=0)


FILTERED: list[tuple[str, Filters, Callable[[Place], bool]]] = [
    ("everything", EVERYTHING, lambda _: True),
    ("a path", Filters(within=("/home/ann/05.xx",)), lambda one: one.path == "/home/ann/05.xx"),
    ("a folder", Filters(within=("/home/ann",)), lambda one: one.path.startswith("/home/ann/")),
    (
        "a folder with a slash",
        Filters(within=("/home/ann/",)),
        lambda one: one.path.startswith("/home/ann/"),
    ),
    ("the top", Filters(within=("/",)), lambda _: True),
    (
        "a folder of glob characters",
        Filters(within=("/srv/data [x]*",)),
        lambda one: one.path.startswith("/srv/data [x]*/"),
    ),
    (
        "two places",
        Filters(within=("/home/ann.old", "/srv/04.x")),
        lambda one: "ann.old" in one.path or one.path == "/srv/04.x",
    ),
    (
        "a glob across folders",
        Filters(within=("/home/*.x",)),
        lambda one: one.path.startswith("/home/") and one.path.endswith(".x"),
    ),
    (
        "a glob from anywhere",
        Filters(within=("0?.xx",)),
        lambda one: one.path.rsplit("/")[-1] in ("02.xx", "05.xx", "08.xx"),
    ),
    (
        "a glob of classes",
        Filters(within=("*/[12][^0-4].x",)),
        lambda one: one.path[-4] in "12" and one.path[-3] >= "5" and one.path[-2:] == ".x",
    ),
    ("a type", Filters(types=("md",)), lambda one: one.kind == "md"),
    ("two types", Filters(types=("md", "pdf")), lambda one: one.kind in ("md", "pdf")),
    ("since", Filters(since_ns=30 * DAY_NS), lambda one: one.day >= 30 * DAY_NS),
    ("before", Filters(before_ns=30 * DAY_NS), lambda one: one.day < 30 * DAY_NS),
    (
        "a day",
        Filters(since_ns=30 * DAY_NS, before_ns=31 * DAY_NS),
        lambda one: one.day == 30 * DAY_NS,
    ),
    (
        "all at once",
        Filters(
            within=("/home",), types=("txt", "pdf"), since_ns=10 * DAY_NS, before_ns=50 * DAY_NS
        ),
        lambda one: (
            one.path.startswith("/home/")
            and one.kind != "md"
            and 10 * DAY_NS <= one.day < 50 * DAY_NS
        ),
    ),
    ("dates beyond 64 bits", Filters(since_ns=-(10**30), before_ns=10**30), lambda _: True),
    ("no path", Filters(within=("/nowhere",)), lambda _: False),
    (
        "a glob that is met by a folder",
        Filters(within=("*/ann",)),
        lambda one: one.path.startswith("/home/ann/"),
    ),
    ("no type", Filters(types=("",)), lambda _: False),
    ("no date", Filters(since_ns=5, before_ns=5), lambda _: False),
]


@pytest.mark.slow
def test_every_filter_and_depth_gives_exactly_what_the_oracle_gives(
    backend: Backend, writer: Writer
) -> None:
    oracle = Oracle(writer)
    writer.commit()
    for is_published in (False, True):
        if is_published:
            writer.finish()
        with closing(backend.reader()) as reader:
            for name, filters, keeps in FILTERED:
                oracle.agrees(reader, filters, keeps, seed=len(name))
                assert [row.path.decode() for row in reader.rows(filters)] == sorted(
                    path.decode()
                    for path, kind, day, _, _ in oracle.stored.values()
                    if keeps(Place(path.decode(), kind, day))
                )
            assert reader.notes == []


@pytest.mark.slow
def test_answers_stay_exact_after_every_kind_of_change(backend: Backend, writer: Writer) -> None:
    oracle = Oracle(writer)
    writer.finish()
    oracle.add(writer, 1, 5, seed=1)  # the longest, replaced by a short one
    oracle.add(writer, 60, 300)
    writer.commit()
    for number in (0, 3, 20):
        document_id = next(i for i, one in oracle.stored.items() if one[2] == number * DAY_NS)
        writer.remove([document_id])
        oracle.drop(oracle.stored[document_id][0])
    moved = next(i for i, one in oracle.stored.items() if one[2] == 7 * DAY_NS)
    writer.relocate(moved, source("/elsewhere/7.md", mtime_ns=90 * DAY_NS))
    oracle.stored[moved] = (
        b"/elsewhere/7.md",
        oracle.stored[moved][1],
        90 * DAY_NS,
        *oracle.stored[moved][3:],
    )
    writer.mark_stale(next(iter(oracle.stored)))
    late = add(writer, "/late", document(3), mtime_ns=91 * DAY_NS)
    writer.commit()
    rows = unit(3, seed=5)
    writer.attach(late, rows)
    oracle.stored[late] = (b"/late", "txt", 91 * DAY_NS, document(3), rows)
    writer.commit()
    for is_finished in (False, True):
        if is_finished:
            writer.finish()
        with closing(backend.reader()) as reader:
            for _, filters, keeps in FILTERED:
                oracle.agrees(reader, filters, keeps)
            moved_filter = Filters(within=("/elsewhere",), since_ns=90 * DAY_NS)
            oracle.agrees(reader, moved_filter, lambda one: one.path == "/elsewhere/7.md")


def test_equal_scores_are_ordered_by_path_bytes_then_start(
    backend: Backend, writer: Writer
) -> None:
    row = np.tile(axis(0), (3, 1))
    for path in ("/b", "/a/z", "/a", "/\x7f", "/é"):
        add(writer, path, document(3), row)
    writer.commit()
    expected = [b"/a", b"/a/z", b"/b", b"/\x7f", "/é".encode()]
    for is_published in (False, True):
        if is_published:
            writer.finish()
        with closing(backend.reader()) as reader:
            for depth in (1, 2, 4, 15, 20):
                ids, scores = reader.cosine_leg(axis(0), EVERYTHING, depth)
                places = [(hit.path, hit.passage.start) for hit in reader.hydrate(ids)]
                assert (
                    places == [(path, start) for path in expected for start in (0, 7, 14)][:depth]
                )
                assert set(scores.tolist()) == {1.0}


def test_an_empty_corpus_answers_nothing(backend: Backend, writer: Writer) -> None:
    for has_encoder in (False, True):
        if has_encoder:
            writer.set_encoder(ENCODER)
            writer.commit()
        with closing(backend.reader()) as reader:
            reader.prepare()
            ids, scores = reader.cosine_leg(axis(0), EVERYTHING, 10)
            assert (ids.tolist(), scores.tolist()) == ([], [])
            assert reader.cosine_leg(axis(0), Filters(types=("md",)), 10)[0].tolist() == []
            assert (reader.addresses(ids), reader.hydrate(ids)) == ([], [])
            assert (reader.counts(), reader.versions(), list(reader.rows(EVERYTHING))) == (
                (0, 0, 0, 0),
                [],
                [],
            )
            assert reader.encoder == (ENCODER if has_encoder else None)
            assert reader.generation == int(has_encoder)
            status = reader.status()
            assert (status.documents, status.encoder, status.roots, status.ingested_at_ns) == (
                0,
                reader.encoder,
                (),
                None,
            )


def test_a_depth_of_nothing_gives_nothing(backend: Backend, writer: Writer) -> None:
    add(writer, "/a", document(40), unit(40))
    writer.finish()
    with closing(backend.reader()) as reader:
        assert [reader.cosine_leg(axis(0), EVERYTHING, depth)[0].tolist() for depth in (0, -1)] == [
            [],
            [],
        ]


def test_passages_come_back_as_they_were_given(backend: Backend, writer: Writer) -> None:
    text = "Großvater 日本 🙂\r\n'quoted' \"twice\"; DROP TABLE document; --\n\u0001 e\u0301nd"
    made = Document(
        text, "md", "Titel 'ß'", has_lines=True, metadata={"author": "Zoë", "date": "2024-03-01"}
    )
    cut = [
        Passage(0, 14, ("Titel 'ß'", "第一"), (("page", 3), ("line_start", 1), ("line_end", 1))),
        Passage(16, 52),
        Passage(
            53,
            len(text),
            ("", "a\nb"),
            (("sheet", "Blätter 'ß'"), ("row_start", 3), ("row_end", 3)),
        ),
    ]
    writer.set_encoder(ENCODER)
    document_id = writer.replace(source("/é.md"), made, cut, vectors=unit(3))
    writer.commit()
    with closing(backend.reader()) as reader:
        ids, _ = reader.cosine_leg(axis(1), EVERYTHING, 3)
        assert [(each.document_id, each.passages) for each in reader.addresses(ids[::-1])] == [
            (document_id, 3)
        ] * 3
        ids = np.sort(ids)[[2, 0, 1]]
        hits = reader.hydrate(ids)
        assert [hit.passage_id for hit in hits] == ids.tolist()
        assert [hit.passage for hit in hits] == [cut[2], cut[0], cut[1]]
        assert [hit.text for hit in hits] == [text[53:], text[:14], text[16:52]]
        assert {(hit.document_id, hit.path, hit.title, hit.type) for hit in hits} == {
            (document_id, "/é.md".encode(), "Titel 'ß'", "md")
        }
        metadata, all_hits = reader.show(document_id)
        assert metadata == {"author": "Zoë", "date": "2024-03-01"}
        assert [hit.passage for hit in all_hits] == cut


@pytest.mark.parametrize(
    "path",
    [
        b"/a\nb",
        b"/caf\xe9.txt",
        b'/it\'s "so"',
        b"/[x]*",
        b"/?",
        b"/%41#b",
        b"/back\\slash",
        "/日本/🙂".encode(),
        b"/trailing ",
        b"/-o",
    ],
)
def test_odd_paths_are_kept_and_found_exactly(
    backend: Backend, writer: Writer, path: bytes
) -> None:
    add(writer, path, document(), unit(1))
    add(writer, path + b"/below", document(), unit(1))
    add(writer, path + b"beside", document(), unit(1))
    writer.commit()
    place = path.decode("utf-8", "surrogateescape")
    with closing(backend.reader()) as reader:
        assert {row.path for row in reader.rows(EVERYTHING)} == {
            path,
            path + b"/below",
            path + b"beside",
        }
        assert {path, path + b"/below"} <= set(paths(reader, axis(0), Filters(within=(place,))))
        assert paths(reader, axis(0), Filters(within=(place + "/below",))) == [path + b"/below"]
    assert set(writer.known_files()) == {path, path + b"/below", path + b"beside"}


def test_a_month_and_a_year_count_from_their_first_day(backend: Backend, writer: Writer) -> None:
    add(writer, "/month", document(date="1970-02"), unit(1), mtime_ns=3 * DAY_NS)
    add(writer, "/year", document(date="1971"), unit(1), mtime_ns=3 * DAY_NS)
    writer.commit()
    for name, day in ((b"/month", 31), (b"/year", 365)):
        with closing(backend.reader()) as reader:
            assert [
                row.path
                for row in reader.rows(Filters(since_ns=day * DAY_NS, before_ns=day * DAY_NS + 1))
            ] == [name]


def test_a_document_s_own_date_counts_before_its_file_s(backend: Backend, writer: Writer) -> None:
    for path, date in {
        "/own": "1970-01-10",
        "/zoned": "1970-01-10T23:00:00-02:00",
        "/none": "",
        "/odd": "spring",
    }.items():
        add(writer, path, document(date=date), unit(1), mtime_ns=3 * DAY_NS)
    for path, date in {"/first": "0001-01-01", "/last": "9999-12-31"}.items():
        add(writer, path, document(date=date), unit(1), mtime_ns=3 * DAY_NS)
    writer.commit()
    with closing(backend.reader()) as reader:
        of_file = Filters(since_ns=3 * DAY_NS, before_ns=3 * DAY_NS + 1)
        assert [row.path for row in reader.rows(of_file)] == [b"/none", b"/odd"]
        assert [row.path for row in reader.rows(Filters(since_ns=9 * DAY_NS))] == [
            b"/last",
            b"/own",
            b"/zoned",
        ]
        assert [row.path for row in reader.rows(Filters(since_ns=10 * DAY_NS))] == [
            b"/last",
            b"/zoned",
        ]
        assert [row.path for row in reader.rows(Filters(before_ns=0))] == [b"/first"]
        assert [row.path for row in reader.rows(Filters(before_ns=9 * DAY_NS))] == [
            b"/first",
            b"/none",
            b"/odd",
        ]


def test_a_touched_file_has_a_new_date(backend: Backend, writer: Writer) -> None:
    document_id = add(writer, "/a", document(), unit(1), mtime_ns=1)
    writer.relocate(document_id, source("/a", mtime_ns=2))
    writer.commit()
    with closing(backend.reader()) as reader:
        assert [row.modified_ns for row in reader.rows(Filters(since_ns=2))] == [2]


# ---- the unit of work ----------------------------------------------------------------------------


def test_pending_documents_are_counted_and_never_found(backend: Backend, writer: Writer) -> None:
    first = add(writer, "/pending", document(2, title="T"))
    add(writer, "/complete", document(3), unit(3))
    writer.commit()
    texts = ("T\nword 0", "T\nword 1")
    expected = [
        PendingDocument(
            first, texts, tuple(text_digest(ENCODER.fingerprint, text) for text in texts)
        )
    ]
    assert writer.pending() == expected
    with closing(backend.reader()) as reader:
        assert paths(reader, axis(0)) == [b"/complete"] * 3
        assert paths(reader, axis(0), Filters(within=("/pending",))) == []
        assert reader.counts() == (2, 5, 1, 0)
        assert {row.path: row.is_pending for row in reader.rows(EVERYTHING)} == {
            b"/pending": True,
            b"/complete": False,
        }
        assert reader.status().pending == 1
        assert [hit.text for hit in reader.show(first)[1]] == ["word 0", "word 1"]
    assert writer.known_files()[b"/pending"].is_pending
    writer.attach(first, unit(2))
    writer.commit()
    assert writer.pending() == []
    with closing(backend.reader()) as reader:
        assert sorted(paths(reader, axis(0))) == [b"/complete"] * 3 + [b"/pending"] * 2
        assert reader.counts() == (2, 5, 0, 0)


def test_what_is_known_can_be_asked_for_by_place_and_by_content(writer: Writer) -> None:
    assert not writer.has_pending()
    writer.set_encoder(ENCODER)
    for path, content in (
        ("/a/x", b"same"),
        ("/a/y.zip!/z", b"same"),
        ("/ab", b"same"),
        ("/b/x", b"other"),
    ):
        writer.replace(
            source(path, content=content), document(), passages_of(document()), vectors=unit(1)
        )
    assert writer.known_files([b"/a"]).keys() == {b"/a/x", b"/a/y.zip!/z"}
    assert writer.known_files([b"/a/y.zip", b"/ab"]).keys() == {b"/a/y.zip!/z", b"/ab"}
    assert writer.known_files([]) == {}
    assert len(writer.known_files()) == 4
    assert {known.source.path for known in writer.known_like(b"same".ljust(32, b"\0"))} == {
        b"/a/x",
        b"/a/y.zip!/z",
        b"/ab",
    }
    assert writer.known_like(b"none".ljust(32, b"\0")) == []
    writer.set_unindexed(
        [b"/"], [Unindexed(b"/a/u", "skipped", "empty"), Unindexed(b"/c", "skipped", "empty")]
    )
    assert writer.unindexed([b"/a"]).keys() == {b"/a/u"}
    assert not writer.has_pending()
    assert writer.pending_characters() == 0
    add(writer, "/pending", document())
    assert writer.has_pending()
    assert writer.pending_characters() == len(document().text)


def test_pending_documents_come_in_order_behind_an_id_and_within_so_many_characters(
    writer: Writer,
) -> None:
    ids = [add(writer, f"/{number}", document(2)) for number in range(4)]
    add(writer, "/complete", document(1), unit(1))
    length = len(document(2).text)
    assert [each.document_id for each in writer.pending()] == ids
    assert [each.document_id for each in writer.pending(after=ids[1])] == ids[2:]
    assert [each.document_id for each in writer.pending(characters=2 * length)] == ids[:2]
    assert [each.document_id for each in writer.pending(after=ids[0], characters=1)] == [
        ids[1]
    ]  # at least one
    writer.attach(ids[2], unit(2))
    assert [each.document_id for each in writer.pending(after=ids[1])] == [ids[3]]
    assert writer.pending(after=ids[3]) == []


def test_changes_are_seen_after_their_commit_and_dropped_by_close(backend: Backend) -> None:
    with closing(backend.writer()) as writer:
        add(writer, "/a", document(), unit(1))
        writer.set_root(Root(b"/"))
        with closing(backend.reader()) as reader:
            assert (reader.counts()[0], reader.generation, reader.encoder) == (0, 0, None)
        assert writer.known_files().keys() == {b"/a"}
    with closing(backend.writer()) as writer:
        assert (writer.known_files(), writer.encoder(), writer.roots()) == ({}, None, [])
        add(writer, "/b", document(), unit(1))
        writer.commit()
        add(writer, "/c", document(), unit(1))
    with closing(backend.reader()) as reader:
        assert paths(reader, axis(0)) == [b"/b"]


def test_the_generation_rises_by_one_where_something_changed(
    backend: Backend, writer: Writer
) -> None:
    assert writer.commit() == 0
    document_id = add(writer, "/a", document(), unit(1))
    add(writer, "/b", document(), unit(1))
    assert [writer.commit(), writer.commit(), writer.finish()] == [1, 1, 1]
    writer.mark_stale(document_id)
    assert writer.commit() == 2
    writer.mark_stale(document_id)
    writer.set_root(Root(b"/r"))
    assert writer.commit() == 3
    writer.set_root(Root(b"/r"))
    writer.forget_roots(b"/other")
    writer.set_unindexed([b"/"], [])
    assert writer.commit() == 3
    writer.remove([document_id])
    assert writer.finish() == 4
    with closing(backend.reader()) as reader:
        assert reader.generation == 4


def test_the_end_of_an_ingest_is_recorded(backend: Backend, writer: Writer) -> None:
    before = time.time_ns()
    writer.finish()
    with closing(backend.reader()) as reader:
        ended = reader.status().ingested_at_ns
    assert ended is not None
    assert before <= ended <= time.time_ns()


def test_a_reader_keeps_its_generation(backend: Backend, writer: Writer) -> None:
    first = add(writer, "/a", document(2), unit(2))
    writer.finish()
    with closing(backend.reader()) as early, closing(backend.reader()) as prepared:
        prepared.prepare()
        writer.remove([first])
        add(writer, "/b", document(300), unit(300))
        assert writer.finish() == 2
        for reader in (early, prepared):
            assert reader.generation == 1
            assert paths(reader, axis(0)) == [b"/a", b"/a"]
            assert reader.counts() == (1, 2, 0, 0)
    with closing(backend.reader()) as late:
        assert paths(late, axis(0)) == [b"/b"] * 300


def test_one_writer_at_a_time(backend: Backend) -> None:
    with closing(backend.writer()):
        with pytest.raises(CorpusLocked, match=r"process \d+") as caught:
            backend.writer()
        assert (caught.value.exit_code, caught.value.code) == (11, "corpus_locked")
        backend.reader().close()
    backend.writer().close()


def test_ids_are_never_used_again(backend: Backend) -> None:
    seen: set[int] = set()
    documents: set[int] = set()
    for number in range(4):
        with closing(backend.writer()) as writer:
            documents.add(add(writer, "/a", document(3), unit(3, number)))
            writer.commit()
            with closing(backend.reader()) as reader:
                seen |= set(reader.cosine_leg(axis(0), EVERYTHING, 9)[0].tolist())
            writer.remove([writer.known_files()[b"/a"].document_id])
            writer.commit()
    assert len(seen) == 12
    assert len(documents) == 4


def test_replacing_leaves_nothing_of_the_old_document(backend: Backend, writer: Writer) -> None:
    old = add(writer, "/a", document(4, word="old", title="Old"), np.tile(axis(0), (4, 1)))
    writer.mark_stale(old)
    writer.finish()
    new = add(writer, "/a", document(1, word="new", kind="md"), axis(1)[np.newaxis])
    writer.commit()
    with closing(backend.reader()) as reader:
        ids, scores = reader.cosine_leg(axis(0), EVERYTHING, 10)
        assert [(hit.text, hit.title, hit.document_id) for hit in reader.hydrate(ids)] == [
            ("new 0", "", new)
        ]
        assert scores.tolist() == [0.0]
        assert list(reader.rows(EVERYTHING)) == [
            DocumentRow(
                *(b"/a", "", "md", 1, 2, 5),
                *(False, False),
                dated_ns=5,
                id=new,
            )
        ]
    assert writer.digests(digests_of(document(4, word="old", title="Old"))) == {}


def test_known_files_tell_what_was_stored(backend: Backend, writer: Writer) -> None:
    first = add(writer, "/a", document(), unit(1))
    second = add(writer, "/b", document(kind="md"))
    writer.mark_stale(first)
    expected = {
        b"/a": KnownFile(first, source("/a"), "txt", is_pending=False, is_stale=True),
        b"/b": KnownFile(second, source("/b"), "md", is_pending=True, is_stale=False),
    }
    assert writer.known_files() == expected
    writer.commit()
    assert writer.known_files() == expected
    with closing(backend.reader()) as reader:
        assert reader.versions() == [("md", "txt/1", "1", 1), ("txt", "txt/1", "1", 1)]
        assert reader.counts() == (2, 2, 1, 1)


def test_relocating_keeps_all_but_the_source(backend: Backend, writer: Writer) -> None:
    document_id = add(writer, "/a", document(2), unit(2))
    writer.mark_stale(document_id)
    writer.commit()
    writer.relocate(
        document_id, replace(source("/b", mtime_ns=9), extractor="other/9", splitter="9")
    )
    writer.commit()
    expected = KnownFile(
        document_id, source("/b", mtime_ns=9), "txt", is_pending=False, is_stale=False
    )
    assert writer.known_files() == {b"/b": expected}
    with closing(backend.reader()) as reader:
        assert paths(reader, axis(0)) == [b"/b", b"/b"]


def test_vectors_are_found_again_by_the_text_that_was_embedded(
    backend: Backend, writer: Writer
) -> None:
    made = document(1200, title="T")
    rows = unit(1200)
    assert writer.digests(digests_of(made)) == {}
    add(writer, "/a", made, rows)
    add(writer, "/pending", document(2, word="not yet"))
    found = writer.digests(
        [*digests_of(made), *digests_of(made), *digests_of(document(2, word="not yet")), b"unknown"]
    )
    assert set(found) == set(digests_of(made))
    assert np.array_equal(
        np.stack([found[digest] for digest in digests_of(made)]),
        rows.astype(np.float16).astype(np.float32),
    )
    assert {row.dtype for row in found.values()} == {np.dtype(np.float32)}
    writer.commit()
    with closing(backend.reader()) as reader:
        read = reader.vectors_by_digest([*digests_of(made), b"unknown", *digests_of(made)])
        assert read.keys() == found.keys()
        assert all(np.array_equal(read[digest], found[digest]) for digest in found)
        assert reader.vectors_by_digest([]) == {}
    assert writer.digests(digests_of(document(3))) == {}  # the heading path is part of the text
    add(writer, "/b", document(1, title="T"), found[digests_of(made)[0]][np.newaxis])
    writer.commit()
    with closing(backend.reader()) as reader:
        (best, also), scores = reader.cosine_leg(rows[0], EVERYTHING, 2)
        assert scores[0] == scores[1]
        assert [hit.path for hit in reader.hydrate(np.array([best, also]))] == [b"/a", b"/b"]


# ---- what is refused -----------------------------------------------------------------------------

ZEROS = np.zeros((2, DIM), dtype=np.float32)
REFUSED = {
    "NaN": np.full((2, DIM), np.nan, dtype=np.float32),
    "one NaN": np.where(np.arange(2 * DIM).reshape(2, DIM) == 3, np.nan, unit(2)).astype(
        np.float32
    ),
    "infinite": np.full((2, DIM), np.inf, dtype=np.float32),
    "zero": ZEROS,
    "too long": unit(2) * np.float32(1.01),
    "too few": unit(1),
    "too many": unit(3),
    "too narrow": np.eye(2, DIM - 1, dtype=np.float32),
    "flat": axis(0),
}


@pytest.mark.parametrize("vectors", REFUSED.values(), ids=REFUSED)
def test_vectors_that_are_not_one_unit_row_a_passage_are_refused_and_change_nothing(
    writer: Writer, vectors: Vectors
) -> None:
    add(writer, "/old", document(2), unit(2))
    pending = add(writer, "/pending", document(2))
    writer.commit()
    with pytest.raises(ValueError, match="vectors must be"):
        add(writer, "/old", document(2, word="new"), vectors)
    with pytest.raises(ValueError, match="vectors must be"):
        writer.attach(pending, vectors)
    assert writer.commit() == 1
    assert {path: known.is_pending for path, known in writer.known_files().items()} == {
        b"/old": False,
        b"/pending": True,
    }


def test_a_caller_s_mistakes_are_refused_and_change_nothing(writer: Writer) -> None:
    with pytest.raises(ValueError, match="encoder"):
        writer.replace(source("/a"), document(), passages_of(document()))
    complete = add(writer, "/a", document(), unit(1))
    add(writer, "/b", document(), unit(1))
    writer.commit()
    with pytest.raises(ValueError, match="at least one passage"):
        writer.replace(source("/a"), document(), [])
    with pytest.raises(ValueError, match="not pending"):
        writer.attach(complete, unit(1))
    with pytest.raises(ValueError, match="another document"):
        writer.relocate(complete, source("/b"))
    with pytest.raises(ValueError, match="already"):
        writer.set_encoder(ENCODER)
    unknown: list[Callable[[], None]] = [
        lambda: writer.attach(9, unit(1)),
        lambda: writer.remove([9]),
        lambda: writer.mark_stale(9),
        lambda: writer.relocate(9, source("/c")),
    ]
    for act in unknown:
        with pytest.raises(ValueError, match="no document 9"):
            act()
    assert writer.commit() == 1


# ---- roots and what is not indexed ---------------------------------------------------------------


def test_a_root_takes_the_place_of_those_below_it(backend: Backend, writer: Writer) -> None:
    beside = [
        Root(b"/a.b"),
        Root(b"/a0"),
        Root(b"/a-"),
        Root(b"/caf\xe9", ("*.md",), ("x", "y\n'")),
    ]
    for root in (*beside, Root(b"/a/b"), Root(b"/a/b/c"), Root(b"/a/[x]*")):
        writer.set_root(root)
    writer.set_root(Root(b"/a", include=("*.txt",)))
    expected = sorted([Root(b"/a", include=("*.txt",)), *beside], key=lambda root: root.path)
    assert writer.roots() == expected
    writer.set_root(Root(b"/a"))
    assert Root(b"/a") in writer.roots()
    writer.commit()
    with closing(backend.reader()) as reader:
        assert list(reader.status().roots) == writer.roots()
    writer.forget_roots(b"/a")
    assert writer.roots() == sorted(beside, key=lambda root: root.path)
    writer.set_root(Root(b"/"))
    assert writer.roots() == [Root(b"/")]
    writer.forget_roots(b"/")
    assert writer.roots() == []


def test_a_document_that_is_replaced_again_before_a_commit_is_there_once(
    backend: Backend, writer: Writer
) -> None:
    for word, passages in (("first", 4), ("second", 3), ("third", 2)):
        add(writer, "/a", document(passages, word=word), unit(passages))
    writer.commit()
    with closing(backend.reader()) as reader:
        assert reader.counts() == (1, 2, 0, 0)
        assert [hit.text for hit in reader.show(reader.document_ids(EVERYTHING)[0])[1]] == [
            "third 0",
            "third 1",
        ]
    if isinstance(backend, Maintainable):
        assert backend.check(full=True) == []


def test_what_is_not_indexed_is_replaced_within_its_scopes_only(
    backend: Backend, writer: Writer
) -> None:
    def recorded() -> list[Unindexed]:
        writer.commit()
        with closing(backend.reader()) as reader:
            return list(reader.status().unindexed)

    old = [
        Unindexed(path, "skipped", "empty") for path in (b"/a", b"/a/x", b"/a/y", b"/a.x", b"/b/x")
    ]
    writer.set_unindexed([b"/"], old)
    assert recorded() == sorted(old, key=lambda one: one.path)
    new = [
        Unindexed(b"/a/y", "failed", "broken", 3),
        Unindexed(b"/a/caf\xe9", "skipped", "ignored", 40),
    ]
    writer.set_unindexed([b"/a"], [*new, Unindexed(b"/b/z", "failed", "outside of the scope")])
    assert recorded() == [old[3], new[1], new[0], old[4]]
    writer.set_unindexed([b"/a/", b"/a/y", b"/nowhere"], [new[0]])
    assert recorded() == [old[3], new[0], old[4]]
    writer.set_unindexed([b"/b", b"/a.x"], [])
    assert recorded() == [new[0]]


def test_a_place_that_is_a_document_is_no_pattern(backend: Backend, writer: Writer) -> None:
    add(writer, "/docs/a[1].txt", document(1), unit(1))
    add(writer, "/docs/a1.txt", document(1), unit(1))
    writer.commit()
    with closing(backend.reader()) as reader:
        assert [row.path for row in reader.rows(Filters(within=("/docs/a[1].txt",)))] == [
            b"/docs/a[1].txt"
        ]
        assert [row.path for row in reader.rows(Filters(within=("/docs/a[12].txt",)))] == [
            b"/docs/a1.txt"
        ]


@pytest.mark.parametrize("others", [0, 20], ids=["alone", "among others"])
def test_a_path_on_the_disk_is_no_pattern(
    backend: Backend, writer: Writer, tmp_path: Path, others: int
) -> None:
    more = tuple(f"/nowhere/{number}" for number in range(others))
    (tmp_path / "[a].md").touch()
    (tmp_path / "[a].zip").touch()
    for name in ("a.md", "a.zip!/m", "[b].md", "b.md"):
        add(writer, f"{tmp_path}/{name}", document(1), unit(1))
    add(writer, b"/docs/\xfe.md", document(1), unit(1))
    writer.commit()

    def found(place: str) -> list[str]:
        with closing(backend.reader()) as reader:
            rows = reader.rows(Filters(within=(place, *more)))
            return [Path(os.fsdecode(row.path)).name for row in rows]

    assert found(f"{tmp_path}/[a].md") == found(f"{tmp_path}/[a].zip!/m") == []
    assert found(f"{tmp_path}/[a-z].md") == ["a.md", "b.md"]
    assert found("[b].md") == ["[b].md"]  # its own name comes before what it matches
    assert found("[a].md") == ["a.md"]  # of no folder: a glob
    assert found(os.fsdecode(b"/docs/\xff.md")) == []  # shown alike, and another


def test_what_is_read_and_no_document_keeps_its_source(backend: Backend, writer: Writer) -> None:
    refused = Unindexed(
        b"/docs/a.pdf", "failed", "encrypted", source=replace(source("/docs/a.pdf"), splitter="")
    )
    unread = Unindexed(b"/docs/b", "skipped", "hidden", files=3)
    archive = Unindexed(
        b"/docs/c.zip",
        "indexed",
        "1 of 1 files in it were read",
        source=replace(source("/docs/c.zip"), splitter=""),
    )
    writer.set_unindexed([b"/docs"], [refused, unread, archive])
    writer.commit()
    assert writer.unindexed() == {each.path: each for each in (refused, unread, archive)}
    with closing(backend.reader()) as reader:
        assert [(each.path, each.outcome) for each in reader.status().unindexed] == [
            (b"/docs/a.pdf", "failed"),
            (b"/docs/b", "skipped"),
        ]


def test_the_members_of_an_archive_are_below_it(backend: Backend, writer: Writer) -> None:
    for path in (
        "/docs/a.zip!/in/b.txt",
        "/docs/a.zip!/c.txt",
        "/docs/a.zipped/d.txt",
        "/docs/a.zi",
    ):
        add(writer, path, document(), axis(0)[None])
    writer.set_unindexed(
        [b"/docs"],
        [
            Unindexed(b"/docs/a.zip", "indexed", ""),
            Unindexed(b"/docs/a.zip!/e.bin", "skipped", "binary"),
        ],
    )
    writer.commit()
    members = [b"/docs/a.zip!/c.txt", b"/docs/a.zip!/in/b.txt"]
    with closing(backend.reader()) as reader:
        assert [row.path for row in reader.rows(Filters(within=("/docs/a.zip",)))] == members
        assert [row.path for row in reader.rows(Filters(within=("/docs/a.zip!/in",)))] == members[
            1:
        ]
        assert paths(reader, axis(0), Filters(within=("/docs/a.zip",))) == members
    writer.set_unindexed([b"/docs/a.zip"], [])
    assert writer.unindexed() == {}


def test_metadata_are_compared_whole_or_by_one_of_several_values_in_any_case(
    backend: Backend, writer: Writer
) -> None:
    for number, metadata in enumerate(
        [
            {"author": "Ann Lee; Bo"},
            {"Author": "ann lee"},
            {"author": "Joann Lee", "tags": "a, Wide[x]"},
            {},
        ]
    ):
        add(writer, f"/{number}", replace(document(), metadata=metadata), axis(0)[None])
    writer.commit()
    expected = {
        (("author", "Ann Lee"),): [b"/0", b"/1"],
        (("AUTHOR", "*ann lee"),): [b"/0", b"/1", b"/2"],
        (("author", "bo"),): [b"/0"],
        (("author", "b?"), ("author", "Ann Lee; Bo")): [b"/0"],
        (("author", "*"), ("tags", "wide[?]")): [b"/2"],
        (("tags", "\udcff"),): [],
        (("tags", "*"),): [b"/2"],
        (("author", "Lee"),): [],
        (("absent", "*"),): [],
        (("author", "'; DROP TABLE document; --"),): [],
    }
    with closing(backend.reader()) as reader:
        for where, found in expected.items():
            assert [row.path for row in reader.rows(Filters(where=where))] == found, where
            assert paths(reader, axis(0), Filters(where=where)) == found, where


def test_documents_are_counted_by_their_language(backend: Backend, writer: Writer) -> None:
    said = ["de", "de-AT", "", "EN", "python", "de"]
    for number, language in enumerate(said):
        metadata = {"language": language} if language else {"author": "Ann"}
        add(writer, f"/{number}", replace(document(), metadata=metadata), axis(0)[None])
    writer.remove([writer.known_files()[b"/5"].document_id])
    writer.commit()
    with closing(backend.reader()) as reader:
        assert reader.languages() == {"de": 1, "de-AT": 1, "": 1, "EN": 1, "python": 1}
        assert reader.status().languages == {"de": 2, "en": 1, "": 2}
        assert reader.languages(sampled=True)["de-AT"] == 1


# ---- words ---------------------------------------------------------------------------------------

WORDS = (
    "yak",
    "pig",
    "owl",
    "hen",
    "fox",
    "elk",
    "dog",
    "cow",
    "bat",
)  # that stemming leaves as they are, the first ones often
SHARES = np.array([40, 14, 12, 10, 8, 6, 5, 3, 2]) / 100


class Row(NamedTuple):
    """A passage as the keyword index is to hold it, and all that a filter may ask of it."""

    path: str
    start: int
    kind: str
    columns: tuple[tuple[str, ...], ...]  # title, headings below it, body, the file's name
    vector: Vector | None

    def holds(self, *phrase: str, is_title: bool = False) -> bool:
        return any(occurrences(column, phrase) for column in self.columns[: 1 if is_title else 4])


def occurrences(column: tuple[str, ...], phrase: tuple[str, ...]) -> int:
    return sum(column[i : i + len(phrase)] == phrase for i in range(len(column)))


def bm25(rows: Sequence[Row], terms: Sequence[Term]) -> NDArray[np.float64]:
    """The oracle: each passage's score, (n,), as https://sqlite.org/fts5.html#the_bm25_function has
    it, the title weighing 2.
    """
    sizes = np.array([sum(map(len, row.columns)) for row in rows])
    flattening = 1.2 * (0.25 + 0.75 * sizes / sizes.mean())
    total = np.zeros(len(rows))
    for term in terms:
        weights = [2, 0, 0, 0] if term.is_title else [2, 1, 1, 1]
        frequency = (
            np.array([[occurrences(column, term.words) for column in row.columns] for row in rows])
            @ weights
        )
        holding = np.count_nonzero(frequency)
        idf = max(np.log((len(rows) - holding + 0.5) / (holding + 0.5)), 1e-6)
        total += idf * (frequency * 2.2 / (frequency + flattening))
    return total


class KeywordOracle:
    """Documents of some words and a few passages each, every fourth pending, and what a search over
    their words must give.
    """

    def __init__(self, writer: Writer) -> None:
        self.documents: dict[str, tuple[int, list[Row]]] = {}
        for number in range(48):
            self.add(writer, number, is_pending=number % 4 == 3)

    def add(self, writer: Writer, number: int, *, seed: int = 0, is_pending: bool = False) -> None:
        random = np.random.default_rng((seed, number))

        def some(least: int, most: int) -> tuple[str, ...]:
            return tuple(
                str(word)
                for word in random.choice(WORDS, random.integers(least, most + 1), p=SHARES)
            )

        path, kind, title = f"{FOLDERS[number % 5]}/{number:02}", KINDS[number % 3], some(0, 2)
        rows, passages, text = [], [], ""
        vectors = unit(int(random.integers(1, 5)), seed=number)
        for vector in vectors:
            below, body = some(0, 2), some(1, 9)
            headings = (
                *([" ".join(title)] if title else []),
                *([" ".join(below)] if below else []),
            )
            rows.append(
                Row(
                    path,
                    len(text),
                    kind,
                    (title, below, body, (f"{number:02}",)),
                    None if is_pending else vector,
                )
            )
            passages.append(Passage(len(text), len(text) + len(" ".join(body)), headings))
            text += f"{' '.join(body)}\n"
        if writer.encoder() is None:
            writer.set_encoder(ENCODER)
        made = Document(text, kind, " ".join(title))
        document_id = writer.replace(
            source(path), made, passages, vectors=None if is_pending else vectors
        )
        self.documents[path] = (document_id, rows)

    @property
    def rows(self) -> list[Row]:
        return [row for _, rows in self.documents.values() for row in rows]

    def agrees(
        self, reader: Reader, terms: Sequence[Term], filters: Filters, keeps: Callable[[Row], bool]
    ) -> int:
        """Whether the keyword leg gives exactly what it must at every depth; returns how many
        passages there are to give.
        """
        scored = zip(self.rows, bm25(self.rows, terms).astype(np.float32).tolist(), strict=True)
        expected = sorted(
            (-score, row.path.encode(), row.start)
            for row, score in scored
            if score > 0 and keeps(row)
        )
        for depth in (1, 2, 7, 5000):
            ids, scores = reader.keyword_leg(terms, filters, depth)
            assert [(each.path, each.start) for each in reader.addresses(ids)] == [
                (path, start) for _, path, start in expected[:depth]
            ]
            assert np.allclose(
                scores, [-score for score, _, _ in expected[:depth]], rtol=1e-6, atol=0
            )
            assert (ids.dtype.name, scores.dtype.name) == ("int64", "float32")
        return len(expected)

    def agrees_by_cosine(
        self, reader: Reader, filters: Filters, keeps: Callable[[Row], bool]
    ) -> None:
        """Whether the cosine leg gives exactly what it must of the passages that pass a filter."""
        query = unit(1, 7)[0]
        stored = [
            (row.path.encode(), row.start, i, row.vector)
            for i, row in enumerate(self.rows)
            if row.vector is not None and keeps(row)
        ]
        for depth in (1, 7, 5000):
            ids, scores = reader.cosine_leg(query, filters, depth)
            expected, expected_scores = expected_leg(stored, query, depth)
            places = [(self.rows[i].path.encode(), self.rows[i].start) for i in expected]
            assert [(each.path, each.start) for each in reader.addresses(ids)] == places
            assert np.allclose(scores, expected_scores, atol=1e-6, rtol=0)


BAT, COW, YAK, ABSENT = (Term((word,)) for word in ("bat", "cow", "yak", "absent"))
YAKS, PIG_OWL = Term(("yak", "yak")), Term(("pig", "owl"))
EVERY_WORD = tuple(Term((word,)) for word in WORDS)
TITLE_YAK, TITLE_PHRASE = Term(("yak",), is_title=True), Term(("yak", "pig"), is_title=True)

ASKED: list[tuple[Term, ...]] = [
    (BAT,),
    (YAK,),  # in most passages
    (COW, BAT),
    (BAT, BAT, COW),
    (YAKS,),
    (PIG_OWL, BAT),
    (TITLE_YAK,),
    (TITLE_PHRASE, COW),
    (ABSENT, COW),
    EVERY_WORD,
]

FILTERED_PASSAGES: list[tuple[str, Filters, Callable[[Row], bool]]] = [
    ("everything", EVERYTHING, lambda _: True),
    ("within", Filters(within=("/home/ann",)), lambda row: row.path.startswith("/home/ann/")),
    ("outside", Filters(outside=("/home/ann",)), lambda row: not row.path.startswith("/home/ann/")),
    (
        "outside of two places, with a slash and with glob characters",
        Filters(outside=("/home/ann/notes/", "/srv/data [x]*")),
        lambda row: not row.path.startswith(("/home/ann/notes/", "/srv/data [x]*/")),
    ),
    (
        "outside of a document",
        Filters(outside=("/home/ann/05",)),
        lambda row: row.path != "/home/ann/05",
    ),
    ("outside of nothing, as it is no pattern", Filters(outside=("/home/*", "0?")), lambda _: True),
    (
        "within and outside",
        Filters(within=("/home",), outside=("/home/ann/notes",)),
        lambda row: row.path.startswith("/home/") and "notes" not in row.path,
    ),
    ("a type", Filters(types=("md",)), lambda row: row.kind == "md"),
    ("holding a word", Filters(holding=(COW,)), lambda row: row.holds("cow")),
    (
        "holding two words",
        Filters(holding=(COW, YAK)),
        lambda row: row.holds("cow") and row.holds("yak"),
    ),
    ("holding a phrase", Filters(holding=(YAKS,)), lambda row: row.holds("yak", "yak")),
    (
        "holding a word in the title",
        Filters(holding=(TITLE_YAK,)),
        lambda row: row.holds("yak", is_title=True),
    ),
    ("lacking a word", Filters(lacking=(YAK,)), lambda row: not row.holds("yak")),
    (
        "lacking one word and another",
        Filters(lacking=(BAT, PIG_OWL)),
        lambda row: not row.holds("bat") and not row.holds("pig", "owl"),
    ),
    (
        "lacking a phrase in the title",
        Filters(lacking=(TITLE_PHRASE,)),
        lambda row: not row.holds("yak", "pig", is_title=True),
    ),
    ("holding what is absent", Filters(holding=(ABSENT,)), lambda _: False),
    ("lacking what is absent", Filters(lacking=(ABSENT,)), lambda _: True),
    ("holding what it lacks", Filters(holding=(COW,), lacking=(COW,)), lambda _: False),
    (
        "all at once",
        Filters(outside=("/srv",), types=("txt", "pdf"), holding=(YAK,), lacking=(BAT,)),
        lambda row: (
            not row.path.startswith("/srv/")
            and row.kind != "md"
            and row.holds("yak")
            and not row.holds("bat")
        ),
    ),
]


def test_words_are_scored_exactly_as_the_oracle_scores_them(
    backend: Backend, writer: Writer
) -> None:
    oracle = KeywordOracle(writer)
    writer.commit()
    for is_published in (False, True):
        if is_published:
            writer.finish()
        with closing(backend.reader()) as reader:
            counts = [oracle.agrees(reader, terms, EVERYTHING, lambda _: True) for terms in ASKED]
            assert min(counts) > 0
            assert counts[-1] == len(oracle.rows) == reader.counts()[1]


@pytest.mark.slow
def test_every_filter_of_passages_holds_for_both_legs(backend: Backend, writer: Writer) -> None:
    oracle = KeywordOracle(writer)
    writer.finish()
    oracle.add(writer, 50)  # newer than the file
    oracle.add(writer, 51, is_pending=True)
    writer.commit()
    with closing(backend.reader()) as reader:
        for name, filters, keeps in FILTERED_PASSAGES:
            oracle.agrees(reader, [BAT, COW, YAKS], filters, keeps)
            count = oracle.agrees(reader, EVERY_WORD, filters, keeps)
            assert (count > 0) == (
                name not in ("holding what is absent", "holding what it lacks")
            ), name
            oracle.agrees_by_cosine(reader, filters, keeps)
        ids, _ = reader.keyword_leg(EVERY_WORD, EVERYTHING, 5000)
        assert {"/home/ann/50", "/home/ann/notes/51"} <= {
            address.path.decode() for address in reader.addresses(ids)
        }
        assert reader.notes == []


@pytest.mark.slow
def test_words_are_scored_over_what_is_there_after_every_kind_of_change(
    backend: Backend, writer: Writer
) -> None:
    oracle = KeywordOracle(writer)
    writer.finish()
    for number in (0, 3, 7):  # complete and pending ones, replaced by either
        oracle.add(writer, number, seed=1, is_pending=number == 7)
    for path in ("/home/ann/05", "/home/ann/notes/11", "/srv/44"):
        writer.remove([oracle.documents.pop(path)[0]])
    moved, rows = oracle.documents.pop("/home/ann/10")
    writer.relocate(moved, source("/elsewhere/10"))
    oracle.documents["/elsewhere/10"] = (
        moved,
        [row._replace(path="/elsewhere/10") for row in rows],
    )
    late, rows = oracle.documents["/srv/19"]
    writer.attach(late, unit(len(rows), seed=3))
    writer.commit()
    for is_finished in (False, True):
        if is_finished:
            writer.finish()
        with closing(backend.reader()) as reader:
            for terms in ASKED:
                oracle.agrees(reader, terms, EVERYTHING, lambda _: True)
            for _, filters, keeps in FILTERED_PASSAGES:
                oracle.agrees(reader, [BAT, COW, YAKS], filters, keeps)
            expected = [
                sum(row.holds(*term.words, is_title=term.is_title) for row in oracle.rows)
                for term in EVERY_WORD
            ]
            assert reader.frequencies(EVERY_WORD) == expected


def test_a_replaced_or_removed_document_is_not_found_by_its_words(
    backend: Backend, writer: Writer
) -> None:
    for path in ("/a", "/b", "/c"):
        add(writer, path, document(2, word="fox", title="Den"), unit(2))
    writer.finish()
    add(writer, "/a", document(2, word="hen"))
    writer.remove([writer.known_files()[b"/b"].document_id])
    writer.commit()
    with closing(backend.reader()) as reader:
        found = {
            word: [
                address.path
                for address in reader.addresses(
                    reader.keyword_leg([Term((word,))], EVERYTHING, 9)[0]
                )
            ]
            for word in ("fox", "den", "hen")
        }
        assert found == {"fox": [b"/c", b"/c"], "den": [b"/c", b"/c"], "hen": [b"/a", b"/a"]}
        assert reader.frequencies([Term(("fox",)), Term(("den",)), Term(("hen",))]) == [2, 2, 2]


def test_a_word_that_no_passage_holds_comes_with_the_one_that_may_be_meant(
    backend: Backend, writer: Writer
) -> None:
    add(writer, "/a", Document("harbour lights\nharbour master", "txt"), unit(2))
    add(writer, "/b", Document("harvour of stone", "txt"), unit(1))
    writer.commit()
    words = [Term((word,)) for word in ("harbuor", "haroour", "harbour", "zebra")]
    with closing(backend.reader()) as reader:
        found = reader.occurrences(words, listed=1, repairable=words)
        assert found.counts == [0, 0, 2, 0]
        assert [len(ids) for ids in found.holders] == [0]
        assert found.meant == {words[0]: ("harbour", 2), words[1]: ("harbour", 2)}
        assert reader.occurrences(words, listed=0).meant == {}


def test_exclusions_are_kept_in_order_and_replaced(backend: Backend, writer: Writer) -> None:
    assert writer.exclusions() == []
    writer.set_exclusions([b"/b", b"/a\xff", b"/b"])
    writer.commit()
    assert writer.exclusions() == [b"/a\xff", b"/b"]
    with closing(backend.reader()) as reader:
        assert reader.status().exclusions == (b"/a\xff", b"/b")
    writer.set_exclusions([])
    writer.commit()
    with closing(backend.reader()) as reader:
        assert reader.status().exclusions == ()


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_accents_in_a_place_count_in_either_form(
    backend: Backend, writer: Writer, form: Literal["NFC", "NFD"]
) -> None:
    mixed = normalize("NFC", "/Prüfung") + normalize("NFD", "/Übung.md")
    for i, path in enumerate((mixed, "/Prufung/Ubung.md", f"{mixed}!/x")):
        add(writer, path, Document(f"text {i}", "md"), unit(1))
    writer.commit()
    with closing(backend.reader()) as reader:
        for place in ("/Prüfung/Übung.md", "/Prüfung", "Üb*.md", "/Pr[ü]fung/*"):
            within = Filters(within=(normalize(form, place),))
            paths = [os.fsdecode(row.path) for row in reader.rows(within)]
            assert paths == [mixed, f"{mixed}!/x"], place


def test_a_path_to_the_letter_comes_before_one_with_other_accents(
    backend: Backend, writer: Writer
) -> None:
    paths = [normalize(form, "/é.md") for form in ("NFC", "NFD")]
    for path in paths:
        add(writer, path, Document("text", "md"), unit(1))
    writer.commit()
    with closing(backend.reader()) as reader:
        for path in paths:
            rows = list(reader.rows(Filters(within=(path,))))
            assert [os.fsdecode(row.path) for row in rows] == [path]


def test_frequencies_count_passages_not_occurrences(backend: Backend, writer: Writer) -> None:
    add(writer, "/a", Document("fox fox\nfox hen\nhen owl", "txt", "Fox"), unit(3))
    add(writer, "/pending", Document("hen owl", "txt"))
    writer.commit()
    terms = [
        Term(("fox",)),
        Term(("hen",)),
        Term(("hen", "owl")),
        Term(("fox",), is_title=True),
        Term(("absent",)),
        Term(("hen",)),
    ]
    with closing(backend.reader()) as reader:
        assert reader.frequencies(terms) == [3, 3, 2, 3, 0, 3]
        assert reader.frequencies([]) == []


def test_a_term_given_twice_counts_twice(backend: Backend, writer: Writer) -> None:
    add(writer, "/a", Document("fox\nhen\nowl\nelk\nyak", "txt"), unit(5))
    writer.commit()
    with closing(backend.reader()) as reader:
        once, twice = (
            reader.keyword_leg([Term(("fox",))] * count, EVERYTHING, 5)[1] for count in (1, 2)
        )
        assert once.tolist() == pytest.approx(
            [np.log(3)]
        )  # ln((5 - 1 + .5) / (1 + .5)), as all passages are of one length
        assert twice.tolist() == pytest.approx([2 * np.log(3)])


def test_nothing_asked_or_nothing_there_finds_nothing(backend: Backend, writer: Writer) -> None:
    fox = Term(("fox",))
    with closing(backend.reader()) as reader:
        assert reader.keyword_leg([fox], EVERYTHING, 5)[0].tolist() == []
        assert reader.keyword_leg([fox], Filters(holding=(fox,)), 5)[0].tolist() == []
        assert reader.frequencies([fox]) == [0]
    add(writer, "/a", Document("fox\nhen\nowl", "txt"), unit(3))
    writer.commit()
    with closing(backend.reader()) as reader:
        assert [reader.keyword_leg([fox], EVERYTHING, depth)[0].size for depth in (1, 0, -1)] == [
            1,
            0,
            0,
        ]
        for terms in ([], [ABSENT]):
            ids, scores = reader.keyword_leg(terms, EVERYTHING, 5)
            assert (ids.tolist(), scores.tolist(), ids.dtype.name, scores.dtype.name) == (
                [],
                [],
                "int64",
                "float32",
            )


def test_equal_scores_by_words_are_ordered_by_path_bytes_then_start(
    backend: Backend, writer: Writer
) -> None:
    for path in ("/b", "/a/z", "/a", "/\x7fx", "/é"):
        add(writer, path, document(3, word="fox"), unit(3))
    add(writer, "/other", document(40, word="hen"), unit(40))
    writer.commit()
    expected = [b"/a", b"/a/z", b"/b", b"/\x7fx", "/é".encode()]
    with closing(backend.reader()) as reader:
        for depth in (1, 2, 4, 15, 20):
            ids, scores = reader.keyword_leg([Term(("fox",))], EVERYTHING, depth)
            places = [(address.path, address.start) for address in reader.addresses(ids)]
            assert places == [(path, start) for path in expected for start in (0, 6, 12)][:depth]
            assert len(set(scores.tolist())) == 1


def test_scores_by_words_that_differ_by_less_than_is_told_are_equal(
    backend: Backend, writer: Writer
) -> None:
    # 2 / (2 + 1.2 (.25 + .75 * 13 / 9)) is 1 / (1 + 1.2 (.25 + .75 * 5 / 9)), but not in
    # binary; the file's name is a word too
    for path, foxes, hens in (
        ("/m", 2, 10),
        ("/z", 1, 3),
        ("/b", 1, 3),
        *((f"/{i}", 0, 9) for i in range(4)),
    ):
        add(writer, path, Document(" ".join(["fox"] * foxes + ["hen"] * hens), "txt"), unit(1))
    writer.commit()
    with closing(backend.reader()) as reader:
        for depth in (1, 2, 3):
            ids, scores = reader.keyword_leg([Term(("fox",))], EVERYTHING, depth)
            assert [address.path for address in reader.addresses(ids)] == [b"/b", b"/m", b"/z"][
                :depth
            ]
            assert len(set(scores.tolist())) == 1


def test_a_text_without_spaces_is_found_by_a_part_of_it(backend: Backend, writer: Writer) -> None:
    add(writer, "/price", Document("東京大学の価格", "txt"), unit(1))
    add(writer, "/mixed", Document("iPhone15の大きな価格", "txt", "第一章"), unit(1))
    add(writer, "/other", document(9), unit(9))
    writer.commit()
    expected = {
        "大学": [b"/price"],
        "京大": [b"/price"],
        "学大": [],
        "東大": [],
        "IPHONE15": [b"/mixed"],
        "iPhone15の価格": [b"/mixed", b"/price"],
        "一章": [b"/mixed"],
        '"大学の価"': [b"/price"],
        "価格 -東京": [b"/mixed"],
        "title:第一 価格": [b"/mixed"],
    }
    with closing(backend.reader()) as reader:
        for text, found in expected.items():
            asked = query_parser.parse(text)
            ids, _ = reader.keyword_leg(
                asked.terms, Filters(holding=asked.holding, lacking=asked.lacking), 9
            )
            assert sorted(address.path for address in reader.addresses(ids)) == found, text
        assert reader.frequencies(query_parser.literal("大学").terms) == [1]
        assert reader.frequencies(query_parser.literal("価格").terms) == [2]


# ---- what is known of a passage and of the corpus ------------------------------------------------


def test_addresses_tell_where_each_passage_stands_in_the_order_given(
    backend: Backend, writer: Writer
) -> None:
    first = add(writer, b"/caf\xe9", document(3), unit(3))
    second = add(writer, "/b", document(2))
    writer.commit()
    with closing(backend.reader()) as reader:
        ids = np.array(
            [
                hit.passage_id
                for document_id in (first, second)
                for hit in reader.show(document_id)[1]
            ]
        )
        expected = [Address(b"/caf\xe9", start, first, 3) for start in (0, 7, 14)] + [
            Address(b"/b", start, second, 2) for start in (0, 7)
        ]
        assert reader.addresses(ids) == expected
        order = [4, 0, 3, 2, 0]
        assert reader.addresses(ids[order]) == [expected[i] for i in order]
        assert reader.addresses(ids[:0]) == []


def test_vectors_are_those_stored_wherever_they_are_and_nan_where_none_is_yet(
    backend: Backend, writer: Writer
) -> None:
    rows = {name: unit(3, seed=seed) for seed, name in enumerate(("/early", "/late", "/newer"))}
    stored = {name: each.astype(np.float16).astype(np.float32) for name, each in rows.items()}
    nothing = np.full((3, DIM), np.nan, dtype=np.float32)
    documents = [
        add(writer, "/late", document(3)),
        add(writer, "/early", document(3), rows["/early"]),
    ]
    writer.commit()

    def agrees(*expected: Vectors) -> None:
        with closing(backend.reader()) as reader:
            ids = np.array(
                [hit.passage_id for document_id in documents for hit in reader.show(document_id)[1]]
            )
            for order in (
                np.arange(len(ids)),
                np.random.default_rng(1).permutation(len(ids)),
                np.array([1, 0, 1]),
                np.arange(0),
            ):
                found = reader.vectors_of(ids[order])
                assert np.array_equal(found, np.concatenate(expected)[order], equal_nan=True)
                assert (found.dtype.name, found.flags.c_contiguous) == ("float32", True)
            assert reader.notes == []

    agrees(nothing, stored["/early"])
    writer.finish()
    agrees(nothing, stored["/early"])
    documents.append(add(writer, "/newer", document(3), rows["/newer"]))  # not in the file
    documents.append(add(writer, "/pending", document(3)))
    writer.commit()
    agrees(nothing, stored["/early"], stored["/newer"], nothing)
    writer.attach(documents[0], rows["/late"])  # its passages' ids are lower than those in the file
    writer.finish()
    agrees(stored["/late"], stored["/early"], stored["/newer"], nothing)


def test_a_setting_is_kept_until_it_is_taken_back(backend: Backend, writer: Writer) -> None:
    def recorded() -> dict[str, str]:
        writer.commit()
        with closing(backend.reader()) as reader:
            return reader.settings()

    assert recorded() == {}
    writer.set_setting("mode", "keyword")
    writer.set_setting("größe", "'a'; \"b\" 🙂\n")
    with closing(backend.reader()) as reader:
        assert reader.settings() == {}
    assert recorded() == {"mode": "keyword", "größe": "'a'; \"b\" 🙂\n"}
    writer.set_setting("mode", "")
    assert recorded() == {"mode": "", "größe": "'a'; \"b\" 🙂\n"}
    writer.set_setting("mode", None)
    writer.set_setting("absent", None)
    assert recorded() == {"größe": "'a'; \"b\" 🙂\n"}
    writer.set_setting("größe", None)
    assert recorded() == {}


# ---- labels --------------------------------------------------------------------------------------

LABELS = {
    0: ("bill",),
    1: ("bill", "post"),
    3: ("post",),
    7: ("Bill",),
    20: ("größe",),
    59: ("bill",),
}  # by number of the document
LABELLED: list[tuple[tuple[str, ...], set[int]]] = [
    (("bill",), {0, 1, 59}),
    (("post", "größe"), {1, 3, 20}),
    (("bill", "bill"), {0, 1, 59}),
    (("nothing",), set()),
    (("",), set()),
    (("\udcff",), set()),
]


def test_filters_by_label_give_exactly_what_the_oracle_gives(
    backend: Backend, writer: Writer
) -> None:
    oracle = Oracle(writer)
    number_of = {day_ns // DAY_NS: i for i, (_, _, day_ns, _, _) in oracle.stored.items()}
    for number, names in LABELS.items():
        writer.set_labels(number_of[number], [Label(name) for name in names])
    writer.commit()
    for is_published in (False, True):
        if is_published:
            writer.finish()
        with closing(backend.reader()) as reader:
            for names, numbers in LABELLED:
                keeps = partial(_is_of, numbers)
                oracle.agrees(reader, Filters(labels=names), keeps)
                expected = sorted(
                    path.decode()
                    for path, _, day_ns, _, _ in oracle.stored.values()
                    if day_ns // DAY_NS in numbers
                )
                assert [row.path.decode() for row in reader.rows(Filters(labels=names))] == expected
                assert len(reader.document_ids(Filters(labels=names))) == len(numbers)
            both = Filters(labels=("bill",), within=("/home/ann",))
            oracle.agrees(
                reader,
                both,
                lambda one: _is_of({0, 1, 59}, one) and one.path.startswith("/home/ann/"),
            )


def _is_of(numbers: set[int], one: Place) -> bool:
    return one.day // DAY_NS in numbers


def test_labels_are_kept_by_document_and_by_name(backend: Backend, writer: Writer) -> None:
    first, second = add(writer, "/a", document(), unit(1)), add(writer, "/b", document(), unit(1))
    said = (Label("bill"), Label("größe", "classifier", 0.1), Label("post", "descriptions"))
    writer.set_labels(first, reversed(said))
    with closing(backend.reader()) as reader:
        assert dict(reader.labels()) == {}
    writer.commit()
    with closing(backend.reader()) as reader:
        assert dict(reader.labels()) == {first: said}
        assert [row.labels for row in reader.rows(EVERYTHING)] == [said, ()]
    writer.set_labels(first, [])
    writer.set_labels(second, [Label("bill", "classifier", 1.0)])
    writer.commit()
    with closing(backend.reader()) as reader:
        assert dict(reader.labels()) == {second: (Label("bill", "classifier", 1.0),)}
    with pytest.raises(ValueError, match="no document"):
        writer.set_labels(99, [Label("bill")])


def test_labels_change_the_generation_only_where_they_differ(writer: Writer) -> None:
    document_id = add(writer, "/a", document(), unit(1))
    generation = writer.commit()
    writer.set_labels(document_id, [Label("bill"), Label("post")])
    assert writer.commit() == generation + 1
    writer.set_labels(document_id, [Label("post"), Label("bill")])
    assert writer.commit() == generation + 1
    writer.set_labels(document_id, [Label("bill"), Label("post", "classifier", 0.5)])
    assert writer.commit() == generation + 2


def test_what_is_said_by_hand_stays_when_a_document_is_replaced_and_all_goes_when_it_is_removed(
    backend: Backend, writer: Writer
) -> None:
    document_id = add(writer, "/a", document(), unit(1))
    writer.set_labels(
        document_id, [Label("bill"), Label("post", "classifier", 0.5), Label("x", "descriptions")]
    )
    again = add(writer, "/a", document(2), unit(2))  # in the same unit of work
    writer.commit()
    with closing(backend.reader()) as reader:
        assert dict(reader.labels()) == {again: (Label("bill"),)}
    writer.relocate(again, source("/b"))
    third = add(writer, "/b", document(3))
    fourth = add(writer, "/b", document(3))
    writer.commit()
    with closing(backend.reader()) as reader:
        assert dict(reader.labels()) == {fourth: (Label("bill"),)}
        assert third != fourth
    writer.remove([fourth])
    add(writer, "/b", document(3))
    writer.commit()
    with closing(backend.reader()) as reader:
        assert dict(reader.labels()) == {}


@pytest.mark.parametrize(
    "counts", [(), (60, 39), (300,)], ids=["empty", "99 passages", "one document"]
)
def test_a_corpus_that_is_too_small_has_no_background(
    backend: Backend, writer: Writer, counts: tuple[int, ...]
) -> None:
    for number, count in enumerate(counts):
        add(writer, f"/{number}", document(count), unit(count, seed=number))
    add(writer, "/pending", document(50))  # does not count
    writer.finish()
    with closing(backend.reader()) as reader:
        assert reader.background() is None


def test_both_backends_have_the_same_background_once_an_ingest_has_ended(tmp_path: Path) -> None:
    found = []
    for backend in (SqliteBackend(tmp_path / "corpus"), MemoryBackend()):
        with closing(backend.writer()) as writer:
            gone = add(writer, "/gone", document(30), unit(30, seed=8))
            add(writer, "/pending", document(20))
            for number in range(5):
                add(writer, f"/{number}", document(20), unit(20, seed=number))
            writer.commit()
            with closing(backend.reader()) as reader:
                assert reader.background() is None
            writer.remove([gone])
            writer.finish()
        with closing(backend.reader()) as reader:
            found.append(reader.background())
    local, memory = found
    assert local is not None
    assert memory is not None
    rows = (
        np.concatenate([unit(20, seed=number) for number in range(5)])
        .astype(np.float16)
        .astype(np.float64)
    )
    cosines = np.where(np.arange(100)[:, None] // 20 == np.arange(100) // 20, -1, rows @ rows.T)
    assert local.scale == memory.scale == pytest.approx(min(np.median(cosines.max(axis=1)), 0.8))
    assert (
        local.mean.tolist()
        == memory.mean.tolist()
        == pytest.approx(rows.mean(axis=0).tolist(), abs=1e-6)
    )
    assert (
        (local.mean.dtype, local.mean.shape)
        == (memory.mean.dtype, memory.mean.shape)
        == (np.dtype(np.float32), (DIM,))
    )
