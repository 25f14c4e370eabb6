"""How a document is laid down in the corpus: names, digests, dates and keyword rows, agreed by the writer and the reader.

Pure, and the one place to change when the layout changes; together with the tables in ARCHITECTURE.md it is enough to read
a corpus from another language. Knows neither SQL libraries nor FAISS.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from searchapp.types import Document, Passage, Source

DATABASE = "corpus.db"
LOCK = "lock"
APPLICATION_ID = 0x53524348  # "SRCH", in the database's header
REVISIONS = ("0001", "0002")  # oldest first; the last is what this program reads and writes

# Scripts written without spaces between words: each character becomes a word of its own in the keyword rows.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)


def text_digest(fingerprint: str, text: str) -> bytes:
    """What identifies a vector: the text exactly as embedded and the encoder; BLAKE2b-128."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=fingerprint[:64].encode()).digest()


def source_digest(source: Source, *, is_stale: bool) -> bytes:
    """The digest of a document's source columns, BLAKE2b-128."""
    identity = source.identity
    return _digest(
        [
            source.path.hex(),
            [identity.size, identity.mtime_ns, identity.ctime_ns, identity.inode],
            source.content_hash.hex(),
            source.hashed_at_ns,
            is_stale,
        ]
    )


def content_digest(columns: Sequence[str | int | None], text: str, passages: Iterable[Sequence[str | int | bytes | None]]) -> bytes:
    """The digest of all else that is written for a document: its other columns, its text, and its passage rows in order."""
    rows = [[value.hex() if isinstance(value, bytes) else value for value in row] for row in passages]
    return _digest([list(columns), rows, text])


def vectors_digest(first_passage_id: int, passages: int, blob: bytes) -> bytes:
    """The digest of a document's vectors row, BLAKE2b-128."""
    return _digest([first_passage_id, passages, hashlib.blake2b(blob).hexdigest()])


def content_columns(source: Source, document: Document) -> tuple[str | int | None, ...]:
    """The document columns under the content digest, in this order: type, title, metadata, dated_ns, extractor, splitter, has_lines."""
    return (
        document.type,
        document.title,
        json.dumps(dict(document.metadata), sort_keys=True, ensure_ascii=False),
        dated_ns(source, document),
        source.extractor,
        source.splitter,
        int(document.has_lines),
    )


def passage_columns(passage: Passage, digest: bytes) -> tuple[str | int | bytes | None, ...]:
    """A passage's columns in the order start, end, page, line_start, line_end, headings, text_digest."""
    headings = json.dumps(list(passage.headings), ensure_ascii=False)
    return (passage.start, passage.end, passage.page, passage.line_start, passage.line_end, headings, digest)


def dated_ns(source: Source, document: Document) -> int:
    """When a document is from, unix ns: its own date where it has one, else its file's modification time."""
    try:
        date = datetime.fromisoformat(document.metadata.get("date", ""))
    except ValueError:
        return source.identity.mtime_ns
    moment = date if date.tzinfo else date.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9


def keyword_row(title: str, headings: Sequence[str], body: str) -> tuple[str, str, str]:
    """A passage's row in the keyword index: title, headings below it, body."""
    below = headings[1:] if headings and headings[0] == title else headings
    return (_spaced(title), _spaced("\n".join(below)), _spaced(body))


def _spaced(text: str) -> str:
    return _UNSPACED.sub(r" \1 ", text)


def _digest(value: object) -> bytes:
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=16).digest()
