"""PDF, page by page: pdfium reads it; what pdfium finds broken is written anew by pypdf first, and
pypdf reads what is left.

A PDF holds glyphs at places: `text_flow` makes their lines paragraphs. The outline gives the
headings; comments, what is filled into forms and what signatures and stamps show follow the text of
their page. Pages that are pictures, or whose fonts say no letters, are read by `ocr`, where it is
installed. Files in a PDF are its members.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.extract.members import Allowance, Member
from searchapp.extract.pdf import ocr, text_flow
from searchapp.extract.pdf.annotations import drawn_text, notes_of, wide_string
from searchapp.extract.pdf.attachments import attached_files, files_by_pypdf, has_more_files
from searchapp.extract.pdf.columns import with_columns_apart
from searchapp.extract.pdf.drawn_order import with_lines_whole
from searchapp.extract.pdf.hyphens import with_hyphens_decided
from searchapp.extract.pdf.lettering import has_shapes, is_garbled, is_garbled_page
from searchapp.extract.pdf.outline import placed_entries
from searchapp.extract.pdf.page import PdfPage
from searchapp.extract.pdf.recognition import is_picture, recognise, why_empty
from searchapp.extract.pdf.repair import rewritten, with_end
from searchapp.extract.pdf.spaced_letters import with_letters_joined
from searchapp.types.documents import Block, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_MAX_ENTRIES = 10_000  # of an outline
_FACTS = ("Title", "Author", "Subject", "Keywords", "CreationDate", "ModDate")
_FACT_BYTES = 1024  # of a fact that is read at once
_PYPDF_S = 20.0  # pypdf reads pages until then
_FEW_LETTERS = 50  # on a page that is a picture: a stamp or a page number
_DATE = re.compile(r"D?:?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(Z|[+-]\d{2})?'?(\d{2})?")
_FILE_TITLE = re.compile(
    r"(Microsoft \w+ - .*|untitled\b.*|\S+\.\w{2,4}|[\W\d_]*|(slide|page|document|title) ?\d*)$",
    re.IGNORECASE,
)
_LAM_ALEF = re.compile("[اأإآ]ل")  # as it is left when turned


# of the file read last: the pages with files, None where there is no file, so that `members` loads
# nothing again without need
_paperclips: dict[tuple[int, int], list[int] | None] = {}


@dataclass(slots=True)
class _PdfContents:
    """What a library made of a file."""

    pages: list[PdfPage]
    facts: dict[str, str]  # as the file names them: Title, Author, ...
    incomplete: str = ""  # what was left unread
    # None where there is no file anywhere
    pages_with_files: list[int] | None = field(default_factory=list)


def read(data: bytes, document_type: str) -> Document:
    """A PDF's pages with their paragraphs; raises FileFailed where it is encrypted, broken or only
    pictures.

    Where not every page could be read, `metadata["incomplete"]` says so.
    """
    started_s = time.monotonic()
    _paperclips.clear()
    _paperclips[_key(data)] = None  # until it is read
    reading = (
        _read_by_pdfium(data, started_s)
        or _read_by_pdfium(with_end(data), started_s)
        or _read_by_pypdf(data, started_s)
    )
    _paperclips[_key(data)] = reading.pages_with_files
    incomplete = {"incomplete": reading.incomplete} if reading.incomplete else {}
    facts = {name: " ".join(value.split()) for name, value in reading.facts.items()}
    title = "" if _FILE_TITLE.match(facts.get("Title", "")) else facts.get("Title", "")
    texts = with_hyphens_decided([page.text for page in reading.pages])
    for page, page_text in zip(reading.pages, texts, strict=True):
        page.text = page_text
    text, blocks = _assembled(reading.pages, title)
    if not blocks:
        raise FileFailed(why_empty(reading.pages, reading.incomplete))
    return Document(
        text,
        document_type,
        title=title,
        blocks=blocks,
        has_lines=False,
        metadata=_metadata(facts) | incomplete,
    )


def members(data: bytes, _type: str, _name: str, _allowance: Allowance) -> Iterator[Member]:
    """The files that a PDF holds, those of its list and those behind paperclips."""
    import pypdfium2

    is_read = _key(data) in _paperclips
    if is_read and _paperclips[_key(data)] is None and not has_more_files(data, 0):
        return
    for whole in (data, with_end(data)):
        try:
            document = pypdfium2.PdfDocument(whole) if whole else None
        except pypdfium2.PdfiumError:
            continue
        if document is not None:
            with contextlib.closing(document):
                pages = _paperclips.get(_key(data)) if is_read else range(len(document))
                yield from attached_files(document, pages or (), data)
            return
    yield from files_by_pypdf(data)


def _key(data: bytes) -> tuple[int, int]:
    return len(data), hash(data)


def _metadata(facts: Mapping[str, str]) -> dict[str, str]:
    """The document's facts under their common names."""
    tags = "; ".join(
        word.strip() for word in re.split("[;,]", facts.get("Keywords", "")) if word.strip()
    )
    metadata = {
        "author": facts.get("Author", ""),
        "date": _iso_date(facts.get("CreationDate", "")) or _iso_date(facts.get("ModDate", "")),
        "subject": facts.get("Subject", ""),
        "tags": tags,
        "language": facts.get("Lang", ""),
    }
    return {name: value for name, value in metadata.items() if value}


