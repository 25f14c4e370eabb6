"""Both ways to FAISS give the same answers, and the short one is taken only where it is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from searchapp.backends.sqlite import faiss_search, vector_index
from searchapp.backends.sqlite.faiss_search import CoreIndex, PublicIndex
from searchapp.linalg import unit

DIM, COUNT = 24, 300
FIRST = 7  # the id of the first row


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vectors file of random rows, with many equal ones among them."""
    rows = unit(np.random.default_rng(2).standard_normal((COUNT, DIM), np.float32))
    rows[40:60] = rows[0]
    blocks = [(FIRST, rows.astype(np.float16))]
    folder = tmp_path_factory.mktemp("vectors")
    return folder / vector_index.publish(folder, 1, DIM, COUNT, lambda: blocks).name


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vectors file of inverted lists."""
    rows = unit(np.random.default_rng(2).standard_normal((2000, DIM), np.float32))
    blocks = [(FIRST, rows.astype(np.float16))]
    folder = tmp_path_factory.mktemp("lists")
    published = vector_index.publish(folder, 1, DIM, 2000, lambda: blocks, approximate_from=1)
    return folder / published.name


@pytest.mark.parametrize("threshold", [0, 10**9])
def test_both_ways_give_the_same_ids_rows_and_candidates(
    file: Path, threshold: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss_search, "_ONE_THREAD_BELOW", threshold)
    short, public = faiss_search.read(file), PublicIndex(file)
    assert isinstance(short, CoreIndex)
    assert (short.total, short.dim) == (public.total, public.dim) == (COUNT, DIM)
    assert short.ids().tolist() == public.ids().tolist() == list(range(FIRST, FIRST + COUNT))
    places = np.array([0, 299, 17])
    assert short.rows(places).tobytes() == public.rows(places).tobytes()
    query = unit(np.random.default_rng(3).standard_normal(DIM, np.float32))
    for allowed in (None, vector_index.bitmap([(9, 30), (200, 3)], FIRST + COUNT)):
        for count in (1, 20, COUNT):
            found = short.candidates(query, count, allowed)
            assert found.tolist() == public.candidates(query, count, allowed).tolist()
            assert len(found) == (min(count, 33) if allowed is not None else count)


def test_a_small_corpus_is_searched_in_one_thread_and_the_number_is_as_before(file: Path) -> None:
    import faiss

    seen: list[int] = []
    index = faiss_search.read(file)
    before = faiss.omp_get_max_threads()
    with faiss_search._threads(faiss, 99_999):
        seen.append(faiss.omp_get_max_threads())
    with faiss_search._threads(faiss, 100_000):
        seen.append(faiss.omp_get_max_threads())
    assert seen == [1, before]
    index.candidates(np.ones(DIM, np.float32), 3, None)
    assert faiss.omp_get_max_threads() == before


def test_inverted_lists_and_a_faiss_of_another_form_are_left_to_the_public_way(
    file: Path, lists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert faiss_search.read(lists).is_approximate
    query = np.ones(DIM, np.float32)
    assert len(faiss_search.read(lists).candidates(query, 5, None)) == 5
    expected = faiss_search.read(file).candidates(query, 5, None).tolist()
    for core in (None, SimpleNamespace(), SimpleNamespace(cvar=SimpleNamespace())):
        monkeypatch.setattr(faiss_search, "_core", lambda core=core: core)
        index = faiss_search.read(file)
        assert isinstance(index, PublicIndex)
        assert index.candidates(query, 5, None).tolist() == expected


def test_a_file_that_faiss_cannot_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for name in ("empty", "missing"):
        with pytest.raises(RuntimeError):
            faiss_search.read(tmp_path / name)


def test_of_several_compiled_parts_faiss_itself_chooses_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "faiss"
    package.mkdir()
    for name in ("__init__.py", "_swigfaiss.abi3.so", "_swigfaiss_avx2.abi3.so"):
        (package / name).write_bytes(b"")
    for name in [name for name in sys.modules if name.partition(".")[0] == "faiss"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert faiss_search._core.__wrapped__() is None


@pytest.mark.slow
def test_a_search_loads_the_compiled_part_alone_and_faiss_goes_on_with_it(file: Path) -> None:
    code = f"""
import sys
import numpy as np
from pathlib import Path
from searchapp.backends.sqlite import faiss_search
query = np.ones({DIM}, np.float32)
index = faiss_search.read(Path({str(file)!r}))
found = index.candidates(query, 9, np.full(40, 0xAA, np.uint8)).tolist()
rows = index.rows(np.arange(9)).tobytes()
print(sorted(name for name in sys.modules if name.startswith("faiss")))
import faiss
public = faiss_search.PublicIndex(Path({str(file)!r}))
print(found == public.candidates(query, 9, np.full(40, 0xAA, np.uint8)).tolist(), len(found),
      rows == public.rows(np.arange(9)).tobytes(), index.ids().tolist() == public.ids().tolist())
again = faiss_search.read(Path({str(file)!r}))
print(type(again).__name__, again.candidates(query, 9, None).tolist()
      == public.candidates(query, 9, None).tolist())
del index, again
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.splitlines(), done.stderr) == (
        ["['faiss._swigfaiss']", "True 9 True True", "CoreIndex True"],
        "",
    )
