"""Each format's bytes become the expected title, blocks and heading paths."""

from __future__ import annotations

import io

import pytest

from searchapp.errors import FileError, FileFailed, FileSkipped
from searchapp.extract.entries import extract
from searchapp.extract.registry import READERS, extractor_of
from searchapp.types.documents import Document
from tests.paths import SAMPLES


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


# ---- plain text ----------------------------------------------------------------------------------


def test_a_short_first_line_that_stands_alone_is_the_title_and_in_no_passage() -> None:
    document = extract(
        b"A title\r\n\r\nFirst line\r\nsecond line\r\n\r\n- one\r\n- two\r\n", "note.txt"
    )
    assert document.title == "A title"
    assert document.text == "A title\r\n\r\nFirst line\r\nsecond line\r\n\r\n- one\r\n- two\r\n"
    assert outline(document) == [
        ("heading", (), "A title"),
        ("prose", (), "First line\r\nsecond line"),
        ("list", (), "- one\r\n- two"),
    ]


@pytest.mark.parametrize(
    "text", ["Only a line\n", "First\nsecond\n\nthird\n", "x" * 201 + "\n\nmore\n"]
)
def test_a_first_line_that_is_alone_in_the_file_or_part_of_a_paragraph_or_long_is_no_title(
    text: str,
) -> None:
    assert extract(text.encode(), "note.txt").title == ""


def test_underlined_lines_of_plain_text_are_headings() -> None:
    document = extract(b"Intro text\nhere\n\nPart\n====\nbody\n\nSub\n---\nmore\n", "note.txt")
    assert outline(document)[1:] == [
        ("heading", (), "Part"),
        ("prose", ("Part",), "body"),
        ("heading", ("Part",), "Sub"),
        ("prose", ("Part", "Sub"), "more"),
    ]


NEWS = b"""News of the boiler
==================

2.0
===
New
---
* It is read now.

Mended
------
The pump.

1.9
===

Old.
"""


def test_headings_may_follow_each_other_and_the_first_is_the_title_where_it_has_no_text() -> None:
    document = extract(NEWS, "NEWS")
    assert document.title == "News of the boiler"
    assert outline(document)[1:] == [
        ("heading", (), "2.0"),
        ("heading", ("2.0",), "New"),
        ("list", ("2.0", "New"), "* It is read now."),
        ("heading", ("2.0",), "Mended"),
        ("prose", ("2.0", "Mended"), "The pump."),
        ("heading", (), "1.9"),
        ("prose", ("1.9",), "Old."),
    ]


def test_the_newest_of_several_versions_is_not_the_title_of_all() -> None:
    document = extract(b"2.0\n---\nNew.\n\n1.9\n---\nOld.\n", "changes.txt")
    assert document.title == ""
    assert outline(document) == [
        ("heading", (), "2.0"),
        ("prose", ("2.0",), "New."),
        ("heading", (), "1.9"),
        ("prose", ("1.9",), "Old."),
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (b"A tool\n======\nIts text.\n", "A tool"),
        (b"A tool\n======\n\nIts text.\n\nUse\n---\nSo.\n", "A tool"),
        (b"========\n A tool\n========\n\nIts text.\n", "A tool"),
        (b"   A tool\n   ======\n\nIts text.\n", "A tool"),
        ("道具の説明\n==========\n\nText.\n".encode(), "道具の説明"),
        (b"A tool\n======\n", ""),  # nothing below it
    ],
)
def test_an_underlined_first_line_is_the_title(text: bytes, title: str) -> None:
    document = extract(text, "README")
    assert document.title == title
    assert next(block for block in outline(document) if block[0] == "heading")[2] == (
        title or "A tool"
    )


