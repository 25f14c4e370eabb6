"""DjVu: the text beside the pictures of scanned pages, by djvu-rs, where it is installed. No
picture is looked at: a page without such text is said to be left out.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.builder import Part, document_of, with_unread
from searchapp.extract.pdf.hyphens import joined
from searchapp.extract.text.plain import iso_date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document

# behind a column, a region and a paragraph
_ENDS = re.compile(r"[\x0b\x0c\x1d\x1e\x1f]|\n[ \t]*\n")
_NAMES = {"author": "author", "subject": "subject", "keywords": "tags", "year": "date"}


def read(data: bytes, document_type: str) -> Document:
    """The text of all pages by paragraphs, each with its page; raises FileSkipped without djvu-rs
    and for a scan without text, FileFailed for a broken file.
    """
    if find_spec("djvu_rs") is None:
        raise FileSkipped("DjVu: searchapp[djvu] reads it")
    import djvu_rs

    try:
        book = djvu_rs.Document.from_bytes(data)
        count = book.page_count()
        facts: dict[str, Any] = {**(book.metadata() or {})}
    except djvu_rs.Error as error:
        raise FileFailed(f"not a readable DjVu file: {str(error)[:200]}") from error
    unread: list[str] = []
    metadata = {ours: facts.get(theirs) or "" for theirs, ours in _NAMES.items()}
    metadata["date"] = iso_date(metadata["date"])
    title = " ".join((facts.get("title") or "").split())
    parts = _parts(book, count, unread)
    document = with_unread(
        document_of(parts, document_type, title=title, metadata=metadata), unread
    )
    if not document.blocks and not any("could not" in why for why in unread):
        raise FileSkipped("a scan without text: save it as PDF, which searchapp[ocr] reads")
    return document


def _parts(book: Any, count: int, unread: list[str]) -> Iterator[Part]:
    """The paragraphs of the pages; what could not be read of them goes to `unread`."""
    import djvu_rs

    empty = broken = 0
    for number in range(count):
        try:
            text = book.page(number).text()
        except djvu_rs.Error:
            broken += 1
            continue
        empty += not (text or "").strip()
        for paragraph in _ENDS.split(text or ""):
            yield Part("prose", _flowing(paragraph), place=(("page", number + 1),))
    if broken:
        unread.append(f"{broken:,} of {count:,} pages could not be read")
    if empty:
        unread.append(f"{empty:,} of {count:,} pages have no text beside their picture")


def _flowing(paragraph: str) -> str:
    """A paragraph without the line ends of the page."""
    text = ""
    for line in filter(None, map(str.strip, paragraph.split("\n"))):
        whole = joined(text, line)
        text = f"{text} {line}".lstrip() if whole is None else whole + line
    return text
