"""What can be read of a corpus without asking anything: documents, passages and their places.

Knows the seam Backend; neither SQL nor any model.
"""

from __future__ import annotations

import math
import os
import weakref
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from searchapp.backends.reading import reading
from searchapp.errors import CorpusMissing, Unsupported, UsageError
from searchapp.extract.registry import is_current
from searchapp.humanize import did_you_mean
from searchapp.search.lookup import (
    document_of,
    has_name,
    no_document_of,
    no_passage_of,
    one_document,
    passage_of,
)
from searchapp.search.unmatched import unmatched_notes
from searchapp.splitter.version import SPLITTER_VERSION
from searchapp.types.filters import Filters
from searchapp.types.results import PassageContext

if TYPE_CHECKING:
    from searchapp.extract.sandbox.page_reader import PageReader, ReadFile
    from searchapp.types.documents import DocumentRow, Hit, Span
    from searchapp.types.protocols import Backend, Reader
    from searchapp.types.results import OpenDocument, PageBoxes, Status

_EVERYTHING = Filters()


class CorpusReading:
    """The part of a `Corpus` that only reads."""

    _backend: Backend

    def status(self) -> Status:
        """The corpus at a glance."""
        with reading(self._backend) as reader:
            return reader.status()._replace(outdated=outdated(reader))

    # -- documents

    def documents(self, filters: Filters = _EVERYTHING, name: str = "") -> list[DocumentRow]:
        """The acknowledged documents whose file has a text in its name, or matches it as a glob."""
        try:
            with reading(self._backend) as reader:
                return [row for row in reader.rows(filters) if has_name(row.path, name)]
        except CorpusMissing:
            return []

    def documents_after(
        self, path: bytes = b"", filters: Filters = _EVERYTHING, *, most: int = 100
    ) -> list[DocumentRow]:
        """At most so many of the documents that pass the filters, by path, from behind a path
        on.
        """
        with reading(self._backend) as reader:
            return reader.rows_after(path, filters, most)

    def unnamed(self, name: str) -> str:
        """What is said where no document that is asked for has a name, for people."""
        paths = (os.fsdecode(row.path) for row in self.documents())
        return f"no file is named {name}{did_you_mean(name, map(os.path.basename, paths))}"

    def unmatched(self, filters: Filters, matching: Iterable[bytes] = ()) -> list[str]:
        """Why no document passes the filters, for people; where some do, which values none has."""
        try:
            with reading(self._backend) as reader:
                return unmatched_notes(reader, filters, matching)
        except CorpusMissing:
            return []

    def show(
        self, place: str, *, name: str | None = None
    ) -> tuple[DocumentRow, dict[str, str], list[Hit]]:
        """A document, its metadata and its passages: the one at a path or glob, else the one of
        that file name. Raises DocumentMissing unless there is exactly one.
        """
        with reading(self._backend) as reader:
            row = one_document(reader, place, name)
            return row, *reader.show(row.id)

    def document(self, document_id: int) -> OpenDocument:
        """The document of an id. Raises Gone where it has left the corpus, and DocumentMissing
        where it was never there.
        """
        with reading(self._backend) as reader:
            return document_of(reader, document_id)

    def passages(self, document_id: int) -> list[Hit]:
        """All passages of a document, in order. Raises as `document` does."""
        with reading(self._backend) as reader:
            document_of(reader, document_id)
            return reader.show(document_id)[1]

    def text(self, document_id: int, start: int = 0, end: int = 2**62) -> str:
        """The part of a document's text between two offsets, in code points. Raises as `document`
        does.
        """
        _require_counts(start, end)
        with reading(self._backend) as reader:
            text = reader.text(document_id, start, end)
            if text is None:
                raise no_document_of(reader, document_id)
            return text

    # -- passages

    def passage(self, passage_id: int, *, before: int = 2, after: int = 2) -> PassageContext:
        """The passage of an id between its neighbours in the same document. Raises Gone where it
        has left the corpus, and PassageMissing where it was never there.
        """
        _require_counts(before, after)
        with reading(self._backend) as reader:
            hits = reader.passages_around(passage_id, before, after)
            if not hits:
                raise no_passage_of(reader, passage_id)
            at = next(i for i, hit in enumerate(hits) if hit.passage_id == passage_id)
            document = document_of(reader, hits[at].document_id)
            return PassageContext(hits[at], tuple(hits[:at]), tuple(hits[at + 1 :]), document)

    # -- pages of PDFs

    def pdf_page(
        self,
        document_id: int,
        page: int,
        *,
        passage_id: int | None = None,
        span: Span | None = None,
    ) -> PageBoxes:
        """The size of a page, from 1, and where a passage stands on it, or of the passage's text
        only a span; no boxes where it stands on another page, or cannot be made out.

        The file is read by a process of its own. Raises as `document` and `passage` do,
        Unsupported for what is no PDF, PageMissing, FileChanged where the file is not the one that
        was read, and FileFailed where it cannot be read any more.
        """
        with reading(self._backend) as reader:
            file, text = _pdf_of(reader, document_id), ""
            if passage_id is not None:
                hit = passage_of(reader, passage_id)
                if hit.document_id != document_id:
                    raise UsageError(f"passage {passage_id} is not of document {document_id}")
                text = hit.text if dict(hit.passage.place).get("page") == page else ""
        return self._pages.boxes(file, page, text, span=span)

    def pdf_picture(self, document_id: int, page: int, *, scale: float = 1.5) -> bytes:
        """A page as a PNG, so many pixels a point, but at most 2,000 a side. Raises as `pdf_page`
        does.
        """
        if not 0 < scale < math.inf:
            raise ValueError("a scale is a positive number of pixels a point")
        with reading(self._backend) as reader:
            file = _pdf_of(reader, document_id)
        return self._pages.picture(file, page, scale)

    @cached_property
    def _pages(self) -> PageReader:
        """What draws pages, as long as this corpus is used."""
        from searchapp.extract.sandbox.page_reader import PageReader

        pages = PageReader()
        weakref.finalize(self, pages.close)
        return pages


def outdated(reader: Reader) -> int:
    """How many documents an older extractor or splitter made."""
    return sum(
        count
        for kind, extractor, splitter, count in reader.versions()
        if not is_current(extractor, kind) or splitter != SPLITTER_VERSION
    )


def _pdf_of(reader: Reader, document_id: int) -> ReadFile:
    """The file of a PDF. Raises as `document` does, and Unsupported for any other document."""
    from searchapp.extract.sandbox.page_reader import ReadFile

    document = document_of(reader, document_id)
    if document.row.type != "pdf":
        raise Unsupported(
            f"a document of type {document.row.type} has no pages to be seen",
            hint="read its text instead",
        )
    return ReadFile(document.row.path, document.content_hash)


def _require_counts(*counts: int) -> None:
    if min(counts) < 0:
        raise ValueError("offsets and neighbours count from 0")
