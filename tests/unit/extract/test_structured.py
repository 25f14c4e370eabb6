"""Notebooks, structured data, markup, subtitles and encodings: exact texts, blocks, places and
metadata.
"""

from __future__ import annotations

import plistlib

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import extract
from searchapp.extract.text import markdown, markup, structured
from searchapp.extract.text import notebook as notebooks
from searchapp.extract.text import subtitles as captions
from searchapp.extract.text.encoding import decode
from searchapp.extract.text.plain import iso_date
from searchapp.extract.web import html
from searchapp.types.documents import Document
from tests.builders.data import cell, laughs, notebook, old_notebook, printed, result, subtitles
from tests.paths import SAMPLES


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


def placed(document: Document) -> list[tuple[tuple[tuple[str, int | str], ...], str]]:
    return [(block.place, document.text[block.start : block.end]) for block in document.blocks]


# ---- notebooks -----------------------------------------------------------------------------------


def test_a_notebook_gives_its_cells_with_their_numbers_and_outputs() -> None:
    made = notebook(
        cell("markdown", "# Otters\n\nAbout *them*."),
        cell(
            "code",
            "print(1)\nf()",
            printed("\x1b[31mred\x1b[0m\n10%\r100%\n"),
            result(text_plain="42", image_png="AAAA"),
        ),
        cell("markdown", "## Part\n\n- one\n- two"),
        cell(
            "code",
            "1 / 0",
            {
                "output_type": "error",
                "ename": "ZeroDivisionError",
                "evalue": "division by zero",
                "traceback": ["\x1b[1mlong"],
            },
        ),
        kernelspec={"language": "python", "name": "python3"},
        authors=[{"name": "Ann"}, {"name": "Bob"}],
    )
    document = notebooks.read(made, "ipynb")
    assert (document.title, dict(document.metadata), document.has_lines) == (
        "Otters",
        {"language": "python", "author": "Ann; Bob"},
        False,
    )
    assert [
        (block.kind, block.headings, block.place, document.text[block.start : block.end])
        for block in document.blocks
    ] == [
        ("heading", (), (("cell", 1),), "Otters"),
        ("prose", (), (("cell", 1),), "About *them*."),
        ("code", (), (("cell", 2),), "print(1)\nf()"),
        ("code", (), (("cell", 2),), "red\n100%"),
        ("code", (), (("cell", 2),), "42"),
        ("heading", (), (("cell", 3),), "Part"),
        ("list", ("Part",), (("cell", 3),), "- one\n- two"),
        ("code", ("Part",), (("cell", 4),), "1 / 0"),
        ("code", ("Part",), (("cell", 4),), "ZeroDivisionError: division by zero"),
    ]


def test_an_output_that_only_names_an_object_is_read_as_the_page_that_shows_it() -> None:
    page = "<table><tr><th>Pool</th></tr><tr><td>Alder</td></tr></table>"
    shown = cell("code", "x", result(text_plain="<Styler at 0x7f>", text_html=page))
    assert notebooks.read(notebook(shown), "ipynb").text == "x\n\nPool\nAlder"


def test_of_a_long_output_the_beginning_is_kept_and_said_so() -> None:
    document = notebooks.read(notebook(cell("code", "x", printed("a" * 2500))), "ipynb")
    assert document.text == "x\n\n" + "a" * 2000 + "\n... (500 more characters of output)"


def test_a_notebook_of_format_3_is_read() -> None:
    code = {
        "cell_type": "code",
        "input": "y = 1",
        "outputs": [{"output_type": "pyout", "text": ["1"]}],
    }
    document = notebooks.read(
        old_notebook({"cell_type": "heading", "level": 2, "source": "Old"}, code), "ipynb"
    )
    assert outline(document) == [
        ("heading", (), "Old"),
        ("code", ("Old",), "y = 1"),
        ("code", ("Old",), "1"),
    ]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b"[]", "no cells"),
        (b'{"cells": 3}', "no cells"),
        (b'{"cells": [', "no JSON"),
    ],
)
def test_a_broken_notebook_says_so(made: bytes, reason: str) -> None:
    with pytest.raises(FileFailed, match=f"not a readable notebook: .*{reason}"):
        notebooks.read(made, "ipynb")


