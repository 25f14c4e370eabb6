"""Workbooks and delimited text become rows that can be read alone, each with the number that its
owner sees.
"""

from __future__ import annotations

import re
import time

import pytest

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.entries import extract
from searchapp.extract.spreadsheets.rows import Row, row_parts
from searchapp.types.documents import Document
from tests.builders.sheets import (
    compound,
    ods,
    sheet_relationships,
    xls,
    xlsb,
    xlsx,
    xlsx_row,
    zipped,
)
from tests.paths import SAMPLES

PEOPLE = xlsx_row(1, "Name", "Age") + xlsx_row(2, "Ada", 36) + xlsx_row(3, "Bob", 41)


def lines(document: Document) -> list[tuple[int | str, str]]:
    """The row and the text of each block; the kind instead of a row for all but rows."""
    return [
        (
            dict(block.place)["row"] if block.kind == "table" else block.kind,
            document.text[block.start : block.end],
        )
        for block in document.blocks
    ]


def csv_lines(text: str, name: str = "table.csv") -> list[tuple[int | str, str]]:
    return lines(extract(text.encode(), name))


# ---- delimited text ------------------------------------------------------------------------------


def test_each_record_of_a_csv_stands_beside_the_names_of_its_columns() -> None:
    document = extract(b"Name,Town,Age\nAda,London,36\nBob,,41\n", "people.csv")
    assert (
        document.text
        == "Name | Town | Age\nName: Ada | Town: London | Age: 36\nName: Bob | Age: 41"
    )
    assert [(block.kind, block.headings, block.place) for block in document.blocks] == [
        ("table", (), (("row", 1),)),
        ("table", (), (("row", 2),)),
        ("table", (), (("row", 3),)),
    ]
    assert (document.type, document.title, document.has_lines, dict(document.metadata)) == (
        "csv",
        "",
        False,
        {},
    )


