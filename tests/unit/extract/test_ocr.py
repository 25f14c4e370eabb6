"""Pictures are read where the OCR is installed, and named in the report where it is not."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.pdf import image, ocr, pdf, recognition
from tests.builders.pdfs import pages_pdf, picture_pages_pdf
from tests.paths import SAMPLES

pytestmark = pytest.mark.model
needs_ocr = pytest.mark.skipif(not ocr.is_available(), reason="needs searchapp[ocr]")


def drawn(*lines: str, size: tuple[int, int] = (270, 200)) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    for index, line in enumerate(lines):
        draw.text((20, 20 + 40 * index), line, fill="black", font=ImageFont.load_default(28))
    return picture


def saved(picture: Any, file_format: str, **options: Any) -> bytes:
    written = io.BytesIO()
    picture.save(written, file_format, **options)
    return written.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that declares a size and holds a few bytes of it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


# ---- the order of what is recognised -------------------------------------------------------------


def row(
    top: float, *pieces: tuple[float, float, str]
) -> list[tuple[tuple[float, float, float, float], str]]:
    return [((left, top, right, top + 10), text) for left, right, text in pieces]


def test_pieces_on_one_height_are_one_line_from_left_to_right() -> None:
    assert (
        ocr.in_reading_order(
            [*row(12, (50, 90, "world")), *row(10, (0, 40, "Hello")), *row(24, (0, 40, "again"))]
        )
        == "Hello world\nagain"
    )


def test_a_wide_gap_ends_a_paragraph() -> None:
    assert (
        ocr.in_reading_order(
            [*row(0, (0, 40, "one")), *row(12, (0, 40, "two")), *row(40, (0, 40, "three"))]
        )
        == "one\ntwo\n\nthree"
    )


def test_columns_of_prose_are_read_one_after_the_other() -> None:
    title = row(0, (0, 210, "A title over both columns"))
    rows = [
        piece
        for n in range(1, 5)
        for piece in row(
            12 * n, (0, 100, f"left column, line {n}"), (110, 210, f"right column, line {n}")
        )
    ]
    left, right = (
        "\n".join(f"{side} column, line {n}" for n in range(1, 5)) for side in ("left", "right")
    )
    assert (
        ocr.in_reading_order([*title, *rows]) == f"A title over both columns\n\n{left}\n\n{right}"
    )


def test_rows_of_a_table_stay_together() -> None:
    rows = [
        piece for n in range(1, 6) for piece in row(12 * n, (0, 30, f"a{n}"), (110, 140, f"b{n}"))
    ]
    assert ocr.in_reading_order(rows) == "\n".join(f"a{n} b{n}" for n in range(1, 6))


def test_nothing_recognised_is_no_text() -> None:
    assert ocr.in_reading_order([]) == ""


# ---- without the OCR -----------------------------------------------------------------------------


def test_without_the_ocr_pictures_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_available", lambda: False)
    with pytest.raises(FileSkipped, match=r"^image: searchapp\[ocr\] reads its text$"):
        image.read(saved(drawn("Hello"), "PNG"), "png")


def test_without_the_ocr_a_pdf_says_how_many_pages_are_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pypdf import PdfReader, PdfWriter

    monkeypatch.setattr(ocr, "is_available", lambda: False)
    writer = PdfWriter()
    for data in (
        pages_pdf(["A page of text."]),
        picture_pages_pdf(saved(drawn("Hello"), "PNG"), pages=2),
    ):
        writer.append(PdfReader(io.BytesIO(data)))
    written = io.BytesIO()
    writer.write(written)
    document = pdf.read(written.getvalue(), "pdf")
    assert (document.text, document.metadata["incomplete"]) == (
        "A page of text.",
        "2 of 3 pages are images: searchapp[ocr] reads them",
    )


def test_without_the_ocr_a_pdf_of_pictures_says_what_would_read_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ocr, "is_available", lambda: False)
    with pytest.raises(
        FileFailed, match=r"^no text: pages are images; searchapp\[ocr\] reads them$"
    ):
        pdf.read(picture_pages_pdf(saved(drawn("Hello"), "PNG"), pages=2), "pdf")


# ---- with it -------------------------------------------------------------------------------------


@needs_ocr
@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_a_picture_gives_its_words(file_format: str) -> None:
    document = image.read(
        saved(drawn("Water the garden", "every morning"), file_format), file_format.lower()
    )
    assert document.text.split() == ["Water", "the", "garden", "every", "morning"]
    assert [(block.kind, block.place) for block in document.blocks] == [("prose", ())]
    assert not document.has_lines


@needs_ocr
def test_each_page_of_a_tiff_has_its_number() -> None:
    thumbnail = drawn("First page").resize((54, 40))
    data = saved(
        drawn("First page"), "TIFF", save_all=True, append_images=[drawn("Second page"), thumbnail]
    )
    document = image.read(data, "tiff")
    assert [(block.place, document.text[block.start : block.end]) for block in document.blocks] == [
        ((("page", 1),), "First page"),
        ((("page", 2),), "Second page"),
    ]


@needs_ocr
def test_a_picture_is_turned_as_its_camera_says_and_gives_its_metadata() -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112], exif[0x0132], exif[0x013B] = 6, "2024:05:31 12:00:00", "Ada"
    document = image.read(
        saved(drawn("Turned around").rotate(90, expand=True), "JPEG", exif=exif), "jpg"
    )
    assert document.text == "Turned around"
    assert document.metadata == {"author": "Ada", "date": "2024-05-31T12:00:00"}


@needs_ocr
def test_dark_letters_on_nothing_are_read() -> None:
    from PIL import Image

    picture = drawn("On nothing").convert("RGBA")
    picture.putalpha(Image.eval(picture.convert("L"), lambda value: 255 - value))
    assert image.read(saved(picture, "PNG"), "png").text == "On nothing"


@needs_ocr
def test_a_picture_without_text_says_so() -> None:
    with pytest.raises(FileFailed, match=r"^no text found in the image$"):
        image.read(saved(drawn(), "PNG"), "png")


@needs_ocr
def test_icons_are_skipped() -> None:
    with pytest.raises(FileSkipped, match=r"^small image$"):
        image.read(saved(drawn("Hi", size=(200, 63)), "PNG"), "png")


@needs_ocr
@pytest.mark.parametrize("side", [8_001, 50_000])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(side: int) -> None:
    with pytest.raises(FileFailed, match=r"^an image of more than 64 million pixels$"):
        image.read(png_of(side, side), "png")


@needs_ocr
@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n" + b"nonsense" * 9,
        saved(drawn("Hello"), "PNG")[:300],
        b"II*\0" + b"\xff" * 40,
    ],
)
def test_a_broken_picture_says_so(data: bytes) -> None:
    with pytest.raises(FileFailed, match="not a readable image"):
        image.read(data, "png")


@needs_ocr
def test_pages_that_are_pictures_are_read_with_their_number() -> None:
    document = pdf.read(
        picture_pages_pdf(saved(drawn("Scanned words", size=(270, 135)), "PNG"), pages=2), "pdf"
    )
    assert [(block.place, document.text[block.start : block.end]) for block in document.blocks] == [
        ((("page", 1),), "Scanned words"),
        ((("page", 2),), "Scanned words"),
    ]
    assert "incomplete" not in document.metadata


@needs_ocr
def test_pages_that_there_is_no_time_for_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "_OCR_S", -1.0)
    with pytest.raises(
        FileFailed, match=r"^no text: 0 of 3 pages that are images were recognised in time$"
    ):
        pdf.read(picture_pages_pdf(saved(drawn("Scanned words"), "PNG"), pages=3), "pdf")


@needs_ocr
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("png/tika__testOCR.png", "This file contains some words."),
        ("jpg/tika__testOCR.jpg", "Apache Tika OCR Testing"),
    ],
)
def test_samples_give_their_words(name: str, text: str) -> None:
    path = SAMPLES / name
    assert image.read(path.read_bytes(), path.suffix[1:]).text.split() == text.split()
