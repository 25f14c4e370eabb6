"""What every backend promises, asked of each: the local one and the one in memory, against an exact NumPy oracle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from make_corpora import DAY_NS, DIM, ENCODER, EVERYTHING, add, axis, digests_of, document, expected_leg, passages_of, paths, source, unit

from searchapp.errors import CorpusLocked
from searchapp.local import LocalBackend
from searchapp.testing import MemoryBackend
from searchapp.types import Backend, Document, DocumentRow, Filters, KnownFile, Passage, PendingDocument, Reader, Root, Unindexed, Writer

if TYPE_CHECKING:
    from searchapp.types import Vector, Vectors

FOLDERS = ("/home/ann", "/home/ann/notes", "/home/ann.old", "/srv/data [x]*", "/srv")
KINDS = ("txt", "md", "pdf")


@pytest.fixture(params=["local", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    made: Backend = LocalBackend(tmp_path / "corpus") if request.param == "local" else MemoryBackend()
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
        self.first: dict[int, int] = {}
        self.next_id = 1
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
        self.first[document_id] = self.next_id
        self.next_id += count
        return document_id

    def drop(self, path: bytes) -> None:
        self.stored = {i: one for i, one in self.stored.items() if one[0] != path}

    def cosine_leg(self, query: Vector, depth: int, keeps: Callable[[Place], bool]) -> tuple[list[int], list[float]]:
        rows = [
            (path, passage.start, self.first[document_id] + ordinal, vectors[ordinal])
            for document_id, (path, kind, dated_ns, made, vectors) in self.stored.items()
            if keeps(Place(path.decode(), kind, dated_ns))
            for ordinal, passage in enumerate(passages_of(made))
        ]
        return expected_leg(rows, query, depth)

    def agrees(self, reader: Reader, filters: Filters, keeps: Callable[[Place], bool], *, seed: int = 7) -> None:
        query = unit(1, seed)[0]
        for depth in (1, 2, 10, 100, 5000):
            ids, scores = reader.cosine_leg(query, filters, depth)
            expected_ids, expected_scores = self.cosine_leg(query, depth, keeps)
            assert ids.tolist() == expected_ids
            assert np.allclose(scores, expected_scores, atol=1e-6, rtol=0)
            assert (ids.dtype.name, scores.dtype.name) == ("int64", "float32")
        assert np.allclose(reader.vectors_of(ids) @ query, scores, atol=1e-6, rtol=0)


FILTERED: list[tuple[str, Filters, Callable[[Place], bool]]] = [
    ("everything", EVERYTHING, lambda _: True),
    ("a path", Filters(within=("/home/ann/05.xx",)), lambda one: one.path == "/home/ann/05.xx"),
    ("a folder", Filters(within=("/home/ann",)), lambda one: one.path.startswith("/home/ann/")),
    ("a folder with a slash", Filters(within=("/home/ann/",)), lambda one: one.path.startswith("/home/ann/")),
    ("the top", Filters(within=("/",)), lambda _: True),
    ("a folder of glob characters", Filters(within=("/srv/data [x]*",)), lambda one: one.path.startswith("/srv/data [x]*/")),
    ("two places", Filters(within=("/home/ann.old", "/srv/04.x")), lambda one: "ann.old" in one.path or one.path == "/srv/04.x"),
    ("a glob across folders", Filters(within=("/home/*.x",)), lambda one: one.path.startswith("/home/") and one.path.endswith(".x")),
    ("a glob from anywhere", Filters(within=("0?.xx",)), lambda one: one.path.rsplit("/")[-1] in ("02.xx", "05.xx", "08.xx")),
    (
        "a glob of classes",
        Filters(within=("*/[12][^0-4].x",)),
        lambda one: one.path[-4] in "12" and one.path[-3] >= "5" and one.path[-2:] == ".x",
    ),
    ("a type", Filters(types=("md",)), lambda one: one.kind == "md"),
    ("two types", Filters(types=("md", "pdf")), lambda one: one.kind in ("md", "pdf")),
    ("since", Filters(since_ns=30 * DAY_NS), lambda one: one.day >= 30 * DAY_NS),
    ("before", Filters(before_ns=30 * DAY_NS), lambda one: one.day < 30 * DAY_NS),
    ("a day", Filters(since_ns=30 * DAY_NS, before_ns=31 * DAY_NS), lambda one: one.day == 30 * DAY_NS),
    (
        "all at once",
        Filters(within=("/home",), types=("txt", "pdf"), since_ns=10 * DAY_NS, before_ns=50 * DAY_NS),
        lambda one: one.path.startswith("/home/") and one.kind != "md" and 10 * DAY_NS <= one.day < 50 * DAY_NS,
    ),
    ("dates beyond 64 bits", Filters(since_ns=-(10**30), before_ns=10**30), lambda _: True),
    ("no path", Filters(within=("/nowhere",)), lambda _: False),
    ("no type", Filters(types=("",)), lambda _: False),
    ("no date", Filters(since_ns=5, before_ns=5), lambda _: False),
]


def test_every_filter_and_depth_gives_exactly_what_the_oracle_gives(backend: Backend, writer: Writer) -> None:
    oracle = Oracle(writer)
    writer.commit()
    for is_published in (False, True):
        if is_published:
            writer.finish()
        with closing(backend.reader()) as reader:
            for name, filters, keeps in FILTERED:
                oracle.agrees(reader, filters, keeps, seed=len(name))
                assert [row.path.decode() for row in reader.rows(filters)] == sorted(
                    path.decode() for path, kind, day, _, _ in oracle.stored.values() if keeps(Place(path.decode(), kind, day))
                )
            assert reader.notes == []


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
    oracle.stored[moved] = (b"/elsewhere/7.md", oracle.stored[moved][1], 90 * DAY_NS, *oracle.stored[moved][3:])
    writer.mark_stale(next(iter(oracle.stored)))
    late = add(writer, "/late", document(3), mtime_ns=91 * DAY_NS)
    writer.commit()
    rows = unit(3, seed=5)
    writer.attach(late, rows)
    oracle.stored[late] = (b"/late", "txt", 91 * DAY_NS, document(3), rows)
    oracle.first[late] = oracle.next_id
    writer.commit()
    for is_finished in (False, True):
        if is_finished:
            writer.finish()
        with closing(backend.reader()) as reader:
            for _, filters, keeps in FILTERED:
                oracle.agrees(reader, filters, keeps)
            moved_filter = Filters(within=("/elsewhere",), since_ns=90 * DAY_NS)
            oracle.agrees(reader, moved_filter, lambda one: one.path == "/elsewhere/7.md")


def test_equal_scores_are_ordered_by_path_bytes_then_start(backend: Backend, writer: Writer) -> None:
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
                assert places == [(path, start) for path in expected for start in (0, 7, 14)][:depth]
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
            assert (reader.counts(), reader.versions(), list(reader.rows(EVERYTHING))) == ((0, 0, 0, 0), [], [])
            assert reader.encoder == (ENCODER if has_encoder else None)
            assert reader.generation == int(has_encoder)
            status = reader.status()
            assert (status.documents, status.encoder, status.roots, status.ingested_at_ns) == (0, reader.encoder, (), None)


def test_a_depth_of_nothing_gives_nothing(backend: Backend, writer: Writer) -> None:
    add(writer, "/a", document(40), unit(40))
    writer.finish()
    with closing(backend.reader()) as reader:
        assert [reader.cosine_leg(axis(0), EVERYTHING, depth)[0].tolist() for depth in (0, -1)] == [[], []]


def test_passages_come_back_as_they_were_given(backend: Backend, writer: Writer) -> None:
    text = "Großvater 日本 🙂\r\n'quoted' \"twice\"; DROP TABLE document; --\n\u0001 e\u0301nd"
    made = Document(text, "md", "Titel 'ß'", has_lines=True, metadata={"author": "Zoë", "date": "2024-03-01"})
    cut = [
        Passage(0, 14, ("Titel 'ß'", "第一"), (("page", 3), ("line_start", 1), ("line_end", 1))),
        Passage(16, 52),
        Passage(53, len(text), ("", "a\nb"), (("sheet", "Blätter 'ß'"), ("row_start", 3), ("row_end", 3))),
    ]
    writer.set_encoder(ENCODER)
    document_id = writer.replace(source("/é.md"), made, cut, vectors=unit(3))
    writer.commit()
    with closing(backend.reader()) as reader:
        ids, _ = reader.cosine_leg(axis(1), EVERYTHING, 3)
        assert [(each.document_id, each.passages) for each in reader.addresses(ids[::-1])] == [(document_id, 3)] * 3
        ids = np.sort(ids)[[2, 0, 1]]
        hits = reader.hydrate(ids)
        assert [hit.passage_id for hit in hits] == ids.tolist()
        assert [hit.passage for hit in hits] == [cut[2], cut[0], cut[1]]
        assert [hit.text for hit in hits] == [text[53:], text[:14], text[16:52]]
        assert {(hit.document_id, hit.path, hit.title, hit.type) for hit in hits} == {(document_id, "/é.md".encode(), "Titel 'ß'", "md")}
        metadata, all_hits = reader.show(document_id)
        assert metadata == {"author": "Zoë", "date": "2024-03-01"}
        assert [hit.passage for hit in all_hits] == cut


@pytest.mark.parametrize(
    "path",
    [b"/a\nb", b"/caf\xe9.txt", b'/it\'s "so"', b"/[x]*", b"/?", b"/%41#b", b"/back\\slash", "/日本/🙂".encode(), b"/trailing ", b"/-o"],
)
def test_odd_paths_are_kept_and_found_exactly(backend: Backend, writer: Writer, path: bytes) -> None:
    add(writer, path, document(), unit(1))
    add(writer, path + b"/below", document(), unit(1))
    add(writer, path + b"beside", document(), unit(1))
    writer.commit()
    place = path.decode("utf-8", "surrogateescape")
    with closing(backend.reader()) as reader:
        assert {row.path for row in reader.rows(EVERYTHING)} == {path, path + b"/below", path + b"beside"}
        assert {path, path + b"/below"} <= set(paths(reader, axis(0), Filters(within=(place,))))
        assert paths(reader, axis(0), Filters(within=(place + "/below",))) == [path + b"/below"]
    assert set(writer.known_files()) == {path, path + b"/below", path + b"beside"}


def test_a_month_and_a_year_count_from_their_first_day(backend: Backend, writer: Writer) -> None:
    add(writer, "/month", document(date="1970-02"), unit(1), mtime_ns=3 * DAY_NS)
    add(writer, "/year", document(date="1971"), unit(1), mtime_ns=3 * DAY_NS)
    writer.commit()
    for name, day in ((b"/month", 31), (b"/year", 365)):
        with closing(backend.reader()) as reader:
            assert [row.path for row in reader.rows(Filters(since_ns=day * DAY_NS, before_ns=day * DAY_NS + 1))] == [name]


def test_a_document_s_own_date_counts_before_its_file_s(backend: Backend, writer: Writer) -> None:
    for path, date in {"/own": "1970-01-10", "/zoned": "1970-01-10T23:00:00-02:00", "/none": "", "/odd": "spring"}.items():
        add(writer, path, document(date=date), unit(1), mtime_ns=3 * DAY_NS)
    for path, date in {"/first": "0001-01-01", "/last": "9999-12-31"}.items():
        add(writer, path, document(date=date), unit(1), mtime_ns=3 * DAY_NS)
    writer.commit()
    with closing(backend.reader()) as reader:
        of_file = Filters(since_ns=3 * DAY_NS, before_ns=3 * DAY_NS + 1)
        assert [row.path for row in reader.rows(of_file)] == [b"/none", b"/odd"]
        assert [row.path for row in reader.rows(Filters(since_ns=9 * DAY_NS))] == [b"/last", b"/own", b"/zoned"]
        assert [row.path for row in reader.rows(Filters(since_ns=10 * DAY_NS))] == [b"/last", b"/zoned"]
        assert [row.path for row in reader.rows(Filters(before_ns=0))] == [b"/first"]
        assert [row.path for row in reader.rows(Filters(before_ns=9 * DAY_NS))] == [b"/first", b"/none", b"/odd"]


def test_a_touched_file_has_a_new_date(backend: Backend, writer: Writer) -> None:
    document_id = add(writer, "/a", document(), unit(1), mtime_ns=1)
    writer.relocate(document_id, source("/a", mtime_ns=2))
    writer.commit()
    with closing(backend.reader()) as reader:
        assert [row.modified_ns for row in reader.rows(Filters(since_ns=2))] == [2]


# ---- the unit of work ----------------------------------------------------------------------------------------------


def test_pending_documents_are_counted_and_never_found(backend: Backend, writer: Writer) -> None:
    first = add(writer, "/pending", document(2, title="T"))
    add(writer, "/complete", document(3), unit(3))
    writer.commit()
    expected = [PendingDocument(first, ("T\nword 0", "T\nword 1"))]
    assert list(writer.pending()) == expected
    with closing(backend.reader()) as reader:
        assert paths(reader, axis(0)) == [b"/complete"] * 3
        assert paths(reader, axis(0), Filters(within=("/pending",))) == []
        assert reader.counts() == (2, 5, 1, 0)
        assert {row.path: row.is_pending for row in reader.rows(EVERYTHING)} == {b"/pending": True, b"/complete": False}
        assert reader.status().pending == 1
        assert [hit.text for hit in reader.show(first)[1]] == ["word 0", "word 1"]
    assert writer.known_files()[b"/pending"].is_pending
    writer.attach(first, unit(2))
    writer.commit()
    assert list(writer.pending()) == []
    with closing(backend.reader()) as reader:
        assert sorted(paths(reader, axis(0))) == [b"/complete"] * 3 + [b"/pending"] * 2
        assert reader.counts() == (2, 5, 0, 0)


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


def test_the_generation_rises_by_one_where_something_changed(backend: Backend, writer: Writer) -> None:
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
        assert [(hit.text, hit.title, hit.document_id) for hit in reader.hydrate(ids)] == [("new 0", "", new)]
        assert scores.tolist() == [0.0]
        assert list(reader.rows(EVERYTHING)) == [DocumentRow(b"/a", "", "md", 1, 2, 5, is_pending=False, is_stale=False)]
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
    writer.relocate(document_id, replace(source("/b", mtime_ns=9), extractor="other/9", splitter="9"))
    writer.commit()
    expected = KnownFile(document_id, source("/b", mtime_ns=9), "txt", is_pending=False, is_stale=False)
    assert writer.known_files() == {b"/b": expected}
    with closing(backend.reader()) as reader:
        assert paths(reader, axis(0)) == [b"/b", b"/b"]


def test_vectors_are_found_again_by_the_text_that_was_embedded(backend: Backend, writer: Writer) -> None:
    made = document(1200, title="T")
    rows = unit(1200)
    assert writer.digests(digests_of(made)) == {}
    add(writer, "/a", made, rows)
    add(writer, "/pending", document(2, word="not yet"))
    found = writer.digests([*digests_of(made), *digests_of(made), *digests_of(document(2, word="not yet")), b"unknown"])
    assert set(found) == set(digests_of(made))
    assert np.array_equal(np.stack([found[digest] for digest in digests_of(made)]), rows.astype(np.float16).astype(np.float32))
    assert {row.dtype for row in found.values()} == {np.dtype(np.float32)}
    assert writer.digests(digests_of(document(3))) == {}  # the heading path is part of the text
    add(writer, "/b", document(1, title="T"), found[digests_of(made)[0]][np.newaxis])
    writer.commit()
    with closing(backend.reader()) as reader:
        (best, also), scores = reader.cosine_leg(rows[0], EVERYTHING, 2)
        assert scores[0] == scores[1]
        assert [hit.path for hit in reader.hydrate(np.array([best, also]))] == [b"/a", b"/b"]


# ---- what is refused -----------------------------------------------------------------------------------------------

ZEROS = np.zeros((2, DIM), dtype=np.float32)
REFUSED = {
    "NaN": np.full((2, DIM), np.nan, dtype=np.float32),
    "one NaN": np.where(np.arange(2 * DIM).reshape(2, DIM) == 3, np.nan, unit(2)).astype(np.float32),
    "infinite": np.full((2, DIM), np.inf, dtype=np.float32),
    "zero": ZEROS,
    "too long": unit(2) * np.float32(1.01),
    "too few": unit(1),
    "too many": unit(3),
    "too narrow": np.eye(2, DIM - 1, dtype=np.float32),
    "flat": axis(0),
}


@pytest.mark.parametrize("vectors", REFUSED.values(), ids=REFUSED)
def test_vectors_that_are_not_one_unit_row_a_passage_are_refused_and_change_nothing(writer: Writer, vectors: Vectors) -> None:
    add(writer, "/old", document(2), unit(2))
    pending = add(writer, "/pending", document(2))
    writer.commit()
    with pytest.raises(ValueError, match="vectors must be"):
        add(writer, "/old", document(2, word="new"), vectors)
    with pytest.raises(ValueError, match="vectors must be"):
        writer.attach(pending, vectors)
    assert writer.commit() == 1
    assert {path: known.is_pending for path, known in writer.known_files().items()} == {b"/old": False, b"/pending": True}


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


# ---- roots and what is not indexed ---------------------------------------------------------------------------------


def test_a_root_takes_the_place_of_those_below_it(backend: Backend, writer: Writer) -> None:
    beside = [Root(b"/a.b"), Root(b"/a0"), Root(b"/a-"), Root(b"/caf\xe9", ("*.md",), ("x", "y\n'"))]
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


def test_what_is_not_indexed_is_replaced_within_its_scopes_only(backend: Backend, writer: Writer) -> None:
    def recorded() -> list[Unindexed]:
        writer.commit()
        with closing(backend.reader()) as reader:
            return list(reader.status().unindexed)

    old = [Unindexed(path, "skipped", "empty") for path in (b"/a", b"/a/x", b"/a/y", b"/a.x", b"/b/x")]
    writer.set_unindexed([b"/"], old)
    assert recorded() == sorted(old, key=lambda one: one.path)
    new = [Unindexed(b"/a/y", "failed", "broken", 3), Unindexed(b"/a/caf\xe9", "skipped", "ignored", 40)]
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
        assert [row.path for row in reader.rows(Filters(within=("/docs/a[1].txt",)))] == [b"/docs/a[1].txt"]
        assert [row.path for row in reader.rows(Filters(within=("/docs/a[12].txt",)))] == [b"/docs/a1.txt"]


def test_what_is_read_and_no_document_keeps_its_source(backend: Backend, writer: Writer) -> None:
    refused = Unindexed(b"/docs/a.pdf", "failed", "encrypted", source=replace(source("/docs/a.pdf"), splitter=""))
    unread = Unindexed(b"/docs/b", "skipped", "hidden", files=3)
    archive = Unindexed(b"/docs/c.zip", "indexed", "1 of 1 files in it were read", source=replace(source("/docs/c.zip"), splitter=""))
    writer.set_unindexed([b"/docs"], [refused, unread, archive])
    writer.commit()
    assert writer.unindexed() == {each.path: each for each in (refused, unread, archive)}
    with closing(backend.reader()) as reader:
        assert [(each.path, each.outcome) for each in reader.status().unindexed] == [(b"/docs/a.pdf", "failed"), (b"/docs/b", "skipped")]


def test_the_members_of_an_archive_are_below_it(backend: Backend, writer: Writer) -> None:
    for path in ("/docs/a.zip!/in/b.txt", "/docs/a.zip!/c.txt", "/docs/a.zipped/d.txt", "/docs/a.zi"):
        add(writer, path, document(), axis(0)[None])
    writer.set_unindexed([b"/docs"], [Unindexed(b"/docs/a.zip", "indexed", ""), Unindexed(b"/docs/a.zip!/e.bin", "skipped", "binary")])
    writer.commit()
    members = [b"/docs/a.zip!/c.txt", b"/docs/a.zip!/in/b.txt"]
    with closing(backend.reader()) as reader:
        assert [row.path for row in reader.rows(Filters(within=("/docs/a.zip",)))] == members
        assert [row.path for row in reader.rows(Filters(within=("/docs/a.zip!/in",)))] == members[1:]
        assert paths(reader, axis(0), Filters(within=("/docs/a.zip",))) == members
    writer.set_unindexed([b"/docs/a.zip"], [])
    assert writer.unindexed() == {}


def test_metadata_are_compared_whole_or_by_one_of_several_values_in_any_case(backend: Backend, writer: Writer) -> None:
    for number, metadata in enumerate(
        [{"author": "Ann Lee; Bo"}, {"Author": "ann lee"}, {"author": "Joann Lee", "tags": "a, Wide[x]"}, {}]
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