def test_a_notebook_with_nonsense_in_its_cells_gives_what_is_text() -> None:
    made = b"""{"cells": [3, null, {"cell_type": "code", "source": {"a": 1}, "outputs": 7}, {"cell_type": "raw", "source": "kept"}],
    "metadata": []}"""
    assert placed(notebooks.read(made, "ipynb")) == [((("cell", 4),), "kept")]


# ---- JSON ----------------------------------------------------------------------------------------

LAID_OUT = b"""{
  "title": "Zoo",
  "owner": {"name": "Anna", "tags": ["a", "b"], "none": null},
  "animals": [
    {"name": "B\\u00e4r", "food": [{"kind": "fish"}, {"kind": "honey"}]},

    {"name": "Otter", "wet": true}
  ],
  "total": 2
}
"""


def test_json_is_read_by_records_with_their_lines() -> None:
    document = structured.read(LAID_OUT, "json")
    assert (document.title, document.has_lines) == ("Zoo", False)
    assert placed(document) == [
        ((("line", 2),), "title: Zoo"),
        ((("line", 3),), "owner.name: Anna\nowner.tags: a, b"),
        ((("line", 5),), "animals.name: Bär\nanimals.food.kind: fish, honey"),
        ((("line", 7),), "animals.name: Otter\nanimals.wet: true"),
        ((("line", 9),), "total: 2"),
    ]


def test_json_on_one_line_gives_the_same_text_without_lines() -> None:
    one_line = b" ".join(LAID_OUT.split())
    assert structured.read(one_line, "json").text == structured.read(LAID_OUT, "json").text
    assert {block.place for block in structured.read(one_line, "json").blocks} == {()}


def test_a_long_record_takes_several_parts_each_with_its_own_line() -> None:
    made = "{" + ",\n".join(f'"k{n}": "{"x" * 100}"' for n in range(20)) + "}"
    assert [block.place for block in structured.read(made.encode(), "json").blocks] == [
        (("line", 1),),
        (("line", 11),),
    ]


def test_json_that_is_not_well_formed_is_read_as_text_with_its_lines() -> None:
    document = structured.read(b'{"a": 1, // why\n}\n\nmore\n', "json")
    assert (document.has_lines, outline(document)) == (
        True,
        [("prose", (), '{"a": 1, // why\n}'), ("prose", (), "more")],
    )


def test_json_nested_without_end_is_read_or_found_empty() -> None:
    assert structured.read(b"[" * 20_000 + b"]" * 20_000, "json").text == ""
    assert (
        structured.read(b'{"k":' * 10_000 + b'"deep"' + b"}" * 10_000, "json").text
        == "k.k.k.k.k.k.k.k: deep"
    )


def test_json_lines_give_a_row_each() -> None:
    document = structured.read(b'{"a": 1, "b": {"c": "x\\ny"}}\n\nno json\n["q", 2]\n', "jsonl")
    assert document.text == "a: 1 | b.c: x y\nno json\nq | 2"
    assert [block.place for block in document.blocks] == [
        (("row", 1),),
        (("row", 3),),
        (("row", 4),),
    ]


def test_json_lines_that_are_one_json_are_read_as_json() -> None:
    assert structured.read(b'{\n"a": 1\n}\n', "jsonl").text == "a: 1"


# ---- XML -----------------------------------------------------------------------------------------


def test_xml_of_records_gives_each_its_fields_together() -> None:
    made = b"""<?xml version="1.0"?>
<catalog xml:lang="en"><!-- unseen -->
<book id="bk1"><title>Otters</title><price>4.95</price><about>A <b>wet</b>
 book.</about></book>
<book id="bk2"><title>Rain</title></book>
</catalog>"""
    document = structured.read(made, "xml")
    assert (document.title, dict(document.metadata)) == ("", {"language": "en"})
    assert placed(document) == [
        (
            (("line", 3),),
            "book.id: bk1\nbook.title: Otters\nbook.price: 4.95\nbook.about: A wet\nbook.",
        ),
        ((("line", 5),), "book.id: bk2\nbook.title: Rain"),
    ]


