"""Files of vectors are read back by the programs that they are for, row for row, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchapp.analysis import vector_export
from searchapp.analysis.embed_files import EmbeddingRow
from searchapp.errors import PathMissing, UsageError

TEXTS = ("a bird", "", "tab\tand\nline", "naïve 🙂", "\udcff is no text")


def rows(count: int = len(TEXTS)) -> list[EmbeddingRow]:
    vectors = np.random.default_rng(1).normal(size=(count, 3)).astype(np.float32)
    return [
        EmbeddingRow(f"/docs/{i}.txt", i, i + 10, TEXTS[i % len(TEXTS)], vector)
        for i, vector in enumerate(vectors)
    ]


def test_numpy_reads_what_was_written_without_pickle(tmp_path: Path) -> None:
    given = rows(3000)
    assert vector_export.write(tmp_path / "v.npz", iter(given), 3) == 3000
    with np.load(tmp_path / "v.npz", allow_pickle=False) as found:
        assert np.array_equal(found["vectors"], np.stack([row.vector for row in given]))
        assert found["text"].tolist() == [row.text for row in given]
        assert found["source"].tolist() == [row.source for row in given]
        assert (found["start"].tolist(), found["end"].tolist()) == (
            list(range(3000)),
            list(range(10, 3010)),
        )
        assert (found["vectors"].dtype, found["start"].dtype) == (np.float32, np.int64)


def test_json_lines_have_every_bit_of_a_vector(tmp_path: Path) -> None:
    given = rows()
    assert vector_export.write(tmp_path / "v.jsonl", given, 3) == 5
    found = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text("utf-8").splitlines()]
    assert [np.array(each["vector"], np.float32).tobytes() for each in found] == [
        row.vector.tobytes() for row in given
    ]
    assert [each["text"] for each in found] == [*TEXTS[:4], "? is no text"]
    assert (found[1]["source"], found[1]["start"], found[1]["end"]) == ("/docs/1.txt", 1, 11)


def test_the_projector_gets_a_table_of_vectors_and_one_of_labels_of_equal_length(
    tmp_path: Path,
) -> None:
    given = rows()
    assert vector_export.write(tmp_path / "v.tsv", given, 3) == 5
    found = [
        [float(each) for each in line.split("\t")]
        for line in (tmp_path / "v.tsv").read_text().splitlines()
    ]
    assert np.array_equal(np.array(found, np.float32), np.stack([row.vector for row in given]))
    labels = (tmp_path / "v.metadata.tsv").read_text("utf-8").splitlines()
    assert labels[0] == "text\tsource\tstart\tend"
    assert labels[3] == "tab and line\t/docs/2.txt\t2\t12"
    assert len(labels) == 6


@pytest.mark.slow
def test_parquet_has_vectors_of_a_fixed_width(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    given = rows(2500)
    assert vector_export.write(tmp_path / "v.parquet", iter(given), 3) == 2500
    table = parquet.read_table(tmp_path / "v.parquet")
    assert table.column_names == ["source", "start", "end", "text", "vector"]
    assert np.array_equal(
        np.array(table["vector"].to_pylist(), np.float32), np.stack([row.vector for row in given])
    )
    assert table["end"].to_pylist() == list(range(10, 2510))


@pytest.mark.parametrize("suffix", vector_export.SUFFIXES)
def test_no_rows_are_a_file_without_rows(suffix: str, tmp_path: Path) -> None:
    assert vector_export.write(tmp_path / f"v{suffix}", [], 3) == 0
    if suffix == ".npz":
        assert np.load(tmp_path / "v.npz")["vectors"].shape == (0, 3)


@pytest.mark.parametrize("suffix", vector_export.SUFFIXES)
def test_a_run_that_fails_leaves_the_file_that_was_there(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"v{suffix}"
    path.write_bytes(b"before")

    def failing() -> Iterator[EmbeddingRow]:
        yield rows()[0]
        raise RuntimeError("the model died")

    with pytest.raises(RuntimeError):
        vector_export.write(path, failing(), 3)
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_form_that_is_unknown_or_a_folder_that_is_not_there_is_refused_at_once(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match="no form of that name"):
        vector_export.require_writable(tmp_path / "v.pickle")
    with pytest.raises(PathMissing, match="there is no folder"):
        vector_export.require_writable(tmp_path / "nowhere" / "v.npz")
