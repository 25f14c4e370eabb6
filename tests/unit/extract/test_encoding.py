"""How many short texts of many languages are read as they were meant, refused, or misread."""

from __future__ import annotations

from collections import Counter
from unicodedata import normalize

import pytest

from searchapp.errors import FileFailed
from searchapp.extract.text.encoding import decode
from tests.builders.encoded_texts import EncodedText, encoded_texts


def outcome(text: EncodedText) -> str:
    try:
        return "right" if decode(text.data) == text.text else "misread"
    except FileFailed:
        return "refused"


@pytest.mark.slow
def test_no_short_text_is_misread_and_few_are_refused() -> None:
    outcomes = {text: outcome(text) for text in encoded_texts()}
    assert len({text.encoding for text in outcomes}) == 29
    assert Counter(outcomes.values()) == {"right": 323, "refused": 17}
    assert max(len(text.text) for text in outcomes if outcomes[text] == "refused") <= 41


@pytest.mark.slow
def test_a_text_of_a_few_sentences_is_always_read() -> None:
    assert {outcome(text) for text in encoded_texts() if len(text.data) > 110} == {"right"}


def test_a_text_that_is_mostly_ascii_is_read_by_its_few_letters() -> None:
    code = "\nimport os\n" + "def f(x):\n    return os.path.join(x)\n" * 50
    for text in (f"# Author: Jörg Weiß{code}", "name,city\nJürgen,Köln\nBjörn,Malmö\n"):
        assert decode(text.encode("cp1252")) == text


def test_capitals_tell_windows_from_macintosh() -> None:
    for encoding in ("cp1251", "mac_cyrillic"):
        text = "Иванов Иван: Техническое задание"
        assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Шлюз открыт в семь.\n", "水門は朝七時に開きます。\n"])
def test_utf_16_without_a_mark_is_read_in_every_script(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp737", "Το τιμολόγιο του Μαρτίου δεν έχει πληρωθεί ακόμα."),
        ("mac_greek", "Το τιμολόγιο του Μαρτίου δεν έχει πληρωθεί ακόμα."),
        ("cp862", "החשבון של חודש מרץ עדיין לא שולם."),
        ("cp1258", "Hoá đơn tháng ba vâ\u0303n chưa xong, ông Minh ơ\u0309 văn pho\u0300ng."),
        ("iso8859_16", "Račun za lipanj još nije plaćen, a knjižnica je zatvorena."),
        ("cp857", "Kütüphane pazar dışında her gün açıktır."),
        ("hz", "四月的账单还没有支付。"),
    ],
)
def test_code_pages_of_old_systems_are_read(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == normalize("NFC", text)


@pytest.mark.parametrize(
    "text", ["if ($line =~{^a} && $x =~{abcd~}) {}\n", "x ~{ab~} y\n", "~{unpaired text\n"]
)
def test_code_with_signs_of_hz_stays_as_it_is(text: str) -> None:
    assert decode(text.encode()) == text