@pytest.mark.parametrize(
    "lines",
    [
        "Name      Count\n---------------\na         1",
        "Name | Count\n------------\na | 1",
        "Name\tCount\n----------\na\t1",
        "----------------\nName      Count\n----------------\na         1",
        "Some text above a rule\n----------------------------------------",
        "Text that goes on\nfor two lines\n-------------",
        "* an item\n---------",
        "***\n---",
    ],
)
def test_tables_rules_and_items_are_no_headings(lines: str) -> None:
    document = extract(f"Intro\nof it.\n\n{lines}\n\nEnd.\n".encode(), "note.txt")
    assert {(kind, headings) for kind, headings, _ in outline(document)} <= {
        ("prose", ()),
        ("list", ()),
    }


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße aus Köln", "utf-8-sig"),
        ("Grüße aus Köln", "utf-16"),
        ("Grüße aus Köln", "utf-32"),
        ("plain text without a mark", "utf-16-le"),
        ("plain text without a mark", "utf-16-be"),
        ("Müller ging über die Straße", "latin1"),
        ("café naïve résumé “quotes” €", "cp1252"),
        ("Søren, José and Müller", "cp1252"),
        ("日本語のテキストです。検索", "shift_jis"),
        ("日本語のテキストです。検索", "euc_jp"),
        ("日本語のテキストです。検索", "iso2022_jp"),
        ("这是一个关于机器学习的中文文档。", "gb18030"),
        ("Привет, мир! Это короткий текст о кошках.", "koi8_r"),
        ("Быстрая коричневая лиса прыгает", "cp1251"),
        ("Příliš žluťoučký kůň", "cp1250"),
        ("Καλημέρα κόσμε", "iso8859_7"),
    ],
)
def test_text_is_read_in_its_own_encoding(text: str, encoding: str) -> None:
    assert extract(text.encode(encoding), "note.txt").text == text


def test_bytes_that_are_text_in_no_encoding_for_sure_fail() -> None:
    with pytest.raises(FileFailed, match="encoding not recognised"):
        extract("Attività del lunedì".encode("mac_roman"), "note.txt")


def test_utf8_with_a_wrong_byte_keeps_its_other_letters() -> None:
    assert extract(("é" * 40).encode() + b"\xff end", "a.log").text == "é" * 40 + "\ufffd end"


def test_nuls_become_replacement_characters_one_for_one() -> None:
    assert extract(b"text\0with\0nul", "nul.txt").text == "text\ufffdwith\ufffdnul"


# ---- Markdown and reStructuredText ---------------------------------------------------------------

MARKDOWN = b"""---
title: "The Title"  # a comment
author: [Ann, Bob]
date: 2024-05-06
tags:
  - one
  - two
---

# The Title

Intro *text*
goes on.

## Part `one`

- item
- item

  more

```sh
# not a heading
```

Setext
------

| a | b |
|---|---|
| 1 | 2 |

<!-- unseen -->
"""


def test_markdown_has_its_structure_at_exact_offsets() -> None:
    document = extract(MARKDOWN, "a.md")
    assert document.text == MARKDOWN.decode()
    assert document.title == "The Title"
    assert dict(document.metadata) == {
        "author": "Ann; Bob",
        "date": "2024-05-06",
        "tags": "one; two",
    }
    assert outline(document) == [
        ("heading", (), "# The Title"),
        ("prose", (), "Intro *text*\ngoes on."),
        ("heading", (), "## Part `one`"),
        ("list", ("Part one",), "- item\n- item\n\n  more"),
        ("code", ("Part one",), "```sh\n# not a heading\n```"),
        ("heading", (), "Setext\n------"),
        ("table", ("Setext",), "| a | b |\n|---|---|\n| 1 | 2 |"),
    ]


def test_markdown_offsets_hold_with_windows_line_ends() -> None:
    document = extract(b"# A\r\n\r\none\r\ntwo\r\n\r\n## B\r\n\r\nthree\r\n", "a.md")
    assert document.title == "A"
    assert outline(document) == [
        ("heading", (), "# A"),
        ("prose", (), "one\r\ntwo"),
        ("heading", (), "## B"),
        ("prose", ("B",), "three"),
    ]


