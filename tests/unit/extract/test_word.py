"""Word, RTF and old Office files become the text that their reader sees; what is broken or hostile
is named.
"""

from __future__ import annotations

import gzip
import re
import struct

import pytest
from lxml import etree  # type: ignore[import-untyped]

from searchapp.errors import FileFailed
from searchapp.extract.entries import extract
from searchapp.extract.office.docx import read as read_word
from searchapp.extract.office.legacy import read as read_legacy
from searchapp.extract.office.omml import omml_text
from searchapp.extract.office.rtf import read as read_rtf
from searchapp.types.documents import Document
from tests.builders.word import bomb, cell, docx, paragraph, rich_text, run, table, zipped
from tests.paths import SAMPLES, TEST_DATA


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


def texts(document: Document) -> list[str]:
    return [text for _, _, text in outline(document)]


def word(body: str, **parts: str) -> Document:
    return read_word(docx(body, parts), "docx")


def rich(body: str) -> Document:
    return read_rtf(b"{\\rtf1\\ansi\\ansicpg1252 " + body.encode("ascii") + b"}", "rtf")


# ---- docx ----------------------------------------------------------------------------------------


def test_a_level_beyond_all_numbers_is_none() -> None:
    level = "1" * 5000
    assert outline(word(paragraph("Forty.", properties=f'<w:outlineLvl w:val="{level}"/>'))) == [
        ("prose", (), "Forty.")
    ]


def test_headings_of_localised_derived_and_direct_styles_nest_below_the_title() -> None:
    document = word(
        paragraph("Harbour", "Titel")
        + paragraph("Ships", "berschrift1")
        + paragraph("Pilots", "Mine")
        + paragraph("They sail.")
        + paragraph("Tariff", properties='<w:outlineLvl w:val="0"/>')
        + paragraph("Forty.", properties='<w:outlineLvl w:val="9"/>')
    )
    assert document.title == "Harbour"
    assert not document.has_lines
    assert outline(document) == [
        ("heading", (), "Harbour"),
        ("heading", (), "Ships"),
        ("heading", ("Ships",), "Pilots"),
        ("prose", ("Ships", "Pilots"), "They sail."),
        ("heading", (), "Tariff"),
        ("prose", ("Tariff",), "Forty."),
    ]


def test_lists_by_paragraph_and_by_style_stand_close_together() -> None:
    numbered = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="2"/></w:numPr>'
    taken_away = '<w:numPr><w:numId w:val="0"/></w:numPr>'
    document = word(
        paragraph("one", properties=numbered)
        + paragraph("two", "Bullets")
        + paragraph("three", "Bullets", properties=taken_away)
    )
    assert document.text == "- one\n- two\n\nthree"
    assert [kind for kind, _, _ in outline(document)] == ["list", "list", "prose"]


def test_tables_are_rows_with_merged_cells_once_and_nested_tables_within_their_cell() -> None:
    document = word(
        table(
            ("Goods", "Tons", "Port"),
            (cell("Coal", '<w:vMerge w:val="restart"/>'), cell("40", '<w:gridSpan w:val="2"/>')),
            (cell("", "<w:vMerge/>"), "50", cell(table(("a", "b"), ("c", "d")) + "<w:p/>")),
            ("", "", ""),
        )
    )
    assert document.text == "Goods | Tons | Port\nCoal | 40\n| 50 | a | b; c | d"
    assert {kind for kind, _, _ in outline(document)} == {"table"}


def test_a_table_of_one_column_only_frames_its_content() -> None:
    assert outline(
        word(
            table((cell(paragraph("Ships", "berschrift1") + paragraph("They sail.")),))
            + paragraph("End")
        )
    ) == [
        ("heading", (), "Ships"),
        ("prose", (), "They sail."),
        ("prose", (), "End"),
    ]


