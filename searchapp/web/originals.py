"""The files that documents were read from: to be saved, or shown in their folder.

A file is named by its document's id, never by a path, and has to stand below a remembered root. It
is given as bytes to be saved, whatever it is, so that no browser runs what is in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from searchapp.errors import PathMissing, Unsupported
from searchapp.filesystem.safe_open import open_file
from searchapp.types.documents import MEMBER, is_within

if TYPE_CHECKING:
    from io import FileIO

    from searchapp.corpus import Corpus
    from searchapp.web.corpus_service import CorpusService

_MOST_BYTES = 1 << 40
_BLOCK = 1 << 18
_REVEALED_WITHIN_S = 5.0


def original(corpus: Corpus, document_id: int) -> StreamingResponse:
    """The file of a document, to be saved. Raises as `Corpus.document` does, PathMissing where it
    no longer stands, and Unsupported where it is a part of another.
    """
    path = _standing(corpus, document_id)
    try:
        file = open_file(path, max_bytes=_MOST_BYTES)
    except OSError as error:
        raise _gone(path) from error
    name = quote(os.path.basename(path))  # noqa: PTH119 - bytes
    return StreamingResponse(
        _blocks(file),
        media_type="application/octet-stream",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


def picture(service: CorpusService, said: Mapping[str, Any]) -> Response:
    """A page of a PDF. Raises as `Corpus.pdf_picture` does."""
    png = service.corpus.pdf_picture(said["id"], said["page"], scale=said.get("scale", 1.5))
    return Response(png, media_type="image/png")


def reveal(corpus: Corpus, document_id: int) -> dict[str, object]:
    """Show a document's file in its folder, by the desktop; it is never opened. Raises as
    `original` does.
    """
    path = _standing(corpus, document_id)
    command = _revealing(os.fsdecode(path))
    if not command:
        raise Unsupported("nothing here shows folders", hint="install a desktop with xdg-open")
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        failed = process.wait(_REVEALED_WITHIN_S) != 0
    except subprocess.TimeoutExpired:
        failed = False  # a program that stays until its window is closed
    except OSError:
        failed = True
    if failed:
        raise Unsupported("the folder could not be shown", hint="is this a session with a desktop?")
    return {"revealed": os.fsdecode(path)}


def _standing(corpus: Corpus, document_id: int) -> bytes:
    """The path of a document's own file, which stands below a root."""
    path = corpus.document(document_id).row.path
    if MEMBER in path and not os.path.lexists(path):
        raise Unsupported(
            "this document is a part of another file",
            hint=f"it is in {os.fsdecode(path.partition(MEMBER)[0])}",
        )
    roots = [root.path for root in corpus.status().roots]
    real = os.path.realpath(path)
    if not any(is_within(real, os.path.realpath(root)) for root in roots):
        raise Unsupported(
            "the file stands below no remembered folder", hint="see `searchapp status`"
        )
    if not os.path.isfile(real):  # noqa: PTH113 - bytes
        raise _gone(path)
    return real


def _gone(path: bytes) -> PathMissing:
    return PathMissing(f"{os.fsdecode(path)} is gone", hint="run: searchapp ingest")


def _revealing(path: str) -> list[str]:
    if sys.platform == "darwin":
        return ["open", "-R", path]
    if sys.platform == "win32":
        return ["explorer", f"/select,{path}"]
    opener = shutil.which("xdg-open")
    return [opener, os.path.dirname(path)] if opener else []  # noqa: PTH120 - a folder alone


def _blocks(file: FileIO) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
