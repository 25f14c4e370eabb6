"""PDFs of one page whose drawing is given: columns drawn row by row, stamps and signatures, files,
fonts that say no letters.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from tests.builders.pdfs import stream

LEFT = (
    "The heron stands by the low weir",
    "and waits for the small fish that",
    "come up with the tide at evening",
    "when the lamps are lit along the",
    "quay and the boats are tied up.",
)
RIGHT = (
    "The keeper of the lock has a book",
    "in which he writes down the level",
    "of the water on every single day,",
    "and the names of all the barges",
    "that pass from spring to autumn.",
)
THIRD = (
    "In the winter nothing passes but",
    "ice, and he mends his nets in the",
    "kitchen with the door wide open,",
    "for the stove smokes whenever the",
    "wind comes over from the east.",
)
HELVETICA = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
COURIER = HELVETICA.replace("Helvetica", "Courier")
_RESOURCES = "/Resources << /Font << /F1 3 0 R >> >> /Contents 5 0 R"


def drawn_pdf(
    content: str,
    *,
    page_entries: str = "",
    catalog_entries: str = "",
    objects: Sequence[str] = (),
    font: str = HELVETICA,
) -> bytes:
    """A PDF of one page with a content stream; its font is /F1, and further objects are numbered
    from 6.
    """
    bodies = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog_entries} >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        font,
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {_RESOURCES} {page_entries} >>",
        stream(content),
        *objects,
    ]
    data = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    trailer = f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()


def line(text: str, left: float, base: float) -> str:
    """A line of text, drawn on its own."""
    escaped = re.sub(r"([\\()])", r"\\\1", text)
    return f"BT /F1 10 Tf {left} {base} Td ({escaped}) Tj ET"


def by_letters(text: str, left: float, base: float) -> str:
    """A line of Courier, each letter drawn on its own."""
    return " ".join(line(letter, left + 6 * place, base) for place, letter in enumerate(text))


def across(*columns: tuple[float, Sequence[str]], base: float = 700, lower: float = 0) -> str:
    """Columns, each with its left edge, drawn row by row; each is `lower` than the one before."""
    return " ".join(_across(columns, base, lower))


def _across(
    columns: Sequence[tuple[float, Sequence[str]]], base: float, lower: float
) -> Iterator[str]:
    for row, texts in enumerate(zip_longest(*(lines for _, lines in columns))):
        for number, ((left, _), text) in enumerate(zip(columns, texts, strict=True)):
            if text:
                yield line(text, left, base - 14 * row - lower * number)


def without_letters_pdf(text: str, *, embedded: bool = True) -> bytes:
    """A page of text in a font that maps its glyphs to no letters; the font is in the file, or
    not.
    """
    from fpdf import FPDF
    from matplotlib import get_data_path
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import NameObject

    pdf = FPDF()
    pdf.add_page()
    pdf.add_font("shapes", fname=f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf")
    pdf.set_font("shapes", size=16)
    pdf.multi_cell(0, 9, text)
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(bytes(pdf.output()))))
    for font in writer.pages[0]["/Resources"]["/Font"].values():  # type: ignore[index]
        found = font.get_object()
        del found[NameObject("/ToUnicode")]
        if not embedded:
            described = found["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            del described[NameObject("/FontFile2")]
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()
