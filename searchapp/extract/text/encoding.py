"""Bytes to the text that they mean, for every format that does not name its encoding.

A wrong guess would fill the corpus with nonsense that looks like text, so doubt is an error.
chardet weighs the encodings; what it hardly tells apart is decided by how words are written, and
what it is not sure of is refused. Nothing here knows of a language.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING
from unicodedata import normalize

from searchapp.errors import FileFailed
from searchapp.extract.detect import BOMS, is_utf16, utf32_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ENCODINGS = str.split(
    "cp1252 iso8859-1 iso8859-15 mac-roman cp850 cp437 cp1250 iso8859-2 cp852 cp1251 koi8-r koi8-u "
    "cp866 cp855 iso8859-5 mac-cyrillic cp1253 iso8859-7 cp1254 iso8859-9 cp1255 iso8859-8 cp1256 "
    "iso8859-6 cp1257 cp874 tis-620 cp932 shift_jis_2004 euc_jis_2004 iso2022_jp_2 iso2022_jp_2004 "
    "iso2022_jp_ext iso2022_kr gb18030 big5hkscs cp949 euc_kr johab cp737 cp869 mac-greek cp862 "
    "cp1258 iso8859-16 cp857 cp775 cp865"
)
# what Windows wrote under these names; chardet's own remapping takes ISO 8859-5 for Windows-1251
_WIDER = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "shift_jis_2004": "cp932",
    "euc_jis_2004": "euc_jp",
    "euc_kr": "cp949",
}
_OF_CHINESE = frozenset({"gb18030", "big5hkscs"})
_RARE = (
    "mac",
    "iso8859-15",
    "iso8859-16",
    "cp437",
    "cp850",
    "cp865",
    "cp775",
    "cp857",
)  # in doubt not meant
_WESTERN = frozenset("àáâãäåæçèéêëíîïñóôöõøùúûüßœÿªºµ")  # misread texts seldom have only these

# measured on the texts of tests/builders/encoded_texts.py and on lines of files
_SURE = 0.09  # confidence from which the likeliest reading counts
_NEAR = 0.02  # of the best confidence: how words are written decides
_TIED = 0.001
_LEAST = 0.02  # confidence of a reading that counts when no other is as likely by far
_BY_FAR = 3.0  # times as likely as the next that reads differently
_WESTERN_SHARE = 0.7  # of the best confidence, from which a Western reading counts
_MOST_ODD = 0.2  # of the words beyond ASCII
_SAMPLE = 5000  # characters whose words are looked at

_FOREIGN_WORD = re.compile(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*")
_SIGN_IN_WORD = re.compile(
    r"(?<=[^\W\d_])[¡-¨«-±´-¶¸»-¿×÷‚„†‡•‹›™€](?=[^\W\d_])|[√∞≈≠≤≥∂∑∏∫◊─-╿▀-▟](?=[^\W\d_])"
)
_ALPHABETS = re.compile("([a-zÀ-ɏ])|([Ͱ-Ͽ])|([Ѐ-ӿ])|([֐-׿])|([؀-ۿ])", re.IGNORECASE)
_ONE_ALPHABET = re.compile("[a-zÀ-ɏ]+|[Ͱ-Ͽ]+|[Ѐ-ӿ]+|[֐-׿]+|[؀-ۿ]+", re.IGNORECASE)
_HALF_KANA = re.compile("[\uff61-\uff9f]+")
_FINAL_WITHIN = re.compile("ς(?=[Ͱ-Ͽ])|[ךםןףץ](?=[א-ת])")  # letters that only end words
_CYRILLIC = re.compile("[Ѐ-ӿ]")
_KANA = re.compile("[ぁ-ヿ]")
_CONTROL = re.compile("[\x80-\x84\x86-\x9f]")
_HZ = re.compile(r"~\{(?:[!-w][!-~]){2,}~\}")  # Chinese in ASCII, two letters a character
_COMMON_IN_HZ = re.compile("[0-W]")  # begins the characters that are in use
_LEAST_COMMON = 0.6
_ESCAPE = "\x1b$"  # begins what ISO-2022 encodings write


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A text that the bytes may mean, and how likely it is; confidences are comparable for the same
    bytes only.
    """

    encoding: str
    text: str
    confidence: float
    oddness: float

    @property
    def is_plausible(self) -> bool:
        """Whether it is written as texts are."""
        return (
            self.oddness <= _MOST_ODD
            and not _CONTROL.search(self.text)
            and not (self.encoding in _OF_CHINESE and self._has_kana)
        )

    @property
    def _has_kana(self) -> bool:
        letters = [letter for letter in self.text[:_SAMPLE] if letter.isalpha()]
        foreign = sum(not letter.isascii() for letter in letters)
        return len(_KANA.findall("".join(letters))) > foreign / 10

    def is_same_as(self, other: _Candidate) -> bool:
        """Whether it has the same letters as another reading."""
        return self.text == other.text or self._letters == other._letters

    @property
    def _letters(self) -> str:
        return "".join(filter(str.isalpha, self.text))


def decode(data: bytes) -> str:
    """The text that the bytes mean, newlines as they are, U+FFFD for NULs; raises FileFailed where
    that is in doubt.
    """
    return _decoded(data).replace("\0", "\ufffd")


