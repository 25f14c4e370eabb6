"""Render tests/data/pdf_sources/*.txt to the PDF samples under data/, the same bytes every time.

    python -m tests.builders.pdfs            all sources
    python -m tests.builders.pdfs NAME...    only these (`leaflet` for tests/data/pdf_sources/leaflet.txt)

A source is plain text. At its top, in any order, stand `# Title` and the lines `target:
data/.../x.pdf`, `author: ...` and `date: YYYY-MM-DD`; a source without a target goes to
data/manuals/<its name>.pdf. Then follow, a blank line between them: paragraphs (their lines are
joined), `## ` chapters, which start a new page, `### ` headings within, lines that begin with `- `
or `1. `, which stay lines of their own, and lines indented by four spaces, which are set as they
are in Courier. Characters are those of Latin-1, which the PDF core fonts can show. Needs fpdf2 (a
development dependency).
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.paths import ROOT, TEST_DATA

SOURCES = TEST_DATA / "pdf_sources"
HEADER = re.compile(r"(target|author|date): *(.+)")
ITEM = re.compile(r"- |\d+\. ")


@dataclass(frozen=True, slots=True)
class Source:
    """One parsed source: what goes into the PDF's metadata, and the text below it."""

    target: Path
    title: str
    author: str
    date: datetime
    body: str


