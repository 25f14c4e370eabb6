"""Files that are broken in one place, or take too long: the rest is read, and what is lost is said."""

from __future__ import annotations

import re
import sqlite3
import struct
import zipfile
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from types import SimpleNamespace

import pytest

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.archives import packed
from searchapp.extract.builder import Part, document_of, gathered
from searchapp.extract.drawings import svg
from searchapp.extract.ebooks import mobi
from searchapp.extract.entries import entries, extract
from searchapp.extract.office import docx, inserted
from searchapp.extract.web import html
from searchapp.extract.working_time import OutOfTime, lift, limit
from searchapp.types.documents import Document
from tests.builders import new_formats, slides, word
from tests.builders.drawn import glyphs, hangul, hangul_paragraph, shape, visio, xps
from tests.builders.packed import attribute, tnef, wide

SVG = "<svg xmlns='http://www.w3.org/2000/svg'>"


@pytest.fixture
def clock() -> Iterator[None]:
    yield
    lift()


def incomplete(document: Document) -> str:
    return document.metadata.get("incomplete", "")


# ---- drawings ------------------------------------------------------------------------------------


def test_comments_and_entities_in_a_text_cost_nothing_but_themselves() -> None:
    data = f"{SVG}<text>Pump <!-- a --> house</text><text y='2'>Name: &n; end</text></svg>"
    document = extract(f"<!DOCTYPE svg [<!ENTITY n 'x'>]>{data}".encode(), "a.svg")
    assert (document.text, incomplete(document)) == ("Pump house\nName: end", "")


def test_only_texts_count_and_those_after_the_last_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(svg, "_MAX_TEXTS", 2)
    texts = [f"<path/><text y='{each}'>Quay {each}</text>" for each in range(3)]
    assert incomplete(extract(f"{SVG}{''.join(texts[:2])}</svg>".encode(), "a.svg")) == ""
    document = extract(f"{SVG}{''.join(texts)}</svg>".encode(), "a.svg")
    assert document.text == "Quay 0\nQuay 1"
    assert incomplete(document) == "only its first 2 texts were read"


def test_what_is_nested_too_deep_in_a_drawing_is_said_to_be_lost() -> None:
    data = f"{SVG}<text>Harbour</text>{'<g>' * 300}<text>Deep</text>{'</g>' * 300}</svg>"
    document = extract(data.encode(), "a.svg")
    assert document.text == "Harbour"
    assert incomplete(document).startswith("it is broken at line 1: Excessive depth")


# ---- inserted files ------------------------------------------------------------------------------


def read_by(monkeypatch: pytest.MonkeyPatch, document: Document) -> Iterator[Part]:
    """The parts of an inserted file whose reader gives that document."""
    monkeypatch.setattr(
        inserted, "module_of", lambda _reader: SimpleNamespace(read=lambda _data, _type: document)
    )
    return inserted.inserted_parts(b"x", "a.htm", "html")


def test_what_an_inserted_file_lost_is_told_after_its_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = document_of([Part("prose", "Read.")], "html", metadata={"incomplete": "2 pages"})
    parts = read_by(monkeypatch, document)
    assert next(parts).text == "Read."
    with pytest.raises(FileFailed, match="2 pages"):
        next(parts)


@pytest.mark.usefixtures("clock")
def test_the_time_of_an_inserted_file_is_that_of_its_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def endless() -> Iterator[Part]:
        while True:
            yield Part("prose", "One.")

    def outer() -> Iterator[Part]:
        yield from read_by(monkeypatch, document_of(endless(), "html"))
        yield Part("prose", "After.")

    limit(0.02)
    document = document_of(outer(), "docx")
    assert document.text.startswith("One.")
    assert not document.text.endswith("After.")
    assert "took longer than 0.02 s" in incomplete(document)


