"""The vectors file: exact, verified, and never needed."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp.backends.sqlite import faiss_search, vector_index
from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.backends.sqlite.integrity import check
from searchapp.backends.sqlite.reader import SqliteReader
from searchapp.backends.sqlite.vector_index import (
    PublishedFile,
    VectorsFile,
    VectorsFileError,
    bitmap,
    contains,
    from_blob,
    open_file,
    publish,
    rescore,
    to_blob,
    top,
    verify,
)
from searchapp.backends.sqlite.writer import SqliteWriter
from searchapp.corpus import Corpus
from searchapp.testing import HashEncoder
from searchapp.types.documents import FileIdentity
from searchapp.types.filters import Filters
from tests.builders.corpora import DIM, ENCODER, EVERYTHING, add, axis, document, unit

if TYPE_CHECKING:
    from searchapp.types.vectors import Ids, Scores

ROWS = unit(2000).astype(np.float16)
MUTATIONS = 40
IDS = np.concatenate((np.arange(10, 510), np.arange(1000, 2500)))


@pytest.fixture
def published(tmp_path: Path) -> PublishedFile:
    return write(tmp_path, 3, [(10, ROWS[:500]), (1000, ROWS[500:])])


def write(
    folder: Path,
    generation: int,
    blocks: list[tuple[int, vector_index.HalfVectors]],
    **options: int,
) -> PublishedFile:
    return publish(
        folder, generation, DIM, sum(len(rows) for _, rows in blocks), lambda: blocks, **options
    )


def brute(
    rows: vector_index.HalfVectors, ids: Ids, seed: int, depth: int
) -> tuple[list[int], list[float]]:
    """At least `depth` rows with all ties at the cut, best first, then by id, in float64."""
    cosines = (rows.astype(np.float64) @ unit(1, seed)[0].astype(np.float64)).astype(np.float32)
    order = sorted(range(len(ids)), key=lambda i: (-cosines[i], ids[i]))
    kept = [i for i in order if depth >= len(order) or cosines[i] >= cosines[order[depth - 1]]]
    return ids[kept].tolist(), cosines[kept].tolist()


def as_lists(found: tuple[Ids, Scores]) -> tuple[list[int], list[float]]:
    return found[0].tolist(), found[1].tolist()


# ---- rows ----------------------------------------------------------------------------------------


def test_rows_are_stored_as_little_endian_halves() -> None:
    assert to_blob(axis(1)[np.newaxis]) == b"\0\0" + b"\0\x3c" + b"\0\0" * (DIM - 2)
    assert np.array_equal(from_blob(to_blob(unit(3)), DIM), unit(3).astype(np.float16))
    assert from_blob(b"", DIM).shape == (0, DIM)


@pytest.mark.parametrize("factor", [np.nan, np.inf, 0, 1.002, 0.998, -np.inf])
def test_rows_that_are_not_unit_are_refused(factor: float) -> None:
    rows = unit(3)
    rows[1] *= np.float32(factor) if np.isfinite(factor) else 1
    if not np.isfinite(factor):
        rows[1, 5] = factor
    with pytest.raises(ValueError, match="finite and of unit length"):
        to_blob(rows)


def test_scores_do_not_depend_on_which_rows_are_scored_together() -> None:
    query = unit(1, 5)[0]
    together = rescore(ROWS, query)
    assert np.array_equal(together[7:9], rescore(ROWS[7:9], query))
    assert [rescore(ROWS[i : i + 1], query)[0] for i in (0, 7, 1999)] == [
        together[i] for i in (0, 7, 1999)
    ]
    assert np.allclose(together, ROWS.astype(np.float64) @ query, atol=1e-6, rtol=0)


def test_a_bitmap_holds_the_ids_of_its_ranges() -> None:
    allowed = bitmap([(3, 2), (8, 1), (30, 3), (31, 0)], 32)
    ids = np.array([0, 2, 3, 4, 5, 7, 8, 9, 29, 30, 32, 33, 39, 40, 10**12])
    assert ids[contains(allowed, ids)].tolist() == [3, 4, 8, 30, 32]
    assert contains(bitmap([], 0), np.array([0, 1, 100])).tolist() == [False, False, False]
    assert contains(allowed, np.empty(0, dtype=np.int64)).tolist() == []


# ---- search --------------------------------------------------------------------------------------


def test_the_file_s_search_equals_brute_force(tmp_path: Path, published: PublishedFile) -> None:
    file = open_file(tmp_path, published)
    for seed in range(5):
        for depth in (1, 3, 50, 1999, 2000, 5000):
            expected = brute(ROWS, IDS, seed, depth)
            assert as_lists(file.search(unit(1, seed)[0], depth=depth, allowed=None)) == expected
            assert as_lists(top(ROWS, IDS, unit(1, seed)[0], depth=depth, allowed=None)) == expected


def test_a_filtered_search_equals_brute_force(tmp_path: Path, published: PublishedFile) -> None:
    file = open_file(tmp_path, published)
    for ranges in ([(10, 500)], [(20, 3), (1999, 40)], [(2499, 1)], [(0, 10)], [(0, 2500)]):
        keep = np.array([any(first <= i < first + count for first, count in ranges) for i in IDS])
        for highest in (
            max(first + count for first, count in ranges),
            5000,
        ):  # narrower than the ids, and wider
            for depth in (1, 30, 600):
                expected = brute(ROWS[keep], IDS[keep], 1, depth)
                allowed = bitmap(ranges, highest)
                assert (
                    as_lists(file.search(unit(1, 1)[0], depth=depth, allowed=allowed)) == expected
                )
                assert (
                    as_lists(top(ROWS, IDS, unit(1, 1)[0], depth=depth, allowed=allowed))
                    == expected
                )


def test_ties_longer_than_the_margin_come_whole(tmp_path: Path) -> None:
    rows = np.concatenate(
        (np.tile(axis(0), (3, 1)), np.tile(axis(1), (200, 1)), np.tile(axis(2), (100, 1)))
    ).astype(np.float16)
    file = open_file(tmp_path, write(tmp_path, 1, [(1, rows)]))
    query = (0.8 * axis(0) + 0.6 * axis(1)).astype(np.float32)
    for depth, expected in (
        (1, 3),
        (3, 3),
        (4, 203),
        (203, 203),
        (204, 303),
        (303, 303),
        (999, 303),
    ):
        ids, _ = file.search(query, depth=depth, allowed=None)
        assert ids.tolist() == list(range(1, expected + 1))


def test_scores_nearer_than_float32_can_tell_do_not_lose_the_best(tmp_path: Path) -> None:
    """Sums of large parts that cancel out but for the last: float32, adding in whatever order, sees
    noise alone.
    """
    random = np.random.default_rng(8)
    rows = np.zeros((300, DIM))
    for row in rows:
        parts = random.uniform(0.05, 0.3, (DIM - 2) // 2).astype(np.float16)
        row[: DIM - 2] = random.permutation(np.concatenate((parts, -parts)))
    rows[:, -1] = random.permutation(300) / 512
    query = np.full(DIM, 0.2, dtype=np.float32)
    query[-1] = 1e-7
    file = open_file(tmp_path, write(tmp_path, 1, [(0, rows.astype(np.float16))]))
    for depth in (1, 5, 20):
        ids, _ = file.search(query, depth=depth, allowed=None)
        assert ids.tolist() == np.argsort(-rows[:, -1])[:depth].tolist()


def test_a_file_without_rows_answers_nothing(tmp_path: Path) -> None:
    file = open_file(tmp_path, write(tmp_path, 1, []))
    assert as_lists(file.search(axis(0), depth=5, allowed=None)) == ([], [])
    assert as_lists(file.search(axis(0), depth=5, allowed=bitmap([(0, 9)], 9))) == ([], [])


def test_a_bitmap_of_many_ranges_is_that_of_each() -> None:
    random = np.random.default_rng(4)
    starts = np.sort(random.choice(100_000, 3_000, replace=False)) * 10
    ranges = [
        (int(start), int(count))
        for start, count in zip(starts, random.integers(1, 11, len(starts)), strict=True)
    ]
    expected = np.zeros(1_000_010, dtype=bool)
    for first, count in ranges:
        expected[first : first + count] = True
    found = np.unpackbits(bitmap(ranges, 1_000_002), bitorder="little").astype(bool)
    assert (found[:1_000_003] == expected[:1_000_003]).all()


# ---- approximate ---------------------------------------------------------------------------------

MANY = unit(20_000, 7).astype(np.float16)
ASKED = unit(20, 8)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> VectorsFile:
    """Twenty thousand rows, ids from 5 on, in a file of inverted lists."""
    folder = tmp_path_factory.mktemp("lists")
    blocks = [(5 + start, MANY[start : start + 7]) for start in range(0, len(MANY), 7)]
    return open_file(folder, write(folder, 1, blocks, approximate_from=len(MANY)))


def rows_of(ids: Ids) -> vector_index.HalfVectors:
    return MANY[ids - 5]


def test_a_file_is_approximate_from_a_number_of_rows_on(tmp_path: Path, lists: VectorsFile) -> None:
    assert lists.is_approximate
    assert not open_file(
        tmp_path, write(tmp_path, 1, [(5, MANY)], approximate_from=len(MANY) + 1)
    ).is_approximate


def test_an_approximate_search_finds_nearly_all_and_scores_what_it_finds_exactly(
    lists: VectorsFile,
) -> None:
    found = 0
    for query in ASKED:
        cosines = (MANY.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
        ids, scores = lists.search(query, depth=10, allowed=None, rows_of=rows_of)
        assert scores.tolist() == sorted(cosines[ids - 5].tolist(), reverse=True)
        found += len(set(ids.tolist()) & set((np.argsort(-cosines)[:10] + 5).tolist()))
    assert found >= 0.9 * 10 * len(
        ASKED
    )  # in a small file of noise; at the sizes that it is for, the bench tells


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5])
def test_an_approximate_search_under_a_filter_looks_as_much_further_as_the_filter_is_narrow(
    lists: VectorsFile, share: float
) -> None:
    allowed_ids = (
        np.sort(np.random.default_rng(9).choice(len(MANY), round(share * len(MANY)), replace=False))
        + 5
    )
    allowed = bitmap([(int(i), 1) for i in allowed_ids], len(MANY) + 5)
    found = wanted = 0
    for query in ASKED:
        cosines = rows_of(allowed_ids).astype(np.float64) @ query.astype(np.float64)
        ids, _ = lists.search(query, depth=10, allowed=allowed, rows_of=rows_of)
        best = allowed_ids[np.argsort(-cosines)[:10]]
        assert contains(allowed, ids).all()
        found += len(set(ids.tolist()) & set(best.tolist()))
        wanted += len(best)
    assert found >= (0.9 if share > 0.1 else 1.0) * wanted


# ---- the file ------------------------------------------------------------------------------------


def test_publishing_records_what_it_wrote(tmp_path: Path, published: PublishedFile) -> None:
    path = tmp_path / published.name
    assert published.name == f"vectors-3-{published.digest.hex()[:16]}.faiss"
    assert published.identity == FileIdentity.of(path.stat())
    assert (published.generation, published.passages, path.stat().st_mode & 0o777) == (
        3,
        2000,
        0o600,
    )
    assert [entry.name for entry in tmp_path.iterdir()] == [published.name]
    assert published.identity.size < 2000 * (2 * DIM + 8) + 1000


def damaged(path: Path, kind: str) -> None:
    """Damage a file, and give it its old size and times back where it has them."""
    status, data = path.stat(), bytearray(path.read_bytes())
    if kind == "missing":
        path.unlink()
        return
    if kind == "truncated":
        data = data[:-100]
    else:
        data[len(data) // 2] ^= 1
    if kind == "replaced":
        path.unlink()
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("kind", ["missing", "truncated", "flipped", "replaced"])
def test_a_file_that_is_not_what_was_published_is_never_opened(
    tmp_path: Path, published: PublishedFile, kind: str
) -> None:
    verify(tmp_path, published, is_whole=True)
    damaged(tmp_path / published.name, kind)
    for is_whole in (False, True):
        with pytest.raises(VectorsFileError, match="missing" if kind == "missing" else "damaged"):
            verify(tmp_path, published, is_whole=is_whole)
    with pytest.raises(VectorsFileError):
        open_file(tmp_path, published)


def test_damage_that_shows_in_no_time_is_found_by_reading_the_whole(
    tmp_path: Path, published: PublishedFile
) -> None:
    damaged(tmp_path / published.name, "flipped")
    blind = published._replace(
        identity=FileIdentity.of((tmp_path / published.name).stat())
    )  # as a failing disk would leave it
    verify(tmp_path, blind)
    with pytest.raises(VectorsFileError, match="damaged"):
        verify(tmp_path, blind, is_whole=True)


def test_another_file_in_its_place_is_refused(tmp_path: Path, published: PublishedFile) -> None:
    other = write(tmp_path, 4, [(1, ROWS[:9])])
    (tmp_path / other.name).rename(tmp_path / published.name)
    with pytest.raises(VectorsFileError, match="damaged"):
        open_file(tmp_path, published)


def test_a_copy_in_another_place_is_accepted(tmp_path: Path, published: PublishedFile) -> None:
    (tmp_path / "copy").mkdir()
    shutil.copy(tmp_path / published.name, tmp_path / "copy")
    file = open_file(tmp_path / "copy", published)
    assert as_lists(file.search(unit(1, 1)[0], depth=5, allowed=None)) == brute(ROWS, IDS, 1, 5)


def test_a_file_that_is_no_index_is_an_error_of_ours(
    tmp_path: Path, published: PublishedFile
) -> None:
    path = tmp_path / published.name
    for data in (b"", b"IxFI", b"no index at all" * 50):
        path.write_bytes(data)
        named = published._replace(identity=FileIdentity.of(path.stat()))
        with pytest.raises(VectorsFileError, match="cannot be read"):
            open_file(tmp_path, named)


def test_an_open_file_keeps_answering_after_it_was_removed(
    tmp_path: Path, published: PublishedFile
) -> None:
    file = open_file(tmp_path, published)
    (tmp_path / ".vectors-1.tmp").write_bytes(b"")
    vector_index.remove_others(tmp_path, "another")
    assert list(tmp_path.iterdir()) == []
    assert as_lists(file.search(unit(1, 1)[0], depth=50, allowed=None)) == brute(ROWS, IDS, 1, 50)


# ---- a corpus with and without its file ----------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A published base, then a tail and tombstones: /0../9, of which /3 is replaced and /5 removed,
    and /10 is new.
    """
    folder = tmp_path / "corpus"
    with SqliteWriter(folder) as writer:
        ids = [
            add(writer, f"/{i}", document(20, kind="md" if i % 2 else "txt"), unit(20, i))
            for i in range(10)
        ]
        writer.finish()
        add(writer, "/3", document(4), unit(4, 103))
        writer.remove([ids[5]])
        add(writer, "/10", document(6), unit(6, 110))
        writer.finish()
    return folder


