"""OpenDocument files as LibreOffice writes them: numbers, formulas, objects and tracked changes."""

from __future__ import annotations

import pytest

from searchapp.extract.entries import extract
from tests.builders.slides import opendocument, pptx, shape

_MATH = 'xmlns:math="http://www.w3.org/1998/Math/MathML"'


def level(
    number: int, form: str = "1", shown: int = 1, behind: str = "", kind: str = "list"
) -> str:
    name = "list-level-style-number" if kind == "list" else "outline-level-style"
    return (
        f'<text:{name} text:level="{number}" style:num-format="{form}" style:num-suffix="{behind}" '
        f'text:display-levels="{shown}"/>'
    )


CLAUSES = (
    f'<text:list-style style:name="L1">{level(1, behind=".")}{level(2, shown=2)}'
    f"{level(3, 'a', behind=')')}</text:list-style>"
)


def item(*inside: str, attributes: str = "") -> str:
    content = "".join(
        each if each.startswith("<") else f"<text:p>{each}</text:p>" for each in inside
    )
    return f"<text:list-item {attributes}>{content}</text:list-item>"


def items(*inside: str, attributes: str = "") -> str:
    return f"<text:list {attributes}>{''.join(inside)}</text:list>"


def lines(body: str, styles: str = CLAUSES) -> list[str]:
    return extract(opendocument("odt", body, styles=styles), "a.odt").text.split("\n")


def test_clauses_carry_the_numbers_that_the_program_shows() -> None:
    deep = items(item("in cash"), item("by post", "at our cost"))
    body = items(
        item("Rent", items(item("It is due", deep), item("Late rent"))),
        item("Sheds", items(item("Height"))),
        attributes='text:style-name="L1"',
    )
    assert lines(body) == [
        "1. Rent",
        "1.1 It is due",
        "a) in cash",
        "b) by post",
        "at our cost",
        "1.2 Late rent",
        "2. Sheds",
        "2.1 Height",
    ]


def test_lists_begin_anew_unless_they_go_on_and_items_say_where_they_start() -> None:
    named = 'text:style-name="L1"'
    body = items(item("one"), attributes=f'{named} xml:id="first"')
    body += items(item("one again"), attributes=named)
    body += items(item("two"), attributes=f'{named} text:continue-numbering="true"')
    body += items(item("two of the first"), attributes=f'{named} text:continue-list="first"')
    body += items(item("seven", attributes='text:start-value="7"'), attributes=named)
    assert [line for line in lines(body) if line] == [
        "1. one",
        "1. one again",
        "2. two",
        "2. two of the first",
        "7. seven",
    ]


def test_other_signs_between_the_numbers_are_those_of_the_style() -> None:
    named = 'style:num-format="1" text:display-levels="2" x:num-list-format="§ %1%-%2%"'
    second = f'<text:list-level-style-number xmlns:x="x" text:level="2" {named}/>'
    styles = f'<text:list-style style:name="L1">{level(1)}{second}</text:list-style>'
    body = items(item("Rent", items(item("Due"))), attributes='text:style-name="L1"')
    assert lines(body, styles) == ["1 Rent", "§ 1-1 Due"]


def test_headings_are_numbered_as_the_outline_says() -> None:
    outline = level(1, "I", kind="outline") + level(2, shown=2, kind="outline")
    styles = f'<text:outline-style style:name="Outline">{outline}</text:outline-style>'
    body = "".join(
        f'<text:h text:outline-level="{depth}" {further}>{text}</text:h>'
        for depth, text, further in (
            (1, "Land", ""),
            (2, "Plots", ""),
            (2, "Preface", 'text:is-list-header="true"'),
            (1, "Water", ""),
            (2, "Weirs", ""),
        )
    )
    assert lines(body, styles)[::2] == ["I Land", "I.1 Plots", "Preface", "II Water", "II.1 Weirs"]