def test_insertions_and_field_results_stay_and_deletions_codes_hidden_text_and_placeholders_go() -> (
    None
):
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGEREF '
        "x</w:instrText></w:r><w:r><w:t>code</w:t></w:r>"
    )
    field += (
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
        + run("7")
        + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    document = word(
        paragraph(f"{run('See page ')}{field}{run('.')}")
        + paragraph(
            f"<w:ins>{run('new')}</w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:moveFrom>{run('gone')}</w:moveFrom>"
        )
        + paragraph(f"{run('shown')}<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>")
        + paragraph(
            f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{run('Click here')}</w:sdtContent></w:sdt>"
        )
        + f"<w:sdt><w:sdtContent>{paragraph('controlled')}</w:sdtContent></w:sdt>"
        + paragraph(f'<w:hyperlink r:id="x">{run("a link")}</w:hyperlink>')
        + paragraph(
            "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>co</w:t><w:softHyphen/><w:t>op</w:t><w:noBreakHyphen/><w:t>c</w:t></w:r>"
        )
    )
    assert texts(document) == [
        "See page 7.",
        "new",
        "shown",
        "controlled",
        "a link",
        "a\tb\ncoop-c",
    ]


def test_notes_and_comments_follow_their_paragraph_and_headers_and_footers_come_last_below_no_heading() -> (
    None
):
    document = word(
        paragraph("Ships", "berschrift1")
        + paragraph(
            f'{run("Sail")}<w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:commentReference '
            f'w:id="0"/></w:r>{run(" on.")}'
        )
        + table(("a", cell(paragraph(f'{run("b")}<w:r><w:endnoteReference w:id="5"/></w:r>')))),
        footnotes=f'<w:footnote w:type="separator" w:id="0">{paragraph("line")}</w:footnote>'
        f'<w:footnote w:id="2">{paragraph("A foot.")}</w:footnote>',
        endnotes=f'<w:endnote w:id="5">{paragraph("An end.")}</w:endnote>',
        comments=f'<w:comment w:id="0" w:author="Ada">{paragraph("Why?")}</w:comment><w:comment '
        f'w:id="1">{paragraph("Stray")}</w:comment>',
        header1=paragraph("Harbour office"),
        header2=paragraph("Harbour office"),
        footer1=paragraph("3"),
    )
    assert outline(document) == [
        ("heading", (), "Ships"),
        ("prose", (), "Sail on."),
        ("prose", (), "A foot."),
        ("prose", (), "Ada: Why?"),
        ("table", (), "a | b"),
        ("prose", (), "An end."),
        ("prose", (), "Stray"),
        ("prose", (), "Harbour office"),
    ]
    assert document.title == "Ships"


def test_a_text_box_is_read_once_of_its_two_forms() -> None:
    box = f"<w:txbxContent>{paragraph('In the box')}</w:txbxContent>"
    both = f"<mc:AlternateContent><mc:Choice><w:drawing><wps:txbx>{box}</wps:txbx></w:drawing></mc:Choice>"
    both += f"<mc:Fallback><w:pict><v:textbox>{box}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent>"
    assert texts(word(paragraph(f"{run('Be')}<w:r>{both}</w:r>{run('side')}"))) == [
        "Beside",
        "In the box",
    ]


def test_pages_are_given_only_where_every_break_that_word_counted_is_marked() -> None:
    body = paragraph("one") + paragraph(f"<w:r><w:lastRenderedPageBreak/></w:r>{run('two')}")
    assert [block.place for block in read_word(docx(body, pages=2), "docx").blocks] == [
        (("page", 1),),
        (("page", 2),),
    ]
    assert [block.place for block in read_word(docx(body, pages=3), "docx").blocks] == [(), ()]


def test_properties_of_a_docx_are_its_title_and_metadata() -> None:
    core = (
        "<dc:title>Tariffs of May</dc:title><dc:creator>Ada "
        "Example</dc:creator><dc:subject/><cp:keywords>coal, ore</cp:keywords>"
    )
    core += "<dcterms:created>2024-05-31T10:20:30.5Z</dcterms:created><dcterms:modified>2025-01-01T00:00:00Z</dcterms:modified>"
    document = read_word(docx(paragraph("Text"), core=core), "docx")
    assert document.title == "Tariffs of May"
    assert document.metadata == {
        "author": "Ada Example",
        "tags": "coal, ore",
        "date": "2024-05-31T10:20:30Z",
    }


@pytest.mark.parametrize(
    "title", ["report.docx", "Microsoft Word - report", "Document1", "Untitled", "12"]
)
def test_a_title_that_names_a_file_is_none(title: str) -> None:
    assert (
        read_word(docx(paragraph("Text"), core=f"<dc:title>{title}</dc:title>"), "docx").title == ""
    )


def test_hostile_word_files_are_refused_by_name() -> None:
    with pytest.raises(FileFailed, match="zip bomb: unpacks to 70 MiB"):
        read_word(bomb(70), "docx")
    with pytest.raises(FileFailed, match="not a readable file: File is not a zip file"):
        read_word(docx(paragraph("Text"))[:300], "docx")
    with pytest.raises(FileFailed, match="it has no text part"):
        read_word(zipped({"word/other.xml": "<a/>"}), "docx")
    with pytest.raises(FileFailed, match="not a readable file: broken XML"):
        read_word(zipped({"word/document.xml": "<a>" * 300 + "</a>" * 300}), "docx")


def test_an_encrypted_member_is_named() -> None:
    data = bytearray(docx(paragraph("Text")))
    for match in re.finditer(b"PK\x01\x02", bytes(data)):
        data[match.start() + 8] |= 1
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        read_word(bytes(data), "docx")


def test_entities_are_never_expanded() -> None:
    body = (
        '<!DOCTYPE a [<!ENTITY x "boom"><!ENTITY f SYSTEM '
        '"file:///etc/passwd">]><document><body><p><r><t>a&x;&f;b</t></r></p></body></document>'
    )
    document = read_word(zipped({"word/document.xml": body}), "docx")
    assert "boom" not in document.text
    assert "root" not in document.text


def test_nested_tables_as_deep_as_xml_may_be_are_read() -> None:
    body = paragraph("bottom")
    for _ in range(80):
        body = f"<w:tbl><w:tr><w:tc>{paragraph('x')}</w:tc><w:tc>{body}</w:tc></w:tr></w:tbl>"
    assert "bottom" in word(body).text


# ---- rtf -----------------------------------------------------------------------------------------


def test_rich_text_gives_headings_notes_tables_and_its_information() -> None:
    document = read_rtf(rich_text(), "rtf")
    assert document.title == "Old harbour report"
    assert document.metadata == {"author": "Ada Example", "date": "2001-02-03T04:05"}
    assert outline(document) == [
        ("heading", (), "Ships"),
        ("prose", ("Ships",), "The pilot boat{footnote} leaves at nine."),
        ("prose", ("Ships",), "In winter at ten."),
        ("heading", ("Ships",), "Cargo"),
        ("prose", ("Ships", "Cargo"), "Grüße aus Köln and Мир."),
        ("prose", ("Ships", "Cargo"), "Shown  again."),
        ("table", ("Ships", "Cargo"), "Goods | Tons"),
        ("table", ("Ships", "Cargo"), "Coal | 40"),
        ("prose", ("Ships", "Cargo"), "the tariff applies."),
        ("prose", (), "Harbour office"),
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            (
                r"{\fonttbl{\f1\fcharset128 Gothic;}{\f2\fcharset204 Cyr;}}\f1 \'93\'fa\'96\'7b\f2 "
                r"\'cc\'e8\'f0"
            ),
            "日本Мир",
        ),
        (r"\uc2\u26085\'93\'fa\u26412\'96\'7b end", "日本 end"),
        (r"\u-10179?\u-8704?", "😀"),
        (r"{\*\unknown gone}{\pict 0102ab}{\object{\*\objdata 00}{\result seen}}", "seen"),
        (r"a\~b\_c\-d\tab e\emdash f\line g", "a\xa0b-cd\te—f\ng"),
        (r"kept{\deleted gone}", "kept"),
        (r"{\listtext\'b7\tab}an item\par", "- an item"),
        (r"{\listtext 2.\tab}an item\par", "2. an item"),
        (r"a{\*\atnauthor Ada}{\*\annotation Why?\par}\par", "a\n\nAda: Why?"),
        (
            r"a{\shp{\*\shpinst{\sp{\sn x}{\sv y}}{\shptxt boxed\par}}{\shprslt boxed}}\par",
            "a\n\nboxed",
        ),
        (r"one\bin4 {{{{two", "onetwo"),
        (
            r"\deff0{\fonttbl{\f0\fcharset204 A;}{\f1\fcharset0 B;}}\'d8 \f1 caf\'e9 \f0 \'d8",
            "Ш café Ш",
        ),
    ],
)
def test_rich_text_reads_as_its_reader_sees_it(body: str, expected: str) -> None:
    assert rich(body).text == expected