def test_markdown_whose_first_heading_is_of_level_two_has_no_title() -> None:
    assert extract(b"## B\n\ntext\n\n# A\n\nmore\n", "a.md").title == ""


RST = b"""=====
Title
=====

:Author: Ann

Intro.

Part
====

Example::

    # not a heading

.. a comment
   goes on

.. _target: http://example.org

- item

Sub
---

.. include:: /etc/passwd

Last.
"""


def test_restructured_text_has_its_sections_at_exact_offsets() -> None:
    document = extract(RST, "a.rst")
    assert document.text == RST.decode()
    assert (document.title, dict(document.metadata)) == ("Title", {"author": "Ann"})
    assert outline(document) == [
        ("heading", (), "Title"),
        ("prose", (), ":Author: Ann"),
        ("prose", (), "Intro."),
        ("heading", (), "Part"),
        ("prose", ("Part",), "Example::"),
        ("code", ("Part",), "    # not a heading"),
        ("list", ("Part",), "- item"),
        ("heading", ("Part",), "Sub"),
        ("prose", ("Part", "Sub"), ".. include:: /etc/passwd"),
        ("prose", ("Part", "Sub"), "Last."),
    ]


def test_broken_restructured_text_is_still_read() -> None:
    document = extract(b"A\n===\n\ntext `broken |x\n\n.. nonsense::: \n\n B\n~~\n\nend\n", "a.rst")
    assert document.text[document.blocks[-1].start : document.blocks[-1].end] == "end"


# ---- web pages -----------------------------------------------------------------------------------

SENTENCE = "The quick brown fox jumps over the lazy dog while the band plays on and on. "


def test_a_web_page_gives_its_article_without_menu_and_script() -> None:
    page = f"""<!doctype html><html lang="en"><head><title>Foxes &amp; dogs | Site</title><meta name="author" content="Ann">
    <meta property="article:published_time" content="2024-05-06T07:08:09Z"><script>var hidden = 1</script></head><body>
    <nav><ul><li><a href="/">Home</a></li><li><a href="/x">Products</a></li></ul></nav>
    <article><h1>Foxes &amp; dogs</h1><p>{SENTENCE * 4}</p><h2>Details</h2><p>{SENTENCE * 3}</p></article></body></html>"""
    document = extract(page.encode(), "page.html")
    assert (document.type, document.title, document.has_lines) == ("html", "Foxes & dogs", False)
    assert dict(document.metadata) == {
        "author": "Ann",
        "date": "2024-05-06T07:08:09Z",
        "language": "en",
        "left_out": "menus and links beside the text: 17 characters",
    }
    assert ("prose", ("Details",), (SENTENCE * 3).strip()) in outline(document)
    assert "hidden" not in document.text
    assert "Products" not in document.text


def test_a_page_of_values_loses_none_of_them() -> None:
    page = b"<title>Prices</title><table><tr><th>Item<th>Price<tr><td>Tea<td>3.50<tr><td>Cake<td>4.20</table><p>Note</p>"
    document = extract(page, "prices.html")
    assert outline(document) == [
        ("table", (), "Item | Price\nTea | 3.50\nCake | 4.20"),
        ("prose", (), "Note"),
    ]


def test_a_page_is_decoded_as_it_declares() -> None:
    page = (
        '<html><head><meta charset="iso-8859-1"><title>Café</title></head><body><p>Crème '
        "brûlée</p></body></html>"
    )
    assert extract(page.encode("latin1"), "a.html").text == "Crème brûlée"


def test_a_page_without_a_telling_name_is_known_by_its_start() -> None:
    assert (
        extract(b"<!DOCTYPE html><html><body><p>text</p></body></html>", "download").type == "html"
    )


