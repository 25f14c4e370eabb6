"""Old Word documents: the letters of Word 6 and 95 in their code pages, and the numbers of lists."""

from __future__ import annotations

import struct

import pytest

from searchapp.extract.office.compound import compound_file
from searchapp.extract.office.doc_lists import lists_of
from searchapp.extract.office.legacy import read
from tests.builders.old_word import described, in_list, level, word95, word97

RUSSIAN = "Шлюз открывается в семь часов утра, и лодочник уже ждёт у старой пристани."
GREEK = "Ο υδατοφράκτης ανοίγει στις επτά το πρωί, και ο βαρκάρης περιμένει στην προβλήτα."
POLISH = "Śluza otwiera się o siódmej rano, a przewoźnik już czeka przy starej przystani, żółty."
GERMAN = "Die Schleuse öffnet früh um sieben, die Männer hören die Flöße schon über die Brücke."
JAPANESE = "水門は朝七時に開きます。The gate opens."


def text_of(data: bytes) -> str:
    return read(data, "doc").text


# ---- code pages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "page", "options"),
    [
        (RUSSIAN, "cp1251", {}),
        (RUSSIAN, "cp1251", {"language": 0x419}),
        (RUSSIAN, "mac_cyrillic", {"from_mac": True}),
        (GREEK, "cp1253", {}),
        (GREEK, "cp1253", {"fonts": [0, 161]}),
        (POLISH, "cp1250", {"fonts": [238]}),
        (POLISH, "cp1250", {}),
        (GERMAN, "cp1252", {}),
        (GERMAN, "mac_roman", {"from_mac": True}),
        (GERMAN, "mac_roman", {}),
        (GERMAN, "cp1252", {"fonts": [0, 204]}),
        (JAPANESE, "cp932", {"language": 0x411}),
        (JAPANESE, "utf-16-le", {"language": 0x411, "flags": 0x1000}),
    ],
)
def test_letters_are_read_in_their_code_page(text: str, page: str, options: dict[str, int]) -> None:
    assert text_of(word95(f"{text}\r".encode(page), **options)) == text  # type: ignore[arg-type]


def test_few_letters_are_read_by_the_only_script_of_the_fonts() -> None:
    assert text_of(word95("Мир\r".encode("cp1251"), fonts=[0, 2, 204])) == "Мир"
    assert text_of(word95("Köln\r".encode("cp1252"), fonts=[0, 2, 204, 161])) == "Köln"


def test_runs_of_a_font_are_read_in_its_code_page() -> None:
    pieces = [("Grüße, ", "cp1252", 0), ("мир ", "cp1251", 1), ("και φως", "cp1253", 2)]
    data = [text.encode(page) for text, page, _ in pieces]
    ends = [len(b"".join(data[: n + 1])) for n in range(3)]
    runs = [(end, font) for end, (_, _, font) in zip(ends, pieces, strict=True)]
    made = word95(b"".join(data) + b" \xfcber\r", fonts=[0, 204, 161], runs=runs)
    assert text_of(made) == "Grüße, мир και φως über"


# ---- numbers of lists ----------------------------------------------------------------------------

_LEVELS = ((0, "\0."), (0, "\0.\1"), (4, "(\2)"))


def test_clauses_are_numbered_through_all_levels() -> None:
    made = word97(
        [
            ("Rent", in_list(0)),
            ("Due", in_list(1)),
            ("in cash", in_list(2)),
            ("by post", in_list(2)),
            ("Meanwhile", b""),
            ("Sheds", in_list(0)),
            ("Rent falls due", in_list(1)),
        ],
        levels=_LEVELS,
    )
    assert text_of(made).split("\n") == [
        "1. Rent",
        "1.1 Due",
        "(a) in cash",
        "(b) by post",
        "",
        "Meanwhile",
        "",
        "2. Sheds",
        "2.1 Rent falls due",
    ]


def test_a_second_use_of_a_list_begins_anew_and_bullets_have_no_number() -> None:
    override = struct.pack("<II", 7, 0x10)
    made = word97(
        [("one", in_list(0)), ("seven", in_list(0, 2)), ("leaf", in_list(1)), ("", in_list(0))],
        levels=((0, "\0)"), (23, "\uf0b7")),
        overrides=override,
    )
    assert text_of(made).split("\n") == ["1) one", "7) seven", "- leaf"]


def test_paragraphs_are_numbered_by_their_style() -> None:
    style = struct.pack("<HBHH", 0x260A, 1, 0x460B, 1)
    made = word97([("Due", struct.pack("<H", 1)), ("Plain", b"")], levels=_LEVELS, style=style)
    assert text_of(made) == "1.1 Due\n\nPlain"


def test_a_level_of_its_own_takes_the_place_of_the_lists() -> None:
    made = word97(
        [("four", in_list(0, 2)), ("five", in_list(0, 2))],
        levels=_LEVELS,
        overrides=struct.pack("<II", 1, 0x30) + level(1, "§\0", start=4),
    )
    assert text_of(made).split("\n") == ["§IV four", "§V five"]


def test_lists_that_are_cut_off_are_none() -> None:
    assert lists_of(b"\xff" * 10, 0, 10, 0, 10) == {}


# ---- presentations -------------------------------------------------------------------------------


def test_a_presentation_for_two_programs_is_read_as_the_later_one_reads_it() -> None:
    slide = struct.pack("<HHI", 0, 4008, 9) + b"New words"
    listed = struct.pack("<HHI5I", 0, 1011, 20, 1, 0, 0, 256, 0)
    listed += struct.pack("<HHII", 0, 3999, 4, 1) + slide
    group = struct.pack("<HHI", 0xF, 4080, len(listed)) + listed
    document = struct.pack("<HHI", 0xF, 1000, len(group)) + group
    show = compound_file(
        {
            "PowerPoint Document": b"older form",
            "PP97_DUALSTORAGE": {"PowerPoint Document": document, "Current User": bytes(20)},
        }
    )
    assert read(show, "ppt").text == "New words"


def test_comments_begin_with_their_authors_and_pictures_are_described() -> None:
    pictures = b"noise\x0b\xf0" + described("The sluice gate") + described("picture1.png")
    comments = (("Ida Moss", "Which gate?"), ("Per", "The lower one."))
    made = word97([("The gate is shut.", b"")], comments=comments, data=pictures)
    assert read(made, "doc").text.split("\n\n") == [
        "The gate is shut.",
        "Ida Moss: Which gate?",
        "Per: The lower one.",
        "The sluice gate",
    ]
