"""Tables of workbooks as people see them: headers of several rows, numbers in their format, and what
is left of a broken one.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import extract
from searchapp.extract.spreadsheets.number_formats import FormattedNumber, beside, pattern_of
from searchapp.extract.spreadsheets.rows import Row, row_parts
from tests.builders.sheets import ods, sheet_relationships, xls, xlsx, xlsx_row

_DATA = (("Dale", 81, 92, 3, 4), ("Fen", 71, 62, 5, 6))


def sheet(*rows: tuple[str | float | None, ...], merged: tuple[str, ...] = ()) -> bytes:
    """A workbook of one sheet with merged ranges."""
    listed = "".join(f'<mergeCell ref="{each}"/>' for each in merged)
    made = "".join(xlsx_row(number, *row) for number, row in enumerate(rows, 1))
    return xlsx({"Sheet1": f"{made}</sheetData><mergeCells>{listed}</mergeCells><sheetData>"})


def lines(data: bytes, name: str = "a.xlsx") -> list[str]:
    return extract(data, name).text.split("\n")


def texts(*rows: str, merges: Mapping[tuple[int, int], tuple[int, int]] | None = None) -> list[str]:
    numbered = (
        Row(number, tuple((column, text) for column, text in enumerate(row.split(","), 1) if text))
        for number, row in enumerate(rows, 1)
    )
    known = None if merges is None else lambda: merges
    return [part.text for part in row_parts(numbered, merges=known)]


# ---- headers of several rows ---------------------------------------------------------------------


def test_each_value_stands_beside_both_names_of_a_merged_header() -> None:
    data = sheet(
        ("Region", "Rainfall", None, "Frost"),
        (None, "Spring", "Autumn", "Early", "Late"),
        *_DATA,
        merged=("A1:A2", "B1:C1", "D1:E1"),
    )
    assert lines(data) == [
        "Region | Rainfall | Frost",
        "Spring | Autumn | Early | Late",
        "Region: Dale | Rainfall Spring: 81 | Rainfall Autumn: 92 | Frost Early: 3 | Frost Late: 4",
        "Region: Fen | Rainfall Spring: 71 | Rainfall Autumn: 62 | Frost Early: 5 | Frost Late: 6",
    ]


def test_columns_of_one_name_keep_it_beside_those_of_several() -> None:
    data = sheet(
        ("Nr", "Place", "Town", "Rainfall", None),
        (None, None, None, "Spring", "Autumn"),
        (1, "Mill", "Bonn", 3, 4),
        (2, "Fen", "Köln", 5, 6),
        merged=("A1:A2", "B1:B2", "C1:C2", "D1:E1"),
    )
    assert lines(data)[2] == (
        "Nr: 1 | Place: Mill | Town: Bonn | Rainfall Spring: 3 | Rainfall Autumn: 4"
    )


def test_a_header_of_three_rows_below_a_title() -> None:
    data = sheet(
        ("Weather",),
        (None, "North", None, None, None),
        ("Year", "Rain", None, "Frost", None),
        (None, "min", "max", "min", "max"),
        ("2023 A", 1, 2, 3, 4),
        ("2023 B", 5, 6, 7, 8),
        merged=("A1:E1", "B3:C3", "D3:E3"),
    )
    assert (
        lines(data)[-1] == "Year: 2023 B | Rain min: 5 | Rain max: 6 | Frost min: 7 | Frost max: 8"
    )
    data = sheet(
        ("Year", "North", None, "South", None),
        (None, "Rain", "Frost", "Rain", "Frost"),
        (None, "mm", "days", "mm", "days"),
        ("A", 1, 2, 3, 4),
        ("B", 5, 6, 7, 8),
        merged=("B1:C1", "D1:E1"),
    )
    assert lines(data)[-1].startswith("Year: B")


def test_a_merged_name_is_that_of_all_its_columns() -> None:
    data = sheet(("Name", None, "Age"), ("Ada", "King", 36), ("Bob", "Ray", 41), merged=("A1:B1",))
    assert lines(data)[1:] == [
        "Name: Ada | Name: King | Age: 36",
        "Name: Bob | Name: Ray | Age: 41",
    ]


def test_years_above_quarters_name_columns() -> None:
    rows = ("Town,2023,,2024,", ",Q1,Q2,Q1,Q2", "Bonn,1,2,3,4", "Köln,5,6,7,8")
    assert texts(*rows)[2] == "Town: Bonn | 2023 Q1: 1 | 2023 Q2: 2 | 2024 Q1: 3 | 2024 Q2: 4"


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        (("Report,,Page 1", "Name,Town,Sum", "Ada,Bonn,5"), "Name: Ada | Town: Bonn | Sum: 5"),
        (("Name,Town,Sum", "Ada,Bonn,5", "Bob,Köln,6"), "Name: Ada | Town: Bonn | Sum: 5"),
        (("A,,,B", "Jan,Feb,Mar,Apr", "1,2,3,4"), "Jan: 1 | Feb: 2 | Mar: 3 | Apr: 4"),
    ],
)
def test_a_line_above_a_header_is_no_part_of_it(rows: tuple[str, ...], first: str) -> None:
    assert first in texts(*rows)
    assert first in texts(*rows, merges={})


def test_the_merged_cells_of_an_old_workbook_and_an_ods_count_too() -> None:
    cells = (
        '<table:table-row><table:table-cell table:number-rows-spanned="2"><text:p>Region</text:p>'
        '</table:table-cell><table:table-cell table:number-columns-spanned="2"><text:p>Rain'
        "</text:p></table:table-cell><table:covered-table-cell/></table:table-row>"
        "<table:table-row><table:covered-table-cell/><table:table-cell><text:p>Spring</text:p>"
        "</table:table-cell><table:table-cell><text:p>Autumn</text:p></table:table-cell>"
        "</table:table-row>"
    )
    row = "".join(f"<table:table-cell><text:p>{each}</text:p></table:table-cell>" for each in "MNO")
    data = ods({"A": f"{cells}<table:table-row>{row}</table:table-row>"})
    assert lines(data, "a.ods")[-1] == "Region: M | Rain Spring: N | Rain Autumn: O"


# ---- numbers in their format ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "number", "shown"),
    [
        ('"INV-"0000', 42, "INV-0042 (42)"),
        ("(000) 000-0000", 5551234567, "(555) 123-4567 (5551234567)"),
        ("#,##0.00\\ [$€-407]", 1234.5, "1,234.50 € (1234.5)"),
        ('0.0" kg"', 2.5, "2.5 kg"),
        ("#,##0", 1500, "1,500 (1500)"),
        ("0.00", 12, "12.00"),
        ("0.00", 12.5, "12.50 (12.5)"),
        ("$#,##0.00;[Red]($#,##0.00)", -1234.567, "($1,234.57) (-1234.567)"),
        ('_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-', 0, "0"),
        ("000-00-0000", 123456789, "123-45-6789 (123456789)"),
        ('0.0,,"M"', 12345678, "12.3M (12345678)"),
        ("# ?/?", 0.5, "0.5"),
        ("0.00E+00", 123456, "1.23E+05 (123456)"),
        ('[>=1000]#,##0," k";0', 2500, "3 k (2500)"),
        ('[>=1000]#,##0," k";0', 25, "25"),
        ('General" pcs"', 5, "5 pcs"),
        (";;;", 5, "5"),
        ('0;-0;"none"', 0, "none (0)"),
        ("0.##", 5, "5"),
        ("0.0", 0.25, "0.3 (0.25)"),
        ("0", -0.2, "0 (-0.2)"),
        ("0.0", 1e300, "1e+300"),
    ],
)
def test_a_number_is_written_as_people_see_it_with_the_bare_one_behind(
    code: str, number: float, shown: str
) -> None:
    pattern = pattern_of(code)
    bare = format(number, ".15g")
    assert (bare if pattern is None else beside(pattern.shown(number), bare)) == shown


def test_a_share_is_not_rounded_away() -> None:
    row = '<row r="1"><c r="A1" s="1"><v>0.125</v></c></row>'
    assert lines(xlsx({"Sheet1": row}, formats=["0%"])) == ["13% (12.5%)"]


def test_a_column_of_formatted_numbers_is_data() -> None:
    rows = [Row(1, ((1, "Name"), (2, "Weight")))]
    rows += [Row(n, ((1, "Tea"), (2, FormattedNumber("2.5 kg")))) for n in (2, 3)]
    assert [part.text for part in row_parts(rows)][1] == "Name: Tea | Weight: 2.5 kg"
    rows = [Row(n, ((1, FormattedNumber("INV-1")), (2, FormattedNumber("2.5 kg")))) for n in (1, 2)]
    assert [part.text for part in row_parts(rows)][1] == "INV-1 | 2.5 kg"


# ---- broken ones ---------------------------------------------------------------------------------


def without(data: bytes, part: str, content: bytes | None = None) -> bytes:
    """The package without a part, or with another content of it."""
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            if name != part:
                made.writestr(name, source.read(name))
        if content is not None:
            made.writestr(part, content)
    return target.getvalue()


TOOLS = xlsx({"Good": xlsx_row(1, "Whetstone"), "Bad": xlsx_row(1, "Hone")})


@pytest.mark.parametrize(
    ("part", "content", "reason"),
    [
        ("xl/worksheets/sheet2.xml", b"<worksheet><row><c", "incomplete: sheet Bad: "),
        ("xl/worksheets/sheet2.xml", None, "incomplete: sheet Bad: it is missing"),
        ("xl/styles.xml", b"<styles", "incomplete: formats of numbers: "),
        ("xl/sharedStrings.xml", b"<sst><si>", "incomplete: texts of cells: "),
        ("xl/sharedStrings.xml", None, "incomplete: texts of cells: it is missing"),
        ("xl/workbook.xml", b"<workbook", "incomplete: names of sheets: "),
    ],
)
def test_what_a_broken_part_leaves_is_read_and_the_rest_is_named(
    part: str, content: bytes | None, reason: str
) -> None:
    document = extract(without(TOOLS, part, content), "a.xlsx")
    assert "Whetstone" in document.text
    assert document.metadata["incomplete"].startswith(reason)


def test_the_rows_before_a_break_are_read() -> None:
    broken = (
        f"<worksheet xmlns='m'><sheetData>{xlsx_row(1, 'one')}{xlsx_row(2, 'two')}<row><c".encode()
    )
    document = extract(without(TOOLS, "xl/worksheets/sheet2.xml", broken), "a.xlsx")
    assert document.text == "Good\n\nWhetstone\n\nBad\n\none\ntwo"


def test_a_comment_that_cannot_be_read_costs_only_itself() -> None:
    parts = {
        "xl/worksheets/_rels/sheet1.xml.rels": sheet_relationships({"r": ("comments", "../c.xml")}),
        "xl/c.xml": "<comments",
    }
    document = extract(xlsx({"Sheet1": xlsx_row(1, "Tea")}, parts=parts), "a.xlsx")
    assert document.text == "Tea"
    assert "comments of sheet Sheet1" in document.metadata["incomplete"]


def test_sheets_are_found_without_the_relations_of_the_workbook() -> None:
    document = extract(without(TOOLS, "xl/_rels/workbook.xml.rels"), "a.xlsx")
    assert document.text == "Good\n\nWhetstone\n\nBad\n\nHone"


def test_a_workbook_of_which_nothing_can_be_read_fails() -> None:
    data = without(xlsx({"Sheet1": ""}), "xl/worksheets/sheet1.xml", b"<broken")
    with pytest.raises(FileFailed, match="not a readable workbook: "):
        extract(data, "a.xlsx")


def test_an_index_that_is_no_number_is_an_empty_cell() -> None:
    cells = '<row r="1"><c t="s"><v/></c><c t="s"><v>x</v></c><c t="s"><v>9</v></c>'
    cells += '<c t="inlineStr"><is><t>Billhook</t></is></c></row>'
    assert lines(xlsx({"Sheet1": cells}, strings=["<t>a</t>"])) == ["Billhook"]


def test_an_ods_that_breaks_off_is_read_until_then() -> None:
    rows = "<table:table-row><table:table-cell><text:p>Tea</text:p></table:table-cell></table:table-row>"
    document = extract(ods({"A": f"{rows}{rows}<table:table-row><broken"}), "a.ods")
    assert document.text == "A\n\nTea\nTea"
    assert document.metadata["incomplete"].startswith("incomplete: sheet A: ")


def test_a_formula_without_a_result_is_no_value() -> None:
    assert lines(xls([["Nails", ""]]), "a.xls")[-1] == "Nails"


def test_the_numbers_of_an_old_workbook_are_shown_in_their_format() -> None:
    data = xls([["Invoice", "Share"], [42.0, 0.125]], codes=['"INV-"0000', "0%"])
    assert lines(data, "a.xls")[-1] == "Invoice: INV-0042 (42) | Share: 13% (12.5%)"


def test_comments_and_boxes_of_an_old_workbook_are_read() -> None:
    texts = (("Smells of herring", 0, 0), ("Keep dry", -1, -1), ("Nothing here", 4, 1))
    assert lines(xls([["Lamp oil", 7], ["Rope", 2]], texts=texts), "a.xls") == [
        *("Old", "", "Lamp oil | 7", "Comment on A1: Smells of herring", "Rope | 2"),
        *("Comment on B5: Nothing here", "", "Keep dry"),
    ]


@pytest.mark.parametrize("is_flat", [True, False])
def test_charts_and_pictures_of_open_workbooks_are_said_and_their_figures_are_not(
    is_flat: bool,
) -> None:
    chart = "<office:chart><chart><title><text:p>Rain by dale</text:p></title></chart>"
    chart += f'<table:table table:name="local"><table:table-row>{ods_cell("99")}</table:table-row></table:table>'
    chart = f"<office:body>{chart}</office:chart></office:body>"
    inner = f"<office:document>{chart}</office:document>" if is_flat else ""
    link = "" if is_flat else 'xmlns:x="http://www.w3.org/1999/xlink" x:href="./One"'
    drawn = f"<draw:frame><draw:object {link}>{inner}<text:p/></draw:object></draw:frame>"
    drawn += "<draw:frame><draw:image/><title>Pond map</title><desc>p.png</desc></draw:frame>"
    row = f"<table:table-row>{ods_cell('Fen')}{ods_cell('Dale')}</table:table-row>"
    spaces = 'xmlns:office="o" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    parts = {
        "One/content.xml": f'<office:document {spaces} xmlns:table="t">{chart}</office:document>'
    }
    data = ods({"Rain": f"{row}<table:shapes>{drawn}</table:shapes>{row}"}, parts=parts)
    assert lines(data, "a.ods") == [
        "Rain",
        "",
        "Fen | Dale",
        "Fen | Dale",
        "",
        "Rain by dale",
        "",
        "Pond map",
    ]


def ods_cell(text: str) -> str:
    return (
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )
