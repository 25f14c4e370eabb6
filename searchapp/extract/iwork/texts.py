"""The texts of iWork: what is written in documents, shapes, notes and comments."""

from __future__ import annotations

import re

from searchapp.extract.iwork.archive import Object

STORAGES = frozenset({2001, 2005})
COMMENT = 3056
_ATTACHED = re.compile("[\ufffc\ufffd]")  # a picture or a table stands there
_BREAK = re.compile("[\u2028\u2029\x0b\x0c\x04\x05]")


def text_of(storage: Object) -> str:
    """The text of a storage, a line a paragraph."""
    return _BREAK.sub("\n", _ATTACHED.sub("", storage.message.text(3))).strip()


def kind_of(storage: Object) -> int:
    """What a storage is for: 0 the body, 1 headers and footers, 2 footnotes, 3 shapes, 4 notes,
    5 cells.
    """
    return storage.message.number(1)