def answers(folder: Path) -> tuple[list[tuple[list[int], list[float]]], list[str], str]:
    """What a reader says to some questions, its notes, and the state that it reports."""
    filters = (
        EVERYTHING,
        Filters(types=("md",)),
        Filters(within=("/3", "/10", "/4")),
        Filters(within=("/5",)),
    )
    with closing(SqliteReader(folder)) as reader:
        found = [
            as_lists(reader.cosine_leg(unit(1, seed)[0], one, depth))
            for seed in (1, 2)
            for one in filters
            for depth in (1, 7, 500)
        ]
        return found, reader.notes, reader.status().vectors_state


def test_the_tail_and_the_tombstones_are_honoured(corpus: Path) -> None:
    rows = {f"/{i}": unit(20, i) for i in range(10) if i != 5} | {
        "/3": unit(4, 103),
        "/10": unit(6, 110),
    }
    first = {f"/{i}": 1 + 20 * i for i in range(10)} | {"/3": 201, "/10": 205}
    ids = np.concatenate(
        [np.arange(first[path], first[path] + len(one)) for path, one in rows.items()]
    )
    every = np.concatenate(list(rows.values())).astype(np.float16)
    found, notes, state = answers(corpus)
    assert found[:3] == [
        (ids_[:depth], scores[:depth])
        for depth in (1, 7, 500)
        for ids_, scores in [brute(every, ids, 1, depth)]
    ]
    assert [len(one[0]) for one in found[3:12]] == [1, 7, 60, 1, 7, 30, 0, 0, 0]
    assert (notes, state) == ([], "behind by 10 passages")


