"""How a document is laid down in the corpus: file names, digests and the columns under them, agreed
by the writer and the reader.

Pure, and the one place to change when the layout changes; docs/corpus-format.md describes it for
readers in other languages. Knows neither SQL libraries nor FAISS.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from searchapp.types.documents import Document, Passage, Source

DATABASE = "corpus.db"
LOCK = "lock"
VECTORS_FILES, UNFINISHED_VECTORS_FILES = "vectors-*.faiss", ".vectors-*.tmp"
RESERVE, RESERVE_BYTES = "reserve", 2**20  # room for a removal on a full disk
# all that a corpus without other encodings keeps in its folder, but for its lock; the database is
# last, as a folder of others without it is refused
FILES = (f"{DATABASE}-*", VECTORS_FILES, UNFINISHED_VECTORS_FILES, RESERVE, DATABASE)
BEFORE_REPAIR = "before-repair-"  # folders that hold the database as a repair found it
ENCODING = "encoding-"  # folders of other encodings
# ends of the names of those that are being copied, or deleted
NEW_ENCODING, GONE_ENCODING = ".new", ".gone"
# what a writer that was killed leaves: nobody works at it any more once the next has the lock
LEFTOVERS = (
    f".{DATABASE}-*",
    UNFINISHED_VECTORS_FILES,
    f"{ENCODING}*{NEW_ENCODING}",
    f"{ENCODING}*{GONE_ENCODING}",
    ".repair-*",  # of earlier programs
)
APPLICATION_ID = 0x53524348  # "SRCH", in the database's header
# oldest first; the last is what this program reads and writes
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")

# What stands under `corpus.digest`, in this order: all rows that no document's own digest covers,
# and the schema itself.
ACCOUNT = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",
    "SELECT name, seq FROM sqlite_sequence ORDER BY name",
    "SELECT version_num FROM alembic_version",
    (
        "SELECT id, uuid, generation, created_at_ns, ingested_at_ns, embedded, labels FROM corpus "
        "ORDER BY id"
    ),
    "SELECT id, model, fingerprint, dim, max_tokens FROM encoding ORDER BY id",
    "SELECT path, include, exclude FROM root ORDER BY path",
    "SELECT path FROM exclusion ORDER BY path",
    "SELECT first_passage_id, passages, generation FROM tombstone ORDER BY first_passage_id",
    (
        "SELECT id, name, generation, digest, size, mtime_ns, ctime_ns, inode, passages FROM "
        "published "
        "ORDER BY id"
    ),
    "SELECT * FROM unindexed ORDER BY path",
    "SELECT name, value FROM setting ORDER BY name",
    "SELECT language FROM stemmed_language ORDER BY language",
    "SELECT id, scale, mean FROM background ORDER BY id",
    (
        "SELECT type, extractor, splitter, documents, passages, stale, ids FROM tally ORDER BY "
        "type, "
        "extractor, splitter"
    ),
)


def vectors_file(generation: int, digest: bytes) -> str:
    """The name of the vectors file of a generation."""
    return VECTORS_FILES.replace("*", f"{generation}-{digest.hex()[:16]}")


def unfinished_vectors_file(process: int) -> str:
    """The name of a vectors file while a process writes it."""
    return UNFINISHED_VECTORS_FILES.replace("*", str(process))


def account_digest(tables: Iterable[Iterable[Sequence[str | int | bytes | None]]]) -> bytes:
    """The digest of the rows that the statements in ACCOUNT give, BLAKE2b-128; a row at a time, as
    there may be a million.
    """
    digest = hashlib.blake2b(b"[", digest_size=16)
    for i, rows in enumerate(tables):
        digest.update(b", [" if i else b"[")
        for j, row in enumerate(rows):
            digest.update(b", " if j else b"")
            digest.update(_encoded(list(row)).encode())
        digest.update(b"]")
    digest.update(b"]")
    return digest.digest()


def source_digest(source: Source, *, dated_ns: int, is_stale: int) -> bytes:
    """The digest of a document's source columns, BLAKE2b-128."""
    identity = source.identity
    return _digest(
        [
            source.path,
            [identity.size, identity.mtime_ns, identity.ctime_ns, identity.inode],
            source.content_hash,
            source.hashed_at_ns,
            dated_ns,
            is_stale,
        ]
    )


def content_digest(
    columns: Sequence[str | int | None],
    text: str,
    passages: Iterable[Sequence[str | int | bytes | None]],
) -> bytes:
    """The digest of all else that is written for a document: its other columns, its text, and its
    passage rows in order.
    """
    return _digest([list(columns), [list(row) for row in passages], text])


def vectors_digest(first_passage_id: int, passages: int, generation: int, blob: bytes) -> bytes:
    """The digest of a document's vectors row, BLAKE2b-128."""
    return _digest([first_passage_id, passages, generation, hashlib.blake2b(blob).hexdigest()])


def label_digest(document_id: int, name: str, origin: str, probability: float | None) -> bytes:
    """The digest of a label's row, BLAKE2b-128."""
    return _digest([document_id, name, origin, probability])


def content_columns(
    source: Source, document: Document, first_passage_id: int, generation: int
) -> tuple[str | int | None, ...]:
    """The document columns under the content digest, in this order: type, title, metadata,
    extractor, splitter, has_lines, first_passage_id, generation.
    """
    return (
        document.type,
        document.title,
        json.dumps(dict(document.metadata), sort_keys=True, ensure_ascii=False),
        source.extractor,
        source.splitter,
        int(document.has_lines),
        first_passage_id,
        generation,
    )


def passage_columns(passage: Passage, digest: bytes) -> tuple[str | int | bytes | None, ...]:
    """A passage's columns in the order start, end, place, headings, text_digest."""
    headings = json.dumps(list(passage.headings), ensure_ascii=False)
    place = json.dumps(dict(passage.place), ensure_ascii=False)
    return (passage.start, passage.end, place, headings, digest)


_encoded = json.JSONEncoder(default=bytes.hex).encode


def _digest(value: object) -> bytes:
    return hashlib.blake2b(_encoded(value).encode(), digest_size=16).digest()