def test_a_feed_gives_its_items_without_markup() -> None:
    made = b"""<rss version="2.0"><channel><title>News</title>
    <item><title>One</title><description>&lt;p&gt;Hello &lt;b&gt;you&lt;/b&gt;&lt;/p&gt;</description></item></channel></rss>"""
    document = structured.read(made, "xml")
    assert document.title == "News"
    assert placed(document) == [
        ((("line", 1),), "title: News"),
        ((("line", 2),), "title: One\ndescription: Hello you"),
    ]


def test_docbook_gives_its_sections_and_running_text_is_not_cut_at_inline_tags() -> None:
    made = b"""<book xmlns="http://docbook.org/ns/docbook"><info><title>My Book</title></info><chapter><title>One</title>
    <para>Hello <emphasis>big</emphasis>&nbsp;world.</para><section><title>Sub</title><programlisting>a = 1
  b</programlisting><itemizedlist><listitem><para>i</para></listitem><listitem><para>j</para></listitem></itemizedlist></section></chapter></book>"""
    document = structured.read(made, "xml")
    assert document.title == "My Book"
    assert outline(document) == [
        ("heading", (), "My Book"),
        ("heading", (), "One"),
        ("prose", ("One",), "Hello big world."),
        ("heading", ("One",), "Sub"),
        ("code", ("One", "Sub"), "a = 1\n  b"),
        ("list", ("One", "Sub"), "- i\n- j"),
    ]


def test_a_tei_text_gives_names_within_its_paragraphs() -> None:
    made = b"""<TEI><teiHeader><fileDesc><titleStmt><title>Poems</title></titleStmt></fileDesc></teiHeader><text><body><div>
    <head>First</head><p>Hi <persName>Bob</persName>, <hi>you</hi>.</p><lg><l>line one</l><l>line two</l></lg></div></body></text></TEI>"""
    assert [text for _, _, text in outline(structured.read(made, "xml"))] == [
        "Poems",
        "First",
        "Hi Bob, you.",
        "line one",
        "line two",
    ]


def test_entities_within_entities_are_never_expanded() -> None:
    with pytest.raises(FileFailed, match="no text: only entities, which are not expanded"):
        structured.read(laughs(), "xml")
    inner = b'<!DOCTYPE l [<!ENTITY e "lol">]><l><a of="x&e;y"/>one &e; two</l>'
    assert structured.read(inner, "xml").text.split("\n")[-1] == "one lol two"
    many = f'<!DOCTYPE l [<!ENTITY e "{"lol " * 70}">]><l>{"&e; " * 9000}</l>'
    assert len(structured.read(many.encode(), "xml").text) < 1_100_000
    foreign = b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/hostname">]><l>start &x; end</l>'
    assert structured.read(foreign, "xml").text == "start end"


def test_xml_that_is_none_or_broken_or_too_deep_still_gives_its_text() -> None:
    assert structured.read(b"no xml\n\nat all\n", "xml").has_lines
    assert structured.read(b"<l>not <b>closed", "xml").text == "not closed"
    assert structured.read(b"<a>" * 5000 + b"deep" + b"</a>" * 5000, "xml").text == "deep"


def test_xml_is_decoded_as_it_declares() -> None:
    assert (
        structured.read(
            '<?xml version="1.0" encoding="iso-8859-1"?><l>Café</l>'.encode("latin1"), "xml"
        ).text
        == "Café"
    )


# ---- YAML, TOML, INI -----------------------------------------------------------------------------


def test_yaml_is_cut_at_its_top_level_keys_with_the_comments_above_them() -> None:
    made = (
        b"title: 'A thing'\n# why\ndeps:\n  - a\nlist:\n- x\n- y\n---\n- name: one\n  at: "
        b"1\n- name: two\n"
    )
    document = structured.read(made, "yaml")
    assert (document.title, document.text, document.has_lines) == ("A thing", made.decode(), True)
    assert [text for _, _, text in outline(document)] == [
        *("title: 'A thing'", "# why\ndeps:\n  - a", "list:\n- x\n- y"),
        *("- name: one\n  at: 1", "- name: two"),
    ]