def test_a_row_is_the_line_of_the_file_at_which_its_record_begins() -> None:
    assert csv_lines('Name,Note\r\nAda,"one\r\ntwo"\r\n\r\nBob,three\r\n') == [
        (1, "Name | Note"),
        (2, "Name: Ada | Note: one two"),
        (5, "Name: Bob | Note: three"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t", "#", "\x1f", "\x01", "§"])
def test_the_delimiter_is_the_one_that_gives_even_records(delimiter: str) -> None:
    text = "\n".join(
        delimiter.join(values)
        for values in (["Name", "Note", "Sum"], ["Ada", '"a,b;c|d"', "1"], ["Bob", '"e, f"', "2"])
    )
    assert csv_lines(text)[1:] == [
        (2, "Name: Ada | Note: a,b;c|d | Sum: 1"),
        (3, "Name: Bob | Note: e, f | Sum: 2"),
    ]


def test_a_decimal_comma_delimits_nothing_where_semicolons_do() -> None:
    assert csv_lines("a;1,5;2,5\nb;2,5;3,5\n") == [(1, "a | 1,5 | 2,5"), (2, "b | 2,5 | 3,5")]


def test_records_may_end_with_the_mark_of_ascii() -> None:
    data = b"Name\x1fPlace\x1eAsa\x1fKai\x1eBo\x1fMole\x1e"
    assert (
        extract(data, "a.csv").text
        == "Name | Place\nName: Asa | Place: Kai\nName: Bo | Place: Mole"
    )


def test_a_line_that_declares_the_delimiter_is_obeyed_and_is_no_record() -> None:
    assert csv_lines("sep=;\nA,B;C\n1;2\n") == [(2, "A,B | C"), (3, "A,B: 1 | C: 2")]


def test_prose_in_one_column_is_not_divided_at_its_commas() -> None:
    assert csv_lines("Remark\nWell, yes\nNo\nOne, two, three\n") == [
        (1, "Remark"),
        (2, "Well, yes"),
        (3, "No"),
        (4, "One, two, three"),
    ]


def test_ragged_records_keep_all_their_fields() -> None:
    assert csv_lines("a,b,c\n1,2,3\n4,5\n6,7,8,9\n") == [
        (1, "a | b | c"),
        (2, "a: 1 | b: 2 | c: 3"),
        (3, "a: 4 | b: 5"),
        (4, "a: 6 | b: 7 | c: 8 | 9"),
    ]


def test_records_of_numbers_have_no_header() -> None:
    assert csv_lines("1,2\n3,4\n") == [(1, "1 | 2"), (2, "3 | 4")]


def test_the_records_of_a_tsv_may_hold_commas() -> None:
    assert csv_lines("Name\tTown\nAda\tLondon, UK\n", "table.tsv") == [
        (1, "Name | Town"),
        (2, "Name: Ada | Town: London, UK"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_csv_is_read_in_its_own_encoding(encoding: str) -> None:
    assert lines(extract("Straße;Größe\nHöhenweg;12\n".encode(encoding), "a.csv")) == [
        (1, "Straße | Größe"),
        (2, "Straße: Höhenweg | Größe: 12"),
    ]


def test_a_field_may_be_a_megabyte_long() -> None:
    assert csv_lines(f'Name,Text\nAda,"{"x" * 2**20}"\n')[1] == (
        2,
        f"Name: Ada | Text: {'x' * 2**20}",
    )


def test_a_quote_that_never_closes_does_not_make_one_field_of_the_rest() -> None:
    found = csv_lines('id,name\n1,"Ada\n' + "".join(f"{n},Bob\n" for n in range(2, 201)))
    assert found[:3] == [(1, "id | name"), (2, 'id: 1 | name: "Ada'), (3, "id: 2 | name: Bob")]
    assert len(found) == 201


def test_a_csv_of_one_delimiter_is_read() -> None:
    assert extract(b"\n;", "a.csv").text.strip() == ";"


def test_a_csv_of_blanks_is_empty() -> None:
    with pytest.raises(FileSkipped, match="empty"):
        extract(b"\xef\xbb\xbf \n\n", "a.csv")


# ---- headers -------------------------------------------------------------------------------------


def texts(*rows: str) -> list[tuple[str, str]]:
    """The kind and text of what rows of cells divided by commas become; "" is a row
    without cells.
    """
    numbered = (
        Row(number, tuple((column, text) for column, text in enumerate(row.split(",")) if text))
        for number, row in enumerate(rows, 1)
    )
    return [(part.kind, part.text) for part in row_parts(numbered)]


def test_a_title_above_a_table_heads_it() -> None:
    assert texts("Sales of the year", "", "Town,Sum", "Bonn,5") == [
        ("heading", "Sales of the year"),
        ("table", "Town | Sum"),
        ("table", "Town: Bonn | Sum: 5"),
    ]


def test_a_second_table_has_its_own_header_and_rows_after_a_gap_keep_the_one_above() -> None:
    assert [
        text
        for _, text in texts("Town,Sum", "Bonn,5", "", "Köln,6", "", "River,Length", "Rhine,1230")
    ] == [
        "Town | Sum",
        "Town: Bonn | Sum: 5",
        "Town: Köln | Sum: 6",
        "River | Length",
        "River: Rhine | Length: 1230",
    ]


def test_a_remark_below_a_table_belongs_to_no_column() -> None:
    assert texts("Town,Sum", "Bonn,5", "", "Source: own count")[-1] == (
        "table",
        "Source: own count",
    )


def test_years_may_name_columns() -> None:
    assert texts("Town,2019,2020", "Bonn,5,7")[1] == ("table", "Town: Bonn | 2019: 5 | 2020: 7")


def test_the_corner_of_a_header_may_be_empty() -> None:
    assert texts(",Price,Count", "Tea,5,7")[1] == ("table", "Tea | Price: 5 | Count: 7")


@pytest.mark.parametrize(
    "rows",
    [
        ("Name:,Ada", "Age:,36", "Born:,1815"),
        ("Alpha", "Beta", "Gamma"),
        ("Ada,36", "Bob,41"),
        ("Name,Age",),
    ],
)
def test_forms_lists_and_rows_of_data_have_no_header(rows: tuple[str, ...]) -> None:
    assert [text for _, text in texts(*rows)] == [row.replace(",", " | ") for row in rows]


# ---- xlsx ----------------------------------------------------------------------------------------


def test_a_workbook_of_one_ordinary_sheet_has_no_heading() -> None:
    document = extract(xlsx({"Sheet1": PEOPLE}), "a.xlsx")
    assert document.text == "Name | Age\nName: Ada | Age: 36\nName: Bob | Age: 41"
    assert [block.place for block in document.blocks] == [
        (("sheet", "Sheet1"), ("row", number)) for number in (1, 2, 3)
    ]


def test_sheets_are_headings_and_places_and_hidden_or_empty_ones_are_no_exception() -> None:
    document = extract(
        xlsx({"Costs": PEOPLE, "Empty": "", "Sheet3": xlsx_row(7, "secret")}), "a.xlsx"
    )
    assert [
        (block.kind, block.headings, block.place, document.text[block.start : block.end])
        for block in document.blocks
    ] == [
        ("heading", (), (("sheet", "Costs"),), "Costs"),
        ("table", ("Costs",), (("sheet", "Costs"), ("row", 1)), "Name | Age"),
        ("table", ("Costs",), (("sheet", "Costs"), ("row", 2)), "Name: Ada | Age: 36"),
        ("table", ("Costs",), (("sheet", "Costs"), ("row", 3)), "Name: Bob | Age: 41"),
        ("heading", (), (("sheet", "Sheet3"),), "Sheet3"),
        ("table", ("Sheet3",), (("sheet", "Sheet3"), ("row", 7)), "secret"),
    ]


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ("0", "12.0", "12"),
        ("General", "0.30000000000000004", "0.3"),
        ("#,##0.00 &quot;days&quot;", "1234567.891", "1,234,567.89 days (1234567.891)"),
        ("0%", "0.25", "25%"),
        ("0.00%", "0.12345", "12.35% (12.345%)"),
        ("dd.mm.yyyy", "45443", "2024-05-31"),
        ("[$-407]d. mmmm yyyy;@", "45443", "2024-05-31"),
        ("yyyy-mm-dd hh:mm", "45443.5", "2024-05-31 12:00"),
        ("yyyy-mm-dd hh:mm:ss", "45443.50001157408", "2024-05-31 12:00:01"),
        ("mmm yy", "1", "1900-01-01"),
        ("hh:mm", "0.5451388888888888", "13:05"),
        ("h:mm AM/PM", "0.75", "18:00"),
        ("[h]:mm:ss", "1.251388888888889", "30:02:00"),
        ("dd.mm.yyyy", "99999999999", "99999999999"),
        ("[Red]0.0", "-2.50", "-2.5"),
        ("00000", "1067", "01067"),
        ("00", "-3", "-03 (-3)"),
        ("0", "7", "7"),
        ("0%", "n/a", "n/a"),
        ("[h]:mm", "INF", "INF"),
        ("d.m.yy", "NaN", "NaN"),
    ],
)
def test_numbers_are_shown_as_their_reader_sees_them(code: str, number: str, shown: str) -> None:
    row = f'<row r="1"><c r="A1" s="1"><v>{number}</v></c></row>'
    assert extract(xlsx({"Sheet1": row}, formats=[code]), "a.xlsx").text == shown


def test_the_leading_zeros_of_a_number_in_an_ods_are_kept() -> None:
    cells = ods_cell("01067", 'office:value-type="float" office:value="1067"') + ods_cell(
        "1,067", 'office:value-type="float" office:value="1067"'
    )
    assert (
        extract(ods({"Sheet1": f"<table:table-row>{cells}</table:table-row>"}), "a.ods").text
        == "01067 | 1,067 (1067)"
    )


def test_a_workbook_whose_sectors_go_in_a_circle_is_refused() -> None:
    data = bytearray(xls([["word"] * 200] * 20))
    fat = 512 * (int.from_bytes(data[76:80], "little") + 1)
    start = int.from_bytes(
        data[512 * (int.from_bytes(data[48:52], "little") + 1) + 128 + 116 :][:4], "little"
    )
    data[fat + 4 * start : fat + 4 * start + 4] = start.to_bytes(4, "little")
    with pytest.raises(FileFailed, match=r"^not a readable workbook: its sectors go in a circle$"):
        extract(bytes(data), "a.xls")


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    row = '<row r="1"><c r="A1" s="1"><v>1</v></c></row>'
    assert (
        extract(
            xlsx({"Sheet1": row}, formats=["d.m.yy"], settings='<workbookPr date1904="1"/>'),
            "a.xlsx",
        ).text
        == "1904-01-02"
    )


def test_cells_of_every_kind_are_read_and_errors_left_out() -> None:
    cells = (
        '<c r="A1" t="s"><v>0</v></c><c r="B1" t="str"><f>A1&amp;"!"</f><v>cached</v></c><c r="C1" '
        't="b"><v>1</v></c>'
        '<c r="D1" t="e"><v>#REF!</v></c><c r="E1" t="d"><v>2024-05-31T00:00:00</v></c><c r="F1" '
        't="s"><v>1</v></c>'
        '<c t="inlineStr"><is><r><t>run </t></r><r><t>on</t></r></is></c><c '
        'r="AB1"><f>1+1</f><v>2</v></c><c r="AC1"><f>1</f></c>'
    )
    strings = [
        "<r><t>rich </t></r><r><t>text_x000D_\nlines</t></r>",
        "<t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh>",
    ]
    document = extract(xlsx({"Sheet1": f"<row>{cells}</row>"}, strings=strings), "a.xlsx")
    assert document.text == "rich text lines | cached | TRUE | 2024-05-31 | 東京 | run on | 2"


def test_the_core_properties_are_metadata() -> None:
    core = "<dc:title>Budget</dc:title><dc:creator>Ada</dc:creator><dcterms:created>2024-05-31T10:00:00Z</dcterms:created>"
    document = extract(xlsx({"Sheet1": PEOPLE}, core=core), "a.xlsx")
    assert (document.title, dict(document.metadata)) == (
        "Budget",
        {"author": "Ada", "date": "2024-05-31T10:00:00Z"},
    )


def test_comments_follow_their_row_and_boxes_and_charts_their_sheet() -> None:
    space = 'xmlns="s" xmlns:a="a" xmlns:c="c" xmlns:xdr="x"'
    thread = "[Threaded comment]\n\nYour version allows you to read this.\n\nComment:\n    Checked"
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": sheet_relationships(
            {
                "rId1": ("comments", "../comments1.xml"),
                "rId2": ("drawing", "../drawings/drawing1.xml"),
            }
        ),
        "xl/comments1.xml": f"<comments {space}><commentList><comment ref='B2'><text><r><t>Too "
        "</t></r><r><t>old?</t></r></text></comment>"
        f"<comment ref='A9'><text><t>{thread}</t></text></comment></commentList></comments>",
        "xl/drawings/drawing1.xml": f"<xdr:wsDr {space}><xdr:sp><xdr:txBody><a:p><a:r><a:t>A "
        "b</a:t></a:r><a:r><a:t>ox</a:t></a:r></a:p>"
        "</xdr:txBody></xdr:sp></xdr:wsDr>",
        "xl/drawings/_rels/drawing1.xml.rels": sheet_relationships(
            {"rId1": ("chart", "../charts/chart1.xml")}
        ),
        "xl/charts/chart1.xml": "<c:chartSpace "
        f"{space}><c:chart><c:title><a:p><a:r><a:t>Ages</a:t></a:r></a:p></c:title>"
        "<c:ser><c:tx><c:v>Years lived</c:v></c:tx></c:ser></c:chart>"
        "</c:chartSpace>",
    }
    assert lines(extract(xlsx({"Sheet1": PEOPLE}, parts=parts), "a.xlsx")) == [
        (1, "Name | Age"),
        (2, "Name: Ada | Age: 36"),
        (2, "Comment on B2: Too old?"),
        (3, "Name: Bob | Age: 41"),
        (9, "Comment on A9: Checked"),
        ("prose", "A box"),
        ("prose", "Ages"),
        ("prose", "Years lived"),
    ]