def _decoded(data: bytes) -> str:
    for mark, encoding in BOMS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if wide := utf32_of(data[: len(data) & ~3]):
        return data.decode(wide, "replace")
    if is_utf16(data):
        return data.decode(
            "utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be", "replace"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _damaged_utf8(data) or _detected(data)
    if not text.isascii():
        return text
    if _ESCAPE in text[:8192]:
        return _detected(data)
    return data.decode("hz", "replace") if "~{" in text and _is_hz(text) else text


def _is_hz(text: str) -> bool:
    """Whether an ASCII text holds Chinese as HZ writes it, in characters that are in use."""
    pairs = "".join(match[0][2:-2] for match in _HZ.finditer(text))
    common = sum(1 for first in pairs[::2] if _COMMON_IN_HZ.match(first))
    opened = text.count("~{")
    return (
        bool(pairs)
        and common >= _LEAST_COMMON * len(pairs) / 2
        and 2 * len(_HZ.findall(text)) > opened
    )


def _damaged_utf8(data: bytes) -> str:
    """UTF-8 with a few wrong bytes, shown as U+FFFD; "" where the bytes are not that."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    whole = sum(len(run) for run in re.findall(r"[^\x00-\x7f\ufffd]+", text))
    return text if whole >= 20 * wrong else ""


def _detected(data: bytes) -> str:
    """The text in the encoding that fits best; raises FileFailed where none does, or several do."""
    readings: list[_Candidate] = []
    for reading in _readings(data):
        if readings and _is_settled(readings[0], reading):
            break
        if reading.is_plausible:
            readings.append(reading)
    if readings and readings[0].confidence >= _SURE:
        best = _best_written(readings)
    else:
        best = _likeliest_by_far(readings) or _western(readings)
    if best is None:
        raise FileFailed("encoding not recognised")
    return best.text


def _is_settled(likeliest: _Candidate, next_one: _Candidate) -> bool:
    """Whether neither a reading nor those after it can be nearly as likely as one that counts, or
    keep it from being likeliest by far.
    """
    if likeliest.confidence < _SURE:
        return next_one.confidence * _BY_FAR <= likeliest.confidence
    return next_one.confidence < likeliest.confidence - _NEAR


def _readings(data: bytes) -> Iterator[_Candidate]:
    """The text in each encoding that all the bytes fit, the likeliest first."""
    from chardet import detect_all

    for candidate in detect_all(
        data, ignore_threshold=True, compat_names=False, include_encodings=_ENCODINGS
    ):
        encoding = candidate["encoding"] or "ascii"
        for name in dict.fromkeys((_WIDER.get(encoding, encoding), encoding)):
            try:
                text = data.decode(name)
            except UnicodeDecodeError:
                continue
            if name == "cp1258":  # whose tones are characters of their own
                text = normalize("NFC", text)
            yield _Candidate(name, text, candidate["confidence"], _oddness(text[:_SAMPLE]))
            break


def _best_written(readings: Sequence[_Candidate]) -> _Candidate | None:
    """Of readings that are nearly as likely as the first, the one with the fewest odd words; None
    where several are left.

    Windows-1251 and MacCyrillic differ in their capitals only, and what is a capital in one is a
    sign in the other: the one that has more letters is meant.
    """
    least = readings[0].confidence - _NEAR
    near = [reading for reading in readings if reading.confidence >= least]
    fewest = min(reading.oddness for reading in near)
    near = [reading for reading in near if reading.oddness == fewest]
    if _CYRILLIC.search(near[0].text):
        most = max(len(_CYRILLIC.findall(reading.text)) for reading in near)
        near = [reading for reading in near if len(_CYRILLIC.findall(reading.text)) == most]
    tied = [reading for reading in near if reading.confidence >= near[0].confidence - _TIED]
    tied = [reading for reading in tied if not reading.encoding.startswith(_RARE)] or tied
    return tied[0] if all(map(tied[0].is_same_as, tied[1:])) else None


def _likeliest_by_far(readings: Sequence[_Candidate]) -> _Candidate | None:
    """The first reading, where every other that reads differently is far less likely: chardet is
    never sure of a text that is mostly ASCII.
    """
    if not readings or readings[0].confidence < _LEAST:
        return None
    rival = next((other for other in readings[1:] if not readings[0].is_same_as(other)), None)
    is_alone = rival is None or readings[0].confidence >= _BY_FAR * rival.confidence
    return readings[0] if is_alone else None


def _western(readings: Sequence[_Candidate]) -> _Candidate | None:
    """Windows-1252, the commonest encoding, where its reading is nearly as likely as any, and all
    its letters are of Western European languages.
    """
    for reading in readings:
        if reading.encoding == "cp1252" and reading.confidence >= (
            _WESTERN_SHARE * readings[0].confidence
        ):
            foreign = {
                letter.lower()
                for letter in set(reading.text)
                if letter.isalpha() and not letter.isascii()
            }
            return reading if foreign <= _WESTERN else None
    return None


def _oddness(text: str) -> float:
    """The share of words beyond ASCII that are written as texts look in a wrong encoding: with a
    sign or a capital within, in two alphabets, or in half-width kana.
    """
    words = _FOREIGN_WORD.findall(text)
    odd = sum(count for word, count in Counter(words).items() if _is_odd_word(word)) + len(
        _SIGN_IN_WORD.findall(text)
    )
    return odd / max(1, len(words))


def _is_odd_word(word: str) -> bool:
    if _FINAL_WITHIN.search(word) or _HALF_KANA.fullmatch(word):
        return True
    if _ONE_ALPHABET.fullmatch(word) and (word.istitle() or word.islower()):
        return False
    return len({match.lastindex for match in _ALPHABETS.finditer(word)}) > 1 or any(
        first.islower() and second.isupper() and not second.isascii()
        for first, second in pairwise(word)
    )
