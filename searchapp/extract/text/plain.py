"""Plain text: bytes in any encoding to the text that they mean, and text to paragraphs.

A wrong guess would fill the corpus with nonsense that looks like text, so doubt is an error.
`decode` serves every text format.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.detect import BOMS, is_utf16
from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.extract.text.eastasian import east_asian_text
from searchapp.types.documents import Block, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from searchapp.types.documents import Span

MAX_TITLE = 200  # characters

_ENCODINGS = (
    "cp1252 cp1251 koi8_r cp1250 cp1253 cp1254 cp1255 cp1256 cp1257 cp932 euc_jp "
    "iso2022_jp gb18030 big5 cp949 cp866 iso8859_2"
)
_NOT_ICELANDIC = re.compile(
    r"þ(?![aáeéiíoóuúyýæöjrv])|(?<![^\W\d_])ð", re.IGNORECASE
)  # but Turkish or Lithuanian
_WESTERN = frozenset(
    "àáâãäåæçèéêëíîïñóôöõøùúûüßœÿ"
)  # without letters that are frequent only in misread Turkish, Czech, Polish, Baltic
_ITALIAN = frozenset("àèéìíòóùú")
_ICELANDIC = frozenset("áéíóúýþðæö")
_SYMBOL_IN_WORD = re.compile(r"(?<=[^\W\d_])[¡-¿×÷‚„†‡•‹›™€](?=[^\W\d_])")
_ALL_ACCENTED = re.compile(r"(?<![^\W\d_])[À-ÿ]{4}")  # a word that begins so is no Western one
_CYRILLIC_WORD = re.compile(r"[^\W\d_]*[Ѐ-ӿ][^\W\d_]*")
_RUSSIAN_WORD = re.compile(r"[А-ЯЁ]?[а-яё]+")
_FREQUENT_PAIRS = """
ав ад ае аз ак ал ам ан ар ас ат ач ая бо бр ва ве ви вл вн во вы го гр да де ди дн до ду ев ег ед ей ек ел ем ен ер ес ет же
за зв зн ив ие из ии ий ик ил им ин ис ит их иц ич ия йс ка ки ко кр кт ла ле ли ло лу ль ля ма ме ми мо му на не ни нн но нс
нт ны ня об ов ог од ое ож оз ой ок ол ом он оп ор ос от па пе пи по пр ра ре ри ро ру са се си ск сл сн со сп сс ст сь ся та
тв те ти тн то тр тс ту ть уд ус уч хо ци ча че чи ше ши ще ый ых ьн ят
"""
_RUSSIAN_PAIRS = frozenset(_FREQUENT_PAIRS.split())
_FOREIGN_WORD = re.compile(r"[^\W\d_]*[^\W\d_\x00-\x7f][^\W\d_]*")
_ODD_SAMPLE = 5000  # characters
_LEAST_PAIRS = 6
_USUAL_PAIRS = 0.6  # of the pairs of letters
_BULLET = re.compile(r"[ \t]*(?:[-*•+]|\d{1,3}[.)])[ \t]+\S")
_UNDERLINES = {"=": 1, "-": 2}
_ISO_DATE = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T "
    r"]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_DATE_FORMS = {
    **dict.fromkeys(("%Y/%m/%d", "%Y%m%d", "%d.%m.%Y"), "%Y-%m-%d"),
    **dict.fromkeys(
        ("%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y", "%d %B %Y", "%d %b %Y", "%d. %B %Y"),
        "%Y-%m-%d",
    ),
    **dict.fromkeys(("%B %Y", "%b %Y", "%Y-%m"), "%Y-%m"),
}
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")


def read(data: bytes, document_type: str) -> Document:
    """Plain text by paragraphs; its first line is the title where it stands alone, and underlined
    lines are headings.
    """
    text = decode(data)
    if not text.strip():
        raise FileSkipped("empty")
    if document_type not in {"txt", "log"}:
        return Document(text, document_type, blocks=_paragraphs(text, line_spans(text)))
    lines = line_spans(text)
    return Document(text, document_type, title=_title(text, lines), blocks=_structure(text, lines))


def decode(data: bytes) -> str:
    """The text that the bytes mean, newlines as they are, U+FFFD for NULs; raises FileFailed where
    that is in doubt.
    """
    return _decode(data).replace("\0", "\ufffd")


def iso_date(text: str) -> str:
    """A date in ISO 8601 as far as the text tells it: the day (with the time where it was ISO
    before), the month or the year; else "".
    """
    text = " ".join(text.split())
    if found := _ISO_DATE.match(text):
        return found[0].replace(" ", "T")
    for form, result in _DATE_FORMS.items():
        try:
            return datetime.strptime(text, form).strftime(result)
        except ValueError:
            continue
    years = set(_YEAR.findall(text))
    return years.pop() if len(years) == 1 else ""


def _decode(data: bytes) -> str:
    for mark, encoding in BOMS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if is_utf16(data):
        return data.decode(
            "utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be", "replace"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return (
            _damaged_utf8(data)
            or east_asian_text(data)
            or _western(data)
            or _russian(data)
            or _detected(data)
        )
    return _detected(data) if "\x1b$" in text[:8192] and text.isascii() else text


def _damaged_utf8(data: bytes) -> str:
    """UTF-8 with a few wrong bytes, shown as U+FFFD; "" where the bytes are not that."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    whole = sum(len(run) for run in re.findall(r"[^\x00-\x7f\ufffd]+", text))
    return text if whole >= 20 * wrong else ""


