"""Office documents of 2003 that are one XML file are read as their later packages are."""

from __future__ import annotations

from searchapp.extract.entries import extract
from searchapp.types.documents import Document

_W = "http://schemas.microsoft.com/office/word/2003/wordml"
_X = "http://schemas.microsoft.com/office/word/2003/auxHint"
_SS = "urn:schemas-microsoft-com:office:spreadsheet"


def word(body: str, more: str = "") -> Document:
    data = (
        f'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument xmlns:w="{_W}" '
        f'xmlns:wx="{_X}" xmlns:aml="aml" xmlns:o="office" xmlns:r="r">{more}<w:body>{body}</w:body>'
        "</w:wordDocument>"
    )
    return extract(data.encode(), "letter.doc")


def paragraph(text: str, properties: str = "") -> str:
    inside = text if text.startswith("<") else f"<w:r><w:t>{text}</w:t></w:r>"
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def sheet(rows: str, styles: str = "") -> Document:
    data = (
        f'<?xml version="1.0"?><Workbook xmlns="{_SS}" xmlns:ss="{_SS}"><DocumentProperties>'
        "<Title>Stores</Title><Author>Ida Moss</Author><Created>2003-04-05T06:07:08Z</Created>"
        f'</DocumentProperties><Styles>{styles}</Styles><Worksheet ss:Name="Loft"><Table>{rows}'
        '</Table></Worksheet><Worksheet ss:Name="Cellar"><Table/></Worksheet></Workbook>'
    )
    return extract(data.encode(), "stores.xls")


def cell(value: str, kind: str = "String", attributes: str = "", more: str = "") -> str:
    return f'<Cell {attributes}><Data ss:Type="{kind}">{value}</Data>{more}</Cell>'


def test_a_letter_of_word_2003_has_headings_lists_tables_and_properties() -> None:
    styles = (
        '<w:styles><w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
        "</w:styles>"
    )
    properties = "<o:DocumentProperties><o:Title>Duties</o:Title><o:Author>Ida</o:Author>"
    properties += "<o:Created>2003-04-05T06:07:08Z</o:Created></o:DocumentProperties>"
    listed = '<w:listPr><w:ilvl w:val="0"/><w:ilfo w:val="1"/><wx:t wx:val="{}"/></w:listPr>'
    body = "<wx:sect><wx:sub-section>" + paragraph("Harbour", '<w:pStyle w:val="H1"/>')
    body += paragraph("Rent is due", listed.format("2.1")) + paragraph("leaf", listed.format("·"))
    body += (
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Oak</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>tall"
    )
    body += "</w:t></w:r></w:p></w:tc></w:tr></w:tbl></wx:sub-section></wx:sect>"
    document = word(body, properties + styles)
    assert document.text == "Harbour\n\n2.1 Rent is due\n- leaf\nOak | tall"
    assert (document.type, document.title) == ("doc", "Duties")
    assert dict(document.metadata) == {"author": "Ida", "date": "2003-04-05T06:07:08Z"}
    assert document.blocks[1].headings == ("Harbour",)


def test_notes_comments_and_headers_stand_as_in_later_documents() -> None:
    note = "<w:footnote><w:p><w:r><w:t>The note.</w:t></w:r></w:p></w:footnote>"
    comment = '<aml:annotation w:type="Word.Comment" aml:author="Per"><aml:content><w:p><w:r><w:t>'
    comment += "Is it?</w:t></w:r></w:p></aml:content></aml:annotation>"
    gone = (
        '<aml:annotation w:type="Word.Deletion"><aml:content><w:r><w:delText>gone</w:delText></w:r>'
    )
    gone += "</aml:content></aml:annotation>"
    new = '<aml:annotation w:type="Word.Insertion"><aml:content><w:r><w:t> new</w:t></w:r></aml:content>'
    new += "</aml:annotation>"
    edge = "<w:sectPr><w:hdr><w:p><w:r><w:t>Harbour office</w:t></w:r></w:p></w:hdr></w:sectPr>"
    text = f"<w:r><w:t>Sown</w:t>{note}</w:r>{gone}{new}<w:r>{comment}</w:r>"
    document = word(paragraph(text) + paragraph("End.") + edge)
    assert document.text == "Sown new\n\nThe note.\n\nPer: Is it?\n\nEnd.\n\nHarbour office"


def test_a_picture_of_word_2003_is_no_text() -> None:
    body = paragraph("<w:r><w:pict><w:binData>AAECAw==</w:binData></w:pict></w:r>")
    assert word(body + paragraph("Seen.")).text == "Seen."


def test_a_workbook_of_excel_2003_has_formats_merged_headers_comments_and_properties() -> None:
    styles = '<Style ss:ID="s1"><NumberFormat ss:Format="0.0&quot; kg&quot;"/></Style>'
    styles += '<Style ss:ID="s2"><NumberFormat ss:Format="Percent"/></Style>'
    rows = "<Row>" + cell("Store") + cell("Weight", attributes='ss:MergeAcross="1"') + "</Row>"
    rows += "<Row>" + cell("wet", attributes='ss:Index="2"') + cell("dry") + "</Row>"
    remark = "<Comment><Data><B>Too</B> old?</Data></Comment>"
    rows += "<Row>" + cell("Oats", more=remark) + cell("2.5", "Number", 'ss:StyleID="s1"')
    rows += cell("0.125", "Number", 'ss:StyleID="s2"') + "</Row>"
    rows += f'<Row ss:Index="9">{cell("2003-04-05T00:00:00.000", "DateTime")}{cell("1", "Boolean")}'
    rows += f"{cell('#REF!', 'Error')}</Row>"
    document = sheet(rows, styles)
    assert document.text.split("\n") == [
        "Loft",
        "",
        "Store | Weight",
        "wet | dry",
        "Store: Oats | Weight wet: 2.5 kg | Weight dry: 12.50% (12.5%)",
        "Comment on A3: Too old?",
        "Store: 2003-04-05 | Weight wet: TRUE",
    ]
    assert (document.type, document.title) == ("xls", "Stores")
    assert dict(document.metadata) == {"author": "Ida Moss", "date": "2003-04-05T06:07:08Z"}
    assert document.blocks[-1].place == (("sheet", "Loft"), ("row", 9))


def test_a_workbook_of_excel_2003_that_breaks_off_is_read_until_then() -> None:
    document = sheet(f"<Row>{cell('Lamp oil')}</Row><Row><broken")
    assert "Lamp oil" in document.text
    assert "incomplete" in document.metadata


def test_clauses_of_word_2003_are_numbered_by_its_lists_where_no_program_did() -> None:
    levels = (
        '<w:lvl w:ilvl="0"><w:start w:val="4"/><w:nfc w:val="1"/><w:lvlText w:val="%1."/></w:lvl>'
    )
    levels += '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:lvlText w:val="%1.%2"/></w:lvl>'
    lists = f'<w:lists><w:listDef w:listDefId="7">{levels}</w:listDef><w:list w:ilfo="2">'
    lists += '<w:ilst w:val="7"/></w:list></w:lists>'
    listed = '<w:listPr><w:ilvl w:val="{}"/><w:ilfo w:val="2"/></w:listPr>'
    texts = (("Land", 0), ("Plots", 1), ("Sheds", 1), ("Water", 0))
    body = "".join(paragraph(text, listed.format(depth)) for text, depth in texts)
    assert word(body, lists).text == "IV. Land\nIV.1 Plots\nIV.2 Sheds\nV. Water"
