"""Parquet: the rows of a table, by pyarrow, where it is installed. Long tables are read in part."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.extract.builder import document_of
from searchapp.extract.spreadsheets.rows import Row, limited, named_rows
from searchapp.types.documents import Document

MAX_ROWS = 100_000
_BATCH = 1000


def read(data: bytes, document_type: str) -> Document:
    """The rows of a table, each value beside the name of its column; raises FileSkipped without
    pyarrow, FileFailed for a broken file.
    """
    if find_spec("pyarrow") is None:
        raise FileSkipped("Parquet: searchapp[parquet] reads it")
    import pyarrow
    from pyarrow import parquet

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # others reserve a lot
    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(data))
        count = file.metadata.num_rows
        header = Row(1, tuple(enumerate(file.schema_arrow.names)))
        document = document_of(limited(named_rows(header, _rows(file))), document_type)
    except (FileError, MemoryError):
        raise
    except Exception as error:  # a broken file makes pyarrow raise anything
        raise FileFailed(f"not a readable table: {str(error)[:200]}") from error
    if count <= MAX_ROWS:
        return document
    return replace(
        document, metadata={"incomplete": f"the first {MAX_ROWS:,} of {count:,} rows were read"}
    )


def _rows(file: Any) -> Iterator[Row]:
    number = 1
    for batch in file.iter_batches(batch_size=_BATCH, use_threads=False):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            number += 1
            if number - 1 > MAX_ROWS:
                return
            cells = ((column, _text(value)) for column, value in enumerate(values))
            yield Row(number, tuple((column, text) for column, text in cells if text))


def _text(value: object) -> str:
    """What a value says; "" for binary ones."""
    if value is None or isinstance(value, bytes):
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return f"{value:.15g}" if isinstance(value, float) else " ".join(str(value).split())