def test_a_long_key_of_yaml_is_cut_at_the_keys_within_it() -> None:
    made = "paths:\n" + "".join(f"  /p{n}:\n    x: {n}\n" for n in range(20))
    assert outline(structured.read(made.encode(), "yaml"))[:3] == [
        ("heading", (), "paths:"),
        ("code", ("paths",), "  /p0:\n    x: 0"),
        ("code", ("paths",), "  /p1:\n    x: 1"),
    ]


@pytest.mark.parametrize(
    ("made", "kind", "name"),
    [
        (b"# c\na = 1\n\n[tool.x]\nb = [\n [1],\n]\n\n# z\n", "toml", "tool.x"),
        (b"; c\n\n[My part] ; n\nc=3\n", "ini", "My part"),
    ],
)
def test_sections_are_heading_paths(made: bytes, kind: str, name: str) -> None:
    document = structured.read(made, kind)
    assert document.text == made.decode()
    assert [(each, path) for each, path, _ in outline(document)][:3] == [
        ("code", ()),
        ("heading", ()),
        ("code", (name,)),
    ]


# ---- LaTeX, Org, AsciiDoc ------------------------------------------------------------------------

TEX = rb"""\documentclass{article}
\title{On \emph{Otters} \& Co.\thanks{x}}
\author{Ann M\"uller \and Bob}
\date{May 6, 2024}
\begin{document}
\maketitle
\section{Start}\label{s}
Hello.
% hidden
\begin{itemize}
\item one
\end{itemize}
\subsection*{Caf\'e}
\begin{verbatim}
# code

x
\end{verbatim}
\begin{tabular}{ll}
a & b
\end{tabular}
\section{End}
Bye.
\end{document}
junk
"""


def test_latex_has_its_sections_and_leaves_the_preamble_out() -> None:
    document = markup.read(TEX, "tex")
    assert (document.title, dict(document.metadata)) == (
        "On Otters & Co.",
        {"author": "Ann Müller; Bob", "date": "2024-05-06"},
    )
    assert document.text == TEX.decode().replace("Caf\\'e", "Café")
    assert outline(document) == [
        ("heading", (), "\\section{Start}\\label{s}"),
        ("prose", ("Start",), "Hello."),
        ("list", ("Start",), "\\item one"),
        ("heading", ("Start",), "\\subsection*{Café}"),
        ("code", ("Start", "Café"), "# code\n\nx"),
        ("table", ("Start", "Café"), "a & b"),
        ("heading", (), "\\section{End}"),
        ("prose", ("End",), "Bye."),
    ]


def test_latex_without_a_document_is_all_body() -> None:
    assert outline(markup.read(b"\\chapter{One}\ntext\n", "tex")) == [
        ("heading", (), "\\chapter{One}"),
        ("prose", ("One",), "text"),
    ]


ORG = b"""#+TITLE: My notes
#+AUTHOR: Ann
#+DATE: <2024-05-06 Mon>
#+FILETAGS: :a:b:
# comment
* TODO [#A] First task :work:
SCHEDULED: <2024-01-01>
:PROPERTIES:
:ID: 1
:END:
Body.
- item
  more
** [[http://x][Sub]]
#+BEGIN_SRC python
print(1)

* no heading
#+END_SRC
| a | b |
|---+---|
"""


def test_org_has_its_headings_without_their_states_and_tags() -> None:
    document = markup.read(ORG, "org")
    assert (document.title, dict(document.metadata)) == (
        "My notes",
        {"author": "Ann", "date": "2024-05-06", "tags": "a; b"},
    )
    assert outline(document) == [
        ("heading", (), "* TODO [#A] First task :work:"),
        ("prose", ("First task",), "Body."),
        ("list", ("First task",), "- item\n  more"),
        ("heading", ("First task",), "** [[http://x][Sub]]"),
        ("code", ("First task", "Sub"), "print(1)\n\n* no heading"),
        ("table", ("First task", "Sub"), "| a | b |"),
    ]