def parse(path: Path) -> Source:
    """The source at `path`; raises ValueError where its title is missing."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header = {"target": f"data/manuals/{path.stem}.pdf", "author": "", "date": "2024-01-01"}
    title = ""
    while lines and (
        not lines[0].strip() or lines[0].startswith("# ") or HEADER.fullmatch(lines[0])
    ):
        line = lines.pop(0)
        if line.startswith("# "):
            title = line[2:].strip()
        elif found := HEADER.fullmatch(line):
            header[found[1]] = found[2].strip()
    if not title:
        raise ValueError(f"{path.name} has no line '# Title' at its top")
    date = datetime.fromisoformat(header["date"]).replace(tzinfo=UTC)
    return Source(ROOT / header["target"], title, header["author"], date, "\n".join(lines))


def render(source: Source) -> bytes:
    """The PDF of a source, equal bytes for equal sources under one version of fpdf2."""
    pdf = _new_pdf(source)
    _write_title(pdf, source)
    for kind, text in _blocks(source.body):
        _write_block(pdf, kind, text)
    return bytes(pdf.output())


def main(names: Sequence[str]) -> None:
    """Render the named sources, or all of them."""
    paths = [SOURCES / f"{name}.txt" for name in names] or sorted(SOURCES.glob("*.txt"))
    for path in paths:
        source = parse(path)
        source.target.parent.mkdir(parents=True, exist_ok=True)
        source.target.write_bytes(render(source))
        sys.stdout.write(f"{source.target.relative_to(ROOT).as_posix()}\n")


# ---- reading the body ----------------------------------------------------------------------------


def _blocks(body: str) -> Iterator[tuple[str, str]]:
    """Each block's kind ("chapter", "section", "item", "code", "prose") and its text on one line,
    code lines apart.
    """
    for block in re.split(r"\n\s*\n", body.strip("\n")):
        if block.startswith("    "):
            yield "code", re.sub(r"(?m)^    ", "", block)
            continue
        for line in _joined(block.splitlines()):
            if line.startswith("## "):
                yield "chapter", line[3:]
            elif line.startswith("### "):
                yield "section", line[4:]
            else:
                yield ("item" if ITEM.match(line) else "prose"), line


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """The lines of one block with wrapped lines put back together; headings and items
    begin anew.
    """
    pending: list[str] = []
    for line in map(str.strip, lines):
        if pending and (line.startswith("#") or ITEM.match(line) or pending[0].startswith("#")):
            yield " ".join(pending)
            pending = []
        pending.append(line)
    if pending:
        yield " ".join(pending)


# ---- writing the pages ---------------------------------------------------------------------------


def _new_pdf(source: Source) -> Any:  # Any: fpdf is not typed for us
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_title(source.title)
    pdf.set_author(source.author)
    pdf.set_creation_date(source.date)
    pdf.set_producer("tests/builders/pdfs.py")
    pdf.set_margins(25, 22, 25)
    pdf.set_auto_page_break(auto=True, margin=25)
    pdf.footer = partial(_write_footer, pdf)
    pdf.add_page()
    return pdf


def _write_title(pdf: Any, source: Source) -> None:
    _write(pdf, source.title, style="B", size=20, height=9)
    byline = ", ".join(part for part in (source.author, source.date.date().isoformat()) if part)
    _write(pdf, byline, style="I", size=10, height=5)
    pdf.ln(5)


def _write_block(pdf: Any, kind: str, text: str) -> None:
    if kind == "chapter":
        pdf.add_page()
        _write(pdf, text, style="B", size=15, height=8)
        pdf.ln(2)
    elif kind == "section":
        pdf.ln(1)
        _write(pdf, text, style="B", size=12, height=6)
    elif kind == "code":
        _write(pdf, text, size=9, height=4.6, family="Courier")
        pdf.ln(2)
    else:
        _write(pdf, text, size=11, height=5.6)
        pdf.ln(0 if kind == "item" else 2.4)


def _write(
    pdf: Any, text: str, *, size: int, height: float, style: str = "", family: str = "Times"
) -> None:
    pdf.set_font(family, style, size)
    pdf.multi_cell(0, height, text, align="L", new_x="LMARGIN", new_y="NEXT")


def _write_footer(pdf: Any) -> None:
    pdf.set_y(-16)
    pdf.set_font("Times", "", 9)
    pdf.cell(0, 5, str(pdf.page_no()), align="C")


# ---- PDFs for tests of the reader, object by object ----------------------------------------------


def pages_pdf(
    *pages: Sequence[str],
    page_entries: str = "",
    catalog_entries: str = "",
    objects: Sequence[str] = (),
    info: str = "",
) -> bytes:
    """A PDF of pages with their lines, 16 points apart from the top, in Helvetica.

    Object 1 is the catalog, 2 the pages' root, 3 the font; each page is two objects from 4 on,
    itself and its content, and `objects` follow. `page_entries` goes into every page's dictionary,
    `info` is the inside of the information dictionary.
    """
    bodies = [
        "",
        "",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for index, lines in enumerate(pages):
        content = (
            "BT /F1 12 Tf 16 TL 72 750 Td "
            + " ".join(f"({_escaped(line)}) Tj T*" for line in lines)
            + " ET"
        )
        bodies.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 "
            "R >> >> "
            f"/Contents {5 + 2 * index} 0 R {page_entries} >>"
        )
        bodies.append(_stream(content))
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    bodies[0] = f"<< /Type /Catalog /Pages 2 0 R {catalog_entries} >>"
    bodies[1] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>"
    return _file([*bodies, *objects], info)


def outline_objects(first: int, entries: Sequence[tuple[int, str, int]]) -> list[str]:
    """The objects of an outline, numbered from `first`, which is its root: level from 1, title, and
    index of the page of each entry.
    """
    parents: list[int] = []
    children: dict[int, list[int]] = {}
    path = [first]
    for number, (level, _, _) in enumerate(entries, first + 1):
        path = [*path[:level], number]
        parents.append(path[-2])
        children.setdefault(path[-2], []).append(number)
    bodies = [_family(children, first)]
    for number, (parent, (_, title, page)) in enumerate(
        zip(parents, entries, strict=True), first + 1
    ):
        brothers = children[parent]
        place = brothers.index(number)
        following = f"/Next {brothers[place + 1]} 0 R" if place + 1 < len(brothers) else ""
        target = f"/Dest [{4 + 2 * page} 0 R /XYZ 0 700 0]"
        bodies.append(
            f"<< /Title ({_escaped(title)}) /Parent {parent} 0 R {following} {target} "
            f"{_family(children, number)[3:-3]} >>"
        )
    return bodies


def picture_pages_pdf(png: bytes, *, pages: int = 1) -> bytes:
    """A PDF whose pages are one picture each and no text."""
    import io

    from fpdf import FPDF

    pdf = FPDF(format=(100, 50))
    pdf.set_auto_page_break(False)
    for _ in range(pages):
        pdf.add_page()
        pdf.image(io.BytesIO(png), x=0, y=0, w=100, h=50)
    return bytes(pdf.output())


def huge_picture_pdf(side: int) -> bytes:
    """A PDF with a few words over a picture that declares side x side pixels and holds none."""
    picture = (
        f"<< /Type /XObject /Subtype /Image /Width {side} /Height {side} "
        "/BitsPerComponent 8 /ColorSpace /DeviceGray /Length 0 >>"
    )
    content = _stream("q 612 0 0 792 0 0 cm /Im Do Q BT /F1 12 Tf 72 750 Td (Few words) Tj ET")
    resources = "/Resources << /Font << /F1 3 0 R >> /XObject << /Im 6 0 R >> >>"
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {resources} /Contents 5 0 R >>"
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    root = "<< /Type /Pages /Kids [4 0 R] /Count 1 >>"
    return _file(
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            root,
            font,
            page,
            content,
            f"{picture}\nstream\n\nendstream",
        ],
        "",
    )


def updated(data: bytes, number: int, body: str) -> bytes:
    """The PDF with one object replaced by an incremental update at its end."""
    previous = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    size = data.rsplit(b"/Size ", 1)[1].split()[0].decode()
    entry = f"xref\n{number} 1\n{len(data):010} 00000 n \n"
    added = f"{number} 0 obj\n{body}\nendobj\n"
    start = len(data) + len(added)
    trailer = (
        f"trailer\n<< /Size {size} /Root 1 0 R /Prev {previous} >>\nstartxref\n{start}\n%%EOF\n"
    )
    return data + (added + entry + trailer).encode("latin-1")


def stream(content: str) -> str:
    """The body of a stream object."""
    return _stream(content)


def _family(children: dict[int, list[int]], number: int) -> str:
    own = children.get(number)
    return f"<< /First {own[0]} 0 R /Last {own[-1]} 0 R /Count {len(own)} >>" if own else "<<  >>"


def _stream(content: str) -> str:
    return f"<< /Length {len(content)} >>\nstream\n{content}\nendstream"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _file(bodies: Sequence[str], info: str) -> bytes:
    """The objects, numbered from 1, as a file; characters are those of Latin-1."""
    if info:
        bodies = [*bodies, f"<< {info} >>"]
    data = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    named = f" /Info {len(bodies)} 0 R" if info else ""
    trailer = (
        f"trailer\n<< /Size {len(bodies) + 1} /Root 1 0 R{named} "
        f">>\nstartxref\n{len(data)}\n%%EOF\n"
    )
    return data + f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}{trailer}".encode(
        "latin-1"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
