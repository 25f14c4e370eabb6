"""Subtitles (SRT, WebVTT, ASS): what is said, joined to sentences, each with when it begins."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, document_of
from searchapp.extract.text.encoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from searchapp.types.documents import Document

_TIMING = re.compile(
    r"[ \t]*(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[.,]\d{1,3})?[ \t]*-->[ \t]*[\d:.,]+"
)
_TAG = re.compile(r"</?[A-Za-z\d][^<>]*>|\{\\[^{}]*\}|\{[biu]\}")
_VOICE = re.compile(r"<v(?:\.[^\s<>]+)?[ \t]+([^<>]+)>")
_SENTENCE_END = re.compile(r"""[.!?…。！？♪:][)\]"'»”’]*$""")
_OPENING = re.compile(r"(?:[-–—] ?|♪|>>|\[|\()")  # another speaker, a song, a sound
_LANGUAGE = re.compile(r"Language:[ \t]*(\S+)", re.IGNORECASE)
# a comment, a style sheet, a number without a cue
_ASIDE = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)|\d+$")
_SCRIPT_INFO = re.compile(r"\ufeff?\[Script Info\]", re.IGNORECASE)
_ASS_COLUMNS = str.split("Layer Start End Style Name MarginL MarginR MarginV Effect Text")
_ASS_BREAK = re.compile(r"\\[Nn]")
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")  # shapes in place of words
_MAX_SENTENCE = 400  # characters after which a paragraph ends without a full stop


def read(data: bytes, document_type: str) -> Document:
    """The text of all cues by sentences; their numbers, positions and tags, notes and styles are
    left out.
    """
    lines = decode(data).splitlines()
    if document_type == "ass" or any(map(_SCRIPT_INFO.match, lines[:3])):
        return _read_ass(lines, document_type)
    blocks = re.split(r"\n[ \t]*\n", "\n".join(lines))
    header = blocks[0].split("\n") if blocks[0].startswith("WEBVTT") else []
    title = header[0].removeprefix("WEBVTT").strip(" \t-") if header else ""
    language = next((match[1] for line in header if (match := _LANGUAGE.match(line))), "")
    cues = list(_cues(blocks))
    if not cues:
        raise FileFailed("not readable subtitles: no cue with its time")
    return document_of(
        _sentences(_unrolled(cues)), document_type, title=title, metadata={"language": language}
    )


def _read_ass(lines: Iterable[str], document_type: str) -> Document:
    """The dialogue of an Advanced SubStation script, by time; its styles and drawings are left
    out.
    """
    title, columns = "", list(_ASS_COLUMNS)
    cues: list[tuple[str, str, list[str]]] = []
    for line in lines:
        name, _, value = line.partition(":")
        if name == "Title":
            title = value.strip()
        elif name == "Format" and "Text" in value:
            columns = [column.strip() for column in value.split(",")]
        elif name == "Dialogue":
            fields = dict(zip(columns, value.split(",", len(columns) - 1), strict=False))
            start = fields.get("Start", "").strip()
            text = fields.get("Text", "")
            if not _DRAWING.search(text) and (said := _all_seen(_ASS_BREAK.split(text))):
                speaker = fields.get("Name", "").strip()
                said[0] = f"{speaker}: {said[0]}" if speaker else said[0]
                cues.append((start.zfill(10), start.partition(".")[0], said))
    if not cues:
        raise FileFailed("not readable subtitles: no cue with its time")
    spoken = [(time, said) for _, time, said in sorted(cues, key=lambda cue: cue[0])]
    return document_of(_sentences(_unrolled(spoken)), document_type, title=title)


def _cues(blocks: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Each cue's start and lines; a block without a timing goes on with the cue before it."""
    time = ""
    for block in blocks:
        lines = block.strip("\n").split("\n")
        timings = [
            (index, match) for index, line in enumerate(lines) if (match := _TIMING.match(line))
        ]
        ends = [index - (lines[index - 1].strip().isdigit()) for index, _ in timings[1:]]
        if time and not timings and not _ASIDE.match(lines[0]):
            yield time, _all_seen(lines)
        for (index, match), end in zip(timings, [*ends, len(lines)], strict=bool(timings)):
            time = _time(match)
            yield time, _all_seen(lines[index + 1 : end])


def _time(match: re.Match[str]) -> str:
    return f"{int(match[1] or 0)}:{int(match[2]):02}:{int(match[3]):02}"


def _all_seen(lines: Iterable[str]) -> list[str]:
    return [text for line in lines if (text := _seen(line))]


def _seen(line: str) -> str:
    """A line as its reader sees it, a speaker's name before it."""
    line = _VOICE.sub(r"\1: ", line.replace("\\h", " "))  # a space at which no line ends
    return " ".join(unescape(_TAG.sub("", line)).replace("\u200b", "").split())


def _unrolled(cues: Iterable[tuple[str, list[str]]]) -> Iterator[tuple[str, list[str]]]:
    """The cues without the lines that they repeat of the one before, as captions do that roll up
    the screen.
    """
    before: list[str] = []
    for time, lines in cues:
        kept = next(
            count
            for count in range(min(len(before), len(lines)), -1, -1)
            if before[len(before) - count :] == lines[:count]
        )
        if len(lines) > kept:
            yield time, lines[kept:]
        before = lines or before


def _sentences(cues: Iterable[tuple[str, list[str]]]) -> Iterator[Part]:
    """A paragraph a sentence, as far as cues end where sentences do; its place is when its first
    cue begins.
    """
    spoken: list[str] = []
    start = ""
    for time, lines in cues:
        if spoken and _OPENING.match(lines[0]):
            yield Part("prose", " ".join(spoken), place=(("time", start),), is_tight=True)
            spoken = []
        start = start if spoken else time
        spoken += lines
        if _SENTENCE_END.search(lines[-1]) or sum(map(len, spoken)) > _MAX_SENTENCE:
            yield Part("prose", " ".join(spoken), place=(("time", start),), is_tight=True)
            spoken = []
    if spoken:
        yield Part("prose", " ".join(spoken), place=(("time", start),), is_tight=True)
