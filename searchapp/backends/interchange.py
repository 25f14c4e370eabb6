"""Documents with their vectors in an open form, to be taken to another machine or another corpus.

A gzip file of JSON lines: first what it is and which encoder made it, then a document a line, last
how many there were and a BLAKE2b over all lines before. Vectors are little-endian float16 in
base64. docs/corpus-format.md has the keys. Knows the seam, so that it serves every backend, and
nothing of models.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from searchapp import __version__
from searchapp.backends import exported_values
from searchapp.errors import BackupError, CorpusEmpty
from searchapp.filesystem import atomic_write
from searchapp.types.documents import (
    Root,
    StoredDocument,
    is_in_any,
)
from searchapp.types.filters import Filters
from searchapp.types.vectors import EncoderIdentity

if TYPE_CHECKING:
    from searchapp.types.documents import KnownFile
    from searchapp.types.protocols import Backend, Reader, Writer

FORMAT = "searchapp-export/1"
_MOST_LINE_BYTES = 2**30
_COMMIT_DOCUMENTS = 256  # of an import
_NONE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Header:
    """What an export holds."""

    encoder: EncoderIdentity
    roots: tuple[Root, ...]
    documents: int


def export(reader: Reader, file: Path, *, notes: Path | None = None) -> int:
    """Write all documents of a generation to a file that appears whole or not at all; returns how
    many. `notes` is the folder of the corpus, where it has one, as in `work_files`.

    Raises CorpusEmpty, CorpusDamaged, or BackupError where the file cannot be written.
    """
    if reader.encoder is None:
        raise CorpusEmpty("the corpus holds no documents", hint="run: searchapp ingest PATH")
    try:
        with (
            atomic_write.replaced(file, notes=notes) as raw,
            gzip.GzipFile("", "wb", 1, raw, mtime=0) as target,
        ):
            lines = _Lines(target)
            lines.write(_header_values(reader, reader.encoder))
            for stored in reader.stored(Filters()):
                lines.write(_document_values(stored))
            lines.write({"documents": lines.count - 1, "blake2b": lines.digest.hexdigest()})
            return lines.count - 2
    except OSError as error:
        raise BackupError(
            f"cannot write {file}: {error.strerror or error}",
            hint="make room, or choose another place for the file",
        ) from error


def header(file: Path, *, moved: Callable[[bytes], bytes]) -> Header:
    """What an export holds, once the whole of it is as it was written, and each document one that
    an ingest could have given. Raises BackupError where it is not, or is no export.
    """
    digest, before = hashlib.blake2b(digest_size=32), b""
    first: dict[str, Any] = {}
    count = 0
    for line in _lines(file):
        if count == 0:
            first = _first(file, line)
        digest.update(before)
        before, count = line, count + 1
    last = _json(file, before)
    if count < 2 or last.get("blake2b") != digest.hexdigest() or last.get("documents") != count - 2:
        raise _damaged(file)
    try:
        roots = tuple(map(exported_values.root_of, first["roots"]))
        export_header = Header(exported_values.encoder_of(first["encoder"]), roots, count - 2)
    except _NONE as error:
        raise _senseless(file, 1, error) from error
    for _ in documents(file, export_header, moved=moved):
        pass
    return export_header


def documents(
    file: Path, exported: Header, *, moved: Callable[[bytes], bytes]
) -> Iterator[StoredDocument]:
    """The documents of an export of which the rest was read, each at the path that `moved` makes of
    its own. Raises BackupError for one that no ingest could have given.
    """
    for number, line in enumerate(_lines(file), start=1):
        values = _json(file, line)
        if 1 < number <= exported.documents + 1:
            try:
                yield exported_values.document_of(values, exported.encoder, moved)
            except _NONE as error:
                raise _senseless(file, number, error) from error


def import_documents(
    writer: Writer,
    exported: Header,
    file: Path,
    backend: Backend,
    *,
    moved: Callable[[bytes], bytes],
    wants_roots: Callable[[Sequence[Root]], bool],
) -> dict[str, int]:
    """Take the documents of an export into the corpus in a backend, labels too unless the document
    is labelled by hand there; returns how many were imported, unchanged and kept.

    Folders that the corpus does not ingest are remembered where `wants_roots` says so of them.
    """
    labelled = _labelled_by_hand(backend)
    new_roots = _new_roots(writer, exported, moved)
    wanted = new_roots if new_roots and wants_roots(new_roots) else []
    counts = dict.fromkeys(("imported", "unchanged", "kept"), 0)
    if writer.encoder() is None:
        writer.set_encoder(exported.encoder)
    known = writer.known_files()
    for stored in documents(file, exported, moved=moved):
        outcome = _import(writer, stored, known.get(stored.source.path), labelled)
        counts[outcome] += 1
        if counts["imported"] % _COMMIT_DOCUMENTS == 0:
            writer.commit()
    for root in wanted:
        writer.set_root(root)
    writer.finish()
    return counts


def _new_roots(writer: Writer, exported: Header, moved: Callable[[bytes], bytes]) -> list[Root]:
    """The folders of an export that the corpus does not ingest, the outermost of them."""
    known = {root.path for root in writer.roots()}
    new = []
    for root in sorted(exported.roots, key=lambda root: moved(root.path)):
        if not is_in_any(path := moved(root.path), known):
            known.add(path)
            new.append(root._replace(path=path))
    return new


def _labelled_by_hand(backend: Backend) -> set[int]:
    with closing(backend.reader()) as reader:
        return {
            document_id
            for document_id, labels in reader.labels()
            if any(label.origin == "hand" for label in labels)
        }


def _import(
    writer: Writer, stored: StoredDocument, known: KnownFile | None, labelled: Collection[int]
) -> str:
    source = stored.source
    if known is not None and known.source.content_hash == source.content_hash:
        return "unchanged"
    if known is not None and known.source.identity.mtime_ns > source.identity.mtime_ns:
        return "kept"
    try:
        document_id = writer.replace(
            source, stored.document, stored.passages, vectors=stored.vectors
        )
        if stored.labels and (known is None or known.document_id not in labelled):
            writer.set_labels(document_id, stored.labels)
    except ValueError as error:
        raise BackupError(
            f"the export holds vectors that are none: {error}", hint="export the corpus anew"
        ) from error
    return "imported"


class _Lines:
    """Lines of JSON, counted and digested as they are written."""

    def __init__(self, target: gzip.GzipFile) -> None:
        self._target = target
        self.digest = hashlib.blake2b(digest_size=32)
        self.count = 0

    def write(self, values: dict[str, Any]) -> None:
        line = json.dumps(values).encode("ascii") + b"\n"
        self._target.write(line)
        self.digest.update(line)
        self.count += 1


def _header_values(reader: Reader, encoder: EncoderIdentity) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "searchapp": __version__,
        "encoder": {
            name: getattr(encoder, name) for name in ("model", "fingerprint", "dim", "max_tokens")
        },
        "roots": [
            {"path": os.fsdecode(root.path), "include": root.include, "exclude": root.exclude}
            for root in reader.status().roots
        ],
    }


def _document_values(stored: StoredDocument) -> dict[str, Any]:
    source, document, vectors = stored.source, stored.document, stored.vectors
    return {
        "path": os.fsdecode(source.path),
        "size": source.identity.size,
        "mtime_ns": source.identity.mtime_ns,
        "content_hash": source.content_hash.hex(),
        "extractor": source.extractor,
        "splitter": source.splitter,
        "type": document.type,
        "title": document.title,
        "metadata": dict(document.metadata),
        "has_lines": document.has_lines,
        "text": document.text,
        "passages": [
            [passage.start, passage.end, list(passage.headings), dict(passage.place)]
            for passage in stored.passages
        ],
        "vectors": None
        if vectors is None
        else base64.b64encode(vectors.astype("<f2").tobytes()).decode(),
        "labels": [[label.name, label.origin, label.probability] for label in stored.labels],
    }


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with gzip.open(file) as source:
            while line := source.readline(_MOST_LINE_BYTES):
                yield line
    except FileNotFoundError as error:
        raise BackupError(
            f"there is no file {file}", hint="exports are made with: searchapp export FILE"
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(file) from error


def _first(file: Path, line: bytes) -> dict[str, Any]:
    values = _json(file, line)
    kind = str(values.get("format", ""))
    if kind != FORMAT:
        is_newer = kind.startswith("searchapp-export/")
        hint = "upgrade searchapp" if is_newer else "exports are made with: searchapp export FILE"
        raise BackupError(
            f"{file} is {'of a newer searchapp' if is_newer else 'no export of a corpus'}",
            hint=hint,
        )
    return values


def _json(file: Path, line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _damaged(file) from error
    if not isinstance(values, dict):
        raise _damaged(file)
    return values


def _senseless(file: Path, line: int, error: Exception) -> BackupError:
    what = f"there is no {error}" if isinstance(error, KeyError) else str(error)
    return BackupError(
        f"{file} holds what no ingest gives, in line {line}: {what}",
        hint="export the corpus anew; nothing was imported",
    )


def _damaged(file: Path) -> BackupError:
    return BackupError(
        f"{file} is damaged, or is no export of a corpus",
        hint="take another copy of it; nothing was imported",
    )
