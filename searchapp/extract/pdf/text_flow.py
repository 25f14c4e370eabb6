"""From the lines of laid-out pages to paragraphs: what pages of glyphs and recognised pictures have
in common.

Pages give lines where a reader wants sentences. What a line is to its neighbours is told here from
the text alone: which lines only repeat the page before, which run on, and which letters are the
typesetter's and not the author's.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from searchapp.extract.pdf.hyphens import LINE_END, joined, with_hyphens_decided

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OPEN_RANGE = re.compile(r"\d[-–]$")
_FULL_LINE = 0.7  # of the page's typical line: a shorter line ends where its author ended it
_SHORT_LINE = 15  # letters: shorter ones are labels, however narrow the page
_MIN_PAGES = 4  # fewer are too few to tell a running line by
_EDGE = 3  # lines at a page's top, and at its bottom, among which running ones are
_MOST = 0.4  # of the pages: left and right pages often have lines of their own
_BULLET = re.compile(r"[•●▪◦‣–*·]\s|\(?\d{1,2}[.)]\s|\[\d+\]\s")
_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff9f]")
_NUMBER = re.compile(r"\d{1,5}")
_LONG = 12  # letters beside a page's number that are a title's and not a label's
_PAGE_WORD = re.compile(
    r"(page|seite|p|pg|s|pagina|página|sida|side|strona|strana|страница|стр|第|页|頁|ページ|of|von|de|di|sur|из)+$",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_UNUSUAL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\xad\ufffe\uffff]")
_HYPHEN = re.compile("[\x02\ufffe\xad]\\s*")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\uffff]")
_PRESENTED = re.compile("[\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufdcf\ufdf0-\ufdfc\ufe70-\ufefc]+")
# as text processors draw them from symbol fonts
_SYMBOL_BULLET = re.compile("[\uf0a7\uf0a8\uf0b7\uf06e\uf0d8\uf076]")
_SIGN = re.compile("[⁄\uf06e-\uf0d8]")
_FRACTION = re.compile(r"(?<=\d)\s+(?=⁄\d)")
_ARABIC = re.compile("[\u0600-\u06ff]")
_LOOSE_MARK = re.compile("(?<=[\u0620-\u064a]) ([\u064b-\u0652])([\u0620-\u064a])")
_LATIN_BEFORE_ARABIC = re.compile("(?<=[A-Za-z])(?=[\u0620-\u064a])")


def tidy(text: str) -> str:
    """A text in plain letters: no ligatures, no control characters, words that a line end broke put
    together.
    """
    return with_hyphens_decided([tidy_page(text)])[0]


def tidy_page(text: str) -> str:
    """The text of a page in plain letters; hyphens at the ends of its lines are marked, to be
    decided with the words of all pages at hand.
    """
    if not text.isascii():
        text = _plain_letters(text)
    if _UNUSUAL.search(text):
        text = _CONTROL.sub("", _HYPHEN.sub(_hyphen, text))
    return text


def lines_of(text: str) -> list[str]:
    """The lines of a page, blank ones as ""."""
    return [line.strip() for line in text.splitlines()]


def without_running_lines(pages: Sequence[list[str]]) -> list[list[str]]:
    """The pages without their headers, footers and page numbers, which stay where they stand first,
    set apart by blank lines.

    A line runs if it stands at the top or bottom of two pages in five, the number of the page in it
    aside. Bare numbers go altogether; a page of nothing else stays as it is, and so do documents of
    fewer than four pages.
    """
    if len(pages) < _MIN_PAGES:
        return list(pages)
    edges = [_edge(lines) for lines in pages]
    keys = [
        [_keys(lines[index], number) for index in edge]
        for number, (lines, edge) in enumerate(zip(pages, edges, strict=True))
    ]
    counts = Counter(key for page in keys for key in {key for line in page for key in line})
    needed = max(3, _MOST * len(pages))
    seen: set[str] = set()
    kept = []
    for lines, edge, line_keys in zip(pages, edges, keys, strict=True):
        running = {
            index: key
            for index, keys_of_line in zip(edge, line_keys, strict=True)
            for key in keys_of_line
            if counts[key] >= needed
        }
        kept.append(_without(lines, running, seen))
    return kept


def full_width(lines: Sequence[str]) -> float:
    """How long a line of the page is at least, in characters, that goes on in the next one."""
    lengths = sorted(len(line) for line in lines if line)
    return max(_SHORT_LINE, _FULL_LINE * lengths[len(lengths) * 9 // 10]) if lengths else 0.0


def paragraphs(lines: Sequence[str], width: float) -> Iterator[str]:
    """The paragraphs of some lines: those of full width run on, short ones end where they end."""
    pieces: list[str] = []
    previous = ""
    for line in lines:
        if pieces and (not line or _ends_paragraph(previous, line, width)):
            yield "".join(pieces)
            pieces = []
        if line:
            if pieces:
                _run_on(pieces, line, full=len(previous) >= width)
            pieces.append(line)
        previous = line
    if pieces:
        yield "".join(pieces)


def _plain_letters(text: str) -> str:
    if _PRESENTED.search(text):
        text = _PRESENTED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = _FRACTION.sub("", _SYMBOL_BULLET.sub("•", text)) if _SIGN.search(text) else text
    if _ARABIC.search(
        text
        # marks are placed apart from their letters, and a space beside a Latin word is lost in
        # turning the line
    ):
        text = _LATIN_BEFORE_ARABIC.sub(" ", _LOOSE_MARK.sub(r"\2\1", text))
    return text


def _hyphen(match: re.Match[str]) -> str:
    """What a hyphen of the typesetter becomes: undecided within a word, else a plain one."""
    text, start, end = match.string, match.start(), match.end()
    if start and text[start - 1].isalpha() and text[end : end + 1].islower():
        return LINE_END
    return "-" + match[0][1:]


def _edge(lines: Sequence[str]) -> list[int]:
    """The indices of a page's first and last lines that are not blank."""
    first = _some([*range(len(lines))], lines)
    last = _some([*range(len(lines) - 1, -1, -1)], lines)
    return sorted({*first, *last})


