"""Pages that must be seen to be read: pictures, and those whose fonts say no letters. `ocr` reads
them, where it is installed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

from searchapp.extract.pdf import ocr
from searchapp.extract.pdf.outline import letters_of
from searchapp.extract.pdf.page import PdfPage

_OCR_S = 45.0  # pages are recognised until then
_OCR_DPI = 200
_MAX_SIDE = 2000  # px of a page drawn for OCR, which makes no use of more
_MAX_PICTURE = 10**8  # px of a picture that is drawn
_PICTURE_PAGE = 0.5  # of a page's area


def is_picture(page: Any, *, blank: bool) -> bool:
    """Whether a page shows something that is no text: anything on a page without text, else
    pictures over half of it.

    A page with a picture too large to draw is not one.
    """
    import pypdfium2.raw as pdfium

    if pdfium.FPDFPage_CountObjects(page) <= 0:
        return False
    width, height = page.get_size()
    covered = 0.0
    for image in islice(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3), 500):
        columns, rows = image.get_px_size()
        if columns * rows > _MAX_PICTURE:
            return False
        left, bottom, right, top = image.get_bounds()
        covered += max(0.0, right - left) * max(0.0, top - bottom)
    return blank or covered >= _PICTURE_PAGE * width * height


def recognise(document: Any, pages: Sequence[PdfPage], started_s: float) -> str:
    """Read the pages that must be seen, as far as there is an OCR and time; says what is left
    unread, "" for nothing.
    """
    waiting = [index for index, page in enumerate(pages) if page.is_for_ocr]
    said = []
    if ocr.is_available():
        said.append(_recognise_in_time(document, pages, waiting, started_s))
    elif blank := sum(page.is_picture and not page.text.strip() for page in pages):
        said.append(f"{blank} of {len(pages)} pages are images: searchapp[ocr] reads them")
    if lost := sum(page.is_lost for page in pages):
        said.append(f"the fonts of {lost} of {len(pages)} pages say no letters{_cure(pages)}")
    return "; ".join(filter(None, said))


def _recognise_in_time(
    document: Any, pages: Sequence[PdfPage], waiting: Sequence[int], started_s: float
) -> str:
    """Read pages until the time is up; says how far it came, "" for all of them."""
    longest_s = 0.0
    for count, index in enumerate(waiting):
        before_s = time.monotonic()
        if before_s + longest_s > started_s + _OCR_S:
            return f"{count} of {len(waiting)} pages that are images were recognised in time"
        text = _recognised(document, index)
        if letters_of(pages[index].text) not in letters_of(text):  # else it is what was recognised
            text = f"{pages[index].text.strip()}\n\n{text}"
        pages[index].text = text
        longest_s = max(longest_s, time.monotonic() - before_s)
    return ""


def why_empty(pages: Sequence[PdfPage], incomplete: str) -> str:
    """Why a document has no text."""
    if not pages:
        return "no text found: no pages"
    if any(page.is_lost for page in pages):
        return f"no readable text: its fonts say no letters{_cure(pages)}"
    if not any(page.is_picture for page in pages):
        return "no text found"
    if not ocr.is_available():
        return "no text: pages are images; searchapp[ocr] reads them"
    return f"no text: {incomplete or 'pages are images, and no text is recognised in them'}"


def _cure(pages: Sequence[PdfPage]) -> str:
    """What would read the pages whose fonts say no letters, "" for nothing."""
    is_curable = any(page.is_lost and page.has_shapes for page in pages)
    return ": searchapp[ocr] reads them" if is_curable and not ocr.is_available() else ""


def _recognised(document: Any, index: int) -> str:
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return ""
    try:
        scale = min(_OCR_DPI / 72, _MAX_SIDE / max(*page.get_size(), 1.0))
        return ocr.text_of(page.render(scale=scale, may_draw_forms=False).to_pil())
    except pypdfium2.PdfiumError:
        return ""
    finally:
        page.close()
