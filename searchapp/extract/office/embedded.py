"""Files embedded in Office documents, taken out as members: workbooks, letters, presentations, and
files that were packed as they are.

A newer package keeps them in a folder of their own, an older document in storages of its OLE
container, an older presentation in records, each a container of its own. Equations and the
workbooks behind charts are not among them: what they show is in the document.
"""

from __future__ import annotations

import posixpath
import re
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from searchapp.errors import FileError, FileFailed
from searchapp.extract.archives.names import MemberNames
from searchapp.extract.members import MAX_MEMBER_BYTES, Member
from searchapp.extract.office.compound import compound_file
from searchapp.extract.office.ole import SIGNATURE, Container, opened
from searchapp.extract.office.ooxml import Package
from searchapp.extract.office.zip_package import checked_package, member_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = re.compile(r"(?:^|/)embeddings/[^/]+$", re.IGNORECASE)
_BESIDE_TEXT = re.compile(r"(?!mimetype$)[^./]+")  # where OpenDocument keeps objects
_CHART_RELATIONS = re.compile(r"(?:^|/)chart(?:s|ex)/_rels/([^/]+)\.rels$", re.IGNORECASE)
# streams that hold a document of another form whole
_WHOLE = ("package", "contents", "package_stream", "embeddedodf")
_NATIVE = "\x01ole10native"
_DOCUMENTS = {  # the stream that is in every such document
    "worddocument": ".doc",
    "workbook": ".xls",
    "book": ".xls",
    "powerpoint document": ".ppt",
    "visiodocument": ".vsd",
    "__properties_version1.0": ".msg",
}
_CHART_SERVERS = (b"MSGraph", b"Equation", b"MathType")
_OBJECT_RECORD = 0x1011  # of a presentation
_MAX_OBJECTS = 10_000


def package_members(data: bytes) -> Iterator[Member]:
    """The embedded files of a docx, pptx or xlsx file; none of one that is no such file."""
    try:
        package = Package(data)
    except FileFailed:
        return  # the document itself says why
    names = MemberNames()
    of_charts = _charted(package)
    for name in package.names():
        if not _FOLDER.search(name.replace("\\", "/")) or _plain(name) in of_charts:
            continue
        base = posixpath.basename(name.replace("\\", "/"))
        try:
            content = package.content(name) or b""
            taken = _taken_out(content, base) if content.startswith(SIGNATURE) else (base, content)
        except FileFailed as error:
            yield Member(names.of(base), refusal=error)
            continue
        if taken is not None:
            yield Member(names.of(taken[0]), taken[1])


def opendocument_members(data: bytes) -> Iterator[Member]:
    """The embedded files of other programs in an OpenDocument file; none of one that is no such
    file, and none that are documents of its own kind, which are read as its text.
    """
    try:
        package = checked_package(data)
    except FileFailed:
        return  # the document itself says why
    names = MemberNames()
    for name in package.namelist()[:_MAX_OBJECTS]:
        if _BESIDE_TEXT.fullmatch(name) is None:
            continue
        try:
            content = member_bytes(package, name)
            taken = _taken_out(content, name) if content.startswith(SIGNATURE) else None
        except FileFailed as error:
            yield Member(names.of(name), refusal=error)
            continue
        if taken is not None:
            yield Member(names.of(taken[0]), taken[1])


def ole_members(data: bytes, document_type: str) -> Iterator[Member]:
    """The embedded files of a doc, xls or ppt file; none of one that is no such file."""
    names = MemberNames()
    try:
        with opened(data) as container:
            files = (
                _in_records(container)
                if document_type == "ppt"
                else _in_storages(container, document_type)
            )
            for name, content in files:
                yield Member(names.of(name), content)
    except FileFailed:
        return  # the document itself says why


def _charted(package: Package) -> set[str]:
    """The workbooks that only charts refer to."""
    workbooks = set()
    for name in package.names():
        match = _CHART_RELATIONS.search(name.replace("\\", "/"))
        if match is None:
            continue
        chart = posixpath.join(posixpath.dirname(posixpath.dirname(name)), match[1])
        try:
            workbooks |= {_plain(target) for target in package.related(chart, "package")}
        except FileError:
            continue
    return workbooks


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _in_storages(container: Container, document_type: str) -> Iterator[tuple[str, bytes]]:
    """The objects of an old Word document or workbook: each a storage, named by a number."""
    paths: list[tuple[str, ...]]
    if document_type == "doc":
        paths = [("ObjectPool", name) for name in container.storages("ObjectPool")]
    else:
        paths = [(name,) for name in container.storages() if name.upper().startswith("MBD")]
    for number, path in enumerate(paths[:_MAX_OBJECTS], 1):
        taken = _document_in(container.storage(*path), f"object {number}")
        if taken is not None:
            yield taken


def _in_records(container: Container) -> Iterator[tuple[str, bytes]]:
    """The objects of an old presentation: each a record with a container, often packed."""
    stream = container.presentation()
    at = number = 0
    while at + 8 <= len(stream) and number < _MAX_OBJECTS:
        kind = int.from_bytes(stream[at + 2 : at + 4], "little")
        size = int.from_bytes(stream[at + 4 : at + 8], "little")
        if kind == _OBJECT_RECORD:
            number += 1
            instance = int.from_bytes(stream[at : at + 2], "little") >> 4
            content = stream[at + 8 : at + 8 + size]
            content = _unpacked(content[4:]) if instance == 1 else content
            taken = (
                _taken_out(content, f"object {number}") if content.startswith(SIGNATURE) else None
            )
            if taken is not None:
                yield taken
        at += 8 + size


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, MAX_MEMBER_BYTES)
    except zlib.error:
        return b""


def _taken_out(data: bytes, name: str) -> tuple[str, bytes] | None:
    """The name and bytes of the file in a container, None where it holds nothing to read."""
    stem = posixpath.splitext(name)[0] if name.lower().endswith(".bin") else name
    with opened(data) as container:
        return _document_in(container.storage(), stem, whole=data)


def _document_in(
    storage: Mapping[str, Any], stem: str, *, whole: bytes = b""
) -> tuple[str, bytes] | None:
    """The file in a storage; `whole` is the container that it fills, where it does."""
    streams = {name.lower(): content for name, content in storage.items()}
    native = streams.get(_NATIVE)
    if isinstance(native, bytes) and native:
        return _native_file(native, stem)
    for name in _WHOLE:
        content = streams.get(name)
        if isinstance(content, bytes) and content:
            return stem, content
    kind = next((ending for name, ending in _DOCUMENTS.items() if name in streams), "")
    server = streams.get("\x01compobj", b"")
    if not kind or (
        isinstance(server, bytes) and any(chart_server in server for chart_server in _CHART_SERVERS)
    ):
        return None
    return f"{stem}{kind}", whole or compound_file(storage)


def _native_file(data: bytes, stem: str) -> tuple[str, bytes] | None:
    """The file in a native stream: its label, its path, a path of the program that packed it, then
    its bytes.
    """
    at = 6  # after the size of all and two bytes of flags
    label, at = _text(data, at)
    path, at = _text(data, at)
    at += 4  # kinds of link
    size = int.from_bytes(data[at : at + 4], "little")
    at += 4 + size
    size = int.from_bytes(data[at : at + 4], "little")
    content = data[at + 4 : at + 4 + size]
    if not content:
        return None
    name = (path or label).replace("\\", "/").rpartition("/")[2]
    return name or stem, content


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    end = len(data) if end < 0 else end
    return data[at:end].decode("cp1252", "replace"), end + 1
