"""A page of a PDF as it looks: where a passage stands on it, and a picture of it."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.pdf.page_picture import MOST_PIXELS, page_boxes, page_png
from searchapp.extract.pdf.pdf import read
from searchapp.extract.pdf.png import GREY, RGB, png, require_png
from searchapp.types.results import PageBoxes
from tests.builders.pdf_pages import LEFT, RIGHT, across, drawn_pdf, line
from tests.builders.pdfs import huge_picture_pdf, pages_pdf

SIZE = (612.0, 792.0)
FIRST = ("The heron stands by the low weir and waits.", "It goes when the lamps are lit.")
SECOND = ("Another page of the same book, with more words.",)


def lines_of(found: PageBoxes) -> list[int]:
    """The base of each box, in whole points from the top."""
    return [round(bottom) for _, _, _, bottom in found.boxes]


def pixels(picture: bytes) -> tuple[int, int, int, list[bytes]]:
    """A picture's size, colour type and rows."""
    head = picture[16:26]
    width, height = int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")
    at = picture.index(b"IDAT")
    size = int.from_bytes(picture[at - 4 : at], "big")
    rows = zlib.decompress(picture[at + 4 : at + 4 + size])
    step = len(rows) // height
    return width, height, head[9], [rows[y * step + 1 : (y + 1) * step] for y in range(height)]


def is_dark(picture: bytes, left: int, top: int, right: int, bottom: int) -> bool:
    """Whether a grey picture shows anything in a box."""
    rows = pixels(picture)[3]
    return any(min(row[left:right]) < 128 for row in rows[top:bottom])


# ---- where a passage stands ----------------------------------------------------------------------


def test_a_passage_is_framed_line_by_line_from_the_top_left_corner() -> None:
    found = page_boxes(pages_pdf(FIRST, SECOND), 1, "\n".join(FIRST))
    assert (found.width, found.height, found.pages) == (*SIZE, 2)
    assert [round(top) for _, top, _, _ in found.boxes] == [33, 49]
    assert all(72 <= left < 74 for left, *_ in found.boxes)
    assert all(220 < right < 330 and bottom - top < 12 for _, top, right, bottom in found.boxes)


def test_only_a_span_of_the_passage_is_framed() -> None:
    text = " ".join(FIRST)
    whole = page_boxes(pages_pdf(FIRST), 1, text)
    sentence = (len(FIRST[0]) + 1, len(text))
    assert page_boxes(pages_pdf(FIRST), 1, text, sentence).boxes == whole.boxes[1:]
    heron = page_boxes(pages_pdf(FIRST), 1, text, (4, 9)).boxes
    assert len(heron) == 1
    assert (heron[0][0] > whole.boxes[0][0], heron[0][2] < whole.boxes[0][2]) == (True, True)


def test_what_stands_twice_is_framed_where_its_passage_is() -> None:
    page = ("Only once.", "A line that comes again.", "Then this.", "A line that comes again.")
    passage = "Then this. A line that comes again."
    found = page_boxes(pages_pdf(page), 1, passage, (11, len(passage)))
    assert lines_of(found) == lines_of(page_boxes(pages_pdf(page), 1, " ".join(page)))[3:]


def test_joined_hyphens_ligatures_and_columns_are_found_all_the_same() -> None:
    hyphened = pages_pdf(("The water-", "works stand here."))
    assert len(page_boxes(hyphened, 1, "The waterworks stand here.").boxes) == 2
    columns = drawn_pdf(across((72, LEFT), (330, RIGHT)))
    text = read(columns, "pdf").text
    assert text.index("quay") < text.index("keeper")  # column by column, and not as it is drawn
    found = page_boxes(columns, 1, text)
    assert len(found.boxes) == len(LEFT) + len(RIGHT)
    assert [left < 300 for left, *_ in found.boxes] == [True] * len(LEFT) + [False] * len(RIGHT)
    assert page_boxes(pages_pdf(("FINE  Flour",)), 1, "ﬁne flour").boxes


def test_what_is_not_on_the_page_has_no_boxes() -> None:
    data = pages_pdf(FIRST, SECOND)
    for text in (SECOND[0], "", "...", f"{FIRST[0]} {'Nothing of this is there. ' * 4}"):
        assert page_boxes(data, 1, text).boxes == ()
    mostly = page_boxes(data, 1, f"{' '.join(FIRST)} And a note on it.")
    assert len(mostly.boxes) == 2


