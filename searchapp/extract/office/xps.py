"""XPS documents: pages of glyphs with the letters that they stand for, put together to lines.

The letters of a page stand in the order in which it is painted, which programs that print keep to
that of reading. Where a run ends is told by the widths of its glyphs, else guessed.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileError, FileFailed
from searchapp.extract.builder import Part, document_of, with_unread
from searchapp.extract.office.ooxml import Package, attribute, parsed, properties

if TYPE_CHECKING:
    from collections.abc import Iterator

    from searchapp.types.documents import Document

_MAX_PAGES = 20_000
_GUESSED_WIDTH = 0.5  # of a glyph, in its font's size
_GAP = 0.15  # between words, in the font's size
_SAME_LINE = 0.3
_PARAGRAPH = 1.7  # from one line to the next
_PIECE = re.compile(r"/\[(\d+)\](?:\.last)?\.piece$", re.IGNORECASE)


def read(data: bytes, document_type: str) -> Document:
    """An XPS document by pages and paragraphs. Pages that cannot be read are named in
    `metadata["incomplete"]`.
    """
    package = Package(data)
    names = list(_pages(package))
    if not names:
        raise FileFailed("not a readable XPS document: it has no pages")
    unread: list[str] = []
    title, metadata = properties(package)
    parts = _parts(package, names[:_MAX_PAGES], unread)
    document = document_of(parts, document_type, title=title, metadata=metadata)
    if unread and not document.blocks:
        raise FileFailed(unread[0])
    if len(names) > _MAX_PAGES:
        unread.append(f"pages after {_MAX_PAGES:,}")
    return with_unread(document, [f"incomplete: {'; '.join(unread)}"] if unread else ())


def _parts(package: Package, names: list[str], unread: list[str]) -> Iterator[Part]:
    """The paragraphs of the pages; those that cannot be read go to `unread`."""
    for number, name in enumerate(names, 1):
        try:
            for text in _texts(_root(package, name)):
                yield Part("prose", text, place=(("page", number),))
        except FileError as error:
            unread.append(f"page {number}: {error}")


def _pages(package: Package) -> Iterator[str]:
    """The parts of the pages in order."""
    names = [name for name in package.names() if ".fdseq" in name.lower()]
    first = next(iter(package.related("", "fixedrepresentation")), None)
    for sequence in filter(None, [first or next(iter(names), "")]):
        for document in _references(package, _PIECE.sub("", sequence), "DocumentReference"):
            yield from _references(package, document, "PageContent")


def _references(package: Package, name: str, kind: str) -> Iterator[str]:
    try:
        root = _root(package, name)
    except FileError:
        return
    for reference in root.iter("{*}" + kind):
        source = attribute(reference, "Source")
        if source:
            joined = posixpath.join("/", posixpath.dirname(name), source)
            yield posixpath.normpath(joined).lstrip("/")


def _root(package: Package, name: str) -> Any:
    """The root of a part, which may lie in pieces."""
    content = package.content(name)
    if content is None:
        prefix = name.lower().lstrip("/") + "/["
        pieces = [
            (int(match[1]), piece_name)
            for piece_name in package.names()
            if piece_name.lower().lstrip("/").startswith(prefix)
            and (match := _PIECE.search(piece_name))
        ]
        content = b"".join(package.content(piece_name) or b"" for _, piece_name in sorted(pieces))
    if not content:
        raise FileFailed("it is missing")
    return parsed(content)


@dataclass(slots=True)
class _Line:
    """A line under way: its height on the page, where its text ends, and the text."""

    y: float
    size: float
    end: float
    pieces: list[str] = field(default_factory=list)

    def add(self, text: str, x: float, end: float) -> None:
        """Put a run behind the text, apart where there is a gap."""
        last = self.pieces[-1][-1:] if self.pieces else " "
        if not (last.isspace() or text[:1].isspace()) and x - self.end > _GAP * self.size:
            self.pieces.append(" ")
        self.pieces.append(text)
        self.end = end


def _texts(root: Any) -> Iterator[str]:
    """The paragraphs of a page."""
    paragraph: list[str] = []
    last: _Line | None = None
    for line in _lines(root):
        apart = last is not None and not 0 < line.y - last.y <= _PARAGRAPH * max(
            line.size, last.size
        )
        if apart:
            yield "\n".join(paragraph)
            paragraph = []
        paragraph.append("".join(line.pieces).strip())
        last = line
    yield "\n".join(paragraph)


def _lines(root: Any) -> Iterator[_Line]:
    line: _Line | None = None
    for glyphs in root.iter("{*}Glyphs"):
        text = attribute(glyphs, "UnicodeString").removeprefix("{}")
        if not text:
            continue
        x, y, scale = _placed(glyphs)
        size = scale * (_number(attribute(glyphs, "FontRenderingEmSize")) or 1.0)
        end = x + _width(attribute(glyphs, "Indices"), text, size)
        is_further = (
            line is not None
            and abs(y - line.y) <= _SAME_LINE * size
            and x > line.end - max(size, line.size)
        )
        if line is None or not is_further:
            if line is not None:
                yield line
            line = _Line(y, size, x)
        line.add(text, x, end)
    if line is not None:
        yield line


def _placed(glyphs: Any) -> tuple[float, float, float]:
    """Where on the page a run begins, and by how much it is enlarged there."""
    x, y = _number(attribute(glyphs, "OriginX")), _number(attribute(glyphs, "OriginY"))
    scale = 1.0
    for element in (glyphs, *glyphs.iterancestors()):
        matrix = [_number(number) for number in (element.get("RenderTransform") or "").split(",")]
        if len(matrix) == 6:
            x, y = (
                matrix[0] * x + matrix[2] * y + matrix[4],
                matrix[1] * x + matrix[3] * y + matrix[5],
            )
            scale *= abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]) ** 0.5 or 1.0
    return x, y, min(scale, 1e6)


def _width(indices: str, text: str, size: float) -> float:
    """How wide a run is: the widths that the file gives, in hundredths of the size; a guess for
    each of the others.
    """
    given = [glyph.split(",") for glyph in indices.split(";")] if indices else []
    widths = [_number(fields[1]) / 100 for fields in given if len(fields) > 1 and fields[1]]
    return size * (sum(widths) + _GUESSED_WIDTH * max(0, len(text) - len(widths)))


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if abs(number) < 1e9 else 0.0