ADOC = b"""= My Title
Ann Lee <a@b.c>; Bob Ray
v1.0, 2024-05-06
:keywords: x, y

Before.

// comment
== One *bold*
[source,python]
----
x = 1

----
|===
|a |b
|===
* item
////
hidden
////
"""


def test_asciidoc_has_its_header_headings_listings_and_tables() -> None:
    document = markup.read(ADOC, "adoc")
    assert (document.title, dict(document.metadata)) == (
        "My Title",
        {"author": "Ann Lee; Bob Ray", "date": "2024-05-06", "tags": "x; y"},
    )
    assert outline(document) == [
        ("heading", (), "= My Title"),
        ("prose", (), "Before."),
        ("heading", (), "== One *bold*"),
        ("code", ("One bold",), "x = 1"),
        ("table", ("One bold",), "|a |b"),
        ("list", ("One bold",), "* item"),
    ]


# ---- subtitles -----------------------------------------------------------------------------------


def test_cues_are_joined_to_sentences_with_the_time_of_the_first() -> None:
    document = captions.read(
        subtitles(
            (1, "<i>One</i> {\\an8}two"), (2, "three."), (3662, "- Four\n\nfive"), (3663, "- Six")
        ),
        "srt",
    )
    assert placed(document) == [
        ((("time", "0:00:01"),), "One two three."),
        ((("time", "1:01:02"),), "- Four five"),
        ((("time", "1:01:03"),), "- Six"),
    ]


def test_web_captions_lose_notes_styles_and_the_lines_that_roll_up() -> None:
    head = b"WEBVTT - My talk\nLanguage: en\n\nSTYLE\n::cue {}\n\nNOTE unseen\n\n"
    made = subtitles(
        (1, "<v Bob>Hello <c.x>you</c>"),
        (2, "Bob: Hello you\nmy &amp; friend"),
        (3, "my &amp; friend\nhere."),
        web=True,
    )
    document = captions.read(head + made.removeprefix(b"WEBVTT\n\n"), "vtt")
    assert (document.title, dict(document.metadata)) == ("My talk", {"language": "en"})
    assert placed(document) == [((("time", "0:00:01"),), "Bob: Hello you my & friend here.")]


def test_a_file_without_a_cue_is_no_subtitles() -> None:
    with pytest.raises(FileFailed, match="not readable subtitles"):
        captions.read(b"text only\n", "srt")


# ---- Markdown's front matter ---------------------------------------------------------------------


def test_all_of_yaml_front_matter_is_metadata() -> None:
    made = b"""---
title: "A: b"
authors: [{name: Ann, mail: a@b.c}, Bob]
date: 6 May 2024
lang: en
keywords: x, y
categories:
  - y
  - z
draft: true
params: {toc: 3}
flow: [a,
b
]
---
text
"""
    document = markdown.read(made, "md")
    assert (document.title, outline(document)) == ("A: b", [("prose", (), "text")])
    assert dict(document.metadata) == {
        "author": "Ann; Bob",
        "date": "2024-05-06",
        "language": "en",
        "tags": "x; y; z",
        "draft": "true",
        "params.toc": "3",
        "flow": "a; b",
    }


def test_toml_front_matter_is_metadata() -> None:
    document = markdown.read(
        b'+++\ntitle = "T"\ndate = 2024-05-06\ntags = ["a", "b"]\n+++\nhi\n', "md"
    )
    assert (document.title, dict(document.metadata), outline(document)) == (
        "T",
        {"date": "2024-05-06", "tags": "a; b"},
        [("prose", (), "hi")],
    )


@pytest.mark.parametrize("value", ["*x", "[" * 5000, "!!python/object/apply:os.system [ls]"])
def test_front_matter_that_could_grow_or_run_is_read_line_by_line(value: str) -> None:
    assert (
        markdown.read(f"---\na: &x [1]\nb: {value}\n---\nhi\n".encode(), "md").metadata["a"]
        == "&x [1]"
    )