def test_far_apart_cells_and_thousands_of_empty_rows_take_no_time() -> None:
    empty = "".join(
        f'<row r="{number}" s="1"><c r="A{number}" s="1"/></row>' for number in range(2, 20_000)
    )
    rows = (
        f'<row r="1"><c r="A1"><v>1</v></c></row>{empty}<row r="1048576"><c '
        'r="XFD1048576"><v>2</v></c></row>'
    )
    started = time.process_time()
    assert lines(extract(xlsx({"Sheet1": rows}), "a.xlsx")) == [(1, "1"), (1_048_576, "2")]
    assert time.process_time() - started < 5


def test_a_long_string_that_too_many_cells_show_fails() -> None:
    rows = '<row><c t="s"><v>0</v></c></row>' * 9_000
    with pytest.raises(FileFailed, match="too large: more than 256 million characters"):
        extract(xlsx({"Sheet1": rows}, strings=[f"<t>{'x' * 32_000}</t>"]), "a.xlsx")


@pytest.mark.slow
def test_a_workbook_that_unpacks_to_far_more_than_it_holds_fails() -> None:
    with pytest.raises(FileFailed, match="zip bomb"):
        extract(xlsx({"Sheet1": " " * (65 * 2**20)}), "a.xlsx")


def test_entities_are_not_expanded() -> None:
    cell = (
        '<worksheet xmlns="m"><sheetData><row><c '
        't="str"><v>&b;</v></c></row></sheetData></worksheet>'
    )
    laughs = f'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>{cell}'
    with pytest.raises(FileFailed, match="no text found"):
        extract(xlsx({"Sheet1": ""}, parts={"xl/worksheets/sheet1.xml": laughs}), "a.xlsx")


