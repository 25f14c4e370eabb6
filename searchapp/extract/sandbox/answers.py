"""What a worker says, as values: each as a reader gives it, or ValueError, KeyError or TypeError. A
file that has broken out of its reader may say anything.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from searchapp.types.documents import Block, BlockKind, Document, FileIdentity, Place

_MOST = 2**63 - 1  # that a database holds
_MOST_REASON, _MOST_NAME = 1000, 200  # characters
_DIGEST_BYTES = 32
_KINDS = frozenset(get_args(BlockKind))
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def identity_of(value: Sequence[Any]) -> FileIdentity:
    """What `stat` says of the file."""
    return FileIdentity(*(number_of(number, least=-_MOST) for number in value))


def digest_of(value: str) -> bytes:
    """A hash of bytes."""
    digest = bytes.fromhex(value)
    if len(digest) != _DIGEST_BYTES:
        raise ValueError("a hash that is none")
    return digest


def member_of(value: str) -> bytes:
    """The path of a member within its file, b"" for the file itself."""
    member = base64.b64decode(value, validate=True)
    if b"\0" in member:
        raise ValueError("a path that is none")
    return member


def name_of(value: object) -> str:
    """A short name that many files share: of a reader, say."""
    name = text_of(value)
    if not name or not name.isprintable() or len(name) > _MOST_NAME:
        raise ValueError("a name that is none")
    return sys.intern(name)


def reason_of(value: object) -> str:
    """Why there is no document, for people; many files share it."""
    return sys.intern(_UNSTORABLE.sub("\ufffd", str(value)[:_MOST_REASON]))


def document_of(fields: Mapping[str, Any]) -> Document:
    """A document."""
    text = text_of(fields["text"])
    return Document(
        text,
        name_of(fields["type"]),
        text_of(fields["title"]),
        _blocks(fields["blocks"], len(text)),
        has_lines=bool(fields["has_lines"]),
        metadata={text_of(name): text_of(value) for name, value in fields["metadata"].items()},
    )


def number_of(value: object, *, least: int = 0) -> int:
    """A number that a database holds."""
    if not isinstance(value, int) or not least <= value <= _MOST:
        raise ValueError("a number that is none")
    return value


def text_of(value: object) -> str:
    """A text that a database holds."""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("a text that is none")
    if not value.isascii():
        value.encode()  # UnicodeEncodeError, a ValueError, where it is none
    return value


def _blocks(values: Sequence[Any], length: int) -> tuple[Block, ...]:
    blocks = []
    before = 0
    for start, end, kind, headings, place in values:
        if not before <= number_of(start) <= number_of(end) <= length or kind not in _KINDS:
            raise ValueError("a block that is none")
        before = end
        blocks.append(Block(start, end, kind, tuple(map(text_of, headings)), _place(place)))
    return tuple(blocks)


def _place(values: Sequence[Any]) -> Place:
    return tuple(
        (
            name_of(name),
            text_of(value) if isinstance(value, str) else number_of(value, least=-_MOST),
        )
        for name, value in values
    )