def test_rich_text_nested_deeply_or_cut_short_keeps_its_text() -> None:
    assert rich("{" * 5_000 + "deep").text == "deep"
    assert rich(r"\trowd\intbl a\cell b").text == "a | b"


def test_what_does_not_begin_as_rich_text_does_fails() -> None:
    with pytest.raises(FileFailed, match="not a readable RTF file"):
        read_rtf(b"plain", "rtf")


# ---- doc and ppt ---------------------------------------------------------------------------------


def old_doc() -> bytes:
    return (TEST_DATA / "old.doc").read_bytes()


def old_ppt() -> bytes:
    return gzip.decompress((TEST_DATA / "old.ppt.gz").read_bytes())


def test_an_old_word_document_gives_headings_tables_notes_and_properties() -> None:
    document = extract(old_doc(), "old.doc")
    assert (document.type, document.title) == ("doc", "Old harbour report")
    assert document.metadata == {"author": "Ada Example", "date": "2001-02-03T04:05:00Z"}
    assert outline(document) == [
        ("heading", (), "Ships"),
        ("prose", ("Ships",), "The pilot boat{footnote} leaves at nine."),
        ("heading", ("Ships",), "Cargo"),
        ("prose", ("Ships", "Cargo"), "Grüße aus Köln and Мир."),
        ("prose", ("Ships", "Cargo"), "Shown  again."),
        ("table", ("Ships", "Cargo"), "Goods | Tons"),
        ("table", ("Ships", "Cargo"), "Coal | 40"),
        ("prose", ("Ships", "Cargo"), "the tariff applies."),
        ("prose", (), "In winter at ten."),
        ("prose", (), "Harbour office"),
    ]


