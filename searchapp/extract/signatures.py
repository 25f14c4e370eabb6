"""The bytes and names by which `detect` tells formats that are no text, with the usual endings of
these formats.
"""

from __future__ import annotations

import re

ZIPPED_PARTS = (
    ("word/document", "docx"),
    ("xl/workbook.bin", "xlsb"),
    ("xl/workbook", "xlsx"),
    ("ppt/presentation", "pptx"),
    ("visio/document", "vsdx"),
    ("Contents/section0.xml", "hwpx"),
    ("FixedDocSeq.fdseq", "xps"),
    ("FixedDocumentSequence.fdseq", "xps"),
)
OBJECTS_OF_IWORK = re.compile(r"Index/.*\.iwa", re.DOTALL)
IWORK = frozenset({"pages", "numbers", "key"})
ZIPPED_MIMETYPES = {  # what the first file of a ZIP, "mimetype", says
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.presentation": "odp",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.graphics": "odg",
    b"application/vnd.oasis.opendocument.chart": "odt",
    b"application/vnd.oasis.opendocument.formula": "odt",
    b"application/hwp+zip": "hwpx",
}
OLE_STREAMS = {  # the stream that is in every such file
    "__properties_version1.0": "msg",
    "WordDocument": "doc",
    "PowerPoint Document": "ppt",
    "PP97_DUALSTORAGE": "ppt",
    "Workbook": "xls",
    "Book": "xls",
}
OLE_WITHOUT_READER = {"VisioDocument": "vsd", "BodyText": "hwp", "MatOST": "wps", "Quill": "pub"}
WITHOUT_READER = {  # the first bytes of formats that nothing here reads
    b"!BDN": "pst",
    b"ITSF": "chm",
    b"ITOLITLS": "lit",
    b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d": "one",
    b"\xffWPC": "wpd",
    b"\0\0\x02\0\x06\x04\x06\0": "wk1",
    b"\0\0\x1a\0\0\x10\x04\0": "wk3",
    b"\0\0\x1a\0\x02\x10\x04\0": "wk4",
    b"\xff\0\x02\0\x04\x04": "wks",
    b"\0\0\x02\0\x20\x51\x06\0": "wq1",
    b"\x01\xfe": "wps",
    b"WordPro\0": "lwp",
    b"\x31\xbe\0\0\0\xab": "wri",
    b"\xdb\xa5": "wri",  # Word 2
    b"\x9b\xa5": "wri",  # Word 1
}
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TNEF = b"\x78\x9f\x3e\x22"  # what Outlook packs as winmail.dat
SIGNED = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"  # names what is signed or sealed
PACKED = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz"))
IMAGES = (
    (b"\x89PNG\r\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
STORED = (  # and other formats that say what they are
    (b"SQLite format 3\0", "sqlite"),
    (b"PAR1", "parquet"),
    (b"AT&TFORM", "djvu"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"bplist00", "plist"),
)
HEIF = {b"avif": "avif", b"avis": "avif"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "heic"
)
PALM = (b"BOOKMOBI", b"TEXtREAd")

SIGNATURES = (  # that no text begins with
    *(mark for mark in WITHOUT_READER if not mark.isascii() or b"\0" in mark),
    *ZIP,
    OLE,
    TNEF,
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"RIFF", b"II*\0", b"MM\0*", b"8BPS"),
    *(
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ",
        b"7z\xbc\xaf",
        b"Rar!\x1a",
        b"\x28\xb5\x2f\xfd",
        b"!<arch>",
    ),
    *(b"\x7fELF", b"MZ\x90", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\0asm"),
    *(b"ID3", b"\xff\xfb", b"OggS", b"fLaC", b"\x1aE\xdf\xa3", b"\0\0\x01\xba"),
    *(
        b"SQLite format 3\0",
        b"PAR1",
        b"bplist00",
        b"\x93NUMPY",
        b"\x89HDF",
        b"wOFF",
        b"wOF2",
        b"OTTO\0",
        b"\0\x01\0\0",
    ),
)
