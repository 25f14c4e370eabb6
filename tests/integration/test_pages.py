"""From a match in a PDF to the place on its page."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import psutil
import pytest

from searchapp.corpus import Corpus
from searchapp.errors import FileChanged, PageMissing, Unsupported, UsageError
from searchapp.extract.pdf.page_picture import page_png
from searchapp.testing import HashEncoder
from tests.builders.pdfs import pages_pdf

pytestmark = pytest.mark.slow  # readers are processes

HERON = "The heron stands by the low weir. It waits for fish."
PDF = pages_pdf((HERON, "When the lamps are lit, it goes."), ("Another page of the book.",))


def test_a_match_is_framed_on_its_page_until_the_file_changes(tmp_path: Path) -> None:
    others = set(psutil.Process().children())  # of tests before this one
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.pdf").write_bytes(PDF)
    (docs / "b.md").write_text("# Herons\n\nThey eat fish.\n", encoding="utf-8")
    shutil.make_archive(str(tmp_path / "c"), "zip", docs)
    (tmp_path / "c.zip").rename(docs / "c.zip")
    corpus = Corpus.open(tmp_path / "corpus", encoder=HashEncoder())
    corpus.ingest([docs])
    documents = {os.fsdecode(row.path)[len(str(docs)) + 1 :]: row.id for row in corpus.documents()}
    note, pdf = documents["b.md"], documents["a.pdf"]
    for document in (pdf, documents["c.zip!/a.pdf"]):
        first, second = corpus.passages(document)
        page = corpus.pdf_page(document, 1, passage_id=first.passage_id)
        assert (page.width, page.height, page.pages, len(page.boxes)) == (612, 792, 2, 2)
        sentence = corpus.pdf_page(document, 1, passage_id=first.passage_id, span=(0, 33)).boxes
        assert [box[2] < page.boxes[0][2] for box in sentence] == [True]
        assert corpus.pdf_page(document, 2, passage_id=first.passage_id).boxes == ()
        assert corpus.pdf_page(document, 2, passage_id=second.passage_id).boxes != ()
        assert corpus.pdf_picture(document, 2, scale=0.5) == page_png(PDF, 2, 0.5)
        with pytest.raises(UsageError, match="is not of document"):
            corpus.pdf_page(document, 1, passage_id=corpus.passages(note)[0].passage_id)
        with pytest.raises(PageMissing):
            corpus.pdf_page(document, 3)
    with pytest.raises(Unsupported, match="type md has no pages"):
        corpus.pdf_page(note, 1)
    for scale in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="scale"):
            corpus.pdf_picture(pdf, 1, scale=scale)
    (docs / "a.pdf").write_bytes(pages_pdf(("Something else.",)))
    with pytest.raises(FileChanged):
        corpus.pdf_picture(pdf, 1)
    readers = [child for child in psutil.Process().children() if child not in others]
    assert len(readers) == 1
    del corpus
    gc.collect()
    assert not readers[0].is_running()