def test_rules_around_a_text_are_no_front_matter() -> None:
    assert outline(markdown.read(b"---\n\nJust a text\n\n---\n", "md")) == [
        ("prose", (), "Just a text")
    ]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-05-06 07:08", "2024-05-06T07:08"),
        ("May 6, 2024", "2024-05-06"),
        ("06.05.2024", "2024-05-06"),
        ("May 2024", "2024-05"),
        ("Spring 2024", "2024"),
        ("2023 or 2024", ""),
        ("soon", ""),
    ],
)
def test_a_date_is_normalised_as_far_as_it_is_told(text: str, date: str) -> None:
    assert iso_date(text) == date


# ---- all of a page -------------------------------------------------------------------------------


def test_the_parts_of_a_page_are_all_that_is_visible() -> None:
    made = "<nav>menu</nav><h2>Head</h2><p>a<br>b</p><ul><li>x</ul><table><tr><td>1<td>2</table><script>no</script>"
    assert [(part.kind, part.level, part.text) for part in html.page_parts(made)] == [
        ("prose", 0, "menu"),
        ("heading", 2, "Head"),
        ("prose", 0, "a\nb"),
        ("list", 0, "- x"),
        ("table", 0, "1 | 2"),
    ]
    assert html.page_parts(b"") == []


def test_all_authors_and_keywords_of_a_page_are_metadata() -> None:
    made = b"""<meta name="citation_author" content="Ann"><meta name="citation_author" content="Bob"><meta name="keywords" content="x, y">
    <meta name="date" content="May 6, 2024"><p>text</p>"""
    assert dict(html.read(made, "html").metadata) == {
        "author": "Ann; Bob",
        "date": "2024-05-06",
        "tags": "x; y",
    }


# ---- encodings -----------------------------------------------------------------------------------

JAPANESE = "これは検索のための文書です。猫と犬について書かれています。"
NAMES = "名前,年齢\n佐藤太郎,30,東京"
CHINESE = "这是一个关于机器学习的中文文档。我们在这里说明它的用法。"
TRADITIONAL = "這是一個關於機器學習的中文文件。我們在這裡說明它的用法。"
KOREAN = "이것은 검색을 위한 짧은 문서입니다. 고양이와 개에 대한 이야기."
RUSSIAN = "Это текст о кошках и собаках, которые живут в большом доме у реки. "
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy, když večer přišel domů. "


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *[
            (text, encoding)
            for encoding in ("cp932", "euc_jp")
            for text in ("会議の議事録", JAPANESE, JAPANESE * 50)
        ],
        (NAMES, "cp932"),
        *[
            (text, "gb18030")
            for text in ("你好，世界", "姓名,年龄\n张三,30\n李四,25", CHINESE, CHINESE * 50)
        ],
        *[(text, "big5") for text in ("臺北市中正區重慶南路", TRADITIONAL, TRADITIONAL * 50)],
        *[(text, "euc_kr") for text in ("안녕하세요 세계", KOREAN, KOREAN * 50)],
        *[(RUSSIAN * count, encoding) for encoding in ("koi8_r", "cp1251") for count in (1, 20)],
        *[(CZECH * count, "cp1250") for count in (1, 20)],
        ("会议记录", "gb18030"),
        ("회의록", "euc_kr"),
        ("мама мыла раму", "koi8_r"),
        ("мама мыла раму", "cp1251"),
        ("שלום עולם", "cp1255"),
    ],
)
def test_short_and_long_texts_are_read_in_their_own_encoding(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("カタカナ", "euc_jp"),
        (NAMES, "euc_jp"),
        ("Attività del lunedì", "mac_roman"),
        ("Sözleşmenin eki", "cp1254"),
    ],
)
def test_bytes_that_several_encodings_explain_are_refused(text: str, encoding: str) -> None:
    with pytest.raises(FileFailed, match="encoding not recognised"):
        decode(text.encode(encoding))


# ---- samples -------------------------------------------------------------------------------------


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def test_the_sample_notebook_gives_its_cells() -> None:
    document = notebooks.read(sample("ipynb/markitdown__test_notebook.ipynb"), "ipynb")
    assert document.title == "Test Notebook"
    assert [number for block in document.blocks for _, number in block.place] == [
        1,
        2,
        2,
        3,
        4,
        4,
        5,
    ]


