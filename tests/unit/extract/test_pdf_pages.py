"""What is hard about the pages of PDFs: columns drawn row by row, hyphens at the ends of lines,
fonts that say no letters, signatures and stamps, and files.
"""

from __future__ import annotations

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.entries import entries
from searchapp.extract.pdf import hyphens, lettering, ocr, pdf, text_flow
from tests.builders.pdf_pages import (
    COURIER,
    LEFT,
    RIGHT,
    THIRD,
    across,
    by_letters,
    drawn_pdf,
    line,
    without_letters_pdf,
)
from tests.builders.pdfs import pages_pdf, stream


def text_of(data: bytes) -> str:
    return " ".join(pdf.read(data, "pdf").text.split())


# ---- letters apart -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("[(S) -400 (L) -400 (I) -400 (P) -1500 (R) -400 (U) -400 (L) -400 (E)] TJ", "SLIP RULE"),
        ("(S L I P   R U L E) Tj", "SLIP RULE"),
        ("[(A) -4000 (B) -4000 (C) -4000 (D) -4000 (E)] TJ", "A B C D E"),  # of a table
    ],
)
def test_the_letters_of_a_heading_that_stand_apart_make_words(drawn: str, expected: str) -> None:
    content = f"BT /F1 16 Tf 60 700 Td {drawn} ET {line('Keep off after dusk.', 60, 650)}"
    assert text_of(drawn_pdf(content)) == f"{expected} Keep off after dusk."


# ---- columns -------------------------------------------------------------------------------------

IN_ORDER = " ".join((*LEFT, *RIGHT))


@pytest.mark.parametrize(
    "content",
    [
        across((60, LEFT), (320, RIGHT)),
        across((60, LEFT), (222, RIGHT)),
        across((60, LEFT), (320, RIGHT), lower=4),
        " ".join(
            f"BT /F1 10 Tf 60 {700 - 14 * row} Td [({left}) -12000 ({right})] TJ ET"
            for row, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True))
        ),
    ],
    ids=["apart", "near", "lower", "at once"],
)
def test_columns_of_prose_drawn_row_by_row_are_read_one_after_the_other(content: str) -> None:
    assert text_of(drawn_pdf(content)) == IN_ORDER


def test_three_columns_are_read_one_after_the_other() -> None:
    columns = (40, LEFT), (230, RIGHT), (420, THIRD)
    assert text_of(drawn_pdf(across(*columns))) == " ".join((*LEFT, *RIGHT, *THIRD))


@pytest.mark.parametrize("row_by_row", [True, False])
def test_columns_drawn_letter_by_letter_are_words_one_column_after_the_other(
    row_by_row: bool,
) -> None:
    drawn = [
        by_letters(text, left, 700 - 14 * row)
        for left, column in ((60, LEFT), (320, RIGHT))
        for row, text in enumerate(column)
    ]
    if row_by_row:
        drawn = [drawn[row + side] for row in range(5) for side in (0, 5)]
    assert text_of(drawn_pdf(" ".join(drawn), font=COURIER)) == IN_ORDER


@pytest.mark.parametrize("matrix", ["0 -1 1 0 300 700", "0 1 -1 0 200 200", "-1 0 0 -1 500 400"])
def test_lines_turned_any_way_are_read_from_the_first_to_the_last(matrix: str) -> None:
    turned = " ".join(line(text, 0, -14 * row) for row, text in enumerate(LEFT))
    content = f"{line('A heading', 60, 750)} q {matrix} cm {turned} Q {line('7', 300, 30)}"
    assert text_of(drawn_pdf(content)) == f"A heading {' '.join(LEFT)} 7"


def test_what_stands_across_the_columns_keeps_its_place() -> None:
    title = "A title that stands across both of the columns of this page"
    content = f"{line(title, 160, 740)} {across((60, LEFT), (320, RIGHT))} {line('12', 300, 30)}"
    assert text_of(drawn_pdf(content)) == f"{title} {IN_ORDER} 12"


def test_columns_of_a_cropped_page_are_read_one_after_the_other() -> None:
    data = drawn_pdf(across((60, LEFT), (320, RIGHT)), page_entries="/CropBox [10 10 600 780]")
    assert text_of(data) == IN_ORDER


@pytest.mark.parametrize(
    "columns",
    [
        (
            (60, ("Apples from Kent", "Pears of the north", "Plums, dried, whole")),
            (320, ("Grown without sprays", "Sold by the crate", "Kept in the cellar")),
        ),
        (
            (60, ("heron", "weir", "quay", "lock keeper")),
            (
                320,
                (
                    "a large grey bird that fishes",
                    "a low dam across a river",
                    "a place to land goods at",
                    "who works the gates of a lock",
                ),
            ),
        ),
    ],
    ids=["table", "glossary"],
)
def test_tables_stay_row_by_row(columns: tuple[tuple[float, tuple[str, ...]], ...]) -> None:
    rows = zip(*(lines for _, lines in columns), strict=True)
    assert text_of(drawn_pdf(across(*columns))) == " ".join(cell for row in rows for cell in row)