@pytest.mark.slow
@pytest.mark.damages_corpus
@pytest.mark.parametrize("kind", ["missing", "truncated", "flipped", "replaced"])
def test_without_a_sound_file_the_database_answers_the_same_and_says_so(
    corpus: Path, kind: str
) -> None:
    expected, _, _ = answers(corpus)
    (path,) = corpus.glob("*.faiss")
    damaged(path, kind)
    found, notes, state = answers(corpus)
    assert found == expected
    word = "missing" if kind == "missing" else "damaged"
    assert notes == [
        f"the vectors file is {word}: searching the database instead; the next ingest rebuilds it"
    ]
    assert state == word
    with SqliteWriter(corpus) as writer:
        writer.finish()
    assert answers(corpus) == (expected, [], "current")


@pytest.mark.slow
@pytest.mark.damages_corpus
def test_whatever_stands_in_the_place_of_the_file_the_answers_are_those_of_brute_force(
    corpus: Path, tmp_path: Path
) -> None:
    expected, _, _ = answers(corpus)
    (path,) = corpus.glob("*.faiss")
    whole, rng = path.read_bytes(), random.Random(3)
    with SqliteWriter(tmp_path / "other") as writer:
        add(writer, "/x", document(30), unit(30, 77))
        writer.finish()
    another = next((tmp_path / "other").glob("*.faiss")).read_bytes()
    for number in range(MUTATIONS):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3, 100))):
            start = rng.randrange(len(data))
            data[start : start + rng.choice((1, 8, 400))] = rng.randbytes(
                rng.choice((0, 1, 8, 400))
            )
        made = rng.choice(
            (bytes(data), whole[: rng.randrange(len(whole))], another, whole + b"x", bytes(data))
        )
        path.unlink()
        path.write_bytes(made)
        if number % 2:
            os.utime(path, ns=(0, 0))
        vector_index._newest.cache_clear()  # as in a process of its own
        assert answers(corpus)[0] == expected
    with SqliteWriter(corpus) as writer:
        writer.finish()
    assert answers(corpus) == (expected, [], "current")


