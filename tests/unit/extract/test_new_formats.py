"""iWork, Kindle books, SQLite, Parquet, SVG, 7z and the pictures of cameras: what is read, what is
read in part, and what is refused with its cure.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from importlib.util import find_spec

import pytest

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.archives import packed
from searchapp.extract.databases import parquet, sqlite
from searchapp.extract.ebooks.huffman import HuffmanDictionary
from searchapp.extract.entries import entries, extract
from searchapp.types.documents import Document
from tests.builders import new_formats
from tests.builders.pdfs import pages_pdf

try:
    packed.library("7z")
    HAS_LIBARCHIVE = True
except FileSkipped:
    HAS_LIBARCHIVE = False
needs_libarchive = pytest.mark.skipif(not HAS_LIBARCHIVE, reason="needs the extra archives")


def blocks(document: Document) -> list[tuple[str, dict[str, str | int], str]]:
    return [
        (block.kind, dict(block.place), document.text[block.start : block.end])
        for block in document.blocks
    ]


# ---- iWork ---------------------------------------------------------------------------------------


def test_a_letter_of_pages_is_its_body_and_then_what_stands_beside_it() -> None:
    document = extract(new_formats.pages_file(), "letter.pages")
    assert [text for _, _, text in blocks(document)] == [
        "The herons of the weir",
        "They fish at night.",
        "And sleep by day.",
        "Harbour office",
        "A box beside the text",
        "Is that so?",
    ]


def test_slides_of_keynote_come_in_their_order_with_titles_and_notes() -> None:
    assert blocks(extract(new_formats.keynote_file(), "talk.key")) == [
        ("heading", {"slide": 1}, "Herons"),
        ("prose", {"slide": 1}, "They stand still"),
        ("prose", {"slide": 1}, "Speak slowly here"),
        ("prose", {"slide": 2}, "Owls sleep in barns"),
    ]


def test_tables_of_numbers_are_rows_with_the_names_of_their_columns() -> None:
    document = extract(new_formats.numbers_file(), "tides.numbers")
    assert [text for _, _, text in blocks(document)] == [
        "Tides",
        "High water",
        "Place | Height | Day | Open",
        "Place: Reed Point | Height: 3.2 | Day: 2002-01-01 | Open: TRUE",
        "Place: Mill | Height: -7",
    ]
    assert blocks(document)[-1][1] == {"sheet": "Tides", "row": 3}


def test_iwork_is_known_without_its_ending() -> None:
    assert extract(new_formats.pages_file(), "letter").type == "pages"


def test_where_nothing_else_is_read_the_preview_is_and_that_is_said() -> None:
    preview = pages_pdf(["The herons of the weir."])
    document = extract(new_formats.iwork_file({"Document": {}}, preview), "letter.pages")
    assert (document.type, document.text) == ("pages", "The herons of the weir.")
    assert "read from the preview" in document.metadata["incomplete"]


def test_a_document_of_iwork_without_text_and_preview_is_refused() -> None:
    with pytest.raises(FileFailed, match="no text found"):
        extract(new_formats.iwork_file({"Document": {}}), "letter.pages")


def test_a_broken_part_of_a_document_of_iwork_is_said() -> None:
    data = new_formats.pages_file()
    import io
    import zipfile

    made = io.BytesIO(data)
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("Index/Broken.iwa", b"\0\5\0\0\xff\xff\xff\xff\xff")
    document = extract(made.getvalue(), "letter.pages")
    assert document.metadata["incomplete"] == "1 parts of it are broken"


# ---- Kindle --------------------------------------------------------------------------------------


def test_a_kindle_book_has_headings_its_title_and_its_author() -> None:
    document = extract(new_formats.mobi_file(author="Ida Moss"), "birds.azw3")
    assert (document.title, document.metadata) == ("Birds of the bay", {"author": "Ida Moss"})
    assert [
        (block.headings, kind)
        for block, (kind, _, _) in zip(document.blocks, blocks(document), strict=True)
    ] == [
        ((), "heading"),
        (("Herons",), "prose"),
        ((), "heading"),
        (("Owls",), "prose"),
    ]
    assert "fishes at the weir, near the café." in document.text


def test_a_long_book_is_put_together_from_its_records() -> None:
    words = " ".join(f"word{number}" for number in range(3000))
    document = extract(new_formats.mobi_file(f"<p>{words}</p>"), "a.mobi")
    assert document.text == words


def test_a_book_under_drm_is_refused() -> None:
    with pytest.raises(FileFailed, match="encrypted: protected by DRM"):
        extract(new_formats.mobi_file(encryption=2), "a.mobi")


def test_palmdoc_is_plain_text() -> None:
    import struct

    head = struct.pack(">HHIHHHH", 1, 0, 17, 1, 4096, 0, 0)
    data = new_formats.palm_file(b"TEXtREAd", [head, b"The grey heron.\nX"])
    assert extract(data, "a.pdb").text == "The grey heron.\n\nX"


def test_codes_of_kindle_books_stand_for_pieces_that_may_be_packed_themselves() -> None:
    import struct

    # two codes of one bit each, counted down from the greatest: 1 is piece 0, 0 is piece 1
    short = [(1 << 8) | 0x80 | 1] * 256
    codes = b"HUFF" + bytes(4) + struct.pack(">II", 24, 24 + 1024) + bytes(8)
    codes += struct.pack(">256I", *short) + struct.pack(">64I", *([0] * 64))
    pieces = [(b"heron ", True), (b"\xff", False)]  # the second is the first, eight times
    offsets, texts = b"", b""
    for piece, is_plain in pieces:
        offsets += struct.pack(">H", 4 + len(texts))
        texts += struct.pack(">H", len(piece) | (0x8000 if is_plain else 0)) + piece
    dictionary = b"CDIC" + struct.pack(">III", 16, 2, 1) + offsets + texts
    book = HuffmanDictionary(codes, [dictionary])
    assert book.unpacked(b"\xff") == b"heron " * 8
    assert book.unpacked(b"\x7f") == b"heron " * 15


# ---- databases -----------------------------------------------------------------------------------


def test_tables_of_sqlite_are_rows_and_what_is_run_is_not_read() -> None:
    document = extract(new_formats.sqlite_file(), "tides.db")
    assert [text for _, _, text in blocks(document)] == [
        "tides",
        "place | height | photo",
        "place: Reed Point | height: 3.2",
        "place: Mill 0",
        "words_content",
        "id | c0",
        "id: 1 | c0: a heron at the weir",
    ]


def test_long_tables_of_sqlite_are_read_in_part_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sqlite, "MAX_TABLE_ROWS", 2)
    document = extract(new_formats.sqlite_file(9), "tides.sqlite")
    assert document.metadata["incomplete"] == "the first 2 rows of table tides were read"
    assert document.text.count("Mill") == 1


def test_a_database_whose_log_stood_beside_it_is_read() -> None:
    data = bytearray(new_formats.sqlite_file())
    data[18:20] = b"\2\2"
    assert "Reed Point" in extract(bytes(data), "a.db").text


def test_names_of_tables_are_names() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute('CREATE TABLE "a""; DROP TABLE x; --" (b TEXT)')
        database.execute('INSERT INTO "a""; DROP TABLE x; --" VALUES (\'heron\')')
        database.commit()
        data = database.serialize()
    assert "b: heron" in extract(data, "a.db").text


def test_a_corpus_is_left_out() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("CREATE TABLE corpus (id)")
        database.commit()
        data = database.serialize()
    with pytest.raises(FileSkipped, match="a corpus of searchapp"):
        extract(data, "corpus.db")


def test_a_broken_database_is_refused() -> None:
    with pytest.raises(FileFailed, match="not a readable database"):
        extract(new_formats.sqlite_file()[:100] + b"\xff" * 4000, "a.db")


def test_parquet_is_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    data = new_formats.parquet_file(3)
    assert 'place: Quay 1 | height: 0.5 | tags: ["a", "b"]' in extract(data, "a.parquet").text
    monkeypatch.setattr(parquet, "MAX_ROWS", 1)
    document = extract(data, "a.parquet")
    assert document.metadata["incomplete"] == "the first 1 of 3 rows were read"
    assert "Quay 1" not in document.text


# ---- DjVu ----------------------------------------------------------------------------------------


def test_the_text_beside_a_scanned_page_is_read_by_paragraphs() -> None:
    pytest.importorskip("djvu_rs")
    said = '(metadata (title "The Reeds") (author "Ida Moss") (year "1912"))'
    text = "A thunder-\nstorm over\nthe reeds.\x1f\nSecond\x1d\nThird column\x0b"
    document = extract(new_formats.djvu_file(text, said), "reeds.djvu")
    assert document.text == "A thunderstorm over the reeds.\n\nSecond\n\nThird column"
    assert (document.type, document.title) == ("djvu", "The Reeds")
    assert document.metadata == {"author": "Ida Moss", "date": "1912"}
    assert document.blocks[0].place == (("page", 1),)


def test_a_scan_without_text_and_a_broken_one_are_refused() -> None:
    pytest.importorskip("djvu_rs")
    with pytest.raises(FileSkipped, match="a scan without text"):
        extract(new_formats.djvu_file(""), "a.djvu")
    with pytest.raises(FileFailed, match="not a readable DjVu file"):
        extract(new_formats.djvu_file("The reeds are cut.")[:50], "a.djvu")


# ---- drawings and pictures -----------------------------------------------------------------------


def test_the_words_of_a_drawing_are_lines() -> None:
    document = extract(new_formats.SVG.encode(), "map.svg")
    assert document.title == "Harbour map"
    assert document.text == ("Harbour map\n\nWhere the boats lie\n\nNorth quay 7 m\nSouth\nbasin")


def test_a_drawing_without_words_is_left_out() -> None:
    with pytest.raises(FileSkipped, match="a drawing without text"):
        extract(b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>', "a.svg")


def test_entities_of_a_drawing_are_not_expanded() -> None:
    data = (
        b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg><text>x &a; y</text></svg>'
    )
    assert "root" not in extract(data, "a.svg").text


@pytest.mark.skipif(find_spec("pi_heif") is not None, reason="the extra heic is there")
def test_pictures_of_cameras_name_their_cure() -> None:
    with pytest.raises(FileSkipped, match="image"):
        extract(b"\0\0\0\x18ftypheic" + bytes(300), "a.heic")


# ---- archives ------------------------------------------------------------------------------------


@needs_libarchive
def test_files_in_7z_are_members_by_the_same_rules_as_in_others() -> None:
    data = new_formats.seven_zip_file(
        {"notes/tide.txt": b"High water at nine.", "a/.env": b"SECRET=1", "../b.txt": b"words"}
    )
    found = {entry.member: entry for entry in entries(data, "a.7z")}
    assert sorted(found) == ["", "a/.env", "b.txt", "notes/tide.txt"]
    assert found["notes/tide.txt"].read().text == "High water at nine."
    assert str(found["a/.env"].refusal) == "secret"
    assert found[""].is_container


@needs_libarchive
def test_bombs_of_7z_are_refused() -> None:
    data = new_formats.seven_zip_file({"a.txt": bytes(30 * 2**20)})
    refusals = [str(entry.refusal) for entry in entries(data, "a.7z") if entry.refusal]
    assert any(reason.startswith("zip bomb") for reason in refusals)


@needs_libarchive
def test_a_broken_rar_is_refused() -> None:
    (entry,) = entries(b"Rar!\x1a\x07\x01\0" + bytes(300), "a.rar")
    assert str(entry.refusal).startswith("not a readable archive")
    assert "errno" not in str(entry.refusal)


def test_paragraphs_of_a_drawing_that_are_set_by_spans_within_stand_apart() -> None:
    line = '<tspan class="TextParagraph"><tspan x="1" y="{}">{}</tspan></tspan>'
    text = "".join(
        line.format(at, words) for at, words in ((10, "Plant pears"), (30, "Prune plums"))
    )
    data = f'<svg xmlns="http://www.w3.org/2000/svg"><text>{text}</text></svg>'
    assert extract(data.encode(), "a.svg").text == "Plant pears\nPrune plums"


def test_what_a_drawing_does_not_show_is_not_read() -> None:
    data = """<svg xmlns="http://www.w3.org/2000/svg"><defs><text>Unused</text>
    <g id="sign"><text y="1">Sluice</text></g></defs><use href="#sign"/>
    <text display="none">Gone</text><g style="display: none"><text>Layer</text></g>
    <text visibility="hidden">Faint</text><switch><foreignObject><p>Upper</p><p>po<b>nd</b></p>
    </foreignObject><text y="2">Upper...</text></switch></svg>"""
    assert extract(data.encode(), "a.svg").text == "Sluice\n\nUpper pond"