@pytest.mark.parametrize("number", [-1, 0, 3, 2**62])
def test_a_page_that_there_is_not_is_told_by_the_number_of_pages(number: int) -> None:
    data = pages_pdf(FIRST, SECOND)
    assert page_boxes(data, number, "x") == PageBoxes(0, 0, (), 2)
    assert page_png(data, number, 1) == b""


@pytest.mark.parametrize(
    ("entries", "size"),
    [
        ("/Rotate 90", (792, 612)),
        ("/Rotate 180", (612, 792)),
        ("/CropBox [50 600 400 780]", (350, 180)),
        ("/Rotate 270 /CropBox [50 600 400 780]", (180, 350)),
    ],
)
def test_boxes_are_where_the_picture_shows_the_words(entries: str, size: tuple[int, int]) -> None:
    data = pages_pdf(FIRST, page_entries=entries)
    found = page_boxes(data, 1, FIRST[0])
    picture = page_png(data, 1, 1)
    assert (found.width, found.height) == pixels(picture)[:2] == size
    (left, top, right, bottom), *_ = found.boxes
    box = (int(left), int(top), int(right) + 1, int(bottom) + 1)
    assert is_dark(picture, *box)
    rows = [bytes([255] * len(row)) for row in pixels(picture)[3]]
    assert all(min(row) == 255 for row in rows)


# ---- the picture ---------------------------------------------------------------------------------


def test_a_picture_has_so_many_pixels_a_point_and_no_more_than_a_screen() -> None:
    data = pages_pdf(FIRST)
    assert pixels(page_png(data, 1, 1.5))[:2] == (918, 1188)
    for scale in (10, 1e9):
        width, height, *_ = pixels(page_png(data, 1, scale))
        assert height == MOST_PIXELS
        assert width == 1546
    assert pixels(page_png(data, 1, 1e-9))[:2] == (1, 1)


def test_a_picture_is_in_colour_where_the_page_is() -> None:
    width, _, colors, rows = pixels(page_png(pages_pdf(FIRST), 1, 1))
    assert (colors, len(rows[0])) == (GREY, width)
    red = drawn_pdf(f"1 0 0 rg 100 600 50 50 re f {line('Red', 72, 700)}")
    width, _, colors, rows = pixels(page_png(red, 1, 1))
    assert (colors, len(rows[0])) == (RGB, 3 * width)
    assert rows[792 - 625][3 * 125 : 3 * 126] == b"\xff\0\0"


def test_a_file_that_lost_its_end_is_mended_and_one_that_is_none_fails() -> None:
    whole = pages_pdf(FIRST)
    cut = whole[: whole.index(b"xref")]
    assert len(page_boxes(cut, 1, FIRST[0]).boxes) == 1
    assert page_png(cut, 1, 1) == page_png(whole, 1, 1)
    for broken in (b"", b"no PDF at all", whole[:40]):
        with pytest.raises(FileFailed, match="cannot be drawn"):
            page_png(broken, 1, 1)


def test_a_huge_picture_on_a_page_is_drawn_small() -> None:
    assert pixels(page_png(huge_picture_pdf(20_000), 1, 0.1))[:2] == (62, 80)


# ---- PNG -----------------------------------------------------------------------------------------


def test_a_picture_that_came_from_elsewhere_is_looked_at() -> None:
    good = png(2, 1, b"\0ab", colors=GREY, level=1)
    assert require_png(good, most=2) == good
    bad: Sequence[bytes] = (
        b"",
        good[:-1],
        good + b"x",
        good.replace(b"IDAT", b"IDOT"),
        good[:20] + b"\xff" + good[21:],
        png(3, 1, b"\0abc", colors=GREY, level=1),
        png(0, 1, b"\0", colors=GREY, level=1),
        png(1, 1, b"\0a", colors=3, level=1),
        png(1, 1, b"\0a", colors=GREY, level=1, chunks=[(b"tEXt", b"x")]),
    )
    for data in bad:
        with pytest.raises(ValueError, match="picture"):
            require_png(data, most=2)


def test_a_picture_is_one_that_others_read() -> None:
    image = pytest.importorskip("PIL.Image")
    red = drawn_pdf("1 0 0 rg 0 0 612 792 re f")
    opened = image.open(io.BytesIO(page_png(red, 1, 0.1)))
    assert opened.size == (62, 80)
    assert opened.getpixel((30, 40)) == (255, 0, 0)
