"""Workbooks as bytes, put together by hand: no more in them than a test says."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_CORE = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
_OPEN = "urn:oasis:names:tc:opendocument:xmlns"
_SECTOR = 512
_NO_SECTOR = 0xFFFFFFFF
_END_OF_CHAIN = 0xFFFFFFFE


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


# ---- xlsx ----------------------------------------------------------------------------------------


def xlsx(
    sheets: Mapping[str, str],
    *,
    strings: Sequence[str] = (),
    formats: Sequence[str] = (),
    core: str = "",
    settings: str = "",
    parts: Mapping[str, str] | None = None,
) -> bytes:
    """A workbook of sheets by name, each the XML of its rows; cell style n shows numbers in
    `formats[n - 1]`, style 0 as they are.
    """
    names = list(sheets)
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(names, 1)
    )
    relations = {
        f"rId{n}": ("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)
    }
    relations |= {
        "rIdS": ("sharedStrings", "sharedStrings.xml"),
        "rIdF": ("styles", "/xl/styles.xml"),
    }
    codes = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>' for n, code in enumerate(formats)
    )
    styles = "".join(
        f'<xf numFmtId="{number}"/>' for number in (0, *range(164, 164 + len(formats)))
    )
    made = {
        "_rels/.rels": _relationships(
            {"rId1": ("officeDocument", "xl/workbook.xml"), "rId2": (_CORE, "docProps/core.xml")}
        ),
        "docProps/core.xml": '<p:coreProperties xmlns:p="p" xmlns:dc="dc" '
        f'xmlns:dcterms="dcterms">{core}</p:coreProperties>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" '
        f'xmlns:r="{_OFFICE}">{settings}<sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relationships(relations),
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{"".join(f"<si>{text}</si>" for text in strings)}</sst>',
        "xl/styles.xml": "<styleSheet "
        f'xmlns="{_MAIN}"><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>',
    }
    for n, rows in enumerate(sheets.values(), 1):
        made[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        )
    return zipped(made | dict(parts or {}))


def xlsx_row(number: int, *values: str | float | None) -> str:
    """The XML of a row from column A on: texts, numbers, and None for a cell that is not there."""
    cells = (
        _xlsx_cell(f"{chr(ord('A') + n)}{number}", value)
        for n, value in enumerate(values)
        if value is not None
    )
    return f'<row r="{number}">{"".join(cells)}</row>'


def _xlsx_cell(reference: str, value: str | float) -> str:
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{reference}"><v>{value}</v></c>'


def sheet_relationships(relations: Mapping[str, tuple[str, str]]) -> str:
    """What a part refers to: id to (kind, target)."""
    return _relationships(relations)


def _relationships(relations: Mapping[str, tuple[str, str]]) -> str:
    listed = (
        f'<Relationship Id="{name}" Type="{kind if "/" in kind else f"{_OFFICE}/{kind}"}" '
        f'Target="{target}"/>'
        for name, (kind, target) in relations.items()
    )
    return f'<Relationships xmlns="{_RELATIONS}">{"".join(listed)}</Relationships>'


# ---- ods -----------------------------------------------------------------------------------------


def ods(
    tables: Mapping[str, str], *, meta: str = "", parts: Mapping[str, str] | None = None
) -> bytes:
    """A workbook of tables by name, each the XML of its rows, with the usual prefixes."""
    spaces = " ".join(
        f'xmlns:{name}="{_OPEN}:{name}:1.0"'
        for name in ("office", "table", "text", "meta", "drawing")
    )
    spaces += f' xmlns:draw="{_OPEN}:drawing:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    spaces += (
        ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    )
    body = "".join(
        f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in tables.items()
    )
    body = f"<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body>"
    made = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": f"<office:document-content {spaces}>{body}</office:document-content>",
        "meta.xml": "<office:document-meta "
        f"{spaces}><office:meta>{meta}</office:meta></office:document-meta>",
    }
    return zipped(made | dict(parts or {}))


# ---- xlsb ----------------------------------------------------------------------------------------


def xlsb(rows: Mapping[int, Mapping[int, str | float]], *, codes: Sequence[str] = ()) -> bytes:
    """A workbook of one sheet, "Binary": row to column to value, both counted from 0; the numbers
    of each column go by the format at its place in `codes`.
    """
    book = (
        _xlsb_record(0x9C, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Binary"))
        + _xlsb_record(0x90)
        + _xlsb_record(0x84)
    )
    sheet = (
        _xlsb_record(0x81)
        + _xlsb_record(0x94, struct.pack("<IIII", 0, max(rows), 0, 9))
        + _xlsb_record(0x91)
    )
    for row, cells in rows.items():
        sheet += _xlsb_record(0, struct.pack("<I", row) + bytes(21))
        for column, value in cells.items():
            style = column + 1 if column < len(codes) else 0
            head = struct.pack("<II", column, style)
            body = (6, _wide(value)) if isinstance(value, str) else (5, struct.pack("<d", value))
            sheet += _xlsb_record(body[0], head + body[1])
    relations = {
        "rId1": ("worksheet", "worksheets/sheet1.bin"),
        **({"rId2": ("styles", "styles.bin")} if codes else {}),
    }
    return zipped(
        {
            "_rels/.rels": _relationships({"rId1": ("officeDocument", "xl/workbook.bin")}),
            "xl/workbook.bin": book,
            **({"xl/styles.bin": _xlsb_styles(codes)} if codes else {}),
            "xl/_rels/workbook.bin.rels": _relationships(relations),
            "xl/worksheets/sheet1.bin": sheet + _xlsb_record(0x92) + _xlsb_record(0x82),
        }
    )


def _xlsb_styles(codes: Sequence[str]) -> bytes:
    """A style for each code, after a plain one; those before them are of no cell."""
    count = struct.pack("<I", len(codes))
    formats = (
        _xlsb_record(44, struct.pack("<H", 164 + at) + _wide(code)) for at, code in enumerate(codes)
    )
    numbers = (0, *range(164, 164 + len(codes)))
    styles = (_xlsb_record(47, struct.pack("<HH", 0, number) + bytes(12)) for number in numbers)
    of_no_cell = _xlsb_record(47, struct.pack("<HH", 0xFFFF, 10) + bytes(12))
    return b"".join(
        (
            *(_xlsb_record(615, count), *formats, _xlsb_record(616)),
            *(_xlsb_record(626, struct.pack("<I", 1)), of_no_cell, _xlsb_record(627)),
            *(_xlsb_record(617, struct.pack("<I", len(numbers))), *styles, _xlsb_record(618)),
        )
    )


def _xlsb_record(kind: int, body: bytes = b"") -> bytes:
    return _varint(kind) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


# ---- xls -----------------------------------------------------------------------------------------


def xls(
    rows: Sequence[Sequence[str | float]],
    *,
    name: str = "Old",
    encrypted: bool = False,
    codes: Sequence[str] = (),
    texts: Sequence[tuple[str, int, int]] = (),
) -> bytes:
    """A workbook of one sheet; numbers in column n are shown by `codes[n]`; `texts` are those of
    comments, each with its row and column from 0, or of boxes, at -1.
    """
    lock = _xls_record(0x2F, struct.pack("<HHH", 1, 1, 1) + bytes(48)) if encrypted else b""
    opening = _xls_record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + lock
    for number, code in enumerate(codes, 164):
        head = struct.pack("<HHB", number, len(code), 0)
        opening += _xls_record(0x41E, head + code.encode("latin1"))
    opening += b"".join(
        _xls_record(0xE0, struct.pack("<HH16x", 0, 164 + n)) for n in range(len(codes))
    )
    start = len(opening) + 4 + 8 + len(name) + 4
    listed = _xls_record(
        0x85, struct.pack("<IBBBB", start, 0, 0, len(name), 0) + name.encode("latin1")
    )
    cells = b"".join(
        _xls_cell(row, column, value, column if column < len(codes) else 0)
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
    )
    sheet = (
        _xls_record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
        + cells
        + b"".join(_xls_text(number, text) for number, (text, _, _) in enumerate(texts, 1))
        + b"".join(
            _xls_record(0x1C, struct.pack("<HHHHHB", row, column, 0, number, 1, 0) + b"I")
            for number, (_, row, column) in enumerate(texts, 1)
            if row >= 0
        )
        + _xls_record(0x0A)
    )
    return compound("Workbook", opening + listed + _xls_record(0x0A) + sheet)


def _xls_text(number: int, text: str) -> bytes:
    """An object with a text, its latter half in a record of its own, two bytes a character."""
    half = len(text) // 2
    return (
        _xls_record(0x5D, struct.pack("<HHHHH12x", 0x15, 0x12, 0x19, number, 0))
        + _xls_record(0x1B6, struct.pack("<HHHHHHHI", 0, 0, 0, 0, 0, len(text), 16, 0))
        + _xls_record(0x3C, b"\0" + text[:half].encode("latin1"))
        + _xls_record(0x3C, b"\1" + text[half:].encode("utf-16-le"))
        + _xls_record(0x3C, bytes(16))
    )


def _xls_cell(row: int, column: int, value: str | float, style: int) -> bytes:
    head = struct.pack("<HHH", row, column, style)
    if isinstance(value, str):
        return _xls_record(0x204, head + struct.pack("<HB", len(value), 0) + value.encode("latin1"))
    return _xls_record(0x203, head + struct.pack("<d", value))


def _xls_record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def compound(name: str, stream: bytes) -> bytes:
    """An OLE file with one stream of at least 4,096 bytes, of at most 60 KB."""
    stream = stream.ljust(4096, b"\0")
    stream += bytes(-len(stream) % _SECTOR)
    count = len(stream) // _SECTOR
    chain = [0xFFFFFFFD, _END_OF_CHAIN, *range(3, count + 2), _END_OF_CHAIN]
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(_SECTOR, b"\xff")
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
        + bytes(6)
    )
    header += struct.pack(
        "<IIIIIIIII", 0, 1, 1, 0, 4096, _END_OF_CHAIN, 0, _END_OF_CHAIN, 0
    ) + struct.pack("<I", 0)
    folder = _entry("Root Entry", 5, 1, _END_OF_CHAIN, 0) + _entry(
        name, 2, _NO_SECTOR, 2, len(stream)
    )
    return header.ljust(_SECTOR, b"\xff") + table + folder.ljust(_SECTOR, b"\0") + stream


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le").ljust(64, b"\0")
    head = struct.pack("<HBBIII", 2 * len(name) + 2, kind, 1, _NO_SECTOR, _NO_SECTOR, child)
    return encoded + head + bytes(36) + struct.pack("<IQ", start, size)
