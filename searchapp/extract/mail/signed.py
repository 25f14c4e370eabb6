"""Files signed as a whole (.p7m: S/MIME and CMS, RFC 5652): what was signed is within.

The signature is not checked: what the file says is read, whoever says so.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from searchapp.errors import FileFailed, FileSkipped
from searchapp.extract.archives.names import MemberNames, refusal_of_name
from searchapp.extract.members import Allowance, Member

_ARMOR = re.compile(rb"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_MAIL = re.compile(
    rb"\s*(?:[\w-]{1,40}:[^\n]*\n(?:[ \t][^\n]*\n)*){0,40}?content-type:", re.IGNORECASE
)


def members(data: bytes, document_type: str, name: str, allowance: Allowance) -> Iterator[Member]:  # noqa: ARG001 - as all readers
    """The one thing that was signed: a mail as "message.eml", a file under its own name. Raises
    FileFailed for what is encrypted or broken, FileSkipped for a signature alone.
    """
    content = _signed(data)
    inner = _MAIL.match(content[:8192]) is not None
    stem = PurePosixPath(name).stem if name.lower().endswith(".p7m") else ""
    is_named = "." in stem and not inner
    member_name = stem if is_named else "message.eml" if inner else "content.txt"
    if refusal := refusal_of_name(member_name):
        yield Member(member_name, refusal=refusal)
    else:
        yield Member(MemberNames().of(member_name), content)


def _signed(data: bytes) -> bytes:
    from asn1crypto import cms

    try:
        message = cms.ContentInfo.load(_binary(data))
        kind = str(message["content_type"].native)
        if kind in {"enveloped_data", "authenticated_enveloped_data", "encrypted_data"}:
            raise FileFailed("encrypted: needs a key")
        if kind != "signed_data":
            raise FileSkipped(f"no reader for signed files of this kind ({kind})")
        held = message["content"]["encap_content_info"]["content"].native
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FileFailed(f"not a readable signed file: {str(error)[:100]}") from error
    if not isinstance(held, bytes) or not held:
        raise FileSkipped("only a signature, without what it signs")
    return held


def _binary(data: bytes) -> bytes:
    """The bytes of a file that may be written in base64, with or without the lines around it."""
    if data[:1] == b"\x30":
        return data
    try:
        return base64.b64decode(_ARMOR.sub(b"", data))
    except binascii.Error as error:
        raise FileFailed("not a readable signed file: broken base64") from error