def test_an_old_presentation_gives_its_slides_in_order_with_their_notes() -> None:
    document = extract(old_ppt(), "old.ppt")
    assert (document.type, document.title, document.metadata["author"]) == (
        "ppt",
        "Harbour plan for spring",
        "Ada Example",
    )
    assert [
        (block.kind, dict(block.place)["slide"], document.text[block.start : block.end])
        for block in document.blocks
    ] == [
        ("heading", 1, "Harbour plan"),
        ("prose", 1, "Spring season"),
        ("heading", 2, "Pilots"),
        ("prose", 2, "Two boats"),
        ("prose", 2, "Мир и Köln"),
        ("prose", 2, "Mention the winter."),
        ("heading", 3, "Tariff"),
        *(("prose", 3, text) for text in ("Goods", "Tons", "Coal", "40", "Valid until May")),
    ]


def test_encrypted_old_files_are_named() -> None:
    data = bytearray(old_doc())
    at = data.index(struct.pack("<H", 0xA5EC), 512)
    data[at + 0x0B] |= 0x01
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        read_legacy(bytes(data), "doc")
    other = old_ppt().replace(struct.pack("<I", 0xE391C05F), struct.pack("<I", 0xF3D1C4DF))
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        read_legacy(other, "ppt")


@pytest.mark.parametrize("document_type", ["doc", "ppt"])
def test_old_files_cut_short_or_of_another_kind_fail(document_type: str) -> None:
    data = old_doc() if document_type == "doc" else old_ppt()
    for broken in (data[:600], b"nothing of the kind" * 200):
        with pytest.raises(FileFailed, match="not a readable"):
            read_legacy(broken, document_type)
    with pytest.raises(FileFailed, match="not a readable"):
        read_legacy(data, "ppt" if document_type == "doc" else "doc")


# ---- real files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("docx/docling__word_sample.docx", "Leaves | Ash, Elm, Maple | 50\nBerries"),
        ("doc/docling__legacy_sample.doc", "Leaves | Ash, Elm, Maple | 50\nBerries"),
        ("docx/docling__docx_comments.docx", "John Reviewer: This is a sample reviewer comment"),
        ("docx/docling__textbox.docx", "Case closed."),
        ("doc/tika__testWORD6.doc", "The quick brown fox jumps over the lazy dog"),
        (
            "rtf/tika__testRTFJapanese.rtf",
            "1. ゾルゲの処刑記録、\n2. 「何等取乱シタル態度無ク」と記されていた＝渡部富哉さん提供",
        ),
        ("rtf/markitdown__test.rtf", "This is a Sample RTF File\n\nIt is included"),
    ],
)
def test_real_files_hold_their_text(name: str, expected: str) -> None:
    assert expected in extract((SAMPLES / name).read_bytes(), name).text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("made/bomb200mb.docx", "zip bomb: unpacks to 200 MiB"),
        ("docx/tika__testWORD_truncated.docx", "not a readable file"),
        ("docx/tika__testWORD_protected_passtika.docx", "encrypted: needs a password"),
    ],
)
def test_real_hostile_files_are_named(name: str, reason: str) -> None:
    with pytest.raises(FileFailed, match=reason):
        extract((SAMPLES / name).read_bytes(), name)


