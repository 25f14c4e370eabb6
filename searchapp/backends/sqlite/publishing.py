"""Publishing: the vectors file and the corpus's background, made anew from the database when due.

Both are derived: a corpus answers the same without them. Commits nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from searchapp.backends.background import measure
from searchapp.backends.sqlite.rows import identity_of
from searchapp.backends.sqlite.schema import (
    ROOM,
    BackgroundTable,
    PublicationTable,
    TombstoneTable,
    VectorsTable,
)
from searchapp.backends.sqlite.vector_index import (
    PublishedFile,
    VectorsFileError,
    from_blob,
    publish,
    verify,
)
from searchapp.errors import CorpusUnwritable
from searchapp.types.documents import FileIdentity

if TYPE_CHECKING:
    from searchapp.backends.sqlite.vector_index import HalfVectors

# a new vectors file is due when more than this, and more than a tenth, has changed
_REPUBLISH_PASSAGES = 256
_REPUBLISH_FRACTION = 0.1


def publish_vectors(
    connection: sa.Connection, folder: Path, *, generation: int, dim: int, approximate_from: int
) -> str:
    """Write a new vectors file of a generation, and record it with the corpus's background; returns
    its name. Raises CorpusUnwritable.
    """
    try:
        published = publish(
            folder,
            generation,
            dim,
            _complete(connection),
            partial(_blocks, connection, dim),
            approximate_from=approximate_from,
        )
    except OSError as error:
        raise CorpusUnwritable(
            f"cannot write the vectors file: {error.strerror}", hint=ROOM
        ) from error
    identity = {
        name: getattr(published.identity, name)
        for name in ("size", "mtime_ns", "ctime_ns", "inode")
    }
    connection.execute(sa.delete(PublicationTable))
    connection.execute(
        sa.insert(PublicationTable).values(
            id=1,
            name=published.name,
            generation=published.generation,
            digest=published.digest,
            passages=published.passages,
            **identity,
        )
    )
    connection.execute(
        sa.delete(TombstoneTable).where(TombstoneTable.generation <= published.generation)
    )
    record_background(connection, dim)
    return published.name


def record_background(connection: sa.Connection, dim: int) -> None:
    """Measure what the corpus is like as a whole, and record it in place of what was recorded."""
    connection.execute(sa.delete(BackgroundTable))
    background = measure(partial(_blocks, connection, dim), _complete(connection), dim)
    if background is not None:
        row = sa.insert(BackgroundTable).values(
            id=1, scale=background.scale, mean=background.mean.astype("<f4").tobytes()
        )
        connection.execute(row)


def is_publication_due(connection: sa.Connection, folder: Path) -> bool:
    """Whether the vectors file is missing or not what was recorded, or too much has changed since
    it was written.
    """
    row = connection.execute(sa.select(PublicationTable)).first()
    if row is None:
        return True
    published = PublishedFile(row.name, row.generation, row.digest, identity_of(row), row.passages)
    try:
        verify(folder, published, is_whole=True)
    except VectorsFileError:
        return True
    if FileIdentity.of((folder / row.name).stat()) != published.identity:
        # the same bytes in another place: record it anew, so that readers need not hash it every
        # time
        return True
    newer = sa.select(sa.func.coalesce(sa.func.sum(VectorsTable.passages), 0)).where(
        VectorsTable.generation > row.generation
    )
    gone = sa.select(sa.func.coalesce(sa.func.sum(TombstoneTable.passages), 0)).where(
        TombstoneTable.generation > row.generation
    )
    changed = (connection.scalar(newer) or 0) + (connection.scalar(gone) or 0)
    return bool(changed > max(_REPUBLISH_PASSAGES, _REPUBLISH_FRACTION * row.passages))


def _complete(connection: sa.Connection) -> int:
    """How many passages have vectors."""
    total = sa.select(sa.func.coalesce(sa.func.sum(VectorsTable.passages), 0))
    return connection.scalar(total) or 0


def _blocks(connection: sa.Connection, dim: int) -> Iterator[tuple[int, HalfVectors]]:
    """Every document's first passage id and vectors, by id."""
    query = sa.select(VectorsTable.first_passage_id, VectorsTable.vectors).order_by(
        VectorsTable.first_passage_id
    )
    for first, blob in connection.execute(query.execution_options(yield_per=256)):
        yield first, from_blob(blob, dim)
