"""A broken PDF, written anew so that pdfium opens it."""

from __future__ import annotations

import re
from typing import Any

_MAX_UNPACKED = 2**28  # bytes of streams that are unpacked to write a file anew
_CATALOG = re.compile(rb"(\d{1,7}) \d{1,5} obj\s*<<[^>]{0,200}/Type\s*/Catalog")


def with_end(data: bytes) -> bytes:
    """A file that lost its end, with one that names its catalog; b"" for a file that has an end or
    shows no catalog.
    """
    catalogs = _CATALOG.findall(data) if b"startxref" not in data[-2048:] else []
    return (
        data + b"\nendobj\ntrailer\n<< /Root %s 0 R >>\nstartxref\n0\n%%%%EOF\n" % catalogs[-1]
        if catalogs
        else b""
    )


def rewritten(reader: Any) -> bytes:
    """The file written anew, its Brotli streams unpacked, as pdfium does not know them; b"" where
    pypdf cannot write it.
    """
    import io

    import pypdf
    from pypdf.generic import StreamObject

    try:
        writer = pypdf.PdfWriter(clone_from=reader)
        unpacked = 0
        for index, stream in enumerate(writer._objects):  # its only list of all objects
            if isinstance(stream, StreamObject) and "/BrotliDecode" in str(stream.get("/Filter")):
                plain = StreamObject()
                plain.set_data(stream.get_data())
                unpacked += len(plain.get_data())
                if unpacked > _MAX_UNPACKED:
                    return b""
                plain.update(
                    {
                        key: value
                        for key, value in stream.items()
                        if key not in {"/Filter", "/DecodeParms", "/Length"}
                    }
                )
                writer._objects[index] = plain
        written = io.BytesIO()
        writer.write(written)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a broken PDF makes pypdf raise anything; the pages may still be read
        return b""
    return written.getvalue()
