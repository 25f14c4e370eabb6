"""What is inserted, embedded or drawn in an Office document is read: as its text, or as members."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import olefile
import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import entries
from searchapp.extract.office.compound import Storage, compound_file
from searchapp.extract.office.docx import read
from searchapp.types.documents import Document
from tests.builders.sheets import xlsx, xlsx_row
from tests.builders.word import docx, paragraph, zipped

_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
CHART = (
    '<c:chartSpace xmlns:c="c" xmlns:a="a"><c:title><a:p><a:r><a:t>Cider pressed</a:t></a:r></a:p>'
    "</c:title><c:ser><c:tx><c:v>Perry</c:v></c:tx><c:cat><c:strRef><c:pt><c:v>Mill</c:v></c:pt>"
    "</c:strRef></c:cat></c:ser></c:chartSpace>"
)
DIAGRAM = (
    '<d:dataModel xmlns:d="d" xmlns:a="a"><d:ptLst><d:pt modelId="1"><d:t><a:p><a:r><a:t>Soak them'
    "</a:t></a:r></a:p></d:t></d:pt></d:ptLst></d:dataModel>"
)


def with_parts(
    data: bytes, parts: dict[str, bytes], relations: dict[str, tuple[str, str]]
) -> bytes:
    """The document with further parts, and relations of its text: id to (kind, target)."""
    source, target = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            content = source.read(name)
            if name == "word/_rels/document.xml.rels":
                listed = "".join(
                    f'<Relationship Id="{key}" Type="{_R}/{kind}" Target="{part}"/>'
                    for key, (kind, part) in relations.items()
                )
                content = content.replace(
                    b"</Relationships>", listed.encode() + b"</Relationships>"
                )
            made.writestr(name, content)
        for name, content in parts.items():
            made.writestr(name, content)
    return target.getvalue()


def replaced(data: bytes, part: str, content: bytes) -> bytes:
    """The document with another content of a part."""
    source, target = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            made.writestr(name, content if name == part else source.read(name))
    return target.getvalue()


def inserted(name: str, data: bytes) -> Document:
    body = paragraph("Before.") + '<w:altChunk r:id="c"/>' + paragraph("After.")
    made = with_parts(docx(body), {f"word/{name}": data}, {"c": ("aFChunk", name)})
    return read(made, "docx")


def drawing(inside: str, described: str = "") -> str:
    return paragraph(
        f'<w:r><w:drawing><inline><docPr id="1" {described}/><graphic>{inside}</graphic></inline>'
        "</w:drawing></w:r>"
    )


def members(data: bytes, name: str) -> dict[str, str]:
    """The text of each member of a file, or why it has none."""
    return {each.member: _text(each) for each in entries(data, name) if each.member}


def _text(entry: object) -> str:
    try:
        return entry.read().text  # type: ignore[attr-defined,no-any-return]
    except FileFailed as error:
        return str(error)


def word95(text: str) -> bytes:
    """The WordDocument stream of Word 95 for a text."""
    head = bytearray(0x300)
    encoded = text.encode("cp1252") + b"\r"
    head[:8] = struct.pack("<HHHH", 0xA5DC, 0x68, 0, 0x409)
    head[0x18:0x20] = struct.pack("<II", 0x300, 0x300 + len(encoded))
    head[0x34:0x38] = struct.pack("<I", len(encoded))
    return bytes(head) + encoded


# ---- inserted files ------------------------------------------------------------------------------


def test_an_inserted_page_stands_where_it_was_inserted() -> None:
    document = inserted("a.html", b"<html><body><h1>Pruning</h1><p>Cut it back.</p></body></html>")
    assert document.text == "Before.\n\nPruning\n\nCut it back.\n\nAfter."
    assert [block.kind for block in document.blocks] == ["prose", "heading", "prose", "prose"]


def test_saved_pages_rich_text_and_documents_are_inserted_too() -> None:
    page = b"MIME-Version: 1.0\nContent-Type: text/html\n\n<p>The quince hedge is cut.</p>"
    assert "The quince hedge is cut." in inserted("a.mht", page).text
    assert "The quince hedge" in inserted("a.rtf", rb"{\rtf1\ansi The quince hedge.\par}").text
    inner = docx(paragraph("The quince hedge.") + '<w:altChunk r:id="c"/>')
    inner = with_parts(inner, {"word/b.txt": b"Innermost words"}, {"c": ("aFChunk", "b.txt")})
    assert (
        inserted("a.docx", inner).text
        == "Before.\n\nThe quince hedge.\n\nInnermost words\n\nAfter."
    )


def test_an_inserted_file_that_cannot_be_read_is_said_to_be_missing() -> None:
    document = inserted("a.docx", b"PK\x03\x04 broken")
    assert document.text == "Before.\n\nAfter."
    assert "the inserted file a.docx: not a readable file" in document.metadata["incomplete"]


def test_a_document_inserted_in_itself_again_and_again_ends() -> None:
    data = docx('<w:altChunk r:id="c"/>' + paragraph("Core."))
    for _ in range(6):
        data = with_parts(
            docx(paragraph("Shell.") + '<w:altChunk r:id="c"/><w:altChunk r:id="c"/>'),
            {"word/a.docx": data},
            {"c": ("aFChunk", "a.docx")},
        )
    document = read(data, "docx")
    assert document.text.count("Shell.") == 4
    assert (
        document.metadata["incomplete"]
        == "incomplete: the inserted file a.docx: it is nested too deep"
    )


# ---- drawings ------------------------------------------------------------------------------------


def test_charts_diagrams_and_descriptions_follow_their_paragraph() -> None:
    body = paragraph("See.") + drawing('<chart r:id="c"/>', 'descr="The press"')
    body += drawing('<relIds r:dm="d"/>', 'title="Chestnuts" descr="Picture1.png"')
    made = with_parts(
        docx(body + paragraph("End.")),
        {"word/chart.xml": CHART.encode(), "word/data.xml": DIAGRAM.encode()},
        {"c": ("chart", "chart.xml"), "d": ("diagramData", "data.xml")},
    )
    assert read(made, "docx").text.split("\n\n") == [
        "See.",
        "The press",
        "Cider pressed",
        "Perry\nMill",
        "Chestnuts",
        "- Soak them",
        "End.",
    ]


def test_the_relations_of_a_header_are_its_own() -> None:
    made = docx(paragraph("Body."), {"header1": drawing('<chart r:id="x"/>')})
    relations = f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="x" Type="{_R}/chart" '
    made = with_parts(
        made,
        {
            "word/_rels/header1.xml.rels": f'{relations}Target="chart.xml"/></Relationships>'.encode(),
            "word/chart.xml": CHART.encode(),
        },
        {},
    )
    assert "Cider pressed" in read(made, "docx").text


def test_a_broken_chart_costs_no_more_than_itself() -> None:
    body = paragraph("See.") + drawing('<chart r:id="c"/>')
    made = with_parts(docx(body), {"word/chart.xml": b"<c:chart"}, {"c": ("chart", "chart.xml")})
    document = read(made, "docx")
    assert document.text == "See."
    assert document.metadata["incomplete"].startswith(
        "incomplete: a chart: not a readable file: broken XML"
    )


@pytest.mark.parametrize(
    "part", ["styles", "numbering", "footnotes", "comments", "header1", "footer1"]
)
def test_a_broken_part_beside_the_text_is_named_and_the_text_is_read(part: str) -> None:
    listed = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
    made = docx(paragraph("The text.", properties=listed), {part: "x"})
    document = read(replaced(made, f"word/{part}.xml", b"<w:broken"), "docx")
    assert document.text == "- The text."
    assert document.metadata["incomplete"].startswith(f"incomplete: {part}.xml: not a readable")


def test_a_chart_of_a_later_kind_and_a_picture_in_a_group_are_read_once() -> None:
    chart = '<w:r><mc:AlternateContent><mc:Choice Requires="cx1"><w:drawing><inline><graphic>'
    chart += '<chart r:id="c"/></graphic></inline></w:drawing></mc:Choice><mc:Fallback><w:drawing/>'
    chart += "</mc:Fallback></mc:AlternateContent></w:r>"
    picture = '<pic><nvPicPr><cNvPr id="2" descr="The press"/></nvPicPr></pic>'
    picture += '<pic><nvPicPr><cNvPr id="3" descr="The vat"/></nvPicPr></pic>'
    body = paragraph(chart) + drawing(picture, 'descr="The press"')
    made = with_parts(
        docx(body), {"word/chart.xml": CHART.encode()}, {"c": ("chartEx", "chart.xml")}
    )
    assert read(made, "docx").text.split("\n\n") == [
        "Cider pressed",
        "Perry\nMill",
        "The press",
        "The vat",
    ]


def test_files_embedded_in_presentations_and_workbooks_are_members() -> None:
    letter = docx(paragraph("Inner words."))
    book = xlsx({"Sheet1": xlsx_row(1, "Tea")}, parts={"xl/embeddings/a.docx": letter})  # type: ignore[dict-item]
    assert members(book, "a.xlsx") == {"a.docx": "Inner words."}
    show = zipped({"ppt/presentation.xml": "<p/>", "ppt/embeddings/a.docx": letter})
    assert members(show, "a.pptx") == {"a.docx": "Inner words."}


def test_a_picture_of_old_word_is_described_by_its_shape() -> None:
    body = paragraph('<w:r><w:pict><v:shape alt="The lower pond"/></w:pict></w:r>')
    assert read(docx(paragraph("See.") + body), "docx").text == "See.\n\nThe lower pond"


# ---- embedded files ------------------------------------------------------------------------------


def native(path: str, content: bytes) -> bytes:
    body = b"\x02\0label\0" + path.encode() + b"\0\0\0\x03\0" + struct.pack("<I", 4) + b"C:\\\0"
    body += struct.pack("<I", len(content)) + content
    return struct.pack("<I", len(body)) + body


def test_embedded_files_are_members_and_the_workbooks_of_charts_are_not() -> None:
    inner = docx(paragraph("Inner words."))
    chart = f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="x" Type="{_R}/package" '
    data = with_parts(
        docx(paragraph("Outer.")),
        {
            "word/embeddings/Letter.docx": inner,
            "word/embeddings/chart.docx": inner,
            "word/charts/chart1.xml": CHART.encode(),
            "word/charts/_rels/chart1.xml.rels": f'{chart}Target="../embeddings/chart.docx"/>'
            "</Relationships>".encode(),
            "word/embeddings/oleObject1.bin": compound_file({"Package": inner}),
            "word/embeddings/oleObject2.bin": compound_file(
                {"\x01Ole10Native": native("C:\\old\\notes.txt", b"Notes of the cellar")}
            ),
            "word/embeddings/oleObject3.bin": compound_file({"Equation Native": b"x"}),
            "word/embeddings/oleObject4.bin": compound_file({"WordDocument": word95("Old words.")}),
        },
        {},
    )
    assert members(data, "a.docx") == {
        "Letter.docx": "Inner words.",
        "oleObject1": "Inner words.",
        "notes.txt": "Notes of the cellar",
        "oleObject4.doc": "Old words.",
    }


def test_a_broken_object_is_named_and_the_others_are_read() -> None:
    parts = {"word/embeddings/a.bin": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no more"}
    parts["word/embeddings/b.txt"] = b"Words"
    found = members(with_parts(docx(paragraph("Outer.")), parts, {}), "a.docx")
    assert found["a.bin"].startswith("not a readable file")
    assert found["b.txt"] == "Words"


def test_objects_of_old_documents_and_workbooks_are_members() -> None:
    letter: Storage = {"WordDocument": word95("The inner letter."), "\x01CompObj": b"Word"}
    old = compound_file({"WordDocument": word95("See it."), "ObjectPool": {"_13": letter}})
    assert members(old, "a.doc") == {"object 1.doc": "The inner letter."}
    book = compound_file({"Workbook": b"", "MBD0001": letter, "MBD0002": {"Equation Native": b""}})
    assert members(book, "a.xls") == {"object 1.doc": "The inner letter."}


def test_objects_of_old_presentations_are_unpacked() -> None:
    letter = compound_file({"WordDocument": word95("The inner letter.")})
    packed = struct.pack("<I", len(letter)) + zlib.compress(letter)
    records = struct.pack("<HHI", 0x10, 0x1011, len(packed)) + packed
    records += struct.pack("<HHI", 0, 0x1011, len(letter)) + letter
    show = compound_file({"PowerPoint Document": records})
    assert members(show, "a.ppt") == {
        "object 1.doc": "The inner letter.",
        "object 2.doc": "The inner letter.",
    }


@pytest.mark.parametrize("kind", ["odt", "odp", "ods"])
def test_objects_of_other_programs_in_open_documents_are_members(kind: str) -> None:
    held = compound_file({"\x01Ole10Native": native("C:\\\\keys.txt", b"The cellar key.")})
    body = {"odt": "text", "odp": "presentation", "ods": "spreadsheet"}[kind]
    content = f"<office:document-content xmlns:office='o'><office:body><office:{body}/></office:body></office:document-content>"
    data = zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{body}".encode(),
            "content.xml": content.encode(),
            "Object 1": held,
            "Object 2": b"no object",
            "ObjectReplacements/Object 1": held,
        }
    )
    assert members(data, f"a.{kind}") == {"keys.txt": "The cellar key."}


def test_a_storage_becomes_a_container_with_the_same_streams() -> None:
    tree: Storage = {
        "small": b"few",
        "large": bytes(range(256)) * 40_000,  # its table is longer than the header names
        "inner": {"empty": b"", "ascii": b"a" * 5000, "deeper": {"x": b"y"}},
    }
    with olefile.OleFileIO(io.BytesIO(compound_file(tree))) as ole:
        assert ole.openstream(["small"]).read() == b"few"
        assert ole.openstream(["large"]).read() == tree["large"]
        assert ole.openstream(["inner", "ascii"]).read() == b"a" * 5000
        assert ole.openstream(["inner", "deeper", "x"]).read() == b"y"
        assert ole.get_size(["inner", "empty"]) == 0
        assert ole.parsing_issues == []
