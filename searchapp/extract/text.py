"""Plain text: bytes in any encoding to the text that they mean, and text to paragraphs.

A wrong guess would fill the corpus with nonsense that looks like text, so doubt is an error. `decode` serves every
text format.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.detect import BOMS, is_utf16
from searchapp.extract.eastasian import east_asian_text
from searchapp.extract.lines import line_spans, paragraphs, span_of
from searchapp.types import Block, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from searchapp.types import Span

MAX_TITLE = 200  # characters

_ENCODINGS = "cp1252 cp1251 koi8_r cp1250 cp1253 cp1254 cp1255 cp1256 cp1257 cp932 euc_jp iso2022_jp gb18030 big5 cp949 cp866 iso8859_2"
_WESTERN = frozenset("àáâãäåæçèéêëíîïñóôöõøùúûüßœÿ")  # without letters that are frequent only in misread Turkish, Czech, Polish, Baltic
_ITALIAN = frozenset("àèéìíòóùú")
_ICELANDIC = frozenset("áéíóúýþðæö")
_SYMBOL_IN_WORD = re.compile(r"(?<=[^\W\d_])[¡-¿×÷‚„†‡•‹›™€](?=[^\W\d_])")
_BULLET = re.compile(r"[ \t]*(?:[-*•+]|\d{1,3}[.)])[ \t]+\S")
_UNDERLINES = {"=": 1, "-": 2}
_ISO_DATE = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_DATE_FORMS = {
    **dict.fromkeys(("%Y/%m/%d", "%Y%m%d", "%d.%m.%Y"), "%Y-%m-%d"),
    **dict.fromkeys(("%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y", "%d %B %Y", "%d %b %Y", "%d. %B %Y"), "%Y-%m-%d"),
    **dict.fromkeys(("%B %Y", "%b %Y", "%Y-%m"), "%Y-%m"),
}
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")


def read(data: bytes, document_type: str) -> Document:
    """Plain text by paragraphs; its first line is the title where it stands alone, and underlined lines are headings."""
    text = decode(data)
    if not text.strip():
        raise FileSkipped("empty")
    if document_type not in {"txt", "log"}:
        return Document(text, document_type, blocks=_paragraphs(text, line_spans(text)))
    lines = line_spans(text)
    return Document(text, document_type, title=_title(text, lines), blocks=_structure(text, lines))


def decode(data: bytes) -> str:
    """The text that the bytes mean, newlines as they are, U+FFFD for NULs; raises FileFailed where that is in doubt."""
    return _decode(data).replace("\0", "\ufffd")


def iso_date(text: str) -> str:
    """A date in ISO 8601 as far as the text tells it: the day (with the time where it was ISO before), the month or the year; else ""."""
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
        return data.decode("utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be", "replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _damaged_utf8(data) or east_asian_text(data) or _western(data) or _detected(data)
    return _detected(data) if "\x1b$" in text[:8192] and text.isascii() else text


def _damaged_utf8(data: bytes) -> str:
    """UTF-8 with a few wrong bytes, shown as U+FFFD; "" where the bytes are not that."""
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    whole = sum(len(run) for run in re.findall(r"[^\x00-\x7f\ufffd]+", text))
    return text if whole >= 20 * wrong else ""


def _western(data: bytes) -> str:
    """Windows-1252 where the text reads as a Western European language, which detection confuses with others; else ""."""
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    letters = [letter for letter in text if letter.isalpha()]
    foreign = {letter for letter in letters if not letter.isascii()} - set("ªºµ")
    if sum(not letter.isascii() for letter in letters) > len(letters) / 3 or _SYMBOL_IN_WORD.search(text):
        return ""
    alphabet = {letter.lower() for letter in foreign}
    if "õ" in alphabet and not alphabet & {"ã", "ä"}:
        return ""
    return text if any(alphabet <= known for known in (_WESTERN, _ITALIAN, _ICELANDIC)) else ""


def _detected(data: bytes) -> str:
    """The text in the encoding that fits best; raises FileFailed where none or several do."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(data, cp_isolation=_ENCODINGS.split(), threshold=0.15))
    if not matches:
        raise FileFailed("encoding not recognised")
    best = matches[0]
    text = data.decode(best.encoding, "replace")
    rivals = [match for match in matches[1:] if (match.chaos, match.coherence) == (best.chaos, best.coherence)]
    if any(_letters(data.decode(rival.encoding, "replace")) != _letters(text) for rival in rivals):
        raise FileFailed("encoding not recognised")
    return text


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def _title(text: str, lines: Sequence[Span]) -> str:
    """The first line, where it is short, stands alone (underlined or not) and more text follows; else ""."""
    runs = list(paragraphs(text, lines, 0, len(lines)))
    if len(runs) < 2:
        return ""
    first, last = runs[0]
    line = text[slice(*lines[first])].strip()
    stands_alone = last - first == 1 or (last - first == 2 and _underline_level(text, lines, first) > 0)
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
                path = [each for each in path if each[0] < level] + [(level, text[start:end].strip())]
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
    if not is_underline or not line.strip() or len(line) > MAX_TITLE or abs(len(line) - len(under)) > 2:
        return 0
    return 0 if line.strip()[0] in _UNDERLINES else _UNDERLINES[under[0]]


def _paragraph(text: str, lines: Sequence[Span], first: int, last: int, headings: tuple[str, ...]) -> Block:
    start, end = span_of(text, lines, first, last)
    is_list = bool(_BULLET.match(text[start:end])) and (last - first == 1 or bool(_BULLET.match(text[slice(*lines[first + 1])])))
    return Block(start, end, "list" if is_list else "prose", headings)


def _paragraphs(text: str, lines: Sequence[Span]) -> tuple[Block, ...]:
    return tuple(Block(*span_of(text, lines, first, last), "prose") for first, last in paragraphs(text, lines, 0, len(lines)))
