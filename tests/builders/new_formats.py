"""Small files of iWork, Kindle, SQLite, Parquet, SVG and 7z, made here byte by byte or by the
libraries that write them.
"""

from __future__ import annotations

import io
import os
import sqlite3
import struct
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import closing

# ---- iWork ---------------------------------------------------------------------------------------

BODY, HEADER, SHAPE, NOTE = 0, 1, 3, 4  # kinds of text
_BLOCK = 60_000

Fields = Sequence[tuple[int, "int | bytes | str"]]


def message(*fields: tuple[int, int | bytes | str]) -> bytes:
    """A protobuf message of numbers and of strings."""
    made = b""
    for number, value in fields:
        if isinstance(value, int):
            made += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            made += varint(number << 3 | 2) + varint(len(data)) + data
    return made


def varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


def reference(number: int) -> bytes:
    return message((1, number))


def storage(text: str, kind: int = BODY) -> tuple[int, bytes]:
    """A text: its type and its message."""
    return 2001, message((1, kind), (3, text))


def iwork_file(files: Mapping[str, Mapping[int, tuple[int, bytes]]], preview: bytes = b"") -> bytes:
    """A document of objects, by the names of their files and by their numbers; each is a type and
    a message.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, objects in files.items():
            archive.writestr(f"Index/{name}.iwa", _iwa(objects))
        if preview:
            archive.writestr("QuickLook/Preview.pdf", preview)
    return made.getvalue()


def _iwa(objects: Mapping[int, tuple[int, bytes]]) -> bytes:
    import cramjam

    plain = b""
    for number, (kind, data) in objects.items():
        info = message((1, number), (2, message((1, kind), (3, len(data)))))
        plain += varint(len(info)) + info + data
    packed = b""
    for start in range(0, len(plain), _BLOCK):
        block = bytes(cramjam.snappy.compress_raw(plain[start : start + _BLOCK]))
        packed += b"\0" + len(block).to_bytes(3, "little") + block
    return packed


def pages_file(preview: bytes = b"") -> bytes:
    """A letter with a header, a box and a comment."""
    objects = {
        1: (10000, message((4, reference(5)))),
        3: storage("Harbour office", HEADER),
        4: storage("A box beside the text", SHAPE),
        5: storage("The herons of the weir\nThey fish at night.\u2028And sleep by day.\ufffc"),
        6: (3056, message((1, "Is that so?"))),
    }
    return iwork_file({"Document": objects}, preview)


def keynote_file() -> bytes:
    """Two slides, the second of which lies first in the file, with notes and a master."""
    show = message((3, message((2, reference(10)), (2, reference(11)))))
    shape = message((1, message((4, reference(31)))))
    return iwork_file(
        {
            "Document": {
                1: (1, message((2, reference(2)))),
                2: (2, show),
                10: (4, message((2, reference(20)))),
                11: (4, message((2, reference(40)))),
            },
            "Slide-40": {40: (5, message()), 41: storage("Owls sleep in barns", SHAPE)},
            "Slide-20": {
                20: (5, message((5, reference(30)))),
                21: storage("They stand still", SHAPE),
                30: (7, shape),
                31: storage("Herons", SHAPE),
                32: storage("Speak slowly here", NOTE),
            },
            "TemplateSlide-9": {50: storage("Presentation Title", SHAPE)},
        }
    )


def numbers_file(last: bytes | None = None) -> bytes:
    """A sheet with a table of texts, numbers, a day and a choice; `last` are the bytes of its last
    number.
    """
    strings = ["Place", "Height", "Day", "Open", "Reed Point", "Mill"]
    entries = ((3, message((1, key), (2, 1), (3, text))) for key, text in enumerate(strings, 1))
    rows = [
        [_cell(3, 8, struct.pack("<I", key)) for key in (1, 2, 3, 4)],
        [
            _cell(3, 8, struct.pack("<I", 5)),
            _cell(2, 1, decimal128(32, -1)),
            _cell(5, 4, struct.pack("<d", 86400.0 * 365)),
            _cell(6, 2, struct.pack("<d", 1.0)),
        ],
        [
            _cell(3, 8, struct.pack("<I", 6)),
            _cell(2, 1, decimal128(-7, 0) if last is None else last),
            b"",
            b"",
        ],
    ]
    tile = message(*((5, _row(number, row)) for number, row in enumerate(rows)))
    tiles = message((1, message((1, 0), (2, reference(13)))))
    store = message((3, tiles), (4, reference(12)))
    return iwork_file(
        {
            "Document": {
                1: (1, message((1, reference(2)))),
                2: (2, message((1, "Tides"), (2, reference(10)))),
                10: (6000, message((2, reference(11)))),
                11: (6001, message((4, store), (6, 3), (7, 4), (8, "High water"))),
            },
            "Tables/DataList": {12: (6005, message((1, 1), *entries))},
            "Tables/Tile": {13: (6002, tile)},
        }
    )


def decimal128(digits: int, exponent: int) -> bytes:
    packed = abs(digits) | exponent + 6176 << 113 | (digits < 0) << 127
    return packed.to_bytes(16, "little")


def _cell(kind: int, flags: int, value: bytes) -> bytes:
    return bytes([5, kind]) + bytes(6) + struct.pack("<I", flags) + value


def _row(number: int, cells: Sequence[bytes]) -> bytes:
    offsets = [
        sum(map(len, cells[:column])) if cell else 0xFFFF for column, cell in enumerate(cells)
    ]
    packed = struct.pack(f"<{len(offsets)}H", *offsets)
    return message(
        (1, number), (2, sum(map(bool, cells))), (5, 5), (6, b"".join(cells)), (7, packed)
    )


# ---- Kindle --------------------------------------------------------------------------------------

BOOK = (
    "<html><body><h1>Herons</h1><p>The grey heron fishes at the weir, near the café.</p>"
    "<h1>Owls</h1><p>They sleep in the barn.</p></body></html>"
)


def mobi_file(
    source: str = BOOK, *, title: str = "Birds of the bay", author: str = "", encryption: int = 0
) -> bytes:
    """A book, packed by PalmDOC."""
    data = source.encode()
    records = [_packed(data[start : start + 4096]) for start in range(0, len(data), 4096)]
    head = struct.pack(">HHIHHHH", 2, 0, len(data), len(records), 4096, encryption, 0)
    head += b"MOBI" + struct.pack(">IIII", 232, 2, 65001, 1)
    head = head.ljust(128, b"\0") + struct.pack(">I", 0x40 if author else 0)
    head = head.ljust(248, b"\0")
    if author:
        note = struct.pack(">II", 100, 8 + len(author)) + author.encode()
        head += b"EXTH" + struct.pack(">II", 12 + len(note), 1) + note
    place = struct.pack(">II", len(head), len(title.encode()))
    head = head[:84] + place + head[92:] + title.encode()
    return palm_file(b"BOOKMOBI", [head, *records])


def palm_file(kind: bytes, records: Sequence[bytes]) -> bytes:
    """A Palm database."""
    start = 78 + 8 * len(records) + 2
    entries = b""
    for number, _ in enumerate(records):
        entries += struct.pack(">II", start + sum(map(len, records[:number])), number)
    head = b"Birds".ljust(60, b"\0") + kind + bytes(8) + struct.pack(">H", len(records))
    return head + entries + b"\0\0" + b"".join(records)


def _packed(data: bytes) -> bytes:
    made = bytearray()
    position = 0
    while position < len(data):
        earlier = data.rfind(data[position : position + 3], 0, position)
        following = data[position + 1 : position + 2]
        if earlier >= 0 and position - earlier < 2048 and position + 3 <= len(data):
            made += struct.pack(">H", 0x8000 | position - earlier << 3)
            position += 3
        elif data[position] == 32 and following and 0x40 <= following[0] < 0x80:
            made.append(following[0] ^ 0x80)
            position += 2
        elif data[position] >= 0x80:
            made += bytes((1, data[position]))
            position += 1
        else:
            made.append(data[position])
            position += 1
    return bytes(made)


# ---- tables, drawings, archives ------------------------------------------------------------------

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg"><title>Harbour map</title>'
    "<desc>Where the boats lie</desc><style>text { fill: red }</style>"
    '<text x="1" y="5">North <tspan>quay</tspan></text><text x="30" y="5">7 m</text>'
    '<text y="20">South<tspan x="1" dy="1.2em">basin</tspan></text><path d="M0 0"/></svg>'
)


def sqlite_file(rows: int = 2) -> bytes:
    """A database with a table, an index of words, and what is left of a view and a trigger."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE tides (place TEXT, height REAL, photo BLOB)")
        heights = (
            ("Reed Point", 3.2, b"\1"),
            *((f"Mill {row}", None, None) for row in range(rows)),
        )
        database.executemany("INSERT INTO tides VALUES (?, ?, ?)", heights[:rows])
        database.execute("CREATE TABLE empty (a)")
        database.execute("CREATE VIRTUAL TABLE words USING fts5(body)")
        database.execute("INSERT INTO words VALUES ('a heron at the weir')")
        database.execute("CREATE VIEW seen AS SELECT place FROM tides")
        database.commit()
        return database.serialize()


