"""Presentations, OpenDocument files and e-books become the expected text, blocks, places and
metadata.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import extract
from searchapp.extract.office import odf
from searchapp.extract.office import pptx as slides
from searchapp.extract.web import epub as epub_reader
from searchapp.types.documents import Document
from tests.builders.slides import (
    box,
    chart,
    core_properties,
    diagram,
    epub,
    frame,
    group,
    h,
    items,
    office,
    opendocument,
    p,
    picture,
    pptx,
    presentation_part,
    rectangle,
    row,
    shape,
    slide,
    table,
    zipped,
)
from tests.paths import SAMPLES


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


def texts(document: Document) -> list[str]:
    return [document.text[block.start : block.end] for block in document.blocks]


def numbers(document: Document) -> list[int]:
    return [int(block.place[0][1]) for block in document.blocks]


def sample(path: str) -> bytes:
    return (SAMPLES / path).read_bytes()


# ---- presentations -------------------------------------------------------------------------------


def test_a_presentation_gives_its_slides_in_the_order_of_the_show_with_titles_lists_notes_and_comments() -> (
    None
):
    notes = f"<p:cSld><p:spTree>{shape('1', role='sldNum')}{shape('Say hello.', 'Then go on.', role='body')}</p:spTree></p:cSld>"
    data = pptx(
        [
            shape("Costs", role="title") + shape("Rent", "Food", role=""),
            shape("Plan", role="ctrTitle") + shape("for 2025", role="subTitle"),
        ],
        relations={
            1: {
                "n": "notesSlide ../notesSlides/notesSlide1.xml",
                "c": "comments ../comments/comment1.xml",
            }
        },
        docProps__core_xml=core_properties(
            title="Old title", creator="Ann Lee", created="2024-05-31T10:00:00Z", keywords="money"
        ),
        ppt__notesSlides__notesSlide1_xml=presentation_part("notes", notes),
        ppt__comments__comment1_xml=presentation_part(
            "cmLst", '<p:cm authorId="7"><p:text>Check this.</p:text></p:cm>'
        ),
        ppt__commentAuthors_xml=presentation_part("cmAuthorLst", '<p:cmAuthor id="7" name="Bob"/>'),
    )
    document = extract(data, "plan.pptx")
    assert (
        document.text
        == "Plan\n\nfor 2025\n\nCosts\n\n- Rent\n- Food\n\nSay hello.\n\nThen go on.\n\nBob: Check "
        "this."
    )
    assert outline(document) == [
        ("heading", (), "Plan"),
        ("prose", (), "for 2025"),
        ("heading", (), "Costs"),
        ("list", ("Costs",), "- Rent\n- Food"),
        ("prose", ("Costs",), "Say hello."),
        ("prose", ("Costs",), "Then go on."),
        ("prose", ("Costs",), "Bob: Check this."),
    ]
    assert [block.place for block in document.blocks] == [(("slide", 1),)] * 2 + [
        (("slide", 2),)
    ] * 5
    assert (document.type, document.title, document.has_lines) == ("pptx", "Plan", False)
    assert document.metadata == {
        "author": "Ann Lee",
        "date": "2024-05-31T10:00:00Z",
        "tags": "money",
    }


def test_a_slide_without_a_title_is_under_no_heading() -> None:
    document = extract(
        pptx([shape("body of two"), shape("One", role="title"), shape("Zero", role="title")]),
        "a.pptx",
    )
    assert outline(document)[1:] == [("prose", (), "body of two"), ("heading", (), "One")]


def test_the_declared_title_serves_where_the_first_slide_has_none() -> None:
    data = pptx([shape("text")], docProps__core_xml=core_properties(title="Field guide"))
    assert extract(data, "a.pptx").title == "Field guide"
    data = pptx(
        [shape("text")], docProps__core_xml=core_properties(title="PowerPoint Presentation")
    )
    assert extract(data, "a.pptx").title == ""


def test_free_shapes_come_row_by_row_and_groups_stay_together() -> None:
    shapes = [
        shape("bottom", at=(10, 90)),
        shape("right", at=(100, 40)),
        group(shape("group second", at=(0, 20)), shape("group first", at=(0, 0)), at=(50, 60)),
        shape("left, a little lower", at=(10, 43)),
        shape("body", role="body"),
        shape("top", at=(10, 20)),
        shape("Title", role="title"),
    ]
    document = extract(pptx(["".join(shapes)]), "a.pptx")
    assert texts(document) == [
        "Title",
        "body",
        "top",
        "left, a little lower",
        "right",
        "group first",
        "group second",
        "bottom",
    ]


def test_tables_charts_diagrams_and_pictures_give_their_words() -> None:
    shapes = [
        frame(table([["Item", "Cost", "<"], ["Rent", "900", "EUR"], ["", "", ""]]), at=(0, 10)),
        frame('<c:chart xmlns:c="c" r:id="x1"/>', at=(0, 20)),
        frame('<d:relIds xmlns:d="d" r:dm="x2" r:lo="x9"/>', at=(0, 30)),
        picture("A red kite over a field\n\nDescription automatically generated"),
        picture("image1.png"),
    ]
    document = extract(
        pptx(
            ["".join(shapes)],
            relations={
                1: {"x1": "chart ../charts/chart1.xml", "x2": "diagramData ../diagrams/data1.xml"}
            },
            ppt__charts__chart1_xml=chart("Sales by year", "Shops", ["North", "South"]),
            ppt__diagrams__data1_xml=diagram(
                {"3": "Roast", "2": "Brew", "1": "Coffee"},
                [("0", "1", 0), ("1", "2", 1), ("1", "3", 0)],
            ),
        ),
        "a.pptx",
    )
    assert outline(document) == [
        ("prose", (), "A red kite over a field"),
        ("table", (), "Item | Cost\nRent | 900 | EUR"),
        ("prose", (), "Sales by year"),
        ("table", (), "Shops\nNorth | South"),
        ("list", (), "- Coffee\n- Roast\n- Brew"),
    ]


def test_breaks_formulas_and_bullets_are_kept_and_slide_numbers_fallbacks_and_hidden_shapes_are_not() -> (
    None
):
    formula = (
        "<a:p><a:r><a:t>so </a:t></a:r><m:oMath "
        'xmlns:m="m"><m:r><m:t>a=b</m:t></m:r></m:oMath></a:p>'
    )
    shapes = [
        shape("<a:p><a:r><a:t>one</a:t></a:r><a:br/><a:r><a:t>two</a:t></a:r></a:p>", formula),
        shape(
            '<a:p><a:pPr><a:buChar char="-"/></a:pPr><a:r><a:t>point</a:t></a:r></a:p>',
            "not a point",
        ),
        shape("<a:p><a:pPr><a:buNone/></a:pPr><a:r><a:t>plain content</a:t></a:r></a:p>", role=""),
        f"<mc:AlternateContent><mc:Choice>{shape('new')}</mc:Choice><mc:Fallback>{shape('old')}</mc:Fallback></mc:AlternateContent>",
        shape("9", role="sldNum"),
        shape('<a:p><a:r><a:t>page </a:t></a:r><a:fld type="slidenum"><a:t>9</a:t></a:fld></a:p>'),
        shape("unseen", hidden=True),
    ]
    document = extract(pptx(["".join(shapes)]), "a.pptx")
    assert [(kind, text) for kind, _, text in outline(document)] == [
        ("prose", "plain content"),
        ("prose", "one\ntwo"),
        ("prose", "so a=b"),
        ("list", "- point"),
        ("prose", "not a point"),
        ("prose", "new"),
        ("prose", "page"),
    ]


def test_footers_come_once() -> None:
    footer = shape("Example Ltd", role="ftr")
    document = extract(pptx([footer + shape("second"), footer + shape("first")]), "a.pptx")
    assert texts(document) == ["Example Ltd", "first", "second"]
    assert numbers(document) == [1, 1, 2]


def test_a_part_that_slides_share_is_read_once_however_often_it_is_referred_to() -> None:
    shapes = frame('<c:chart xmlns:c="c" r:id="x"/>') * 1000 + shape("text")
    relations = {1: {"x": "chart ../charts/chart1.xml"}}
    data = pptx([shapes], relations=relations, ppt__charts__chart1_xml=chart("Once", "Shops", []))
    assert texts(extract(data, "a.pptx")) == ["Once", "Shops", "text"]


def test_a_missing_slide_is_named() -> None:
    with zipfile.ZipFile(io.BytesIO(pptx([shape("two"), shape("one")]))) as package:
        members = {
            name: package.read(name)
            for name in package.namelist()
            if name != "ppt/slides/slide1.xml"
        }
    document = extract(zipped(members), "a.pptx")
    assert texts(document) == ["one"]
    assert document.metadata["incomplete"] == (
        "incomplete: not a readable presentation: slide 2 is missing"
    )


def test_a_presentation_that_names_no_slides_is_broken() -> None:
    with pytest.raises(FileFailed, match="it has no slides"):
        extract(zipped({"ppt/presentation/x": "", "a.txt": ""}), "a.pptx")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("<p:sld>", id="broken XML"),
        pytest.param(slide("<p:grpSp>" * 300 + "</p:grpSp>" * 300), id="nested too deep"),
    ],
)
def test_a_broken_slide_is_a_failure_with_a_reason(content: str) -> None:
    with pytest.raises(FileFailed, match="not a readable file"):
        extract(pptx([shape("one")], ppt__slides__slide1_xml=content), "a.pptx")


def test_deep_groups_within_the_limit_are_read() -> None:
    shapes = "<p:grpSp>" * 200 + shape("deep down") + "</p:grpSp>" * 200
    assert texts(extract(pptx([shapes]), "a.pptx")) == ["deep down"]


def test_no_entity_of_a_slide_is_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    dtd = f'<!DOCTYPE sld [<!ENTITY file SYSTEM "{secret.as_uri()}"><!ENTITY word "expanded">]>'
    content = dtd + slide(shape("before", "&file;", "&word;", "after"))
    assert texts(extract(pptx([shape("")], ppt__slides__slide1_xml=content), "a.pptx")) == [
        "before",
        "after",
    ]


def test_entities_that_multiply_are_refused() -> None:
    laughs = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))
    content = f'<!DOCTYPE sld [<!ENTITY l0 "ha">{laughs}]>' + slide(shape("&l9;"))
    with pytest.raises(FileFailed, match="not a readable file"):
        extract(pptx([shape("")], ppt__slides__slide1_xml=content), "a.pptx")


def test_a_broken_chart_leaves_the_slide_readable() -> None:
    shapes = frame('<c:chart xmlns:c="c" r:id="x"/>') + shape("text")
    data = pptx(
        [shapes],
        relations={1: {"x": "chart ../charts/chart1.xml"}},
        ppt__charts__chart1_xml="<c:chart",
    )
    document = extract(data, "a.pptx")
    assert texts(document) == ["text"]
    assert document.metadata["incomplete"].startswith("incomplete: chart1.xml: ")


# ---- OpenDocument --------------------------------------------------------------------------------


def test_a_text_gives_headings_paragraphs_lists_tables_notes_and_metadata() -> None:
    deleted = (
        f"<text:changed-region><text:deletion>{p('deleted')}</text:deletion></text:changed-region>"
    )
    note = f"<text:note><text:note-citation>1</text:note-citation><text:note-body>{p('Not peas.')}</text:note-body></text:note>"
    comment = f"<office:annotation><dc:creator>Ann</dc:creator><dc:date>2024-01-01</dc:date>{p('Sure?')}</office:annotation>"
    body = [
        f"<text:tracked-changes>{deleted}</text:tracked-changes>",
        f"<text:table-of-content><text:index-body>{p('Coffee 1')}</text:index-body></text:table-of-content>",
        p("The Coffee Book", style="Title"),
        h("Coffee", 1),
        p(
            f"Beans{note}\n   are<text:s "
            f"text:c='2'/>roasted{comment},<text:tab/>then<text:line-break/>ground."
        ),
        h("Steps", 2),
        items(p("Roast") + items(p("Slowly")), p("Grind")).replace(
            "><", f"><text:list-header>{p('In order')}</text:list-header><", 1
        ),
        "<table:table><table:table-header-rows>",
        row(p("Sort")).replace(
            "</table:table-row>", "<table:covered-table-cell/></table:table-row>"
        ),
        "</table:table-header-rows>",
        row(p("Arabica") + p("mild"), p("9"), further='table:number-columns-repeated="999999"'),
        "</table:table>",
        p(
            f"See{box(p('In a box.')).replace('</draw:frame>', '<svg:desc>A cup of coffee</svg:desc></draw:frame>')}"
        ),
    ]
    header = f"<style:header>{p('Example Press')}</style:header><style:header-left>{p('Example Press')}</style:header-left>"
    footer = f"<style:footer>{p('Page <text:page-number>1</text:page-number>')}</style:footer><style:footer-left>{p('1')}</style:footer-left>"
    styles = f"<office:master-styles><style:master-page>{header}{footer}</style:master-page></office:master-styles>"
    meta = (
        "<meta:initial-creator>Ann "
        "Lee</meta:initial-creator><dc:creator>Bob</dc:creator><dc:language>en-GB</dc:language>"
        "<meta:creation-date>2024-05-31T10:00:00.123456789</meta:creation-date><dc:date>2025-01-01T00:00:00</dc:date>"
        "<meta:keyword>drinks</meta:keyword><meta:keyword>beans</meta:keyword><dc:subject>Coffee</dc:subject>"
    )
    document = extract(opendocument("odt", "".join(body), styles=styles, meta=meta), "coffee.odt")
    assert outline(document) == [
        ("heading", (), "The Coffee Book"),
        ("heading", (), "Coffee"),
        ("prose", ("Coffee",), "Beans are  roasted,\tthen\nground."),
        ("prose", ("Coffee",), "Not peas."),
        ("prose", ("Coffee",), "Ann: Sure?"),
        ("heading", ("Coffee",), "Steps"),
        ("list", ("Coffee", "Steps"), "In order\n- Roast\n- Slowly\n- Grind"),
        ("table", ("Coffee", "Steps"), "Sort\nArabica mild | 9"),
        ("prose", ("Coffee", "Steps"), "See"),
        ("prose", ("Coffee", "Steps"), "In a box."),
        ("prose", ("Coffee", "Steps"), "A cup of coffee"),
        ("prose", (), "Example Press"),
        ("prose", (), "Page 1"),
    ]
    assert (document.type, document.title, document.has_lines) == ("odt", "The Coffee Book", False)
    assert document.metadata == {
        "author": "Ann Lee",
        "date": "2024-05-31T10:00:00",
        "language": "en-GB",
        "subject": "Coffee",
        "tags": "drinks; beans",
    }


def test_numbered_headings_in_lists_tables_that_arrange_the_page_and_tables_in_tables_keep_their_structure() -> (
    None
):
    arranging = f"<table:table>{row(h('Left', 2) + p('side'))}</table:table>"
    inner = f"<table:table>{row(p('inner'))}</table:table>"
    nested = f"<table:table>{row(p('outer') + inner)}</table:table>"
    body = items(h("First", 1)) + arranging + nested
    document = extract(opendocument("odt", body, meta="<dc:title>Two  words</dc:title>"), "a.odt")
    assert document.title == "Two words"
    assert outline(document) == [
        ("heading", (), "First"),
        ("heading", ("First",), "Left"),
        ("prose", ("First", "Left"), "side"),
        ("table", ("First", "Left"), "outer"),
        ("table", ("First", "Left"), "inner"),
    ]


def test_lists_whose_style_has_no_marks_are_paragraphs_and_preformatted_ones_are_code() -> None:
    plain = (
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" '
        'style:num-format=""/></text:list-style>'
    )
    code = '<style:style style:name="P1" style:parent-style-name="Preformatted_20_Text"/>'
    styles = f"<office:automatic-styles>{plain}{code}</office:automatic-styles>"
    body = (
        items(p("one"), p("two"), style="L1")
        + p("if x:", style="P1")
        + p('<text:s text:c="4"/>go()', style="P1")
    )
    document = extract(opendocument("odt", body, styles=styles), "a.odt")
    assert document.text == "one\n\ntwo\n\nif x:\n    go()"
    assert [block.kind for block in document.blocks] == ["prose", "prose", "code", "code"]


def test_an_opendocument_presentation_gives_its_slides_with_notes_comments_charts_and_footers() -> (
    None
):
    notes = box(p("Say hello."), role="notes") + box(p("1"), role="page-number")
    first = [
        rectangle("below", "1cm", "9cm"),
        f"<draw:g>{rectangle('above right', '5cm', '50mm')}{rectangle('above left', '1in', '5.1cm')}</draw:g>",
        box(items(p("point")), role="outline"),
        box(p("Click to add text"), role="outline", further='presentation:placeholder="true"'),
        box(p("Plan"), p("B"), role="title"),
        f"<presentation:notes><draw:page-thumbnail/>{notes}</presentation:notes>",
        f"<office:annotation><dc:creator>Ann</dc:creator>{p('Too short')}</office:annotation>",
    ]
    second = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    pages = [
        f'<draw:page presentation:use-footer-name="f">{shapes}</draw:page>'
        for shapes in ("".join(first), second)
    ]
    body = (
        '<presentation:footer-decl presentation:name="f">Example '
        f"Ltd</presentation:footer-decl>{''.join(pages)}"
    )
    title = f"<chart:title>{p('Sales')}</chart:title>"
    data = f"<table:table><table:table-header-rows>{row('', p('Shops'))}</table:table-header-rows>{row(p('North'), p('17'))}</table:table>"
    content = f"<office:body><office:chart><chart:chart>{title}{data}</chart:chart></office:chart></office:body>"
    document = extract(
        opendocument("odp", body, **{"Object 1__content_xml": office("document-content", content)}),
        "a.odp",
    )
    assert outline(document) == [
        ("heading", (), "Plan B"),
        ("list", (), "- point"),
        ("prose", (), "above left"),
        ("prose", (), "above right"),
        ("prose", (), "below"),
        ("prose", (), "Example Ltd"),
        ("prose", (), "Say hello."),
        ("prose", (), "Ann: Too short"),
        ("prose", (), "Sales"),
        ("table", (), "Shops\nNorth"),
    ]
    assert [block.place for block in document.blocks] == [(("slide", 1),)] * 8 + [
        (("slide", 2),)
    ] * 2
    assert document.title == "Plan B"


def test_a_drawing_gives_its_pages() -> None:
    page = "<draw:page><draw:rect><text:p>{}</text:p></draw:rect></draw:page>"
    document = extract(opendocument("odg", page.format("one") + page.format("two")), "a.odg")
    assert outline(document) == [("prose", (), "one"), ("prose", (), "two")]
    assert [block.place for block in document.blocks] == [(("page", 1),), (("page", 2),)]


def test_an_encrypted_opendocument_needs_a_password() -> None:
    entry = '<m:manifest xmlns:m="m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    data = opendocument("odt", "", **{"META-INF__manifest_xml": entry})
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        extract(data, "a.odt")


@pytest.mark.parametrize("kind", ["odt", "odp", "odg"])
def test_an_opendocument_file_without_content_is_broken(kind: str) -> None:
    with pytest.raises(FileFailed, match="no content"):
        extract(zipped({"a.txt": "text"}), f"a.{kind}")


def test_sections_nested_up_to_the_limit_are_read_and_deeper_ones_are_refused() -> None:
    nested = "<text:section>{}<text:p>deep down</text:p>{}".format
    data = opendocument("odt", nested("<text:section>" * 240, "</text:section>" * 241))
    assert texts(extract(data, "a.odt")) == ["deep down"]
    with pytest.raises(FileFailed, match="not a readable file"):
        extract(
            opendocument("odt", nested("<text:section>" * 300, "</text:section>" * 301)), "a.odt"
        )


def test_one_element_stands_for_a_hundred_spaces_at_most() -> None:
    data = opendocument("odt", '<text:p>a<text:s text:c="999999999"/>b</text:p>')
    assert extract(data, "a.odt").text == "a" + " " * 100 + "b"


# ---- e-books -------------------------------------------------------------------------------------


def test_a_book_gives_its_chapters_in_order_with_metadata_and_without_the_page_of_contents() -> (
    None
):
    data = epub(
        {
            "two": "<h2>Roasting</h2><p>Slowly,&nbsp;always.</p><h3>Heat</h3><p>Low.</p>",
            "one": "<h2>Beans</h2><p>They are <i>seeds</i>.</p><ul><li>one</li><li>two</li></ul>",
            "errata": "<p>None so far.</p>",
        },
        spine=["-errata", "nav", "one", "two"],
        toc='<ol><li><a href="text/one.xhtml">Beans</a></li><li><a '
        'href="text/two.xhtml#x">Roasting</a></li></ol>',
        metadata="<dc:title>The Coffee Book</dc:title><dc:title>A guide</dc:title>"
        "<dc:creator>Ann Lee</dc:creator><dc:creator>Bob</dc:creator><dc:language>en</dc:language>"
        "<dc:date>2024-05-31</dc:date><dc:subject>Drinks</dc:subject><dc:subject>Beans</dc:subject>"
        "<dc:description>&lt;p&gt;All &lt;b&gt;about&lt;/b&gt; coffee.&lt;/p&gt;</dc:description>",
    )
    document = extract(data, "coffee.epub")
    assert outline(document) == [
        ("heading", (), "Beans"),
        ("prose", ("Beans",), "They are seeds."),
        ("list", ("Beans",), "- one\n- two"),
        ("heading", (), "Roasting"),
        ("prose", ("Roasting",), "Slowly, always."),
        ("heading", ("Roasting",), "Heat"),
        ("prose", ("Roasting", "Heat"), "Low."),
        ("prose", ("Roasting", "Heat"), "None so far."),
    ]
    assert (document.type, document.title, document.has_lines) == ("epub", "The Coffee Book", False)
    assert document.metadata == {
        "author": "Ann Lee; Bob",
        "date": "2024-05-31",
        "language": "en",
        "tags": "Drinks; Beans",
        "description": "All about coffee.",
    }


def test_the_contents_name_chapters_without_headings_and_tell_how_deep_the_others_are() -> None:
    pages = {
        "intro": "<p>Hello.</p>",
        "part": "<h2>Part One</h2>",
        "first": "<h2>A</h2><p>text</p>",
        "more": "<p>goes on</p>",
        "empty": "",
    }
    point = '<navPoint><navLabel><text>{}</text></navLabel><content src="text/{}.xhtml"/>{}</navPoint>'.format
    ncx = (
        point("Preface", "intro", "")
        + point("Part One", "part", point("A", "first", ""))
        + point("Cover", "empty", "")
    )
    assert outline(extract(epub(pages, ncx=ncx), "a.epub")) == [
        ("heading", (), "Preface"),
        ("prose", ("Preface",), "Hello."),
        ("heading", (), "Part One"),
        ("heading", ("Part One",), "A"),
        ("prose", ("Part One", "A"), "text"),
        ("prose", ("Part One", "A"), "goes on"),
    ]


def test_a_missing_chapter_leaves_the_others_readable_and_a_repeated_one_comes_once() -> None:
    with zipfile.ZipFile(
        io.BytesIO(
            epub(
                {"one": "<p>first</p>", "two": "", "three": "<p>third</p>"},
                spine=["one", "two", "three", "one"],
            )
        )
    ) as book:
        members = {
            name: book.read(name) for name in book.namelist() if name != "OPS/text/two.xhtml"
        }
    assert texts(extract(zipped(members), "a.epub")) == ["first", "third"]


def test_a_book_without_a_spine_gives_all_its_pages() -> None:
    assert texts(
        extract(epub({"one": "<p>first</p>", "two": "<p>second</p>"}, spine=[]), "a.epub")
    ) == ["first", "second"]


def test_a_protected_book_is_named_and_one_with_obfuscated_fonts_is_read() -> None:
    entry = '<encryption xmlns:e="e"><e:EncryptedData><e:EncryptionMethod Algorithm="{}"/></e:EncryptedData></encryption>'.format
    pages = {"one": "<p>first</p>"}
    protected = {"META-INF/encryption.xml": entry("http://www.w3.org/2001/04/xmlenc#aes128-cbc")}
    with pytest.raises(FileFailed, match="encrypted: protected by DRM"):
        extract(epub(pages, further=protected), "a.epub")
    fonts = {"META-INF/encryption.xml": entry("http://www.idpf.org/2008/embedding")}
    assert texts(extract(epub(pages, further=fonts), "a.epub")) == ["first"]


def test_a_book_without_a_package_document_and_one_without_chapters_are_broken() -> None:
    with pytest.raises(FileFailed, match="no package document"):
        extract(zipped({"mimetype": "application/epub+zip"}), "a.epub")
    with pytest.raises(FileFailed, match="none of its chapters"):
        extract(epub({"one": ""}), "a.epub")


def test_a_chapter_nested_very_deep_and_a_contents_page_nested_very_deep_do_no_harm() -> None:
    deep = "<div>" * 5000 + "<p>deep down</p>" + "</div>" * 5000
    toc = "<ol><li>" * 200 + '<a href="text/one.xhtml">One</a>' + "</li></ol>" * 200
    document = extract(epub({"one": deep}, toc="<ol><li>" * 5000), "a.epub")
    assert "deep down" in document.text
    assert "deep down" in extract(epub({"one": deep}, toc=toc), "a.epub").text


# ---- hostile packages of all kinds ---------------------------------------------------------------


PACKAGES = {
    "pptx": pptx([shape("text " * 200)]),
    "odt": opendocument("odt", "<text:p>text</text:p>" * 50),
    "odp": opendocument("odp", "<draw:page/>"),
    "epub": epub({"one": "<p>text</p>"}),
}


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_truncated_package_is_a_failure_with_a_reason(kind: str) -> None:
    data = PACKAGES[kind]
    with pytest.raises(FileFailed, match="not a readable file"):
        extract(data[: len(data) * 2 // 3], f"a.{kind}")


def test_a_package_that_unpacks_to_too_much_is_refused_by_each_reader() -> None:
    bomb = zipped({"bomb": bytes(65 * 2**20)})
    for reader, kind in ((slides, "pptx"), (odf, "odt"), (epub_reader, "epub")):
        with pytest.raises(FileFailed, match="zip bomb"):
            reader.read(bomb, kind)


# ---- real files ----------------------------------------------------------------------------------


def test_a_presentation_reads_the_same_in_both_formats() -> None:
    powerpoint = extract(sample("pptx/docling__powerpoint_sample.pptx"), "a.pptx")
    assert numbers(powerpoint) == [1] * 3 + [2] * 5 + [3] * 9
    assert texts(powerpoint)[3:8] == [
        "Second slide title",
        "Let’s introduce a list",
        "- With foo\n- Bar\n- And baz things",
        "A rectangle shape with this text inside.",
        "Some notes on the second slide.",
    ]
    assert extract(sample("odp/docling__odf_presentation_01.odp"), "a.odp").text == powerpoint.text


def test_pictures_that_are_malformed_do_not_hide_the_text_beside_them() -> None:
    document = extract(sample("pptx/docling__powerpoint_malformed_pictures.pptx"), "a.pptx")
    assert texts(document) == [
        "Slide With Missing BlipFill",
        "Slide With Dangling Rel",
        "Slide With Wrong Content Type",
    ]


def test_a_presentation_named_as_an_old_one_is_read_as_what_it_is() -> None:
    document = extract(sample("ppt/unstructured__eng_spa_mult.ppt"), "eng_spa_mult.ppt")
    assert (document.type, document.title) == ("pptx", "Testing multiple languages")
    assert texts(document)[1] == "This is a slide note."
    assert numbers(document) == [1, 1, 2, 3, 4, 5, 6]


def test_a_real_text_with_nested_tables_loses_no_cell() -> None:
    found = texts(extract(sample("odt/docling__text_document_03.odt"), "a.odt"))
    assert found[0] == "Table with rich cells"
    assert found[1] == (
        "Column A | Column B\n"
        "This is a list: A First A Second A Third | This is a formatted list: B First B Second B "
        "Third\n"
        "First Paragraph Second Paragraph Third paragraph before a numbered list 1. Number one "
        "2. Number two 3. Number three | "
        "This is simple text with bold, strikethrough and italic formatting with x2 and H2O\n"
        "This is a paragraph This is another paragraph |"
    )
    assert found.count("A | B | C\nCell 1 | Cell 2 | Cell 3") == 2


@pytest.mark.parametrize(
    "path", ["pptx/tika__testPPT_protected_passtika.pptx", "odt/tika__testODTEncrypted.odt"]
)
def test_real_encrypted_documents_need_a_password(path: str) -> None:
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        extract(sample(path), path)


def test_a_real_novel_gives_all_its_chapters() -> None:
    document = extract(sample("epub/tika__testEPUB_multi-metadata-vals.epub"), "a.epub")
    headings = [text for kind, _, text in outline(document) if kind == "heading"]
    assert headings[:8] == [
        "The Inheritors",
        "Imprint",
        "Epigraph",
        "Dedication",
        "The Inheritors",
        "I",
        "II",
        "III",
    ]
    assert (len(headings), headings[-3:]) == (26, ["XIX", "Colophon", "Uncopyright"])
    assert {
        block.headings
        for block in document.blocks
        if "You Americans" in document.text[block.start : block.end]
    } == {("I",)}
    assert (document.title, document.metadata["author"]) == (
        "The Inheritors",
        "Joseph Conrad; Ford Madox Ford",
    )
