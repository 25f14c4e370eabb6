"""What programs pack around a mail: winmail.dat ([MS-OXTNEF]) and signed files (CMS)."""

from __future__ import annotations

import struct


def attribute(level: int, number: int, value: bytes) -> bytes:
    """An attribute of the message (level 1) or of a file (level 2)."""
    return struct.pack("<BII", level, number, len(value)) + value + b"\0\0"


def tnef(*attributes: bytes) -> bytes:
    """A winmail.dat with these attributes."""
    return b"\x78\x9f\x3e\x22\x01\0" + b"".join(attributes)


def wide(number: int, text: str) -> bytes:
    """A MAPI property that is text in UTF-16."""
    value = text.encode("utf-16-le") + b"\0\0"
    padding = bytes(-len(value) % 4)
    return struct.pack("<HHII", 0x1F, number, 1, len(value)) + value + padding


def signed(content: bytes | None, kind: str = "signed_data") -> bytes:
    """A file that is signed by nobody, around some content or without it."""
    from asn1crypto import cms

    held = {"content_type": "data"} | ({"content": content} if content is not None else {})
    inner = cms.SignedData(
        {"version": "v1", "digest_algorithms": [], "encap_content_info": held, "signer_infos": []}
    )
    return bytes(cms.ContentInfo({"content_type": kind, "content": inner}).dump())
