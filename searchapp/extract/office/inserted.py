"""Files that a Word document shows as if they were its own text (altChunk): a page, a saved page,
rich text, another document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.errors import FileSkipped
from searchapp.extract.builder import Part
from searchapp.extract.detect import type_of
from searchapp.extract.registry import module_of, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document


def inserted_parts(data: bytes, name: str, document_type: str = "") -> Iterator[Part]:
    """The parts of a file that stands within a document. Raises FileFailed or FileSkipped where it
    cannot be read.
    """
    document_type = document_type or type_of(data, name)
    reader = reader_of(document_type)
    if not reader.is_document:
        raise FileSkipped(f"only holds other files (.{document_type})")
    yield from _parts(module_of(reader).read(data, document_type))


def _parts(document: Document) -> Iterator[Part]:
    for block in document.blocks:
        yield Part(
            block.kind,
            document.text[block.start : block.end],
            len(block.headings) + 1 if block.kind == "heading" else 0,
            is_tight=block.kind in {"list", "table"},
        )