def test_numbers_that_the_file_shows_itself_and_those_in_cells_are_read() -> None:
    shown = "<text:number>§ 4</text:number>"
    body = items(item(shown, "Dogs"), attributes='text:style-name="L1"')
    body += f'<text:h text:outline-level="1">{shown}Cats</text:h>'
    inner = items(item("oars"), item("ropes"), attributes='text:style-name="L1"')
    body += f"<table:table><table:table-row><table:table-cell>{inner}</table:table-cell>"
    body += (
        "<table:table-cell><text:p>loft</text:p></table:table-cell></table:table-row></table:table>"
    )
    assert lines(body)[::2] == ["§ 4 Dogs", "§ 4 Cats", "1. oars 2. ropes | loft"]


FORMULA = (
    f"<math:math {_MATH}><math:semantics><math:mrow><math:mi>volume</math:mi><math:mo>=</math:mo>"
    "<math:mfrac><math:mi>radius</math:mi><math:mrow><math:mn>2</math:mn><math:mi>height</math:mi>"
    "</math:mrow></math:mfrac></math:mrow><math:annotation>volume = radius over {2 height}"
    "</math:annotation></math:semantics></math:math>"
)


def test_a_formula_stands_in_its_line() -> None:
    frame = "<draw:frame><draw:object>{}</draw:object><draw:image/></draw:frame>"
    body = f"<text:p>The {frame.format(FORMULA)} is known.</text:p>"
    assert lines(body) == ["The volume = radius/(2 height) is known."]


def test_an_object_of_the_package_shows_its_formula_its_table_or_its_chart() -> None:
    frame = '<text:p><draw:frame><draw:object xlink:href="./{}"/></draw:frame></text:p>'
    wrapped = '<d:document-content xmlns:d="x" xmlns:t="t" xmlns:p="p"><d:body>{}</d:body></d:document-content>'
    sheet = "<d:spreadsheet><t:table><t:table-row><t:table-cell><p:p>Oak</p:p></t:table-cell>"
    sheet += "<t:table-cell><p:p>12</p:p></t:table-cell></t:table-row></t:table></d:spreadsheet>"
    members = {
        "One__content_xml": FORMULA,
        "Two__content_xml": wrapped.format(sheet),
        "Three__content_xml": wrapped.format(
            "<d:chart><t:chart><t:title><p:p>Cider pressed</p:p></t:title></t:chart></d:chart>"
        ),
    }
    data = opendocument("odt", "".join(map(frame.format, ("One", "Two", "Three"))), **members)
    assert extract(data, "a.odt").text.split("\n\n") == [
        "volume = radius/(2 height)",
        "Oak | 12",
        "Cider pressed",
    ]


def test_a_tracked_deletion_is_left_out_where_it_stands_in_the_text() -> None:
    regions = '<text:tracked-changes><text:changed-region text:id="c1"><text:deletion/>'
    regions += '</text:changed-region><text:changed-region text:id="c2"><text:insertion/>'
    regions += "</text:changed-region></text:tracked-changes>"
    mark = '<text:change-{} text:change-id="{}"/>'
    body = f"{regions}<text:p>The gate is {mark.format('start', 'c1')}green"
    body += f"<text:span> and</text:span></text:p><text:p>gone{mark.format('end', 'c1')}"
    body += f"{mark.format('start', 'c2')}ochre{mark.format('end', 'c2')}.</text:p>"
    assert lines(body) == ["The gate is", "", "ochre."]


@pytest.mark.parametrize(
    ("mark", "shown"),
    [
        ('<a:buAutoNum type="arabicPeriod"/>', ["1. Oak", "2. Ash", "- Elm", "1. Yew"]),
        (
            '<a:buAutoNum type="alphaLcParenBoth" startAt="3"/>',
            ["(c) Oak", "(d) Ash", "- Elm", "(c) Yew"],
        ),
        ('<a:buAutoNum type="romanUcParenR"/>', ["I) Oak", "II) Ash", "- Elm", "I) Yew"]),
    ],
)
def test_numbered_lines_of_slides_carry_their_numbers(mark: str, shown: list[str]) -> None:
    line = "<a:p><a:pPr>{}</a:pPr><a:r><a:t>{}</a:t></a:r></a:p>"
    bullet = '<a:buChar char="x"/>'
    marks = (("Oak", mark), ("Ash", mark), ("Elm", bullet), ("Yew", mark))
    document = extract(pptx([shape(*(line.format(each, text) for text, each in marks))]), "a.pptx")
    assert document.text.split("\n") == shown
