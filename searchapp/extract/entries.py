"""From the bytes of a file to everything that there is to read in it: the file, and its members.

It runs inside the killable workers of `searchapp.extract.sandbox.worker`, and knows nothing of
paths, corpora or encoders.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.extract.builder import first_part, in_time, with_unread
from searchapp.extract.detect import type_of
from searchapp.extract.file_types import EMPTY
from searchapp.extract.members import MAX_DEPTH, UNTAKEN, Allowance
from searchapp.extract.noise import without_noise
from searchapp.extract.registry import module_of, reader_of
from searchapp.extract.secrets import refuse_secret, secret_file, secret_in
from searchapp.types.documents import Document

_SEEN_AGAIN = 4  # a part of a text that took too long: what time is left is enough for so much
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to read in a file: the file itself, or a member of the container that it is, not
    read yet.

    `member` is "" for the file itself, else the path within it, "!/" after each container:
    "2024.zip!/report.pdf". `document_type` is "" where it is not known.
    """

    member: str
    data: bytes
    document_type: str
    refusal: FileError | None = None
    is_members_only: bool = False  # its members were the entries before it

    @property
    def is_container(self) -> bool:
        """Whether there is nothing to read here but the members, which could be taken out."""
        return self.is_members_only and self.refusal is None

    @property
    def content_hash(self) -> bytes:
        """BLAKE2b-256 of the bytes."""
        return hashlib.blake2b(self.data, digest_size=32).digest()

    def read(self) -> Document:
        """The document in the bytes; its blocks' places begin with the member. Raises FileFailed or
        FileSkipped where there is none, or a secret.
        """
        if self.refusal is not None:
            raise self.refusal
        refuse_secret(secret_file(self.data))
        reader = reader_of(self.document_type)
        document = _storable(module_of(reader).read(self.data, self.document_type))
        document = _cleaned(document)
        if not any(document.text[block.start : block.end].strip() for block in document.blocks):
            reason = document.metadata.get("incomplete")
            raise FileFailed(f"no text found: {reason}" if reason else "no text found")
        if not self.member:
            return document
        place = (("member", self.member),)
        return replace(
            document,
            blocks=tuple(replace(block, place=place + block.place) for block in document.blocks),
        )


def _cleaned(document: Document) -> Document:
    """The document without its noise; where the time runs out on the way, the first part of it,
    which says so. Raises FileSkipped where there is nothing else in it, or a secret.
    """
    cut: list[str] = []
    with in_time(cut):
        refuse_secret(secret_in(document.text))
        return without_noise(document)
    document = first_part(document, len(document.text) // _SEEN_AGAIN)
    refuse_secret(secret_in(document.text))
    return with_unread(without_noise(document), cut)


def entries(data: bytes, name: str) -> Iterator[Entry]:
    """All that there is to read in a file's bytes, in order. `name` decides only what the bytes
    leave open.

    A mail comes before its attachments, an archive after its members. What cannot be read is an
    entry with its refusal.
    """
    yield from _entries(data, name, "", Allowance(), depth=0)


def extract(data: bytes, name: str) -> Document:
    """The one document in a file's bytes, without members; raises FileSkipped or FileFailed where
    there is none.
    """
    document_type = type_of(data, name)
    if not reader_of(document_type).is_document:
        raise FileSkipped(f"only holds other files (.{document_type})")
    return Entry("", data, document_type).read()


def _entries(
    data: bytes, name: str, member: str, allowance: Allowance, *, depth: int
) -> Iterator[Entry]:
    try:
        document_type = type_of(data, name)
    except FileError as error:
        yield Entry(member, data, "", refusal=error)
        return
    reader = reader_of(document_type)
    if reader.is_document:
        yield Entry(member, data, document_type)
    else:
        try:
            refuse_secret(secret_file(data))
        except FileSkipped as refusal:
            yield Entry(member, data, document_type, refusal=refusal)
            return
    if reader.is_container:
        yield from _members(
            Entry(member, data, document_type, is_members_only=True), name, allowance, depth
        )


def _members(container: Entry, name: str, allowance: Allowance, depth: int) -> Iterator[Entry]:
    """The entries of a container's members; the container itself comes last, unless it is a
    document too and came before.
    """
    reader = reader_of(container.document_type)
    failure: FileError | None = FileSkipped(EMPTY)
    try:
        for inner in module_of(reader).members(
            container.data, container.document_type, name, allowance
        ):
            failure = None
            if depth >= MAX_DEPTH:
                raise FileFailed(f"nested deeper than {MAX_DEPTH} archives")
            allowance.take_member()
            path = f"{container.member}!/{inner.name}" if container.member else inner.name
            if inner.refusal is not None:
                yield Entry(path, b"", "", refusal=inner.refusal)
                continue
            allowance.take_bytes(len(inner.data))
            yield from _entries(
                inner.data, PurePosixPath(inner.name).name, path, allowance, depth=depth + 1
            )
    except FileError as error:
        failure = error
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - what a broken container makes a library raise ends its members, no more
        failure = FileFailed(f"not a readable .{container.document_type}: {error}"[:300])
    if not reader.is_document:
        yield replace(container, refusal=failure)
    elif isinstance(failure, FileFailed):
        yield Entry(f"{container.member}!/{UNTAKEN}".removeprefix("!/"), b"", "", refusal=failure)


def _storable(document: Document) -> Document:
    """The document with U+FFFD in place of NULs and lone surrogates, which neither JSON nor SQLite
    carry; offsets hold.
    """
    if _is_storable(document.text) and _is_storable("".join(_names(document))):
        return document
    return replace(
        document,
        text=_clean(document.text),
        title=_clean(document.title),
        blocks=tuple(
            replace(
                block,
                headings=tuple(map(_clean, block.headings)),
                place=tuple(
                    (name, _clean(value) if isinstance(value, str) else value)
                    for name, value in block.place
                ),
            )
            for block in document.blocks
        ),
        metadata={_clean(key): _clean(value) for key, value in document.metadata.items()},
    )


def _names(document: Document) -> Iterator[str]:
    """All the text that a document has beside its text."""
    yield document.title
    yield from document.metadata
    yield from document.metadata.values()
    for block in document.blocks:
        yield from block.headings
        yield from (value for _, value in block.place if isinstance(value, str))


def _is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    try:
        text.isascii() or text.encode()  # a surrogate has no code
    except UnicodeEncodeError:
        return False
    return True


def _clean(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)