def parquet_file(rows: int = 2) -> bytes:
    """A table of names, numbers and lists."""
    import pyarrow
    from pyarrow import parquet

    columns = {
        "place": [f"Quay {row}" for row in range(rows)],
        "height": [row / 2 for row in range(rows)],
        "tags": [["a", "b"]] * rows,
    }
    made = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), made)
    return made.getvalue()


def seven_zip_file(files: Mapping[str, bytes]) -> bytes:
    """A 7z archive, as libarchive writes it."""
    os.environ.setdefault("LIBARCHIVE", "libarchive.so.13")
    import libarchive

    made = bytearray()

    def take(piece: bytes) -> int:
        made.extend(piece)
        return len(piece)

    with libarchive.custom_writer(take, "7zip") as archive:
        for name, content in files.items():
            archive.add_file_from_memory(name, len(content), content)
    return bytes(made)


# ---- DjVu ----------------------------------------------------------------------------------------


def djvu_file(text: str, annotations: str = "") -> bytes:
    """A scanned page with text beside its picture, which is not there; annotations may hold
    metadata.
    """
    encoded = text.encode()
    body = b"DJVU" + _chunk(b"INFO", struct.pack(">HHBB", 100, 200, 24, 0) + b"\x2c\x01\x16\x01")
    if text:
        body += _chunk(b"TXTa", len(encoded).to_bytes(3, "big") + encoded + b"\1")
    if annotations:
        body += _chunk(b"ANTa", annotations.encode())
    return b"AT&T" + _chunk(b"FORM", body)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack(">I", len(content)) + content + bytes(len(content) % 2)


def seeds() -> dict[str, list[bytes]]:
    """A file or two of each kind, by its ending."""
    return {
        "pages": [pages_file()],
        "key": [keynote_file()],
        "numbers": [numbers_file()],
        "mobi": [mobi_file(), mobi_file(author="Ida Moss")],
        "svg": [SVG.encode()],
        "sqlite": [sqlite_file(), sqlite_file(300)],
        "parquet": [parquet_file(), parquet_file(300)],
        "djvu": [djvu_file("The reeds\x1f\nare cut.", '(metadata (title "Reeds"))')],
        "7z": [seven_zip_file({"a/tide.txt": b"High water at nine.", "b.md": b"# Low water\n"})],
    }