def test_a_word_broken_at_the_end_of_a_column_s_line_is_put_together() -> None:
    left = ("The lock was built when the thun-", "derstorm had broken the old dam,", *LEFT[1:3])
    assert "when the thunderstorm had" in text_of(drawn_pdf(across((60, left), (320, RIGHT))))


# ---- hyphens -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "between"),
    [
        ("thunder", "storm", ""),
        ("under", "standing", ""),
        ("co", "operation", ""),
        ("Uhr", "macher", ""),
        ("well", "known", "-"),
        ("well", "ness", ""),
        ("self", "portrait", "-"),
        ("e", "mail", "-"),
        ("state-of", "the", "-"),
        ("long", "term", "-"),
        ("long", "est", ""),
        ("rule", "based", "-"),
        ("Nord", "und", "- "),
        ("pre", "and", "- "),
        ("Jean", "Paul", "-"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_goes_where_it_is_the_typesetter_s(
    first: str, second: str, between: str
) -> None:
    assert hyphens.hyphen_between(first, second) == between


def test_what_goes_on_with_a_hyphen_of_its_own_and_ranges_keep_theirs() -> None:
    end = hyphens.LINE_END
    assert hyphens.with_hyphens_decided([f"a mother{end}in-law"])[0] == "a mother-in-law"
    lines = ["The floods of the years 1990-", "1995 and the state-of-", "the-art weir of oak"]
    assert list(text_flow.paragraphs(lines, 10)) == [
        "The floods of the years 1990-1995 and the state-of-the-art weir of oak"
    ]


def test_how_a_document_writes_a_word_elsewhere_decides() -> None:
    end = hyphens.LINE_END
    assert hyphens.with_hyphens_decided([f"the boat{end}house", "Many a boat-house."])[0] == (
        "the boat-house"
    )
    assert hyphens.with_hyphens_decided([f"a well{end}known", "Wellknown, it says"])[0] == (
        "a wellknown"
    )


def test_lines_of_other_libraries_run_on_by_the_same_rules() -> None:
    lines = ["a line that is long enough to be a full one, of a well-", "known kind"]
    assert list(text_flow.paragraphs(lines, 20)) == [" ".join(lines).replace("- ", "-")]


# ---- fonts that say no letters -------------------------------------------------------------------

SENTENCE = (
    "The ferry leaves the quay at seven in the morning and comes back when the lamp on the mill "
    "is lit, unless the wind stands in the west."
)


def test_glyph_numbers_are_never_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_available", lambda: False)
    with pytest.raises(FileFailed, match=r"its fonts say no letters: searchapp\[ocr\] reads them"):
        pdf.read(without_letters_pdf(SENTENCE), "pdf")


@pytest.mark.slow
@pytest.mark.skipif(not ocr.is_available(), reason="needs the extra ocr")
def test_pages_without_letters_are_read_as_pictures() -> None:
    text = text_of(without_letters_pdf(SENTENCE))
    assert "leaves the quay at seven in the morning" in text


def test_pages_whose_fonts_are_not_in_the_file_either_are_refused() -> None:
    with pytest.raises(FileFailed, match=r"no readable text: its fonts say no letters$"):
        pdf.read(without_letters_pdf(SENTENCE, embedded=False), "pdf")


def test_a_garbled_page_among_others_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from pypdf import PdfReader, PdfWriter

    monkeypatch.setattr(ocr, "is_available", lambda: False)
    writer = PdfWriter()
    for data in (pages_pdf(["A page that is sound."]), without_letters_pdf(SENTENCE)):
        writer.append(PdfReader(io.BytesIO(data)))
    written = io.BytesIO()
    writer.write(written)
    document = pdf.read(written.getvalue(), "pdf")
    assert document.text == "A page that is sound."
    assert document.metadata["incomplete"] == (
        "the fonts of 1 of 2 pages say no letters: searchapp[ocr] reads them"
    )


def shifted(text: str, by: int) -> str:
    return "".join(chr(ord(letter) - by) for letter in text)


@pytest.mark.parametrize("by", [29, 31])
def test_glyph_numbers_that_a_font_calls_letters_are_recognized(by: int) -> None:
    assert lettering.is_garbled(shifted(SENTENCE, by))
    assert lettering.is_garbled(shifted(SENTENCE.replace(" ", ""), by))


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        SENTENCE.upper(),
        "GATTACA" * 40,
        "4E 6F 74 65 73 20 6F 66 20 74 68 65 " * 8,
        "PN-4471/A;PN-4472/B;PN-4473/C;PN-4474/D;" * 5,
        "SELECT ID,NAME FROM T WHERE ID>3;" * 5,
        "aGVyb24gYXQgdGhlIHdlaXIgYW5kIHF1YXk" * 5,
        "Wieczorem czapla stoi nad jazem i czeka na ryby. " * 3,
        "",
    ],
)
def test_text_is_not_garbled(text: str) -> None:
    assert not lettering.is_garbled(text)