# ---- pdfium --------------------------------------------------------------------------------------


def _read_by_pdfium(data: bytes, started_s: float = 0.0) -> _PdfContents | None:
    """What pdfium reads; None where it finds the format broken."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    if not data:
        return None
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if _open_error(b"") != _PASSWORD_ERROR and _open_error(data) == _PASSWORD_ERROR:
            raise FileFailed("encrypted: needs a password") from error
        return None
    try:
        _open_forms(document)
        filled: set[str] = set()
        pages = [_pdfium_page(document, index, filled) for index in range(len(document))]
        if not pages:
            return None
        _add_outline(document, pages)
        incomplete = recognise(document, pages, started_s)
        _add_drawn_text(data, pages)
        facts = _facts(document) | {"Lang": _language(document)}
        clips = [index for index, page in enumerate(pages) if page.has_files]
        has_files = clips or pdfium.FPDFDoc_GetAttachmentCount(document) > 0
        return _PdfContents(pages, facts, incomplete, clips if has_files else None)
    finally:
        document.close()


def _open_error(data: bytes) -> int | None:
    """The error that pdfium reports when it opens the bytes, None where it opens them.

    pdfium keeps one error for the whole process and leaves it as it was on some failures, so that a
    broken file reads as encrypted after one that is. Opening what is no PDF at all first sets it to
    a format error.
    """
    import pypdfium2

    try:
        pypdfium2.PdfDocument(data).close()
    except pypdfium2.PdfiumError as error:
        code: int | None = error.err_code
        return code
    return None


def _open_forms(document: Any) -> None:
    """Make the values of form fields readable; a form that pdfium does not understand has none."""
    import pypdfium2

    try:
        document.init_forms()
    except pypdfium2.PdfiumError:
        return


def _facts(document: Any) -> dict[str, str]:
    """What the file says of itself, in one buffer: most files say little, and quickly."""
    import pypdfium2.raw as pdfium

    facts = {}
    buffer = ctypes.create_string_buffer(_FACT_BYTES)
    for name in _FACTS:
        size = pdfium.FPDF_GetMetaText(document, name.encode(), buffer, _FACT_BYTES)
        if size > _FACT_BYTES:
            facts[name] = document.get_metadata_value(name)
        elif size > 2:
            facts[name] = buffer.raw[: size - 2].decode("utf-16-le", "replace")
    return facts


def _language(document: Any) -> str:
    import pypdfium2.raw as pdfium

    return wide_string(lambda buffer, size: pdfium.FPDFCatalog_GetLanguage(document, buffer, size))


def _pdfium_page(document: Any, index: int, filled: set[str]) -> PdfPage:
    """One page, empty where it cannot be loaded. `filled` holds the form fields of the pages
    before, and takes up this one's.
    """
    import pypdfium2
    import pypdfium2.raw as pdfium

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return PdfPage("")
    try:
        text_page = page.get_textpage()
        try:
            is_cropped = page.get_cropbox(fallback_ok=False) not in (None, page.get_mediabox())
            text = (
                text_page.get_text_bounded()
                if is_cropped
                else _with_ligatures_in_order(text_page, text_page.get_text_range())
            )
            is_lost = is_garbled_page(text_page, text)
            can_be_seen = not is_lost or has_shapes(text_page)
            text = "" if is_lost else _as_read(text_page, text)
            text = text_flow.tidy_page(text)
        finally:
            text_page.close()
        pdf_page = PdfPage(text, is_garbled=is_lost, has_shapes=can_be_seen)
        if pdfium.FPDFPage_GetAnnotCount(page) > 0:
            notes = notes_of(document, page, text, filled)
            pdf_page.notes, pdf_page.drawn, pdf_page.has_files = (
                notes.texts,
                notes.drawn,
                notes.has_files,
            )
        if len(text) < 2 * _FEW_LETTERS and len(text.strip()) < _FEW_LETTERS and not is_lost:
            pdf_page.is_picture = is_picture(page, blank=not text.strip())
        return pdf_page
    except pypdfium2.PdfiumError:
        return PdfPage("")
    finally:
        page.close()


def _as_read(text_page: Any, text: str) -> str:
    """The text with its lines whole, column by column, or with the letters of its headings
    joined.
    """
    whole = with_lines_whole(text_page, text)
    if whole != text:
        return whole
    ordered = with_columns_apart(text_page, text)
    return ordered if ordered != text else with_letters_joined(text_page, text)


def _with_ligatures_in_order(text_page: Any, text: str) -> str:
    """The text with the letters of Arabic ligatures in their order: pdfium turns them with their
    line, though they are one glyph.

    Letters of one glyph have one box. A text with other characters than the page counts is left as
    it is.
    """
    if text.isascii() or not _LAM_ALEF.search(text) or text_page.count_chars() != len(text):
        return text
    letters = list(text)
    for match in _LAM_ALEF.finditer(text):
        index = match.start()
        if text_page.get_charbox(index) == text_page.get_charbox(index + 1):
            letters[index], letters[index + 1] = letters[index + 1], letters[index]
    return "".join(letters)


def _add_drawn_text(data: bytes, pages: Sequence[PdfPage]) -> None:
    """Add what signatures and stamps show, as far as it is not on their page already."""
    import pypdfium2

    for index, page in enumerate(pages):
        if not page.drawn or (page.is_for_ocr and ocr.is_available()):
            continue  # OCR sees them
        try:
            text = drawn_text(data, index, page.drawn)
        except pypdfium2.PdfiumError:
            continue
        lines = text_flow.lines_of(text_flow.tidy(text))
        known = " ".join(" ".join([page.text, *page.notes]).split())
        if any(lines) and " ".join(" ".join(lines).split()) not in known:
            page.notes += text_flow.paragraphs(lines, text_flow.full_width(lines))


def _add_outline(document: Any, pages: Sequence[PdfPage]) -> None:
    """Give each page the entries of the outline that lead to it, in the outline's order."""
    for entry in islice(document.get_toc(), _MAX_ENTRIES):
        title = " ".join(text_flow.tidy(entry.get_title()).split())
        target = entry.get_dest()
        index = target.get_index() if target else None
        if title and index is not None and 0 <= index < len(pages):
            pages[index].entries.append((entry.level + 1, title))


