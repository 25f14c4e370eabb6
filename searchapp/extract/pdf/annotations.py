"""The comments on a page of a PDF, and what is filled into its form fields.

Everything goes through pdfium's own functions, for which pypdfium2 has no wrappers.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from searchapp.extract.pdf import text_flow

if TYPE_CHECKING:
    from collections.abc import Iterator


_MAX_NOTES = 1000  # a page
_FIELD_TYPES = frozenset({4, 5, 6})  # FPDF_FORMFIELD_COMBOBOX, _LISTBOX, _TEXTFIELD
_PASSWORD_FIELD = 1 << 13
_WIDGET = 20  # FPDF_ANNOT_WIDGET
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


def annotation_notes(document: Any, page: Any, text: str, filled: set[str]) -> Iterator[str]:
    """The comments on a page and the values of its form fields; a comment that repeats the page is
    left out, as is a field seen before.
    """
    import pypdfium2.raw as pdfium

    words = " ".join(text.split())
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MAX_NOTES)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
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
