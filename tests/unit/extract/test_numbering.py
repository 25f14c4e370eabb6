"""Paragraphs of lists carry the numbers that Word shows before them, which stand nowhere in the
file.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from searchapp.extract.office.docx import read
from searchapp.extract.office.numbering import number_text
from tests.builders.word import cell, docx, paragraph, table

_PLAN = (("decimal", "%1."), ("decimal", "%1.%2"), ("lowerLetter", "(%3)"))


def levels(plan: Sequence[tuple[str, str]], inside: str = "") -> str:
    """The XML of the levels of a list: form and text of each; `inside` goes into all but the
    first.
    """
    return "".join(
        f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>'
        f'{inside if level else ""}<w:lvlText w:val="{text}"/></w:lvl>'
        for level, (form, text) in enumerate(plan)
    )


def numbering(plan: Sequence[tuple[str, str]], further: str = "", inside: str = "") -> str:
    return (
        f'<w:abstractNum w:abstractNumId="0">{levels(plan, inside)}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>{further}'
    )


def item(text: str, level: int = 0, list_id: int = 1) -> str:
    return paragraph(
        text, properties=f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
    )


def lines(body: str, lists: str, **parts: str) -> list[str]:
    document = read(docx(body, {"numbering": lists, **parts}), "docx")
    return [document.text[block.start : block.end] for block in document.blocks]


def test_clauses_are_numbered_through_all_levels_and_deeper_ones_begin_anew() -> None:
    body = item("Rent") + item("Due", 1) + item("in cash", 2) + item("by post", 2)
    body += item("Late", 1) + item("interest", 2) + paragraph("Meanwhile") + item("Sheds")
    assert lines(body + item("Height", 1), numbering(_PLAN)) == [
        "1. Rent",
        "1.1 Due",
        "(a) in cash",
        "(b) by post",
        "1.2 Late",
        "(a) interest",
        "Meanwhile",
        "2. Sheds",
        "2.1 Height",
    ]


def test_lists_that_share_a_definition_count_on_unless_they_begin_anew() -> None:
    further = '<w:num w:numId="2"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="3">'
    further += '<w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/>'
    further += "</w:lvlOverride></w:num>"
    body = item("one") + item("two", list_id=2) + item("five", list_id=3) + item("six", list_id=3)
    assert lines(body, numbering(_PLAN, further)) == ["1. one", "2. two", "5. five", "6. six"]


def test_an_empty_paragraph_is_counted_and_a_bullet_has_no_number() -> None:
    body = item("one") + item("") + item("three") + item("leaf", 1)
    plan = (("decimal", "%1)"), ("bullet", "\uf0b7"))
    assert lines(body, numbering(plan)) == ["1) one", "3) three", "- leaf"]


def test_legal_numbers_are_decimal_whatever_the_level_above_is() -> None:
    plan = (("upperRoman", "Article %1."), ("decimal", "%1.%2"))
    body = item("Land") + item("Plots", 1) + item("Water")
    assert lines(body, numbering(plan, inside="<w:isLgl/>")) == [
        "Article I. Land",
        "1.1 Plots",
        "Article II. Water",
    ]


def test_a_level_that_never_restarts_counts_on() -> None:
    body = item("One") + item("a", 1) + item("Two") + item("b", 1)
    plan = (("decimal", "Part %1"), ("decimal", "§ %2"))
    assert lines(body, numbering(plan, inside='<w:lvlRestart w:val="0"/>')) == [
        "Part 1 One",
        "§ 1 a",
        "Part 2 Two",
        "§ 2 b",
    ]


def test_headings_are_numbered_by_their_styles() -> None:
    lists = numbering(_PLAN).replace("<w:start", '<w:pStyle w:val="H2"/><w:start', 2)
    lists = lists.replace("H2", "H1", 1)
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="H{n}"><w:name w:val="heading {n}"/><w:pPr>'
        '<w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        for n in (1, 2)
    )
    body = paragraph("Scope", "H1") + paragraph("Terms", "H2") + paragraph("Rent", "H1")
    plain = paragraph("Foreword", "H1", '<w:numPr><w:numId w:val="0"/></w:numPr>')
    document = read(docx(plain + body, {"numbering": lists, "styles": styles}), "docx")
    assert [
        (document.text[block.start : block.end], block.headings) for block in document.blocks
    ] == [("Foreword", ()), ("1. Scope", ()), ("1.1 Terms", ("1. Scope",)), ("2. Rent", ())]


def test_numbers_stand_in_cells_and_a_style_of_lists_lends_its_levels() -> None:
    lists = numbering(_PLAN).replace("<w:lvl ", '<w:styleLink w:val="L"/><w:lvl ', 1)
    lists += '<w:abstractNum w:abstractNumId="7"><w:numStyleLink w:val="L"/></w:abstractNum>'
    lists += '<w:num w:numId="9"><w:abstractNumId w:val="7"/></w:num>'
    body = table((cell(item("Oak", list_id=9)), "tall"), (cell(item("Ash", list_id=9)), "thin"))
    assert lines(body, lists) == ["1. Oak | tall", "2. Ash | thin"]


@pytest.mark.parametrize(
    ("number", "form", "text"),
    [
        (4, "lowerRoman", "iv"),
        (1994, "upperRoman", "MCMXCIV"),
        (28, "lowerLetter", "bb"),
        (3, "upperLetter", "C"),
        (12, "ordinal", "12th"),
        (22, "ordinal", "22nd"),
        (21, "cardinalText", "Twenty-one"),
        (20, "ordinalText", "Twentieth"),
        (32, "ordinalText", "Thirty-second"),
        (7, "decimalZero", "07"),
        (3, "decimalEnclosedCircle", "③"),
        (12, "chineseCounting", "十二"),
        (3, "russianLower", "в"),
        (5, "unheardOf", "5"),
        (9, "none", ""),
        (5000, "lowerRoman", "5000"),
    ],
)
def test_numbers_are_written_in_their_form(number: int, form: str, text: str) -> None:
    assert number_text(number, form) == text