def test_private_characters_are_no_text() -> None:
    assert lettering.is_garbled("\ue001\ue002 \ue003" * 20)
    assert not lettering.is_garbled("\uf0b7 a point\n" * 5)


# ---- signatures, stamps and files ----------------------------------------------------------------

_LOOK = "/Type /XObject /Subtype /Form /BBox [0 0 300 40] /Resources << /Font << /F1 3 0 R >> >>"


def look(text: str) -> str:
    drawn = stream(f"BT /F1 10 Tf 2 10 Td ({text}) Tj ET")
    return drawn.replace("<<", f"<< {_LOOK}", 1)


def test_what_signatures_and_stamps_show_follows_their_page() -> None:
    box = "/Type /Annot /Rect [72 500 372 540] /P 4 0 R /F 4"
    objects = [
        f"<< {box} /Subtype /Widget /FT /Sig /T (sig) /AP << /N 7 0 R >> >>",
        look("Signed by Ida Moss"),
        f"<< {box} /Subtype /Stamp /AP << /N 9 0 R >> >>",
        look("RECEIVED on 9 March"),
        f"<< {box} /Subtype /Stamp /Contents (A lease) /AP << /N 11 0 R >> >>",
        look("A lease"),
    ]
    data = drawn_pdf(
        line("A lease of the lower boathouse.", 72, 700),
        page_entries="/Annots [6 0 R 8 0 R 10 0 R]",
        catalog_entries="/AcroForm << /Fields [6 0 R] /SigFlags 3 >>",
        objects=objects,
    )
    text = text_of(data)
    assert text.startswith("A lease of the lower boathouse.")
    assert "Signed by Ida Moss" in text
    assert "RECEIVED on 9 March" in text


def file_objects(first: int, name: str, content: str) -> list[str]:
    return [
        f"<< /Type /Filespec /F ({name}) /UF ({name}) /EF << /F {first + 1} 0 R >> >>",
        stream(content).replace("<<", "<< /Type /EmbeddedFile", 1),
    ]


def members_of(data: bytes) -> dict[str, str]:
    return {entry.member: entry.read().text for entry in entries(data, "a.pdf")}


def test_the_files_in_a_pdf_are_members() -> None:
    data = drawn_pdf(
        line("A letter.", 72, 700),
        catalog_entries="/Names << /EmbeddedFiles << /Names [(tides.txt) 6 0 R] >> >>",
        objects=file_objects(6, "tides.txt", "High water is at nine."),
    )
    assert members_of(data) == {"": "A letter.", "tides.txt": "High water is at nine."}


def test_files_behind_paperclips_are_members_once() -> None:
    clip = "<< /Type /Annot /Subtype /FileAttachment /Rect [9 9 20 20] /FS 6 0 R >>"
    data = drawn_pdf(
        line("A letter.", 72, 700),
        page_entries="/Annots [8 0 R 9 0 R]",
        objects=[*file_objects(6, "tides.txt", "High water is at nine."), clip, clip],
    )
    assert members_of(data) == {"": "A letter.", "tides.txt": "High water is at nine."}
    # and where the text was not read before, as after the death of a worker
    pdf._paperclips.clear()
    assert [entry.member for entry in entries(data, "a.pdf")] == ["", "tides.txt"]


@pytest.mark.parametrize("where", ["catalog_entries", "page_entries"])
def test_files_that_are_only_associated_are_members(where: str) -> None:
    data = drawn_pdf(
        line("An invoice.", 72, 700),
        objects=file_objects(6, "factur-x.xml", "<a>Reed Point</a>"),
        **{where: "/AF [6 0 R]"},
    )
    assert members_of(data) == {"": "An invoice.", "factur-x.xml": "Reed Point"}


def test_a_page_without_text_may_hold_files() -> None:
    data = drawn_pdf(
        "",
        catalog_entries="/Names << /EmbeddedFiles << /Names [(a.txt) 6 0 R] >> >>",
        objects=file_objects(6, "a.txt", "words"),
    )
    found = list(entries(data, "a.pdf"))
    with pytest.raises(FileFailed, match="no text found"):
        found[0].read()
    assert [entry.member for entry in found] == ["", "a.txt"]
