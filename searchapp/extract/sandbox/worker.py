"""The program that reads files for an `ExtractionPool`, and can be killed at any time: it never
sees the corpus, and writes nothing.

The two exchange messages of a four-byte big-endian length and a JSON object. The parent sends
{"name", "start", "refused", "with_secrets", "work_s"}, and over a socket the file, opened, since
the worker can open none itself; the worker answers with what the file is, {"source"}; then for each
thing in it from number `start` on {"member", "content_hash", "extractor"} and, once it is read,
{"document"} or {"outcome", "reason"}; at last {"end"}, or {"failed"} where the file as a whole
defeats it. "is_passing" beside a reason says that it is not of the file: another try may end
otherwise. Each thing has `work_s` seconds of processor time. A worker that ran out of memory, or
interrupted a reader, says "is_exhausted" or "is_interrupted" and ends: what it would read next
could suffer from that. A request with {"page"} is answered by `page_answers` behind {"source"}.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from io import FileIO
from typing import TYPE_CHECKING, Any, NoReturn

from searchapp.errors import FileError, FileSkipped
from searchapp.extract.language import with_language
from searchapp.extract.sandbox.confinement import confine
from searchapp.extract.working_time import OutOfTime, lift, limit, was_interrupted

if TYPE_CHECKING:
    from searchapp.extract.entries import Entry
    from searchapp.types.documents import Document

_WORK_S = 60.0


def main(max_bytes: int, memory_bytes: int, parent: int, files: int) -> NoReturn:
    """Answer requests until the parent is gone. Parsers see neither the pipes nor a network, open
    no files but those of Python and the system, write none, and start no programs.
    """
    requests, answers = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    sent = socket.socket(fileno=files)
    memory_bytes = confine(memory_bytes, parent)
    while request := _next_request(requests):
        with _next_file(sent) as file:
            for answer in _answers(request, file, max_bytes, memory_bytes):
                send(answers, answer)
                if is_last(answer):
                    os._exit(0)
    os._exit(0)


def _next_request(pipe: int) -> dict[str, Any]:
    """The next request, {} when the parent has closed the pipe."""
    with os.fdopen(os.dup(pipe), "rb", buffering=0) as stream:
        head = stream.read(4) or b""
        body = bytearray()
        while len(head) == 4 and len(body) < int.from_bytes(head, "big"):
            chunk = stream.read(int.from_bytes(head, "big") - len(body))
            if not chunk:
                return {}
            body += chunk
    request: dict[str, Any] = json.loads(body) if body else {}
    return request


def _next_file(sent: socket.socket) -> FileIO:
    """The file that comes with a request, opened by the parent; raises OSError where none does."""
    _, descriptors, _, _ = socket.recv_fds(sent, 1, 1)
    if not descriptors:
        raise OSError("a request without its file")
    return FileIO(descriptors[0])


def _answers(
    request: dict[str, Any], file: FileIO, max_bytes: int, memory_bytes: int
) -> Iterator[dict[str, Any]]:
    """What the worker says of a file."""
    from searchapp.extract.registry import extractor_of
    from searchapp.extract.secrets import taking_secrets
    from searchapp.filesystem.safe_open import read_open_file

    hashed_at_ns = time.time_ns()
    try:
        content = read_open_file(file, max_bytes=max_bytes)
    except FileError as error:
        yield {"source": None, **_refusal(error)}
        return
    except MemoryError:
        yield {
            "source": None,
            "outcome": "failed",
            "reason": _exhausted(memory_bytes),
            "is_passing": True,
            "is_exhausted": True,
        }
        return
    identity = content.identity
    source = {
        "identity": [identity.size, identity.mtime_ns, identity.ctime_ns, identity.inode],
        "content_hash": content.content_hash.hex(),
        "hashed_at_ns": hashed_at_ns,
        "extractor": extractor_of(""),
    }
    is_refused = source["content_hash"] in request["refused"]
    yield {"source": source, "is_refused": is_refused}
    if not is_refused:
        try:
            name = base64.b64decode(request["name"])
            with taking_secrets(allowed=request["with_secrets"]) as taken:
                for answer in _contents(content.data, os.fsdecode(name), request, memory_bytes):
                    if "document" in answer and taken:
                        answer["has_secrets"] = True
                        taken.clear()
                    yield answer
        except MemoryError:
            yield {"failed": _exhausted(memory_bytes), "is_passing": True, "is_exhausted": True}
        except OutOfTime as reason:
            yield {"failed": str(reason), "is_passing": True, "is_interrupted": True}
        finally:
            lift()


def _contents(
    data: bytes, name: str, request: dict[str, Any], memory_bytes: int
) -> Iterator[dict[str, Any]]:
    """Two answers for each thing in a file from number `start` of the request on, the first before
    it is read; then the end. Each thing has `work_s` of the request to itself.
    """
    from searchapp.extract.entries import entries
    from searchapp.extract.registry import extractor_of

    work_s = float(request.get("work_s") or _WORK_S)
    if "page" in request:
        limit(work_s)
        yield _page(data, name, request["page"])
        return
    for number, entry in enumerate(_in_time(entries(data, name), work_s)):
        if number < request["start"]:
            continue
        yield {
            "member": base64.b64encode(entry.member.encode("utf-8", "surrogateescape")).decode(),
            "content_hash": entry.content_hash.hex(),
            "extractor": extractor_of(entry.document_type),
        }
        answer = _read(entry, memory_bytes)
        lift()
        if was_interrupted():
            answer["is_interrupted"] = True
        yield answer
        if is_last(answer):
            return
    yield {"end": True}


def _in_time(entries: Iterator[Entry], work_s: float) -> Iterator[Entry]:
    """The things in a file, each with its own time, to be taken out and read."""
    while True:
        limit(work_s)
        entry = next(entries, None)
        if entry is None:
            lift()
            return
        yield entry


def _read(entry: Entry, memory_bytes: int) -> dict[str, Any]:
    """What becomes of one thing in a file."""
    try:
        return (
            {"outcome": "indexed", "reason": "archive"}
            if entry.is_container
            else {"document": _fields(with_language(entry.read()))}
        )
    except FileError as error:
        return _refusal(error)
    except OutOfTime as reason:
        return {"outcome": "failed", "reason": str(reason), "is_passing": True}
    except MemoryError:
        return {
            "outcome": "failed",
            "reason": _exhausted(memory_bytes),
            "is_passing": True,
            "is_exhausted": True,
        }
    except Exception as error:  # noqa: BLE001 - the border of the process: whatever a reader raises is one file's failure
        return {
            "outcome": "failed",
            "reason": f"the reader failed: {type(error).__name__}: {error}"[:300],
        }


def _page(data: bytes, name: str, page: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of one page that is asked for."""
    from searchapp.extract.sandbox.page_answers import answer_of

    try:
        return answer_of(data, name, page)
    except FileError as error:
        return _refusal(error)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the border of the process, as in `_read`
        return {"outcome": "failed", "reason": f"{type(error).__name__}: {error}"[:300]}


def _refusal(error: FileError) -> dict[str, Any]:
    return {
        "outcome": "skipped" if isinstance(error, FileSkipped) else "failed",
        "reason": str(error),
    }


def _exhausted(memory_bytes: int) -> str:
    return f"needed more than {memory_bytes / 2**30:.3g} GiB of memory"


def _fields(document: Document) -> dict[str, Any]:
    return {
        "text": document.text,
        "type": document.type,
        "title": document.title,
        "blocks": [
            [block.start, block.end, block.kind, block.headings, block.place]
            for block in document.blocks
        ],
        "has_lines": document.has_lines,
        "metadata": dict(document.metadata),
    }


def is_last(answer: Mapping[str, Any]) -> bool:
    """Whether a worker ends behind an answer."""
    return bool(answer.get("is_exhausted") or answer.get("is_interrupted"))


def send(pipe: int, message: dict[str, Any]) -> None:
    """Write a message to a pipe, its length before it; what is no text in it becomes "?"."""
    body = json.dumps(message, ensure_ascii=False).encode(errors="replace")
    view = memoryview(len(body).to_bytes(4, "big") + body)
    while view:
        view = view[os.write(pipe, view) :]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:5]))