def test_the_hostile_samples_are_harmless() -> None:
    assert structured.read(sample("made/deep.json"), "json").text == ""
    assert structured.read(sample("made/xxe.xml"), "xml").text == "start end"
    with pytest.raises(FileFailed, match="only entities"):
        structured.read(sample("made/billion_laughs.xml"), "xml")


def test_the_samples_in_shift_jis_are_read() -> None:
    assert decode(sample("made/shiftjis.txt")) == "日本語のテキストです。検索"
    assert decode(sample("csv/markitdown__test_mskanji.csv")).split() == [
        "名前,年齢,住所",
        "佐藤太郎,30,東京",
        "三木英子,25,大阪",
        "髙橋淳,35,名古屋",
    ]


# ---- works, and lines of dialogue ----------------------------------------------------------------


def test_latex_shows_letters_and_no_comment_and_keeps_its_lines() -> None:
    source = (
        'Die Fu\\ss g\\"anger gingen \\emph{lang}sam. Caf\\\'e na{\\"\\i}ve \\oe uvre. % hidden\r\n'
        "\r\n50\\% of \\c{c} and \\v{s} at \\url{http://a.b/c%20d} \\cite{moss}\r\n"
    )
    document = markup.read(source.encode(), "tex")
    assert document.text == (
        "Die Fußgänger gingen langsam. Café naïve œuvre. \r\n"
        "\r\n50% of ç and š at \\url{http://a.b/c%20d} \\cite{moss}\r\n"
    )


def test_a_list_of_works_has_a_part_an_entry_and_keeps_what_is_broken() -> None:
    source = (
        '@string{jr = "Journal of Reeds"}\n'
        "@article{moss, title = {The {R}eeds}, author = {Ida Moss and M{\\o}rk, {\\AA}sa},\n"
        "  journal = jr, url = {http://a.b/c_d~e}}\n"
        "@misc{x, title = {No end\n"
    )
    document = extract(source.encode(), "works.bib")
    moss = (
        "moss (article)\nauthor: Ida Moss; Mørk, Åsa\ntitle: The Reeds\n"
        "journal: Journal of Reeds\nurl: http://a.b/c_d~e"
    )
    shown = [document.text[block.start : block.end] for block in document.blocks]
    assert shown == [moss, "@misc{x, title = {No end"]
    assert [block.place for block in document.blocks] == [(("line", 2),), (("line", 4),)]


def test_values_that_a_sign_joins_are_one() -> None:
    source = (
        '@string{jq = "Journal of " # {Quays}}\n'
        '@article{moss, author = "Moss, Ida" # " and " # {Lund, Per},\n'
        '  title = {The #1 } # "reed {"}beds{"}", journal = JQ # " (B)", month = 3 # "~" # mar}\n'
    )
    assert extract(source.encode(), "works.bib").text == (
        'moss (article)\nauthor: Moss, Ida; Lund, Per\ntitle: The #1 reed "beds"\n'
        "journal: Journal of Quays (B)\nmonth: 3 mar"
    )


@pytest.mark.parametrize(
    "declared", ["\\usepackage[ngerman]{babel}", '% einf"ugen, m"ussen, k"onnen']
)
def test_shorthands_of_german_are_letters(declared: str) -> None:
    source = (
        f'{declared}\n\\begin{{document}}\n\\section{{Stra"sen und "Acker}}\n'
        'Der "`gro"se"\' M"uller geht "uber Nord"= und Ost"-see.\n'
        '\\begin{verbatim}\nprint("a")\n\\end{verbatim}\n\\end{document}\n'
    )
    document = extract(source.encode(), "a.tex")
    shown = [document.text[block.start : block.end] for block in document.blocks]
    assert shown[1:] == ["Der „große“ Müller geht über Nord- und Ostsee.", 'print("a")']
    assert document.blocks[1].headings == ("Straßen und Äcker",)


def test_quotation_marks_of_other_languages_stay() -> None:
    source = '\\usepackage[english]{babel}\n\\begin{document}\nAn "apple" a "so-so" day.\n'
    assert 'An "apple" a "so-so" day.' in extract(source.encode(), "a.tex").text


