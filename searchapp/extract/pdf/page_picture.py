"""One page of a PDF as it looks: a picture of it, and where on it a passage stands.

The text of a document is not the text of its pages to the letter: hyphens are joined, white space
and columns put in order. So the two are compared by their letters and digits alone, piece by piece.
"""

from __future__ import annotations

import contextlib
import ctypes
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from searchapp.errors import FileFailed
from searchapp.extract.pdf.png import GREY, RGB, png
from searchapp.extract.pdf.repair import rewritten, with_end
from searchapp.types.results import PageBoxes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from searchapp.types.documents import Span

MOST_PIXELS = 2000  # a side of a picture
_LEVEL = 1  # of zlib: half the time of the usual one, for pictures a quarter larger
_LEAST_LETTERS = 12  # of a piece that is looked for
_LEAST_SHARE = 0.5  # of what is looked for: with less, the pieces stand there by chance
_MOST_OCCURRENCES = 50  # of a piece on a page
_MOST_BOXES = 1000
_FINE = 64  # steps in a point of the page's unit, as pdfium gives places in whole ones


def page_boxes(data: bytes, number: int, text: str = "", span: Span | None = None) -> PageBoxes:
    """The size of a page, from 1, and where a text stands on it, or of the text only a span; no
    boxes where less than half of it is there. A page without a number of that kind is of size 0.

    Raises FileFailed where nothing can be read of the file.
    """
    with _opened(data) as document:
        if not 1 <= number <= len(document):
            return PageBoxes(0, 0, (), len(document))
        with contextlib.closing(document[number - 1]) as page:
            width, height = page.get_size()
            boxes: list[tuple[float, float, float, float]] = []
            if text:
                with contextlib.closing(page.get_textpage()) as text_page:
                    boxes = list(_boxes(page, text_page, text, span or (0, len(text))))
            return PageBoxes(width, height, tuple(boxes[:_MOST_BOXES]), len(document))


def page_png(data: bytes, number: int, scale: float) -> bytes:
    """A picture of a page, so many pixels a point, or fewer where a side would have more than
    MOST_PIXELS; b"" for a page that there is not. Raises FileFailed.
    """
    with _opened(data) as document:
        if not 1 <= number <= len(document):
            return b""
        with contextlib.closing(document[number - 1]) as page:
            most = MOST_PIXELS / max(*page.get_size(), 1.0) * (1 - 1e-6)
            with contextlib.closing(
                page.render(scale=min(scale, most), rev_byteorder=True)
            ) as bits:
                return _encoded(bits.width, bits.height, bits.stride, bytes(bits.buffer))


def _encoded(width: int, height: int, stride: int, pixels: bytes) -> bytes:
    """Pixels of red, green and blue as a picture, grey where all of them are."""
    rows = [pixels[at : at + 3 * width] for at in range(0, stride * height, stride)]
    channels = [[row[color::3] for row in rows] for color in range(3)]
    is_grey = channels[0] == channels[1] == channels[2]
    lines = b"\0" + b"\0".join(channels[0] if is_grey else rows)
    return png(width, height, lines, colors=GREY if is_grey else RGB, level=_LEVEL)


# ---- opening -------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    """The document, mended as it was to be read. Raises FileFailed."""
    import pypdfium2

    for whole in _forms_of(data):
        try:
            document = pypdfium2.PdfDocument(whole)
        except pypdfium2.PdfiumError:
            continue
        with contextlib.closing(document):
            with contextlib.suppress(pypdfium2.PdfiumError):
                document.init_forms()  # so that what is filled in is drawn
            try:
                yield document
            except (pypdfium2.PdfiumError, ValueError) as error:
                raise FileFailed(f"the page cannot be drawn: {error}") from error
        return
    raise FileFailed("the page cannot be drawn: the file is broken")