def test_corpora_that_are_asked_in_turn_stay_mapped_in_their_newest_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped: list[Path] = []
    read = faiss_search.read

    def counted(path: Path) -> object:
        mapped.append(path)
        return read(path)

    monkeypatch.setattr(faiss_search, "read", counted)
    folders = [tmp_path / "one", tmp_path / "two"]
    for text in ("/x", "/y"):
        for folder in folders:
            with SqliteWriter(folder) as writer:
                add(writer, text, document(3), unit(3, 7))
                writer.finish()
        for folder in folders * 3:
            answers(folder)
    assert len(mapped) == len(set(mapped)) == 2
    assert all(len(vector_index._newest(folder)) == 1 for folder in folders)


def test_a_copied_corpus_answers_the_same_and_is_recorded_by_its_next_writer(
    corpus: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(corpus, copy)
    expected = answers(corpus)
    assert answers(copy) == expected
    with SqliteWriter(copy) as writer:
        writer.finish()
    with closing(SqliteReader(copy)) as reader:
        published = reader.published
    assert published is not None
    assert published.identity == FileIdentity.of((copy / published.name).stat())
    assert answers(copy)[0] == expected[0]


def test_a_corpus_with_an_approximate_file_answers_the_same_when_it_is_told_to_be_exact(
    corpus: Path,
) -> None:
    """Base, tail and tombstones alike; the few lists of so small a file are all looked at, so that
    here even the approximate is right.
    """
    expected, _, _ = answers(corpus)
    with SqliteWriter(corpus) as writer:
        assert writer.publish(is_due=True, approximate_from=1)
        add(writer, "/4", document(3), unit(3, 104))
        writer.commit()
    with SqliteWriter(corpus) as writer:
        add(writer, "/4", document(20, kind="txt"), unit(20, 4))
        writer.commit()
    with closing(SqliteReader(corpus)) as reader:
        assert reader.is_approximate
        for seed in (1, 2):
            query = unit(1, seed)[0]
            for filters in (EVERYTHING, Filters(types=("md",)), Filters(within=("/3", "/10"))):
                ids, scores = reader.cosine_leg(query, filters, 500, exact=True)
                assert scores.tolist() == sorted(
                    (rescore(reader.vectors_of(ids).astype(np.float16), query)).tolist(),
                    reverse=True,
                )
                nearly, _ = reader.cosine_leg(query, filters, 500)
                assert set(nearly.tolist()) <= set(ids.tolist())
        everything, _ = reader.cosine_leg(unit(1, 1)[0], EVERYTHING, 500, exact=True)
        for depth in (1, 2, 20):
            best, _ = reader.cosine_leg(unit(1, 1)[0], EVERYTHING, depth, exact=True)
            assert best.tolist() == everything[:depth].tolist()
    assert len(everything) == len(expected[2][0])


def test_an_answer_says_whether_it_is_approximate(corpus: Path) -> None:
    class Hash(HashEncoder):
        identity = ENCODER  # as if it had made the corpus

    asked = Corpus(SqliteBackend(corpus), encoder=Hash(dim=DIM))
    assert not asked.query("word").is_approximate
    with SqliteWriter(corpus) as writer:
        writer.publish(is_due=True, approximate_from=1)
    assert asked.query("word").is_approximate
    assert asked.query("word", mode="hybrid").is_approximate
    assert not asked.query("word", mode="keyword").is_approximate
    assert not asked.query("word", exact=True).is_approximate


def rot(corpus: Path, change: Callable[[bytearray, int], None]) -> None:
    """Change bytes of the vectors file as a failing disk does: without a trace in what `stat` says.
    `change` is given the file and the place of its first row.
    """
    (path,) = corpus.glob("*.faiss")
    data = bytearray(path.read_bytes())
    change(data, data.index(unit(20, 0).astype("<f2")[0].tobytes()))
    path.write_bytes(data)
    with SqliteWriter(corpus) as writer:
        told = path.stat()
        writer.execute(
            "UPDATE published SET mtime_ns = ?, ctime_ns = ?", (told.st_mtime_ns, told.st_ctime_ns)
        )
        writer.settle()
    vector_index._newest.cache_clear()  # as in a process of its own


def first_row_lost(data: bytearray, first: int) -> None:
    data[first : first + DIM * 2] = bytes(DIM * 2)


def all_rows_alike(data: bytearray, first: int) -> None:
    row = unit(1, 1).astype("<f2")[0].tobytes()
    data[first : first + 100 * DIM * 2] = row * 100


def ids_wrong(data: bytearray, _: int) -> None:
    place = data.index(np.arange(1, 21, dtype="<i8").tobytes())
    data[place : place + 8] = (10**6).to_bytes(8, "little")


def fewer_rows(data: bytearray, _: int) -> None:
    count = (200).to_bytes(8, "little")
    place = data.index(count)
    data[place : place + 8] = (150).to_bytes(8, "little")


ROTS = {"rows": all_rows_alike, "ids": ids_wrong, "counts": fewer_rows}


@pytest.mark.damages_corpus
@pytest.mark.parametrize("change", ROTS.values(), ids=ROTS)
def test_rot_that_leaves_no_trace_changes_no_answer(
    corpus: Path, change: Callable[[bytearray, int], None]
) -> None:
    expected, _, _ = answers(corpus)
    rot(corpus, change)
    found, notes, _ = answers(corpus)
    assert found == expected
    (note,) = notes
    assert note.endswith(": searching the database instead; the next ingest rebuilds it")


@pytest.mark.damages_corpus
def test_rot_that_leaves_no_trace_is_found_by_check_and_by_the_next_ingest(corpus: Path) -> None:
    expected, _, _ = answers(corpus)
    rot(corpus, first_row_lost)
    (finding,) = check(corpus, full=False)
    assert "the vectors file is damaged" in finding.what
    with SqliteWriter(corpus) as writer:
        writer.finish()
    assert check(corpus, full=False) == []
    assert answers(corpus) == (expected, [], "current")


def test_there_are_as_many_lists_as_the_root_of_the_passages_by_a_power_of_two() -> None:
    rows = np.eye(64, dtype=np.float16)
    index = vector_index._trained_lists(64, 64, [(1, rows)])
    assert index.nlist == 8  # nearest to 1.3 times 8
