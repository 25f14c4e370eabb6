"""Files that are made to hurt, read by the real workers: each is a document or has a reason, soon,
and in little memory.
"""

from __future__ import annotations

import os
import re
import struct
import tarfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from searchapp.backends.sqlite.backend import SqliteBackend
from searchapp.corpus import Corpus
from searchapp.extract.sandbox.pool import ExtractionPool
from searchapp.extract.sandbox.reading import Extracted
from searchapp.testing import HashEncoder
from searchapp.types.documents import MEMBER
from tests.builders.archives import (
    gzipped,
    overlapping,
    tarred,
    tarred_kind,
    with_directory,
    zipped,
)
from tests.builders.data import laughs
from tests.builders.mail import mail, multipart
from tests.builders.pdfs import pages_pdf
from tests.builders.slides import epub, opendocument, p
from tests.builders.word import bomb

MEMORY = 2**29  # bytes that a worker may ask for
PEAK = 200 * 2**20  # bytes that a worker has ever held, over all the files below
SLOWEST_S = 20.0
DOCUMENT = "a document"

ENTITIES = laughs().decode().partition("<!DOCTYPE l")[2].partition("]>")[0]  # " [<!ENTITY e0 ..."


@pytest.fixture(scope="module")
def pool() -> Iterator[ExtractionPool]:
    with ExtractionPool(1, timeout_s=SLOWEST_S, memory_bytes=MEMORY) as opened:
        yield opened


def nested(pack: Callable[[bytes], bytes], levels: int) -> bytes:
    data = b"words"
    for _ in range(levels):
        data = pack(data)
    return data


@cache
def packed_spaces() -> bytes:
    return bomb(80)


def bombed(member: bytes) -> bytes:
    """A bomb of 80 MiB in one member; its name of 17 letters makes it a file of one format or
    another.
    """
    return packed_spaces().replace(b"word/document.xml", member)


