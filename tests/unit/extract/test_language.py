"""A document is in the language that its text shows, else in the one that it says; code is in none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from searchapp.extract.language import language_of, with_language
from searchapp.types.documents import Block, BlockKind, Document
from searchapp.types.languages import code_of

pycld2 = pytest.importorskip("pycld2", exc_type=ImportError)

GERMAN = "Die Waschmaschine wackelt beim Schleudern, und die Heizung pfeift in der Nacht. "
TEXTS = {
    "de": GERMAN,
    "en": "The washing machine shakes while it spins, and the heating whistles at night.",
    "fr": "La machine à laver tremble pendant l'essorage, et le chauffage siffle la nuit.",
    "ru": "Стиральная машина трясётся при отжиме, а отопление свистит по ночам.",
    "he": "מכונת הכביסה רועדת בזמן הסחיטה, והחימום שורק בלילה בחדר השינה.",
    "zh": "洗衣机在脱水时会晃动，暖气在夜里发出哨声，房东却说这很正常，因为这台机器已经用了很多年了。",
    "ar": "تهتز الغسالة أثناء العصر، ويصدر التدفئة صفيرا في الليل كل يوم تقريبا.",
}


def document(text: str, kind: BlockKind = "prose", **metadata: str) -> Document:
    return Document(text, "txt", blocks=(Block(0, len(text), kind),), metadata=metadata)


@pytest.mark.parametrize(("code", "text"), TEXTS.items())
def test_the_language_of_a_text_is_told(code: str, text: str) -> None:
    assert language_of(text) == code


@pytest.mark.parametrize("text", ["", "Lampe 3", "12 345 678 90 " * 20, "\x01\ufdd0\uffff" * 40])
def test_what_shows_no_language_is_in_none(text: str) -> None:
    assert language_of(text) == ""


def test_signs_that_are_no_text_do_not_hide_the_language() -> None:
    assert language_of(GERMAN.replace(" ", " \x0c\x1b\ufdd0 ")) == "de"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "de"),
        ("en", "de"),  # a template's
        ("de-AT", "de-AT"),
        ("deu", "deu"),
        ("und", "de"),
        ("python", "python"),  # of a notebook
    ],
)
def test_the_text_decides_unless_what_is_said_agrees(said: str, expected: str) -> None:
    metadata = {"language": said, "author": "Ann"} if said else {"author": "Ann"}
    stated = replace(document(GERMAN), metadata=metadata)
    assert with_language(stated).metadata == {
        "language": expected,
        "author": "Ann",
    }


def test_where_the_text_shows_none_what_is_said_counts() -> None:
    short = document("Lampe", language="de")
    assert with_language(short) is short


def test_code_is_in_no_language() -> None:
    assert with_language(document(GERMAN, "code")).metadata == {}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("de", "de"),
        ("EN_us", "en"),
        ("iw", "he"),
        ("nb-NO", "no"),
        ("eng", "en"),
        ("GER-at", "de"),  # both forms of ISO 639-2
        ("deu", "de"),
        ("nno", "no"),  # by two steps
        ("gsw", "gsw"),  # without a code of two letters
        *((unknown, "") for unknown in ("un", "und", "mul", "zxx", "mis", "Deutsch", "")),
    ],
)
def test_a_language_begins_with_its_code(said: str, code: str) -> None:
    assert code_of(said) == code
