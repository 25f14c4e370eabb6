"""The files that a PDF holds: those of its list, those behind paperclips on its pages, and those
that are only associated with it or a part of it (as invoices hold their data).

The first two go through pdfium's own functions; pypdf finds the last, and lists the files of what
pdfium finds broken.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.archives.limits import BOMB_MEMBER, refuse_bomb, too_large
from searchapp.extract.archives.names import MemberNames, refusal_of_name
from searchapp.extract.members import MAX_MEMBER_BYTES, Member
from searchapp.extract.pdf.annotations import PAPERCLIP, wide_string

if TYPE_CHECKING:
    from pypdf import PdfReader

_Told = TypeVar("_Told")
_MAX_FILES = 10_000
_MAX_OBJECTS = 50_000  # that are looked at
_EMBEDDED = re.compile(rb"/EmbeddedFile(?!s)")
_MAX_NOTES = 1000  # a page


def attached_files(document: Any, pages: Iterable[int], data: bytes) -> Iterator[Member]:
    """The files of an open document, those of its list first, then those on some of its pages and
    those that are associated; no file twice. `data` is the whole document.
    """
    import pypdfium2.raw as pdfium

    size = len(data)
    names = MemberNames()
    seen: set[tuple[str, bytes]] = set()
    for index in range(min(pdfium.FPDFDoc_GetAttachmentCount(document), _MAX_FILES)):
        yield from _member(pdfium.FPDFDoc_GetAttachment(document, index), names, seen, size)
    for index in pages:
        yield from _on_page(document, index, names, seen, size)
    if has_more_files(data, len(seen)):
        yield from _associated(data, names, seen)


def has_more_files(data: bytes, known: int) -> bool:
    """Whether a PDF may hold more files than those that are known."""
    if b"/EmbeddedFile" not in data and b"/AFRelationship" not in data:
        return False
    embedded = sum(1 for _ in islice(_EMBEDDED.finditer(data), _MAX_FILES))
    return embedded > known or (not known and b"/AFRelationship" in data)


def files_by_pypdf(data: bytes) -> Iterator[Member]:
    """The files that pypdf lists; nothing where it cannot."""
    names = MemberNames()
    files = _by_pypdf(
        data,
        lambda reader: [
            (name, content) for name, all_of in reader.attachments.items() for content in all_of
        ],
    )
    for name, content in files or ():
        yield _named(names, name, content)


def _by_pypdf(data: bytes, look: Callable[[PdfReader], _Told]) -> _Told | None:
    """What a look into a PDF tells; None where it needs a password, or pypdf cannot read it."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            return None
        return look(reader)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a broken PDF makes pypdf raise anything; its text was read, or is refused
        return None


def _associated(data: bytes, names: MemberNames, seen: set[tuple[str, bytes]]) -> Iterator[Member]:
    """The files that any object of the document names and that are not seen yet."""
    contents = {digest for _, digest in seen}
    files = _by_pypdf(data, lambda reader: _files_of(reader, _numbers(reader)))
    for file in files or ():
        digest = hashlib.blake2b(file[1]).digest()
        if digest not in contents:
            contents.add(digest)
            yield _named(names, *file)


def _files_of(reader: PdfReader, numbers: Sequence[tuple[int, int]]) -> Iterator[tuple[str, bytes]]:
    """The name and bytes of each file that one of some objects names."""
    for number, generation in numbers[:_MAX_OBJECTS]:
        try:
            file = _file_of(reader, number, generation)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a broken object makes pypdf raise anything; the others are read
            continue
        if file is not None:
            yield file


def _numbers(reader: PdfReader) -> list[tuple[int, int]]:
    """The number and generation of every object of a document."""
    numbers = [
        (number, generation) for generation, found in reader.xref.items() for number in found
    ]
    return sorted({*numbers, *((number, 0) for number in reader.xref_objStm)})


def _file_of(reader: PdfReader, number: int, generation: int) -> tuple[str, bytes] | None:
    """The name and bytes of the file that an object names, None where it names none."""
    from pypdf.generic import DictionaryObject, IndirectObject

    named = reader.get_object(IndirectObject(number, generation, reader))
    if not isinstance(named, DictionaryObject) or "/EF" not in named:
        return None
    embedded: Any = named["/EF"].get_object()
    name = str(named.get("/UF") or named.get("/F") or "")
    return name, embedded["/F"].get_object().get_data()


def _named(names: MemberNames, name: str, content: bytes) -> Member:
    """A file under a name of its own, or the refusal of its name."""
    safe = names.of(name or "unnamed")
    refusal = refusal_of_name(safe)
    return Member(safe, b"" if refusal else content, refusal=refusal)


def _on_page(
    document: Any, index: int, names: MemberNames, seen: set[tuple[str, bytes]], size: int
) -> Iterator[Member]:
    import pypdfium2
    import pypdfium2.raw as pdfium

    try:
        page = document[index]
    except pypdfium2.PdfiumError:
        return
    try:
        for number in range(min(pdfium.FPDFPage_GetAnnotCount(page), _MAX_NOTES)):
            annotation = pdfium.FPDFPage_GetAnnot(page, number)
            if not annotation:
                continue
            try:
                if pdfium.FPDFAnnot_GetSubtype(annotation) == PAPERCLIP:
                    file = pdfium.FPDFAnnot_GetFileAttachment(annotation)
                    yield from _member(file, names, seen, size)
            finally:
                pdfium.FPDFPage_CloseAnnot(annotation)
    finally:
        page.close()


def _member(
    file: Any, names: MemberNames, seen: set[tuple[str, bytes]], size: int
) -> Iterator[Member]:
    import pypdfium2.raw as pdfium

    if not file:
        return
    name = wide_string(lambda buffer, length: pdfium.FPDFAttachment_GetName(file, buffer, length))
    try:
        content = _content(file, size)
    except (FileFailed, FileSkipped) as error:
        yield Member(names.of(name or "unnamed"), refusal=error)
        return
    if content is None or (key := (name, hashlib.blake2b(content).digest())) in seen:
        return  # only named, or listed and on a page
    seen.add(key)
    yield _named(names, name, content)


def _content(file: Any, size: int) -> bytes | None:
    """The bytes of a file, None where there are none; raises FileFailed for a bomb,
    FileSkipped for a file that is too large."""
    import pypdfium2.raw as pdfium

    length = ctypes.c_ulong()
    if not pdfium.FPDFAttachment_GetFile(file, None, 0, ctypes.byref(length)):
        return None
    refuse_bomb(length.value, size, BOMB_MEMBER)
    if length.value > MAX_MEMBER_BYTES:
        raise too_large(length.value)
    buffer = ctypes.create_string_buffer(length.value)
    if not pdfium.FPDFAttachment_GetFile(file, buffer, length.value, ctypes.byref(length)):
        return None
    return buffer.raw[: length.value]