@pytest.mark.usefixtures("clock")
def test_what_is_gathered_by_then_is_kept() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OutOfTime("took long")

    cut: list[str] = []
    assert gathered(items(), cut) == [1]
    assert cut == ["only its first part was read: it took long"]


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("before", ["Before.", ""])
def test_the_paragraphs_of_a_document_that_are_read_in_time_are_kept(
    monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    def inserted_file(_self: object, _element: object) -> Iterator[Part]:
        yield Part("prose", "")
        raise OutOfTime("took long")

    monkeypatch.setattr(docx._DocxReader, "_inserted_file", inserted_file)
    data = word.docx(word.paragraph(before) + "<w:altChunk/>" + word.paragraph("After."))
    if before:
        document = extract(data, "a.docx")
        assert document.text == "Before."
        assert "took long" in incomplete(document)
    else:
        with pytest.raises(FileFailed, match=r"no text found: .*took long"):
            extract(data, "a.docx")


# ---- databases -----------------------------------------------------------------------------------


def test_the_rows_before_a_broken_page_are_read() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE letters (text)")
        database.executemany(
            "INSERT INTO letters VALUES (?)", [(f"letter {each} " * 9,) for each in range(400)]
        )
        database.commit()
        data = database.serialize()
    page = 4096 * (len(data) // 4096 - 3)
    document = extract(data[:page] + b"\xff" * 4096 + data[page + 4096 :], "a.db")
    assert "letter 100 " in document.text
    assert "table letters could not be read after row " in incomplete(document)
    everything = data[:4096] + b"\xff" * (len(data) - 4096)
    with pytest.raises(FileFailed, match="table letters could not be read: "):
        extract(everything, "a.db")


def test_that_a_log_beside_a_database_is_not_read_is_said() -> None:
    data = new_formats.sqlite_file()
    document = extract(data[:18] + b"\2\2" + data[20:], "a.db")
    assert "changes in a log beside it" in incomplete(document)
    assert incomplete(extract(data, "a.db")) == ""


def test_a_value_that_a_database_computes_is_no_longer_than_the_file() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE TABLE t (a, b GENERATED ALWAYS AS (printf('%.*c', 3000000, 'x')) VIRTUAL)"
        )
        database.execute("INSERT INTO t (a) VALUES ('plain row')")
        database.commit()
        data = database.serialize()
    document = extract(data, "a.db")
    assert "plain row" in document.text
    assert len(document.text) < 1000


# ---- iWork ---------------------------------------------------------------------------------------


def test_a_broken_cell_of_numbers_costs_only_itself() -> None:
    document = extract(new_formats.numbers_file(last=b"\1"), "tides.numbers")
    assert document.text.endswith("Place: Mill")
    assert incomplete(document) == "1 of its tables could not be read whole"


def test_numbers_keep_all_34_digits() -> None:
    digits = 1234567890123456789012345678901234
    data = new_formats.numbers_file(new_formats.decimal128(digits, -1))
    assert "Height: 123456789012345678901234567890123.4" in extract(data, "a.numbers").text


# ---- calendars, contacts, winmail.dat ------------------------------------------------------------


def test_an_event_that_is_not_closed_does_not_hide_the_next() -> None:
    text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:First\nBEGIN:VALARM\nBEGIN:VEVENT\n"
    text += "SUMMARY:Second\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:Third\nEND:VEVENT\nEND:VCALENDAR\n"
    document = extract(text.encode(), "a.ics")
    assert document.text == "First\n\nSecond\n\nThird"


@pytest.mark.parametrize("note", ["data: the yearly figures", "data:kept in a/b, as ever"])
def test_a_note_that_begins_with_data_is_a_note(note: str) -> None:
    card = f"BEGIN:VCARD\nFN:Alice\nNOTE:{note}\nPHOTO:data:image/png;base64,AAAA\nEND:VCARD\n"
    document = extract(card.encode(), "a.vcf")
    assert note in document.text
    assert "AAAA" not in document.text


def outlook(*properties: bytes) -> list[tuple[str, str]]:
    """The members of an Outlook attachment with such properties, and what is refused."""
    value = struct.pack("<I", len(properties)) + b"".join(properties)
    data = tnef(attribute(1, 0x00069003, value))
    return [
        (each.member, str(each.refusal) if each.refusal else each.data.decode())
        for each in entries(data, "winmail.dat")
        if not each.is_container
    ]


BODY = wide(0x1000, "The minutes.")


@pytest.mark.parametrize(
    "before", [struct.pack("<HH", 1, 5), struct.pack("<HHI", 0x1003, 5, 100_001) + bytes(400_004)]
)
def test_properties_after_an_empty_one_and_a_long_one_are_read(before: bytes) -> None:
    assert outlook(before, BODY) == [("message.txt", "The minutes.")]


def test_properties_after_one_that_is_not_known_are_said_to_be_lost() -> None:
    read, said = outlook(BODY, struct.pack("<HH", 0x99, 5), wide(0x37, "Subject"))
    assert read == ("message.txt", "The minutes.")
    assert "some of its properties could not be read" in said[1]


def test_a_message_of_outlook_that_cannot_be_unpacked_is_said() -> None:
    (said,) = outlook(struct.pack("<HHII", 0x102, 0x1009, 1, 4) + b"\xff\xff\xff\xff")
    assert said[1].startswith("not a readable Outlook attachment: its message: ")


# ---- archives ------------------------------------------------------------------------------------


def test_a_zip_behind_the_mark_of_another_archive_is_not_opened() -> None:
    try:
        packed.library("rar")
    except FileSkipped:
        pytest.skip("needs the extra archives")
    made = BytesIO(b"Rar!\x1a\x07\0")
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("a.txt", "words")
    (entry,) = entries(made.getvalue(), "a.rar")
    assert str(entry.refusal).startswith("not a readable archive")
    for mark in (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x01\0"):
        (entry,) = entries(mark + bytes(300), "a.bin")
        assert "None" not in str(entry.refusal)


# ---- documents of several parts ------------------------------------------------------------------


def without(data: bytes, ending: str, content: str | None) -> bytes:
    """The package with another content in a part, or without it."""
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            if not name.endswith(ending):
                target.writestr(name, source.read(name))
            elif content is not None:
                target.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"), [("<broken", "broken XML"), (None, "it is missing")]
)
def test_a_broken_or_missing_page_of_a_drawing_is_named(content: str | None, reason: str) -> None:
    data = visio(shape("Pump house", 1, 1), shape("Second", 1, 1))
    document = extract(without(data, "page2.xml", content), "a.vsdx")
    assert "Pump house" in document.text
    assert incomplete(document).startswith("incomplete: page2.xml: ")
    assert reason in incomplete(document)


@pytest.mark.parametrize(
    ("content", "reason"), [("<broken", "broken XML"), (None, "it is missing")]
)
def test_a_broken_or_missing_section_of_a_hangul_document_is_named(
    content: str | None, reason: str
) -> None:
    data = hangul(hangul_paragraph("수문"))
    index = zipfile.ZipFile(BytesIO(data)).read("Contents/content.hpf").decode()
    index = index.replace(
        "</opf:manifest>",
        '<opf:item id="s1" href="Contents/section1.xml"/></opf:manifest>',
    ).replace("</opf:spine>", '<opf:itemref idref="s1"/></opf:spine>')
    more = {} if content is None else {"Contents/section1.xml": content}
    data = hangul(hangul_paragraph("수문"), **{"Contents/content.hpf": index, **more})
    document = extract(data, "a.hwpx")
    assert document.text == "수문"
    assert reason in incomplete(document)


@pytest.mark.usefixtures("clock")
def test_chapters_of_a_book_that_are_read_in_time_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = html.page_parts

    def page_parts(source: str) -> list[Part]:
        if "Later" in source:
            raise OutOfTime("took long")
        return whole(source)

    monkeypatch.setattr(mobi, "_PIECE", 0)
    monkeypatch.setattr(mobi, "page_parts", page_parts)
    book = "<html><body><p>Early words.</p><mbp:pagebreak/><p>Later words.</p></body></html>"
    document = extract(new_formats.mobi_file(book), "a.azw3")
    assert document.text == "Early words."
    assert "took long" in incomplete(document)


@pytest.mark.usefixtures("clock")
def test_pages_that_are_read_in_time_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from searchapp.extract.office import xps as reader

    whole = reader._texts

    def texts(root: object) -> Iterator[str]:
        yield from whole(root)
        raise OutOfTime("took long")

    monkeypatch.setattr(reader, "_texts", texts)
    document = extract(xps(glyphs("Page one", 0, 0), glyphs("Page two", 0, 0)), "a.xps")
    assert document.text == "Page one"
    assert "took long" in incomplete(document)


def test_a_book_that_names_none_of_its_pages_gives_all_of_them() -> None:
    book = zipfile.ZipFile(BytesIO(slides.epub({"one": "<p>Early words</p>"})))
    members = {
        name: re.sub(rb"<item [^>]*>", b"", book.read(name))
        if name.endswith(".opf")
        else book.read(name)
        for name in book.namelist()
    }
    assert extract(slides.zipped(members), "a.epub").text.endswith("Early words")
