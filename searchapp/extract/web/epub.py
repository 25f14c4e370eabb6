"""E-books (epub): the chapters in the order of the book, each read as a web page of which
everything counts.

The table of contents names the chapters that have no heading of their own; the page that shows it
is left out. A chapter that is missing or broken leaves the others readable.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from searchapp.errors import FileFailed
from searchapp.extract.builder import Part, document_of, gathered, with_unread
from searchapp.extract.office.common import iso_date
from searchapp.extract.office.odf import joined
from searchapp.extract.office.ooxml import name_of, parsed
from searchapp.extract.office.zip_package import checked_package, member_bytes
from searchapp.extract.web.html import page_parts
from searchapp.types.documents import Document

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

_FONT_OBFUSCATION = frozenset(
    {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
)
_PAGES = frozenset(
    {"application/xhtml+xml", "text/html", "text/x-oeb1-document", "application/x-dtbook+xml"}
)
# HTML would take these for open
_EMPTY = re.compile(rb"<(title|script|style|textarea|iframe|noscript|noframes)\b([^<>]*)/>")
_PAGE_ENDINGS = (".xhtml", ".html", ".htm")


def read(data: bytes, document_type: str) -> Document:
    """A book by chapters, with headings, paragraphs, lists and tables; what stands apart from its
    linear order comes last.
    """
    book = _Book(checked_package(data))
    cut: list[str] = []
    chapters = gathered(book.chapters(), cut)
    if cut and not chapters:
        raise FileFailed(cut[0])
    if not chapters:
        raise FileFailed("not a readable e-book: none of its chapters can be read")
    metadata = book.metadata()
    title = metadata.pop("title")
    parts = [part for chapter in chapters for part in chapter]
    return with_unread(document_of(parts, document_type, title=title, metadata=metadata), cut)


class _Book:
    """A book's package: what it holds, in which order, and what its chapters are called.

    Raises FileFailed where the package document is missing or broken, and where the chapters are
    encrypted.
    """

    def __init__(self, package: zipfile.ZipFile) -> None:
        self._package = package
        self._names = {name.replace("\\", "/").lower(): name for name in package.namelist()}
        self._refuse_protected()
        name = self._package_document()
        self._folder = posixpath.dirname(name)
        self._root = parsed(self._bytes(name))
        items = [*self._root.iterfind("{*}manifest/{*}item")]
        self._paths = {
            item.get("id", ""): _path(self._folder, item.get("href", "")) for item in items
        }
        self._items = {item.get("id", ""): item for item in items}

    def chapters(self) -> Iterator[list[Part]]:
        """The parts of each chapter that can be read and has any, with a heading from the table of
        contents where it has none.

        A chapter's first heading is as deep as its entry in the table of contents; pages that have
        no entry go on as the one before.
        """
        titles = self._titles()
        shift = 0
        for path in self._reading_order():
            parts = self._page(path)
            first = next((part.level for part in parts if part.level), 0)
            if path in titles and parts:
                shift = titles[path].level - first if first else 0
                parts = parts if first else [titles[path], *parts]
            if parts:
                yield [
                    replace(part, level=max(1, part.level + shift)) if part.level else part
                    for part in parts
                ]

    def metadata(self) -> dict[str, str]:
        """The title and the metadata of the book."""
        values: dict[str, list[str]] = {}
        for element in self._root.iterfind("{*}metadata//*"):
            values.setdefault(name_of(element), []).append("".join(element.itertext()).strip())
        titles = filter(None, values.get("title", []))
        return {
            "title": " ".join(next(titles, "").split()),
            "author": joined(values.get("creator", [])),
            "date": next(filter(None, map(iso_date, values.get("date", []))), ""),
            "language": joined(values.get("language", [])),
            "tags": joined(values.get("subject", [])),
            "description": "\n".join(map(_without_markup, values.get("description", []))),
        }

    def _refuse_protected(self) -> None:
        root = self._xml("META-INF/encryption.xml")
        methods = (
            (encrypted.find("{*}EncryptionMethod") for encrypted in root.iter("{*}EncryptedData"))
            if root is not None
            else ()
        )
        if any(
            method is None or method.get("Algorithm") not in _FONT_OBFUSCATION for method in methods
        ):
            raise FileFailed("encrypted: protected by DRM")

    def _package_document(self) -> str:
        """The name of the package document: where the container says, else the first
        one there is.
        """
        root = self._xml("META-INF/container.xml")
        declared = (
            [str(rootfile.get("full-path", "")) for rootfile in root.iter("{*}rootfile")]
            if root is not None
            else []
        )
        candidates = [
            *(name for name in declared if name.lower() in self._names),
            *(name for name in self._names if name.endswith(".opf")),
        ]
        if not candidates:
            raise FileFailed("not a readable e-book: it has no package document")
        return candidates[0]

    def _bytes(self, path: str) -> bytes:
        return member_bytes(self._package, self._names[path.lower()])

    def _xml(self, path: str) -> Any:
        """The root of a member, None where it cannot be read."""
        try:
            return parsed(self._bytes(path))
        except (KeyError, FileFailed):
            return None

    def _page(self, path: str) -> list[Part]:
        """The parts of a page, none where it cannot be read."""
        try:
            return [
                part
                for part in page_parts(_EMPTY.sub(rb"<\1\2></\1>", self._bytes(path)))
                if part.text.strip()
            ]
        except (KeyError, FileFailed):
            return []

    # ---- order and names of the chapters ---------------------------------------------------------

    def _reading_order(self) -> list[str]:
        """The pages of the book, each once: those of the spine, what is out of its line last; all
        pages where there is no spine, those of the file where no page is named.
        """
        spine = [
            (reference.get("idref", ""), reference.get("linear") == "no")
            for reference in self._root.iterfind("{*}spine/{*}itemref")
        ]
        names = [name for name, _ in sorted(spine, key=lambda entry: entry[1])] or [*self._items]
        pages = [name for name in names if name in self._items and self._is_page(name)]
        chapters = [name for name in pages if not self._is_contents(name)]
        known = [self._paths[name] for name in chapters or pages]
        return [*dict.fromkeys(known)] or [
            name for name in self._names if name.endswith(_PAGE_ENDINGS)
        ]

    def _is_page(self, name: str) -> bool:
        return self._items[name].get("media-type") in _PAGES or self._paths[name].lower().endswith(
            _PAGE_ENDINGS
        )

    def _is_contents(self, name: str) -> bool:
        return "nav" in self._items[name].get("properties", "").split()

    def _titles(self) -> dict[str, Part]:
        """A heading for each page that the table of contents names, its first where it names
        several in one.
        """
        titles: dict[str, Part] = {}
        for name, item in self._items.items():
            is_contents = self._is_contents(name)
            if is_contents or item.get("media-type") == "application/x-dtbncx+xml":
                root = self._xml(self._paths[name])
                folder = posixpath.dirname(self._paths[name])
                for level, text, reference in (
                    (_nav(root) if is_contents else _ncx(root)) if root is not None else ()
                ):
                    titles.setdefault(_path(folder, reference), Part("heading", text, level=level))
        return titles


def _path(folder: str, reference: str) -> str:
    """The member that a reference from a folder means."""
    return posixpath.normpath(
        posixpath.join("/", folder, unquote(reference.partition("#")[0]))
    ).lstrip("/")


def _nav(root: Any) -> Iterator[tuple[int, str, str]]:
    """Level, text and reference of each entry in a page's table of contents; lists of landmarks and
    pages are none.
    """
    for nav in root.iter("{*}nav"):
        if any(
            key.endswith("}type") and "toc" in value.split() for key, value in nav.attrib.items()
        ):
            for contents in nav.iterfind("{*}ol"):
                yield from _nav_entries(contents, 1)


def _nav_entries(contents: Any, level: int) -> Iterator[tuple[int, str, str]]:
    for entry in contents.iterfind("{*}li"):
        if (link := entry.find("{*}a")) is not None:
            yield level, " ".join("".join(link.itertext()).split()), link.get("href", "")
        for below in entry.iterfind("{*}ol"):
            yield from _nav_entries(below, level + 1)


def _ncx(root: Any) -> Iterator[tuple[int, str, str]]:
    """Level, text and reference of each entry in a table of contents of the older form."""
    for navigation in root.iterfind("{*}navMap"):
        yield from _ncx_entries(navigation, 1)


def _ncx_entries(container: Any, level: int) -> Iterator[tuple[int, str, str]]:
    for entry in container.iterfind("{*}navPoint"):
        content = entry.find("{*}content")
        if content is not None:
            yield (
                level,
                " ".join(entry.findtext("{*}navLabel/{*}text", "").split()),
                content.get("src", ""),
            )
        yield from _ncx_entries(entry, level + 1)


def _without_markup(text: str) -> str:
    """A description, which may be written as HTML, in plain words."""
    return (
        " ".join(" ".join(part.text for part in page_parts(text)).split()) if "<" in text else text
    )