def png(side: int) -> bytes:
    """A picture whose header says that it is a square of so many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def deep_pages_pdf(levels: int) -> bytes:
    """A PDF whose one page hangs below a chain of nodes."""
    chain = [f"<< /Type /Pages /Kids [{7 + level} 0 R] /Count 1 >>" for level in range(levels - 1)]
    made = pages_pdf(["words"], objects=[*chain, "<< /Type /Pages /Kids [4 0 R] /Count 1 >>"])
    return made.replace(b"/Kids [4 0 R] /Count 1 >>", b"/Kids [6 0 R] /Count 1 >>", 1)


def nested_parts(levels: int) -> bytes:
    inner = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
        for level in range(levels)
    )
    return b"From: a@b.c\nSubject: deep\n" + inner + b"\nwords\n"


def with_links() -> bytes:
    kinds = [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
    ]
    return b"".join(tarred_kind("special", kind)[:512] for kind in kinds) + tarred(
        [("../../after.txt", b"words")]
    )


HOSTILE: dict[
    str, tuple[Callable[[], bytes], set[str]]
] = {  # what makes it, and what is said of all that is in it
    "bomb.zip": (
        lambda: zipped({"a.txt": bytes(40 * 2**20)}, zipfile.ZIP_DEFLATED),
        {"zip bomb", "archive"},
    ),
    "nested.zip": (
        lambda: nested(lambda data: zipped({"in.zip": data}), 40),
        {"nested deeper than 4 archives", "archive"},
    ),
    "overlapping.zip": (lambda: overlapping(b"words " * 2**18, 1000), {"zip bomb"}),
    "lying.zip": (
        lambda: with_directory(zipped({"a.txt": b"words"}), 0, packed=2**31, size=2**31),
        {"broken", "archive"},
    ),
    "links.tar": (with_links, {DOCUMENT, "archive"}),
    "nested.gz": (lambda: nested(gzipped, 40), {"nested deeper than 4 archives", "archive"}),
    "bomb.gz": (lambda: gzipped(bytes(80 * 2**20)), {"zip bomb"}),
    "bomb.docx": (partial(bombed, b"word/document.xml"), {"zip bomb"}),
    "bomb.xlsx": (partial(bombed, b"xl/workbook.xml__"), {"zip bomb"}),
    "bomb.pptx": (partial(bombed, b"ppt/presentation_"), {"zip bomb"}),
    "bomb.odt": (partial(bombed, b"content.xml______"), {"zip bomb"}),
    "bomb.epub": (partial(bombed, b"META-INF/containe"), {"zip bomb"}),
    "entities.xml": (laughs, {"no text: only entities"}),
    "entities.docx": (
        lambda: zipped(
            {
                "word/document.xml": f"<!DOCTYPE d {ENTITIES}]><d>&e9;</d>".encode(),
                "_rels/.rels": b"<r/>",
            }
        ),
        {"not a readable"},
    ),
    "entities.odt": (
        lambda: opendocument(
            "odt",
            p("words") + '<draw:image xlink:href="a.svg" xmlns:xlink="x"/>',
            a_svg=laughs().decode(),
        ),
        {DOCUMENT},
    ),
    "entities.epub": (
        lambda: epub(
            {"a": "<p>words</p>"},
            further={
                "OPS/text/a.xhtml": f"<!DOCTYPE html {ENTITIES}]><html><p>words &e9;</p></html>"
            },
        ),
        {DOCUMENT},
    ),
    "empty.mbox": (
        lambda: b"From a@b.org Fri May 31 10:30:00 2024\n\n\n" * 50_000,
        {"empty", "archive"},
    ),
    "parts.eml": (lambda: nested_parts(5000), {DOCUMENT}),
    "words.eml": (
        lambda: b"From: a@b.c\nSubject: " + b"=?a?B?x" * 140_000 + b"\n\nwords",
        {DOCUMENT},
    ),
    "count.pdf": (
        lambda: pages_pdf(["words"]).replace(b"/Count 1 ", b"/Count 999999999 "),
        {DOCUMENT},
    ),
    "tree.pdf": (lambda: deep_pages_pdf(5000), {"no text found"}),
    "large.png": (lambda: png(50_000), {"an image of more than"}),
    "deep.json": (lambda: b"[" * 100_000 + b"1" + b"]" * 100_000, {DOCUMENT}),
    "line.txt": (lambda: b"word " * 1_000_000, {DOCUMENT}),
    "letters.txt": (lambda: b"x" * 5_000_000, {DOCUMENT}),
    "nul.txt": (lambda: bytes(1_000_000), {"no reader"}),
    "comments": (lambda: b"<!-- a -->\n" * 700 + b"words", {DOCUMENT}),
    "from": (lambda: b"From " + b"10:10" * 1600, {DOCUMENT}),
}


def said(extracted: list[Extracted]) -> list[str]:
    return [DOCUMENT if each.unindexed is None else each.unindexed.reason for each in extracted]


def peak_bytes(pool: ExtractionPool) -> int:
    """The most memory that a worker of the pool has held so far."""
    peak = 0
    for worker in list(pool._running):
        try:
            status = Path(f"/proc/{worker._process.pid}/status").read_text()
        except FileNotFoundError:
            continue
        found = re.search(r"VmHWM:\s*(\d+) kB", status)
        peak = max(peak, int(found[1]) * 1024 if found else 0)
    return peak


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_a_document_or_has_a_reason_soon_and_in_little_memory(
    name: str, tmp_path: Path, pool: ExtractionPool
) -> None:
    made, expected = HOSTILE[name]
    (tmp_path / name).write_bytes(made())
    begun = time.monotonic()
    found = said(pool.submit(os.fsencode(tmp_path / name)).result(timeout=60))
    took = time.monotonic() - begun
    assert {
        next((known for known in expected if each.startswith(known)), each) for each in found
    } == expected
    assert took < SLOWEST_S
    assert peak_bytes(pool) < PEAK


# ---- memory --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_reader_that_runs_away_is_stopped_at_its_limit_and_the_next_file_gets_a_fresh_worker(
    tmp_path: Path,
) -> None:
    limit = 2**28
    (tmp_path / "large.txt").write_bytes(b"word " * (24 * 2**20))
    (tmp_path / "small.txt").write_bytes(b"words")
    with ExtractionPool(1, memory_bytes=limit) as pool:
        assert said(pool.submit(os.fsencode(tmp_path / "small.txt")).result(timeout=30)) == [
            DOCUMENT
        ]
        (first,) = pool._running
        running = pool.submit(os.fsencode(tmp_path / "large.txt"))
        peak = 0
        while not running.done():
            peak = max(peak, peak_bytes(pool))
            time.sleep(0.01)
        assert said(running.result()) == ["needed more than 0.25 GiB of memory"]
        assert not first.is_alive()
        assert said(pool.submit(os.fsencode(tmp_path / "small.txt")).result(timeout=30)) == [
            DOCUMENT
        ]
        (second,) = pool._running
        assert second is not first
        assert 2**26 < peak < limit
        assert peak_bytes(pool) < 2**26


# ---- names ---------------------------------------------------------------------------------------

NAMES = [
    b"line\nbreak.txt",
    b"caf\xe9 \xff\xfe.txt",
    b"l" * 251 + b".txt",
    b"-rf.txt",
    b"a!",
    "\u202etxt.exe.txt".encode(),
    b"\x1b[31m.txt",
]


@pytest.mark.slow
def test_a_file_of_any_name_is_read_under_that_name(tmp_path: Path, pool: ExtractionPool) -> None:
    for name in NAMES:
        path = os.fsencode(tmp_path) + b"/" + name
        Path(os.fsdecode(path)).write_bytes(b"words")
        (extracted,) = pool.submit(path).result(timeout=30)
        assert extracted.document is not None, name
        assert extracted.source is not None
        assert extracted.source.path == path


# ---- the account ---------------------------------------------------------------------------------


def mixed() -> bytes:
    """An archive of 4 files at its top, one of them an archive of 2 and one a mail with 2
    attachments.
    """
    text = mail("Content-Type: text/plain", body="words of the mail")
    note = mail('Content-Disposition: attachment; filename="note.txt"', body="words of the note")
    film = mail('Content-Disposition: attachment; filename="film.mp4"', body="\0\0\0\x18ftypmp42")
    edge, body = multipart("mixed", text, note, film)
    inner = zipped({"a.txt": b"words", "a.zip": b"PK\x05\x06"})
    return zipped(
        {
            "a.txt": b"words",
            ".secret": b"words",
            "in.zip": inner,
            "mail.eml": mail("From: a@b.c", edge, body=body),
        }
    )


MIXED = [
    "!/.secret",
    "!/a.txt",
    "!/in.zip",
    "!/in.zip!/a.txt",
    "!/in.zip!/a.zip",
    "!/mail.eml",
    "!/mail.eml!/film.mp4",
    "!/mail.eml!/note.txt",
]


@pytest.mark.slow
def test_every_file_on_disk_and_every_member_is_accounted_for_once(tmp_path: Path) -> None:
    docs = os.fsencode(tmp_path / "docs")
    heavy = {
        "empty.mbox",
        "deep.json",
        "words.eml",
        "bomb.gz",
        "bomb.zip",
        "parts.eml",
        "line.txt",
        "letters.txt",
        "bomb.xlsx",
        "bomb.pptx",
        "bomb.odt",
        "bomb.epub",
    }
    files = {os.fsencode(name): made() for name, (made, _) in HOSTILE.items() if name not in heavy}
    files |= dict.fromkeys(NAMES, b"words") | {
        b"mixed.zip": mixed(),
        b"broken.zip": mixed()[:200],
        b".hidden": b"words",
        b"empty.txt": b"",
    }
    files |= {b"node_modules/%d.js" % number: b"words" for number in range(3)}
    for name, data in files.items():
        path = Path(os.fsdecode(docs + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "docs" / "link").symlink_to("empty.txt")
    report = Corpus(SqliteBackend(tmp_path / "corpus"), encoder=HashEncoder()).ingest(
        [tmp_path / "docs"]
    )
    assert set(Counter(entry.path for entry in report.files).values()) == {1}
    on_disk = [entry for entry in report.files if MEMBER not in entry.path]
    assert {entry.path: entry.files for entry in on_disk if entry.files > 1} == {
        docs + b"/node_modules": 3
    }
    assert {entry.path for entry in on_disk} - {docs + b"/node_modules", docs + b"/link"} == {
        docs + b"/" + name for name in files if not name.startswith(b"node_modules")
    }
    members = [entry.path for entry in report.files if MEMBER in entry.path]
    assert sorted(each for each in members if each.startswith(docs + b"/mixed.zip")) == [
        docs + b"/mixed.zip" + each.encode() for each in MIXED
    ]
    assert sum(report.counts().values()) == len(on_disk) + 2 + len(members)
    assert [
        entry
        for entry in report.files
        if entry.outcome in {"skipped", "failed"} and not entry.reason
    ] == []
    again = Corpus(SqliteBackend(tmp_path / "corpus"), encoder=HashEncoder()).ingest(
        [tmp_path / "docs"]
    )
    assert sorted(entry.path for entry in again.files) == sorted(
        entry.path for entry in report.files
    )
    assert {entry.path: entry.reason for entry in again.files} == {
        entry.path: entry.reason for entry in report.files
    }
