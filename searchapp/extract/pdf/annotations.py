"""The comments on a page of a PDF, what is filled into its form fields, and what its signatures and
stamps show.

Everything goes through pdfium's own functions, for which pypdfium2 has no wrappers.
"""

from __future__ import annotations

import contextlib
import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from searchapp.extract.pdf import text_flow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_MAX_NOTES = 1000  # a page
_FIELD_TYPES = frozenset({4, 5, 6})  # FPDF_FORMFIELD_COMBOBOX, _LISTBOX, _TEXTFIELD
_PASSWORD_FIELD = 1 << 13
_SIGNATURE_FIELD = 7  # FPDF_FORMFIELD_SIGNATURE
_WIDGET = 20  # FPDF_ANNOT_WIDGET
_STAMP = 13  # FPDF_ANNOT_STAMP
PAPERCLIP = 17  # FPDF_ANNOT_FILEATTACHMENT
_SILENT = frozenset({2, 16, 21})  # FPDF_ANNOT_LINK, _POPUP (repeats its note), _SCREEN


def wide_string(call: Any) -> str:
    """The UTF-16 string that a function of pdfium writes into a buffer, given the buffer and its
    size in bytes.
    """
    import pypdfium2.raw as pdfium

    size = call(None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    call(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace")


@dataclass(slots=True)
class PageNotes:
    """What is on a page beside its text."""

    texts: list[str] = field(default_factory=list)  # comments, and values of form fields
    drawn: list[int] = field(default_factory=list)  # indices of signatures and stamps
    has_files: bool = False


def notes_of(document: Any, page: Any, text: str, filled: set[str]) -> PageNotes:
    """The comments on a page and the values of its form fields; a comment that repeats the page is
    left out, as is a field seen before.
    """
    notes = PageNotes()
    notes.texts = list(_texts(document, page, text, filled, notes))
    return notes


def drawn_text(data: bytes, index: int, drawn: Sequence[int]) -> str:
    """The text that signatures and stamps of a page show. Others are taken off, and these made a
    part of the page, in a copy of the document.
    """
    import pypdfium2
    import pypdfium2.raw as pdfium

    with contextlib.closing(pypdfium2.PdfDocument(data)) as document:
        before = _text_of(document[index])
        page = document[index]
        for number in reversed(range(pdfium.FPDFPage_GetAnnotCount(page))):
            if number not in drawn:
                pdfium.FPDFPage_RemoveAnnot(page, number)
        if pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) != pdfium.FLATTEN_SUCCESS:
            return ""
        page.close()
        text = _text_of(document[index])
    return text[len(before) :] if text.startswith(before.rstrip()) else ""


def _text_of(page: Any) -> str:
    text: str = page.get_textpage().get_text_range()
    return text


def _texts(
    document: Any, page: Any, text: str, filled: set[str], notes: PageNotes
) -> Iterator[str]:
    import pypdfium2.raw as pdfium

    words = " ".join(text.split())
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MAX_NOTES)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            notes.has_files |= kind == PAPERCLIP
            if kind == _STAMP or (kind == _WIDGET and _is_signature(document.formenv, annotation)):
                notes.drawn.append(index)
            if kind == _WIDGET:
                note = (
                    _field_value(document.formenv, annotation, filled) if document.formenv else ""
                )
            else:
                note = "" if kind in _SILENT else _annotation_string(annotation, b"Contents")
                note = "" if " ".join(note.split()) in words else note
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
        if note.strip():
            yield "\n".join(text_flow.lines_of(text_flow.tidy(note))).strip()


def _annotation_string(annotation: Any, key: bytes) -> str:
    import pypdfium2.raw as pdfium

    return wide_string(
        lambda buffer, size: pdfium.FPDFAnnot_GetStringValue(annotation, key, buffer, size)
    )


def _is_signature(form: Any, annotation: Any) -> bool:
    import pypdfium2.raw as pdfium

    if not form:
        return False
    kind: int = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    return kind == _SIGNATURE_FIELD


def _field_value(form: Any, annotation: Any, filled: set[str]) -> str:
    """What is written or chosen in a form field, "" for a password and for a field that is in
    `filled`, which takes it up.
    """
    import pypdfium2.raw as pdfium

    if pdfium.FPDFAnnot_GetFormFieldType(form, annotation) not in _FIELD_TYPES:
        return ""
    if pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD_FIELD:
        return ""
    name = wide_string(
        lambda buffer, size: pdfium.FPDFAnnot_GetFormFieldName(form, annotation, buffer, size)
    )
    value = wide_string(
        lambda buffer, size: pdfium.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size)
    )
    if name and name in filled:
        return ""
    filled.add(name)
    return value
