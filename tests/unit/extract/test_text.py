"""No word is lost in silence: in made-up texts of every markup format each visible word is in a
block, the title, a heading or metadata.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchapp.errors import FileFailed
from searchapp.extract.entries import extract
from searchapp.extract.text import markdown
from searchapp.extract.text.encoding import decode
from searchapp.types.documents import Document
from tests.effort import examples

PIECES = {  # "@" is a word that a reader sees
    "md": [
        "# @ @",
        "## @ [@](http://x.org) `@`",
        "@\n===",
        "@ @\n@ *@*",
        "- @\n- @\n  @\n\n  @",
        "1. @\n2) @",
        "> @\n> @",
        "> [@]: /x",
        "```\n@\n```",
        "    @ @",
        "| @ | @ |\n|---|---|\n| @ | @ |",
        "[^1]: @",
        "[^1]: @ @ @",
        '[@]: http://x.org "@"',
        "<div>@</div>",
        "![@](x.png)",
        "@ [^1] @",
        "***\n\n@",
        "~~~\n@",
        "<details>\n<summary>@</summary>\n\n@\n\n</details>",
        "- [ ] @\n- [x] @",
        "@\n: @",
        "## < @",
    ],
    "rst": [
        "@\n===",
        "@ @\n~~~~~~~~~~~~~~~~~~~~~~~~~",
        "@ @\n@",
        "- @\n- @\n\n  @",
        "1. @",
        "@::\n\n    @\n\n    @",
        ".. note:: @\n   @",
        ".. note::\n\n   @",
        ".. [1] @",
        ".. |@| replace:: @",
        ".. |@| image:: x.png\n   :alt: @",
        ".. _x:\n@ @",
        ".. _x: http://x.org\n.. [2] @",
        ".. code-block:: py\n\n   @",
        "@\n   @ @",
        ":@: @",
        "=====  =====\n@      @\n=====  =====\n@      @\n=====  =====",
        "+------+\n| @    |\n+------+",
        ">>> @\n@",
        "| @\n| @",
        "----------\n\n@",
        "..\n\n   @",
        ".. figure:: x.png\n\n   @\n\n   @",
        ".. image:: x.png\n   :alt: @",
    ],
    "tex": [
        r"\section{@ @}",
        r"\subsection*{@}",
        "@ @\n@",
        "\\begin{itemize}\n\\item @\n\\item @ @\n\\end{itemize}",
        "\\begin{verbatim}\n@\n\\end{verbatim}",
        "\\begin{tabular}{ll}\n@ & @ \\\\\n\\hline\n@ & @\n\\end{tabular}",
        r"\emph{@} @ \textbf{@}",
        r"\paragraph{@} @",
        r"@\footnote{@ @}",
        r"\caption{@}",
        "\\begin{quote}\n@\n\\end{quote}",
        "\\begin{equation}\n@\n\\end{equation}",
        r"\noindent @",
        r"\item[@] @",
        r"\begin{abstract} @ \end{abstract}",
        r"\begin{tabular}{l} @ \end{tabular}",
    ],
    "org": [
        "* @ @",
        "** TODO @ :@:",
        "@ @\n@",
        "- @\n- @\n  @",
        "1) @",
        "#+begin_src sh\n@\n#+end_src",
        "#+BEGIN_QUOTE\n@\n#+END_QUOTE",
        "| @ | @ |\n|---+---|\n| @ | @ |",
        ": @",
        "[[http://x.org][@]]",
        "[fn:1] @ @",
        "- @ :: @",
        "#+CAPTION: @",
        "#+begin_example\n@\n#+end_example",
        ":NOTES:\n@\n:END:",
        "#+begin_verse\n@\n#+end_verse",
    ],
    "adoc": [
        "== @ @",
        "=== @",
        "@ @\n@",
        "* @\n** @",
        ". @",
        "----\n@\n----",
        "....\n@\n....",
        "|===\n| @ | @\n\n| @\n| @\n|===",
        "NOTE: @",
        "[NOTE]\n====\n@\n====",
        "@:: @",
        "____\n@\n____",
        ".@\n----\n@\n----",
        "http://x.org[@]",
        "image::x.png[@]",
        "|===\n|@\n|===",
        "<1> @",
        "****\n@\n****",
    ],
    "yaml": [
        "k@: @",
        "k@:\n  a: @\n  b: [@, @]",
        "k@: |\n  @\n  @",
        "k@:\n  - @\n  - a: @\n    b: @",
        'k@: "@"',
        "k@: {a: @}",
        "---\nk@: @",
        "\"k@\": '@'",
    ],
    "toml": [
        'k@ = "@"',
        '[s@]\nk = "@"',
        '[[s@]]\nk = ["@", "@"]',
        "[s@.t@]\nk = '''\n@\n\n@\n'''",
        'k@ = {a = "@"}',
    ],
}


def numbered(pieces: list[str], between: str) -> tuple[str, list[str]]:
    """The pieces as one text with a different word for each mark, and the words."""
    first, *others = between.join(pieces).split("@")
    words = [f"w{number}q" for number in range(len(others))]
    return first + "".join(word + other for word, other in zip(words, others, strict=True)), words


def found_text(document: Document) -> str:
    blocks = (document.text[block.start : block.end] for block in document.blocks)
    headings = (name for block in document.blocks for name in block.headings)
    return "\n".join([document.title, *blocks, *headings, *document.metadata.values()])


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(PIECES))
@given(data=st.data())
@settings(max_examples=examples(40), deadline=None)
def test_every_visible_word_is_found(kind: str, data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.sampled_from(PIECES[kind]), min_size=1, max_size=7))
    text, words = numbered(pieces, "\n\n")
    found = found_text(extract(text.encode(), f"a.{kind}"))
    assert [word for word in words if word not in found] == [], text


def outline(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (block.kind, block.headings, document.text[block.start : block.end])
        for block in document.blocks
    ]


def test_footnotes_and_link_definitions_of_markdown_are_in_a_passage() -> None:
    made = (
        b"# A\n\nText[^1].\n\n[^1]: Footnote\n[spec]: http://example.org/x 'The "
        b"specification'\n\n## B\n\nMore.\n"
    )
    assert outline(extract(made, "a.md")) == [
        ("heading", (), "# A"),
        ("prose", (), "Text[^1]."),
        ("prose", (), "[^1]: Footnote\n[spec]: http://example.org/x 'The specification'"),
        ("heading", (), "## B"),
        ("prose", ("B",), "More."),
    ]


def test_a_notebooks_footnote_is_among_its_parts() -> None:
    assert [part.text for part in markdown.parts("Text[^1].\n\n[^1]: Footnote", ())] == [
        "Text[^1].",
        "[^1]: Footnote",
    ]


def test_a_sign_at_the_start_of_a_heading_is_no_tag() -> None:
    assert extract(b"# < 5 minutes\n\ntext\n", "a.md").title == "< 5 minutes"


def test_what_stands_right_below_a_target_or_comment_of_restructured_text_is_seen() -> None:
    made = (
        b".. _target:\nSeen.\n\n.. |name| replace:: Substitute\n\n.. a comment\n   goes "
        b"on\n\n..\n\n   Quoted.\n"
    )
    assert [text for _, _, text in outline(extract(made, "a.rst"))] == [
        "Seen.",
        ".. |name| replace:: Substitute",
        "   Quoted.",
    ]


def test_several_values_of_a_field_of_restructured_text_are_joined() -> None:
    made = (
        b"T\n=\n\n:Authors: Ann; Bob\n:Date: 6 May 2024\n:Keywords: one, two\n  "
        b"three\n:Language: en\n\nText.\n"
    )
    assert dict(extract(made, "a.rst").metadata) == {
        "author": "Ann; Bob",
        "date": "2024-05-06",
        "tags": "one; two; three",
        "language": "en",
    }


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r"])
@pytest.mark.parametrize(
    "text",
    ["Договор поставки", "Счёт на оплату", "Иванов Иван", "Заявление", "Техническое задание"],
)
def test_a_short_russian_title_is_read(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *[(text, "cp1253") for text in ("Λίστα αγορών", "Συμβαση πωλησης", "Δευτερα")],
        *[(text, "cp1255") for text in ("חוזה אספקה", "רשימת קניות")],
        ("Договор поставки", "iso8859_5"),
        ("Alışveriş listesi", "cp1254"),
        ("Заявление", "mac_cyrillic"),
    ],
)
def test_a_short_text_in_another_encoding_is_never_read_as_what_it_is_not(
    text: str, encoding: str
) -> None:
    try:
        found = decode(text.encode(encoding))
    except FileFailed:
        return
    assert found == text
