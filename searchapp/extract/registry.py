"""The formats: which module reads which type of document, and under which name corpora record it.

A format is one module with `read(data, document_type)`, or `members(data, document_type, name,
allowance)` for what holds files, or both (a mail), and a line in `READERS`. This module knows no
format from within: a reader is imported when a file needs it, so that asking for a name costs
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from searchapp.extract.file_types import CODE_TYPES, DETECTOR_VERSION, IMAGE_TYPES


@dataclass(frozen=True, slots=True)
class FormatReader:
    """A module of this package that reads some types.

    Corpora record `name` and `version`. A higher version redoes what it read before, or failed to.
    The name never changes, whatever becomes of the module: under another name every corpus would
    read these files again.
    """

    name: str
    version: int
    module: str  # where it stands below this package
    is_document: bool = True  # it has `read`
    is_container: bool = False  # it has `members`
    extra: str = ""  # packages that make it read more, where they are installed


WITH_SECRETS = "+secrets"  # behind a recorded name: what was read holds a secret, and was wanted
_TEXT = FormatReader("text", 5, "text.plain")
_OCR = "rapidocr"
READERS = {
    "md": FormatReader("markdown", 3, "text.markdown"),
    "rst": FormatReader("restructured", 3, "text.rst"),
    "html": FormatReader("html", 5, "web.html"),
    "pdf": FormatReader("pdf", 5, "pdf.pdf", is_container=True, extra=_OCR),
    "docx": FormatReader("word", 3, "office.docx", is_container=True),
    "rtf": FormatReader("rtf", 4, "office.rtf"),
    **dict.fromkeys(("doc", "ppt"), FormatReader("legacy", 3, "office.legacy", is_container=True)),
    "pptx": FormatReader("slides", 3, "office.pptx", is_container=True),
    **dict.fromkeys(
        ("xlsx", "xls", "xlsb", "ods"),
        FormatReader("sheets", 5, "spreadsheets.sheets", is_container=True),
    ),
    **dict.fromkeys(("csv", "tsv"), FormatReader("rows", 3, "spreadsheets.rows")),
    **dict.fromkeys(
        ("odt", "odp", "odg"), FormatReader("opendocument", 4, "office.odf", is_container=True)
    ),
    **dict.fromkeys(("pages", "numbers", "key"), FormatReader("iwork", 1, "iwork.iwork")),
    "epub": FormatReader("epub", 3, "web.epub"),
    "hwpx": FormatReader("hangul", 1, "office.hwpx"),
    "vsdx": FormatReader("drawings", 1, "office.visio"),
    "xps": FormatReader("fixed", 1, "office.xps"),
    **dict.fromkeys(
        ("eml", "msg", "mhtml"), FormatReader("mail", 3, "mail.mail", is_container=True)
    ),
    "ics": FormatReader("calendar", 2, "mail.calendar"),
    "vcf": FormatReader("contacts", 2, "mail.contacts"),
    "tnef": FormatReader("tnef", 1, "mail.tnef", is_document=False, is_container=True),
    "p7m": FormatReader("signed", 1, "mail.signed", is_document=False, is_container=True),
    "mbox": FormatReader("mail", 3, "mail.mail", is_document=False, is_container=True),
    "ipynb": FormatReader("notebook", 3, "text.notebook"),
    **dict.fromkeys(
        ("json", "jsonl", "xml", "yaml", "toml", "ini"), FormatReader("data", 5, "text.structured")
    ),
    "plist": FormatReader("plist", 1, "text.plist"),
    **dict.fromkeys(("tex", "org", "adoc"), FormatReader("markup", 4, "text.markup")),
    "enex": FormatReader("evernote", 2, "text.evernote", is_document=False, is_container=True),
    "enml": FormatReader("evernote", 2, "text.evernote", is_container=True),
    "bib": FormatReader("bibtex", 3, "text.bibtex"),
    "roff": FormatReader("roff", 2, "roff.roff"),
    **dict.fromkeys(("srt", "vtt", "ass"), FormatReader("subtitles", 2, "text.subtitles")),
    **dict.fromkeys(
        ("zip", "tar", "gz", "bz2", "xz"),
        FormatReader("archive", 2, "archives.archive", is_document=False, is_container=True),
    ),
    **dict.fromkeys(
        ("7z", "rar"),
        FormatReader(
            "packed",
            1,
            "archives.packed",
            is_document=False,
            is_container=True,
            extra="libarchive",
        ),
    ),
    "mobi": FormatReader("mobi", 2, "ebooks.mobi"),
    "djvu": FormatReader("djvu", 1, "ebooks.djvu", extra="djvu_rs"),
    "svg": FormatReader("svg", 3, "drawings.svg"),
    "sqlite": FormatReader("sqlite", 1, "databases.sqlite"),
    "parquet": FormatReader("parquet", 1, "databases.parquet", extra="pyarrow"),
    "heic": FormatReader("heic", 1, "pdf.image", extra=f"{_OCR} pi_heif"),
    **dict.fromkeys(IMAGE_TYPES, FormatReader("image", 1, "pdf.image", extra=_OCR)),
    **dict.fromkeys(CODE_TYPES, FormatReader("code", 3, "text.code")),
}


def extractor_of(document_type: str) -> str:
    """The reader of a document type and its version, "markdown/1": what `Source.extractor` records;
    "" asks for the detector's own.
    """
    if not document_type:
        return f"detect/{DETECTOR_VERSION}"
    reader = reader_of(document_type)
    extras = [f"+{package}" for package in reader.extra.split() if _is_installed(package)]
    return f"{reader.name}/{reader.version}{''.join(extras)}"


def is_current(extractor: str, document_type: str | None = None) -> bool:
    """Whether what an extractor made of a type, or refused, it would make or refuse today."""
    extractor = extractor.removesuffix(WITH_SECRETS)
    if document_type is None:
        return extractor in _current_extractors()
    return extractor == extractor_of(document_type)


def has_members(document_type: str) -> bool:
    """Whether documents of a type may hold files, as mails do."""
    return reader_of(document_type).is_container


@cache
def _current_extractors() -> frozenset[str]:
    return frozenset(map(extractor_of, ("", "txt", *READERS)))


@cache
def _is_installed(package: str) -> bool:
    return find_spec(package) is not None


def reader_of(document_type: str) -> FormatReader:
    """The reader of a document type; plain text for a type without one."""
    return READERS.get(document_type, _TEXT)


@cache
def module_of(reader: FormatReader) -> Any:  # a module of this package: `read`, `members` or both
    """A reader's module, imported now: `read`, `members` or both."""
    return import_module(f"searchapp.extract.{reader.module}")
