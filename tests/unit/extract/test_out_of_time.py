"""Readers whose time runs out keep what they have read, and say that they did not read all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bibtexparser.entrypoint
import pytest

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract import entries
from searchapp.extract.entries import extract
from searchapp.extract.office import odf, pptx, rtf
from searchapp.extract.roff.interpreter import Interpreter
from searchapp.extract.text import code, markdown, markup, notebook, plain, rst, structured, xml
from searchapp.extract.web import boilerplate, elements, epub
from searchapp.extract.working_time import OutOfTime, lift
from tests.builders import data, slides

Patched = tuple[Any, str]

SOURCES: dict[str, tuple[Patched, str]] = {
    "a.md": ((markdown, "_tokens"), "# Harbour\n\nThe tide is out.\n"),
    "a.py": ((code, "_syntax"), "# Harbour\n\ndef tide():\n    return 3\n"),
    "a.rst": ((rst, "_sections"), "Harbour\n=======\n\nThe tide is out.\n"),
    "a.tex": ((markup, "_blocks"), "\\section{Harbour}\n\nThe tide is out.\n"),
    "a.yaml": ((structured, "_keyed"), "harbour: north\n\ntide: out\n"),
    "a.txt": ((plain, "_structure"), "Harbour\n\nThe tide is out.\n"),
    "a.bib": ((bibtexparser.entrypoint, "parse_string"), "@book{a, title={Tides}}\n\nNotes.\n"),
}

PAGES = [
    slides.shape(text) for text in ("Later words", "Early words")
]  # in the order of the show: the last one first
PARTS: dict[str, tuple[Patched, bytes]] = {
    "a.1": ((Interpreter, "_text"), b".TH LAMP 1\n.SH NAME\nEarly words\n.PP\nLater words\n"),
    "a.rtf": ((rtf._RtfReader, "_add_bytes"), rb"{\rtf1\ansi Early words\par Later words\par}"),
    "a.odt": (
        (odf._Content, "_block"),
        slides.opendocument("odt", slides.p("Early words") + slides.p("Later words")),
    ),
    "a.odp": (
        (odf._Content, "page"),
        slides.opendocument(
            "odp",
            "".join(
                f"<draw:page>{slides.box(slides.p(text))}</draw:page>"
                for text in ("Early words", "Later words")
            ),
        ),
    ),
    "a.pptx": ((pptx._Deck, "slide"), slides.pptx(PAGES)),
    "a.epub": (
        (epub._Book, "_page"),
        slides.epub({"one": "<p>Early words</p>", "two": "<p>Later words</p>"}),
    ),
    "a.ipynb": (
        (notebook, "_cell_parts"),
        data.notebook(data.cell("markdown", "Early words"), data.cell("markdown", "Later words")),
    ),
    "records.xml": (
        (xml, "_value"),
        b"<rows><row><a>Early words</a></row><row><a>Later words</a></row></rows>",
    ),
    "text.xml": (
        (elements, "_add_element"),
        b"<text><p>Early words</p><p>Later words</p></text>",
    ),
}


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    yield
    lift()


def interrupt(monkeypatch: pytest.MonkeyPatch, patched: Patched, *, call: int) -> None:
    """Have the time run out in a call of a function, once."""
    whole: Callable[..., Any] = getattr(*patched)
    calls = iter(range(1, 1000))

    def interrupted(*arguments: Any, **named: Any) -> Any:
        if next(calls) == call:
            raise OutOfTime("took long")
        return whole(*arguments, **named)

    monkeypatch.setattr(*patched, interrupted)


@pytest.mark.parametrize("name", SOURCES)
def test_a_text_whose_structure_takes_too_long_is_read_without_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    patched, text = SOURCES[name]
    interrupt(monkeypatch, patched, call=1)
    document = extract(text.encode(), name)
    assert (document.text, {block.kind for block in document.blocks}) == (text, {"prose"})
    said = "read as plain text, without its structure: it took long"
    assert document.metadata == {"incomplete": said}


@pytest.mark.parametrize("name", PARTS)
def test_what_is_read_in_time_is_kept(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    patched, content = PARTS[name]
    assert "Later words" in extract(content, name).text
    interrupt(monkeypatch, patched, call=2)
    document = extract(content, name)
    assert "Early words" in document.text
    assert "Later words" not in document.text
    said = document.metadata["incomplete"]
    assert said.removeprefix("incomplete: ") == "only its first part was read: it took long"


@pytest.mark.parametrize("name", ["a.odt", "a.epub"])
def test_a_file_of_which_nothing_is_read_in_time_fails(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    patched, content = PARTS[name]
    interrupt(monkeypatch, patched, call=1)
    with pytest.raises(FileFailed, match="took long"):
        extract(content, name)


@pytest.mark.parametrize("scan", ["secret_in", "without_noise"])
def test_a_text_that_is_looked_through_too_long_is_kept_in_its_first_part(
    monkeypatch: pytest.MonkeyPatch, scan: str
) -> None:
    interrupt(monkeypatch, (entries, scan), call=1)
    text = "".join(f"Line {number} of the log.\n\n" for number in range(40))
    document = extract(text.encode(), "a.txt")
    assert document.text == text[: len(text) // 4]
    assert document.blocks[-1].end <= len(document.text)
    assert document.metadata["incomplete"] == "only its first part was read: it took long"


def test_the_first_part_of_a_text_is_looked_through_for_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupt(monkeypatch, (entries, "secret_in"), call=1)
    key = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + f"{'MIIEpAIBAAKCAQEA7bq9' * 3}\n" * 3
    with pytest.raises(FileSkipped, match="a private key"):
        extract(f"{key}\n{'The tide is out. ' * 200}".encode(), "a.txt")


@pytest.mark.parametrize("finder", ["_article", "mostly_links"])
def test_a_page_whose_main_text_is_looked_for_too_long_is_read_with_its_menus(
    monkeypatch: pytest.MonkeyPatch, finder: str
) -> None:
    menu = "<nav><a href=/a>Menu point</a> <a href=/b>Other point</a></nav>"
    page = f"<body>{menu}{'<p>The tide is out, and the boats lie dry.</p>' * 200}</body>"
    assert "Menu point" not in extract(page.encode(), "a.html").text
    interrupt(monkeypatch, (boilerplate, finder), call=1)
    document = extract(page.encode(), "a.html")
    assert document.text.startswith("Menu point Other point\n\nThe tide is out")
    assert document.metadata == {"incomplete": "read with its menus and links: it took long"}


def test_a_page_that_takes_too_long_is_kept_in_its_first_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = b"<body><p>Early words</p><p>Later words</p></body>"
    interrupt(monkeypatch, (elements, "_add_element"), call=3)
    document = extract(page, "a.html")
    assert document.text == "Early words"
    assert document.metadata == {"incomplete": "only its first part was read: it took long"}
