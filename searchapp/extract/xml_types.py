"""Which XML a text is, by its first tag: whatever its name and with or without a declaration."""

from __future__ import annotations

import re

_PROLOG = (
    rb"\s*+(?:<\?(?>.*?\?>)\s*+|<!--(?>.*?-->)\s*+|<!DOCTYPE[^<>\[]*+(?:\[(?>.*?\]\s*>)|>)\s*+)*+"
)
_ROOT = re.compile(_PROLOG + rb"<((?:[\w.-]+:)?[A-Za-z_][\w.-]*)([^<>]*)", re.DOTALL)
_DECLARED = re.compile(rb"\s*<\?xml[\s?]")
_FLAT_ODF = {
    b"text": "odt",
    b"spreadsheet": "ods",
    b"presentation": "odp",
    b"graphics": "odg",
}
_MIMETYPE = re.compile(rb"mimetype\s*=\s*[\"']application/vnd\.oasis\.opendocument\.([a-z]+)")
_FLAT_OPC = ((b'"/word/', "docx"), (b'"/xl/', "xlsx"), (b'"/ppt/', "pptx"))
_EVERNOTE = {b"en-export": "enex", b"en-note": "enml"}
_WORD = b"http://schemas.microsoft.com/office/word/2003/wordml"
_SPREADSHEET = b"urn:schemas-microsoft-com:office:spreadsheet"


def is_xml(data: bytes) -> bool:
    """Whether a text is XML: it says so, or its first tag is also its last."""
    if _DECLARED.match(data[:200]):
        return True
    root = _ROOT.match(data[:65536]) if data[:200].lstrip().startswith(b"<") else None
    if root is None or root[1].lower() == b"html":
        return False
    return data.rstrip().endswith(b"</" + root[1] + b">") or (
        root[2].rstrip().endswith(b"/") and data.rstrip().endswith(b"/>")
    )


def xml_type(head: bytes) -> str:
    """The type of an XML file by its beginning: that of an office document where it is one in a
    single file, else "xml".
    """
    root = _ROOT.match(head)
    if root is None:
        return "xml"
    name = root[1].rpartition(b":")[2]
    if name == b"document" and (kind := _MIMETYPE.search(root[2])):
        return _FLAT_ODF.get(kind[1], "xml")
    if name == b"package":
        return next((flat_type for mark, flat_type in _FLAT_OPC if mark in head), "xml")
    if name == b"plist":
        return "plist"
    if name in _EVERNOTE:
        return _EVERNOTE[name]
    if name == b"wordDocument" and _WORD in root[2]:
        return "doc"
    return "xls" if name == b"Workbook" and _SPREADSHEET in root[2] else "xml"