def test_a_page_nested_too_deep_for_a_tree_still_gives_its_text() -> None:
    depth = 20_000
    assert (
        extract(
            b"<html><body>" + b"<div>" * depth + b"deep text" + b"</div>" * depth, "deep.html"
        ).text
        == "deep text"
    )


LONG = (SENTENCE * 4).strip()


def test_an_ordinary_small_page_keeps_its_headings() -> None:
    page = f"<body><h1>Birds</h1><p>{LONG}</p><h2>Otters</h2><p>{LONG}</p></body>"
    assert outline(extract(page.encode(), "a.html")) == [
        ("heading", (), "Birds"),
        ("prose", (), LONG),
        ("heading", (), "Otters"),
        ("prose", ("Otters",), LONG),
    ]


def test_a_small_page_keeps_questions_definitions_and_captions() -> None:
    page = f"""<section><h1>Otters</h1><p>{LONG}</p></section>
    <div class="x"><h2>Terms</h2><dl><dt>Holt</dt><dd>An otter's den</dd></dl></div>
    <details><summary>Why otters?</summary><p>Because.</p></details><figure><figcaption>A wet otter</figcaption></figure>"""
    texts = [text for _, _, text in outline(extract(page.encode(), "a.html"))]
    assert texts == [
        "Otters",
        LONG,
        "Terms",
        "Holt",
        "An otter's den",
        "Why otters?",
        "Because.",
        "A wet otter",
    ]


def test_a_page_whose_article_loses_a_heading_gives_all_but_its_furniture() -> None:
    page = f"""<body><nav><a href="/">Home</a></nav><div class="sidebar"><h3>Popular</h3></div><h1>Birds</h1><p>{LONG}</p>
    <section class="x"><h2>Otters</h2><p>{LONG}</p></section><footer>Imprint</footer></body>"""
    texts = [text for _, _, text in outline(extract(page.encode(), "a.html"))]
    assert texts == ["Birds", LONG, "Otters", LONG]


@pytest.mark.parametrize(
    ("page", "kind", "text"),
    [
        (
            "<table><tr><th>City<th>People<tr><td>Basel<td>170000</table>",
            "table",
            "City | People\nBasel | 170000",
        ),
        ("<pre>one\n  two</pre>", "code", "one\n  two"),
        (
            "<frameset><noframes><body><p>About <b>moles</b></p></body></noframes></frameset>",
            "prose",
            "About moles",
        ),
    ],
)
def test_a_page_of_one_part_keeps_its_form(page: str, kind: str, text: str) -> None:
    assert outline(extract(page.encode(), "a.html")) == [(kind, (), text)]


def test_anchors_and_invisible_characters_are_in_no_heading_and_no_title() -> None:
    page = """<title>Install\u200b - Tool</title><h1>Install\u200b<a class="headerlink" href="#i">\u00b6</a></h1><p>one</p>
    <h2>Use<a class="hash-link" href="#u">\u200b</a></h2><p>two</p><h2>C#</h2><p>three</p>"""
    document = extract(page.encode(), "a.html")
    assert document.title == "Install"
    assert [text for kind, _, text in outline(document) if kind == "heading"] == [
        "Install",
        "Use",
        "C#",
    ]


# ---- source code ---------------------------------------------------------------------------------


def test_python_is_cut_at_its_definitions() -> None:
    source = (
        b'"""About it."""\n\nimport os\n\n\n# why\n@cache\ndef f():\n    return '
        b"1\n\n\nclass C:\n    x = 1\n\nrun()\n"
    )
    assert outline(extract(source, "a.py")) == [
        ("prose", (), '"""About it."""'),
        ("code", (), "import os"),
        ("code", ("def f",), "# why\n@cache\ndef f():\n    return 1"),
        ("code", ("class C",), "class C:\n    x = 1"),
        ("code", (), "run()"),
    ]


