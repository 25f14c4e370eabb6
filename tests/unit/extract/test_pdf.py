"""PDFs become the expected paragraphs, headings, places and metadata; hostile ones cost a reason,
not the process.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence

import pytest

from searchapp.errors import FileError, FileFailed
from searchapp.extract.pdf import ocr, pdf, text_flow
from searchapp.types.documents import Document
from tests.builders.pdfs import huge_picture_pdf, outline_objects, pages_pdf, stream, updated
from tests.paths import SAMPLES

FIRST = "The first line of this paragraph is as long as a line gets"


def outline_of(document: Document) -> list[tuple[str, tuple[str, ...], int | str, str]]:
    return [
        (
            block.kind,
            block.headings,
            dict(block.place)["page"],
            document.text[block.start : block.end],
        )
        for block in document.blocks
    ]


def texts(document: Document) -> list[tuple[int | str, str]]:
    return [(page, text) for _, _, page, text in outline_of(document)]


# ---- headings ------------------------------------------------------------------------------------


def with_outline(pages: Sequence[Sequence[str]], entries: Sequence[tuple[int, str, int]]) -> bytes:
    first = 4 + 2 * len(pages)
    return pages_pdf(
        *pages, catalog_entries=f"/Outlines {first} 0 R", objects=outline_objects(first, entries)
    )


def test_entries_of_the_outline_are_headings_where_their_words_stand() -> None:
    pages = [
        ["Preface.", "1 Soil", "Earth.", "1.1 Sand", "Dry."],
        ["Still dry.", "2 Water", "Wet."],
    ]
    document = pdf.read(
        with_outline(pages, [(1, "Soil", 0), (2, "1.1 Sand", 0), (1, "Water", 1)]), "pdf"
    )
    assert outline_of(document) == [
        ("prose", (), 1, "Preface."),
        ("heading", (), 1, "1 Soil"),
        ("prose", ("Soil",), 1, "Earth."),
        ("heading", ("Soil",), 1, "1.1 Sand"),
        ("prose", ("Soil", "1.1 Sand"), 1, "Dry."),
        ("prose", ("Soil", "1.1 Sand"), 2, "Still dry."),
        ("heading", (), 2, "2 Water"),
        ("prose", ("Water",), 2, "Wet."),
    ]
    assert document.text.count("Soil") == 1


def test_a_heading_may_be_broken_into_lines() -> None:
    document = pdf.read(
        with_outline([["All about", "garden water", "Wet."]], [(1, "All about garden water", 0)]),
        "pdf",
    )
    assert outline_of(document) == [
        ("heading", (), 1, "All about garden water"),
        ("prose", ("All about garden water",), 1, "Wet."),
    ]


def test_an_entry_whose_words_are_not_on_its_page_heads_the_page_without_being_text() -> None:
    entries = [(1, "Chapter one", 0), (2, "Deep", 0), (1, "Chapter two", 0)]
    document = pdf.read(with_outline([["Some text."], ["More text."]], entries), "pdf")
    assert outline_of(document) == [
        ("prose", ("Chapter one", "Deep"), 1, "Some text."),
        ("prose", ("Chapter two",), 2, "More text."),
    ]


def test_a_root_entry_that_is_the_title_is_in_no_path() -> None:
    objects = outline_objects(6, [(1, "Gardens", 0), (2, "Soil", 0)])
    data = pages_pdf(
        ["Soil", "Earth."],
        catalog_entries="/Outlines 6 0 R",
        objects=objects,
        info="/Title (Gardens)",
    )
    document = pdf.read(data, "pdf")
    assert document.title == "Gardens"
    assert outline_of(document) == [("heading", (), 1, "Soil"), ("prose", ("Soil",), 1, "Earth.")]


def test_an_outline_that_bites_its_tail_ends() -> None:
    objects = [
        "<< /First 7 0 R /Last 7 0 R >>",
        (
            "<< /Title (Round) /Parent 6 0 R /Next 7 0 R /First 7 0 R /Last 7 0 R /Dest [4 0 R "
            "/Fit] "
            ">>"
        ),
    ]
    document = pdf.read(
        pages_pdf(["Text."], catalog_entries="/Outlines 6 0 R", objects=objects), "pdf"
    )
    assert outline_of(document) == [("prose", ("Round",), 1, "Text.")]


# ---- comments and forms --------------------------------------------------------------------------


def test_comments_follow_their_page_and_links_and_repetitions_do_not() -> None:
    box = "/Type /Annot /Rect [72 700 200 720]"
    objects = [
        f"<< {box} /Subtype /FreeText /Contents (A box of text) /DA (/F1 12 Tf) >>",
        f"<< {box} /Subtype /Text /Contents (A sticky\\rnote) /Popup 11 0 R >>",
        f"<< {box} /Subtype /Link /Contents (a link) >>",
        (
            f"<< {box} /Subtype /Highlight /Contents (body text) /QuadPoints [72 720 200 720 72 "
            "700 "
            "200 700] >>"
        ),
        f"<< {box} /Subtype /Stamp /Contents () >>",
        f"<< {box} /Subtype /Popup /Contents (A sticky note) >>",
    ]
    data = pages_pdf(
        ["The body", "text."],
        page_entries="/Annots [6 0 R 7 0 R 8 0 R 9 0 R 10 0 R 11 0 R]",
        objects=objects,
    )
    assert texts(pdf.read(data, "pdf")) == [
        (1, "The body\ntext."),
        (1, "A box of text"),
        (1, "A sticky\nnote"),
    ]


def test_what_is_written_in_a_form_is_text_once_without_passwords_and_buttons() -> None:
    box = "/Type /Annot /Subtype /Widget /Rect [72 700 200 720]"
    objects = [
        f"<< {box} /FT /Tx /T (city) /V (Bremen) >>",
        f"<< {box} /FT /Ch /Ff 131072 /T (colour) /V (green) /Opt [(red) (green)] >>",
        f"<< {box} /FT /Tx /Ff 8192 /T (pin) /V (4711) >>",
        f"<< {box} /FT /Btn /T (agree) /V /Yes /AS /Yes >>",
        "<< /FT /Tx /T (name) /V (Ada Lovelace) /Kids [13 0 R 14 0 R] >>",
        f"<< {box} /Parent 12 0 R >>",
        f"<< {box} /Parent 12 0 R >>",
    ]
    form = "/AcroForm << /Fields [8 0 R 9 0 R 10 0 R 11 0 R 12 0 R] /DA (/F1 12 Tf) >>"
    annotations = "/Annots [8 0 R 9 0 R 10 0 R 11 0 R 13 0 R 14 0 R]"
    data = pages_pdf(
        ["Form"], ["Copy"], page_entries=annotations, catalog_entries=form, objects=objects
    )
    assert texts(pdf.read(data, "pdf")) == [
        (1, "Form"),
        (1, "Bremen"),
        (1, "green"),
        (1, "Ada Lovelace"),
        (2, "Copy"),
    ]


# ---- the text of pages ---------------------------------------------------------------------------


def test_running_headers_and_footers_are_kept_once_and_page_numbers_not_at_all() -> None:
    pages = [
        ["A book", f"Page {n} says {word}.", f"Question {n}", f"Page {n} of 4", str(n)]
        for n, word in enumerate("abcd", 1)
    ]
    assert [text for _, text in texts(pdf.read(pages_pdf(*pages), "pdf"))] == [
        "A book",
        "Page 1 says a.",
        "Question 1",
        "Page 1 of 4",
        "Page 2 says b.",
        "Question 2",
        "Page 3 says c.",
        "Question 3",
        "Page 4 says d.",
        "Question 4",
    ]


def test_left_and_right_pages_may_have_headers_of_their_own() -> None:
    pages = [
        [f"The left pages' title {n}" if n % 2 else f"{n} The title of right pages", word]
        for n, word in enumerate("abcdef", 1)
    ]
    assert text_flow.without_running_lines(pages) == [
        ["", "The left pages' title 1", "", "a"],
        ["", "2 The title of right pages", "", "b"],
        ["c"],
        ["d"],
        ["e"],
        ["f"],
    ]


@pytest.mark.parametrize(
    "pages",
    [
        [["Same", "a"], ["Same", "b"], ["Same", "c"]],
        [["Same"]] * 4,
        [["Row 5", "a"], ["Row 3", "b"], ["Row 9", "c"], ["Row 1", "d"]],
        [["a", "b", "c", "Same", "d", "e", letter] for letter in "wxyz"][:3],
    ],
)
def test_lines_of_short_documents_of_whole_pages_and_with_other_numbers_stay(
    pages: list[list[str]],
) -> None:
    assert text_flow.without_running_lines(pages) == pages


def test_a_line_in_the_middle_of_pages_stays() -> None:
    pages = [
        [f"{letter}{n}" for n in range(3)] + ["Same"] + [f"{letter}{n}" for n in range(3, 6)]
        for letter in "abcd"
    ]
    assert text_flow.without_running_lines(pages) == pages


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("e\ufb03cient \ufb02ow", "efficient flow"),
        ("co\xadoperation", "cooperation"),
        ("exam\x02\r\nple and well\ufffeKnown", "example and well-Known"),
        ("\uf0b7 a point", "• a point"),
        ("a\x00b\x0cc", "ab\x0cc"),
        ("أي ًضا", "أيضًا"),
        ("لغة Pythonمن", "لغة Python من"),
        ("\ufefb", "\u0644\u0627"),
        ("1\r\n⁄4 inch", "1⁄4 inch"),
        ("naïve façade", "naïve façade"),
    ],
)
def test_letters_are_those_of_the_author(text: str, tidied: str) -> None:
    assert text_flow.tidy(text) == tidied


def test_lines_of_full_width_run_on_and_broken_words_are_joined() -> None:
    lines = [
        FIRST + ",",
        "and this is the second one, which breaks the last of its wo-",
        "rds.",
        "A heading",
        "- an item",
        "- another",
    ]
    assert list(text_flow.paragraphs(lines, text_flow.full_width(lines))) == [
        f"{FIRST}, and this is the second one, which breaks the last of its words.",
        "A heading\n- an item\n- another",
    ]


@pytest.mark.parametrize(
    ("degrees", "matrix"),
    [
        (90, "0 1 -1 0 72 72"),
        (180, "-1 0 0 -1 500 72"),
        (270, "0 -1 1 0 500 700"),
        (0, "0 1 -1 0 72 72"),
    ],
)
def test_text_that_is_turned_reads_like_any_other(degrees: int, matrix: str) -> None:
    content = f"BT /F1 12 Tf 16 TL {matrix} Tm (First line) Tj T* (second line) Tj T* (third) Tj ET"
    data = updated(pages_pdf([], page_entries=f"/Rotate {degrees}"), 5, stream(content))
    assert texts(pdf.read(data, "pdf")) == [(1, "First line\nsecond line\nthird")]


def test_what_is_cropped_away_is_no_text() -> None:
    data = updated(
        pages_pdf([], page_entries="/CropBox [0 400 612 792]"),
        5,
        stream("BT /F1 12 Tf 72 750 Td (seen) Tj 0 -700 Td (hidden) Tj ET"),
    )
    assert texts(pdf.read(data, "pdf")) == [(1, "seen")]


def test_columns_are_read_as_they_were_written() -> None:
    columns = (
        "BT /F1 9 Tf 12 TL 72 700 Td (left one) Tj T* (left two) Tj ET BT /F1 9 Tf 12 TL "
        "320 700 Td (right one) Tj T* (right two) Tj ET"
    )
    data = updated(pages_pdf([]), 5, stream(columns))
    assert texts(pdf.read(data, "pdf")) == [(1, "left one\nleft two\nright one\nright two")]


def test_the_last_of_several_versions_counts() -> None:
    data = pages_pdf(["Old text"])
    assert texts(
        pdf.read(updated(data, 5, stream("BT /F1 12 Tf 72 750 Td (New text) Tj ET")), "pdf")
    ) == [(1, "New text")]


# ---- metadata ------------------------------------------------------------------------------------


def test_metadata_has_common_names() -> None:
    info = (
        "/Title (On  water) /Author (Ada) /Subject (Pipes) /Keywords (wet, cold; clear) "
        "/ModDate (D:20240531120000+02'00')"
    )
    document = pdf.read(pages_pdf(["Text."], catalog_entries="/Lang (en-GB)", info=info), "pdf")
    assert document.title == "On water"
    assert document.metadata == {
        "author": "Ada",
        "date": "2024-05-31T12:00:00+02:00",
        "subject": "Pipes",
        "tags": "wet; cold; clear",
        "language": "en-GB",
    }


# ---- files that are encrypted, broken or hostile -------------------------------------------------


def locked(data: bytes, password: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_a_file_that_only_its_owner_may_change_can_be_read() -> None:
    assert texts(pdf.read(locked(pages_pdf(["Text."]), ""), "pdf")) == [(1, "Text.")]


def test_a_file_with_a_password_says_so() -> None:
    with pytest.raises(FileFailed, match=r"^encrypted: needs a password$"):
        pdf.read(locked(pages_pdf(["Text."]), "secret"), "pdf")


def test_a_file_without_its_end_is_still_read() -> None:
    data = pages_pdf(["Some text."], ["Lost text."])
    assert texts(pdf.read(data[: data.index(b"7 0 obj")], "pdf")) == [(1, "Some text.")]


def test_a_file_of_nothing_but_a_beginning_says_so() -> None:
    with pytest.raises(FileFailed, match="not a readable PDF"):
        pdf.read(pages_pdf(["Text."])[:60], "pdf")


def test_a_page_too_large_to_draw_gives_its_words() -> None:
    started_s = time.process_time()
    assert texts(pdf.read(huge_picture_pdf(100_000), "pdf")) == [(1, "Few words")]
    assert time.process_time() - started_s < 5


def test_deeply_nested_brackets_on_a_page_cost_no_more_than_the_page() -> None:
    data = updated(
        pages_pdf(["Lost"], ["Text"]),
        5,
        stream("[" * 20_000 + "BT /F1 12 Tf 72 750 Td (Lost) Tj ET"),
    )
    assert texts(pdf.read(data, "pdf"))[-1] == (2, "Text")


# ---- real files ----------------------------------------------------------------------------------


def sample(name: str) -> bytes:
    return (SAMPLES / "pdf" / name).read_bytes()


def test_every_sample_is_read_or_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_available", lambda: False)
    refused = {}
    for path in sorted((SAMPLES / "pdf").glob("*.pdf")):
        if path.name == "pdfjs__Brotli-Prototype-FileA.pdf":  # takes a second or two; below
            continue
        try:
            document = pdf.read(path.read_bytes(), "pdf")
        except FileError as error:
            refused[path.stem] = str(error).split(":")[0]
        else:
            assert document.text.strip(), path.name
    assert refused == {
        "docling__2206.01062_pg3": "encrypted",
        "docling__ocr_test": "no text",
        "pdfjs__bug1020226": "not a readable PDF",
        "pdfjs__bug1250079": "not a readable PDF",
        "pdfjs__poppler-742-0-fuzzed": "not a readable PDF",
        "pdfjs__saslprep-r6": "encrypted",
    }


def test_free_texts_are_read() -> None:
    programs = [
        "from Acrobat",
        "From Firefox",
        "from Preview",
        "from Edge without Acrobat",
        "from Foxit",
        "from Okular",
    ]
    assert [text for _, text in texts(pdf.read(sample("pdfjs__freetexts.pdf"), "pdf"))] == [
        f"Hello World {each}" for each in programs
    ]


def test_letters_of_arabic_ligatures_are_in_order() -> None:
    text = pdf.read(sample("docling__right_to_left_01.pdf"), "pdf").text
    assert text.startswith("تحسين الإنتاجية وحل المشكلات من خلال البرمجة بلغة R وPython")
    assert "أيضًا" in text


@pytest.mark.slow
def test_a_file_of_streams_that_pdfium_does_not_know_is_written_anew() -> None:
    pytest.importorskip("brotli", exc_type=ImportError)
    document = pdf.read(sample("pdfjs__Brotli-Prototype-FileA.pdf"), "pdf")
    assert {dict(block.place)["page"] for block in document.blocks} == set(range(1, 26))
    assert "2ND FLOOR PLAN" in document.text