def _western(data: bytes) -> str:
    """Windows-1252 where the text reads as a Western European language, which detection confuses
    with others; else "".
    """
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    letters = [letter for letter in text if letter.isalpha()]
    foreign = {letter for letter in letters if not letter.isascii()} - set("ªºµ")
    if (
        sum(not letter.isascii() for letter in letters) > len(letters) / 3
        or _SYMBOL_IN_WORD.search(text)
        or _ALL_ACCENTED.search(text)
    ):
        return ""
    alphabet = {letter.lower() for letter in foreign}
    if "õ" in alphabet and not alphabet & {"ã", "ä"}:
        return ""
    is_icelandic = alphabet <= _ICELANDIC and not _NOT_ICELANDIC.search(text)
    return text if alphabet <= _WESTERN or alphabet <= _ITALIAN or is_icelandic else ""


def _russian(data: bytes) -> str:
    """Windows-1251 or KOI8-R where one of them gives Russian words as they are written; else "".

    The two hold their capitals where the other has its small letters, so that one capital at the
    start of a word, and none within one, tells them apart, and from the encodings of other scripts,
    whose words are no Russian letters in a usual order.
    """
    found = [
        text
        for text in (data.decode(encoding, "replace") for encoding in ("cp1251", "koi8_r"))
        if _is_russian(text)
    ]
    return found[0] if len(found) == 1 else ""


def _is_russian(text: str) -> bool:
    words = _CYRILLIC_WORD.findall(text)
    pairs = [
        word[index : index + 2].lower().replace("ё", "е")
        for word in words
        for index in range(len(word) - 1)
    ]
    if (
        len(pairs) < _LEAST_PAIRS
        or "\ufffd" in text
        or not all(map(_RUSSIAN_WORD.fullmatch, words))
    ):
        return False
    is_capital = any(word[0].isupper() and len(word) > 2 for word in words)
    return is_capital and sum(pair in _RUSSIAN_PAIRS for pair in pairs) >= _USUAL_PAIRS * len(pairs)


def _detected(data: bytes) -> str:
    """The text in the encoding that fits best; raises FileFailed where none or several do."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(data, cp_isolation=_ENCODINGS.split(), threshold=0.15))
    if not matches:
        raise FileFailed("encoding not recognised")
    best = matches[0]
    text = data.decode(best.encoding, "replace")
    rivals = [
        match
        for match in matches[1:]
        if (match.chaos, match.coherence) == (best.chaos, best.coherence)
    ]
    if _is_odd(text) or any(
        _letters(data.decode(rival.encoding, "replace")) != _letters(text) for rival in rivals
    ):
        raise FileFailed("encoding not recognised")
    return text


def _is_odd(text: str) -> bool:
    """True where many words have a capital within them or are half-width kana: so texts look in an
    encoding that is not theirs.
    """
    words = _FOREIGN_WORD.findall(text[:_ODD_SAMPLE])
    return sum(map(_is_odd_word, words)) > len(words) / 5


def _is_odd_word(word: str) -> bool:
    is_kana = all("\uff61" <= letter <= "\uff9f" for letter in word)
    return is_kana or any(
        first.islower() and second.isupper() and not second.isascii()
        for first, second in pairwise(word)
    )


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def _title(text: str, lines: Sequence[Span]) -> str:
    """The first line, where it is short, stands alone (underlined or not) and more text follows;
    else "".
    """
    runs = list(paragraphs(text, lines, 0, len(lines)))
    if len(runs) < 2:
        return ""
    first, last = runs[0]
    line = text[slice(*lines[first])].strip()
    stands_alone = last - first == 1 or (
        last - first == 2 and _underline_level(text, lines, first) > 0
    )
    return line if stands_alone and len(line) <= MAX_TITLE and not _BULLET.match(line) else ""


def _structure(text: str, lines: Sequence[Span]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []
    has_title = bool(_title(text, lines))
    for first, last in paragraphs(text, lines, 0, len(lines)):
        level = _underline_level(text, lines, first)
        is_title = has_title and not blocks
        if is_title or level:
            headings = tuple(name for above, name in path if above < level)
            start, end = lines[first]
            blocks.append(Block(start, start + len(text[start:end].rstrip()), "heading", headings))
            if not is_title:
                path = [each for each in path if each[0] < level] + [
                    (level, text[start:end].strip())
                ]
            first += 2 if level else 1
        if first < last:
            blocks.append(_paragraph(text, lines, first, last, tuple(name for _, name in path)))
    return tuple(blocks)


def _underline_level(text: str, lines: Sequence[Span], index: int) -> int:
    """1 or 2 where the line is a heading underlined over its full width with = or -; else 0."""
    if index + 1 >= len(lines):
        return 0
    line, under = text[slice(*lines[index])].rstrip(), text[slice(*lines[index + 1])].rstrip()
    is_underline = len(under) >= 3 and under[0] in _UNDERLINES and under == under[0] * len(under)
    if (
        not is_underline
        or not line.strip()
        or len(line) > MAX_TITLE
        or abs(len(line) - len(under)) > 2
    ):
        return 0
    return 0 if line.strip()[0] in _UNDERLINES else _UNDERLINES[under[0]]


def _paragraph(
    text: str, lines: Sequence[Span], first: int, last: int, headings: tuple[str, ...]
) -> Block:
    start, end = span_of(text, lines, first, last)
    is_list = bool(_BULLET.match(text[start:end])) and (
        last - first == 1 or bool(_BULLET.match(text[slice(*lines[first + 1])]))
    )
    return Block(start, end, "list" if is_list else "prose", headings)


def _paragraphs(text: str, lines: Sequence[Span]) -> tuple[Block, ...]:
    return tuple(
        Block(*span_of(text, lines, first, last), "prose")
        for first, last in paragraphs(text, lines, 0, len(lines))
    )