def _some(indices: Sequence[int], lines: Sequence[str]) -> list[int]:
    filled: list[int] = []
    for index in indices:
        if lines[index]:
            filled.append(index)
            if len(filled) == _EDGE:
                break
    return filled


def _keys(line: str, number: int) -> list[str]:
    """What a line may share with a running line of other pages: itself, or itself with a number
    that counts with the pages.

    "Question 7" on page 7 shares nothing with "Question 8" on page 8: what is beside the number is
    a page's word, or long.
    """
    matches = list(_NUMBER.finditer(line))
    if not matches:
        return [line]
    words = "".join(_LETTER.findall(line))
    is_plain = bool(words) and len(words) < _LONG and not _PAGE_WORD.match(words)
    outer = () if is_plain else {matches[0], matches[-1]}
    return [
        line,
        *(
            f"{line[: match.start()]}\0{int(match[0]) - number}\0{line[match.end() :]}"
            for match in outer
        ),
    ]


def _without(lines: Sequence[str], running: dict[int, str], seen: set[str]) -> list[str]:
    """The lines without the running ones that were seen before."""
    if not any(line and index not in running for index, line in enumerate(lines)):
        return list(lines)
    kept: list[str] = []
    for index, line in enumerate(lines):
        if index not in running:
            kept.append(line)
        elif running[index] not in seen and _LETTER.search(line):
            seen.add(running[index])
            kept += ["", line, ""]
    return kept


def _ends_paragraph(line: str, following: str, width: float) -> bool:
    """True where the next line begins something new."""
    return (
        len(line) < width and line.endswith((".", "!", "?", ":", "。", "！", "？", "؟"))
    ) or _BULLET.match(following) is not None


def _run_on(pieces: list[str], following: str, *, full: bool) -> None:
    """Make the paragraph ready for its next line: a line break, a space, or nothing after a broken
    word or range and in CJK.
    """
    last = pieces[-1]
    if following[:1].isdecimal() and _OPEN_RANGE.search(last):
        return  # "1990-/1995"
    if not full:
        pieces.append("\n")
    elif (whole := joined(last, following)) is not None:
        pieces[-1] = whole
    elif last[-1:].isascii() or not (_CJK.match(last[-1:]) and _CJK.match(following)):
        pieces.append(" ")
