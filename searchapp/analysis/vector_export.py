"""Rows of vectors in forms that other programs read: NumPy, JSON lines, Parquet, the embedding
projector's pair of tables.

Written as the rows come, a batch in memory at most; a file appears whole or not at all. Knows
nothing of models.

    .npz      arrays `vectors` (n, dim) float32, `text` and `source` as text, `start` and `end`
              int64: numpy.load
    .jsonl    an object a row: source, start, end, text, vector
    .parquet  the same columns; takes pyarrow
    .tsv      a vector a line, and beside it NAME.metadata.tsv with text, source, start, end
              (projector.tensorflow.org)
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from searchapp.errors import PathMissing, UsageError
from searchapp.filesystem import atomic_write

if TYPE_CHECKING:
    from searchapp.analysis.embed_files import EmbeddingRow

SUFFIXES = (".npz", ".jsonl", ".parquet", ".tsv")
_BATCH = 1024  # rows


def require_writable(path: Path) -> None:
    """Raise UsageError if the file's format is unknown or not installed, PathMissing if its folder
    does not exist.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(
            f"{path}: there is no form of that name",
            hint=f"name a file that ends in one of {', '.join(SUFFIXES)}; for standard output "
            "leave it out, with --format jsonl",
        )
    if not path.absolute().parent.is_dir():
        raise PathMissing(f"there is no folder {path.absolute().parent}", hint="make it first")
    if path.suffix == ".parquet":
        _pyarrow()


def write(path: Path, rows: Iterable[EmbeddingRow], dim: int) -> int:
    """Write rows of that width to a file, in the format of its suffix; returns how many rows there
    were.
    """
    with atomic_write.replaced(path) as file:
        match path.suffix:
            case ".npz":
                return _write_npz(file, rows, dim)
            case ".parquet":
                return _write_parquet(file, rows, dim)
            case ".tsv":
                return _write_tsv(file, path, rows)
        return sum(file.write((line + "\n").encode()) > 0 for line in json_lines(rows))


def json_lines(rows: Iterable[EmbeddingRow]) -> Iterator[str]:
    """An object for each row; numbers have just the digits that identify a float32."""
    for row in rows:
        facts = {
            "source": row.source,
            "start": row.start,
            "end": row.end,
            "text": row.text,
            "vector": _shortest(row),
        }
        yield json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace").decode()


def _shortest(row: EmbeddingRow) -> list[float]:
    return [float(str(value)) for value in row.vector]


def _write_tsv(file: BinaryIO, path: Path, rows: Iterable[EmbeddingRow]) -> int:
    count = 0
    with atomic_write.replaced(path.with_suffix(".metadata.tsv")) as labels:
        labels.write(b"text\tsource\tstart\tend\n")
        for row in rows:
            file.write(("\t".join(map(str, row.vector)) + "\n").encode())
            text, source = (" ".join(field.split()) for field in (row.text, row.source))
            labels.write(f"{text}\t{source}\t{row.start}\t{row.end}\n".encode("utf-8", "replace"))
            count += 1
    return count


# ---- NumPy ---------------------------------------------------------------------------------------


def _write_npz(file: BinaryIO, rows: Iterable[EmbeddingRow], dim: int) -> int:
    """Rows go to temporary files as they come, because their number and the length of the longest
    text are known only at the end.
    """
    count, widest = 0, {"text": 1, "source": 1}
    with ExitStack() as stack:
        vectors, starts, ends, text, source = (
            stack.enter_context(tempfile.TemporaryFile()) for _ in range(5)
        )
        for row in rows:
            vectors.write(np.ascontiguousarray(row.vector, "<f4").tobytes())
            starts.write(np.int64(row.start).astype("<i8").tobytes())
            ends.write(np.int64(row.end).astype("<i8").tobytes())
            for name, spool, field in (("text", text, row.text), ("source", source, row.source)):
                spool.write(json.dumps(field).encode() + b"\n")
                widest[name] = max(widest[name], len(field))
            count += 1
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            _store(archive, "vectors", "<f4", (count, dim), _chunks(vectors))
            _store(archive, "start", "<i8", (count,), _chunks(starts))
            _store(archive, "end", "<i8", (count,), _chunks(ends))
            for name, spool in (("text", text), ("source", source)):
                _store(archive, name, f"<U{widest[name]}", (count,), _wide(spool, widest[name]))
    return count


def _store(
    archive: zipfile.ZipFile, name: str, dtype: str, shape: tuple[int, ...], chunks: Iterable[bytes]
) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_2_0(
            member, {"descr": dtype, "fortran_order": False, "shape": shape}
        )
        for chunk in chunks:
            member.write(chunk)


def _chunks(spool: BinaryIO) -> Iterator[bytes]:
    spool.seek(0)
    while chunk := spool.read(2**20):
        yield chunk


def _wide(spool: BinaryIO, width: int) -> Iterator[bytes]:
    """Texts, a JSON string a line, in NumPy's form of equal widths."""
    spool.seek(0)
    while batch := list(islice(spool, _BATCH)):
        yield np.array([json.loads(line) for line in batch], f"<U{width}").tobytes()


# ---- Parquet -------------------------------------------------------------------------------------


def _write_parquet(file: BinaryIO, rows: Iterable[EmbeddingRow], dim: int) -> int:
    arrow, parquet = _pyarrow()
    vector = arrow.list_(arrow.float32(), dim)
    schema = arrow.schema(
        [
            ("source", arrow.string()),
            ("start", arrow.int64()),
            ("end", arrow.int64()),
            ("text", arrow.string()),
            ("vector", vector),
        ]
    )
    coming, count = iter(rows), 0
    with parquet.ParquetWriter(file, schema) as writer:
        while batch := list(islice(coming, _BATCH)):
            values = arrow.array(np.concatenate([row.vector for row in batch]), arrow.float32())
            texts = [
                [_valid(row.source) for row in batch],
                [row.start for row in batch],
                [row.end for row in batch],
            ]
            columns = [
                *texts,
                [_valid(row.text) for row in batch],
                arrow.FixedSizeListArray.from_arrays(values, dim),
            ]
            writer.write_table(arrow.table(columns, schema=schema))
            count += len(batch)
    return count


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _pyarrow() -> tuple[Any, Any]:  # pyarrow is untyped
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        hint = "pip install 'searchapp[parquet]', or write .npz or .jsonl"
        raise UsageError("Parquet takes pyarrow, which is not installed", hint=hint) from error
    return pyarrow, pyarrow.parquet