@pytest.mark.parametrize(
    "rows",
    ["<row><c><v>1</v>", '<row><c r="A1"><v>1</c></row>', "<c>" * 500 + "</c>" * 500],
)
def test_a_broken_sheet_fails(rows: str) -> None:
    with pytest.raises(FileFailed, match="not a readable workbook"):
        extract(xlsx({"Sheet1": rows}), "a.xlsx")


def test_a_row_beyond_the_last_one_of_any_sheet_fails() -> None:
    with pytest.raises(FileFailed, match="too large: more than 1,048,576 rows"):
        extract(xlsx({"Sheet1": xlsx_row(1_048_577, "x")}), "a.xlsx")


def test_a_truncated_workbook_fails() -> None:
    with pytest.raises(FileFailed, match="not a readable file"):
        extract(xlsx({"Sheet1": PEOPLE})[:-100], "a.xlsx")


def test_a_workbook_without_sheets_fails() -> None:
    with pytest.raises(FileFailed, match="it names no sheets"):
        extract(zipped({"xl/other.xml": "<a/>"}), "a.xlsx")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (compound("EncryptedPackage", b"x"), "a.xlsx"),
        (xls([["Name"]], encrypted=True), "a.xls"),
        (ods({"A": ""}, parts={"META-INF/manifest.xml": "<manifest:encryption-data/>"}), "a.ods"),
    ],
)
def test_an_encrypted_workbook_fails(data: bytes, name: str) -> None:
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        extract(data, name)


