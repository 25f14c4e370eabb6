"""Hangul documents, Visio drawings and XPS documents are one document each, whatever lies in their
packages.
"""

from __future__ import annotations

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import entries, extract
from searchapp.types.documents import Document
from tests.builders.drawn import glyphs, hangul, hangul_paragraph, shape, visio, xps


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


# ---- Hangul --------------------------------------------------------------------------------------


def test_a_hangul_document_has_headings_paragraphs_tables_notes_and_properties() -> None:
    note = "<hp:ctrl><hp:footNote><hp:subList>" + hangul_paragraph("각주입니다.")
    note += "</hp:subList></hp:footNote></hp:ctrl>"
    edge = (
        "<hp:ctrl><hp:header><hp:subList>"
        + hangul_paragraph("항만 사무소")
        + "</hp:subList></hp:header>"
    )
    cells = "".join(
        f"<hp:tc><hp:subList>{hangul_paragraph(text)}</hp:subList></hp:tc>"
        for text in ("이름", "깊이")
    )
    body = hangul_paragraph(f"<hp:secPr/>{edge}</hp:ctrl><hp:t>수문</hp:t>", "3")
    body += hangul_paragraph(f"<hp:t>아침 <hp:tab/>일곱 시에<hp:lineBreak/>열린다.</hp:t>{note}")
    body += hangul_paragraph(f"<hp:tbl><hp:tr>{cells}</hp:tr></hp:tbl>")
    document = extract(hangul(body), "a.hwpx")
    assert outline(document) == [
        ("heading", (), "수문"),
        ("prose", ("수문",), "아침 \t일곱 시에\n열린다."),
        ("prose", ("수문",), "각주입니다."),
        ("table", ("수문",), "이름 | 깊이"),
        ("prose", (), "항만 사무소"),
    ]
    assert (document.type, document.title) == ("hwpx", "수문 보고")
    assert dict(document.metadata) == {"author": "김철수", "date": "2024-03-15T09:00:00Z"}
    assert len(list(entries(hangul(body), "a.hwpx"))) == 1


def test_a_hangul_document_with_a_password_is_refused() -> None:
    data = hangul(hangul_paragraph("x"), **{"META-INF/manifest.xml": "<a><encryption-data/></a>"})
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        extract(data, "a.hwpx")


# ---- Visio ---------------------------------------------------------------------------------------


def test_a_drawing_is_read_page_by_page_from_the_top() -> None:
    first = shape("Open the gate", 1, 2) + shape("Start", 1, 9, shape("inside", 0, 0))
    document = extract(visio(first, shape("Second sheet", 1, 1)), "a.vsdx")
    assert outline(document) == [
        ("heading", (), "Page-1"),
        ("prose", ("Page-1",), "Start"),
        ("prose", ("Page-1",), "inside"),
        ("prose", ("Page-1",), "Open the gate"),
        ("heading", (), "Page-2"),
        ("prose", ("Page-2",), "Second sheet"),
        ("prose", (), "Is it so?"),
    ]
    assert [dict(block.place).get("page") for block in document.blocks] == [1, 1, 1, 1, 2, 2, None]
    assert [entry.document_type for entry in entries(visio(first), "a.vsdx")] == ["vsdx"]


# ---- XPS -----------------------------------------------------------------------------------------


def test_runs_of_a_page_become_lines_and_paragraphs() -> None:
    page = glyphs("The osprey", 10, 100, 'Indices=",50;,50;,50;,50;,50;,50;,50;,50;,50;,50"')
    page += glyphs("lan", 63, 100, 'Indices=",50;,50;,50"') + glyphs("ded", 78, 100)
    page += glyphs("at the mill.", 10, 112) + glyphs("{}{Later}", 10, 160)
    document = extract(xps(page, glyphs("Page two", 0, 0)), "a.xps")
    assert outline(document) == [
        ("prose", (), "The osprey landed\nat the mill."),
        ("prose", (), "{Later}"),
        ("prose", (), "Page two"),
    ]
    assert [dict(block.place)["page"] for block in document.blocks] == [1, 1, 2]
    assert [entry.document_type for entry in entries(xps(page), "a.oxps")] == ["xps"]


def test_runs_are_where_their_canvas_puts_them() -> None:
    page = f'<Canvas RenderTransform="1,0,0,1,0,50">{glyphs("lower", 0, 100)}</Canvas>'
    page += glyphs("upper", 80, 100)
    assert extract(xps(page), "a.xps").text == "lower\n\nupper"


def test_pages_in_pieces_are_put_together() -> None:
    assert extract(xps(glyphs("Whole", 0, 0), is_in_pieces=True), "a.xps").text == "Whole"


def test_a_broken_page_is_named_and_the_others_are_read() -> None:
    document = extract(xps("<Glyphs", glyphs("Page two", 0, 0)), "a.xps")
    assert document.text == "Page two"
    assert document.metadata["incomplete"].startswith("incomplete: page 1: ")
