"""What is in a text but is no text: base64 and its kin, data: addresses, PEM blocks, dumps of
bytes, minified scripts. It is left out of every document, whatever its reader, and the document
says so.

Here is only how noise looks. Words of any language, addresses, hashes and sequences of letters
(DNA, proteins) are text: a hash must stay to be found. What may be text or noise stays: to lose a
person's text is worse than to keep noise.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from searchapp.errors import FileSkipped
from searchapp.extract.coded_runs import LEAST, coded_runs
from searchapp.extract.dense_runs import dense_runs
from searchapp.humanize import human_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from searchapp.types.documents import Block, Document, Span

_LONG_WORD = 40  # characters: shorter ones are in no run
_WORD = re.compile("[!-~]*")
_MARKS = bytes(  # of each byte of UTF-8: printable ASCII, one that goes on with a letter, others
    1 if 0x21 <= byte < 0x7F else 2 if 0x80 <= byte < 0xC0 else 0 for byte in range(256)
)
_LONG, _CONTINUED = b"\1" * _LONG_WORD, b"\2"
_FEW_SPACES = 12  # characters of a short line for each of its spaces
_LEAST_ADDRESS = 64  # characters of what a data: address holds
_LONGEST_NAME = 120  # characters before an address that is defined
_SCRIPT_LINE = 500  # characters: people's lines of a script are shorter
_MOST_SPACED = 0.08  # of a minified line is white space
_LEAST_SIGNS = 0.1

_ADDRESS = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w-]+=[^;,\s]{0,40})*(?P<packed>;base64)?,"
    r"(?P<rest>(?(packed)(?:[A-Za-z0-9+/_=-]|%[0-9A-Fa-f]{2})*|[^\s\"'()<>]*))"
)
_DEFINED = re.compile(r"^[ ]{0,3}\[[^\[\]\n]{1,80}\]:[ \t]*<?\Z")  # Markdown, before an address
_ARMOR = re.compile(
    r"-----BEGIN (?P<name>[A-Z0-9 ]{2,40})-----[\s>]*+(?:[A-Za-z-]{2,20}: [^\n]{0,100}+\s++){0,20}+"
    r"[A-Za-z0-9+/=\s>\\]{20,}+-----END (?P=name)-----"
)
_DIGIT_PAIRS = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}:\s{0,60}+)++(?:[0-9A-Fa-f]{2}(?![0-9A-Za-z]))?"
)
_LEAST_PAIRS = 64  # between colons; a hash has fewer
_PAIR_LINES = re.compile(
    r"\n((?:[ \t]{0,20}(?:[0-9A-Fa-f]{2} ){7,}[0-9A-Fa-f]{2}[ \t]{0,4}\r?(?:\n|\Z)){4,})"
)
_RECORDS = re.compile(  # of Intel and of Motorola, as programs of devices are kept
    r"\n((?:[ \t]{0,8}(?::[0-9A-F]{10,600}|S[0-9][0-9A-F]{8,600})[ \t]{0,4}\r?(?:\n|\Z)){8,})"
)
_DUMPED = re.compile(  # the beginning of a line of a dump, or of a uuencoded file
    r"\n(?:[ \t>#/*]{0,20}+(?:[0-9A-Fa-f]{2,16}+[:-]?[ \t]{1,3}+){4}|begin [0-7]"
    r"|[ \t]{0,8}(?::[0-9A-F]|S[0-9])[0-9A-F]{8})"
)
_DUMP = "dump of bytes"
_LEAST_LINES = 4
_LEAST_LETTERS = 0.3  # of pairs of hexadecimal digits; a table of figures has none
# each begins with a letter or two of its own, which makes looking for it fast
_BYTE_ARRAY = re.compile(
    r"0x[0-9A-Fa-f]{1,2}\s{0,40},\s{0,40}(?:0x[0-9A-Fa-f]{1,2}\s{0,40},\s{0,40}){63,}"
    r"(?:0x[0-9A-Fa-f]{1,2})?"
)
_ESCAPED_BYTES = re.compile(r"\\x[0-9A-Fa-f]{2}(?:\\x[0-9A-Fa-f]{2}){63,}")
_DUMP_LINE = re.compile(
    r"(?P<at>[0-9A-Fa-f]{4,16}):?[ \t]{1,3}"
    r"(?P<bytes>(?:[0-9A-Fa-f]{2,8}(?:-|[ \t]{1,3}|(?=\r?\n|\Z))){4,})(?P<rest>[^\n]{0,80})"
)
_OCTAL = re.compile("[01][0-7]{5}")
_DUMP_START = re.compile(r"\n[ \t>#/*]{0,12}(?=[0-9A-Fa-f]{4})")
_UUENCODED = re.compile(r"begin [0-7]{3,4} \S[^\n]*\n(?:[!-`][ -`]{1,80}\r?\n)+[` ]?\r?\nend\b")
_SCRIPT_WORD = re.compile(r"\b(?:function|return|var|typeof|void|const|let)\b|=>|&&|\|\||===?")
_RULE = re.compile(r"[\w.#)\]*>:-]\{(?:[\w-]{2,40}:[^{};\"]{1,200}(?:;|(?=\})))+\}")
_NAMES = {
    "picture": ("a picture", "pictures"),
    "embedded file": ("an embedded file", "embedded files"),
    "base64": ("base64", "base64"),
    "base32": ("base32", "base32"),
    "base85": ("base85", "base85"),
    "PEM block": ("a PEM block", "PEM blocks"),
    "dump of bytes": ("a dump of bytes", "dumps of bytes"),
    "uuencoded file": ("a uuencoded file", "uuencoded files"),
    "minified script": ("a minified script", "minified scripts"),
}


class Noise(NamedTuple):
    """A slice of a text that is no text, and what it is."""

    start: int
    end: int
    kind: str


def without_noise(document: Document) -> Document:
    """The document without its noise, which its metadata names as incomplete; its lines stay where
    they are. Raises FileSkipped where nothing else is in it.
    """
    noise = list(noise_in(document.text))
    metadata = {name: _quiet(value) for name, value in document.metadata.items()}
    if not noise:
        return document if metadata == document.metadata else replace(document, metadata=metadata)
    text, blocks = _cut(document, noise)
    said = left_out(noise)
    if not blocks:
        raise FileSkipped(f"no text: {said}")
    before = metadata.get("incomplete", "")
    return replace(
        document,
        text=text,
        blocks=blocks,
        title=_quiet(document.title),
        metadata=metadata | {"incomplete": f"{before}; {said}" if before else said},
    )


def noise_in(text: str) -> Iterator[Noise]:
    """The noise in a text, in order, apart."""
    end = 0
    for candidate in sorted(_candidates(text)):
        start = max(candidate.start, end)
        if candidate.end > start:
            yield Noise(start, candidate.end, candidate.kind)
            end = candidate.end


def _candidates(text: str) -> Iterator[Noise]:
    yield from _addresses(text)
    if words := list(_long_words(text)):
        yield from (Noise(*run) for run in coded_runs(text, words))
        yield from (Noise(*run) for run in dense_runs(text, words))
        yield from _pairs(text, words)
    if "-----BEGIN " in text:
        yield from (Noise(*match.span(), "PEM block") for match in _ARMOR.finditer(text))
    yield from _dumps(text)
    yield from _scripts(text)


def _long_words(text: str) -> Iterator[Span]:
    """The words of at least `_LONG_WORD` printable ASCII characters, as spans of the text; of short
    lines only those that hold little else.

    Looking for so many equal bytes in a row passes over most of a text unread.
    """
    marks = text.encode("utf-8", "surrogatepass").translate(_MARKS)
    read = end = 0  # in `marks`, and in the text
    while (at := marks.find(_LONG, read)) >= 0:
        start = end + at - read - marks.count(_CONTINUED, read, at)
        end = match.end() if (match := _WORD.match(text, start)) else start
        read = at + end - start
        if _may_hold_runs(text, start):
            yield start, end


def _may_hold_runs(text: str, start: int) -> bool:
    """Whether the line of a long word may be, or hold, a line of a run."""
    first, after = text.rfind("\n", 0, start) + 1, text.find("\n", start)
    line = text[first:after] if after >= 0 else text[first:]
    return len(line) >= LEAST or line.strip().count(" ") * _FEW_SPACES < len(line)


def _quiet(value: str) -> str:
    """A short text without its noise."""
    for noise in reversed(list(noise_in(value)) if len(value) >= LEAST else []):
        value = value[: noise.start] + value[noise.end :]
    return value


# ---- data: addresses -----------------------------------------------------------------------------


def _addresses(text: str) -> Iterator[Noise]:
    """What data: addresses hold; a line of Markdown that only defines one, as a whole."""
    if "data:" not in text:
        return
    for match in _ADDRESS.finditer(text):
        if len(match["rest"]) < _LEAST_ADDRESS or not (match["type"] or match["packed"]):
            continue
        kind = "picture" if (match["type"] or "").startswith("image/") else "embedded file"
        before = text[max(0, match.start() - _LONGEST_NAME) : match.start()].rpartition("\n")[2]
        line = match.start() - len(before)
        is_defined = len(before) < _LONGEST_NAME and _DEFINED.match(before) is not None
        end = match.end() + (is_defined and text[match.end() : match.end() + 1] == ">")
        yield Noise(line if is_defined else match.start(), end, kind)


# ---- dumps of bytes ------------------------------------------------------------------------------


def _dumps(text: str) -> Iterator[Noise]:
    if "0x" in text:
        yield from _bytes(_BYTE_ARRAY.finditer(text))
    if "\\" in text and "\\x" in text:  # one letter is found much faster than two
        yield from _bytes(_ESCAPED_BYTES.finditer(text))
    if not (_DUMPED.search(text) or _DUMPED.match(f"\n{text[:_LONGEST_NAME]}")):
        return
    if "begin " in text:
        yield from (
            Noise(*match.span(), "uuencoded file")
            for match in _UUENCODED.finditer(text)
            if len(match[0]) >= LEAST
        )
    yield from _dumped_lines(text)
    for match in _RECORDS.finditer(f"\n{text}"):
        yield Noise(match.start(), match.end() - 1, _DUMP)
    for match in _PAIR_LINES.finditer(text):
        if _has_letters(match[0].split()):
            yield Noise(match.start(1), match.end(), _DUMP)


def _pairs(text: str, words: Iterable[Span]) -> Iterator[Noise]:
    """Pairs of digits between colons, as in keys."""
    first = next((word for word in words if text.count(":", *word) > _LONG_WORD // 4), None)
    for match in _DIGIT_PAIRS.finditer(text, first[0]) if first else ():
        if match[0].count(":") >= _LEAST_PAIRS and _has_letters(match[0].split(":")):
            yield Noise(match.start(), match.start() + len(match[0].rstrip()), _DUMP)


def _has_letters(groups: Sequence[str]) -> bool:
    """Whether so many groups of hexadecimal digits have letters as a table of figures has not."""
    return sum(not group.strip().isdigit() for group in groups) >= _LEAST_LETTERS * len(groups)


def _bytes(matches: Iterable[re.Match[str]]) -> Iterator[Noise]:
    return (Noise(*match.span(), _DUMP) for match in matches)


def _dumped_lines(text: str) -> Iterator[Noise]:
    """Four or more lines of bytes, each with its place, which grows from line to line as in no
    table of figures; or of pairs of digits alone.
    """
    lines: list[re.Match[str]] = []
    for match in _dump_lines(text):
        if lines and not _follows(text, lines, match):
            yield from _dump(lines)
            lines = []
        lines.append(match)
    yield from _dump(lines)


def _dump_lines(text: str) -> Iterator[re.Match[str]]:
    if first := _DUMP_LINE.match(text):
        yield first
    for dump_start in _DUMP_START.finditer(text):
        if match := _DUMP_LINE.match(text, dump_start.end()):
            yield match


def _follows(text: str, lines: Sequence[re.Match[str]], line: re.Match[str]) -> bool:
    before, *_, place = [int(dump_line["at"], 16) for dump_line in (*lines[-2:], line)]
    last = int(lines[-1]["at"], 16)
    between = text[lines[-1].end() : line.start()]
    is_even = len(lines) < 2 or place - last == last - before or "*" in between
    return 8 <= place - last <= 256 and is_even and not between.strip("*>#/ \t\r\n")


def _dump(lines: Sequence[re.Match[str]]) -> Iterator[Noise]:
    """The lines as noise, where their places or bytes are no figures, or the bytes are said again
    in letters.
    """
    if len(lines) < _LEAST_LINES:
        return
    groups = [group for line in lines for group in line["bytes"].replace("-", " ").split()]
    is_hexadecimal = not all(line["at"].isdigit() for line in lines) or _has_letters(groups)
    if is_hexadecimal or _is_octal(lines, groups) or any(map(_says_its_bytes, lines)):
        yield Noise(lines[0].start(), lines[-1].end(), _DUMP)


def _is_octal(lines: Sequence[re.Match[str]], groups: Sequence[str]) -> bool:
    """Whether places and pairs of bytes are octal, as `od` writes them."""
    return all(len(line["at"]) == 7 for line in lines) and all(map(_OCTAL.fullmatch, groups))


def _says_its_bytes(line: re.Match[str]) -> bool:
    digits = "".join(line["bytes"].replace("-", " ").split())
    shown = "".join(
        chr(byte) if 32 <= byte < 127 else "." for byte in bytes.fromhex(digits[: len(digits) & ~1])
    )
    return line["rest"].strip("|<> \t\r") == shown.strip("|<> ")


# ---- minified scripts ----------------------------------------------------------------------------


def _scripts(text: str) -> Iterator[Noise]:
    for start, end in _wide_lines(text):
        line = text[start:end]
        if _is_minified(line):
            yield Noise(start, start + len(line.rstrip("\r")), "minified script")


def _wide_lines(text: str) -> Iterator[Span]:
    """The lines of at least `_SCRIPT_LINE` characters; narrower ones are stepped over."""
    start = 0
    while start + _SCRIPT_LINE <= len(text):
        if (last := text.rfind("\n", start, start + _SCRIPT_LINE)) >= 0:
            start = last + 1
            continue
        end = text.find("\n", start + _SCRIPT_LINE)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _is_minified(line: str) -> bool:
    """Whether a line is a script or style sheet without its spaces and line ends."""
    sample = line if len(line) <= 40_000 else line[:20_000] + line[-20_000:]
    if "{" not in sample or sum(map(sample.count, " \t\xa0")) > _MOST_SPACED * len(sample):
        return False
    if sum(map(sample.count, "(){}[];,=:.!&|?+")) < _LEAST_SIGNS * len(sample):
        return False
    words = sum(1 for _ in _SCRIPT_WORD.finditer(sample))
    styled = sum(len(match[0]) for match in _RULE.finditer(sample))
    is_script = words * 100 >= len(sample) and ";" in sample and "(" in sample and "{" in sample
    return (is_script or styled * 2 >= len(sample)) and not _is_json(line)


def _is_json(line: str) -> bool:
    """Whether a line is an object or a list of JSON, as in a log."""
    if line.lstrip()[:1] not in {"{", "["}:
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


# ---- cutting it out ------------------------------------------------------------------------------


def _cut(document: Document, noise: Sequence[Noise]) -> tuple[str, tuple[Block, ...]]:
    """The text without the noise, but with its line ends where lines count, and the blocks that are
    left of it.
    """
    pieces: list[str] = []
    removed: list[tuple[int, int]] = []  # where text goes on, and how much is gone before
    position = gone = 0
    for start, end, _ in noise:
        kept = "\n" * document.text.count("\n", start, end) if document.has_lines else ""
        pieces += (document.text[position:start], kept)
        position, gone = end, gone + end - start - len(kept)
        removed.append((end, gone))
    pieces.append(document.text[position:])
    text = "".join(pieces)
    places = _Places(noise, removed)
    blocks = []
    for block in document.blocks:
        start, end = places.of(block.start), places.of(block.end)
        if end - start < block.end - block.start:
            cut = text[start:end]
            start += len(cut) - len(cut.lstrip())
            end = start + len(cut.strip())
        if text[start:end].strip(" \t\r\n\"'`<>()[]{}|=:;,.-_*#!+"):
            blocks.append(replace(block, start=start, end=end))
    return text, tuple(blocks)


class _Places:
    """Where a place of the whole text is in what is left of it; asked in rising order."""

    def __init__(self, noise: Sequence[Noise], removed: Sequence[tuple[int, int]]) -> None:
        self._noise, self._removed = noise, removed
        self._index = 0

    def of(self, position: int) -> int:
        """The place in the text that is left; within noise, where it was."""
        while self._index < len(self._removed) and self._removed[self._index][0] <= position:
            self._index += 1
        gone = self._removed[self._index - 1][1] if self._index else 0
        if self._index < len(self._noise) and self._noise[self._index].start < position:
            return self._noise[self._index].start - gone
        return position - gone


def left_out(noise: Iterable[Noise]) -> str:
    """What noise was left out and how much: "2 pictures of 1.0 MB, base64 of 3.1 kB left out"; ""
    where there is none.
    """
    sizes: dict[str, list[int]] = {}
    for start, end, kind in noise:
        sizes.setdefault(kind, []).append(end - start)
    said = ", ".join(
        f"{_named(kind, len(lengths))} of {human_bytes(sum(lengths))}"
        for kind, lengths in sizes.items()
    )
    return f"{said} left out" if said else ""


def _named(kind: str, count: int) -> str:
    one, many = _NAMES[kind]
    return one if count == 1 else f"{count:,} {many}" if many != one else one
