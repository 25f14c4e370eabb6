"""Archives for the tests, sound and hostile, each from a few lines of code."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A ZIP of the files, in order; a name that ends in a slash is a folder."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(_info(name), content, compress_type=method)
    return target.getvalue()


def zipped_link(name: str, target: str) -> bytes:
    """A ZIP with one symbolic link."""
    info = _info(name)
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(info, target)
    return data.getvalue()


def with_raw_name(archive: bytes, name: bytes, raw: bytes) -> bytes:
    """The ZIP with other bytes for a name, of the same length, and no word of their encoding."""
    assert len(name) == len(raw)
    return archive.replace(name, raw)


def with_directory(archive: bytes, index: int, **fields: int) -> bytes:
    """The ZIP with other numbers in the entry of its central directory: `flags`, `crc`, `packed`,
    `size`, `offset`.
    """
    places = {
        "flags": (8, "<H"),
        "crc": (16, "<I"),
        "packed": (20, "<I"),
        "size": (24, "<I"),
        "offset": (42, "<I"),
    }
    start = -1
    for _ in range(index + 1):
        start = archive.index(b"PK\x01\x02", start + 1)
    changed = bytearray(archive)
    for name, value in fields.items():
        place, form = places[name]
        struct.pack_into(form, changed, start + place, value)
    return bytes(changed)


def overlapping(content: bytes, count: int) -> bytes:
    """A ZIP whose entries, `count` of them, all share the packed bytes of one."""
    one = zipped({"0000": content}, zipfile.ZIP_DEFLATED)
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entry = one[start:end]
    directory = b"".join(entry.replace(b"0000", f"{number:04}".encode()) for number in range(count))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    return one[:start] + directory + tail


def tarred(files: Iterable[tuple[str, bytes]], form: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar of (name, content)."""
    target = io.BytesIO()
    with tarfile.open(
        fileobj=target, mode="w", format=form, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def tarred_kind(name: str, kind: bytes) -> bytes:
    """A tar with one entry of a kind, without data, and a file "after.txt"."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        special = tarfile.TarInfo(name)
        special.type = kind
        special.linkname = "elsewhere"
        archive.addfile(special)
        after = tarfile.TarInfo("after.txt")
        after.size = 5
        archive.addfile(after, io.BytesIO(b"after"))
    return target.getvalue()


def gzipped(content: bytes, name: str = "") -> bytes:
    """One gzip stream, with the file's name in its header where there is one."""
    machine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = machine.compress(content) + machine.flush()
    head = (
        b"\x1f\x8b\x08"
        + (b"\x08" if name else b"\0")
        + b"\0\0\0\0\0\xff"
        + (name.encode() + b"\0" if name else b"")
    )
    return head + packed + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def _info(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, (2024, 5, 31, 10, 0, 0))
