"""Files that a Word document shows as if they were its own text (altChunk): a page, a saved page,
rich text, another document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.extract.builder import Part
from searchapp.extract.detect import type_of
from searchapp.extract.registry import module_of, reader_of
from searchapp.extract.working_time import interrupt_again

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document


def inserted_parts(data: bytes, name: str, document_type: str = "") -> Iterator[Part]:
    """The parts of a file that stands within a document. Raises FileFailed or FileSkipped where it
    cannot be read, FileFailed after its parts where some of it could not be, and OutOfTime where
    its reader's time, which is that of the document too, ran out.
    """
    document_type = document_type or type_of(data, name)
    reader = reader_of(document_type)
    if not reader.is_document:
        raise FileSkipped(f"only holds other files (.{document_type})")
    try:
        document = module_of(reader).read(data, document_type)
    except FileError:
        interrupt_again()
        raise
    yield from _parts(document)
    interrupt_again()
    if unread := document.metadata.get("incomplete"):
        raise FileFailed(unread)


def _parts(document: Document) -> Iterator[Part]:
    for block in document.blocks:
        yield Part(
            block.kind,
            document.text[block.start : block.end],
            len(block.headings) + 1 if block.kind == "heading" else 0,
            is_tight=block.kind in {"list", "table"},
        )
