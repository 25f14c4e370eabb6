"""Hangul documents, Visio drawings and XPS documents are one document each, whatever lies in their
packages.
"""

from __future__ import annotations

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import entries, extract
from searchapp.types.documents import Document
from tests.builders.word import zipped

_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_P = "http://schemas.openxmlformats.org/package/2006/relationships"


def relations(*each: tuple[str, str, str]) -> str:
    listed = "".join(
        f'<Relationship Id="{key}" Type="{_R}/{kind}" Target="{target}"/>'
        for key, kind, target in each
    )
    return f'<Relationships xmlns="{_P}">{listed}</Relationships>'


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


# ---- Hangul --------------------------------------------------------------------------------------


def paragraph(inside: str, form: str = "0") -> str:
    inner = inside if inside.startswith("<") else f"<hp:t>{inside}</hp:t>"
    return f'<hp:p paraPrIDRef="{form}" styleIDRef="0"><hp:run>{inner}</hp:run></hp:p>'


def hangul(body: str, **more: str) -> bytes:
    spaces = 'xmlns:hp="hp" xmlns:hs="hs" xmlns:hh="hh" xmlns:opf="opf"'
    head = f'<hh:head {spaces}><hh:paraPr id="3"><hh:heading type="OUTLINE" level="0"/></hh:paraPr>'
    index = f"<opf:package {spaces}><opf:metadata><opf:title>수문 보고</opf:title>"
    index += '<opf:meta name="creator" content="text">김철수</opf:meta>'
    index += '<opf:meta name="CreatedDate" content="text">2024-03-15T09:00:00Z</opf:meta>'
    index += '</opf:metadata><opf:manifest><opf:item id="s0" href="Contents/section0.xml"/>'
    index += '</opf:manifest><opf:spine><opf:itemref idref="s0"/></opf:spine></opf:package>'
    return zipped(
        {
            "mimetype": "application/hwp+zip",
            "Contents/content.hpf": index,
            "Contents/header.xml": f"{head}</hh:head>",
            "Contents/section0.xml": f"<hs:sec {spaces}>{body}</hs:sec>",
            **more,
        }
    )


def test_a_hangul_document_has_headings_paragraphs_tables_notes_and_properties() -> None:
    note = "<hp:ctrl><hp:footNote><hp:subList>" + paragraph("각주입니다.")
    note += "</hp:subList></hp:footNote></hp:ctrl>"
    edge = (
        "<hp:ctrl><hp:header><hp:subList>" + paragraph("항만 사무소") + "</hp:subList></hp:header>"
    )
    cells = "".join(
        f"<hp:tc><hp:subList>{paragraph(text)}</hp:subList></hp:tc>" for text in ("이름", "깊이")
    )
    body = paragraph(f"<hp:secPr/>{edge}</hp:ctrl><hp:t>수문</hp:t>", "3")
    body += paragraph(f"<hp:t>아침 <hp:tab/>일곱 시에<hp:lineBreak/>열린다.</hp:t>{note}")
    body += paragraph(f"<hp:tbl><hp:tr>{cells}</hp:tr></hp:tbl>")
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
    data = hangul(paragraph("x"), **{"META-INF/manifest.xml": "<a><encryption-data/></a>"})
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        extract(data, "a.hwpx")


# ---- Visio ---------------------------------------------------------------------------------------


def shape(text: str, x: float, y: float, inner: str = "") -> str:
    cells = f'<Cell N="PinX" V="{x}"/><Cell N="PinY" V="{y}"/>'
    inner = f"<Shapes>{inner}</Shapes>" if inner else ""
    return f'<Shape ID="1">{cells}<Text><cp IX="0"/>{text}</Text>{inner}</Shape>'


def visio(*pages: str) -> bytes:
    listed = "".join(
        f'<Page ID="{n}" Name="Page-{n}"><Rel r:id="r{n}"/></Page>'
        for n in range(1, len(pages) + 1)
    )
    files = {
        "_rels/.rels": relations(("a", "document", "visio/document.xml")),
        "visio/document.xml": "<VisioDocument/>",
        "visio/_rels/document.xml.rels": relations(
            ("p", "pages", "pages/pages.xml"), ("c", "comments", "comments.xml")
        ),
        "visio/pages/pages.xml": f'<Pages xmlns:r="{_R}">{listed}</Pages>',
        "visio/pages/_rels/pages.xml.rels": relations(
            *((f"r{n}", "page", f"page{n}.xml") for n in range(1, len(pages) + 1))
        ),
        "visio/comments.xml": "<Comments><CommentList><CommentEntry>Is it so?</CommentEntry>"
        "</CommentList></Comments>",
    }
    for number, page in enumerate(pages, 1):
        files[f"visio/pages/page{number}.xml"] = (
            f"<PageContents><Shapes>{page}</Shapes></PageContents>"
        )
    return zipped(files)


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


def glyphs(text: str, x: float, y: float, more: str = "") -> str:
    return (
        f'<Glyphs OriginX="{x}" OriginY="{y}" FontRenderingEmSize="10" UnicodeString="{text}" '
        f"{more}/>"
    )


def xps(*pages: str, is_in_pieces: bool = False) -> bytes:
    listed = "".join(f'<PageContent Source="Pages/{n}.fpage"/>' for n in range(1, len(pages) + 1))
    files = {
        "_rels/.rels": relations(("a", "fixedrepresentation", "/FixedDocSeq.fdseq")),
        "FixedDocSeq.fdseq": '<FixedDocumentSequence><DocumentReference Source="/Documents/1/F.fdoc"/>'
        "</FixedDocumentSequence>",
        "Documents/1/F.fdoc": f"<FixedDocument>{listed}</FixedDocument>",
    }
    for number, page in enumerate(pages, 1):
        name, content = f"Documents/1/Pages/{number}.fpage", f"<FixedPage>{page}</FixedPage>"
        if is_in_pieces:
            files[f"{name}/[1].last.piece"] = content[20:]
            files[f"{name}/[0].piece"] = content[:20]
        else:
            files[name] = content
    return zipped(files)


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