# ---- pypdf ---------------------------------------------------------------------------------------


def _read_by_pypdf(data: bytes, started_s: float) -> _PdfContents:
    """What is left of a file that pdfium finds broken: pypdf writes it anew for pdfium, or reads
    it, page by page, while there is time.
    """
    import io
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise FileFailed("encrypted: needs a password")
        mended = rewritten(reader)
        reading = _read_by_pdfium(mended, started_s) if mended else None
        if reading is not None and any(page.text.strip() or page.notes for page in reading.pages):
            return reading
        return _pypdf_pages(reader, data, started_s)
    except (FileFailed, MemoryError):
        raise
    except Exception as error:  # a broken PDF makes pypdf raise anything
        raise FileFailed(f"not a readable PDF: {error}") from error


def _pypdf_pages(reader: Any, data: bytes, started_s: float) -> _PdfContents:
    count = len(reader.pages)
    pages: list[PdfPage] = []
    while len(pages) < count and time.monotonic() < started_s + _PYPDF_S:
        text = reader.pages[len(pages)].extract_text()
        is_lost = is_garbled(text)
        pages.append(PdfPage("" if is_lost else text_flow.tidy_page(text), is_garbled=is_lost))
    facts = {str(key).lstrip("/"): str(value) for key, value in (reader.metadata or {}).items()}
    incomplete = f"{len(pages)} of {count} pages were read in time" if len(pages) < count else ""
    may_hold_files = any(mark in data for mark in (b"/EmbeddedFile", b"/Filespec", b"/ObjStm"))
    return _PdfContents(pages, facts, incomplete, [] if may_hold_files else None)