@pytest.mark.parametrize(
    ("result", "chosen"), [("<w:result w:val='1'/>", "badly worn"), ("", "as new")]
)
def test_the_choice_in_an_old_form_field_is_text(result: str, chosen: str) -> None:
    entries = "<w:listEntry w:val='as new'/><w:listEntry w:val='badly worn'/>"
    begin = f"<w:fldChar w:fldCharType='begin'><w:ffData><w:ddList>{result}{entries}</w:ddList></w:ffData></w:fldChar>"
    code = "<w:r><w:instrText>FORMDROPDOWN</w:instrText></w:r>"
    end = "<w:r><w:fldChar w:fldCharType='end'/></w:r>"
    assert texts(word(f"<w:p><w:r>{begin}</w:r>{code}{end}</w:p>")) == [chosen]


def test_a_row_that_was_deleted_is_left_out() -> None:
    cells = f"<w:tc>{paragraph('Old')}</w:tc><w:tc>{paragraph('row')}</w:tc>"
    rows = f"<w:tr><w:trPr><w:del w:id='1'/></w:trPr>{cells}</w:tr>"
    rows += f"<w:tr>{cells.replace('Old', 'New')}</w:tr>"
    assert texts(word(f"<w:tbl>{rows}</w:tbl>")) == ["New | row"]


def test_a_picture_of_rich_text_is_described_once() -> None:
    said = r"{\*\picprop{\sp{\sn wzName}{\sv Picture 1}}{\sp{\sn wzDescription}{\sv The \'fcber gate}}}"
    picture = rf"{{\*\shppict{{\pict{said} 0102}}}}{{\nonshppict{{\pict{said} 0102}}}}"
    shape = r"{\shp{\*\shpinst{\sp{\sn shapeType}{\sv 75}}{\sp{\sn wzDescription}{\sv A map}}}}"
    data = rf"{{\rtf1\ansi Seen {picture} here.{shape}\par End.\par}}"
    assert extract(data.encode(), "a.rtf").text == "Seen  here.\n\nThe über gate\n\nA map\n\nEnd."


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("<f><num>{a}</num><den>{b}</den></f>", "a/b"),
        ("<sSup><e>{a}</e><sup>{b}</sup></sSup>", "a^b"),
        ("<sSub><e>{a}</e><sub>{b}</sub></sSub>", "a_b"),
        (
            "<nary><naryPr><chr val='∑'/></naryPr><sub>{a}</sub><sup>{b}</sup><e>{a}</e></nary>",
            "∑_a^b a",
        ),
        ("<rad><deg/><e>{a}</e></rad>", "√(a)"),
        ("<func><fName>{a}</fName><e>{b}</e></func>", "a b"),
        ("<d><dPr><begChr val='['/><endChr val=']'/></dPr><e>{a}</e><e>{b}</e></d>", "[a|b]"),
        ("<m><mr><e>{a}</e><e>{b}</e></mr><mr><e>{b}</e><e>{a}</e></mr></m>", "a b; b a"),
        ("<limLow><e>{a}</e><lim>{b}</lim></limLow>", "a_b"),
    ],
)
def test_formulas_of_word_are_written_on_a_line(formula: str, text: str) -> None:
    inner = formula.format(a="<r><t>a</t></r>", b="<r><rPr/><t>b</t></r>")
    assert omml_text(etree.fromstring(f"<oMath>{inner}</oMath>")) == text


def test_ticked_boxes_and_letters_drawn_along_a_line_are_read() -> None:
    box = '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox>{}</w:checkBox></w:ffData>'
    box += '</w:fldChar></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    drawn = '<w:r><w:pict><shape><textpath string="HERON"/></shape></w:pict></w:r>'
    ticks = (box.format('<w:default w:val="1"/>'), box.format('<w:checked w:val="0"/>'))
    body = f"<w:p>{ticks[0]}<w:r><w:t> oars</w:t></w:r></w:p><w:p>{ticks[1]}{drawn}</w:p>"
    assert read_word(docx(body), "docx").text == "☒ oars\n\n☐\n\nHERON"
