"""Office documents that are one XML file (flat OpenDocument: .fodt and its kin; flat OPC of Word,
Excel and PowerPoint) as the ZIP packages of the same parts, so that there is one way to read them.
"""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from collections.abc import Iterator
from typing import Any

from searchapp.errors import FileFailed

_PARTS_OF_ODF = ("content.xml", "styles.xml", "meta.xml")
_MAX_PARTS = 10_000


def is_flat(data: bytes) -> bool:
    """Whether the bytes are XML rather than a ZIP file."""
    return data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def packaged(data: bytes) -> bytes:
    """The package of a flat document, its pictures left out; raises FileFailed for broken XML."""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=True,  # as all XML: what can be read of it
        huge_tree=True,  # a picture in it may be longer than any text
    )
    try:
        root = etree.fromstring(data.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FileFailed(f"not a readable file: broken XML: {str(error)[:100]}") from error
    if root is None:
        raise FileFailed("not a readable file: broken XML")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as package:
        is_opc = etree.QName(root).localname == "package"
        for name, content in _parts_of_opc(root) if is_opc else _parts_of_odf(root):
            package.writestr(name, content)
    return target.getvalue()


def _parts_of_odf(root: Any) -> Iterator[tuple[str, bytes]]:  # an lxml element
    """The same XML as each part: readers take what they look for out of it."""
    from lxml import etree

    for element in list(root.iter("{*}binary-data")):
        element.getparent().remove(element)
    content = etree.tostring(root)
    for name in _PARTS_OF_ODF:
        yield name, content


def _parts_of_opc(root: Any) -> Iterator[tuple[str, bytes]]:
    from lxml import etree

    names = set()
    for part in root.iterfind("{*}part"):
        name = next(
            (value for key, value in part.attrib.items() if key.rpartition("}")[2] == "name"), ""
        ).lstrip("/")
        if not name or name in names:
            continue
        names.add(name)
        if len(names) > _MAX_PARTS:
            raise FileFailed(f"not a readable file: holds more than {_MAX_PARTS:,} parts")
        inner = next(iter(part.iterfind("{*}xmlData/*")), None)
        if inner is not None:
            yield name, etree.tostring(inner)
        elif (packed := part.findtext("{*}binaryData")) is not None:
            try:
                yield name, base64.b64decode(packed)
            except (binascii.Error, ValueError):
                continue
