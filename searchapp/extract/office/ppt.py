"""The streams of an old presentation to its parts, slide by slide.

A presentation is a tree of records; the last edit names the place of each. The document lists its
slides in order, with the text of their placeholders, which the slides' own shapes refer to by
number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part
from searchapp.extract.office.shape_descriptions import shape_descriptions

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENCRYPTED = 0xF3D1C4DF  # in the stream of the current user
_DOCUMENT, _SLIDE, _NOTES, _EDIT, _DIRECTORY, _LIST, _LISTED = (
    1000,
    1006,
    1008,
    4085,
    6002,
    4080,
    1011,
)
_TEXT_KIND, _WIDE, _NARROW, _REFERENCE, _STRING, _COMMENT, _NOTES_OF = (
    3999,
    4000,
    4008,
    3998,
    4026,
    12000,
    1009,
)
_TITLES = frozenset({0, 6})  # kinds of text: the title of a slide, a centred one
_MAX_DEPTH = 32
_MAX_EDITS = 10_000


@dataclass(frozen=True, slots=True)
class _PptRecord:
    kind: int
    instance: int
    start: int  # of its content
    end: int
    is_container: bool


@dataclass(slots=True)
class _PptText:
    kind: int
    text: str


def slide_parts(stream: bytes, user: bytes) -> list[Part]:
    """The parts of the slides in order, each with its notes and comments and the place ("slide",
    n).
    """
    if not stream:
        raise FileFailed("not a readable presentation: it has no slides")
    if int.from_bytes(user[12:16], "little") == _ENCRYPTED:
        raise FileFailed("encrypted: needs a password")
    places = _places(stream, int.from_bytes(user[16:20], "little"))
    document = next(
        (
            record
            for record in map(places.get, sorted(places))
            if record and record.kind == _DOCUMENT
        ),
        None,
    )
    if document is None:
        raise FileFailed("not a readable presentation: it has no document record")
    slides = list(_listed(stream, document, 0))
    notes = {
        _slide_of(stream, places[key]): places[key]
        for key, _, _ in _listed(stream, document, 2)
        if key in places
    }
    parts: list[Part] = []
    for number, (key, slide_id, outline) in enumerate(slides, 1):
        parts.extend(_slide(stream, places.get(key), outline, notes.get(slide_id), number))
    return parts


def _slide(
    stream: bytes,
    slide: _PptRecord | None,
    outline: list[_PptText],
    notes: _PptRecord | None,
    number: int,
) -> Iterator[Part]:
    place = (("slide", number),)
    texts = _texts(stream, slide, outline) if slide else list(outline)
    titles = [heading for heading in texts if heading.kind in _TITLES and heading.text.strip()]
    for title in titles[:1]:
        yield Part("heading", " ".join(title.text.split()), 1, place)
    for shape_text in texts:
        if shape_text not in titles[:1]:
            yield from (Part("prose", line, place=place) for line in _paragraphs(shape_text.text))
    for text in shape_descriptions(stream, slide.start, slide.end) if slide else ():
        yield Part("prose", text, place=place)
    for comment in _comments(stream, slide) if slide else ():
        yield Part("prose", comment, place=place)
    for note in _texts(stream, notes, []) if notes else ():
        yield from (Part("prose", line, place=place) for line in _paragraphs(note.text))


def _paragraphs(text: str) -> list[str]:
    return [
        line.replace("\x0b", "\n").strip()
        for line in text.split("\r")
        if any(map(str.isalnum, line))
    ]


def _texts(stream: bytes, record: _PptRecord, outline: list[_PptText]) -> list[_PptText]:
    """The texts of a slide's shapes in order; those of placeholders that no shape refers to come
    last.
    """
    texts: list[_PptText] = []
    used = set()
    kind = -1
    for inner in _walk(stream, record):
        if inner.kind == _TEXT_KIND:
            kind = _int(stream, inner.start)
        elif inner.kind in {_WIDE, _NARROW}:
            texts.append(_PptText(kind, _content(stream, inner)))
        elif inner.kind == _REFERENCE:
            index = _int(stream, inner.start)
            if index < len(outline) and index not in used:
                used.add(index)
                texts.append(outline[index])
    return texts + [text for index, text in enumerate(outline) if index not in used]


def _comments(stream: bytes, record: _PptRecord) -> Iterator[str]:
    """Each comment, beginning with its author."""
    for comment in _walk(stream, record):
        if comment.kind == _COMMENT:
            strings = {
                inner.instance: _content(stream, inner)
                for inner in _records(stream, comment)
                if inner.kind == _STRING
            }
            yield ": ".join(filter(None, (strings.get(0, ""), strings.get(1, ""))))


def _listed(
    stream: bytes, document: _PptRecord, instance: int
) -> Iterator[tuple[int, int, list[_PptText]]]:
    """The slides (0) or notes (2) of a document in order: the number of its record, its own number,
    the texts of its placeholders.
    """
    for group in _records(stream, document):
        if group.kind != _LIST or group.instance != instance:
            continue
        listed: list[tuple[int, int, list[_PptText]]] = []
        kind = -1
        for record in _records(stream, group):
            if record.kind == _LISTED:
                listed.append((_int(stream, record.start), _int(stream, record.start + 12), []))
            elif record.kind == _TEXT_KIND:
                kind = _int(stream, record.start)
                if listed:
                    listed[-1][2].append(_PptText(kind, ""))
            elif record.kind in {_WIDE, _NARROW} and listed and listed[-1][2]:
                listed[-1][2][-1].text = _content(stream, record)
        yield from listed


def _slide_of(stream: bytes, notes: _PptRecord) -> int:
    """The number of the slide that notes belong to."""
    return next(
        (
            _int(stream, record.start)
            for record in _records(stream, notes)
            if record.kind == _NOTES_OF
        ),
        -1,
    )


def _places(stream: bytes, edit_at: int) -> dict[int, _PptRecord]:
    """The records by number, the newest of each; all top records of their kinds where the chain of
    edits is broken.
    """
    whole = _PptRecord(0, 0, 0, len(stream), is_container=True)
    offsets: dict[int, int] = {}
    seen: set[int] = set()
    while edit_at not in seen and len(seen) < _MAX_EDITS:
        seen.add(edit_at)
        edit = _record(stream, edit_at, len(stream))
        if edit is None or edit.kind != _EDIT:
            break
        directory = _record(stream, _int(stream, edit.start + 12), len(stream))
        if directory is not None and directory.kind == _DIRECTORY and directory.start not in seen:
            seen.add(directory.start)
            for key, offset in _directory(stream, directory):
                offsets.setdefault(key, offset)
        edit_at = _int(stream, edit.start + 8)
    records = {key: _record(stream, offset, len(stream)) for key, offset in offsets.items()}
    if not any(record and record.kind == _DOCUMENT for record in records.values()):
        records = dict(enumerate(_records(stream, whole), 2**32))
    return {key: record for key, record in records.items() if record is not None}


def _directory(stream: bytes, record: _PptRecord) -> Iterator[tuple[int, int]]:
    at = record.start
    while at + 4 <= record.end:
        head = _int(stream, at)
        at += 4
        for index in range(head >> 20):
            if at + 4 > record.end:
                return
            yield (head & 0xFFFFF) + index, _int(stream, at)
            at += 4


def _walk(stream: bytes, record: _PptRecord) -> Iterator[_PptRecord]:
    """All records below one, in order; those nested deeper than any sound file has are left out."""
    waiting = [(_records(stream, record))]
    while waiting:
        inner = next(waiting[-1], None)
        if inner is None:
            waiting.pop()
            continue
        yield inner
        if inner.is_container and len(waiting) < _MAX_DEPTH:
            waiting.append(_records(stream, inner))


def _records(stream: bytes, parent: _PptRecord) -> Iterator[_PptRecord]:
    at = parent.start
    while (record := _record(stream, at, parent.end)) is not None:
        yield record
        at = record.end


def _record(stream: bytes, at: int, limit: int) -> _PptRecord | None:
    """The record at an offset, None where its head lies outside; a content that is cut short ends
    at the limit.
    """
    if at + 8 > limit:
        return None
    head, kind, length = _int(stream, at, 2), _int(stream, at + 2, 2), _int(stream, at + 4)
    return _PptRecord(
        kind, head >> 4, at + 8, min(at + 8 + length, limit), is_container=head & 0xF == 0xF
    )


def _content(stream: bytes, record: _PptRecord) -> str:
    data = stream[record.start : record.end]
    text = data.decode("latin-1") if record.kind == _NARROW else data.decode("utf-16-le", "replace")
    return re.sub("[\x00-\x08\x0c\x0e-\x1f]", "", text)


def _int(stream: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(stream[at : at + size], "little")