# ---- ods -----------------------------------------------------------------------------------------


def ods_cell(text: str, attributes: str = "", more: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{text}</text:p>{more}</table:table-cell>"


def ods_row(*cells: str, repeated: int = 1) -> str:
    return (
        "<table:table-row "
        f'table:number-rows-repeated="{repeated}">{"".join(cells)}</table:table-row>'
    )


def test_the_cells_of_an_ods_are_shown_as_their_reader_sees_them() -> None:
    cells = (
        ods_cell("a<text:s/>b<text:line-break/>c <text:span>d</text:span>"),
        ods_cell("1.234,50 €", 'office:value-type="currency" office:value="1234.5"'),
        ods_cell("12", 'office:value-type="float" office:value="12"'),
        ods_cell("25 %", 'office:value-type="percentage" office:value="0.25"'),
        ods_cell("31.05.24", 'office:value-type="date" office:date-value="2024-05-31"'),
        ods_cell(
            "31.05.24 12:30", 'office:value-type="date" office:date-value="2024-05-31T12:30:00"'
        ),
        ods_cell("1 PM", 'office:value-type="time" office:time-value="PT13H05M00S"'),
        ods_cell("WAHR", 'office:value-type="boolean" office:boolean-value="true"'),
        ods_cell("#REF!", 'calcext:value-type="error" office:value-type="string"'),
        ods_cell("x", 'table:number-columns-repeated="2"'),
    )
    document = extract(ods({"Tabelle1": ods_row(*cells)}), "a.ods")
    assert document.text == (
        "a b c d | 1.234,50 € (1234.5) | 12 | 25 % | 2024-05-31 | 2024-05-31 12:30 | 13:05 | TRUE "
        "| x | x"
    )
    assert document.blocks[0].place == (("sheet", "Tabelle1"), ("row", 1))


def test_repeated_rows_of_an_ods_are_counted_and_empty_ones_cost_nothing() -> None:
    table = ods_row(ods_cell("Name"), ods_cell("Age"))
    table += ods_row(
        ods_cell("Ada"), ods_cell("36", 'office:value-type="float" office:value="36"'), repeated=2
    )
    table += ods_row("<table:table-cell/>", repeated=1_000_000) + ods_row(ods_cell("End"))
    document = extract(ods({"People": table, "Empty": ""}), "a.ods")
    assert lines(document) == [
        ("heading", "People"),
        (1, "Name | Age"),
        (2, "Name: Ada | Age: 36"),
        (3, "Name: Ada | Age: 36"),
        (1_000_004, "End"),
    ]


def test_the_comments_boxes_and_metadata_of_an_ods_are_read() -> None:
    note = (
        "<office:annotation><dc:creator>Bob</dc:creator><text:p>Sure?</text:p></office:annotation>"
    )
    box = (
        "<table:shapes><draw:frame><draw:text-box><text:p>In a "
        "box</text:p></draw:text-box></draw:frame></table:shapes>"
    )
    meta = "<dc:title>Plan</dc:title><meta:initial-creator>Ada</meta:initial-creator><dc:creator>Bob</dc:creator>"
    meta += "<meta:creation-date>2024-05-31T10:00:00.123</meta:creation-date><meta:keyword>a</meta:keyword><meta:keyword>b</meta:keyword>"
    document = extract(
        ods({"Sheet1": box + ods_row(ods_cell("Tea"), ods_cell("5", more=note))}, meta=meta),
        "a.ods",
    )
    assert lines(document) == [(1, "Tea | 5"), (1, "Comment on B1: Sure?"), ("prose", "In a box")]
    assert (document.title, dict(document.metadata)) == (
        "Plan",
        {"author": "Ada", "date": "2024-05-31T10:00:00", "tags": "a; b"},
    )


@pytest.mark.parametrize(("columns", "rows"), [(16_385, 1), (1, 1_048_577)])
def test_an_ods_of_more_cells_than_a_sheet_has_fails(columns: int, rows: int) -> None:
    row = ods_row(ods_cell("x", f'table:number-columns-repeated="{columns}"'), repeated=rows)
    with pytest.raises(FileFailed, match="too large"):
        extract(ods({"Sheet1": row}), "a.ods")


# ---- xls and xlsb --------------------------------------------------------------------------------


def test_an_old_workbook_is_read_like_a_new_one() -> None:
    document = extract(xls([["Name", "Age"], ["Ada", 36.0]]), "a.xls")
    assert lines(document) == [("heading", "Old"), (1, "Name | Age"), (2, "Name: Ada | Age: 36")]
    assert document.blocks[2].place == (("sheet", "Old"), ("row", 2))


def test_a_binary_workbook_is_read_with_the_rows_that_its_program_shows() -> None:
    document = extract(
        xlsb({1: {2: "Name", 3: "Age"}, 2: {2: "Ada", 3: 36.5}, 6: {2: "End"}}), "a.xlsb"
    )
    assert lines(document) == [
        ("heading", "Binary"),
        (2, "Name | Age"),
        (3, "Name: Ada | Age: 36.5"),
        (7, "End"),
    ]


def test_numbers_of_a_binary_workbook_are_shown_in_their_formats() -> None:
    rows: dict[int, dict[int, str | float]] = {
        1: {1: "Share", 2: "Bill", 3: "Bare"},
        2: {1: 0.125, 2: 42.0, 3: 42.0},
    }
    document = extract(xlsb(rows, codes=["General", "0%", '"INV-"0000']), "a.xlsb")
    assert lines(document)[2] == (3, "Share: 13% (12.5%) | Bill: INV-0042 (42) | Bare: 42")
    damaged = xlsb(rows, codes=["General", "0%"]).replace(b"xl/styles.bin", b"xl/stilus.bin")
    assert "Share: 0.125" in extract(damaged, "a.xlsb").text


def test_a_binary_workbook_with_cells_too_far_apart_fails() -> None:
    with pytest.raises(FileFailed, match="too far apart"):
        extract(xlsb({0: {0: "a"}, 1_048_575: {16_383: "z"}}), "a.xlsb")


def test_a_truncated_old_workbook_fails() -> None:
    with pytest.raises(FileFailed, match="not a readable workbook"):
        extract(xls([["Name"]])[:1500], "a.xls")


# ---- real ones -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "row", "text"),
    [
        ("xlsx/markitdown__test.xlsx", 2, "Alpha: 89 | Beta: 82 | Gamma: 100 | Delta: 12"),
        ("xls/markitdown__test.xls", 2, "Alpha: 89 | Beta: 82 | Gamma: 100 | Delta: 12"),
        ("csv/markitdown__test_mskanji.csv", 4, "名前: 髙橋淳 | 年齢: 35 | 住所: 名古屋"),
    ],
)
def test_a_row_of_a_real_file_is_found_with_its_header(name: str, row: int, text: str) -> None:
    path = SAMPLES / name
    assert (row, text) in lines(extract(path.read_bytes(), path.name))


def test_a_thread_of_comments_is_read_in_place_of_the_note_that_stands_in_for_it() -> None:
    stand_in = "[Threaded comment]\n\nYour version allows you to read this.\n\nComment:\n    Paid?"
    kind = "http://schemas.microsoft.com/office/2017/10/relationships/threadedComment"
    relationships = sheet_relationships(
        {"rId1": ("comments", "../comments1.xml"), "rId2": ("threads", "../threads1.xml")}
    )
    thread = "".join(
        f"<threadedComment ref='A1'><text>{text}</text></threadedComment>"
        for text in ("Paid?", "Yes, in silver.")
    )
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": re.sub(
            r'Type="[^"]*threads"', f'Type="{kind}"', relationships
        ),
        "xl/comments1.xml": f"<comments><comment ref='A1'><t>{stand_in}</t></comment></comments>",
        "xl/threads1.xml": f"<ThreadedComments>{thread}</ThreadedComments>",
    }
    assert lines(extract(xlsx({"Sheet1": PEOPLE}, parts=parts), "a.xlsx"))[:2] == [
        (1, "Name | Age"),
        (1, "Comment on A1: Paid? Yes, in silver."),
    ]