# ---- pages to a document -------------------------------------------------------------------------


def _assembled(pages: Sequence[PdfPage], title: str) -> tuple[str, tuple[Block, ...]]:
    """The text of all pages and its blocks. An entry of the outline whose words are not on its page
    heads it without being text.
    """
    texts: list[str] = []
    blocks: list[Block] = []
    path: list[tuple[int, str]] = []  # of headings: level, text
    start = 0
    lines_by_page = text_flow.without_running_lines(
        [text_flow.lines_of(page.text) for page in pages]
    )
    for number, (page, lines) in enumerate(zip(pages, lines_by_page, strict=True), 1):
        for part in _parts(page, lines):
            level, heading, text = part
            if text:
                names = tuple(name for depth, name in path if not level or depth < level)
                blocks.append(
                    Block(
                        start,
                        start + len(text),
                        "heading" if level else "prose",
                        names,
                        (("page", number),),
                    )
                )
                texts.append(text)
                start += len(text) + 2
            if level:
                path = [outer for outer in path if outer[0] < level]
                if heading != title:
                    path.append((level, heading))
    return "\n\n".join(texts), tuple(blocks)


def _parts(page: PdfPage, lines: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """A page's paragraphs as (0, "", text), and the headings among them as (level, the outline's
    words, the page's words or "").
    """
    width = text_flow.full_width(lines)
    placed, before, after = placed_entries(page.entries, lines)
    yield from ((level, heading, "") for level, heading in before)
    done = 0
    for first, last, level, heading in placed:
        yield from ((0, "", text) for text in text_flow.paragraphs(lines[done:first], width))
        yield level, heading, " ".join(" ".join(lines[first:last]).split())
        done = last
    yield from ((0, "", text) for text in text_flow.paragraphs(lines[done:], width))
    yield from ((0, "", note) for note in page.notes)
    yield from ((level, heading, "") for level, heading in after)


def _iso_date(value: str) -> str:
    """A PDF date, D:YYYYMMDDHHmmSS+HH'mm', in ISO 8601 as far as it goes; "" for anything else."""
    match = _DATE.match(value.strip())
    if not match:
        return ""
    year, month, day, hour, minute, second, zone, zone_minutes = match.groups()
    if not (month and day and 1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return year
    date = f"{year}-{month}-{day}"
    if not (hour and minute):
        return date
    offset = (
        ""
        if zone is None
        else "Z"
        if zone in {"Z", "+00", "-00"}
        else f"{zone}:{zone_minutes or '00'}"
    )
    return f"{date}T{hour}:{minute}:{second or '00'}{offset}"