def test_substation_subtitles_are_their_dialogue_in_the_order_of_time() -> None:
    source = (
        "[Script Info]\nTitle: Weir\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, Text\n"
        "Dialogue: 0,0:00:03.00,0:00:05.00,Main,Ida,{\\i1}The eel{\\i0} trap,\\Nis\\hempty.\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,Main,,First words.\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,Main,,{\\p1}m 0 0 l 1 1\n"
    )
    document = extract(source.encode(), "weir.ass")
    assert (document.title, document.text) == ("Weir", "First words.\nIda: The eel trap, is empty.")


@pytest.mark.parametrize("form", [plistlib.FMT_XML, plistlib.FMT_BINARY])
def test_a_property_list_is_read_by_its_names_without_its_bytes(form: plistlib.PlistFormat) -> None:
    value = {"Title": "Ferry", "Items": ["Oars", {"Note": "Tarred"}], "Icon": b"x" * 300}
    document = extract(plistlib.dumps(value, fmt=form), "a.plist")
    assert document.type == "plist"
    assert set(document.text.split("\n")) >= {"Title: Ferry", "Items: Oars", "Items.Note: Tarred"}
    assert "Icon" not in document.text


def test_a_property_list_that_is_none_is_read_as_text() -> None:
    assert extract(b"{ Title = Ferry; }", "a.plist").text == "{ Title = Ferry; }"


def test_an_accent_over_a_dotless_letter_takes_the_space_after_it() -> None:
    source = r"\documentclass{article}\begin{document}" + "\n" + r"na\"\i ve, na\'{\i}ve" + "\n"
    assert "naïve, naíve" in extract(source.encode(), "a.tex").text


def test_the_parts_of_a_name_stand_together_and_name_who_wrote_the_text() -> None:
    source = (
        "<FictionBook><description><title-info><author><last-name>Moss</last-name>"
        "<first-name>Ida</first-name></author><book-title>Reeds</book-title></title-info>"
        "<document-info><author><first-name>Per</first-name><last-name>Lund</last-name></author>"
        "</document-info></description><body><p>The bittern booms.</p></body></FictionBook>"
    )
    document = extract(source.encode(), "reeds.fb2")
    assert document.text == "Ida Moss\n\nReeds\n\nPer Lund\n\nThe bittern booms."
    assert document.metadata["author"] == "Ida Moss"


def test_words_that_are_slanted_within_others_lose_all_commands() -> None:
    source = "\\begin{document}\nA \\textbf{bold and \\emph{slanted \\texttt{typed}}} word.\n"
    assert "A bold and slanted typed word." in extract(source.encode(), "a.tex").text


def test_what_a_source_switches_off_is_unseen_and_signs_are_what_they_print() -> None:
    source = (
        "\\begin{document}\nSeen.\n\\iffalse\nOff.\n\\fi\nOn $\\alpha$, 7\\,\\texteuro, \\S 4.\n"
        "\\iffalse Off. \\fi\nLast.\n"
    )
    document = extract(source.encode(), "a.tex")
    assert [document.text[block.start : block.end] for block in document.blocks] == [
        "Seen.",
        "On $α$, 7\\,€, §4.",
        "Last.",
    ]


def test_entities_that_stand_for_words_are_read_and_line_breaks_part_words() -> None:
    declared = (
        "<!ENTITY mill 'the old &#109;ill'><!ENTITY two '&mill;'><!ENTITY file SYSTEM 'a.txt'>"
    )
    source = f"<!DOCTYPE book [{declared}]><book><para>See <b>&mill;</b>,<lb/>not &two;&file;.</para></book>"
    assert extract(source.encode(), "a.xml").text == "See the old mill,\nnot ."


def test_an_outline_is_read_without_the_markup_in_it() -> None:
    source = "<opml><body><outline text='Tar &lt;b&gt;the slip&lt;/b&gt;'/></body></opml>"
    assert extract(source.encode(), "a.opml").text == "body.text: Tar the slip"
