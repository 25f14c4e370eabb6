"""Documents with wounds, through the readers' workers: none may hang, end the pool, or go without a
reason.

    python -m tests.torture.mutations [--files N] [--seed N] [--kinds ENDING...]

Seeds are the sample documents of this project and the odd files of its tests. A
wound is a flipped bit, a piece lost, doubled, moved or filled with noise, a number made extreme, a
file cut short, or two grown together; in half of the ZIP-based formats it is struck inside a
member, so that it is met behind the checksum.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import re
import struct
import sys
import tempfile
import time
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from searchapp.extract.sandbox.pool import ExtractionPool
from searchapp.extract.sandbox.reading import Extracted
from tests.builders import new_formats
from tests.builders.drawn import glyphs, hangul, hangul_paragraph, shape, visio, xps
from tests.builders.packed import attribute, signed, tnef, wide
from tests.builders.pdf_pages import drawn_pdf, line
from tests.builders.pdfs import stream
from tests.builders.sheets import xlsb
from tests.paths import DATA, SAMPLES, TEST_DATA

SEEDS = (DATA, SAMPLES, TEST_DATA / "cases")
KINDS = (
    "pdf",
    "docx",
    "html",
    "epub",
    "eml",
    "pptx",
    "xlsx",
    "odt",
    "rtf",
    "msg",
    "doc",
    "ppt",
    "xls",
    "xlsb",
    "ipynb",
    "mbox",
    "ics",
    "vcf",
    "plist",
    "webloc",
    "dat",
    "p7m",
    "bib",
    "ass",
    "tex",
    "fodt",
    "odp",
    "ods",
    "xml",
    "zip",
    "nxml",
    "enex",
    "csv",
    "hwpx",
    "vsdx",
    "xps",
    "pages",
    "key",
    "numbers",
    "mobi",
    "svg",
    "sqlite",
    "parquet",
    "djvu",
    "7z",
    "man",
    "gif",
    "heic",
    "one",
    "chm",
)
FOREMOST = ("pdf", "docx", "html", "epub", "eml")  # of every three files, two are of these
LARGEST = 2**20  # bytes of a seed
TIMEOUT_S, WORKERS, AHEAD = 30.0, 2, 16
_MADE = {  # formats that no file of the tests has
    "dat": tnef(
        attribute(1, 0x0002800C, b"The barn is booked.\0"),
        attribute(2, 0x00069002, bytes(14)),
        attribute(2, 0x0006800F, b"Bring the long ladder."),
        attribute(2, 0x00069005, struct.pack("<I", 1) + wide(0x3707, "barn.txt")),
    ),
    "p7m": signed(b"Content-Type: text/plain\n\nNine barrels on Friday.\n"),
    "bib": b"@string{a = {Reeds}}\n@article{moss, title = {The {R}eeds}, author = {Ida Moss}, "
    b"journal = a # { Two}, year = 2024}\n@comment{none}\n",
    "ass": b"[Script Info]\nTitle: Weir\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n"
    b"Dialogue: 0,0:00:03.00,0:00:05.00,Main,Ida,{\\i1}The eel{\\i0} trap,\\Nis empty.\n",
}
_MADE |= {
    "xlsb": xlsb({0: {0: "Share", 1: "Bill"}, 1: {0: 0.5, 1: 42.0}}, codes=["0%", '"INV-"0000']),
    "hwpx": hangul(hangul_paragraph("Words", "3") + hangul_paragraph("More")),
    "vsdx": visio(shape("Start", 1, 9, shape("inside", 0, 0)), shape("End", 1, 1)),
    "xps": xps(glyphs("Words", 10, 100), glyphs("Page two", 0, 0)),
}
_MADE |= {  # what is read where its extra is installed, or refused by its mark
    "man": b'.TH WEIR 1 "1 May 2024"\n.SH NAME\nweir \\- holds \\fBwater\\fP\n.TS\nl l.\na\tb\n.TE\n',
    "gif": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
    "one": b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3" + bytes(500),
    "chm": b"ITSF\3\0\0\0\x60\0\0\0" + bytes(500),
}
_MADE["pdf"] = drawn_pdf(
    line("A letter.", 72, 700),
    catalog_entries="/Names << /EmbeddedFiles << /Names [(tides.csv) 6 0 R] >> >>",
    objects=[
        "<< /Type /Filespec /F (tides.csv) /UF (tides.csv) /EF << /F 7 0 R >> >>",
        stream("day,tide\nMonday,nine").replace("<<", "<< /Type /EmbeddedFile", 1),
    ],
)
_EXTREMES = [b"0", b"-1", b"4294967295", b"99999999999999999999", b"2147483648", b"1e308"]


@dataclass
class Sweep:
    """What became of wounded files."""

    files: Counter[str] = field(default_factory=Counter)  # by kind
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    defects: list[str] = field(default_factory=list)

    def note(self, name: str, extracted: Sequence[Extracted], took_s: float) -> None:
        """Count a file, and say what is wrong with its outcome."""
        self.slowest_s = max(self.slowest_s, took_s)
        if not extracted:
            self.defects.append(f"{name}: nothing is said of it")
        for each in extracted:
            reason = each.unindexed.reason if each.unindexed else ""
            self.outcomes[each.unindexed.outcome if each.unindexed else "document"] += 1
            if each.unindexed and not reason:
                self.defects.append(f"{name}: left out without a reason")
            if each.document is not None and not each.document.text.strip():
                self.defects.append(f"{name}: an empty document")
            if any(word in reason for word in ("crashed", "nonsense", "Traceback")):
                self.outcomes["reader crashed, and was replaced"] += 1


def seeds() -> dict[str, list[bytes]]:
    """The documents to wound, by kind."""
    found: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
    for folder in SEEDS:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            kind = path.suffix.lstrip(".").lower()
            if kind in found and path.is_file() and path.stat().st_size <= LARGEST:
                found[kind].append(path.read_bytes())
    for kind, data in _MADE.items():
        found[kind].append(data)
    for kind, made in new_formats.seeds().items():
        found[kind] += made
    return {kind: files for kind, files in found.items() if files}


def wounded(rng: random.Random, files: Sequence[bytes]) -> bytes:
    """One of the files, with some wounds."""
    data = rng.choice(files)
    if data.startswith(b"PK") and rng.random() < 0.5:
        return _wounded_inside(rng, data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        data = rng.choice(_WOUNDS)(rng, data, files)
    return data[: 4 * LARGEST]


def _wounded_inside(rng: random.Random, data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info: archive.read(info) for info in archive.infolist()}
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return data
    hurt = rng.choice(list(members))
    for _ in range(rng.choice((1, 3, 10))):
        members[hurt] = rng.choice(_WOUNDS)(rng, members[hurt], list(members.values()))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for info, content in members.items():
            archive.writestr(info.filename, content[:LARGEST])
    return made.getvalue()


_Wound = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def _piece(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 4, 64, 1024, 16_384)))


def _flip(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    if not data:
        return data
    place = rng.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def _lose(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _piece(rng, data)
    return data[:start] + data[end:]


def _double(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _piece(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 1, 50)) + data[end:]


def _noise(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _piece(rng, data)
    return data[:start] + rng.randbytes(end - start) + data[end:]


def _cut(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _graft(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = rng.choice(others)
    start, end = _piece(rng, other)
    place = rng.randrange(len(data) + 1)
    return data[:place] + other[start:end] + data[place:]


def _exaggerate(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    numbers = list(re.finditer(rb"\d{1,10}", data[:LARGEST]))
    if not numbers:
        return data
    number = rng.choice(numbers)
    return data[: number.start()] + rng.choice(_EXTREMES) + data[number.end() :]


_WOUNDS: tuple[_Wound, ...] = (_flip, _flip, _lose, _double, _noise, _cut, _graft, _exaggerate)


def sweep(
    count: int,
    *,
    seed: int = 0,
    kinds: Sequence[str] = (),
    is_told: Callable[[int], None] = lambda _: None,
) -> Sweep:
    """So many wounded files through the pool, some at a time; of some kinds only, where they are
    given.
    """
    found = Sweep()
    waiting: deque[tuple[str, Path, float, Future[list[Extracted]]]] = deque()
    with (
        tempfile.TemporaryDirectory(prefix="mutations-") as folder,
        ExtractionPool(WORKERS, timeout_s=TIMEOUT_S) as pool,
    ):
        for done, (name, data) in enumerate(_wounded_files(count, seed, kinds), 1):
            path = Path(folder) / name
            path.write_bytes(data)
            found.files[path.suffix[1:]] += 1
            waiting.append((name, path, time.monotonic(), pool.submit(os.fsencode(path))))
            if len(waiting) > AHEAD:
                _settle(found, *waiting.popleft())
            is_told(done)
        while waiting:
            _settle(found, *waiting.popleft())
        (Path(folder) / "sound.txt").write_text("the pool still reads", encoding="utf-8")
        last = pool.submit(os.fsencode(Path(folder) / "sound.txt")).result(TIMEOUT_S)
        if not (last and last[0].document):
            found.defects.append("the pool reads nothing any more")
    return found


def _wounded_files(count: int, seed: int, kinds: Sequence[str] = ()) -> Iterator[tuple[str, bytes]]:
    grown = {kind: files for kind, files in seeds().items() if not kinds or kind in kinds}
    foremost = [kind for kind in FOREMOST if kind in grown] or list(grown)
    for number in range(count):
        rng = random.Random(f"{seed} {number}")  # so that one file can be made again
        kind = rng.choice(foremost if number % 3 else list(grown))
        yield f"{number}.{kind}", wounded(rng, grown[kind])


def _settle(
    found: Sweep, name: str, path: Path, began_s: float, future: Future[list[Extracted]]
) -> None:
    try:
        found.note(name, future.result(timeout=20 * TIMEOUT_S), time.monotonic() - began_s)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a defect
        found.defects.append(f"{name}: {type(error).__name__}: {error}")
    path.unlink()


def main() -> None:
    """Wound files, and print what came of them as JSON."""
    from tests.torture.telling import progress

    parser = argparse.ArgumentParser(description="Read wounded documents, over and over.")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=[], help="endings, all without any")
    arguments = parser.parse_args()
    began = time.monotonic()
    found = sweep(
        arguments.files,
        seed=arguments.seed,
        kinds=arguments.kinds,
        is_told=progress("files", arguments.files),
    )
    told = {
        "files": found.files,
        "outcomes": found.outcomes,
        "slowest_s": round(found.slowest_s, 1),
        "defects": found.defects,
    }
    print(
        json.dumps(
            {**told, "seed": arguments.seed, "took_s": round(time.monotonic() - began, 1)}, indent=2
        )
    )
    sys.exit(bool(found.defects))


if __name__ == "__main__":
    main()
