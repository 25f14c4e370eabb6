"""Word and PowerPoint files of before 2007: streams of binary records in an OLE container, read by
their published layouts.

[MS-DOC] for Word 97 to 2003, with the few fields of Word 6 and 95 that stand elsewhere; [MS-PPT]
for PowerPoint 97 to 2003. Offsets are looked up, never trusted: what lies outside its stream is
empty, and no chain is followed twice. The XML of Word 2003 is read like that of later ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchapp.extract.builder import Part
from searchapp.extract.office.common import furniture, manuscript
from searchapp.extract.office.doc import word_parts
from searchapp.extract.office.docx import document_in
from searchapp.extract.office.embedded import ole_members
from searchapp.extract.office.flat import is_flat
from searchapp.extract.office.ole import opened
from searchapp.extract.office.ppt import slide_parts
from searchapp.extract.office.shape_descriptions import shape_descriptions
from searchapp.extract.office.word2003 import FlatWord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.extract.members import Allowance, Member
    from searchapp.types.documents import Document

_STREAMS = ("worddocument", "0table", "1table", "data")


def read(data: bytes, document_type: str) -> Document:
    """An old Word document by headings, paragraphs and rows of tables, or an old presentation by
    slides.
    """
    if document_type == "doc" and is_flat(data):
        return document_in(FlatWord(data), document_type)
    with opened(data) as container:
        title, metadata = container.summary()
        if document_type == "ppt":
            slides = slide_parts(container.presentation(), container.presentation("current user"))
            return manuscript(slides, (), document_type, titles=(title,), metadata=metadata)
        streams = {name: container.stream(name) for name in _STREAMS}
    parts, notes, edges, styled = word_parts(
        streams["worddocument"], (streams["0table"], streams["1table"])
    )
    described = dict.fromkeys(
        text for name in ("data", "0table", "1table") for text in shape_descriptions(streams[name])
    )
    notes += [Part("prose", text) for text in described]
    return manuscript(
        parts, [*notes, *furniture(edges)], document_type, titles=(styled, title), metadata=metadata
    )


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """The workbooks, documents and other files embedded in an old document or presentation."""
    return ole_members(data, document_type)
