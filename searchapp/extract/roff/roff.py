"""Manual pages and other roff: what a reader sees of them, by headings, with the lines of the
source.

The macros are run as far as they say something of the text, so that words stand as they are
printed. The title is that of the page, "ls(1) - list directory contents".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from searchapp.errors import FileFailed
from searchapp.extract.builder import document_of, in_time
from searchapp.extract.roff.interpreter import Interpreter
from searchapp.extract.roff.man import ManMacros
from searchapp.extract.roff.mdoc import MDOC_STRINGS, MdocMacros
from searchapp.extract.text.encoding import decode
from searchapp.extract.text.plain import MAX_TITLE, iso_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from searchapp.extract.builder import Part
    from searchapp.extract.roff.requests import Heading
    from searchapp.types.documents import Document

# the first macro that only one of the packages has: man, mdoc, or those of papers
_PACKAGE = re.compile(
    r"^[.'][ \t]*(?:(?P<man>TH)|(?P<mdoc>D[dt]|Sh)|TL|NH|AU|AB|[lpni]p|sh|uh|H)\b", re.MULTILINE
)
_CODING = re.compile(rb"-\*-.{0,200}?coding:[ \t]*([\w.-]{1,40})")
_NAMES = re.compile(r"(.{1,400}?)\s+(?:-{1,3}|[–—−])\s+(\S.*)$", re.DOTALL)
_WORDS = re.compile(r"[\s_-]+")


def read(data: bytes, document_type: str) -> Document:
    """A page by sections, paragraphs, items and tables, each with its line; a page that only names
    another with `.so` says which one.
    """
    text = _text(data)
    match = _PACKAGE.search(text)
    package = match.lastgroup if match else "man"
    formatter = MdocMacros() if package == "mdoc" else ManMacros(is_manual=package == "man")
    interpreter = Interpreter(formatter)
    if isinstance(formatter, MdocMacros):
        interpreter.strings.update(MDOC_STRINGS)
    cut: list[str] = []
    with in_time(cut):
        interpreter.run(text)
    formatter.page.end_paragraph()
    parts = formatter.page.parts
    if not parts:
        raise FileFailed(cut[0] if cut else "no text found")
    heading = formatter.heading
    title = _title(heading, parts)
    metadata = {"date": iso_date(heading.date), "incomplete": "; ".join(cut)}
    return document_of(parts, document_type, title=title, metadata=metadata)


def _text(data: bytes) -> str:
    """The text in the encoding that its first lines name, else in the one that it seems to be."""
    if match := _CODING.search(b"\n".join(data[:1000].split(b"\n")[:2])):
        try:
            return data.decode(match[1].decode()).replace("\0", "\ufffd").removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError, ValueError):
            pass
    return decode(data)


def _title(heading: Heading, parts: Sequence[Part]) -> str:
    """The page's name and section, then what its NAME says of it; for a paper its first heading."""
    if not heading.name:
        if heading.described and len(parts) == 1:
            return f"See {heading.described[0]}"
        return parts[0].text if parts[0].kind == "heading" and len(parts) > 1 else ""
    names, description = _described(parts)
    name = _as_written(heading.name, names)
    page = f"{name}({heading.section.lower()})" if heading.section else name
    title = f"{page} - {description}" if description else page
    return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1].rstrip() + "…"


def _described(parts: Sequence[Part]) -> tuple[str, str]:
    """The names in the first section, and the description after their dash."""
    if len(parts) < 2 or parts[0].kind != "heading":
        return "", ""
    match = _NAMES.match(parts[1].text)
    return (match[1], " ".join(match[2].split())) if match else ("", "")


def _as_written(name: str, names: str) -> str:
    """A page's name with the capitals that its text has: .TH often has it in capitals."""
    for written in re.split(r"[,\s]+", names):
        if written.casefold() == name.casefold():
            return written
    is_command = _WORDS.sub("-", names).casefold() == _WORDS.sub("-", name).casefold()
    return name.lower() if is_command else name
