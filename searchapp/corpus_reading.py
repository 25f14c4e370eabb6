"""What can be read of a corpus without asking anything: documents, passages and their places.

Knows the seam Backend; neither SQL nor any model.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from searchapp.backends.reading import reading
from searchapp.errors import CorpusMissing
from searchapp.extract.registry import is_current
from searchapp.humanize import did_you_mean
from searchapp.search.lookup import (
    document_of,
    has_name,
    no_document_of,
    no_passage_of,
    one_document,
)
from searchapp.search.unmatched import unmatched_notes
from searchapp.splitter.version import SPLITTER_VERSION
from searchapp.types.filters import Filters
from searchapp.types.results import PassageContext

if TYPE_CHECKING:
    from searchapp.types.documents import DocumentRow, Hit
    from searchapp.types.protocols import Backend, Reader
    from searchapp.types.results import OpenDocument, Status

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


def outdated(reader: Reader) -> int:
    """How many documents an older extractor or splitter made."""
    return sum(
        count
        for kind, extractor, splitter, count in reader.versions()
        if not is_current(extractor, kind) or splitter != SPLITTER_VERSION
    )


def _require_counts(*counts: int) -> None:
    if min(counts) < 0:
        raise ValueError("offsets and neighbours count from 0")
