"""PDF, page by page: pdfium reads it, pypdf where pdfium finds the format broken.

A PDF holds glyphs at places, not paragraphs: lines are joined so that sentences read well, and a page's paragraphs are
guessed from the lengths of its lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileFailed
from searchapp.types import Block, Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_FULL_LINE = 0.7  # of the page's typical line: a shorter line ends where its author ended it
_DATE = re.compile(r"D?:?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(Z|[+-]\d{2})?'?(\d{2})?")
_FILE_TITLE = re.compile(r"(Microsoft \w+ - .*|untitled\b.*|\S+\.\w{2,4}|[\W\d_]*|(slide|page|document|title) ?\d*)$", re.IGNORECASE)
_BULLET = re.compile(r"[•●▪◦‣–*·]\s|\(?\d{1,2}[.)]\s|\[\d+\]\s")
_CJK = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff9f]")
_SOFT_HYPHEN = re.compile("(?<=[^\\W\\d_])[\x02\ufffe\xad]\\s*(?=[a-zß-ÿ])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")


def read(data: bytes, document_type: str) -> Document:
    """A PDF's pages with their paragraphs; raises FileFailed where it is encrypted, broken or only pictures."""
    pages, facts = _read_by_pdfium(data) or _read_by_pypdf(data)
    parts = [(number, part) for number, page in enumerate(pages, 1) for part in _page_paragraphs(page)]
    if not parts:
        raise FileFailed("no text: pages are images" if pages else "no text found: no pages")
    text, blocks = _assembled(parts)
    title = " ".join(facts.get("Title", "").split())
    found = {"author": " ".join(facts.get("Author", "").split()), "date": _iso_date(facts.get("CreationDate", ""))}
    metadata = {key: value for key, value in found.items() if value}
    title = "" if _FILE_TITLE.match(title) else title
    return Document(text, document_type, title=title, blocks=blocks, has_lines=False, metadata=metadata)


def _read_by_pdfium(data: bytes) -> tuple[list[str], dict[str, str]] | None:
    """The text of each page and the document's facts; None where pdfium finds the format broken."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if _open_error(b"") != _PASSWORD_ERROR and _open_error(data) == _PASSWORD_ERROR:
            raise FileFailed("encrypted: needs a password") from error
        return None
    try:
        pages = [_pdfium_page(document, index) for index in range(len(document))]
        return (pages, document.get_metadata_dict()) if pages else None
    finally:
        document.close()


def _open_error(data: bytes) -> int | None:
    """The error that pdfium reports when it opens the bytes, None where it opens them.

    pdfium keeps one error for the whole process and leaves it as it was on some failures, so that a broken file reads as
    encrypted after one that is. Opening what is no PDF at all first sets it to a format error.
    """
    import pypdfium2

    try:
        pypdfium2.PdfDocument(data).close()
    except pypdfium2.PdfiumError as error:
        code: int | None = error.err_code
        return code
    return None


def _pdfium_page(document: Any, index: int) -> str:
    """One page's text, "" for a page that cannot be loaded."""
    import pypdfium2

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return ""
    try:
        text_page = page.get_textpage()
        try:
            text: str = text_page.get_text_bounded()
            return text
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return ""
    finally:
        page.close()


def _read_by_pypdf(data: bytes) -> tuple[list[str], dict[str, str]]:
    """The same by pypdf, which reads on where pdfium gives up."""
    import io
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise FileFailed("encrypted: needs a password")
        pages = [page.extract_text() for page in reader.pages]
        facts = {str(key).lstrip("/"): str(value) for key, value in (reader.metadata or {}).items()}
    except (FileFailed, MemoryError):
        raise
    except Exception as error:  # a broken PDF makes pypdf raise anything
        raise FileFailed(f"not a readable PDF: {error}") from error
    return pages, facts


def _page_paragraphs(page: str) -> Iterator[str]:
    """A page's paragraphs: lines that fill the page's width run on, short ones end where they end."""
    page = _CONTROL.sub("", _SOFT_HYPHEN.sub("", page).replace("\x02", "-").replace("\ufffe", "-"))
    lines = [line.strip() for line in re.split(r"\r\n|[\r\n\f\v\x85\u2028\u2029]", page)]
    lengths = sorted(len(line) for line in lines if line)
    width = _FULL_LINE * lengths[len(lengths) * 9 // 10] if lengths else 0
    paragraph = ""
    for index, line in enumerate(lines):
        paragraph += line
        following = lines[index + 1] if index + 1 < len(lines) else ""
        if not following or _ends_paragraph(line, following, width):
            if paragraph:
                yield paragraph
            paragraph = ""
        else:
            paragraph = _run_on(paragraph, following, is_full=len(line) >= width)
    if paragraph:
        yield paragraph


def _ends_paragraph(line: str, following: str, width: float) -> bool:
    """True where the next line begins something new."""
    return bool(_BULLET.match(following)) or (len(line) < width and line.endswith((".", "!", "?", ":", "。", "！", "？", "؟")))


def _run_on(paragraph: str, following: str, *, is_full: bool) -> str:
    """The paragraph made ready for its next line: a line break, a space, or nothing after a broken word and in CJK."""
    if not is_full:
        return f"{paragraph}\n"
    if re.search(r"[^\W\d_]{2}-$", paragraph) and following[0].islower():
        return paragraph[:-1]
    is_cjk = bool(_CJK.match(paragraph[-1:])) and bool(_CJK.match(following))
    return paragraph if is_cjk else f"{paragraph} "


def _assembled(parts: Sequence[tuple[int, str]]) -> tuple[str, tuple[Block, ...]]:
    blocks = []
    start = 0
    for number, part in parts:
        blocks.append(Block(start, start + len(part), "prose", page=number))
        start += len(part) + 2
    return "\n\n".join(part for _, part in parts), tuple(blocks)


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
    offset = "" if zone is None else "Z" if zone in {"Z", "+00", "-00"} else f"{zone}:{zone_minutes or '00'}"
    return f"{date}T{hour}:{minute}:{second or '00'}{offset}"