def test_a_long_python_class_is_cut_into_its_methods() -> None:
    body = "".join(f"        x = {number}\n" for number in range(30))
    source = f"class C:\n    y = 1\n\n    def f(self):\n{body}\n    def g(self):\n{body}"
    assert [
        (block.headings, source[block.start : block.start + 12].strip())
        for block in extract(source.encode(), "a.py").blocks
    ] == [
        (("class C",), "class C:"),
        (("class C", "def f"), "def f(se"),
        (("class C", "def g"), "def g(se"),
    ]


@pytest.mark.parametrize(
    ("start", "found"),
    [(b"#!/usr/bin/env python3\n", "py"), (b"#!/bin/bash -e\n", "sh"), (b"", "txt")],
)
def test_a_script_without_an_ending_is_known_by_its_first_line(start: bytes, found: str) -> None:
    assert extract(start + b"x = 1\n", "tool").type == found


# ---- PDF -----------------------------------------------------------------------------------------


def pdf_of(*pages: list[str], title: str = "") -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    if title:
        pdf.set_title(title)
    for lines in pages:
        pdf.add_page()
        for line in lines:
            pdf.cell(text=line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def locked(data: bytes) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt("secret", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_gives_its_paragraphs_with_their_pages() -> None:
    first = [
        "The first line of this paragraph is about as long as",
        "the second one, and it ends a line that hyphen-",
        "ates.",
    ]
    document = extract(pdf_of(first, [], ["Third page."], title="A report"), "a.pdf")
    assert (document.type, document.title, document.has_lines) == ("pdf", "A report", False)
    assert [
        (dict(block.place)["page"], document.text[block.start : block.end])
        for block in document.blocks
    ] == [
        (
            1,
            (
                "The first line of this paragraph is about as long as the second one, and it ends "
                "a "
                "line that hyphenates."
            ),
        ),
        (3, "Third page."),
    ]


@pytest.mark.parametrize("title", ["Microsoft Word - report.doc", "untitled", "report.indd"])
def test_a_title_that_a_program_made_up_is_no_title(title: str) -> None:
    assert extract(pdf_of(["text"], title=title), "a.pdf").title == ""


def test_a_pdf_without_text_says_so() -> None:
    with pytest.raises(FileFailed, match=r"^no text found$"):
        extract(pdf_of([]), "scan.pdf")


def test_an_encrypted_pdf_says_so() -> None:
    with pytest.raises(FileFailed, match="encrypted: needs a password"):
        extract(locked(pdf_of(["secret"])), "a.pdf")


def test_a_broken_pdf_says_so_even_after_an_encrypted_one() -> None:
    with pytest.raises(FileFailed, match="encrypted"):
        extract(locked(pdf_of(["secret"])), "a.pdf")
    with pytest.raises(FileFailed, match="not a readable PDF"):
        extract(b"%PDF-1.7\n" + b"nonsense " * 100, "b.pdf")


def test_a_pdf_that_pdfium_gives_up_on_is_not_called_encrypted_after_one_that_is() -> None:
    sample = SAMPLES / "pdf" / "pdfjs__Brotli-Prototype-FileA.pdf"
    from searchapp.extract.pdf import pdf

    with pytest.raises(FileFailed, match="encrypted"):
        extract(locked(pdf_of(["secret"])), "a.pdf")
    assert pdf._read_by_pdfium(sample.read_bytes()) is None


def test_text_named_pdf_is_read_as_text() -> None:
    assert extract(b"not a pdf", "a.pdf").type == "txt"


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\xef\xbb\xbf \n", b"\xff\xfe \0\n\0"])
def test_a_file_of_white_space_is_skipped_as_empty(data: bytes) -> None:
    with pytest.raises(FileSkipped, match=r"^empty$"):
        extract(data, "a.txt")


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"8BPS" + bytes(50), "wrong.txt", "no reader for images (.psd)"),
        (b"fLaC" + bytes(50), "a.flac", "no reader for audio (.flac)"),
        (bytes(range(256)) * 4, "a.xyz", "no reader for binary files (.xyz)"),
    ],
)
def test_a_type_without_a_reader_is_named_in_words(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(FileSkipped) as caught:
        extract(data, name)
    assert str(caught.value) == reason


def test_content_without_text_fails() -> None:
    with pytest.raises(FileFailed, match="no text found"):
        extract(b"<html><body><script>only()</script></body></html>", "a.html")


# What corpora record, and what their documents are read again for when it changes. Never rename;
# raise a version to redo.
EXTRACTORS = {
    "detect/3": "detector",
    "text/5": "txt",
    "markdown/3": "md",
    "restructured/3": "rst",
    "html/5": "html",
    "pdf/5": "pdf",
    "word/3": "docx",
    "rtf/4": "rtf",
    "legacy/3": "doc ppt",
    "slides/3": "pptx",
    "sheets/5": "xlsx xls xlsb ods",
    "rows/3": "csv tsv",
    "opendocument/4": "odt odp odg",
    "epub/3": "epub",
    "mail/3": "eml msg mhtml mbox",
    "notebook/3": "ipynb",
    "data/5": "json jsonl xml yaml toml ini",
    "plist/1": "plist",
    "markup/4": "tex org adoc",
    "hangul/1": "hwpx",
    "drawings/1": "vsdx",
    "fixed/1": "xps",
    "roff/2": "roff",
    "evernote/2": "enex enml",
    "calendar/2": "ics",
    "contacts/2": "vcf",
    "tnef/1": "tnef",
    "signed/1": "p7m",
    "bibtex/3": "bib",
    "subtitles/2": "srt vtt ass",
    "archive/2": "zip tar gz bz2 xz",
    "image/1": "bmp tiff png jpg webp gif avif",
    "heic/1": "heic",
    "packed/1": "7z rar",
    "iwork/1": "pages numbers key",
    "mobi/2": "mobi",
    "svg/3": "svg",
    "sqlite/1": "sqlite",
    "parquet/1": "parquet",
    "djvu/1": "djvu",
    "code/3": (
        "awk bat c clj cpp cs css cu dart docker el erl ex go groovy h hpp hs java jl js "
        "kt lisp lua m make ml nim php pl proto ps1 py r rb rs scala sh sql swift tcl tf "
        "ts vb vue zig"
    ),
}


@pytest.mark.parametrize(("extractor", "types"), EXTRACTORS.items())
def test_an_extractor_keeps_its_recorded_name(extractor: str, types: str) -> None:
    assert {
        extractor_of(kind).partition("+")[0] for kind in types.split(" ") if kind != "detector"
    } <= {extractor}


def test_every_type_has_a_recorded_extractor() -> None:
    held = {kind for types in EXTRACTORS.values() for kind in types.split(" ")} - {
        "detector",
        "txt",
    }
    assert held == READERS.keys()
    assert extractor_of("") in EXTRACTORS
    assert extractor_of("log") == extractor_of("txt") == "text/5"


LONG_TO_READ = {
    "pdfjs__Brotli-Prototype-FileA.pdf",  # keeps pypdf busy for minutes
    "kreuzberg__ocr_image.jpg",  # seconds of OCR; one picture of the samples shows its blocks
    "docling__ocr_test.pdf",
    "tika__testOCR.jpg",
}


@pytest.mark.slow
def test_blocks_are_in_order_apart_and_within_the_text_for_every_sample() -> None:
    read = 0
    for path in sorted(SAMPLES.rglob("*")):
        if not path.is_file() or path.name in LONG_TO_READ:
            continue
        try:
            document = extract(path.read_bytes(), path.name)
        except FileError:
            continue
        ends = [
            0,
            *(position for block in document.blocks for position in (block.start, block.end)),
            len(document.text),
        ]
        assert ends == sorted(ends), path
        assert all(document.text[block.start : block.end].strip() for block in document.blocks), (
            path
        )
        read += 1
    assert read >= 25