def _forms_of(data: bytes) -> Iterator[bytes]:
    """The file as it is, with an end, and written anew, as far as one differs from another."""
    yield data
    if ended := with_end(data):
        yield ended
    import io
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with contextlib.suppress(Exception):  # a broken PDF makes pypdf raise anything
        yield rewritten(pypdf.PdfReader(io.BytesIO(data), strict=False))


# ---- where a text stands -------------------------------------------------------------------------


def _boxes(
    page: Any, text_page: Any, text: str, span: Span
) -> Iterator[tuple[float, float, float, float]]:
    """Where a span of a text stands: left, top, right and bottom of each part of a line."""
    import pypdfium2.raw as pdfium

    codes = (pdfium.FPDFText_GetUnicode(text_page, i) for i in range(text_page.count_chars()))
    on_page, places = _letters(map(chr, codes))
    wanted, positions = _letters(text)
    ends = {i for i, (a, b) in enumerate(pairwise(positions), 1) if b > a + 1} | {len(wanted)}
    aligned = _aligned(wanted, ends, on_page)
    if not wanted or len(aligned) < _LEAST_SHARE * len(wanted):
        return
    start, end = span
    inside = [aligned[i] for i, at in enumerate(positions) if start <= at < end and i in aligned]
    for first, last in _runs(inside):
        begin = places[first]
        for number in range(text_page.count_rects(begin, places[last] - begin + 1)):
            yield _on_page(page, *text_page.get_rect(number))


def _letters(characters: Iterable[str]) -> tuple[str, list[int]]:
    """The letters and digits of a text, alike in case and form, and the position of each."""
    letters: list[str] = []
    positions: list[int] = []
    for position, character in enumerate(characters):
        plain = character if character.isascii() else normalize("NFKD", character)
        for letter in plain.casefold():
            if letter.isalnum():
                letters.append(letter)
                positions.append(position)
    return "".join(letters), positions


def _aligned(wanted: str, ends: set[int], page: str) -> dict[int, int]:
    """The place on the page of each letter that is wanted and stands there in a piece of some
    letters, of whole words: of the longest piece, and of equal ones of the first behind the piece
    before. `ends` are those of the words that are wanted.
    """
    aligned: dict[int, int] = {}
    least = min(_LEAST_LETTERS, len(wanted))
    start = behind = 0
    while start <= len(wanted) - least:
        places = _occurrences(page, wanted[start : start + least])
        places.sort(key=lambda at: at < behind)
        lengths = [_common(wanted, start, page, at) for at in places]
        longest = max(lengths, default=0)
        length = next((i for i in range(longest, 0, -1) if start + i in ends), 0)
        if length:
            at = places[lengths.index(longest)]
            aligned |= zip(range(start, start + length), range(at, at + length), strict=True)
            behind = at + length
        start += length or 1
    return aligned


def _occurrences(page: str, piece: str) -> list[int]:
    """The first places of a piece on a page."""
    places: list[int] = []
    at = page.find(piece)
    while at >= 0 and len(places) < _MOST_OCCURRENCES:
        places.append(at)
        at = page.find(piece, at + 1)
    return places


def _common(wanted: str, start: int, page: str, at: int) -> int:
    """How many letters are the same from two places on."""
    most = min(len(wanted) - start, len(page) - at)
    return next((i for i in range(most) if wanted[start + i] != page[at + i]), most)


def _runs(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each row of places without a gap."""
    if not places:
        return
    ends = [i for i, (a, b) in enumerate(pairwise(places), 1) if b != a + 1]
    for begin, end in pairwise((0, *ends, len(places))):
        yield places[begin], places[end - 1]


def _on_page(
    page: Any, left: float, bottom: float, right: float, top: float
) -> tuple[float, float, float, float]:
    """A box of the text in the units of the page as it is seen, turned and cropped, from its top
    left corner.
    """
    import pypdfium2.raw as pdfium

    size = [round(side * _FINE) for side in page.get_size()]
    corners = []
    for x, y in ((left, top), (right, bottom)):
        across, down = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, across, down)
        corners.append((across.value / _FINE, down.value / _FINE))
    (x0, y0), (x1, y1) = corners
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
